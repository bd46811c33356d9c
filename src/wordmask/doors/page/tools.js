// @ts-check
// Mouse, pen, fingers and keys on the picture.
import { board, chosen, preview, settle } from "./board.js";
import { cutAt, cutBox, hoverAt, leave, say, startThing } from "./find.js";
import { stroke, subtract, unite } from "./masks.js";
import { canvas, isInside, look, pan, placeOf, redraw, view, zoom } from "./stage.js";
import { T } from "./strings.js";

/** @typedef {"cut" | "paint" | "erase" | "hand"} Tool */

const FAR = 6; // CSS pixels from which a click is a drag
export const tool = { name: /** @type {Tool} */ ("cut"), radius: 12 }; // radius in CSS pixels
/** @type {Map<number, {x: number, y: number}>} */ const fingers = new Map();
/** @type {(() => void)[]} */ const watchers = [];
/** @type {null | {from: number[], last: number[], x: number, y: number, before: any, mode: string}} */
let drag = null;
let space = false;

/** @param {() => void} watcher */
export function onTool(watcher) {
  watchers.push(watcher);
}

/** @param {Tool} name */
export function take(name) {
  tool.name = name;
  look.brush = null;
  leave(name !== "cut");
  canvas.dataset.tool = name;
  for (const watcher of watchers) watcher();
  redraw();
}

/** @param {number} factor */
export function resizeBrush(factor) {
  tool.radius = Math.max(2, Math.min(120, tool.radius * factor));
  if (look.brush) look.brush.radius = brushRadius();
  for (const watcher of watchers) watcher();
  redraw();
}

function brushRadius() {
  return tool.radius / view.scale;
}

/** Paint or erase from one place to the other. @param {number[]} from @param {number[]} to
 * @param {boolean} erases */
function brush(from, to, erases) {
  const thing = chosen() || (erases ? null : startThing());
  if (!thing || !board.picture) return;
  const line = stroke(from, to, brushRadius(), board.picture.size);
  const mask = erases ? subtract(thing.mask, line) : unite(thing.mask, line);
  const source = thing.source === "words" ? "brush" : thing.source;
  preview({ ...thing, mask, source, points: undefined });
}

/** What a pointer begins to do. @param {PointerEvent} event */
function modeOf(event) {
  if (event.button === 1 || space || tool.name === "hand") return "pan";
  if (tool.name === "cut") return event.button === 2 ? "drop" : "cut";
  return tool.name === "erase" || event.button === 2 ? "erase" : "paint";
}

canvas.addEventListener("pointerdown", (event) => {
  if (!board.picture) return;
  canvas.focus({ preventScroll: true });
  canvas.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (fingers.size > 1) return stopDrag();
  look.cross = null;
  const from = placeOf(event);
  const mode = modeOf(event);
  if (mode === "erase" && !chosen()) return say(T.needThing, "wrong");
  drag = { from, last: from, x: event.clientX, y: event.clientY, before: board.things, mode };
  if (mode === "paint" || mode === "erase") brush(from, from, mode === "erase");
});

canvas.addEventListener("pointermove", (event) => {
  const finger = fingers.get(event.pointerId);
  if (finger && fingers.size === 2) return pinch(event, finger);
  const at = placeOf(event);
  if (tool.name === "paint" || tool.name === "erase") {
    look.brush = { at, radius: brushRadius() };
    redraw();
  }
  if (!drag) {
    if (tool.name === "cut" && event.pointerType !== "touch") hover(at);
    return;
  }
  if (drag.mode === "pan") pan(event.movementX, event.movementY);
  if (drag.mode === "paint" || drag.mode === "erase") brush(drag.last, at, drag.mode === "erase");
  if (drag.mode === "cut" && isFar(event)) {
    look.box = boxOf(drag.from, at);
    leave(true);
    redraw();
  }
  drag.last = at;
});

canvas.addEventListener("pointerup", (event) => {
  fingers.delete(event.pointerId);
  const done = drag;
  stopDrag();
  if (!done || !board.picture) return;
  if (done.mode === "paint" || done.mode === "erase") return settle(done.before);
  const at = placeOf(event);
  const box = boxOf(done.from, at);
  if (done.mode === "cut" && Math.hypot(event.clientX - done.x, event.clientY - done.y) > FAR) {
    if (box[2] - box[0] > 1 && box[3] - box[1] > 1) void cutBox(box);
  } else if (isInside(at) && done.mode !== "pan") {
    void cutAt(at, done.mode === "drop" ? "drop" : event.shiftKey ? "add" : "new");
  }
});

canvas.addEventListener("pointercancel", (event) => {
  fingers.delete(event.pointerId);
  stopDrag();
});
canvas.addEventListener("pointerleave", () => {
  look.brush = null;
  leave(true);
  redraw();
});
canvas.addEventListener("contextmenu", (event) => event.preventDefault());
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const box = canvas.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });

function stopDrag() {
  if (drag && fingers.size > 1 && drag.before !== board.things) board.things = drag.before;
  drag = null;
  look.box = null;
  leave(tool.name !== "cut");
  redraw();
}

/** @param {number[]} at */
function hover(at) {
  look.cross = null;
  leave(false);
  void hoverAt(isInside(at) ? at : null);
}

/** @param {PointerEvent} event */
function isFar(event) {
  return drag !== null && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > FAR;
}

/** Two fingers move and turn closer. @param {PointerEvent} event @param {{x: number, y: number}} finger */
function pinch(event, finger) {
  const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
  if (!other) return;
  const before = Math.hypot(finger.x - other.x, finger.y - other.y);
  const after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
  const box = canvas.getBoundingClientRect();
  pan((event.clientX - finger.x) / 2, (event.clientY - finger.y) / 2);
  const [x, y] = [(event.clientX + other.x) / 2 - box.left, (event.clientY + other.y) / 2 - box.top];
  zoom(after / Math.max(1, before), x, y);
  Object.assign(finger, { x: event.clientX, y: event.clientY });
}

/** Inside the picture. @param {number[]} a @param {number[]} b */
function boxOf(a, b) {
  const [height, width] = board.picture?.size || [1, 1];
  const xs = [a[0], b[0]].map((x) => Math.max(0, Math.min(width, x))).sort((p, q) => p - q);
  const ys = [a[1], b[1]].map((y) => Math.max(0, Math.min(height, y))).sort((p, q) => p - q);
  return [xs[0], ys[0], xs[1], ys[1]];
}

// ---- by keys

/** @type {number[] | null} */ let corner = null;

/** Move the cross; it begins in the middle. @param {number} dx @param {number} dy steps
 * @param {boolean} isLarge */
export function moveCross(dx, dy, isLarge) {
  if (!board.picture) return;
  const [height, width] = board.picture.size;
  const step = (isLarge ? 48 : 8) / view.scale;
  const [x, y] = look.cross || [width / 2, height / 2];
  const at = look.cross ? [x + dx * step, y + dy * step] : [x, y];
  look.cross = [Math.max(0, Math.min(width - 1, at[0])), Math.max(0, Math.min(height - 1, at[1]))];
  look.hover = null;
  if (tool.name === "paint" || tool.name === "erase") look.brush = { at: look.cross, radius: brushRadius() };
  if (corner) look.box = boxOf(corner, look.cross);
  redraw();
}

/** @param {"new" | "add" | "drop"} how */
export function actAtCross(how) {
  if (!look.cross) return moveCross(0, 0, false);
  if (tool.name !== "paint" && tool.name !== "erase") return void cutAt(look.cross, how);
  const before = board.things;
  if (tool.name === "erase" && !chosen()) return say(T.needThing, "wrong");
  brush(look.cross, look.cross, tool.name === "erase");
  settle(before);
}

/** The first time one corner of a box, the second time the other. */
export function setCorner() {
  if (!look.cross) return moveCross(0, 0, false);
  if (!corner) {
    corner = look.cross;
    return redraw();
  }
  const box = boxOf(corner, look.cross);
  corner = look.box = null;
  redraw();
  if (box[2] - box[0] > 1 && box[3] - box[1] > 1) void cutBox(box);
}

/** @param {boolean} isDown */
export function holdSpace(isDown) {
  space = isDown;
  canvas.dataset.tool = isDown ? "hand" : tool.name;
}
