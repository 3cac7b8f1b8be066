// The list of recordings and its search.

import { clock, length, longDay } from "./axis.js";
import { search } from "./lanes.js";

const PAGE = 200;

export class List {
  #all = [];
  #found = [];
  #shown = PAGE;
  #chosen;
  #onFound;
  #onChoose;
  #parts;

  /** `onFound` gets the recordings that match, `onChoose` the one that was chosen. */
  constructor(parts, onFound, onChoose) {
    this.#parts = parts;
    this.#onFound = onFound;
    this.#onChoose = onChoose;
    parts.form.addEventListener("input", () => this.#search());
    parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#found[0]) onChoose(this.#found[0]);
    });
    parts.more.addEventListener("click", () => {
      this.#shown += PAGE;
      this.#render();
    });
    parts.list.addEventListener("keydown", (event) => this.#arrow(event));
  }

  /** Shows recordings. */
  show(all) {
    this.#all = all;
    const stations = [...new Set(all.map((one) => one.station))].sort((a, b) => a.localeCompare(b, "en"));
    const options = stations.map((station) => new Option(station, station));
    this.#parts.station.replaceChildren(new Option("all", ""), ...options);
    this.#search();
  }

  /** Marks the chosen recording. */
  choose(one) {
    this.#chosen = one;
    const at = this.#found.indexOf(one);
    if (at >= this.#shown) this.#shown = at + PAGE;
    this.#render();
    const button = this.#parts.list.querySelector("[aria-current=true]");
    if (button) scrollTo(this.#parts.list, button);
  }

  /** Returns the recording before or after one among those that were found. */
  beside(one, step) {
    return this.#found[this.#found.indexOf(one) + step];
  }

  #search() {
    const { text, day, station, list } = this.#parts;
    this.#found = search(this.#all, { text: text.value, day: day.value, station: station.value });
    this.#shown = PAGE;
    this.#render();
    list.scrollTop = 0;
    this.#onFound(this.#found);
  }

  #render() {
    const { list, more, count } = this.#parts;
    list.replaceChildren(...this.#found.slice(0, this.#shown).map((one) => this.#item(one)));
    more.hidden = this.#found.length <= this.#shown;
    const total = this.#all.length === 1 ? "1 recording" : `${this.#all.length} recordings`;
    const text = this.#found.length === this.#all.length ? total : `${this.#found.length} of ${total}`;
    if (count.textContent !== text) count.textContent = text;
  }

  #item(one) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const detail = document.createElement("small");
    button.type = "button";
    button.textContent = one.row.name;
    detail.textContent = describe(one);
    button.append(detail);
    button.setAttribute("aria-current", String(one === this.#chosen));
    button.addEventListener("click", () => this.#onChoose(one));
    item.append(button);
    return item;
  }

  #arrow(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...this.#parts.list.querySelectorAll("button")];
    const next = step && buttons[buttons.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}

/** Returns when, how long and how fast. */
function describe(one) {
  const rate = one.row.real_rate === 48000 ? "" : `, ${one.row.real_rate / 1000} kHz`;
  const time = one.start + one.offset;
  const when = one.clock === "none" ? "" : `${longDay(time)} ${clock(time)}, `;
  return `${when}${length(one.seconds)}${rate}`;
}

/** Scrolls the list only, not the page around it. */
function scrollTo(list, button) {
  const [outer, inner] = [list.getBoundingClientRect(), button.getBoundingClientRect()];
  if (inner.top < outer.top) list.scrollTop -= outer.top - inner.top + inner.height;
  else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom + inner.height;
}
