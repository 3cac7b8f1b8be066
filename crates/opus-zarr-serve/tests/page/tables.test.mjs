import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTable, recordingOf, stem, tableStem, textOf } from "../../page/tables.js";

test("Raven: one label for a selection with two views, in its own file", () => {
  const { labels, skipped } = parseTable([
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tBegin File\tFile Offset (s)\tSpecies",
    "1\tWaveform 1\t1\t61.5\t62.0\t2000\t4500\tb.wav\t1.5\tTurdus merula",
    "1\tSpectrogram 1\t1\t61.5\t62.0\t2000\t4500\tb.wav\t1.5\tTurdus merula",
    "2\tSpectrogram 1\t1\t5\tx\t2000\t4500\ta.wav\t5\tParus major",
  ].join("\r\n"));
  assert.equal(skipped, 1);
  assert.deepEqual(labels, [
    { from: 1.5, to: 2, text: "Turdus merula", score: undefined, file: "b.wav", low: 2000, high: 4500 },
  ]);
});

test("BirdNET: commas, quotes, and a score", () => {
  const { labels } = parseTable(
    "Start (s),End (s),Scientific name,Common name,Confidence,File\n"
    + '3.0,6.0,Turdus merula,"Blackbird, ""Eurasian""",0.91,/cards/weiher/20260510_040000.WAV\n',
  );
  assert.deepEqual(labels, [{
    from: 3, to: 6, text: 'Blackbird, "Eurasian"', score: 0.91, file: "/cards/weiher/20260510_040000.WAV",
  }]);
});

test("decimal commas between semicolons", () => {
  assert.equal(parseTable("Start (s);End (s);Common name\n1,5;2,25;Rook\n").labels[0].to, 2.25);
});

test("Audacity: frequencies follow on a line of their own", () => {
  const { labels, skipped } = parseTable("1.5\t2.5\tcall\n\\\t3000\t5000\n4\t4\tpoint\n\\\t-1\t-1\nnonsense\n");
  assert.deepEqual(labels, [
    { from: 1.5, to: 2.5, text: "call", score: undefined, low: 3000, high: 5000 },
    { from: 4, to: 4, text: "point", score: undefined },
  ]);
  assert.equal(skipped, 1);
});

test("what is no table is an error", () => {
  for (const text of ["", "\n\n", "a,b,c\n1,2,3\n", "hello"]) assert.throws(() => parseTable(text));
});

test("texts in several encodings", () => {
  assert.equal(textOf(new Uint8Array([0xef, 0xbb, 0xbf, 0xc3, 0xa4])), "ä");
  assert.equal(textOf(new Uint8Array([0xff, 0xfe, 0xe4, 0])), "ä");
  assert.equal(textOf(new Uint8Array([0xe4])), "ä");
});

test("names of files", () => {
  assert.equal(stem("C:\\cards\\weiher\\a.b.WAV"), "a.b");
  for (const name of ["a.Table.1.selections.txt", "a.BirdNET.results.csv", "a.BirdNET.selection.table.txt", "a.txt", "a.wav.csv"]) {
    assert.equal(stem(tableStem(name)), "a", name);
  }
});

test("the recording of a file", () => {
  const one = (name, source) => ({ row: { name, source } });
  const all = [one("weiher_x", "x.wav"), one("wald_x", "x.wav"), one("y", "other.wav")];
  assert.equal(recordingOf("/cards/wald/x.wav", all), all[1]);
  assert.equal(recordingOf("x.wav", all), undefined);
  assert.equal(recordingOf("x.wav", all, all[0]), all[0]);
  assert.equal(recordingOf("other.wav", all), all[2]);
  assert.equal(recordingOf("y.wav", all), all[2]);
  assert.equal(recordingOf("none.wav", all), undefined);
});
