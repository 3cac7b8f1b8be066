// The selection: a box of times and frequencies, its texts and its panel.

import { address } from "./api.js";
import { clock, digits, decimalStep, duration, kilohertz, length, longDay } from "./axis.js";
import { nearest } from "./lanes.js";
import { cutUrl } from "./sources.js";
import { clamp } from "./view.js";

const FIELDS = ["from", "to", "low", "high"];

/** Returns the recording of a state's box: the one in its middle. */
export function recordingOf({ box, lane, chosen }) {
  return nearest(lane.recordings, (box.from + box.to) / 2, chosen);
}

/** Returns the samples of a box in a recording, at least one. */
export function samplesOf(box, one) {
  const at = (time) => clamp(Math.round((time - one.start) * one.rate), 0, one.row.samples);
  const from = Math.min(at(box.from), one.row.samples - 1);
  return { from, to: Math.max(from + 1, at(box.to)) };
}

/** Returns a box between two corners, inside a recording's frequencies; undefined if it has no size. */
export function between(one, a, b, nyquist) {
  const box = {
    from: Math.min(a.time, b.time),
    to: Math.max(a.time, b.time),
    low: clamp(Math.min(a.hertz, b.hertz), 0, nyquist),
    high: clamp(Math.max(a.hertz, b.hertz), 0, nyquist),
  };
  return box.from < box.to && box.low < box.high ? box : undefined;
}

/** Returns a box of a quarter of the view around a time. */
export function around(view, time) {
  const width = (view.to - view.from) / 8;
  const height = (view.high - view.low) / 4;
  const middle = (view.low + view.high) / 2;
  return { from: time - width, to: time + width, low: middle - height, high: middle + height };
}

/** Moves a box, or its end and top, by shares of the view; it stays below `nyquist`. */
export function moved(box, view, right, up, isSize, nyquist) {
  const time = (view.to - view.from) * right;
  const hertz = (view.high - view.low) * up;
  const next = isSize
    ? { ...box, to: box.to + time, high: clamp(box.high + hertz, 0, nyquist) }
    : { from: box.from + time, to: box.to + time, low: box.low + hertz, high: box.high + hertz };
  const isValid = next.from < next.to && next.low < next.high && next.low >= 0 && next.high <= nyquist;
  return isValid ? next : box;
}

/** Says what a box holds. */
export function describe(box, one) {
  const places = Math.min(6, digits(decimalStep(Math.max(1e-6, (box.to - box.from) / 1000))));
  const [from, to] = [box.from + one.offset, box.to + one.offset];
  const times = one.clock === "none"
    ? `${duration(box.from, places)} – ${duration(box.to, places)}`
    : `${longDay(from)} ${clock(from, places)} – ${clock(to, places)}`;
  return `${times} (${length(box.to - box.from)}), ${kilohertz(box.low).replace(" kHz", "")} – ${kilohertz(box.high)}, in ${one.row.name}`;
}

/** The panel. `actions` are change(box), listen(), zoom() and clear(). */
export class BoxPanel {
  #element;
  #fields;
  #actions;
  #one;

  constructor(find, actions) {
    this.#element = find("box");
    this.#actions = actions;
    this.#fields = Object.fromEntries(FIELDS.map((name) => [name, find(`box-${name}`)]));
    for (const field of Object.values(this.#fields)) field.addEventListener("change", () => this.#read());
    find("box-listen").addEventListener("click", () => actions.listen());
    find("box-zoom").addEventListener("click", () => actions.zoom());
    find("box-clear").addEventListener("click", () => actions.clear());
  }

  /** Shows the box of a state, or hides the panel. */
  show(state, find) {
    const { box, speed } = state;
    this.#element.hidden = !box;
    if (!box) return;
    const one = recordingOf(state);
    this.#one = one;
    find("box-text").textContent = describe(box, one);
    const values = {
      from: (box.from - one.start).toFixed(6), to: (box.to - one.start).toFixed(6),
      low: (box.low / 1000).toFixed(3), high: (box.high / 1000).toFixed(3),
    };
    for (const name of FIELDS) {
      if (document.activeElement !== this.#fields[name]) this.#fields[name].value = String(Number(values[name]));
    }
    const { from, to } = samplesOf(box, one);
    const download = find("box-download");
    download.href = address(cutUrl(one.row, from, to, speed));
    download.download = `${one.row.name}_${from}-${to}.wav`;
    download.textContent = speed === 1 ? "Download WAV" : `Download WAV at ${speed}×`;
  }

  #read() {
    const [from, to, low, high] = FIELDS.map((name) => this.#fields[name].valueAsNumber);
    const one = this.#one;
    const box = {
      from: one.start + from, to: one.start + to, low: Math.max(0, low * 1000), high: Math.min(one.nyquist, high * 1000),
    };
    // An unfinished number stays in its field.
    if (box.from < box.to && box.low < box.high) this.#actions.change(box);
  }
}
