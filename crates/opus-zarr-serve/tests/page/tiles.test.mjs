import assert from "node:assert/strict";
import { test } from "node:test";
import { ancestor, COLUMNS, lookQuery, partOf, tilesOver, tileSpan, zoomFor } from "../../page/tiles.js";

test("columns are never coarser than pixels, and at most twice as fine", () => {
  for (let perPixel = 1; perPixel < 1e6; perPixel *= 1.3) {
    const column = 2 ** zoomFor(perPixel);
    assert.ok(column <= perPixel * (1 + 1e-6) && column * 2 > perPixel, `${column} for ${perPixel}`);
  }
  assert.equal(zoomFor(0.01), 0);
});

test("tiles cover what is asked for, and nothing beyond the recording", () => {
  const samples = 100_000;
  for (const [from, to] of [[0, 100], [-5000, 3000], [2559, 2561], [90_000, 400_000], [0, 1e6]]) {
    const numbers = tilesOver(from, to, 3, samples);
    const spans = numbers.map((x) => tileSpan(3, x, samples)).sort((a, b) => a.from - b.from);
    assert.ok(spans[0].from <= Math.max(0, from) && spans.at(-1).to >= Math.min(samples, to));
    assert.ok(spans.every((span) => span.from < samples && span.from < to && span.to > from && span.to <= samples));
  }
  assert.deepEqual(tilesOver(-100, 0, 3, samples), []);
  assert.deepEqual(tilesOver(samples, samples + 10, 3, samples), []);
});

test("tiles in the middle come first", () => {
  assert.deepEqual(tilesOver(0, 256 * 5, 0, 1e9), [2, 1, 3, 0, 4]);
});

test("an ancestor holds its tile, and the part of it that is drawn", () => {
  for (const [zoom, x, levels] of [[0, 0, 1], [0, 7, 3], [5, 1000, 4]]) {
    const above = ancestor(zoom, x, levels);
    const span = tileSpan(zoom, x, Infinity);
    const part = partOf(above.zoom, above.x, span.from, span.to);
    assert.ok(part.left >= 0 && part.left + part.width <= COLUMNS);
    assert.equal(part.width, COLUMNS / 2 ** levels);
  }
});

test("queries name the look", () => {
  const look = { low: 0.4, high: 24000.9, min: -90, max: -20, colours: "viridis" };
  assert.equal(lookQuery(look), "low=0&high=24000&min=-90&max=-20&colours=viridis");
  assert.ok(lookQuery({ ...look, channel: 1 }).endsWith("&channel=1"));
});
