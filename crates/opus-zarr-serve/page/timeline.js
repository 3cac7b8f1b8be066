// The timeline: which station recorded when.

import { length, longDay, timeTicks } from "./axis.js";
import { coverage, nearest } from "./lanes.js";

export class Timeline {
  #root;
  #onChoose;
  #rows = [];
  #axis;
  #span;

  /** `onChoose` gets a recording, and the time that was clicked if any. */
  constructor(root, onChoose) {
    this.#root = root;
    this.#onChoose = onChoose;
  }

  /** Shows lanes, which hold only what the search found. */
  show(lanes) {
    const timed = lanes.filter((lane) => lane.clock !== "none");
    this.#root.replaceChildren();
    this.#root.hidden = timed.length === 0;
    this.#rows = timed.map((lane) => this.#row(lane));
    if (timed.length === 0) return;
    const [from, to] = [Math.min(...timed.map((lane) => lane.from)), Math.max(...timed.map((lane) => lane.to))];
    const margin = Math.max(1, (to - from) * 0.01);
    this.#span = { from: from - margin, to: to + margin };
    const { row, canvas } = grid(document.createElement("span"));
    row.classList.add("axis");
    row.setAttribute("aria-hidden", "true");
    this.#axis = canvas;
    this.#root.append(row);
  }

  #row(lane) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = lane.title;
    button.title = lane.title;
    button.setAttribute("aria-label", describe(lane));
    button.addEventListener("click", () => this.#onChoose(lane.recordings[0]));
    const { row, canvas } = grid(button);
    canvas.setAttribute("aria-hidden", "true");
    canvas.addEventListener("click", (event) => {
      const share = event.offsetX / canvas.clientWidth;
      const time = this.#span.from + share * (this.#span.to - this.#span.from);
      this.#onChoose(nearest(lane.recordings, time), time);
    });
    this.#root.append(row);
    return { lane, row, canvas };
  }

  /** Draws coverage, and where the view is. */
  draw(state) {
    if (this.#rows.length === 0 || !state.view) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const { from, to } = this.#span;
    for (const { lane, row, canvas } of this.#rows) {
      const context = prepare(canvas);
      const width = canvas.clientWidth;
      const height = canvas.clientHeight;
      const xOf = (time) => ((time - from) / (to - from)) * width;
      context.fillStyle = colour("gap");
      context.fillRect(0, 3, width, height - 6);
      context.fillStyle = colour("cover");
      for (const stretch of coverage(lane.recordings, ((to - from) / width) * 0.5)) {
        const x = xOf(stretch.from);
        context.fillRect(x, 3, Math.max(1, xOf(stretch.to) - x), height - 6);
      }
      const isChosen = lane.key === state.lane.key;
      row.classList.toggle("chosen", isChosen);
      if (isChosen) {
        const x = xOf(state.view.from);
        context.strokeStyle = colour("cursor");
        context.lineWidth = 2;
        context.strokeRect(x - 1, 1, Math.max(3, xOf(state.view.to) - x + 2), height - 2);
      }
    }
    this.#drawAxis(colour("quiet"), state.chosen.offset);
  }

  #drawAxis(colour, offset) {
    const context = prepare(this.#axis);
    const width = this.#axis.clientWidth;
    const { from, to } = this.#span;
    context.fillStyle = colour;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const { at, text } of timeTicks(from + offset, to + offset, width / 70)) {
      const x = ((at - offset - from) / (to - from)) * width;
      const half = context.measureText(text).width / 2;
      context.fillRect(x, 0, 1, 4);
      context.fillText(text, Math.min(Math.max(x, half), width - half), 11);
    }
  }
}

function grid(head) {
  const row = document.createElement("div");
  row.className = "lane";
  const canvas = document.createElement("canvas");
  row.append(head, canvas);
  return { row, canvas };
}

function prepare(canvas) {
  const density = window.devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * density);
  canvas.height = Math.round(canvas.clientHeight * density);
  const context = canvas.getContext("2d");
  context.scale(density, density);
  return context;
}

function describe({ title, recordings }) {
  const first = recordings[0];
  const last = recordings.at(-1);
  const seconds = recordings.reduce((sum, one) => sum + one.seconds, 0);
  const count = recordings.length === 1 ? "1 recording" : `${recordings.length} recordings`;
  return `${title}: ${count}, ${length(seconds)} in all, ${longDay(first.start + first.offset)} to `
    + `${longDay(last.end + last.offset)}. Opens the first.`;
}
