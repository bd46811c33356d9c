// @ts-check
// Every key, and the list that shows them.
import * as actions from "./actions.js";
import { board, step } from "./board.js";
import { h } from "./dom.js";
import { focusSlider, writeName } from "./panel.js";
import { canvas, fit, zoom } from "./stage.js";
import { KEYS, T } from "./strings.js";
import * as tools from "./tools.js";

const OFF = "wordmask-keys-off";
const isOn = h("input", {
  type: "checkbox", id: "keys-on", checked: !localStorage.getItem(OFF),
  onchange: () => (isOn.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")),
});

/** The list of keys. @param {boolean} hasFolder */
export function keyDialog(hasFolder) {
  const groups = Object.entries(T.keyGroups).filter(([name]) => hasFolder || name !== "folder");
  const dialog = h("dialog", { class: "keys", "aria-labelledby": "head-keys" },
    h("div", { class: "head" }, h("h2", { id: "head-keys" }, T.keys),
      h("button", { type: "button", onclick: () => dialog.close() }, T.close)),
    h("label", { class: "switch" }, isOn, T.keysOn),
    h("div", { class: "columns" }, ...groups.map(([name, title]) =>
      h("div", {}, h("h3", {}, title), h("dl", {}, ...KEYS.filter(([group]) => group === name)
        .flatMap(([, key, does]) => [h("dt", {}, ...key.split("  ").map((one) => h("kbd", {}, one))), h("dd", {}, does)]))))));
  return dialog;
}

/** @typedef {Record<string, () => void>} Table */

/** @type {Table} keys that do the same wherever the focus is, text fields aside */
const LETTERS = {
  q: () => tools.take("cut"),
  b: () => tools.take("paint"),
  e: () => tools.take("erase"),
  h: () => tools.take("hand"),
  x: tools.setCorner,
  "[": () => tools.resizeBrush(1 / 1.25),
  "]": () => tools.resizeBrush(1.25),
  j: () => actions.chooseNext(1),
  k: () => actions.chooseNext(-1),
  r: writeName,
  v: actions.toggleChosen,
  a: actions.toggleAll,
  u: actions.raiseChosen,
  m: actions.mergeChosen,
  s: actions.splitChosen,
  f: actions.fillChosen,
  d: actions.cutFromOthers,
  g: () => actions.attempt(actions.boxesToMasks),
  t: focusSlider,
  "+": () => zoom(1.3),
  "=": () => zoom(1.3),
  "-": () => zoom(1 / 1.3),
  0: fit,
};
/** What finishes, copies or follows: a key that is held down does it once. */
const ONCE = ["n", "y"];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @param {KeyboardEvent} event @param {Table} more */
function letter(event, more) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.repeat && ONCE.includes(key)) return null;
  const digit = Number(key);
  if (digit >= 1 && digit <= 9) {
    const word = board.vocabulary[digit - 1];
    return word ? () => actions.nameChosen(word) : null;
  }
  return more[key] || LETTERS[key] || null;
}

/** @param {KeyboardEvent} event */
function onPicture(event) {
  if (event.key in ARROWS) {
    const [dx, dy] = ARROWS[/** @type {keyof typeof ARROWS} */ (event.key)];
    return () => tools.moveCross(dx, dy, event.shiftKey);
  }
  if (event.key === "Enter") return () => tools.actAtCross(event.shiftKey ? "add" : "new");
  if (event.key === "Backspace") return () => tools.actAtCross("drop");
  return null;
}

/** @param {KeyboardEvent} event @param {Table} more */
function withControl(event, more) {
  const key = event.key.toLowerCase();
  if (key === "z") return () => actions.attempt(() => step(event.shiftKey ? "redo" : "undo"));
  if (key === "y") return () => actions.attempt(() => step("redo"));
  return key === "o" ? more.open : null;
}

/** @param {KeyboardEvent} event @param {Table} more */
function find(event, more) {
  const target = /** @type {HTMLElement} */ (event.target);
  const isWriting = target.matches("textarea, select, input:not([type=range]):not([type=checkbox])");
  if (isWriting || document.querySelector("dialog[open]")) return null;
  if (event.ctrlKey || event.metaKey) return withControl(event, more);
  if (event.altKey) return null;
  if (target === canvas) {
    const act = onPicture(event);
    if (act) return act;
  }
  if (event.key === "Delete") return actions.removeChosen;
  return isOn.checked ? letter(event, more) : null;
}

/** @param {Table} more what only the page itself can do */
export function listenToKeys(more) {
  document.addEventListener("keydown", (event) => {
    if (event.key === " " && event.target === canvas) {
      event.preventDefault();
      return tools.holdSpace(true);
    }
    const act = find(event, more);
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.addEventListener("keyup", (event) => event.key === " " && tools.holdSpace(false));
}
