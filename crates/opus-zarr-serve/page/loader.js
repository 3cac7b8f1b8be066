// Loads tiles: those that are wanted now, the first of them first. Requests for others are cancelled.

const AT_ONCE = 6;
const KEPT = 400;
const PAUSE = 2000;

export class Loader {
  #kept = new Map();
  #running = new Map();
  #refused = new Map();
  #wanted = [];
  #onChange;
  #onError;

  /** `onChange` is called when a tile has come, `onError` with what the server says if one cannot. */
  constructor(onChange, onError) {
    this.#onChange = onChange;
    this.#onError = onError;
  }

  /** Whether anything is still to come. */
  get isBusy() {
    return this.#running.size > 0 || this.#wanted.length > 0;
  }

  /** Returns a tile if it is there. */
  get(key) {
    const tile = this.#kept.get(key);
    if (tile) {
      // The last of a map is the one used last.
      this.#kept.delete(key);
      this.#kept.set(key, tile);
    }
    return tile;
  }

  /** Returns all tiles of a recording that are there. */
  of(name) {
    return [...this.#kept.values()].filter((tile) => tile.name === name);
  }

  /** Says which tiles are wanted now: objects with a `url`, which is their key. */
  want(tiles) {
    const urls = new Set(tiles.map((tile) => tile.url));
    for (const [url, abort] of this.#running) {
      if (!urls.has(url)) abort.abort();
    }
    this.#wanted = tiles.filter(({ url }) => !this.#kept.has(url) && !this.#running.has(url));
    this.#start();
  }

  #start() {
    const now = performance.now();
    const ready = this.#wanted.filter(({ url }) => (this.#refused.get(url) ?? 0) <= now);
    for (const tile of ready.slice(0, Math.max(0, AT_ONCE - this.#running.size))) {
      this.#wanted.splice(this.#wanted.indexOf(tile), 1);
      this.#load(tile);
    }
  }

  async #load(tile) {
    const abort = new AbortController();
    this.#running.set(tile.url, abort);
    try {
      const response = await fetch(tile.url, { signal: abort.signal });
      if (response.ok) this.#keep(tile, await createImageBitmap(await response.blob()));
      else this.#refuse(tile, response);
    } catch (error) {
      if (error.name !== "AbortError") this.#later(tile, PAUSE, "the server cannot be reached");
    } finally {
      this.#running.delete(tile.url);
      this.#start();
      this.#onChange();
    }
  }

  #keep(tile, picture) {
    this.#refused.delete(tile.url);
    this.#kept.set(tile.url, { ...tile, picture });
    for (const [url, oldest] of this.#kept) {
      if (this.#kept.size <= KEPT) break;
      oldest.picture.close();
      this.#kept.delete(url);
    }
  }

  #refuse(tile, response) {
    const isBusy = response.status === 503 || response.status === 429;
    const seconds = Number(response.headers.get("retry-after")) || 1;
    if (isBusy) this.#later(tile, seconds * 1000, undefined);
    else this.#later(tile, 30 * PAUSE, `a tile of ${tile.name} failed: ${response.status} ${response.statusText}`);
  }

  /** Tries again after a while, if it is still wanted by then. */
  #later(tile, pause, message) {
    this.#refused.set(tile.url, performance.now() + pause);
    if (message) this.#onError(message);
    setTimeout(this.#onChange, pause + 10);
  }
}
