// @ts-check
// What is done to things: by a button, by a key, the same.
import { ask } from "./api.js";
import { HUES, board, changed, choose, chosen, commit, dress, edit, kept, make } from "./board.js";
import { complain, say } from "./find.js";
import { areaOf, decode, fillHoles, overlap, pieces, subtract, unite } from "./masks.js";
import { T } from "./strings.js";

/** @typedef {import("./board.js").Thing} Thing */

/** @param {(thing: Thing) => void} act */
function withChosen(act) {
  const thing = chosen();
  if (thing) act(thing);
  else say(T.needThing, "wrong");
}

/** @param {number} way */
export function chooseNext(way) {
  const things = kept();
  if (!things.length) return;
  const at = things.findIndex((thing) => thing.id === board.chosen);
  choose(things[(at + way + things.length) % things.length].id);
}

export function removeChosen() {
  withChosen((thing) => removeThing(thing));
}

/** @param {Thing} thing */
export function removeThing(thing) {
  const at = board.things.indexOf(thing);
  const rest = board.things.filter((one) => one !== thing);
  commit(rest, (rest[at] || rest[at - 1])?.id ?? null);
}

/** @param {string} name */
export function nameChosen(name) {
  withChosen((thing) => rename(thing, name));
}

/** @param {Thing} thing @param {string} name */
export function rename(thing, name) {
  const other = board.things.find((one) => one.name === name && name && one !== thing);
  const source = thing.source === "words" ? "cut" : thing.source;
  edit(thing.id, { name, named: Boolean(name), colour: other?.colour ?? thing.colour, source });
}

/** @param {Thing} thing */
export function recolour(thing) {
  dress(thing.id, { colour: (thing.colour + 1) % HUES.length });
}

export function toggleChosen() {
  withChosen((thing) => dress(thing.id, { visible: !thing.visible }));
}

export function toggleAll() {
  board.hideAll = !board.hideAll;
  changed("look");
}

export function raiseChosen() {
  withChosen((thing) => {
    const at = board.things.indexOf(thing);
    if (at < 1) return;
    const things = [...board.things];
    [things[at - 1], things[at]] = [things[at], things[at - 1]];
    commit(things);
  });
}

/** The chosen one and the one below it in the list become one. */
export function mergeChosen() {
  withChosen((thing) => {
    const list = kept();
    const next = list[list.indexOf(thing) + 1];
    if (!next) return;
    const joined = { ...thing, name: thing.name || next.name, mask: unite(thing.mask, next.mask), points: undefined };
    const rest = board.things.filter((one) => one !== next);
    commit(rest.map((one) => (one === thing ? { ...joined, source: "brush" } : one)), thing.id);
  });
}

export function splitChosen() {
  withChosen((thing) => {
    const parts = pieces(thing.mask).map((mask) =>
      make({ ...thing, id: undefined, mask, points: undefined, source: "brush" }));
    if (parts.length < 2) return;
    const at = board.things.indexOf(thing);
    const things = [...board.things.slice(0, at), ...parts.map(numbered), ...board.things.slice(at + 1)];
    commit(things, things[at].id);
  });
}

/** `make` gives the number; one that was copied is replaced. @param {Thing} thing */
function numbered(thing) {
  return { ...thing, id: make({}).id };
}

export function fillChosen() {
  withChosen((thing) => edit(thing.id, { mask: fillHoles(thing.mask), source: mended(thing) }));
}

/** Where the chosen thing is, the others are not. */
export function cutFromOthers() {
  withChosen((thing) => {
    const things = board.things.map((one) => {
      if (one === thing || !overlap(one.mask, thing.mask)) return one;
      return { ...one, mask: subtract(one.mask, thing.mask), source: mended(one) };
    });
    commit(things.filter((one) => one.mask.w));
  });
}

/** What fills its whole box is cut along its edges: the chosen thing, or every one of that kind. */
export async function boxesToMasks() {
  const { picture } = board, one = chosen();
  const boxes = (one && isBox(one) ? [one] : kept().filter(isBox));
  if (!picture || !boxes.length) return say(T.noBoxes, "wrong");
  say(T.working, "work");
  /** @type {Map<number, any>} */ const cuts = new Map();
  for (const { id, mask: { x, y, w, h } } of boxes) {
    const { regions } = await (await ask(picture, "v1/click", { box: [x, y, x + w, y + h] })).json();
    if (regions.length) cuts.set(id, regions[0]);
  }
  if (board.picture !== picture) return;
  commit(board.things.map((thing) => {
    const cut = cuts.get(thing.id);
    return cut ? { ...thing, mask: decode(cut.mask), why: cut.why, source: "cut" } : thing;
  }));
  say(T.boxesCut(cuts.size));
}

/** Whether it fills its whole box. @param {Thing} thing */
export function isBox({ mask }) {
  return mask.w > 1 && mask.h > 1 && areaOf(mask) === mask.w * mask.h;
}

/** What a person has mended, the next words do not replace. @param {Thing} thing */
function mended(thing) {
  return thing.source === "words" ? "brush" : thing.source;
}

/** Run what may fail, and say it. @param {() => Promise<unknown>} act */
export function attempt(act) {
  void act().catch(complain);
}
