import assert from "node:assert/strict";
import { test } from "node:test";
import { coverage, lanes, moment, nearest, recording, recordings, search } from "../../page/lanes.js";
import { decode, encode } from "../../page/link.js";
import { cutUrl, sourceFor } from "../../page/sources.js";
import * as views from "../../page/view.js";

const row = (name, more = {}) => ({
  name, start: "2026-05-12T20:15:00Z", local_start: "2026-05-12T22:15:00", seconds: 60, samples: 2880000,
  real_rate: 48000, drift_ppt: 0, channels: 1, site: "weiher", source: `${name}.wav`, notes: {}, ...more,
});

test("recordings know their clock", () => {
  assert.equal(recording(row("a")).offset, 7200);
  assert.equal(recording(row("a", { local_start: "2026-05-12T22:14:48" })).offset, 7200);
  assert.equal(recording(row("a", { local_start: "2026-05-12T16:45:00" })).offset, -12600);
  assert.equal(recording(row("a", { start: null })).clock, "local");
  assert.equal(recording(row("a", { start: null, local_start: null })).clock, "none");
  assert.equal(recording(row("a", { real_rate: 250000, samples: 5000000 })).seconds, 20);
  assert.ok(Math.abs(recording(row("a", { drift_ppt: 10_000_000_000 })).seconds - 60.6) < 1e-9);
});

test("moments keep their fraction", () => {
  assert.equal(moment("1970-01-01T00:00:01.000004Z"), 1.000004);
  assert.equal(moment("1970-01-01T02:00:00+02:00"), 0);
  assert.equal(moment("1970-01-01T00:00:00.5"), 0.5);
  assert.equal(moment("yesterday"), undefined);
});

test("lanes hold one station, rate and clock", () => {
  const all = recordings([
    row("a"), row("b", { site: "wald" }), row("c", { real_rate: 250000 }), row("d", { start: null, local_start: null }),
    row("e", { start: null, local_start: null }), row("f", { site: null }),
  ]);
  assert.deepEqual(lanes(all).map((lane) => lane.title), ["d", "e", "no station", "wald", "weiher", "weiher, 250 kHz"]);
  const [lane] = lanes(recordings([row("late", { start: "2026-05-13T20:15:00Z" }), row("long", { samples: 48000 * 200000 })]));
  assert.deepEqual(views.limitsOf(lane), { from: lane.from - 1e5, to: lane.from + 3e5, nyquist: 24000 });
});

test("search by text, day of the recorder's clock, and station", () => {
  const all = recordings([
    row("weiher_1"), row("late", { start: "2026-05-12T22:30:00Z", local_start: "2026-05-13T00:30:00" }),
    row("wald_1", { site: "wald", notes: { observer: "Mia" } }), row("timeless", { start: null, local_start: null }),
  ]);
  const names = (query) => search(all, query).map((one) => one.row.name);
  assert.deepEqual(names({ text: "WEIHER_" }), ["weiher_1"]);
  assert.deepEqual(names({ text: "mia" }), ["wald_1"]);
  assert.deepEqual(names({ day: "2026-05-13" }), ["late"]);
  assert.deepEqual(names({ day: "2026-05-12", station: "wald" }), ["wald_1"]);
  assert.equal(names({}).length, 4);
});

test("nearest recording and coverage", () => {
  const all = [{ start: 0, end: 10 }, { start: 12, end: 20 }, { start: 100, end: 110 }];
  assert.equal(nearest(all, 11.5), all[1]);
  assert.equal(nearest(all, -5), all[0]);
  assert.equal(nearest([], 0), undefined);
  const twin = { start: 0, end: 10 };
  assert.equal(nearest([...all, twin], 5, twin), twin);
  assert.equal(nearest([...all, twin], 15, twin), all[1]);
  assert.deepEqual(coverage(all, 5), [{ from: 0, to: 20 }, { from: 100, to: 110 }]);
});

test("a link leads back to its state", () => {
  const state = {
    store: "b c.zarr", name: "weiher/ä b&c#1", from: -3.5, to: 12.000004, low: 0, high: 24000, min: -90, max: -20, channel: 1,
    speed: 0.1, cursor: 1.25, colours: "viridis", box: { from: 1, to: 1.5, low: 2000, high: 8000.5 },
  };
  assert.deepEqual(decode(encode(state)), state);
  assert.deepEqual(decode(encode({ name: "a" })), { name: "a" });
});

test("a broken link opens as much as it says", () => {
  assert.equal(decode(""), undefined);
  assert.equal(decode("#from=1"), undefined);
  assert.deepEqual(decode("#name=a&from=x&to=&low=Infinity&colours=%3Cb%3E&box=1,2,3"), { name: "a" });
  assert.deepEqual(decode("#name=a&box=2,1,0,9"), { name: "a" });
});

test("zoom keeps the anchor, and views stay in their limits", () => {
  const limits = { from: 0, to: 1000, nyquist: 24000 };
  let view = { from: 0, to: 1000, low: 0, high: 24000 };
  for (let n = 0; n < 60; n += 1) view = views.zoomTime(view, 0.7, 333.3, limits);
  assert.ok(Math.abs(view.to - view.from - 0.002) < 1e-9 && view.from <= 333.3 && view.to >= 333.3);
  for (let n = 0; n < 90; n += 1) view = views.zoomTime(view, 1.4, 333.3, limits);
  assert.deepEqual([view.from, view.to], [0, 1000]);
  view = views.zoomBand(view, 0.5, 8000, limits);
  assert.deepEqual([view.low, view.high], [4000, 16000]);
  assert.deepEqual(views.pan(view, 0, 9, limits), { from: 0, to: 1000, low: 12000, high: 24000 });
  assert.equal(views.centre({ ...view, from: 0, to: 10 }, 500, limits).from, 495);
});

test("true speed plays what is stored, slow ultrasound too, and other rates are cut", () => {
  const bats = { name: "bats", samples: 5_000_000, real_rate: 250000 };
  const birds = { name: "birds", samples: 2_880_000, real_rate: 48000 };
  assert.deepEqual(sourceFor(birds, 48000, undefined, 1, true), {
    url: "audio/birds.opus", playbackRate: 1, first: 0, seek: 1, perSecond: 48000, end: 2_880_000,
  });
  const slow = sourceFor(bats, 0, undefined, 0.1, true);
  assert.ok(slow.url === "audio/bats.opus" && Math.abs(slow.playbackRate - 0.5208) < 1e-4);
  assert.equal(sourceFor(bats, 0, undefined, 1, true).url, "audio/bats.wav?from=0&to=5000000");
  assert.equal(sourceFor(birds, 5, 100, 1, true).url, "audio/birds.wav?from=5&to=100");
  const tenth = sourceFor(birds, 0, undefined, 0.1, true);
  assert.equal(tenth.url, "audio/birds.wav?from=0&to=2880000&speed=0.1");
  assert.equal(tenth.perSecond, 4800);
  assert.equal(sourceFor({ ...birds, samples: 4e9 }, 10, undefined, 1, false).end, 10 + 600 * 48000);
  assert.equal(cutUrl({ name: "a b/c" }, 0, 1), "audio/a%20b%2Fc.wav?from=0&to=1");
});
