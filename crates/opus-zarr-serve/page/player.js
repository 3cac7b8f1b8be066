// Plays a recording from a place, at a speed, and tells where it is.

import { address } from "./api.js";
import { sourceFor } from "./sources.js";

export class Player {
  #audio;
  #onChange;
  #onError;
  #source;
  #row;
  #speed = 1;
  #to;
  #isMoving = false;
  #canOpus;

  /** `onChange` is called on every frame while it plays, and when it starts or stops. */
  constructor(audio, onChange, onError) {
    this.#audio = audio;
    this.#onChange = onChange;
    this.#onError = onError;
    this.#canOpus = audio.canPlayType('audio/ogg; codecs="opus"') !== "";
    audio.addEventListener("ended", () => this.#ended());
    audio.addEventListener("error", () => this.#failed());
  }

  /** The recording that is played, and the sample that is heard; undefined if nothing is. */
  get place() {
    if (!this.#row) return undefined;
    const { first, perSecond, end } = this.#source;
    return { row: this.#row, sample: Math.min(end, first + this.#audio.currentTime * perSecond) };
  }

  get isPlaying() {
    return this.#row !== undefined;
  }

  /** Plays from a sample, and up to `to` if there is one. */
  play(row, from, to, speed) {
    this.stop();
    [this.#row, this.#to, this.#speed] = [row, to, speed];
    this.#start(Math.floor(from));
  }

  stop() {
    if (!this.#row) return;
    this.#row = undefined;
    this.#audio.pause();
    this.#onChange();
  }

  /** Goes on at another speed. */
  setSpeed(speed) {
    const place = this.place;
    if (place) this.play(place.row, place.sample, this.#to, speed);
  }

  #start(from) {
    const audio = this.#audio;
    this.#source = sourceFor(this.#row, from, this.#to, this.#speed, this.#canOpus);
    const url = address(this.#source.url);
    if (audio.getAttribute("src") !== url) audio.src = url;
    // Otherwise the browser stretches it, and ultrasound stays ultrasound.
    audio.preservesPitch = false;
    audio.defaultPlaybackRate = this.#source.playbackRate;
    audio.playbackRate = this.#source.playbackRate;
    audio.currentTime = this.#source.seek;
    const row = this.#row;
    audio.play().catch((error) => {
      // A pause or another place interrupts it; that is no failure.
      if (error.name !== "AbortError" && this.#row === row) this.#failed();
    });
    this.#move();
  }

  #move() {
    this.#onChange();
    if (this.#isMoving) return;
    this.#isMoving = true;
    const frame = () => {
      this.#isMoving = this.isPlaying;
      this.#onChange();
      if (this.#isMoving) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  #ended() {
    if (!this.#row) return;
    const stop = Math.min(this.#to ?? this.#row.samples, this.#row.samples);
    // A cut has a greatest length; the next one follows.
    if (this.#source.end < stop) this.#start(this.#source.end);
    else this.stop();
  }

  #failed() {
    if (!this.#row) return;
    const place = this.place;
    const wasOpus = this.#source.perSecond === 48000 && this.#source.first === 0 && this.#to === undefined;
    if (wasOpus && this.#canOpus) {
      this.#canOpus = false;
      this.play(place.row, Math.max(place.sample, this.#source.seek * 48000), undefined, this.#speed);
      return;
    }
    this.stop();
    this.#onError(`${place.row.name} cannot be played: ${this.#audio.error?.message || "unknown reason"}`);
  }
}
