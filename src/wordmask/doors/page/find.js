// @ts-check
// Pictures in, words, clicks, boxes and hovers out to the server, things back.
import { ServerError, ask, send } from "./api.js";
import { board, changed, choose, chosen, commit, edit, giveColours, kept, make,
  readRegions, show } from "./board.js";
import { EMPTY, decode, overlap, subtract, unite } from "./masks.js";
import { look, redraw, rgb } from "./stage.js";
import { T } from "./strings.js";

/** @typedef {import("./board.js").Thing} Thing */

const FAINT = 0.03; // down to this the slider reaches
const SAME = 0.8; // two regions of one name that overlap more are one
const HOVER = `page-${Math.random().toString(36).slice(2)}`;
const LOGITS = "application/vnd.wordmask.logits";

/** @type {(text: string, kind?: "calm" | "work" | "wrong") => void} */
export let say = () => {};
/** @param {typeof say} teller */
export function onSay(teller) {
  say = teller;
}

/** What a person is told of anything that went wrong. @param {unknown} error */
export function complain(error) {
  if (error instanceof DOMException && error.name === "AbortError") return;
  say(error instanceof Error ? error.message : String(error), "wrong");
  if (!(error instanceof ServerError)) console.error(error);
}

/** @param {Blob} blob @param {string} name @returns {Promise<boolean>} */
export async function openPicture(blob, name) {
  say(T.opening, "work");
  try {
    const bitmap = await createImageBitmap(blob).catch(() => null);
    const { picture: id, size } = await send(blob);
    if (!bitmap) throw new Error(T.noPicture(name));
    show({ key: id, name, id, size, blob, bitmap }, []);
    say("");
    return true;
  } catch (error) {
    // The server knows the picture by its number only.
    if (error instanceof Error) error.message = error.message.replace(/^[0-9a-f]{12}\b/, name);
    complain(error);
    return false;
  }
}

/** @param {string} text */
export function wordsOf(text) {
  return [...new Set(text.split(/[,\n]/).map((word) => word.trim()).filter(Boolean))];
}

/** Find what words name. What a person has made or kept stays.
 * @param {string[]} words @param {boolean} adds keep what earlier words found, too */
export async function findWords(words, adds = false) {
  const { picture } = board;
  if (!picture) return say(T.needPicture, "wrong");
  if (!words.length) return say(T.needWords, "wrong");
  say(T.working, "work");
  const began = performance.now();
  try {
    const sure = await (await ask(picture, "v1/segment", { words })).json();
    if (board.picture !== picture) return;
    const threshold = thresholdOf(sure);
    const found = place(sure, threshold, adds);
    say(found ? T.found(found, performance.now() - began) : T.nothingFound);
    const options = { min_confidence: FAINT };
    const faint = await (await ask(picture, "v1/segment", { words, options })).json();
    if (board.picture !== picture) return;
    addFaint(faint, threshold);
  } catch (error) {
    complain(error);
  }
}

/** The score that was needed. @param {any} value */
function thresholdOf(value) {
  const needed = value.absent.length ? value.absent[0].needed : NaN;
  const lowest = Math.min(...value.regions.map((/** @type {any} */ region) => region.score), 0.5);
  return Number.isNaN(needed) ? lowest : Math.min(needed, lowest);
}

/** @param {any} value @param {number} threshold @param {boolean} adds */
function place(value, threshold, adds) {
  const stay = adds ? kept().map(confirm) : board.things.filter((thing) => thing.source !== "words");
  const fresh = giveColours(readRegions(value, "words"), stay).filter((thing) => !isThere(thing, stay));
  for (const thing of fresh) thing.why = { ...thing.why, prompt: thing.why?.prompt || "dense" };
  board.absent = value.absent;
  board.threshold = Math.max(0, Math.floor(threshold * 100) / 100);
  commit([...stay, ...fresh], fresh[0]?.id ?? board.chosen);
  return fresh.length;
}

/** What earlier words found stays, wherever the slider goes. @param {Thing} thing @returns {Thing} */
function confirm(thing) {
  return thing.source === "words" ? { ...thing, source: "cut" } : thing;
}

/** @param {Thing} thing @param {Thing[]} others */
function isThere(thing, others) {
  return others.some((one) => one.name === thing.name && overlap(one.mask, thing.mask) > SAME);
}

/** What is less sure waits below the threshold of the slider. @param {any} value @param {number} below */
function addFaint(value, below) {
  const faint = giveColours(readRegions(value, "words"), board.things)
    .filter((thing) => thing.score < below && !isThere(thing, board.things));
  board.things = [...board.things, ...faint];
  changed("things");
}

/** Cut what is at a point. @param {number[]} at @param {"new" | "add" | "drop"} how */
export async function cutAt(at, how) {
  const { picture } = board;
  if (!picture) return say(T.needPicture, "wrong");
  const thing = chosen();
  if (how !== "new" && !thing) how = how === "add" ? "new" : "drop";
  if (how === "drop" && !thing) return say(T.needThing, "wrong");
  const point = [...at, how === "drop" ? 0 : 1];
  const points = how === "new" || !thing?.points ? [point] : [...thing.points, point];
  const refines = how !== "new" && Boolean(thing?.points || thing?.box);
  const box = refines ? thing?.box : undefined;
  const query = refines || how === "new" ? { points, box } : { points: [[...at, 1]] };
  await cut(query, (region) => {
    if (how === "new") return addCut(region, { points });
    if (!thing) return;
    const { mask } = region;
    if (refines) return edit(thing.id, { mask, points, why: region.why, source: "cut" });
    const joined = how === "add" ? unite(thing.mask, mask) : subtract(thing.mask, mask);
    edit(thing.id, { mask: joined, source: "brush" });
  });
}

/** @param {number[]} box */
export async function cutBox(box) {
  await cut({ box }, (region) => addCut(region, { box }));
}

/** @param {any} query @param {(region: any) => void} use */
async function cut(query, use) {
  const { picture } = board;
  if (!picture) return say(T.needPicture, "wrong");
  say(T.working, "work");
  const began = performance.now();
  try {
    const words = board.vocabulary.length ? board.vocabulary : namesHere();
    const asked = words.length ? { ...query, words } : query;
    const value = await (await ask(picture, "v1/click", asked)).json();
    if (board.picture !== picture) return;
    const region = value.regions[0];
    if (!region) return say(T.nothingThere, "wrong");
    look.hover = null;
    use({ ...region, mask: decode(region.mask) });
    say(T.found(1, performance.now() - began));
  } catch (error) {
    complain(error);
  }
}

function namesHere() {
  return [...new Set(board.things.filter((thing) => thing.named).map((thing) => thing.name))];
}

/** @param {any} region @param {Partial<Thing>} shown */
function addCut(region, shown) {
  const name = board.vocabulary.length ? region.label || "" : "";
  const thing = make({ name, score: region.score, mask: region.mask, why: region.why, ...shown });
  commit([thing, ...board.things], thing.id);
}

/** An empty thing for the brush. */
export function startThing() {
  const thing = make({ mask: EMPTY, source: "brush", why: { prompt: "brush" } });
  board.things = [thing, ...board.things];
  choose(thing.id);
  return thing;
}

// ---- the preview under the cursor: one question at a time, the newest place waits

/** @type {number[] | null} */ let waiting = null;
let isAsking = false;

/** @param {number[] | null} at */
export async function hoverAt(at) {
  waiting = at;
  if (!at) {
    look.hover = null;
    redraw();
  }
  if (isAsking) return;
  isAsking = true;
  while (waiting && board.picture) {
    const place = waiting;
    waiting = null;
    await previewAt(place, board.picture).catch(() => {});
  }
  isAsking = false;
}

/** @param {number[]} at @param {import("./board.js").Picture} picture */
async function previewAt(at, picture) {
  const answer = await ask(picture, "v1/click", { points: [at], hover: HOVER }, LOGITS);
  const [h, w] = /** @type {string} */ (answer.headers.get("wordmask-shape")).split(",").map(Number);
  const logits = new Int8Array(await answer.arrayBuffer());
  if (board.picture !== picture || look.cross || isGone) return;
  const image = new ImageData(w, h), colour = rgb(0);
  for (let k = 0; k < logits.length; k++) {
    image.data.set(colour, 4 * k);
    image.data[4 * k + 3] = 130 / (1 + Math.exp(-logits[k] / 6));
  }
  const bitmap = document.createElement("canvas");
  bitmap.width = w;
  bitmap.height = h;
  /** @type {CanvasRenderingContext2D} */ (bitmap.getContext("2d")).putImageData(image, 0, 0);
  look.hover = { bitmap, hue: 0 };
  redraw();
}

let isGone = false;
/** The cursor has left, or works with another tool. @param {boolean} gone */
export function leave(gone) {
  isGone = gone;
  if (gone) void hoverAt(null);
}
