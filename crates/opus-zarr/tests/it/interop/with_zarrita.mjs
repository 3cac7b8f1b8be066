// Reads the recordings of an opus-zarr store with zarrita.
//
//     node with_zarrita.mjs STORE QUESTIONS
//
// QUESTIONS, a JSON file, maps the name of a recording to the rows of its index
// ("packets") and the byte ranges of its blob ("ranges") to be read. What was found is
// printed as JSON: the metadata, the rows, and the SHA-256 of everything else (numbers
// of the index as little-endian u64, of the sync map u32).

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { FileSystemStore } from "@zarrita/storage";
import * as zarr from "zarrita";

async function answer(group, { packets, ranges }) {
  const blob = await openArray(group, "opus_blob");
  const index = await openArray(group, "opus_index");
  const sync = await openArray(group, "opus_sync");
  const all = (array) => array.shape.map(() => null);
  return {
    metadata: {
      attributes: group.attrs,
      arrays: { opus_blob: describe(blob), opus_index: describe(index), opus_sync: describe(sync) },
    },
    read: {
      rows: await each(packets, (packet) => row(index, packet)),
      columns: await each([0, 1, 2, 3, 4], (column) => hash(index, [null, column])),
      ranges: await each(ranges, ([start, end]) => hash(blob, [zarr.slice(start, end)])),
      blob: await hash(blob, all(blob)),
      index: await hash(index, all(index)),
      sync: await hash(sync, all(sync)),
    },
  };
}

const openArray = (group, name) => zarr.open.v3(group.resolve(name), { kind: "array" });

const describe = ({ dtype, shape, chunks }) => ({ dtype, shape, chunks });

// JSON has no big integers; none of ours is beyond what a double holds.
async function row(index, packet) {
  const { data } = await zarr.get(index, [packet, null]);
  return Array.from(data, Number);
}

async function hash(array, selection) {
  const { data } = await zarr.get(array, selection);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return createHash("sha256").update(bytes).digest("hex");
}

// One after the other, so that memory holds one of them.
async function each(items, read) {
  const results = [];
  for (const item of items) results.push(await read(item));
  return results;
}

const [store, questions] = process.argv.slice(2);
const root = zarr.root(new FileSystemStore(store));
const answers = {};
for (const [name, question] of Object.entries(JSON.parse(readFileSync(questions, "utf8")))) {
  const group = await zarr.open.v3(root.resolve(name), { kind: "group" });
  answers[name] = await answer(group, question);
}
process.stdout.write(JSON.stringify(answers));
