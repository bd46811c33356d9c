// @ts-check
// Connected regions of one mask, points deep inside, masks made of a network's logits.
import { linearTaps } from "./arrays.js";
import { EMPTY, trim } from "../masks.js";

/** @typedef {import("../masks.js").Mask} Mask @typedef {import("../masks.js").Size} Size */

const STRAIGHT = 65536, DIAGONAL = 91750, KNIGHT = 143976; // distances of a 5 x 5 mask, as OpenCV rounds them

/** 8-connected pieces, numbered row by row: ids from 1, areas and boxes.
 * @param {Uint8Array} data @param {number} w @param {number} h */
export function components(data, w, h) {
  const ids = new Int32Array(data.length), stack = new Int32Array(data.length);
  /** @type {number[]} */ const areas = [];
  /** @type {number[][]} */ const boxes = [];
  for (let start = 0; start < data.length; start++) {
    if (!data[start] || ids[start]) continue;
    const id = areas.length + 1, box = [w, h, 0, 0];
    let top = 0, area = 0;
    stack[top++] = start;
    ids[start] = id;
    while (top) {
      const at = stack[--top], x = at % w, y = (at - x) / w;
      area++;
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x + 1);
      box[3] = Math.max(box[3], y + 1);
      for (let row = Math.max(0, y - 1); row <= Math.min(h - 1, y + 1); row++) {
        for (let column = Math.max(0, x - 1); column <= Math.min(w - 1, x + 1); column++) {
          const next = row * w + column;
          if (!data[next] || ids[next]) continue;
          ids[next] = id;
          stack[top++] = next;
        }
      }
    }
    areas.push(area);
    boxes.push(box);
  }
  return { ids, areas, boxes };
}

/** Pieces of at least `least` pixels as masks, largest first.
 * @param {Uint8Array} data @param {number} w @param {number} h @param {number} least @returns {Mask[]} */
export function piecesOf(data, w, h, least) {
  const { ids, areas, boxes } = components(data, w, h);
  const order = areas.map((_, k) => k).filter((k) => areas[k] >= least).sort((a, b) => areas[b] - areas[a]);
  return order.map((k) => {
    const [x0, y0, x1, y1] = boxes[k], crop = new Uint8Array((x1 - x0) * (y1 - y0));
    for (let y = y0, at = 0; y < y1; y++) {
      for (let x = x0; x < x1; x++, at++) crop[at] = ids[y * w + x] === k + 1 ? 1 : 0;
    }
    return { x: x0, y: y0, w: x1 - x0, h: y1 - y0, data: crop };
  });
}

/** Without the pieces of fewer than `least` pixels. @param {Mask} mask @param {number} least @returns {Mask} */
export function dropSpecks(mask, least) {
  const { ids, areas } = components(mask.data, mask.w, mask.h);
  if (areas.length && areas.every((area) => area >= least)) return trim(mask);
  return trim({ ...mask, data: mask.data.map((_, k) => (ids[k] && areas[ids[k] - 1] >= least ? 1 : 0)) });
}

/** Logits of one mask, of whose pieces only those that hold a seed are left: the others change their sign.
 * @param {Float32Array} logits @param {number} w @param {number} h @param {number[]} seeds places in `logits` @returns {Float32Array} */
export function keepTouching(logits, w, h, seeds) {
  const { ids } = components(Uint8Array.from(logits, (value) => (value > 0 ? 1 : 0)), w, h);
  const held = new Set(seeds.map((at) => ids[at]).filter((id) => id > 0));
  return held.size ? logits.map((value, k) => (ids[k] && !held.has(ids[k]) ? -value : value)) : logits;
}

// ---- depth

/** Pixels to the nearest one outside, in 1 / 65536; beyond the border is outside. @param {Mask} mask */
export function depthOf({ w, h, data }) {
  const wide = w + 4, out = new Int32Array(wide * (h + 4)).fill(1 << 30);
  for (let y = 1; y < h + 3; y++) for (let x = 1; x < w + 3; x++) out[y * wide + x] = 0;
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) if (data[y * w + x]) out[(y + 2) * wide + x + 2] = 1 << 30;
  }
  const near = [
    [-1, STRAIGHT], [-wide, STRAIGHT], [-wide - 1, DIAGONAL], [-wide + 1, DIAGONAL],
    [-wide - 2, KNIGHT], [-wide + 2, KNIGHT], [-2 * wide - 1, KNIGHT], [-2 * wide + 1, KNIGHT],
  ];
  const first = 2 * wide + 2, last = (h + 1) * wide + w + 1;
  for (let k = first; k <= last; k++) relax(out, k, near, 1);
  for (let k = last; k >= first; k--) relax(out, k, near, -1);
  const depth = new Int32Array(w * h);
  for (let y = 0; y < h; y++) depth.set(out.subarray((y + 2) * wide + 2, (y + 2) * wide + 2 + w), y * w);
  return depth;
}

/** @param {Int32Array} out @param {number} k @param {number[][]} near @param {number} way */
function relax(out, k, near, way) {
  if (!out[k]) return;
  let least = out[k];
  for (const [step, cost] of near) least = Math.min(least, out[k + way * step] + cost);
  out[k] = least;
}

/** The first of the highest. @param {ArrayLike<number>} values */
export function highest(values) {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  return best;
}

/** The point farthest from the edge, in the mask's own coordinates. @param {Mask} mask @returns {[number, number]} */
export function deepestPoint(mask) {
  const at = highest(depthOf(mask));
  return [(at % mask.w) + 0.5, Math.floor(at / mask.w) + 0.5];
}

/** Up to `count` separate peaks of depth, deepest first, for things that touch.
 * @param {Mask} mask @param {number} count @returns {[number, number][]} */
export function deepPoints(mask, count, share = 0.6, neck = 0.75) {
  const depths = depthOf(mask), left = depths.slice();
  /** @type {[number, number][]} */ const points = [];
  const least = share * left[highest(left)];
  while (points.length < count) {
    const at = highest(left), deep = left[at];
    if (deep <= 0 || deep < least) break;
    const x = at % mask.w, y = Math.floor(at / mask.w);
    /** @type {[number, number]} */ const point = [x + 0.5, y + 0.5];
    if (points.every((before) => hasNeck(depths, mask.w, point, before, neck))) points.push(point);
    clearDisc(left, mask, x, y, Math.ceil((1.5 * deep) / STRAIGHT));
  }
  return points;
}

/** @param {Int32Array} left @param {Mask} mask @param {number} x @param {number} y @param {number} radius */
function clearDisc(left, { w, h }, x, y, radius) {
  for (let row = Math.max(0, y - radius); row <= Math.min(h - 1, y + radius); row++) {
    const reach = Math.floor(Math.sqrt(radius * radius - (row - y) ** 2));
    left.fill(0, row * w + Math.max(0, x - reach), row * w + Math.min(w, x + reach + 1));
  }
}

/** Whether the straight way between two points gets shallow. @param {Int32Array} depths @param {number} w
 * @param {number[]} one @param {number[]} other @param {number} neck */
function hasNeck(depths, w, one, other, neck) {
  const steps = Math.ceil(Math.hypot(one[0] - other[0], one[1] - other[1])) + 1;
  let least = Infinity, first = 0, last = 0;
  for (let k = 0; k < steps; k++) {
    const t = steps > 1 ? k / (steps - 1) : 0;
    const x = Math.floor(one[0] + t * (other[0] - one[0])), y = Math.floor(one[1] + t * (other[1] - one[1]));
    last = depths[y * w + x];
    if (!k) first = last;
    least = Math.min(least, last);
  }
  return least < neck * Math.min(first, last);
}

// ---- logits of a network

/** Where logits (h, w) that cover a picture are above 0, bilinear, at its full size.
 * @param {Float32Array} logits @param {number} h @param {number} w @param {Size} size @returns {Mask} */
export function maskOfLogits(logits, h, w, size) {
  let x0 = w, y0 = h, x1 = -1, y1 = -1;
  for (let k = 0; k < logits.length; k++) {
    if (!(logits[k] > 0)) continue;
    const x = k % w, y = (k - x) / w;
    x0 = Math.min(x0, x);
    x1 = Math.max(x1, x);
    y0 = Math.min(y0, y);
    y1 = y;
  }
  if (x1 < 0) return EMPTY;
  const rows = linearTaps(h, size[0]), columns = linearTaps(w, size[1]);
  const [top, bottom] = touched(rows, y0, y1), [left, right] = touched(columns, x0, x1);
  const wide = right - left, high = bottom - top;
  if (wide <= 0 || high <= 0) return EMPTY;
  const lines = new Float32Array(h * wide), data = new Uint8Array(wide * high);
  for (let y = Math.max(0, y0 - 1); y <= Math.min(h - 1, y1 + 1); y++) {
    for (let x = 0; x < wide; x++) {
      const t = 2 * (left + x), a = logits[y * w + columns.from[t]], b = logits[y * w + columns.from[t + 1]];
      lines[y * wide + x] = a + (b - a) * columns.share[t + 1];
    }
  }
  for (let y = 0; y < high; y++) {
    const t = 2 * (top + y), one = rows.from[t] * wide, two = rows.from[t + 1] * wide, share = rows.share[t + 1];
    for (let x = 0, k = y * wide; x < wide; x++, k++) {
      data[k] = lines[one + x] + (lines[two + x] - lines[one + x]) * share > 0 ? 1 : 0;
    }
  }
  return trim({ x: left, y: top, w: wide, h: high, data });
}

/** The range of outputs in which inputs low..high have a share. @param {import("./arrays.js").Taps} taps
 * @param {number} low @param {number} high */
function touched({ from }, low, high) {
  let start = 0, stop = from.length / 2;
  while (start < stop && from[2 * start + 1] < low) start++;
  while (stop > start && from[2 * stop - 2] > high) stop--;
  return [start, stop];
}

/** The same mask on another size, nearest pixel. @param {Mask} mask @param {Size} old @param {Size} size @returns {Mask} */
export function resizeMask(mask, old, size) {
  if (!mask.w) return EMPTY;
  const source = (/** @type {number} */ k, /** @type {number} */ axis) =>
    Math.floor(((2 * k + 1) * old[axis]) / (2 * size[axis]));
  const span = (/** @type {number} */ from, /** @type {number} */ length, /** @type {number} */ axis) => {
    const rows = [];
    for (let k = Math.max(0, Math.floor((from * size[axis]) / old[axis]) - 1); k < size[axis]; k++) {
      const at = source(k, axis);
      if (at >= from + length) break;
      if (at >= from) rows.push([k, at - from]);
    }
    return rows;
  };
  const rows = span(mask.y, mask.h, 0), columns = span(mask.x, mask.w, 1);
  if (!rows.length || !columns.length) return EMPTY;
  const data = new Uint8Array(rows.length * columns.length);
  let k = 0;
  for (const [, y] of rows) for (const [, x] of columns) data[k++] = mask.data[y * mask.w + x];
  return trim({ x: columns[0][0], y: rows[0][0], w: columns.length, h: rows.length, data });
}
