// Labels: reads tables that are dropped or opened, and lists those of the chosen recording.

import { duration, length } from "./axis.js";
import { labelText } from "./spectrogram.js";
import { parseTable, recordingOf, tableStem, textOf } from "./tables.js";

const MOST_BYTES = 50_000_000;
const SHOWN = 500;

/** Reads tables; returns labels by the name of their recording, and what to tell. */
export async function readTables(files, all, chosen) {
  const found = new Map();
  const told = [];
  for (const file of files) {
    try {
      told.push(await readTable(file, all, chosen, found));
    } catch (error) {
      told.push(`${file.name}: ${error.message}`);
    }
  }
  return { found, text: told.join("; ") };
}

async function readTable(file, all, chosen, found) {
  if (file.size > MOST_BYTES) throw new Error("larger than 50 MB");
  const { labels, skipped } = parseTable(textOf(new Uint8Array(await file.arrayBuffer())));
  const names = new Set();
  let lost = 0;
  for (const label of labels) {
    // A row without a file belongs to the file that the table is named after, or to what is seen.
    const one = label.file ? recordingOf(label.file, all, chosen) : recordingOf(tableStem(file.name), all, chosen) ?? chosen;
    if (!one) lost += 1;
    else {
      names.add(one.row.name);
      found.set(one.row.name, [...(found.get(one.row.name) ?? []), label]);
    }
  }
  const parts = [`${labels.length - lost} labels in ${names.size} ${names.size === 1 ? "recording" : "recordings"}`];
  if (lost > 0) parts.push(`${lost} of files that are not here`);
  if (skipped > 0) parts.push(`${skipped} rows without times`);
  return `${file.name}: ${parts.join(", ")}`;
}

/** Adds labels to those that are there. */
export function merge(labels, found) {
  const merged = new Map(labels);
  for (const [name, more] of found) {
    const all = [...(merged.get(name) ?? []), ...more];
    merged.set(name, all.sort((a, b) => a.from - b.from));
  }
  return merged;
}

/** Lists labels; `onChoose` gets the one that was chosen. */
export function listLabels(list, labels, onChoose) {
  const items = labels.slice(0, SHOWN).map((label) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${duration(label.from, 1)} ${labelText(label) || "label"} (${length(label.to - label.from)})`;
    button.addEventListener("click", () => onChoose(label));
    item.append(button);
    return item;
  });
  if (labels.length > SHOWN) {
    const rest = document.createElement("li");
    rest.textContent = `and ${labels.length - SHOWN} more`;
    items.push(rest);
  }
  list.replaceChildren(...items);
}

/** Lets files be dropped on the page. */
export function acceptDrops(overlay, onFiles) {
  let depth = 0;
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (event, change) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = Math.max(0, depth + change);
    overlay.classList.toggle("open", depth > 0);
  };
  window.addEventListener("dragenter", (event) => mark(event, 1));
  window.addEventListener("dragleave", (event) => mark(event, -1));
  window.addEventListener("dragover", (event) => mark(event, 0));
  window.addEventListener("drop", (event) => {
    mark(event, -depth);
    if (hasFiles(event)) onFiles([...event.dataTransfer.files]);
  });
}
