// What a person does on the page, and sees.

import assert from "node:assert/strict";
import { join } from "node:path";

/** Opens the page, and waits until something is drawn. */
export async function open(page, url, fragment = "") {
  await page.goto("about:blank");
  await page.goto(url + fragment);
  await page.locator("#list").waitFor({ state: "attached" });
  await page.waitForFunction(() => location.hash.includes("name="));
  await settled(page);
  assert.ok(await isDrawn(page), "the spectrogram is empty");
}

/** Opens a recording by its link. */
export function openRow(page, url, row) {
  return open(page, url, `#name=${encodeURIComponent(row.name)}`);
}

/** Returns the listing of the first store. */
export async function rows(page, url) {
  const [{ base }] = await stores(page, url);
  const answer = await page.request.get(`${url}${base === "" ? "" : `${base.slice(1)}/`}api/recordings`);
  return answer.json();
}

export async function stores(page, url) {
  const answer = await page.request.get(`${url}api/stores`);
  return answer.json();
}

/** Waits until the address says what is seen, and all tiles have come. */
export async function settled(page) {
  // What was pressed or moved last may not have arrived.
  await page.waitForTimeout(50);
  await until(async () => (await page.getAttribute("#stage", "aria-busy")) === "false");
}

/** Tries a condition until it holds. */
export async function until(condition, seconds = 40) {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `still not so after ${seconds} s: ${condition}`);
    await new Promise((done) => setTimeout(done, 40));
  }
}

export function hash(page) {
  return new URLSearchParams(new URL(page.url()).hash.slice(1));
}

/** Returns how many seconds are seen. */
export function span(page) {
  const now = hash(page);
  return Number(now.get("to")) - Number(now.get("from"));
}

/** Returns the names that the list shows. */
export function names(page) {
  return page.locator("#list button").evaluateAll((all) => all.map((button) => button.firstChild.textContent));
}

export function canvasOf(page) {
  return page.locator("#spectrogram").boundingBox();
}

/** Whether the middle of the spectrogram has more colours than the one of a gap. */
export function isDrawn(page) {
  return page.evaluate(() => {
    const canvas = document.getElementById("spectrogram");
    if (canvas.width === 0) return false;
    const context = canvas.getContext("2d");
    const [width, height] = [Math.floor(canvas.width * 0.6), Math.floor(canvas.height * 0.6)];
    const { data } = context.getImageData(Math.floor(canvas.width * 0.2), Math.floor(canvas.height * 0.2), width, height);
    const colours = new Set();
    for (let n = 0; n < data.length && colours.size < 12; n += 4 * 7) colours.add(`${data[n]},${data[n + 1]},${data[n + 2]}`);
    return colours.size >= 12;
  });
}

export async function wheel(page, down) {
  const { x, y, width, height } = await canvasOf(page);
  await page.mouse.move(x + width * 0.5, y + height * 0.5);
  const before = page.url();
  await page.mouse.wheel(0, down);
  await until(() => page.url() !== before);
}

/** Drags between places given as shares of the canvas. */
export async function drag(page, from, to) {
  const { x, y, width, height } = await canvasOf(page);
  await page.mouse.move(x + width * from[0], y + height * from[1]);
  await page.mouse.down();
  await page.mouse.move(x + width * to[0], y + height * to[1], { steps: 5 });
  await page.mouse.up();
  await settled(page);
}

/** Takes a screenshot if there is a directory for it. */
export async function shot(page, directory, name) {
  if (!directory) return;
  await settled(page);
  await page.screenshot({ path: join(directory, `${name}.png`) });
}
