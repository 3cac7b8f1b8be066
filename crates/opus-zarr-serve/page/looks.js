// The fields for levels, colours, channel and speed.

import { COLOURS, LEAST_RANGE } from "./state.js";

export class Looks {
  #find;

  /** `onLook` gets the levels, colours and channel, `onSpeed` the speed, `onError` what is wrong or "". */
  constructor(find, onLook, onSpeed, onError) {
    this.#find = find;
    find("colours").replaceChildren(...COLOURS.map((name) => new Option(name, name)));
    find("speed").addEventListener("change", () => onSpeed(Number(find("speed").value)));
    for (const id of ["min", "max", "colours", "channel"]) {
      find(id).addEventListener("change", () => this.#read(onLook, onError));
    }
  }

  /** Shows what a state says. */
  show({ look, speed, chosen }) {
    const { channels } = chosen.row;
    const options = Array.from({ length: channels }, (_, n) => new Option(String(n + 1), String(n + 1)));
    this.#find("channel").replaceChildren(new Option("all", "0"), ...options);
    this.#find("channel-field").hidden = channels === 1;
    this.#find("channel").value = String(look.channel > channels ? 0 : look.channel);
    this.#find("min").value = look.min;
    this.#find("max").value = look.max;
    this.#find("colours").value = look.colours;
    const speeds = this.#find("speed");
    const isListed = [...speeds.options].some((option) => Number(option.value) === speed);
    // A link may have another speed.
    if (!isListed) speeds.add(new Option(`${speed}×`, String(speed)));
    speeds.value = String(speed);
  }

  #read(onLook, onError) {
    const [min, max] = [this.#find("min").valueAsNumber, this.#find("max").valueAsNumber];
    if (!(max - min >= LEAST_RANGE)) {
      onError("The lower level must be below the upper one by at least 1 dB.");
      return;
    }
    onError("");
    onLook({ min, max, colours: this.#find("colours").value, channel: Number(this.#find("channel").value) });
  }
}
