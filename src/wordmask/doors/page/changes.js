// @ts-check
// Edits and effects: tried on the chosen thing or on all that are seen, compared, kept or dropped.
import { ask, get } from "./api.js";
import { board, changed, chosen, listen, seen } from "./board.js";
import { download, h } from "./dom.js";
import { complain, say } from "./find.js";
import { isLocal } from "./local.js";
import { encode } from "./masks.js";
import { T } from "./strings.js";

/** @type {Record<string, [string, object]>} */
const EDITS = {
  remove: [T.takeOut, { verb: "remove" }],
  posterise: [T.posterise, { verb: "style", style: "posterise" }],
  sketch: [T.sketch, { verb: "style", style: "sketch" }],
};
const choice = h("select", { id: "change", "aria-describedby": "change-about" },
  h("optgroup", { label: T.edits },
    ...Object.entries(EDITS).map(([name, [text]]) => h("option", { value: `edit ${name}` }, text))));
const options = h("div", { class: "options" });
/** @type {Record<string, any[]>} by effect */ const known = {};
const apply = h("button", { type: "button", class: "primary wide", onclick: () => void tryChange() }, T.apply);
const wipe = h("input", {
  id: "wipe", type: "range", min: "0", max: "1", step: "0.01", value: "0.5",
  oninput: () => {
    board.wipe = Number(wipe.value);
    changed("view");
  },
});
/** @type {Blob | null} */ let result = null;
const after = h("div", { class: "after" },
  h("label", { for: "wipe" }, T.wipe),
  h("div", { class: "ends" }, h("span", {}, T.before), wipe, h("span", {}, T.after)),
  h("div", { class: "pair" },
    h("button", { type: "button", onclick: save }, T.savePicture),
    h("button", { type: "button", onclick: drop }, T.dropChange)));
after.hidden = true;
export const changePart = h("section", { class: "block", "aria-labelledby": "head-change" },
  h("h2", { id: "head-change" }, h("label", { for: "change" }, T.change)),
  h("datalist", { id: "colours" }, ...T.colours.map((one) => h("option", { value: one }))),
  choice, options, h("p", { class: "soft", id: "change-about" }, T.changeTarget), apply, after);

export async function loadEffects() {
  if (isLocal) return changePart.replaceChildren(h("p", { class: "soft" }, T.local.noChanges));
  const { effects } = await get("v1/effects");
  for (const effect of effects) known[effect.name] = effect.options;
  const usable = effects.filter((/** @type {any} */ effect) => !["overlay", "backdrop"].includes(effect.name));
  choice.append(h("optgroup", { label: T.effects }, ...usable.map((/** @type {any} */ effect) =>
    h("option", { value: `effect ${effect.name}`, title: effect.about }, effect.name.replaceAll("-", " ")))));
}

// ---- what can be set about an effect: its fields come from their JSON schema

choice.addEventListener("change", () => {
  const [kind, name] = choice.value.split(" ");
  options.replaceChildren(...(kind === "effect" ? known[name] || [] : []).map(field));
});

/** @param {any} option */
function field({ name, about, schema, default: usual }) {
  const id = `option-${name}`, title = `${name.replaceAll("_", " ")}`;
  const input = inputOf(schema, id, usual, name);
  input.dataset.usual = input.value; // a slider rounds to its steps
  return h("div", { class: "option", title: about }, h("label", { for: id }, title), input);
}

/** @param {any} schema @param {string} id @param {any} usual @param {string} name */
function inputOf(schema, id, usual, name) {
  if (schema.enum) return h("select", { id, value: usual }, ...schema.enum.map((/** @type {string} */ one) => h("option", { value: one }, one)));
  if (schema.type === "boolean") return h("input", { id, type: "checkbox", checked: usual });
  if (schema.type === "string") return h("input", { id, value: usual, list: "colours", placeholder: T.noColour, autocomplete: "off" });
  if (schema.minimum === undefined || schema.maximum === undefined) {
    return h("input", { id, type: "number", step: "any", value: String(usual), "aria-label": name });
  }
  const step = schema.type === "integer" ? "1" : String((schema.maximum - schema.minimum) / 200);
  return h("input", { id, type: "range", min: String(schema.minimum), max: String(schema.maximum), step, value: String(usual) });
}

/** What has been set, where it is not the usual. @param {string} name */
function readOptions(name) {
  /** @type {Record<string, any>} */ const set = {};
  for (const option of known[name] || []) {
    const input = /** @type {HTMLInputElement} */ (document.getElementById(`option-${option.name}`));
    if (!input) continue;
    const value = input.type === "checkbox" ? input.checked : isNumber(option) ? Number(input.value) : input.value;
    if (input.type === "checkbox" || input.value !== input.dataset.usual) set[option.name] = value;
  }
  return set;
}

/** @param {any} option */
function isNumber(option) {
  return option.schema.type === "number" || option.schema.type === "integer";
}

async function tryChange() {
  const { picture } = board;
  if (!picture) return say(T.needPicture, "wrong");
  const one = chosen();
  const things = one && seen().includes(one) ? [one] : seen();
  if (!things.length) return say(T.noThings, "wrong");
  const target = { masks: things.map((thing) => encode(thing.mask, picture.size)) };
  const [kind, name] = choice.value.split(" ");
  const query = kind === "edit" ? EDITS[name][1] : { name, options: readOptions(name) };
  say(T.working, "work");
  apply.disabled = true;
  try {
    const blob = await (await ask(picture, `v1/${kind}`, { ...query, target }, "image/png")).blob();
    if (board.picture !== picture) return;
    result = blob;
    board.after = await createImageBitmap(blob);
    board.wipe = Number((wipe.value = "0.5"));
    after.hidden = false;
    changed("view");
    say("");
  } catch (error) {
    complain(error);
  } finally {
    apply.disabled = false;
  }
}

function save() {
  if (result) download(result, `${board.picture?.name.replace(/\.[^.]*$/, "") || "picture"}.changed.png`);
}

function drop() {
  board.after = result = null;
  after.hidden = true;
  changed("view");
}

listen((what) => what === "picture" && !after.hidden && drop());
