// @ts-check
// What is on the table: the picture, its things, what was done. Things are never changed in place,
// so that a step of the history is two lists, and undo has no limit.
import { areaOf, decode, encode } from "./masks.js";

/**
 * @typedef {import("./masks.js").Mask} Mask
 * @typedef {import("./masks.js").Size} Size
 * @typedef {"words" | "cut" | "brush" | "file"} Source
 * @typedef {{id: number, name: string, named: boolean, score: number, colour: number, visible: boolean,
 *   opacity: number, mask: Mask, why: any, source: Source, points?: number[][], box?: number[]}} Thing
 * @typedef {{key: string, name: string, id: string, size: Size, blob: Blob, bitmap: ImageBitmap,
 *   ready?: () => Promise<void>}} Picture `ready`: sent to the server when it is first asked about
 * @typedef {{key: string, before: Thing[], after: Thing[]}} Step
 * @typedef {{phrase: string, best: number, needed: number, unknown?: boolean}} AbsentWord
 */

/** Hue of each colour, in an order in which neighbours differ. */
export const HUES = [225, 145, 45, 330, 195, 95, 20, 295, 165, 70, 260, 355];

export const board = {
  /** @type {Picture | null} */ picture: null,
  /** @type {Thing[]} the first one lies on top */ things: [],
  /** @type {number | null} */ chosen: null,
  /** @type {AbsentWord[]} */ absent: [],
  threshold: 0,
  /** @type {number[]} */ scores: [],
  hideAll: false,
  /** @type {string[]} */ vocabulary: [],
  /** @type {ImageBitmap | null} */ after: null,
  wipe: 0.5,
};

/** @type {Step[]} */ let past = [];
/** @type {Step[]} */ let future = [];
/** @type {Set<(what: string) => void>} */ const listeners = new Set();
/** @type {(key: string) => Promise<boolean>} */ let visit = async () => true;
let lastId = 0;

/** @param {(what: string) => void} listener "things", "view" or "picture" */
export function listen(listener) {
  listeners.add(listener);
}

/** @param {string} what */
export function changed(what) {
  for (const listener of listeners) listener(what);
}

/** How undo comes back to another picture. @param {(key: string) => Promise<boolean>} go */
export function onVisit(go) {
  visit = go;
}

/** A new thing. @param {Partial<Thing>} given @returns {Thing} */
export function make(given) {
  const id = ++lastId;
  const name = given.name || "";
  return {
    id, name, named: Boolean(name), score: 1, visible: true, opacity: 0.42, mask: /** @type {any} */ (null),
    why: null, source: "cut", ...given, colour: given.colour ?? colourFor(name),
  };
}

/** One colour a name, and as different as there are. @param {Thing[]} fresh @param {Thing[]} others */
export function giveColours(fresh, others) {
  const known = new Map(board.vocabulary.map((word, k) => [word, k % HUES.length]));
  for (const thing of others) if (!known.has(thing.name)) known.set(thing.name, thing.colour);
  let next = known.size;
  for (const thing of fresh) {
    if (!known.has(thing.name)) known.set(thing.name, next++ % HUES.length);
    thing.colour = /** @type {number} */ (known.get(thing.name));
  }
  return fresh;
}

/** Things of one name share a colour; new names take the least used. @param {string} name */
function colourFor(name) {
  if (board.vocabulary.includes(name)) return board.vocabulary.indexOf(name) % HUES.length;
  const same = board.things.find((thing) => thing.name === name && name);
  if (same) return same.colour;
  const uses = HUES.map((_, k) => board.things.filter((thing) => thing.colour === k).length);
  return uses.indexOf(Math.min(...uses));
}

/** The new list, as one step of the history. @param {Thing[]} things @param {number | null} [chosen] */
export function commit(things, chosen = board.chosen) {
  if (!board.picture) return;
  past.push({ key: board.picture.key, before: board.things, after: things });
  future = [];
  place(things, chosen);
}

/** @param {Thing[]} things @param {number | null} chosen */
function place(things, chosen) {
  board.things = things;
  board.chosen = things.some((thing) => thing.id === chosen) ? chosen : null;
  changed("things");
}

/** What changes while a hand moves: it is no step until it is committed. @param {Thing} thing */
export function preview(thing) {
  board.things = board.things.map((one) => (one.id === thing.id ? thing : one));
  changed("preview");
}

/** The list before a hand moved becomes the one to come back to. @param {Thing[]} before */
export function settle(before) {
  const after = board.things;
  board.things = before;
  commit(after, board.chosen);
}

/** @param {number} id @param {Partial<Thing>} values */
export function edit(id, values) {
  commit(board.things.map((thing) => (thing.id === id ? { ...thing, ...values } : thing)));
}

/** How it looks only, which is no step. @param {number} id @param {Partial<Thing>} values */
export function dress(id, values) {
  board.things = board.things.map((thing) => (thing.id === id ? { ...thing, ...values } : thing));
  changed("look");
}

/** @param {number | null} id */
export function choose(id) {
  board.chosen = id;
  changed("view");
}

export function chosen() {
  return board.things.find((thing) => thing.id === board.chosen) || null;
}

/** Whether the slider lets it through. @param {Thing} thing */
export function passes(thing) {
  return thing.source !== "words" || thing.score >= board.threshold;
}

/** What is seen, top first. */
export function seen() {
  return board.hideAll ? [] : kept().filter((thing) => thing.visible);
}

/** What is exported and saved, seen or not. */
export function kept() {
  return board.things.filter((thing) => passes(thing) && thing.mask.w);
}

/** @type {Promise<boolean>} */ let stepping = Promise.resolve(true);
/** One after the other: none is lost while another picture is opened. @param {"undo" | "redo"} way */
export function step(way) {
  const turn = stepping.then(() => stepOnce(way));
  stepping = turn.catch(() => false);
  return turn;
}

/** @param {"undo" | "redo"} way */
async function stepOnce(way) {
  const [from, to] = way === "undo" ? [past, future] : [future, past];
  const move = from[from.length - 1];
  if (!move || !(await visit(move.key)) || from[from.length - 1] !== move) return false;
  from.pop();
  to.push(move);
  place(way === "undo" ? move.before : move.after, board.chosen);
  return true;
}

export function canStep() {
  return { undo: past.length > 0, redo: future.length > 0 };
}

/** Steps of a picture that others have changed would undo their work. @param {string} key */
export function forget(key) {
  past = past.filter((move) => move.key !== key);
  future = future.filter((move) => move.key !== key);
}

/** @param {Picture} picture @param {Thing[]} things */
export function show(picture, things = []) {
  if (board.picture !== picture) board.picture?.bitmap.close?.();
  Object.assign(board, {
    picture, things, chosen: null, absent: [], threshold: 0, scores: [], after: null,
  });
  changed("picture");
}

/** Regions of wordmask's JSON as things. @param {any} value @param {Source} source @returns {Thing[]} */
export function readRegions(value, source) {
  return value.regions.map((/** @type {any} */ region) => make({
    name: region.label || "", score: region.score, mask: decode(region.mask), why: region.why, source,
  }));
}

/** @type {WeakMap<Mask, import("./masks.js").Code>} */ const codes = new WeakMap();

/** Masks never change, so each is encoded once. @param {Mask} mask @param {Size} size */
export function codeOf(mask, size) {
  const code = codes.get(mask) || encode(mask, size);
  codes.set(mask, code);
  return code;
}

/** The kept things, or those given, as wordmask's JSON. */
export function writeRegions(things = kept()) {
  const { picture } = board;
  if (!picture) throw new Error("there is no picture");
  const vocabulary = [...new Set([...things.map((thing) => thing.name).filter(Boolean)])];
  const regions = things.map((thing) => ({
    label: thing.name || null,
    score: Math.round(thing.score * 1e4) / 1e4,
    box: [thing.mask.x, thing.mask.y, thing.mask.x + thing.mask.w, thing.mask.y + thing.mask.h],
    area: areaOf(thing.mask),
    track: null,
    why: thing.why,
    mask: codeOf(thing.mask, picture.size),
  }));
  return {
    wordmask: 1, image: picture.name, size: picture.size, vocabulary, regions,
    absent: board.absent, made_by: [],
  };
}
