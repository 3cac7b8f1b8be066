// Links: the fragment of the address holds what is seen, so that a link opens the same view.
// Times count from the start of the recording, so a link survives a correction of the recorder's clock.

const NUMBERS = ["from", "to", "low", "high", "min", "max", "channel", "speed", "cursor"];

/** Returns the fragment for a state; leaves out what is undefined. */
export function encode(state) {
  const query = new URLSearchParams();
  if (state.store) query.set("store", state.store);
  query.set("name", state.name);
  for (const key of NUMBERS) {
    if (state[key] !== undefined) query.set(key, compact(state[key]));
  }
  if (state.colours) query.set("colours", state.colours);
  if (state.box) query.set("box", ["from", "to", "low", "high"].map((key) => compact(state.box[key])).join(","));
  return `#${query.toString().replaceAll("%2C", ",")}`;
}

/** Returns the state of a fragment; what is missing or no number is left out. Undefined without a name. */
export function decode(fragment) {
  const query = new URLSearchParams(fragment.replace(/^#/, ""));
  const name = query.get("name");
  if (!name) return undefined;
  const state = { name };
  if (query.get("store")) state.store = query.get("store");
  for (const key of NUMBERS) {
    const value = number(query.get(key));
    if (value !== undefined) state[key] = value;
  }
  if (/^[a-z-]+$/.test(query.get("colours") ?? "")) state.colours = query.get("colours");
  const box = decodeBox(query.get("box"));
  if (box) state.box = box;
  return state;
}

function decodeBox(text) {
  const values = (text ?? "").split(",").map(number);
  if (values.length !== 4 || values.includes(undefined)) return undefined;
  const [from, to, low, high] = values;
  return from < to && low < high ? { from, to, low, high } : undefined;
}

function number(text) {
  if (text === null || text.trim() === "") return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

// A sample at 500 kHz takes 2 microseconds.
function compact(value) {
  return String(Number(value.toFixed(7)));
}
