// @ts-check
// A question about the picture: the answer in words, and on the picture what it rests on.
import { ask } from "./api.js";
import { board, giveColours, listen, readRegions, seen } from "./board.js";
import { h } from "./dom.js";
import { css, look, redraw, rgb, tile } from "./stage.js";
import { T, percent } from "./strings.js";

/** @typedef {import("./board.js").Thing} Thing */
/** @typedef {{answer: string, score: number, how: string, reason: string, looked_for: string[], evidence: any}} Answer */

const Q = T.questions;
const ROWS = 8; // regions that are told of in words
const PIXELS = 4e6; // of a larger picture what lies above it is kept smaller
const VEIL = "rgb(12 14 20 / .5)", UNKNOWN = "unknown"; // as the server says it
let turn = 0; // of questions: only the newest is answered
/** @type {any[]} what was chosen and seen when something was last told */ let before = [];

const line = h("input", {
  id: "question", placeholder: Q.title, "aria-label": Q.title, autocomplete: "off", enterkeyhint: "send",
  onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && putAway(),
});
const told = h("div", { class: "told", role: "status" });
const away = h("button", { type: "button", class: "link", onclick: leave, hidden: true }, Q.putAway);
export const askPart = h("section", { class: "block ask", "aria-label": Q.title },
  h("form", { class: "search", onsubmit: start }, line, h("button", {}, Q.ask)), told, away);

export function focusQuestion() {
  line.focus();
}

/** @param {Event} event */
function start(event) {
  event.preventDefault();
  putAway();
  const question = line.value.trim();
  if (question) return void answer(question);
  tell("wrong", Q.empty);
}

/** @param {string} question */
async function answer(question) {
  const { picture } = board, mine = ++turn;
  if (!picture) return;
  tell("work", T.working);
  try {
    const value = await (await ask(picture, "v1/ask", { question })).json();
    if (mine === turn) draw(value);
  } catch (error) {
    if (mine === turn) tell("wrong", error instanceof Error ? error.message : String(error));
  }
}

/** @param {"calm" | "work" | "wrong"} kind @param {...any} parts */
function tell(kind, ...parts) {
  before = present();
  told.dataset.kind = kind;
  told.replaceChildren(...parts);
  away.hidden = kind !== "calm" || !parts.length;
}

/** @param {Answer} value */
function draw(value) {
  const things = giveColours(readRegions(value.evidence, "file"), board.things);
  const isKnown = value.answer !== UNKNOWN, words = value.looked_for;
  const how = isKnown ? `${Q.sure(value.score)} · ${value.how}` : words.length ? Q.lookedFor(words) : "";
  tell("calm",
    h("p", { class: "answer" }, isKnown ? value.answer : Q.unknown),
    h("p", { class: "soft" }, how), h("p", { class: "soft" }, value.reason),
    h("ul", { "aria-label": Q.evidence }, ...things.slice(0, ROWS).map(row)),
    h("p", { class: "soft" }, things.length > ROWS ? Q.more(things.length - ROWS) : ""));
  look.evidence = things.length ? paint(things) : null;
  redraw();
}

/** @param {Thing} thing */
function row(thing) {
  const dot = h("i", { "aria-hidden": "true" });
  dot.style.background = css(thing.colour);
  return h("li", {}, dot, thing.name || T.thing, h("span", { class: "soft" }, percent(thing.score)));
}

/** The picture without its things: all but the evidence under a veil, the evidence outlined.
 * @param {Thing[]} things */
function paint(things) {
  const { bitmap, size: [height, width] } = /** @type {import("./board.js").Picture} */ (board.picture);
  const scale = Math.min(1, Math.sqrt(PIXELS / (height * width)));
  const out = document.createElement("canvas");
  out.width = Math.max(1, Math.round(width * scale));
  out.height = Math.max(1, Math.round(height * scale));
  const pen = /** @type {CanvasRenderingContext2D} */ (out.getContext("2d"));
  const lay = (/** @type {number} */ fill) => {
    for (const { mask, colour } of things) {
      const image = tile(mask, rgb(colour), scale, fill);
      pen.drawImage(image, mask.x * scale, mask.y * scale, mask.w * scale, mask.h * scale);
    }
  };
  pen.fillStyle = VEIL;
  pen.fillRect(0, 0, out.width, out.height);
  pen.globalCompositeOperation = "destination-out";
  lay(1);
  pen.globalCompositeOperation = "destination-over";
  pen.drawImage(bitmap, 0, 0, out.width, out.height);
  pen.globalCompositeOperation = "source-over";
  lay(0);
  return out;
}

/** The answer goes, and what it showed. */
function putAway() {
  turn += 1;
  tell("calm");
  look.evidence = null;
  redraw();
}

function leave() {
  putAway();
  line.focus();
}

function present() {
  return [board.chosen, ...seen().map(({ mask }) => mask)];
}

/** Whoever goes on working wants to see their things again. */
function isLeft() {
  if (away.hidden) return false;
  const now = present();
  return now.length !== before.length || now.some((one, k) => one !== before[k]);
}

listen((what) => (what === "picture" || what === "play" || isLeft()) && putAway());
