// Arithmetic of tiles. At zoom z a column stands for 2^z samples; a tile has 256 columns.

export const COLUMNS = 256;
/** Days in one column. */
const DEEPEST = 32;

/** Returns the zoom whose columns are at least as fine as pixels of so many samples. */
export function zoomFor(samplesPerPixel) {
  return Math.min(DEEPEST, Math.floor(Math.log2(Math.max(1, samplesPerPixel)) + 1e-9));
}

/** Returns the samples of a tile, cut off at the end of the recording. */
export function tileSpan(zoom, x, samples) {
  const size = COLUMNS * 2 ** zoom;
  return { from: x * size, to: Math.min(samples, (x + 1) * size) };
}

/** Returns the numbers of the tiles that cover samples, those nearest to the middle first. */
export function tilesOver(from, to, zoom, samples) {
  if (from >= samples || to <= 0) return [];
  const size = COLUMNS * 2 ** zoom;
  const first = Math.floor(Math.max(0, from) / size);
  const last = Math.ceil(Math.min(samples, to) / size) - 1;
  const numbers = [];
  for (let x = first; x <= last; x += 1) numbers.push(x);
  const middle = (from + to) / 2 / size - 0.5;
  return numbers.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
}

/** Returns the tile at a coarser zoom that holds a tile. */
export function ancestor(zoom, x, levels) {
  return { zoom: zoom + levels, x: Math.floor(x / 2 ** levels) };
}

/** Returns which part of a picture to draw for samples, in columns of the picture. */
export function partOf(zoom, x, from, to) {
  const start = tileSpan(zoom, x, Infinity).from;
  return { left: (from - start) / 2 ** zoom, width: (to - from) / 2 ** zoom };
}

/** Returns the query of a tile; equal looks have equal queries. Channel 0 is the mean of all. */
export function lookQuery(look) {
  const query = new URLSearchParams({
    low: String(Math.floor(look.low)),
    high: String(Math.floor(look.high)),
    min: String(look.min),
    max: String(look.max),
    colours: look.colours,
  });
  if (look.channel) query.set("channel", String(look.channel));
  return query.toString();
}
