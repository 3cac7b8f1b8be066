import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clock, decimalStep, duration, durationTicks, frequencyTicks, isoDay, kilohertz, length, longDay, offsetText, timeStep,
  timeTicks,
} from "../../page/axis.js";

const NIGHT = Date.parse("2026-05-12T22:15:00Z") / 1000;

test("steps are round, and ticks never more than asked for", () => {
  for (let span = 0.002; span < 4e8; span *= 1.37) {
    for (const most of [1, 3, 8, 20]) {
      const ticks = timeTicks(NIGHT, NIGHT + span, most);
      assert.ok(ticks.length <= most + 1, `${ticks.length} ticks for ${span} s`);
      // At most the largest ratio of neighbouring steps is lost.
      assert.ok(timeStep(span, most) <= (span / most) * 3.1 + 1e-12);
    }
  }
});

test("neighbouring ticks have different texts", () => {
  for (let span = 0.002; span < 3e7; span *= 1.31) {
    const texts = timeTicks(NIGHT + 0.123456, NIGHT + 0.123456 + span, 9).map((tick) => tick.text);
    for (let n = 1; n < texts.length; n += 1) assert.notEqual(texts[n], texts[n - 1], `span ${span}: ${texts}`);
  }
});

test("milliseconds are exact in the year 2026", () => {
  const texts = timeTicks(NIGHT, NIGHT + 0.01, 5).map((tick) => tick.text);
  assert.deepEqual(texts, ["22:15:00.000", "22:15:00.002", "22:15:00.004", "22:15:00.006", "22:15:00.008", "22:15:00.010"]);
});

test("months and years", () => {
  const [from, to] = ["2025-01-01T08:00:00Z", "2026-05-24T00:00:00Z"].map((text) => Date.parse(text) / 1000);
  assert.deepEqual(timeTicks(from, to, 8).map((tick) => tick.text), ["Apr", "Jul", "Oct", "2026", "Apr"]);
  assert.deepEqual(timeTicks(from, to, 2).map((tick) => tick.text), ["2026"]);
});

test("midnight shows the day", () => {
  const texts = timeTicks(NIGHT, NIGHT + 4 * 3600, 4).map((tick) => tick.text);
  assert.deepEqual(texts, ["23:00", "13 May", "01:00", "02:00"]);
});

test("decimal steps", () => {
  assert.equal(decimalStep(0.3), 0.5);
  assert.equal(decimalStep(1), 1);
  assert.equal(decimalStep(2100), 5000);
  assert.equal(decimalStep(0.001), 0.001);
});

test("texts", () => {
  assert.equal(clock(NIGHT + 3.25, 2), "22:15:03.25");
  assert.equal(clock(NIGHT + 59.999, 1), "22:16:00.0");
  assert.equal(duration(3.25, 2), "0:03.25");
  assert.equal(duration(-3661), "-1:01:01");
  assert.equal(duration(-0.001), "0:00");
  assert.equal(length(0.0125), "12.5 ms");
  assert.equal(length(7500), "2 h 5 min");
  assert.equal(length(86400 * 14), "14 days");
  assert.equal(longDay(NIGHT), "12 May 2026");
  assert.equal(isoDay(NIGHT), "2026-05-12");
  assert.equal(kilohertz(8250), "8.25 kHz");
  assert.equal(offsetText(7200), "UTC+02:00");
  assert.equal(offsetText(-12600), "UTC-03:30");
  assert.equal(offsetText(0), "UTC");
});

test("seconds from the start, and kilohertz", () => {
  assert.deepEqual(durationTicks(-10, 20, 3).map((tick) => tick.text), ["-0:10", "0:00", "0:10", "0:20"]);
  assert.deepEqual(frequencyTicks(0, 125000, 5).map((tick) => tick.text), ["0", "50", "100"]);
  assert.deepEqual(frequencyTicks(0, 1000, 4).map((tick) => tick.text), ["0.0", "0.5", "1.0"]);
});
