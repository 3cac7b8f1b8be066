// Tables of labels from Raven, BirdNET and Audacity. docs/tables.md describes the layouts; the page reads the common ones.

const LABELS = [
  "species", "annotation", "label", "commonname", "scientificname", "class", "tags", "speciescode",
];
const FILES = ["beginpath", "beginfile", "infile", "file", "path", "filename", "filepath"];
const TIMES = [
  ["begintimes", "endtimes"], ["starts", "ends"], ["start", "end"], ["starttime", "endtime"], ["onsets", "offsets"],
];

/** Decodes the bytes of a table: UTF-16 with a byte order mark, UTF-8, or Windows-1252. */
export function textOf(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/**
 * Reads a table. Returns `labels` with from and to in seconds of a file, low and high in Hz, text, score and file as
 * far as they are known, and how many rows were `skipped` because they hold no times.
 */
export function parseTable(text) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines.length === 0) throw new Error("the table is empty");
  const separator = ["\t", ";", ","].find((one) => lines[0].includes(one)) ?? "\t";
  const rows = lines.map((line) => cells(line, separator));
  if (separator === "\t" && isAudacity(rows[0])) return audacity(rows);
  return named(rows, separator);
}

function cells(line, separator) {
  const parts = [];
  let cell = "";
  let isQuoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at];
    if (isQuoted && char === '"' && line[at + 1] === '"') {
      cell += char;
      at += 1;
    } else if (isQuoted ? char === '"' : char === '"' && cell === "") isQuoted = !isQuoted;
    else if (char === separator && !isQuoted) {
      parts.push(cell.trim());
      cell = "";
    } else cell += char;
  }
  return [...parts, cell.trim()];
}

function isAudacity(row) {
  return row[0] === "\\" || (value(row[0]) !== undefined && value(row[1]) !== undefined);
}

function audacity(rows) {
  const labels = [];
  let skipped = 0;
  for (const row of rows) {
    const [first, second] = [value(row[0]), value(row[1])];
    if (row[0] === "\\" && labels.length > 0) Object.assign(labels.at(-1), band(row[1], row[2]));
    else if (first === undefined || second === undefined) skipped += 1;
    else labels.push({ from: first, to: second, text: row[2] ?? "", score: value(row[3]) });
  }
  return { labels, skipped };
}

function named(rows, separator) {
  const [head, ...body] = rows;
  const names = head.map((name) => name.replace(/^\ufeff/, "").toLowerCase().replace(/[^a-z0-9]/g, ""));
  const times = TIMES.find((pair) => pair.every((name) => names.includes(name)));
  if (!times) throw new Error("no columns of Raven, BirdNET or Audacity that say when a label starts and ends");
  const seen = new Set();
  const labels = [];
  let skipped = 0;
  for (const row of body) {
    const cell = (name) => row[names.indexOf(name)] || undefined;
    const label = labelOf(cell, times, separator !== ",");
    const selection = cell("selection") && JSON.stringify([cell("selection"), label?.file, label?.from]);
    if (!label) skipped += 1;
    else if (!selection || !seen.has(selection)) labels.push(label);
    // Raven lists a selection once for each view.
    if (selection) seen.add(selection);
  }
  return { labels, skipped };
}

function labelOf(cell, times, hasCommas) {
  const read = (name) => value(cell(name), hasCommas);
  let [from, to] = times.map(read);
  if (from === undefined || to === undefined || to < from) return undefined;
  const offset = read("fileoffsets");
  // In Raven, times count from the first of several files, and this offset from the row's own.
  if (times[0] === "begintimes" && offset !== undefined) [from, to] = [offset, offset + to - from];
  const text = LABELS.map(cell).find(Boolean) ?? "";
  const score = read("confidence") ?? read("score");
  const file = FILES.map(cell).find(Boolean);
  return { from, to, text, score, file, ...band(cell("lowfreqhz") ?? cell("lowf"), cell("highfreqhz") ?? cell("highf"), hasCommas) };
}

function band(low, high, hasCommas = true) {
  const [from, to] = [value(low, hasCommas), value(high, hasCommas)];
  // Audacity writes -1 for a bound that is not set.
  return from !== undefined && to !== undefined && from >= 0 && to > from ? { low: from, high: to } : {};
}

function value(text, hasCommas = true) {
  if (text === undefined || text === "") return undefined;
  const number = Number(hasCommas ? text.replace(",", ".") : text);
  return Number.isFinite(number) ? number : undefined;
}

/** Returns the last part of a path of any system, without its extension. */
export function stem(path) {
  const name = path.split(/[\\/]/).at(-1);
  return name.replace(/\.(wav|flac|mp3|opus|ogg|m4a|aif|aiff|wv)$/i, "");
}

/** Returns the name of the audio file after which a table is named: "a" for "a.Table.1.selections.txt". */
export function tableStem(path) {
  return stem(path).replace(/(\.Table\.\d+\.selections|\.selections|\.BirdNET\.[^.]*(\.[^.]*)?)?\.(txt|csv|tsv)$/i, "");
}

/**
 * Returns the recording that a file means: the one whose name or source it is. Among several, the chosen one, or
 * that whose name holds a directory of the path. Undefined if none or several remain.
 */
export function recordingOf(file, all, chosen) {
  const name = stem(file);
  const exact = all.find((one) => one.row.name === name);
  if (exact) return exact;
  const candidates = all.filter((one) => stem(one.row.source ?? "") === name);
  if (candidates.length < 2) return candidates[0];
  const folders = file.split(/[\\/]/).slice(0, -1).filter(Boolean);
  const inFolder = candidates.filter((one) => folders.some((folder) => one.row.name.startsWith(`${folder}_`)));
  if (inFolder.length === 1) return inFolder[0];
  return candidates.includes(chosen) ? chosen : undefined;
}
