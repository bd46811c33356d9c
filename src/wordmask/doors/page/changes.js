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
  choice, h("p", { class: "soft", id: "change-about" }, T.changeTarget), apply, after);

export async function loadEffects() {
  if (isLocal) return changePart.replaceChildren(h("p", { class: "soft" }, T.local.noChanges));
  const { effects } = await get("v1/effects");
  const usable = effects.filter((/** @type {any} */ effect) => !["overlay", "backdrop"].includes(effect.name));
  choice.append(h("optgroup", { label: T.effects }, ...usable.map((/** @type {any} */ effect) =>
    h("option", { value: `effect ${effect.name}`, title: effect.about }, effect.name.replaceAll("-", " ")))));
}

async function tryChange() {
  const { picture } = board;
  if (!picture) return say(T.needPicture, "wrong");
  const one = chosen();
  const things = one && seen().includes(one) ? [one] : seen();
  if (!things.length) return say(T.noThings, "wrong");
  const target = { masks: things.map((thing) => encode(thing.mask, picture.size)) };
  const [kind, name] = choice.value.split(" ");
  const query = kind === "edit" ? EDITS[name][1] : { name };
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
