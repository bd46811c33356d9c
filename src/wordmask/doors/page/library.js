// @ts-check
// The pictures of an index: words in, a grid of what was found, refined by what is like it or not.
import { get, post } from "./api.js";
import { h, icon } from "./dom.js";
import { wordsOf } from "./find.js";
import { decode, outlines } from "./masks.js";
import { css } from "./stage.js";
import { T, percent } from "./strings.js";

/** @typedef {{picture: string, name: string, label: string, score: number, box: number[], mask: any,
 *   names: Record<string, number>}} Hit */

const L = T.library, SVG = "http://www.w3.org/2000/svg";
let isServed = false;
let turn = 0; // of questions: only the newest is shown
/** @type {Set<string>} results that a person has sent away */ const away = new Set();

const words = h("input", { id: "library-words", placeholder: L.hint, "aria-label": L.words, autocomplete: "off" });
const unwanted = h("input", { id: "library-not", placeholder: L.notHint, "aria-label": L.not, autocomplete: "off" });
const form = h("form", { class: "search", role: "search", onsubmit: start }, words, unwanted,
  h("button", { class: "primary" }, T.find));
const near = h("input", { id: "library-near", placeholder: L.nearHint });
const where = h("input", { id: "library-where", placeholder: L.whereHint, autocomplete: "off", spellcheck: false, "aria-describedby": "library-columns" });
const top = h("input", { id: "library-top", type: "number", min: "1", max: "500", value: "20" });
const columns = h("p", { class: "soft", id: "library-columns" });
const filters = h("details", { class: "filters" }, h("summary", {}, L.filters),
  h("div", { class: "row" }, labelled(near, L.near), labelled(where, L.where), labelled(top, L.top)), columns);
const told = h("p", { class: "soft", role: "status" });
const chips = h("div", { class: "chips" });
const grid = h("ul", { class: "found", "aria-label": L.found });
const dialog = h("dialog", { class: "library", "aria-labelledby": "head-library" },
  h("div", { class: "head" }, h("h2", { id: "head-library" }, L.title), form,
    h("button", { type: "button", onclick: () => dialog.close() }, T.close)),
  filters, told, chips, grid);
for (const input of [near, where, top]) {
  input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && form.requestSubmit());
}

/** @param {any} input @param {string} text */
function labelled(input, text) {
  return h("label", {}, h("span", {}, text), input);
}

/** The button in the head is there only where an index is served. @param {any} doors of the head */
export async function startLibrary(doors) {
  const about = await get("v1/search");
  if (about.index === null) return;
  isServed = true;
  columns.textContent = L.columns(about.columns);
  told.textContent = L.about(about.pictures, about.regions);
  document.body.append(dialog);
  doors.prepend(h("button", { type: "button", class: "plain", onclick: openLibrary, title: `${L.title} (I)` },
    icon("find"), h("span", {}, L.open)));
}

export function openLibrary() {
  if (!isServed) return;
  dialog.showModal();
  words.focus();
}

/** @param {Event} event */
function start(event) {
  event.preventDefault();
  const list = wordsOf(words.value);
  if (!list.length) return void (told.textContent = T.needWords);
  away.clear();
  const next = near.value.trim();
  void look(next ? { words: list, near: next } : { words: list });
}

/** @param {any} query */
async function look(query) {
  const mine = ++turn;
  told.textContent = T.working;
  try {
    const value = await (await post("v1/search", {
      ...query, not: wordsOf(unwanted.value), where: where.value.trim(), options: { top: Number(top.value) || 20 },
    })).json();
    if (mine === turn) draw(value);
  } catch (error) {
    if (mine === turn) told.textContent = error instanceof Error ? error.message : String(error);
  }
}

/** @param {{found: Hit[], not_here: any[]}} value */
function draw(value) {
  const hits = value.found.filter((hit) => !away.has(keyOf(hit)));
  const labels = [...new Set(hits.map((hit) => hit.label))];
  grid.replaceChildren(...hits.map((hit) => card(hit, labels.indexOf(hit.label))));
  told.textContent = hits.length ? L.count(hits.length) : L.nothing;
  chips.replaceChildren(
    ...value.not_here.map((word) => h("span", { class: "chip missing" },
      `${word.phrase}: ${word.unknown ? T.unknownWord : `${L.notHere}, ${T.absentRow(word.best, word.needed)}`}`)));
}

/** @param {Hit} hit */
function keyOf(hit) {
  return [hit.picture, ...hit.box].join();
}

/** @param {Hit} hit @param {number} colour */
function card(hit, colour) {
  const says = `${hit.label}, ${hit.name}`;
  const item = h("li", {},
    h("div", { class: "shot" },
      h("img", { src: `v1/search/pictures/${hit.picture}`, alt: says, loading: "lazy" }), outline(hit, colour)),
    h("p", {}, h("b", {}, hit.label), h("span", { class: "soft" }, ` ${percent(hit.score)} · ${hit.name}`)),
    h("div", { class: "chips" },
      h("button", { type: "button", class: "chip", "aria-label": `${L.more}: ${says}`,
        onclick: () => void look({ like: { picture: hit.picture, box: hit.box } }) }, L.more),
      h("button", { type: "button", class: "chip", "aria-label": `${L.less}: ${says}`,
        onclick: () => dismiss(hit, item) }, L.less)));
  return item;
}

/** Not this one, until something else is looked for. @param {Hit} hit @param {any} item */
function dismiss(hit, item) {
  away.add(keyOf(hit));
  const next = item.nextElementSibling || item.previousElementSibling;
  item.remove();
  (next?.querySelector("button") || words).focus();
  told.textContent = L.count(grid.children.length);
}

/** @param {Hit} hit @param {number} colour */
function outline(hit, colour) {
  const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");
  const [height, width] = hit.mask.size;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", outlines(decode(hit.mask)).map((ring) => `M${ring.map((at) => at.join(" ")).join("L")}Z`).join(""));
  path.style.stroke = path.style.fill = css(colour);
  svg.append(path);
  return svg;
}
