// Ticks and texts of the axes. Times are seconds; a moment is in seconds since 1970 by the clock that is shown.

const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
  86400, 172800, 345600, 604800, 1209600,
];
const MONTH = 30.44 * 86400;
const MONTH_STEPS = [1, 2, 3, 6, 12, 24, 60, 120, 600, 1200];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Returns the distance between ticks so that a span has at most `most` of them. */
export function timeStep(span, most) {
  const least = span / Math.max(1, most);
  if (least <= 0.5) return decimalStep(least);
  return STEPS.find((step) => step >= least) ?? STEPS.at(-1) * decimalStep(least / STEPS.at(-1));
}

/** Returns the least of 1, 2 and 5 times a power of ten that is not below `least`. */
export function decimalStep(least) {
  const power = 10 ** Math.floor(Math.log10(least) + 1e-9);
  for (const factor of [1, 2, 5]) {
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

/** Returns the multiples of `step` from `from` to `to`. */
export function multiples(from, to, step) {
  const values = [];
  // Counted rather than added up, so that errors do not add up.
  for (let n = Math.ceil(from / step - 1e-6); n * step <= to + step * 1e-6; n += 1) values.push(n * step);
  return values;
}

/** Returns the digits after the decimal point that multiples of a step need. */
export function digits(step) {
  return step >= 1 ? 0 : Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
}

/** Returns the ticks between two moments: places, and texts that leave out what the step makes zero. */
export function timeTicks(from, to, most) {
  if ((to - from) / Math.max(1, most) > STEPS.at(-1)) return monthTicks(from, to, most);
  const step = timeStep(to - from, most);
  return multiples(from, to, step).map((at) => ({ at, text: tickText(at, step) }));
}

/** Returns ticks at the first of months: "Mar", or the year in January. */
function monthTicks(from, to, most) {
  const least = (to - from) / Math.max(1, most) / MONTH;
  const step = MONTH_STEPS.find((months) => months >= least) ?? Math.ceil(least);
  const begin = new Date(from * 1000);
  const first = Math.ceil((begin.getUTCFullYear() * 12 + begin.getUTCMonth()) / step) * step;
  const ticks = [];
  for (let month = first; ; month += step) {
    const at = Date.UTC(Math.floor(month / 12), month % 12) / 1000;
    if (at > to) return ticks;
    if (at >= from) ticks.push({ at, text: month % 12 === 0 ? String(month / 12) : MONTHS[month % 12] });
  }
}

function tickText(at, step) {
  const rounded = Math.round(at * 1e6) / 1e6;
  const isMidnight = Math.abs(rounded - Math.round(rounded / 86400) * 86400) < step / 1e3;
  if (step >= 86400 || isMidnight) return shortDay(rounded + step / 1e3);
  return clock(rounded, digits(step), step < 60);
}

/** Returns ticks of seconds from the start, for a recording whose time of day is unknown. */
export function durationTicks(from, to, most) {
  const step = timeStep(to - from, most);
  return multiples(from, to, step).map((at) => ({ at, text: duration(at, digits(step)) }));
}

/** Returns "12 May". */
export function shortDay(moment) {
  const date = new Date(Math.floor(moment) * 1000);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

/** Returns "12 May 2026". */
export function longDay(moment) {
  return `${shortDay(moment)} ${new Date(Math.floor(moment) * 1000).getUTCFullYear()}`;
}

/** Returns "2026-05-12". */
export function isoDay(moment) {
  return new Date(Math.floor(moment) * 1000).toISOString().slice(0, 10);
}

/** Returns "22:15:03.25". */
export function clock(moment, places = 0, hasSeconds = true) {
  const units = 10 ** places;
  const whole = Math.round(moment * units);
  const second = Math.floor(whole / units);
  const text = new Date(second * 1000).toISOString().slice(11, hasSeconds ? 19 : 16);
  if (places === 0) return text;
  return `${text}.${String(whole - second * units).padStart(places, "0")}`;
}

/** Returns "0:03.25" or "1:00:03", with a sign if negative. */
export function duration(seconds, places = 0) {
  const units = 10 ** places;
  const whole = Math.round(Math.abs(seconds) * units);
  const total = Math.floor(whole / units);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  const head = hours > 0 ? `${hours}:${two(minutes)}` : `${minutes}`;
  const tail = places > 0 ? `.${String(whole - total * units).padStart(places, "0")}` : "";
  return `${seconds < 0 && whole > 0 ? "-" : ""}${head}:${two(total % 60)}${tail}`;
}

/** Returns a length in the unit that suits it: "12.5 ms", "3.2 s", "2 h 5 min". */
export function length(seconds) {
  const size = Math.abs(seconds);
  if (size < 1) return `${Number((seconds * 1000).toPrecision(4))} ms`;
  if (size < 120) return `${Number(seconds.toPrecision(4))} s`;
  const minutes = Math.round(size / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.round(hours / 24)} days`;
}

/** Returns ticks of frequencies in Hz, with texts in kHz. */
export function frequencyTicks(low, high, most) {
  const step = decimalStep((high - low) / Math.max(1, most));
  return multiples(low, high, step).map((at) => ({ at, text: (at / 1000).toFixed(digits(step / 1000)) }));
}

/** Returns "8.25 kHz". */
export function kilohertz(hertz) {
  return `${Number((hertz / 1000).toFixed(2))} kHz`;
}

/** Returns "UTC+02:00" for an offset in seconds. */
export function offsetText(offset) {
  if (offset === 0) return "UTC";
  const minutes = Math.round(Math.abs(offset) / 60);
  const two = (number) => String(number).padStart(2, "0");
  return `UTC${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
