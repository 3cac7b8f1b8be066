// Draws what is seen of a lane: tiles, labels, the selection, the cursor and the axes.

import { tileAddress } from "./api.js";
import { clock, durationTicks, frequencyTicks, longDay, offsetText, timeTicks } from "./axis.js";
import { nearest } from "./lanes.js";
import { ancestor, COLUMNS, lookQuery, partOf, tilesOver, tileSpan, zoomFor } from "./tiles.js";

const LEFT = 44;
const BOTTOM = 36;
const TOP = 6;
const RIGHT = 8;
/** Narrower recordings are drawn so wide, */
const LEAST_PIXELS = 3;
/** and if there are more, those are drawn as bars without tiles. */
const MOST_NARROW = 300;
/** How many zooms coarser a tile is that is loaded first where nothing is there. */
const FIRST = 3;
/** Texts of labels need so many pixels. */
const LABEL_PIXELS = 24;

export class Spectrogram {
  #canvas;
  #loader;
  #colours;

  constructor(canvas, loader) {
    this.#canvas = canvas;
    this.#loader = loader;
    this.readColours();
  }

  /** Reads the colours of the theme. */
  readColours() {
    const style = getComputedStyle(document.documentElement);
    const names = ["back", "panel", "text", "quiet", "line", "gap", "cover", "cursor", "box", "label"];
    this.#colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }

  /** The rectangle inside the axes, in CSS pixels. */
  get area() {
    const { clientWidth, clientHeight } = this.#canvas;
    return { x: LEFT, y: TOP, width: Math.max(1, clientWidth - LEFT - RIGHT), height: Math.max(1, clientHeight - TOP - BOTTOM) };
  }

  timeAt(x, view) {
    return new Scale(view, this.area).timeOf(x);
  }

  hertzAt(y, view) {
    return view.high - ((y - this.area.y) / this.area.height) * (view.high - view.low);
  }

  /** Draws everything, and asks for the tiles that are missing. */
  draw(state) {
    const context = this.#prepare();
    if (!state.view) return;
    const scale = new Scale(state.view, this.area);
    context.save();
    context.beginPath();
    context.rect(scale.x, scale.y, scale.width, scale.height);
    context.clip();
    context.fillStyle = this.#colours.gap;
    context.fillRect(scale.x, scale.y, scale.width, scale.height);
    const seen = state.lane.recordings.filter((one) => one.end > state.view.from && one.start < state.view.to);
    // The chosen one is on top, and its tiles come first.
    seen.sort((a, b) => (a === state.chosen) - (b === state.chosen));
    const hasNarrow = seen.length <= MOST_NARROW;
    const wanted = seen.map((one) => this.#recording(context, scale, state, one, hasNarrow)).reverse().flat();
    this.#loader.want(wanted);
    for (const one of seen) this.#labels(context, scale, state, one);
    this.#box(context, scale, state.box);
    this.#cursor(context, scale, state.cursor);
    context.restore();
    this.#axes(context, scale, state);
  }

  #prepare() {
    const density = Math.min(2, window.devicePixelRatio || 1);
    const { clientWidth, clientHeight } = this.#canvas;
    const [width, height] = [Math.round(clientWidth * density), Math.round(clientHeight * density)];
    if (this.#canvas.width !== width || this.#canvas.height !== height) Object.assign(this.#canvas, { width, height });
    const context = this.#canvas.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, clientWidth, clientHeight);
    context.font = "12px system-ui, sans-serif";
    return context;
  }

  /** Draws a recording, and returns its tiles that are wanted. */
  #recording(context, scale, state, one, hasNarrow) {
    const width = scale.xOf(one.end) - scale.xOf(one.start);
    const isNarrow = width < LEAST_PIXELS;
    if (isNarrow) this.#bar(context, scale, state.view, one, hasNarrow ? LEAST_PIXELS : Math.max(1, width));
    const high = Math.min(one.nyquist, state.band.high);
    if ((isNarrow && !hasNarrow) || high - state.band.low < 1) return [];
    const shown = isNarrow ? widened(one, scale, width) : one;
    return this.#tiles(context, scale, state, shown, { ...state.look, low: state.band.low, high });
  }

  /** Draws what a narrow recording is until its tile has come. */
  #bar(context, scale, view, one, width) {
    const top = scale.yOf(Math.min(one.nyquist, view.high));
    context.fillStyle = this.#colours.cover;
    context.fillRect(Math.round(scale.xOf(one.start)), top, width, scale.y + scale.height - top);
  }

  #tiles(context, scale, state, one, look) {
    const channel = look.channel > one.row.channels ? 0 : look.channel;
    const query = lookQuery({ ...look, channel });
    const perPixel = ((state.view.to - state.view.from) * one.rate) / scale.width;
    const zoom = zoomFor(perPixel);
    const sampleOf = (time) => (time - one.start) * one.rate;
    const tile = (level, x) => {
      const url = tileAddress(one.row.name, level, x, query);
      return { url, name: one.row.name, zoom: level, x, low: look.low, high: look.high, channel };
    };
    const numbers = tilesOver(sampleOf(state.view.from), sampleOf(state.view.to), zoom, one.row.samples);
    const earlier = this.#loader.of(one.row.name).filter((other) => other.channel === channel);
    const [first, wanted] = [[], []];
    for (const x of numbers) {
      const here = tile(zoom, x);
      const kept = this.#loader.get(here.url);
      wanted.push(here);
      if (kept) drawTile(context, scale, one, kept, tileSpan(zoom, x, one.row.samples));
      else if (!drawSubstitutes(context, scale, one, earlier, tileSpan(zoom, x, one.row.samples))) {
        const above = ancestor(zoom, x, FIRST);
        if (!first.some((other) => other.x === above.x)) first.push(tile(above.zoom, above.x));
      }
    }
    return [...(numbers.length > 1 ? first : []), ...wanted];
  }

  #labels(context, scale, state, one) {
    const labels = state.labels.get(one.row.name) ?? [];
    context.lineWidth = 1.5;
    for (const label of labels) {
      const [left, right] = [scale.xOf(one.start + label.from), scale.xOf(one.start + label.to)];
      if (right < scale.x || left > scale.x + scale.width) continue;
      const [top, bottom] = label.high === undefined
        ? [scale.y + 2, scale.y + scale.height - 2]
        : [scale.yOf(label.high), scale.yOf(label.low)];
      context.strokeStyle = this.#colours.label;
      context.strokeRect(left, top, Math.max(1, right - left), bottom - top);
      if (right - left >= LABEL_PIXELS) this.#labelText(context, label, left, top, right);
    }
  }

  #labelText(context, label, left, top, right) {
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, 18);
    context.clip();
    context.fillStyle = "#000a";
    context.fillRect(left, top, right - left, 18);
    context.fillStyle = this.#colours.label;
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.fillText(labelText(label), Math.max(left, LEFT) + 4, top + 9);
    context.restore();
  }

  #box(context, scale, box) {
    if (!box) return;
    const [left, right] = [scale.xOf(box.from), scale.xOf(box.to)];
    const [top, bottom] = [scale.yOf(box.high), scale.yOf(box.low)];
    context.fillStyle = `${this.#colours.box}22`;
    context.fillRect(left, top, right - left, bottom - top);
    context.strokeStyle = this.#colours.box;
    context.lineWidth = 2;
    context.strokeRect(left, top, right - left, bottom - top);
  }

  #cursor(context, scale, cursor) {
    if (cursor === undefined) return;
    context.fillStyle = this.#colours.cursor;
    context.fillRect(scale.xOf(cursor) - 1, scale.y, 2, scale.height);
  }

  #axes(context, scale, state) {
    const { view } = state;
    context.fillStyle = this.#colours.quiet;
    context.strokeStyle = this.#colours.line;
    context.lineWidth = 1;
    context.strokeRect(scale.x - 0.5, scale.y - 0.5, scale.width + 1, scale.height + 1);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { at, text } of frequencyTicks(view.low, view.high, scale.height / 40)) {
      const y = scale.yOf(at);
      context.fillRect(scale.x - 5, y, 4, 1);
      context.fillText(text, scale.x - 8, Math.min(Math.max(y, scale.y + 6), scale.y + scale.height - 4));
    }
    this.#timeAxis(context, scale, state);
    context.textAlign = "right";
    context.fillText("kHz", scale.x - 8, scale.y + scale.height + 10);
  }

  #timeAxis(context, scale, { view, lane, chosen }) {
    const middle = nearest(lane.recordings, (view.from + view.to) / 2, chosen);
    const most = scale.width / 95;
    const bottom = scale.y + scale.height;
    const hasTime = lane.clock !== "none";
    const offset = middle.offset;
    const ticks = hasTime ? timeTicks(view.from + offset, view.to + offset, most) : durationTicks(view.from, view.to, most);
    context.textAlign = "center";
    for (const { at, text } of ticks) {
      const x = scale.xOf(at - (hasTime ? offset : 0));
      const half = context.measureText(text).width / 2;
      context.fillRect(x, bottom + 1, 1, 4);
      context.fillText(text, Math.min(Math.max(x, scale.x + half), scale.x + scale.width - half), bottom + 12);
    }
    context.textAlign = "right";
    context.fillText(axisTitle(view, middle, chosen), scale.x + scale.width, bottom + 28);
  }
}

/** Turns times and frequencies into places on the canvas. */
class Scale {
  constructor(view, area) {
    Object.assign(this, area);
    this.view = view;
  }

  xOf(time) {
    return this.x + ((time - this.view.from) / (this.view.to - this.view.from)) * this.width;
  }

  timeOf(x) {
    return this.view.from + ((x - this.x) / this.width) * (this.view.to - this.view.from);
  }

  yOf(hertz) {
    return this.y + ((this.view.high - hertz) / (this.view.high - this.view.low)) * this.height;
  }
}

/** Returns a recording as if it were longer, on whole pixels, so that nothing of its bar is left beside its tile. */
function widened(one, scale, width) {
  const start = scale.timeOf(Math.round(scale.xOf(one.start)));
  return { ...one, start, rate: one.rate * (width / LEAST_PIXELS) };
}

/** Draws the part of a tile that shows some samples. */
function drawTile(context, scale, one, tile, { from, to }) {
  const { left, width } = partOf(tile.zoom, tile.x, from, to);
  const part = Math.min(width, tile.picture.width - left);
  if (part <= 0) return;
  const end = from + part * 2 ** tile.zoom;
  const [x, right] = [scale.xOf(one.start + from / one.rate), scale.xOf(one.start + end / one.rate)];
  const [y, bottom] = [scale.yOf(tile.high), scale.yOf(tile.low)];
  // A hair wider, so that no line is left between tiles.
  context.drawImage(tile.picture, left, 0, part, tile.picture.height, x, y, right - x + 0.4, bottom - y);
}

/** Draws tiles of other zooms or looks in place of one; returns whether there were any. */
function drawSubstitutes(context, scale, one, tiles, { from, to }) {
  const overlapping = [];
  for (const tile of tiles) {
    const span = tileSpan(tile.zoom, tile.x, one.row.samples);
    const part = { from: Math.max(from, span.from), to: Math.min(to, span.to) };
    if (part.from < part.to) overlapping.push({ tile, part });
  }
  // Coarse ones first, and of these the ones loaded first.
  overlapping.sort((a, b) => b.tile.zoom - a.tile.zoom);
  for (const { tile, part } of overlapping) drawTile(context, scale, one, tile, part);
  return overlapping.some(({ tile }) => COLUMNS * 2 ** tile.zoom >= to - from);
}

/** Returns the day and the zone of what is seen. */
function axisTitle(view, one, chosen) {
  if (one.clock === "none") return "since the start; time of day unknown";
  const [first, last] = [view.from + one.offset, view.to + one.offset];
  const days = longDay(first) === longDay(last) ? longDay(first) : `${longDay(first)} – ${longDay(last)}`;
  const minute = view.to - view.from < 1 ? ` ${clock(first, 0, false)}` : "";
  return `${days}${minute}  ${zoneText(one, chosen)}`;
}

function zoneText(one, chosen) {
  if (one.clock === "local") return "recorder's clock";
  // The name of the zone is known of recordings that were chosen.
  const name = one.zone ?? (one.offset === chosen.offset ? chosen.zone : undefined);
  return name && name !== "UTC" ? `${name}, ${offsetText(one.offset)}` : offsetText(one.offset);
}

/** Returns the text of a label and its score. */
export function labelText(label) {
  return label.score === undefined ? label.text : `${label.text} ${label.score.toFixed(2)}`;
}
