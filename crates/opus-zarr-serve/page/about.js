// Texts about the chosen recording and the view.

import { clock, digits, kilohertz, length, longDay, duration, offsetText, timeStep } from "./axis.js";

/** Says what is seen, for people who read and people who listen. */
export function viewText(view, one) {
  const span = view.to - view.from;
  const places = Math.min(6, digits(timeStep(span, 20)));
  const band = `${kilohertz(view.low).replace(" kHz", "")} – ${kilohertz(view.high)}`;
  return `${between(view.from, view.to, places, one)} (${length(span)}), ${band}`;
}

function between(from, to, places, one) {
  if (one.clock === "none") return `${duration(from, places)} – ${duration(to, places)}`;
  const [first, last] = [from + one.offset, to + one.offset];
  const start = `${longDay(first)} ${clock(first, places)}`;
  const end = longDay(first) === longDay(last) ? clock(last, places) : `${longDay(last)} ${clock(last, places)}`;
  return `${start} – ${end}`;
}

/** Says where the pointer is. */
export function pointText(time, hertz, view, one) {
  const places = Math.min(6, digits(timeStep((view.to - view.from) / 20, 20)));
  const text = one.clock === "none" ? duration(time, places) : clock(time + one.offset, places);
  return `${text}, ${kilohertz(Math.max(0, hertz))}`;
}

/** Fills the list of facts. */
export function showFacts(list, one) {
  const { row } = one;
  const facts = {
    Start: startText(one),
    Length: `${length(one.seconds)}, ${row.samples.toLocaleString("en")} samples at ${row.real_rate.toLocaleString("en")} Hz`,
    Channels: row.channels,
    Station: row.site,
    Device: row.device,
    Place: row.latitude == null || row.longitude == null ? undefined : `${row.latitude}, ${row.longitude}`,
    File: row.source,
    Exact: row.is_exact === false ? "no" : undefined,
    Findings: row.findings || undefined,
    Gaps: row.gaps || undefined,
  };
  for (const [key, value] of Object.entries(row.notes ?? {})) {
    if (!["site", "device"].includes(key)) facts[key] = typeof value === "string" ? value : JSON.stringify(value);
  }
  const items = Object.entries(facts).filter(([, value]) => value !== undefined && value !== null && value !== "");
  list.replaceChildren(...items.flatMap(([key, value]) => [text("dt", key), text("dd", value)]));
}

function startText(one) {
  if (one.clock === "none") return "unknown";
  const at = one.start + one.offset;
  const zone = one.clock === "local" ? "by the recorder's clock, zone unknown" : one.zone ?? "";
  const offset = one.clock === "local" ? "" : offsetText(one.offset);
  return [longDay(at), clock(at), offset, zone].filter(Boolean).join(" ");
}

function text(tag, value) {
  const element = document.createElement(tag);
  element.textContent = String(value);
  return element;
}
