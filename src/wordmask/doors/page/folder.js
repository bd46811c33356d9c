// @ts-check
// A folder, picture after picture: its own words, saved as you go, never over somebody else's work.
import { attempt, nameChosen } from "./actions.js";
import { ServerError, get, put, request } from "./api.js";
import { board, changed, commit, forget, giveColours, kept, listen, make, onVisit, readRegions, show, writeRegions }
  from "./board.js";
import { download, h, iconButton } from "./dom.js";
import { upperWins } from "./exporting.js";
import { findWords, say, wordsOf } from "./find.js";
import { css } from "./stage.js";
import { T } from "./strings.js";

/** @typedef {{name: string, regions: number, done: boolean, revision: number}} Entry */
/** @typedef {{revision: number, done: boolean, labels: any, sent?: string}} Draft */

const QUIET = 350; // milliseconds without a change before it is saved
const RETRY = 3000;
/** @type {Record<string, string>} */ const ENDINGS = { coco: "json", labelstudio: "json" };
const F = T.folder;
let folder = "";
/** @type {Entry[]} */ let entries = [];
let wordsRevision = 0;
/** @type {Entry | null} */ let here = null;
let saved = ""; // the labels that the server has, as text
let sent = "";
/** @typedef {{isShown: boolean, labels: () => any, done: boolean}} Held */
/** @type {Held | null} somebody else has saved: ours is not sent until a person has chosen */
let held = null;
/** @type {any} */ let timer = 0;
let isAway = false; // the server did not answer
/** @type {Promise<void> | null} */ let saving = null;

// ---- what is seen of it

const choice = h("select", { "aria-label": F.title, onchange: () => attempt(() => go(choice.value)) });
const bar = h("progress", { max: 1, value: 0, "aria-label": F.title });
const count = h("span", { class: "soft" });
const state = h("span", { class: "soft saved", role: "status" });
const strip = h("nav", { class: "strip", "aria-label": F.title },
  iconButton("left", F.previous, () => attempt(() => walk(-1))), choice,
  iconButton("right", F.next, () => attempt(() => walk(1))), bar, count, state,
  h("button", { type: "button", onclick: () => attempt(copyOn) }, F.copy),
  h("button", { type: "button", class: "primary", title: F.finishTitle, onclick: () => attempt(finish) }, F.finish));
const text = h("textarea", { id: "vocabulary", rows: 4, spellcheck: false, onchange: () => attempt(saveWords),
  "aria-describedby": "vocabulary-about" });
const legend = h("div", { class: "legend" });
const file = h("input", { type: "file", id: "labels-file", class: "away", tabIndex: -1, accept: ".json,.zip,.txt",
  "aria-label": F.importFile, onchange: () => attempt(importFile) });
const pictures = h("input", { type: "file", id: "pictures-file", class: "away", tabIndex: -1, accept: "image/*", multiple: true,
  "aria-label": F.addPictures, onchange: () => attempt(() => addPictures([...pictures.files])) });
const vocabulary = h("section", { class: "block vocabulary", "aria-labelledby": "head-words" },
  h("h2", { id: "head-words" }, h("label", { for: "vocabulary" }, F.vocabulary)), text,
  h("p", { class: "soft", id: "vocabulary-about" }, F.vocabularyHint), legend,
  h("div", { class: "row" }, h("button", { type: "button", onclick: propose }, F.propose),
    h("button", { type: "button", onclick: () => file.click() }, F.importFile), file,
    h("button", { type: "button", onclick: () => pictures.click() }, F.addPictures), pictures));
const conflict = h("div", { class: "conflict", role: "alert" });
conflict.hidden = true;

/** @type {Record<string, () => void>} */
export const folderKeys = {
  n: () => here && attempt(finish),
  ".": () => here && attempt(() => walk(1)),
  ",": () => here && attempt(() => walk(-1)),
  y: () => here && attempt(copyOn),
  p: () => here && propose(),
};

/** @param {{menu: any, side: any}} parts of the page */
export async function startFolder({ menu, side }) {
  const about = await get("v1/folder");
  if (about.folder === null) return;
  folder = about.folder;
  document.body.classList.add("folder");
  document.body.append(strip);
  document.querySelector("main")?.append(conflict);
  side.prepend(vocabulary);
  for (const [form, label] of Object.entries(F.exports)) {
    menu.append(h("button", { type: "button", onclick: () => attempt(() => exportAll(form, menu)) }, label));
  }
  take(about);
  onVisit(go);
  listen((what) => what === "things" && here && later());
  const first = entries.find((entry) => !entry.done) || entries[0];
  await go(decodeURIComponent(location.hash.slice(1)) || first.name).catch(() => go(first.name));
}

/** @param {any} about */
function take(about) {
  // The open one stays the same object: it knows which revision was seen.
  entries = about.pictures.map((/** @type {Entry} */ one) => (here && one.name === here.name ? here : one));
  wordsRevision = about.words_revision;
  showWords(about.words);
  draw();
}

function draw() {
  const done = entries.filter((entry) => entry.done).length;
  Object.assign(bar, { max: entries.length, value: done });
  count.textContent = F.progress(done, entries.length);
  choice.replaceChildren(...entries.map((entry) =>
    h("option", { value: entry.name }, `${entry.done ? "✓ " : ""}${entry.name}`)));
  if (here) choice.value = here.name;
}

// ---- from picture to picture

/** @type {Promise<boolean>} */ let going = Promise.resolve(true);
/** Open a picture, when those asked for before are open: none is opened twice over work on it.
 * @param {string} name @returns {Promise<boolean>} */
function go(name) {
  const turn = going.then(() => open(name));
  going = turn.catch(() => false);
  return turn;
}

/** What is not saved yet is saved before. @param {string} name @returns {Promise<boolean>} */
async function open(name) {
  if (here?.name === name && board.picture) return true;
  const entry = entries.find((one) => one.name === name);
  if (!entry) throw new Error(T.noPicture(name));
  await flush();
  if (held) return false;
  say(T.opening, "work");
  const path = encode(name);
  const [about, blob] = await Promise.all([
    get(`v1/folder/pictures/${path}`), request(`v1/folder/files/${path}`).then((answer) => answer.blob())]);
  const bitmap = await createImageBitmap(blob).catch(() => null);
  if (!bitmap) throw new Error(T.noPicture(name));
  if (about.revision !== entry.revision) forget(name);
  Object.assign(entry, { revision: about.revision, done: about.done });
  here = null; // what follows is no change of a person
  show({ key: name, name, id: about.picture, size: about.size, blob, bitmap });
  place(about.labels);
  here = entry;
  saved = asText();
  sent = "";
  history.replaceState(null, "", `#${path}`);
  say("");
  state.textContent = "";
  restore(about);
  draw();
  ahead(entry);
  return true;
}

/** @param {any} labels */
function place(labels) {
  board.things = labels ? giveColours(readRegions(labels, "file"), []) : [];
  changed("things");
}

/** @param {string} name */
function encode(name) {
  return name.split("/").map(encodeURIComponent).join("/");
}

/** The next one is encoded while this one is looked at. @param {Entry} entry */
function ahead(entry) {
  const next = entries[entries.indexOf(entry) + 1];
  if (next) void get(`v1/folder/pictures/${encode(next.name)}`).catch(() => {});
}

/** @param {number} way */
async function walk(way) {
  if (!here) return;
  const next = entries[entries.indexOf(here) + way];
  if (!next) return say(way > 0 ? F.last : F.first);
  try {
    await go(next.name);
  } catch (error) {
    // Its file has gone: the list is drawn without it, and the next step leads past it.
    if (error instanceof ServerError && error.status === 404) take(await get("v1/folder"));
    throw error;
  }
}

async function finish() {
  if (!here) return;
  const entry = here;
  entry.done = true;
  saved = "";
  await flush();
  draw();
  if (here === entry) await walk(1); // pressed twice, it leads on once
}

/** @type {Entry | null} whose things are being carried on */ let carried = null;
async function copyOn() {
  if (!here || here === carried) return; // pressed twice, it copies once
  const copies = kept(), size = String(board.picture?.size);
  const before = (carried = here);
  await walk(1).finally(() => (carried = null));
  if (here === before) return;
  if (String(board.picture?.size) !== size) return say(F.otherSize, "wrong");
  commit([...copies.map((thing) => ({ ...thing, id: make({}).id, points: undefined })), ...board.things]);
}

// ---- saving

function asText() {
  return JSON.stringify([here?.done, writeRegions().regions.map(({ label, mask }) => [label, mask.counts])]);
}

function draftKey() {
  return `wordmask:${folder}:${here?.name}`;
}

/** At once into the browser, soon to the server. */
function later() {
  if (asText() === saved || (held && !held.isShown)) return;
  const draft = { revision: here?.revision, done: here?.done, labels: writeRegions(), sent };
  try {
    localStorage.setItem(draftKey(), JSON.stringify(draft));
  } catch {
    // The browser has no room for it: then the server alone has it, in a moment.
  }
  state.textContent = T.saving;
  clearTimeout(timer);
  timer = setTimeout(() => attempt(flush), QUIET);
}

async function flush() {
  clearTimeout(timer);
  while (saving) await saving;
  if (!here || held || asText() === saved) return;
  saving = save(here).finally(() => (saving = null));
  await saving;
}

/** @param {Entry} entry */
async function save(entry) {
  const mine = asText(), labels = writeRegions();
  sent = mine;
  try {
    const path = `v1/folder/labels/${encode(entry.name)}`;
    const { revision } = await put(path, { revision: entry.revision, done: entry.done, labels });
    Object.assign(entry, { revision, regions: labels.regions.length });
    saved = mine;
    if (isAway) say(T.back);
    isAway = false;
    if (asText() === mine) {
      localStorage.removeItem(draftKey());
      state.textContent = T.saved;
    } else later();
  } catch (error) {
    state.textContent = T.unsaved;
    if (error instanceof ServerError && error.status === 409) {
      return hold({ isShown: true, labels: writeRegions, done: entry.done });
    }
    isAway = true;
    timer = setTimeout(() => attempt(flush), RETRY);
    throw error;
  }
}

/** What had not reached the server when the page was closed. @param {any} about */
function restore(about) {
  const kept = localStorage.getItem(draftKey());
  if (!kept || !here) return;
  const draft = /** @type {Draft} */ (JSON.parse(kept));
  const theirs = saved;
  const isOurs = draft.revision === about.revision || draft.sent === theirs;
  if (!isOurs) return hold({ isShown: false, labels: () => draft.labels, done: draft.done });
  here.done = draft.done;
  commit(giveColours(readRegions(draft.labels, "file"), []));
  if (asText() === theirs) localStorage.removeItem(draftKey());
  else say(F.restored);
}

/** Somebody else was first: a person chooses. @param {Held} ours */
function hold(ours) {
  held = ours;
  conflict.hidden = false;
  conflict.replaceChildren(h("span", {}, F.conflict),
    h("button", { type: "button", onclick: () => attempt(() => decide(false)) }, F.theirs),
    h("button", { type: "button", class: "primary", onclick: () => attempt(() => decide(true)) }, F.mine));
}

/** @param {boolean} keepsOurs */
async function decide(keepsOurs) {
  if (!here || !held) return;
  const entry = here, ours = held.labels(), { done } = held;
  const about = await get(`v1/folder/pictures/${encode(entry.name)}`);
  Object.assign(entry, { revision: about.revision, done: about.done });
  forget(entry.name);
  localStorage.removeItem(draftKey());
  held = here = null;
  conflict.hidden = true;
  state.textContent = "";
  place(about.labels);
  here = entry;
  saved = asText();
  draw();
  if (!keepsOurs) return;
  here.done = done;
  commit(giveColours(readRegions(ours, "file"), []));
  await flush();
}

// ---- words

/** @param {string[]} words */
function showWords(words) {
  board.vocabulary = words;
  text.value = words.join("\n");
  legend.replaceChildren(...words.slice(0, 9).map((word, k) => {
    const dot = h("i", { "aria-hidden": "true" });
    dot.style.background = css(k);
    return h("button", { type: "button", class: "chip", onclick: () => nameChosen(word) }, dot,
      h("span", {}, `${k + 1} ${word}`));
  }));
}

async function saveWords() {
  const words = wordsOf(text.value);
  showWords(words);
  try {
    wordsRevision = (await put("v1/folder/words", { revision: wordsRevision, words })).revision;
  } catch (error) {
    if (!(error instanceof ServerError) || error.status !== 409) throw error;
    const about = await get("v1/folder");
    wordsRevision = about.words_revision;
    showWords(about.words);
    say(F.conflictWords, "wrong");
  }
  changed("look");
}

function propose() {
  void findWords(board.vocabulary, true);
}

// ---- in and out

async function importFile() {
  const chosen = file.files[0];
  file.value = "";
  if (!chosen || !here) return;
  await flush();
  const path = `v1/folder/import?name=${encodeURIComponent(chosen.name)}`;
  const { regions, pictures } = await (await request(path, { method: "POST", body: chosen })).json();
  const name = here.name;
  const about = await get("v1/folder");
  here = board.picture = null;
  take(about);
  await go(name);
  say(F.imported(regions, pictures));
}

/** New pictures for the folder; one that cannot be added is said, the others come. @param {File[]} files */
export async function addPictures(files) {
  /** @type {string[]} */ const failed = [];
  let added = 0;
  for (const one of files) {
    say(F.adding(one.name), "work");
    const path = `v1/folder/files/${encodeURIComponent(one.name)}`;
    await request(path, { method: "PUT", body: one }).then(() => added++, (error) => failed.push(error.message));
  }
  pictures.value = "";
  take(await get("v1/folder"));
  say([F.added(added), ...failed].join(" "), failed.length ? "wrong" : "calm");
}

/** @param {string} form @param {any} menu */
async function exportAll(form, menu) {
  menu.hidePopover();
  await flush();
  const overlaps = upperWins.checked ? "&overlaps=upper" : "";
  const answer = await request(`v1/folder/export?format=${form}${overlaps}`);
  download(await answer.blob(), `${folder}.${form}.${ENDINGS[form] || "zip"}`);
}

addEventListener("online", () => here && attempt(flush));
