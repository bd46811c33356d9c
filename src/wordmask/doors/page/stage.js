// @ts-check
// The picture and what lies on it, on one canvas: mips of the picture, one kept overlay of all
// things, the chosen one above it, a preview, the cross, the brush.
import { HUES, board, chosen, listen, seen } from "./board.js";

/** @typedef {import("./masks.js").Mask} Mask @typedef {import("./board.js").Thing} Thing */

const OVERLAY_PIXELS = 4e6; // of a larger picture the overlay is kept smaller
const LAYER_PIXELS = 6e6, SHADE = 48; // of the screen: the largest layer, the shadow around a picture
const canvas = document.createElement("canvas");
const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
/** @type {{scale: number, x: number, y: number}} where the picture lies, in CSS pixels */
export const view = { scale: 1, x: 0, y: 0 };
export const look = {
  /** @type {{bitmap: CanvasImageSource, hue: number} | null} */ hover: null,
  /** @type {CanvasImageSource | null} what an answer rests on */ evidence: null,
  /** @type {number[] | null} */ box: null,
  /** @type {number[] | null} */ cross: null,
  /** @type {{at: number[], radius: number} | null} */ brush: null,
  /** @type {number[][]} */ points: [],
};
/** @type {{scale: number, bitmap: CanvasImageSource}[]} */ let mips = [];
/** @type {{canvas: HTMLCanvasElement, scale: number, without: number | null} | null} */ let overlay = null;
/** @type {WeakMap<Mask, Map<string, HTMLCanvasElement>>} */ const tiles = new WeakMap();
/** @type {{of: any[], canvas: HTMLCanvasElement | null} | null} what `drawLayer` keeps */ let layer = null;
let lastSize = ""; // frames of a video keep the view
let isDirty = false, isFitted = true;
/** @type {CanvasImageSource | null} what moves in place of the picture */ let moving = null;
export { canvas };

export function redraw() {
  if (isDirty) return;
  isDirty = true;
  requestAnimationFrame(() => {
    isDirty = false;
    draw();
  });
}

/** Show what a player shows, until it is given back. @param {CanvasImageSource | null} source */
export function film(source) {
  moving = source;
  redraw();
}

listen((what) => {
  if (what === "picture") {
    const isSame = String(board.picture?.size) === lastSize && document.body.classList.contains("film");
    lastSize = String(board.picture?.size);
    moving = null;
    makeMips();
    look.hover = look.box = look.cross = look.brush = null;
    if (!isSame) fit();
  }
  // While a hand paints, only the chosen thing changes: it lies above an overlay of the others.
  if (what === "preview" && overlay?.without !== board.chosen) overlay = makeOverlay(board.chosen);
  if (what !== "preview" && what !== "view") overlay = null;
  look.points = chosen()?.points || [];
  redraw();
});

function makeMips() {
  mips = [];
  if (!board.picture) return;
  const { bitmap, size } = board.picture;
  mips.push({ scale: 1, bitmap });
  for (let scale = 0.5; Math.max(...size) * scale > 500; scale /= 2) {
    const small = document.createElement("canvas");
    small.width = Math.round(size[1] * scale);
    small.height = Math.round(size[0] * scale);
    const pen = /** @type {CanvasRenderingContext2D} */ (small.getContext("2d"));
    pen.imageSmoothingQuality = "high";
    pen.drawImage(mips[mips.length - 1].bitmap, 0, 0, small.width, small.height);
    mips.push({ scale, bitmap: small });
  }
}

/** The whole picture, with room around it for what floats above. */
export function fit() {
  isFitted = true;
  if (!board.picture) return redraw();
  const [height, width] = board.picture.size;
  const w = canvas.clientWidth, h = canvas.clientHeight;
  const side = w > 600 ? 72 : 12, end = 84;
  const scale = Math.max(0.01, Math.min((w - 2 * side) / width, (h - end - 24) / height));
  Object.assign(view, { scale, x: (w - width * scale) / 2, y: (h - end + 24 - height * scale) / 2 });
  redraw();
}

/** @param {number} factor @param {number} [x] @param {number} [y] in CSS pixels */
export function zoom(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
  const scale = Math.max(0.02, Math.min(40, view.scale * factor));
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  isFitted = false;
  redraw();
}

/** @param {number} dx @param {number} dy */
export function pan(dx, dy) {
  view.x += dx;
  view.y += dy;
  isFitted = false;
  redraw();
}

/** The place in the picture. @param {{clientX: number, clientY: number}} event */
export function placeOf(event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left - view.x) / view.scale, (event.clientY - box.top - view.y) / view.scale];
}

/** @param {number[]} at */
export function isInside(at) {
  const size = board.picture?.size;
  return size !== undefined && at[0] >= 0 && at[1] >= 0 && at[0] < size[1] && at[1] < size[0];
}

/** @param {number} k @param {number} [light] @returns {[number, number, number]} */
export function rgb(k, light = 0.6) {
  const s = light * 0.46;
  const channel = (/** @type {number} */ n) => {
    const t = (n + HUES[k % HUES.length] / 30) % 12;
    return Math.round(255 * (light - s * Math.max(-1, Math.min(t - 3, 9 - t, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** @param {number} k */
export function css(k) {
  return `rgb(${rgb(k).join(" ")})`;
}

/** A thing's crop, tinted: the inside at `fill`, the edge in full. @returns {HTMLCanvasElement}
 * @param {Mask} mask @param {[number, number, number]} colour @param {number} scale @param {number} fill */
export function tile(mask, colour, scale, fill) {
  const key = `${colour} ${scale} ${fill}`;
  const known = tiles.get(mask) || new Map();
  tiles.set(mask, known);
  if (known.has(key)) return known.get(key);
  const w = Math.max(1, Math.round(mask.w * scale)), h = Math.max(1, Math.round(mask.h * scale));
  const out = document.createElement("canvas");
  out.width = w;
  out.height = h;
  const image = new ImageData(w, h), step = mask.w / w, rise = mask.h / h;
  const edge = Math.max(1, Math.round(((board.picture?.size[1] || 1000) * scale) / 700));
  const at = (/** @type {number} */ x, /** @type {number} */ y) =>
    x >= 0 && y >= 0 && x < w && y < h && mask.data[Math.floor(y * rise) * mask.w + Math.floor(x * step)];
  for (let y = 0, k = 0; y < h; y++) {
    for (let x = 0; x < w; x++, k += 4) {
      if (!at(x, y)) continue;
      const isEdge = !at(x - edge, y) || !at(x + edge, y) || !at(x, y - edge) || !at(x, y + edge);
      image.data.set(colour, k);
      image.data[k + 3] = isEdge ? 255 : 255 * fill;
    }
  }
  /** @type {CanvasRenderingContext2D} */ (out.getContext("2d")).putImageData(image, 0, 0);
  if (known.size > 4) known.clear();
  known.set(key, out);
  return out;
}

/** @param {CanvasRenderingContext2D} pen @param {Thing} thing @param {number} scale */
export function paintThing(pen, thing, scale) {
  const { mask } = thing;
  pen.globalAlpha = Math.min(1, thing.opacity * 2);
  const image = tile(mask, rgb(thing.colour), scale, 0.5);
  pen.drawImage(image, mask.x * scale, mask.y * scale, mask.w * scale, mask.h * scale);
  pen.globalAlpha = 1;
}

/** @param {number | null} without the thing that is left out */
function makeOverlay(without) {
  const [height, width] = /** @type {number[]} */ (board.picture?.size);
  const scale = Math.min(1, Math.sqrt(OVERLAY_PIXELS / (height * width)));
  const out = document.createElement("canvas");
  out.width = Math.max(1, Math.round(width * scale));
  out.height = Math.max(1, Math.round(height * scale));
  const pen = /** @type {CanvasRenderingContext2D} */ (out.getContext("2d"));
  for (const thing of seen().reverse()) if (thing.id !== without) paintThing(pen, thing, scale);
  return { canvas: out, scale, without };
}

function draw() {
  const ratio = window.devicePixelRatio || 1;
  const w = canvas.clientWidth, h = canvas.clientHeight;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
    canvas.width = Math.round(w * ratio);
    canvas.height = Math.round(h * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, w, h);
  if (!board.picture) return;
  const [height, width] = board.picture.size;
  context.translate(view.x, view.y);
  context.scale(view.scale, view.scale);
  context.imageSmoothingEnabled = view.scale * ratio < 3;
  context.imageSmoothingQuality = "high";
  if (!drawLayer(width, height, ratio)) drawBelow(context, width, height, view.scale * ratio);
  if (board.after) drawAfter(width, height);
  else drawAbove(width, height);
  drawSigns();
}

/** The picture and the things on it, as they lay there in the last frame, if they fit one layer.
 * While a hand moves the picture or a brush, nothing else has to be drawn again.
 * @param {number} width @param {number} height @param {number} ratio */
function drawLayer(width, height, ratio) {
  const scale = view.scale * ratio, w = Math.round(width * scale), h = Math.round(height * scale);
  if (moving || w * h > LAYER_PIXELS || w < 1 || h < 1) return false;
  if (!board.after) overlay ||= makeOverlay(null);
  const of = [board.picture, board.after || overlay, w, h];
  if (!layer || layer.of.some((one, k) => one !== of[k])) {
    // The first frame of a new scale is drawn as it is: while it changes, a layer is no use.
    const isNew = !layer || layer.of[2] !== w;
    layer = { of, canvas: null };
    if (isNew) redraw();
    if (isNew) return false;
  }
  layer.canvas ||= makeLayer(w, h, width, height);
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(layer.canvas, Math.round(view.x * ratio) - SHADE, Math.round(view.y * ratio) - SHADE);
  context.restore();
  return true;
}

/** @param {number} w @param {number} h @param {number} width @param {number} height */
function makeLayer(w, h, width, height) {
  const out = document.createElement("canvas");
  out.width = w + 2 * SHADE;
  out.height = h + 2 * SHADE;
  const pen = /** @type {CanvasRenderingContext2D} */ (out.getContext("2d"));
  pen.translate(SHADE, SHADE);
  pen.scale(w / width, h / height);
  pen.imageSmoothingEnabled = w / width < 3;
  pen.imageSmoothingQuality = "high";
  drawBelow(pen, width, height, w / width);
  return out;
}

/** @param {CanvasRenderingContext2D} pen @param {number} width @param {number} height
 * @param {number} need how many pixels of the screen a pixel of the picture takes */
function drawBelow(pen, width, height, need) {
  pen.save();
  pen.shadowColor = "rgb(0 0 0 / .28)";
  pen.shadowBlur = 28;
  pen.shadowOffsetY = 8;
  pen.fillStyle = "#888";
  pen.fillRect(0, 0, width, height);
  pen.restore();
  const mip = [...mips].reverse().find((one) => one.scale >= need) || mips[0];
  pen.drawImage(moving || mip.bitmap, 0, 0, width, height);
  if (board.after) return;
  overlay ||= makeOverlay(null);
  pen.drawImage(overlay.canvas, 0, 0, width, height);
}

/** @param {number} width @param {number} height */
function drawAfter(width, height) {
  const at = width * board.wipe;
  context.save();
  context.beginPath();
  context.rect(at, 0, width - at, height);
  context.clip();
  context.drawImage(/** @type {ImageBitmap} */ (board.after), 0, 0, width, height);
  context.restore();
  line([at, 0], [at, height], "white", 2);
}

/** The chosen thing and the preview. @param {number} width @param {number} height */
function drawAbove(width, height) {
  overlay ||= makeOverlay(null);
  const picked = board.hideAll ? null : chosen();
  if (picked && picked.mask.w && seen().includes(picked)) {
    const { mask } = picked;
    if (overlay.without === picked.id) {
      context.globalAlpha = Math.min(1, picked.opacity * 2);
      context.drawImage(tile(mask, rgb(picked.colour), overlay.scale, 0.5), mask.x, mask.y, mask.w, mask.h);
      context.globalAlpha = 1;
    }
    const glow = tile(mask, [255, 255, 255], overlay.scale, 0);
    context.drawImage(glow, mask.x, mask.y, mask.w, mask.h);
  }
  if (look.evidence) context.drawImage(look.evidence, 0, 0, width, height);
  if (look.hover) {
    context.imageSmoothingEnabled = true;
    context.drawImage(look.hover.bitmap, 0, 0, width, height);
  }
}

function drawSigns() {
  const dot = 5 / view.scale;
  for (const [x, y, keep] of look.points) {
    circle(x, y, dot, keep === 0 ? "#d92d45" : "#ffffff", keep === 0 ? "#fff" : "#20242c");
  }
  if (look.box) {
    const [x0, y0, x1, y1] = look.box;
    context.strokeStyle = "rgb(0 0 0 / .6)";
    context.lineWidth = 3.5 / view.scale;
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
    context.strokeStyle = "white";
    context.lineWidth = 1.5 / view.scale;
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  }
  if (look.cross) {
    const [x, y] = look.cross, arm = 14 / view.scale;
    for (const [colour, wide] of /** @type {[string, number][]} */ ([["rgb(0 0 0 / .7)", 4], ["white", 1.6]])) {
      line([x - arm, y], [x + arm, y], colour, wide);
      line([x, y - arm], [x, y + arm], colour, wide);
    }
  }
  if (look.brush) {
    const [x, y] = look.brush.at;
    ring(x, y, look.brush.radius, "rgb(0 0 0 / .6)", 3);
    ring(x, y, look.brush.radius, "white", 1.4);
  }
}

/** @param {number[]} from @param {number[]} to @param {string} colour @param {number} wide */
function line(from, to, colour, wide) {
  context.strokeStyle = colour;
  context.lineWidth = wide / view.scale;
  context.beginPath();
  context.moveTo(from[0], from[1]);
  context.lineTo(to[0], to[1]);
  context.stroke();
}

/** @param {number} x @param {number} y @param {number} r @param {string} colour @param {number} wide */
function ring(x, y, r, colour, wide) {
  context.strokeStyle = colour;
  context.lineWidth = wide / view.scale;
  context.beginPath();
  context.arc(x, y, r, 0, 7);
  context.stroke();
}

/** @param {number} x @param {number} y @param {number} r @param {string} inner @param {string} outer */
function circle(x, y, r, inner, outer) {
  context.fillStyle = inner;
  context.beginPath();
  context.arc(x, y, r, 0, 7);
  context.fill();
  ring(x, y, r, outer, 1.5);
}

new ResizeObserver(() => (isFitted ? fit() : redraw())).observe(canvas);
