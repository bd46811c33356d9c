// @ts-check
// The column beside the picture: things, how sure, what is not here, why.
import { recolour, removeThing, rename, toggleAll, fillChosen, mergeChosen, splitChosen, cutFromOthers, raiseChosen,
  attempt, boxesToMasks, isBox }
  from "./actions.js";
import { board, changed, choose, chosen, dress, kept, listen, passes } from "./board.js";
import { h, iconButton } from "./dom.js";
import { areaOf } from "./masks.js";
import { css } from "./stage.js";
import { T, percent } from "./strings.js";

/** @typedef {import("./board.js").Thing} Thing */

const list = h("ul", { class: "things", "aria-label": T.things });
const none = h("p", { class: "soft none" }, T.noThings);
const count = h("span", { class: "count" });
const all = h("button", { type: "button", class: "link", onclick: toggleAll }, T.allHidden);
const slider = h("input", {
  id: "threshold", type: "range", min: "0", max: "1", step: "0.01", oninput: () => slide(Number(slider.value)),
});
const bars = h("div", { class: "bars", "aria-hidden": "true" });
const sureText = h("p", { class: "soft", id: "sure-text" });
const sure = section("sure", T.threshold, bars, slider, sureText);
const absentList = h("ul", { class: "absent" });
const absent = section("not-here", T.absent, absentList);
const whyList = h("dl", { class: "why" });
const why = section("why", T.why, whyList);
const opacity = h("input", {
  id: "opacity", type: "range", min: "0", max: "1", step: "0.01",
  oninput: () => dress(Number(board.chosen), { opacity: Number(opacity.value) }),
});
const boxes = chip(T.boxes, () => attempt(boxesToMasks));
const mend = h("div", { class: "mend" },
  h("label", { for: "opacity" }, T.opacity), opacity,
  h("div", { class: "chips" },
    chip(T.split, splitChosen), chip(T.merge, mergeChosen), chip(T.fill, fillChosen),
    chip(T.cutFromOthers, cutFromOthers), chip(T.raise, raiseChosen), boxes));
const words = h("datalist", { id: "known-words" });
const things = h("section", { class: "block", "aria-labelledby": "head-things" },
  h("div", { class: "head" }, h("h2", { id: "head-things" }, T.things), count, all), none, list, mend, words);

/** @param {string} id @param {string} title @param {...any} inner */
function section(id, title, ...inner) {
  return h("section", { class: "block", id: `block-${id}`, "aria-labelledby": `head-${id}` },
    h("h2", { id: `head-${id}` }, id === "sure" ? h("label", { for: "threshold" }, title) : title), ...inner);
}

/** @param {string} text @param {() => void} act */
function chip(text, act) {
  return h("button", { type: "button", class: "chip", onclick: act }, text);
}

/** Everything of the column, top first. */
export function panelParts() {
  return [things, sure, absent, why];
}

listen((what) => {
  if (what === "preview" || what === "play") return;
  if (what === "view") showChosen();
  else draw();
});

function draw() {
  const rows = kept();
  const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest?.("[data-thing]"));
  const role = /** @type {any} */ (document.activeElement)?.dataset?.role;
  const items = rows.map(itemOf);
  if (items.length !== list.children.length || items.some((item, k) => item !== list.children[k])) {
    list.replaceChildren(...items);
  }
  count.textContent = rows.length ? String(rows.length) : "";
  none.hidden = rows.length > 0;
  all.hidden = !rows.length;
  all.textContent = board.hideAll ? T.allVisible : T.allHidden;
  words.replaceChildren(...board.vocabulary.map((word) => h("option", { value: word })));
  if (focused) refocus(focused.dataset.thing, role);
  drawSure();
  drawAbsent();
  showChosen();
}

/** A list that is drawn again keeps the focus where it was. @param {string | undefined} id
 * @param {string | undefined} role */
function refocus(id, role) {
  const at = list.querySelector(`[data-thing="${id}"]`) || list.querySelector("[data-thing]");
  const target = at?.querySelector(`[data-role="${role}"]`) || at?.querySelector("button");
  if (target) target.focus();
}

/** @type {WeakMap<Thing, {item: any, index: number}>} */ const drawn = new WeakMap();

/** Things never change, so a line is drawn once for each. @param {Thing} thing @param {number} index */
function itemOf(thing, index) {
  const known = drawn.get(thing);
  if (known && (thing.name || known.index === index)) return known.item;
  const item = row(thing, index);
  drawn.set(thing, { item, index });
  return item;
}

/** @param {Thing} thing @param {number} index */
function row(thing, index) {
  const name = thing.name || `${T.thing} ${index + 1}`;
  const swatch = h("button", {
    type: "button", class: "swatch", title: T.colourOf(name), "aria-label": T.colourOf(name),
    onclick: () => recolour(thing),
  });
  swatch.style.background = css(thing.colour);
  swatch.dataset.role = "colour";
  const field = h("input", {
    class: "name", value: thing.name, placeholder: name, "aria-label": T.nameOf(name), list: "known-words",
    autocomplete: "off", spellcheck: false, onfocus: () => board.chosen !== thing.id && choose(thing.id),
    onchange: () => rename(current(thing), field.value.trim()),
    onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && field.blur(),
  });
  field.dataset.role = "name";
  const eye = iconButton(thing.visible ? "eye" : "closed", thing.visible ? T.hide(name) : T.show(name),
    () => dress(thing.id, { visible: !thing.visible }), { "aria-pressed": String(thing.visible) });
  eye.dataset.role = "eye";
  const bin = iconButton("bin", T.remove(name), () => removeThing(current(thing)));
  bin.dataset.role = "bin";
  const score = h("span", { class: "score" }, thing.source === "words" || thing.why?.rival ? percent(thing.score) : "");
  const item = h("li", {
    class: thing.visible ? "thing" : "thing off",
    onclick: (/** @type {Event} */ event) => [item, score].includes(event.target) && choose(thing.id),
  }, swatch, field, score, eye, bin);
  item.dataset.thing = String(thing.id);
  return item;
}

/** What a row was drawn of may have changed since. @param {Thing} thing */
function current(thing) {
  return board.things.find((one) => one.id === thing.id) || thing;
}

function showChosen() {
  const thing = chosen();
  for (const item of list.querySelectorAll(".chosen")) {
    item.classList.remove("chosen");
    item.removeAttribute("aria-current");
  }
  const item = thing && list.querySelector(`[data-thing="${thing.id}"]`);
  item?.classList.add("chosen");
  item?.setAttribute("aria-current", "true");
  item?.scrollIntoView({ block: "nearest" });
  mend.hidden = !thing;
  boxes.hidden = !thing || !isBox(thing);
  why.hidden = !thing;
  if (!thing) return;
  opacity.value = String(thing.opacity);
  whyList.replaceChildren(...reasons(thing).flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, value)]));
}

/** @param {Thing} thing @returns {[string, string][]} */
function reasons(thing) {
  const { prompt, rival, rival_score: second, quality, made_by: maker } = thing.why || {};
  /** @type {[string, string | null][]} */
  const rows = [
    [T.whyOf.prompt, { dense: T.dense, given: T.given, brush: T.brushed, "": T.given }[String(prompt || "")] || prompt],
    [T.whyOf.score, thing.score ? thing.score.toFixed(2) : null],
    [T.whyOf.rival, rival ? `${rival}${second == null ? "" : ` (${second.toFixed(2)})`}` : null],
    [T.whyOf.quality, quality == null ? null : quality.toFixed(2)],
    [T.whyOf.area, areaOf(thing.mask).toLocaleString("en")],
    [T.whyOf.made_by, maker || null],
  ];
  return /** @type {[string, string][]} */ (rows.filter(([, value]) => value));
}

// ---- how sure

/** @param {number} value */
function slide(value) {
  board.threshold = value;
  changed("things");
}

function drawSure() {
  const found = board.things.filter((thing) => thing.source === "words");
  sure.hidden = !found.length;
  if (!found.length) return;
  const sums = new Array(25).fill(0);
  for (const thing of found) sums[Math.min(24, Math.floor(thing.score * 25))] += 1;
  const most = Math.max(...sums);
  bars.replaceChildren(...sums.map((sum, k) => {
    const bar = h("span", { class: (k + 1) / 25 > board.threshold ? "bar in" : "bar" });
    bar.style.height = sum ? `${18 + (82 * sum) / most}%` : "3px";
    return bar;
  }));
  slider.value = String(board.threshold);
  sureText.textContent = T.thresholdText(board.threshold, found.filter(passes).length, found.length);
  slider.setAttribute("aria-valuetext", sureText.textContent);
}

function drawAbsent() {
  const here = new Set(kept().map((thing) => thing.name));
  const rows = board.absent.filter((word) => !here.has(word.phrase));
  absent.hidden = !rows.length;
  absentList.replaceChildren(...rows.map((word) => {
    const meter = h("span", { class: "meter", "aria-hidden": "true" }, h("span"), h("i"));
    meter.firstChild.style.width = percent(word.best);
    meter.lastChild.style.left = percent(word.needed);
    return h("li", {}, h("span", { class: "word" }, word.phrase), meter,
      h("span", { class: "soft" }, T.absentRow(word.best, word.needed), word.unknown ? ` · ${T.unknownWord}` : ""));
  }));
}

/** Write the chosen thing's name. */
export function writeName() {
  list.querySelector(".chosen .name")?.focus();
}

export function focusSlider() {
  if (!sure.hidden) slider.focus();
}

draw();
