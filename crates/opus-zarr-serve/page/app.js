// Connects the parts of the page.

import { address, info, listing, stores, useStore } from "./api.js";
import { pointText, showFacts, viewText } from "./about.js";
import * as boxes from "./box.js";
import { connect as connectGestures } from "./gestures.js";
import { connect as connectKeys } from "./keys.js";
import { acceptDrops, listLabels, merge, readTables } from "./labels.js";
import { lanes, nearest, recordings } from "./lanes.js";
import { decode } from "./link.js";
import { List } from "./list.js";
import { Loader } from "./loader.js";
import { Looks } from "./looks.js";
import { Player } from "./player.js";
import { opusUrl } from "./sources.js";
import { Spectrogram } from "./spectrogram.js";
import { State } from "./state.js";
import { Timeline } from "./timeline.js";
import * as views from "./view.js";

const SETTLE = 150;
const find = (id) => document.getElementById(id);
const canvas = find("spectrogram");
const state = new State();
const loader = new Loader(() => redraw(), (message) => fail(message));
const spectrogram = new Spectrogram(canvas, loader);
const player = new Player(find("audio"), () => follow(), (message) => fail(message));
const timeline = new Timeline(find("timeline"), (one, time) => chooseAt(one, time));
const list = new List(
  {
    form: find("search"), text: find("search-text"), day: find("search-day"), station: find("search-station"),
    list: find("list"), more: find("more"), count: find("count"),
  },
  (found) => {
    timeline.show(lanes(found));
    redraw();
  },
  (one) => {
    choose(one);
    if (isNarrow()) toggleList(false);
  },
);
const panel = new boxes.BoxPanel(find, {
  change: (box) => update({ box }), listen, zoom: () => zoomToBox(), clear: () => update({ box: undefined }),
});

const looks = new Looks(find, (look) => update({ look }), setSpeed, (text) => fail(text));

let frame;
let settled;
/** Draws on the next frame. */
function redraw() {
  frame ??= requestAnimationFrame(() => {
    frame = undefined;
    spectrogram.draw(state);
    timeline.draw(state);
    find("busy").hidden = !loader.isBusy;
    find("stage").setAttribute("aria-busy", String(loader.isBusy || settled !== undefined));
    // A finger that moves up scrolls the page where it has nothing else to move.
    canvas.classList.toggle("scrolls", !state.isSelecting && views.hasAllFrequencies(state));
  });
}

/** Changes what is shown. What is slow, or would be read out too often, follows when it rests. */
function update(change) {
  Object.assign(state, change);
  redraw();
  panel.show(state, find);
  clearTimeout(settled);
  settled = setTimeout(settle, SETTLE);
}

function settle() {
  const { view, chosen } = state;
  settled = undefined;
  state.band = { low: view.low, high: view.high };
  redraw();
  const text = viewText(view, chosen);
  if (find("view-text").textContent !== text) {
    find("view-text").textContent = text;
    if (document.activeElement === canvas) say(text);
  }
  history.replaceState(null, "", state.link());
}

function tell(text) {
  find("message").textContent = text;
}

/** Tells a screen reader what others see. */
function say(text) {
  find("spoken").textContent = text;
}

function fail(text) {
  find("error").textContent = text;
}

/** Chooses a recording, and shows all of it. */
function choose(one) {
  player.stop();
  state.choose(one);
  shown();
}

/** Shows what belongs to the chosen recording. */
function shown() {
  const one = state.chosen;
  find("title").textContent = one.row.name;
  document.title = one.row.name;
  canvas.setAttribute("aria-label", `Spectrogram of ${one.row.name}`);
  fail("");
  showFacts(find("about"), one);
  list.choose(one);
  showLabels();
  looks.show(state);
  find("download-opus").href = address(opusUrl(one.row));
  find("download-opus").download = `${one.row.name}.opus`;
  update({});
  loadZone(one);
}

/** Chooses a recording that was clicked in the timeline. A click between recordings leads to the nearest. */
function chooseAt(one, time) {
  choose(one);
  if (time !== undefined && time > one.start && time < one.end) update({ cursor: time });
}

/** Asks for the name of the zone, which is not in the listing. */
async function loadZone(one) {
  if (one.clock !== "utc" || one.zone !== undefined) return;
  try {
    one.zone = (await info(one.row.name)).start?.zone ?? null;
  } catch (error) {
    fail(error.message);
  }
  if (state.chosen !== one) return;
  showFacts(find("about"), one);
  redraw();
}

function showLabels() {
  const labels = state.labels.get(state.chosen.row.name) ?? [];
  find("clear-labels").hidden = state.labels.size === 0;
  listLabels(find("labels"), labels, (label) => {
    const at = state.chosen.start + label.from;
    update({ view: views.centre(state.view, at + (label.to - label.from) / 2, state.limits), cursor: at });
  });
}

// Playing.

function play(from, to) {
  const one = nearest(state.lane.recordings, from, state.chosen);
  const start = views.clamp((from - one.start) * one.rate, 0, one.row.samples - 1);
  // At the end, it starts again.
  const first = to === undefined && start >= one.row.samples - 2 ? 0 : start;
  player.play(one.row, first, to, state.speed);
}

function setSpeed(speed) {
  update({ speed });
  player.setSpeed(speed);
}

function togglePlay() {
  if (player.isPlaying) player.stop();
  else play(state.cursor);
}

function listen() {
  if (!state.box) return;
  const one = boxes.recordingOf(state);
  const { from, to } = boxes.samplesOf(state.box, one);
  player.play(one.row, from, to, state.speed);
}

/** Moves the cursor to what is heard, and the view with it. */
function follow() {
  const button = find("play");
  const { isPlaying, place } = player;
  button.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
  button.setAttribute("aria-pressed", String(isPlaying));
  const one = place && state.lane.recordings.find((other) => other.row === place.row);
  if (!one) return;
  const cursor = one.start + place.sample / one.rate;
  const { view } = state;
  const wasSeen = state.cursor >= view.from && state.cursor <= view.to;
  state.cursor = cursor;
  // A view that someone has moved elsewhere stays there.
  if (wasSeen && cursor > view.to) update({ view: views.pan(view, 0.9, 0, state.limits) });
  else redraw();
}

// The view.

const middle = () => ({ time: (state.view.from + state.view.to) / 2, hertz: (state.view.low + state.view.high) / 2 });

function setView(view) {
  const seen = nearest(state.lane.recordings, (view.from + view.to) / 2, state.chosen);
  update({ view });
  // The recording in the middle is the chosen one.
  if (seen === state.chosen) return;
  state.chosen = seen;
  shown();
}

function zoomTime(factor, x) {
  const anchor = x === undefined ? middle().time : spectrogram.timeAt(x, state.view);
  setView(views.zoomTime(state.view, factor, anchor, state.limits));
}

function zoomBand(factor, y) {
  const anchor = y === undefined ? middle().hertz : spectrogram.hertzAt(y, state.view);
  setView(views.zoomBand(state.view, factor, anchor, state.limits));
}

const pan = (right, up) => setView(views.pan(state.view, right, up, state.limits));

function fitStation() {
  const { from, to, nyquist } = state.lane;
  update({ view: { from, to, low: 0, high: nyquist } });
}

const zoomToBox = () => setView(views.around(state.box, state.limits));

function toEdge(time) {
  update({ view: views.centre(state.view, time, state.limits), cursor: time });
}

function step(by) {
  const next = list.beside(state.chosen, by);
  if (next) choose(next);
}

function corner({ x, y }) {
  return { time: spectrogram.timeAt(x, state.view), hertz: spectrogram.hertzAt(y, state.view) };
}

function boxAtCursor() {
  const { view, cursor } = state;
  const isSeen = cursor > view.from && cursor < view.to;
  update({ box: boxes.around(view, isSeen ? cursor : middle().time) });
  sayBox();
}

function sayBox() {
  if (state.box) say(boxes.describe(state.box, boxes.recordingOf(state)));
}

function setSelecting(isSelecting) {
  state.isSelecting = isSelecting;
  find("select").setAttribute("aria-pressed", String(isSelecting));
  canvas.classList.toggle("selecting", isSelecting);
  redraw();
}

async function copyLink() {
  settle();
  try {
    await navigator.clipboard.writeText(location.href);
    tell("Link copied.");
  } catch {
    tell(`Copy the address of this page: ${location.href}`);
  }
}

const actions = {
  pan, zoomTime, zoomBand, step, togglePlay, listen, copyLink, boxAtCursor,
  place: (x) => {
    const cursor = spectrogram.timeAt(x, state.view);
    update({ cursor });
    if (player.isPlaying) play(cursor);
  },
  hover: (x, y) => {
    const { time, hertz } = corner({ x, y });
    find("pointer-text").textContent = pointText(time, hertz, state.view, state.chosen);
  },
  leave: () => { find("pointer-text").textContent = ""; },
  drawBox: (a, b) => update({ box: boxes.between(state.chosen, corner(a), corner(b), state.limits.nyquist) }),
  endBox: () => {
    setSelecting(false);
    sayBox();
  },
  moveBox: (right, up, isSize) => {
    if (!state.box) return;
    update({ box: boxes.moved(state.box, state.view, right, up, isSize, state.limits.nyquist) });
    sayBox();
  },
  moveCursor: (share) => {
    const cursor = state.cursor + share * (state.view.to - state.view.from);
    update({ cursor: views.clamp(cursor, state.view.from, state.view.to) });
  },
  fit: () => update({ view: views.whole(state.chosen) }),
  toStart: () => toEdge(state.chosen.start),
  toEnd: () => toEdge(state.chosen.end),
  escape: () => {
    if (player.isPlaying) player.stop();
    else update({ box: undefined });
  },
  help: () => find("help").showModal(),
};

// Lists and files.

const isNarrow = () => matchMedia("(max-width: 46rem)").matches;

function toggleList(isOpen) {
  find("layout").classList.toggle("without-list", !isOpen);
  find("toggle-list").setAttribute("aria-expanded", String(isOpen));
}

async function openTables(files) {
  const { found, text } = await readTables(files, state.all, state.chosen);
  state.labels = merge(state.labels, found);
  tell(text);
  showLabels();
  redraw();
}

function connectTools() {
  const buttons = {
    previous: () => step(-1),
    next: () => step(1),
    play: togglePlay,
    "zoom-in": () => zoomTime(0.5),
    "zoom-out": () => zoomTime(2),
    fit: actions.fit,
    "fit-station": fitStation,
    select: () => setSelecting(!state.isSelecting),
    "copy-link": copyLink,
    "open-help": actions.help,
    "toggle-list": () => toggleList(find("layout").classList.contains("without-list")),
    "clear-labels": () => {
      state.labels = new Map();
      showLabels();
      redraw();
    },
  };
  for (const [id, action] of Object.entries(buttons)) find(id).addEventListener("click", () => action());
  find("label-files").addEventListener("change", (event) => openTables([...event.target.files]));
}

function connect() {
  connectGestures(canvas, spectrogram, () => state.isSelecting, actions);
  connectKeys(canvas, actions);
  acceptDrops(find("drop"), openTables);
  new ResizeObserver(redraw).observe(canvas);
  new ResizeObserver(redraw).observe(find("timeline"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    spectrogram.readColours();
    redraw();
  });
  window.addEventListener("hashchange", () => {
    if (state.open(location.hash)) shown();
  });
}

async function loadStore({ name, base }, hasOthers) {
  player.stop();
  useStore(base);
  state.load(recordings(await listing()));
  state.store = hasOthers ? name : undefined;
  list.show(state.all);
  if (state.all.length === 0) {
    find("title").textContent = "No recordings";
    return;
  }
  if (!state.open(location.hash)) state.choose(state.all[0]);
  shown();
}

async function start() {
  if (isNarrow()) toggleList(false);
  connectTools();
  try {
    const all = await stores();
    const wanted = decode(location.hash)?.store;
    const first = all.find((store) => store.name === wanted) ?? all[0];
    find("store-field").hidden = all.length === 1;
    find("store").replaceChildren(...all.map(({ name }) => new Option(name, name)));
    find("store").value = first.name;
    find("store").addEventListener("change", () => {
      loadStore(all[find("store").selectedIndex], true).catch((error) => fail(error.message));
    });
    await loadStore(first, all.length > 1);
    connect();
  } catch (error) {
    find("title").textContent = "Recordings";
    fail(error.message);
  }
}

start();
