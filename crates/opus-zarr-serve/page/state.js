// What the page shows: one object, changed in one place, and its link.

import { lanes as group } from "./lanes.js";
import { decode, encode } from "./link.js";
import * as views from "./view.js";

export const COLOURS = ["viridis", "magma", "inferno", "grey", "paper"];
/** The server refuses a smaller range of levels, in dB. */
export const LEAST_RANGE = 1;
const LOOK = { min: -100, max: -20, colours: COLOURS[0], channel: 0 };

export class State {
  all = [];
  /** The name of the store, if there are several. */
  store;
  lane;
  chosen;
  view;
  /** The frequencies that tiles are asked for; follows the view once that rests. */
  band;
  look = { ...LOOK };
  box;
  cursor;
  speed = 1;
  isSelecting = false;
  labels = new Map();

  /** Limits of the view. */
  get limits() {
    return views.limitsOf(this.lane);
  }

  /** Takes recordings. */
  load(all) {
    this.all = all;
    this.chosen = this.lane = this.view = undefined;
    this.box = undefined;
    this.laneOf = new Map();
    for (const lane of group(all)) {
      for (const one of lane.recordings) this.laneOf.set(one, lane);
    }
  }

  /** Chooses a recording and shows all of it. */
  choose(one) {
    const lane = this.laneOf.get(one);
    if (lane !== this.lane) this.box = undefined;
    [this.chosen, this.lane] = [one, lane];
    this.view = views.whole(one);
    this.band = { low: this.view.low, high: this.view.high };
    this.cursor = one.start;
  }

  /** Opens what a fragment says; returns whether it names a recording that is here. */
  open(fragment) {
    const link = decode(fragment);
    const one = link && this.all.find((other) => other.row.name === link.name);
    if (!one) return false;
    this.choose(one);
    const at = (seconds) => one.start + seconds;
    const { view } = this;
    const wanted = {
      from: link.from === undefined ? view.from : at(link.from),
      to: link.to === undefined ? view.to : at(link.to),
      low: link.low ?? view.low,
      high: link.high ?? view.high,
    };
    if (wanted.from < wanted.to && wanted.low < wanted.high) this.view = views.fit(wanted, this.limits);
    this.band = { low: this.view.low, high: this.view.high };
    this.box = link.box && { ...link.box, from: at(link.box.from), to: at(link.box.to) };
    if (link.cursor !== undefined) this.cursor = at(link.cursor);
    if (link.speed > 0) this.speed = link.speed;
    this.#openLook(link);
    return true;
  }

  #openLook({ min, max, colours, channel }) {
    if (min !== undefined && max !== undefined && max - min >= LEAST_RANGE) Object.assign(this.look, { min, max });
    if (COLOURS.includes(colours)) this.look.colours = colours;
    if (Number.isInteger(channel) && channel >= 0) this.look.channel = channel;
  }

  /** Returns the fragment of a link that opens this view. */
  link() {
    const { chosen: one, view, look, box } = this;
    const of = (time) => time - one.start;
    return encode({
      store: this.store,
      name: one.row.name,
      from: of(view.from),
      to: of(view.to),
      low: view.low,
      high: view.high,
      min: look.min,
      max: look.max,
      colours: look.colours,
      channel: look.channel || undefined,
      speed: this.speed === 1 ? undefined : this.speed,
      cursor: this.cursor === one.start ? undefined : of(this.cursor),
      box: box && { ...box, from: of(box.from), to: of(box.to) },
    });
  }
}
