// The steps of the browser test. Each gets a page of its own.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import {
  canvasOf, drag, hash, isDrawn, names, open, openRow, rows, settled, shot, span, stores, until, wheel,
} from "./hands.mjs";

export async function theFirstRecordingIsShown({ page, url }) {
  await open(page, url);
  assert.ok(await isDrawn(page), "the spectrogram is empty");
  const first = await page.locator("#list button").first().evaluate((button) => button.firstChild.textContent);
  assert.equal(await page.locator("#title").textContent(), first);
  assert.match(await page.locator("#view-text").textContent(), /kHz$/);
  assert.equal(await page.locator("#error").textContent(), "");
}

export async function searchFindsByNameDayAndStation({ page, url }) {
  await open(page, url);
  const all = await rows(page, url);
  const timed = all.filter((row) => row.local_start);
  const row = timed.toSorted((a, b) => (a.local_start < b.local_start ? -1 : 1)).at(-1);
  await page.fill("#search-text", row.name);
  assert.deepEqual(await names(page), all.map((one) => one.name).filter((name) => name.includes(row.name)));
  await page.fill("#search-text", "no recording has this name");
  assert.deepEqual(await names(page), []);
  await page.fill("#search-text", "");
  await page.fill("#search-day", row.local_start.slice(0, 10));
  const day = row.local_start.slice(0, 10);
  const that = timed.filter((one) => one.local_start.startsWith(day)).map((one) => one.name);
  const seen = await names(page);
  assert.ok(that.every((name) => seen.includes(name)));
  // Of the day before, only what lasts until midnight is found.
  assert.ok(seen.length <= that.length + new Set(timed.map((one) => one.site)).size, `${seen.length} found`);
  await page.fill("#search-day", "");
  if (row.site) {
    await page.selectOption("#search-station", row.site);
    const there = all.filter((one) => one.site === row.site).map((one) => one.name);
    const seen = await names(page);
    assert.ok(seen.length === Math.min(200, there.length) && seen.every((name) => there.includes(name)));
  }
}

export async function theTimelineLeadsToRecordings({ page, url }) {
  await open(page, url);
  const lane = page.locator("#timeline .lane canvas").first();
  const { width } = await lane.boundingBox();
  await lane.click({ position: { x: width - 3, y: 8 } });
  await settled(page);
  const chosen = await page.locator("#title").textContent();
  const row = (await rows(page, url)).find((one) => one.name === chosen);
  await page.locator("#timeline .lane button").first().click();
  await settled(page);
  const first = (await rows(page, url)).find((one) => one.name === hash(page).get("name"));
  const those = (await rows(page, url)).filter((one) => one.site === first.site && one.real_rate === first.real_rate);
  assert.ok(first.start < row.start || those.length === 1, `${first.start} is not before ${row.start}`);
}

export async function wheelsAndDragsZoomToMillisecondsAndBackToAllDays({ page, url }) {
  await open(page, url);
  const whole = span(page);
  for (let n = 0; n < 40 && span(page) > 0.01; n += 1) await wheel(page, -400);
  assert.ok(span(page) <= 0.01, `${span(page)} s`);
  assert.match(await page.locator("#view-text").textContent(), /:\d\d\.\d{3,}/);
  await until(async () => isDrawn(page));
  const from = Number(hash(page).get("from"));
  await drag(page, [0.7, 0.5], [0.3, 0.5]);
  assert.ok(Number(hash(page).get("from")) > from, "a drag to the left leads to later times");
  for (let n = 0; n < 40 && span(page) < whole; n += 1) await wheel(page, 400);
  assert.ok(span(page) >= whole);
  await page.click("#fit-station");
  await settled(page);
  await until(async () => (await page.locator("#busy").isHidden()));
  await page.click("#fit");
  await settled(page);
  assert.ok(Math.abs(span(page) - whole) < 1e-3);
}

export async function frequenciesZoomOnTheirAxis({ page, url }) {
  await open(page, url);
  const box = await canvasOf(page);
  await page.mouse.move(box.x + 10, box.y + box.height * 0.5);
  const before = page.url();
  await page.mouse.wheel(0, -600);
  await until(() => page.url() !== before);
  const band = hash(page);
  assert.ok(Number(band.get("low")) > 0 && Number(band.get("high")) > Number(band.get("low")));
  await until(async () => isDrawn(page));
}

export async function tilesThatAreNoLongerSeenAreCancelled({ page, url }) {
  await open(page, url);
  const cancelled = [];
  page.on("requestfailed", (request) => cancelled.push(request.url()));
  await page.route("**/tiles/**", async (route) => {
    await new Promise((done) => setTimeout(done, 400));
    await route.continue().catch(() => {});
  });
  for (let n = 0; n < 8; n += 1) {
    await wheel(page, -400);
    // What is there already is shown until the tiles have come.
    assert.ok(await isDrawn(page), `empty after ${n} turns`);
  }
  await until(async () => cancelled.length > 0);
  assert.ok(cancelled.every((one) => one.includes("/tiles/")), cancelled.join(" "));
  await until(async () => page.locator("#busy").isHidden());
  await page.unroute("**/tiles/**");
}

export async function aBusyServerIsAskedAgain({ page, url }) {
  await open(page, url);
  const refused = new Map();
  const waits = [];
  await page.route("**/tiles/**", async (route) => {
    const tile = route.request().url();
    if (refused.has(tile)) waits.push(Date.now() - refused.get(tile));
    else if (refused.size < 2) {
      refused.set(tile, Date.now());
      await route.fulfill({ status: 503, headers: { "retry-after": "1" }, body: "busy" });
      return;
    }
    await route.continue();
  });
  // The browser logs the refusals as errors.
  page.removeAllListeners("response");
  page.removeAllListeners("console");
  await page.selectOption("#colours", { index: 1 });
  await until(async () => waits.length === 2 && (await page.locator("#busy").isHidden()));
  assert.ok(waits.every((wait) => wait > 900), `asked again after ${waits} ms`);
  assert.equal(await page.locator("#error").textContent(), "");
}

export async function levelsAndColoursChangeTheTiles({ page, url }) {
  await open(page, url);
  const asked = page.waitForRequest((request) => /\/tiles\/.*min=-80&max=-30/.test(request.url()));
  await page.fill("#max", "-30");
  await page.locator("#max").press("Tab");
  await page.fill("#min", "-80");
  await page.locator("#min").press("Tab");
  await asked;
  for (const name of await page.locator("#colours option").allTextContents()) {
    await page.selectOption("#colours", name);
    await settled(page);
    assert.equal(hash(page).get("colours"), name);
    await until(async () => page.locator("#busy").isHidden());
  }
  await page.fill("#min", "0");
  await page.locator("#min").press("Tab");
  assert.match(await page.locator("#error").textContent(), /below/);
}

export async function channelsAreShownOneByOneOrTogether({ page, url }) {
  const row = (await rows(page, url)).find((one) => one.channels > 1);
  if (!row) return;
  await openRow(page, url, row);
  const asked = page.waitForRequest((request) => /\/tiles\/.*channel=2/.test(request.url()));
  await page.selectOption("#channel", "2");
  await asked;
  await settled(page);
  assert.equal(hash(page).get("channel"), "2");
  await page.selectOption("#channel", "0");
  await settled(page);
  assert.equal(hash(page).get("channel"), null);
}

export async function playingMovesTheCursor({ page, url }) {
  await open(page, url);
  const box = await canvasOf(page);
  await page.mouse.click(box.x + box.width * 0.5, box.y + box.height * 0.5);
  await settled(page);
  const cursor = Number(hash(page).get("cursor"));
  assert.ok(cursor > 0, "a click places the cursor");
  await page.click("#play");
  await until(async () => page.evaluate(() => document.getElementById("audio").currentTime > 0.3));
  await until(async () => (await page.getAttribute("#play", "aria-label")) === "Pause");
  await until(async () => page.evaluate((at) => document.getElementById("audio").currentTime > at, cursor));
  await page.click("#play");
  assert.equal(await page.getAttribute("#play", "aria-label"), "Play");
  await page.click("#zoom-in");
  await settled(page);
  assert.ok(Number(hash(page).get("cursor")) > cursor, "the cursor follows");
}

export async function aTenthOfTheSpeedPlays({ page, url }) {
  const all = await rows(page, url);
  const slow = all.find((row) => row.real_rate > 48000) ?? all[0];
  await openRow(page, url, slow);
  await page.selectOption("#speed", "0.1");
  await page.click("#play");
  const state = () => page.evaluate(() => {
    const audio = document.getElementById("audio");
    return { at: audio.currentTime, rate: audio.playbackRate, pitch: audio.preservesPitch, url: audio.src };
  });
  await until(async () => (await state()).at > 0.1);
  const { rate, pitch, url: source } = await state();
  assert.equal(pitch, false);
  const isCut = source.includes("speed=0.1");
  assert.ok(isCut || Math.abs(rate - (0.1 * slow.real_rate) / 48000) < 1e-6, `${rate} of ${source}`);
  await page.selectOption("#speed", "0.5");
  await until(async () => {
    const now = await state();
    return (now.url !== source || now.rate !== rate) && now.at > 0;
  });
  await page.keyboard.press("Escape");
}

export async function aBoxIsHeardDownloadedAndLinked({ page, context, url, shots }) {
  const all = await rows(page, url);
  const row = all.find((one) => one.real_rate > 48000) ?? all[0];
  await openRow(page, url, row);
  for (let n = 0; n < 6; n += 1) await page.click("#zoom-in");
  await page.click("#select");
  await drag(page, [0.3, 0.2], [0.6, 0.7]);
  assert.ok(await page.locator("#box").isVisible());
  assert.match(await page.locator("#box-text").textContent(), /kHz, in /);
  assert.equal(await page.getAttribute("#select", "aria-pressed"), "false");
  await shot(page, shots, "box");
  await page.click("#box-listen");
  await until(async () => page.evaluate(() => document.getElementById("audio").currentTime > 0));
  await until(async () => (await page.getAttribute("#play", "aria-label")) === "Play");
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#box-download")]);
  const wav = await readFile(await download.path());
  assert.equal(wav.subarray(0, 4).toString() + wav.subarray(8, 12).toString(), "RIFFWAVE");
  assert.match(download.suggestedFilename(), /\.wav$/);
  const query = new URL(download.url()).searchParams;
  const [from, to] = ["from", "to"].map((key) => Number(query.get(key)));
  const [start, end] = hash(page).get("box").split(",").map(Number);
  assert.deepEqual([from, to], [Math.round(start * row.real_rate), Math.round(end * row.real_rate)]);
  assert.equal(wav.length - wav.indexOf("data") - 8, (to - from) * row.channels * 2);
  await page.click("#copy-link");
  await until(async () => (await page.locator("#message").textContent()).startsWith("Link copied"));
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const other = await context.newPage();
  await other.goto(link);
  await settled(other);
  await until(async () => other.locator("#box").isVisible());
  for (const id of ["#box-text", "#view-text", "#title"]) {
    assert.equal(await other.locator(id).textContent(), await page.locator(id).textContent());
  }
  assert.equal(new URL(other.url()).hash, new URL(link).hash);
}

export async function labelsAreReadAndDrawn({ page, url }) {
  await open(page, url);
  const title = await page.locator("#title").textContent();
  const audacity = { name: "labels.txt", mimeType: "text/plain", buffer: Buffer.from("0.5\t1.5\tcall\n\\\t2000\t8000\n") };
  await page.setInputFiles("#label-files", audacity);
  await until(async () => (await page.locator("#labels button").count()) === 1);
  const csv = `Start (s),End (s),Scientific name,Common name,Confidence,File\n2,3,Turdus merula,Blackbird,0.9,${title}.wav\n`;
  await page.evaluate((text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], "x.BirdNET.results.csv", { type: "text/csv" }));
    for (const type of ["dragenter", "dragover", "drop"]) {
      document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    }
  }, csv);
  await until(async () => (await page.locator("#labels button").count()) === 2);
  assert.match(await page.locator("#labels button").nth(1).textContent(), /Blackbird 0.90/);
  assert.match(await page.locator("#message").textContent(), /1 labels? in 1 recording/);
  assert.ok(await page.locator("#drop").isHidden());
  await page.locator("#labels button").nth(1).click();
  await settled(page);
  assert.equal(Number(hash(page).get("cursor")), 2);
  await page.setInputFiles("#label-files", { name: "x.txt", mimeType: "text/plain", buffer: Buffer.from("nonsense") });
  await until(async () => /x\.txt: /.test(await page.locator("#message").textContent()));
  await page.click("#clear-labels");
  assert.equal(await page.locator("#labels button").count(), 0);
}

export async function keysDoAllThatTheMouseDoes({ page, url }) {
  await open(page, url);
  await page.focus("#spectrogram");
  const press = async (key) => {
    await page.keyboard.press(key);
    await settled(page);
    return hash(page);
  };
  const whole = span(page);
  await press("+");
  assert.ok(span(page) < whole);
  const before = Number(hash(page).get("from"));
  assert.ok(Number((await press("ArrowRight")).get("from")) > before);
  assert.ok(Number((await press("]")).get("low")) > 0);
  await press("s");
  const box = hash(page).get("box");
  assert.notEqual(await press("Alt+ArrowRight").then((now) => now.get("box")), box);
  await press("Alt+Shift+ArrowUp");
  await press("Enter");
  await until(async () => (await page.getAttribute("#play", "aria-pressed")) === "true");
  await press("Escape");
  assert.equal(await page.getAttribute("#play", "aria-pressed"), "false");
  assert.equal((await press("Escape")).get("box"), null);
  assert.equal(Number((await press("End")).get("cursor")) > 0, true);
  await press("f");
  const first = hash(page).get("name");
  if ((await page.locator("#list button").count()) > 1) {
    assert.notEqual((await press("n")).get("name"), first);
    assert.equal((await press("p")).get("name"), first);
  }
  await page.keyboard.press("?");
  assert.ok(await page.locator("#help").isVisible());
  await page.keyboard.press("Escape");
  assert.ok(await page.locator("#help").isHidden());
}

export async function anotherStoreCanBeChosen({ page, context, url }) {
  await open(page, url);
  const all = await stores(page, url);
  assert.equal(await page.locator("#store").isVisible(), all.length > 1);
  if (all.length === 1) return;
  await page.selectOption("#store", all[1].name);
  await until(() => hash(page).get("store") === all[1].name);
  await settled(page);
  assert.ok(await isDrawn(page));
  const other = await context.newPage();
  await other.goto(page.url());
  await settled(other);
  assert.equal(await other.locator("#store").inputValue(), all[1].name);
}

export async function everyControlHasAName({ page, context, url }) {
  await open(page, url);
  const session = await context.newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const controls = nodes.filter(({ role, ignored }) => !ignored && [
    "button", "textbox", "searchbox", "combobox", "spinbutton", "link", "Date", "application", "navigation", "toolbar",
    "group", "dialog",
  ].includes(role?.value));
  assert.ok(controls.length > 20);
  const nameless = controls.filter((node) => !node.name?.value && node.role.value !== "group");
  assert.deepEqual(nameless.map((node) => node.role.value), []);
}

export async function darkAndLightDiffer({ page, url, shots }) {
  await open(page, url);
  const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await back();
  await shot(page, shots, "light");
  await page.emulateMedia({ colorScheme: "dark" });
  await until(async () => (await back()) !== light);
  await settled(page);
  await shot(page, shots, "dark");
}

export async function aPhoneShowsEverything({ page, url, shots }) {
  await page.setViewportSize({ width: 390, height: 844 });
  await open(page, url);
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(await page.locator("#list").isHidden(), "the list is closed at first");
  assert.equal(await overflow(), 0);
  await shot(page, shots, "phone");
  const { y, height } = await canvasOf(page);
  assert.ok(y + height < 844, `the spectrogram ends at ${y + height}`);
  await page.click("#toggle-list");
  assert.ok(await page.locator("#list").isVisible());
  assert.equal((await page.locator("#browser").boundingBox()).width, 390, "the list has the full width");
  await page.locator("#list button").last().click();
  await settled(page);
  assert.ok(await page.locator("#list").isHidden(), "a choice closes the list");
  await page.focus("#spectrogram");
  await page.keyboard.press("s");
  assert.equal(await overflow(), 0);
}

export async function fingersScrollAndZoom({ page, context, url }) {
  await page.setViewportSize({ width: 390, height: 844 });
  await open(page, url);
  const session = await context.newCDPSession(page);
  await session.send("Emulation.setTouchEmulationEnabled", { enabled: true, maxTouchPoints: 2 });
  const { x, y, width, height } = await canvasOf(page);
  const touch = (type, distance) => session.send("Input.dispatchTouchEvent", {
    type,
    touchPoints: distance === undefined ? [] : [-1, 1].map((side, id) => (
      { id, x: x + width * 0.5 + side * distance, y: y + height * 0.5 }
    )),
  });
  const finger = (type, down) => session.send("Input.dispatchTouchEvent", {
    type, touchPoints: down === undefined ? [] : [{ x: x + width * 0.5, y: y + height * 0.8 + down }],
  });
  await finger("touchStart", 0);
  for (let down = 0; down >= -250; down -= 10) await finger("touchMove", down);
  await finger("touchEnd");
  await until(async () => (await page.evaluate(() => scrollY)) > 50);
  await page.evaluate(() => scrollTo(0, 0));
  const before = span(page);
  await touch("touchStart", 30);
  for (let distance = 40; distance <= 120; distance += 10) await touch("touchMove", distance);
  await touch("touchEnd");
  await settled(page);
  assert.ok(Math.abs(before / span(page) - 4) < 0.4, `from ${before} to ${span(page)} s`);
  const middle = (Number(hash(page).get("from")) + Number(hash(page).get("to"))) / 2;
  assert.ok(Math.abs(middle - before / 2) < before / 20, `the middle is at ${middle} s`);
}
