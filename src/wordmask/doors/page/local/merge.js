// @ts-check
// Many masks into few: duplicates go, wholes stay, every pixel has one owner.
import { areaOf } from "../masks.js";
import { dropSpecks, resizeMask } from "./regions.js";

/** @typedef {import("../masks.js").Mask} Mask @typedef {import("../masks.js").Size} Size */

const COARSE_PIXELS = 65536; // larger pictures are compared at this resolution
const COARSE_AREA = 1024; // masks that are smaller there are compared at full size
const INSIDE = 0.85; // share of a mask's area from which on it counts as inside another
const LEAST_REST = 100, LEAST_SHARE = 0.05; // fragments of what lost pixels

/** Pixels that both cover. @param {Mask} a @param {Mask} b */
export function shared(a, b) {
  const x0 = Math.max(a.x, b.x), x1 = Math.min(a.x + a.w, b.x + b.w);
  let sum = 0;
  for (let y = Math.max(a.y, b.y); y < Math.min(a.y + a.h, b.y + b.h); y++) {
    const one = (y - a.y) * a.w - a.x, two = (y - b.y) * b.w - b.x;
    for (let x = x0; x < x1; x++) sum += a.data[one + x] & b.data[two + x];
  }
  return sum;
}

/** Rows by score, then by area and corner. @param {Mask[]} masks @param {ArrayLike<number>} scores */
function bestFirst(masks, scores) {
  const areas = masks.map(areaOf);
  return masks.map((_, k) => k).sort((a, b) =>
    scores[b] - scores[a] || areas[b] - areas[a] || masks[a].y - masks[b].y || masks[a].x - masks[b].x);
}

/** What pairs share, and their areas at the resolution they were compared at.
 * @param {Mask[]} masks @param {Size} size */
function compare(masks, size) {
  const scale = Math.sqrt(COARSE_PIXELS / (size[0] * size[1]));
  const isCoarse = scale < 1;
  /** @type {Size} */ const small = [Math.max(1, Math.round(size[0] * scale)), Math.max(1, Math.round(size[1] * scale))];
  const coarse = isCoarse ? masks.map((mask) => resizeMask(mask, size, small)) : masks;
  const areas = masks.map(areaOf), coarseAreas = coarse.map(areaOf);
  return (/** @type {number} */ i, /** @type {number} */ j) => {
    const exact = !isCoarse || coarseAreas[i] < COARSE_AREA || coarseAreas[j] < COARSE_AREA;
    const [parts, own] = exact ? [masks, areas] : [coarse, coarseAreas];
    return { both: shared(parts[i], parts[j]), one: own[i], two: own[j] };
  };
}

/** Rows that stay, best first. @param {Mask[]} masks @param {ArrayLike<number>} scores @param {Size} size
 * @param {{iou: number, containment?: number, groups?: ArrayLike<number>}} rules @returns {number[]} */
export function nms(masks, scores, size, { iou, containment, groups }) {
  const pair = compare(masks, size);
  /** @type {number[]} */ const keep = [];
  for (const row of bestFirst(masks, scores)) {
    const isDuplicate = keep.some((better) => {
      if (groups && groups[row] !== groups[better]) return false;
      const { both, one, two } = pair(better, row);
      if (both > iou * (one + two - both)) return true;
      return containment !== undefined && both > containment * Math.min(one, two);
    });
    if (!isDuplicate) keep.push(row);
  }
  return keep;
}

/** Rows that lie in no larger one of the same group, ascending. @returns {number[]}
 * @param {Mask[]} masks @param {ArrayLike<number>} groups @param {Size} size */
export function outermost(masks, groups, size) {
  const pair = compare(masks, size);
  /** @type {number[]} */ const keep = [];
  for (const row of bestFirst(masks, new Float32Array(masks.length))) {
    const isInside = keep.some((larger) => {
      if (groups[larger] !== groups[row]) return false;
      const { both, one } = pair(row, larger);
      return one > 0 && both >= INSIDE * one;
    });
    if (!isInside) keep.push(row);
  }
  return keep.sort((a, b) => a - b);
}

/** Every pixel belongs to the mask with the best score there; `weights` are over the masks' crops.
 * @param {Mask[]} masks @param {ArrayLike<number>} scores @param {Float32Array[]} weights @param {Size} size */
export function disjoint(masks, scores, weights, size) {
  const [height, width] = size;
  const owners = new Int32Array(height * width).fill(-1), best = new Float32Array(height * width).fill(-Infinity);
  for (const row of bestFirst(masks, new Float32Array(masks.length)).reverse()) {
    const { x, y, w, data } = masks[row];
    for (let k = 0; k < data.length; k++) {
      if (!data[k]) continue;
      const column = k % w, at = (y + (k - column) / w) * width + x + column;
      const score = Math.fround(weights[row][k] * scores[row]);
      if (score <= best[at]) continue;
      best[at] = score;
      owners[at] = row;
    }
  }
  return masks.map((mask, row) => restOf(mask, row, owners, width));
}

/** What a mask keeps. @param {Mask} mask @param {number} row @param {Int32Array} owners @param {number} width @returns {Mask} */
function restOf(mask, row, owners, width) {
  const data = new Uint8Array(mask.data.length), area = areaOf(mask);
  let left = 0;
  for (let k = 0; k < data.length; k++) {
    const column = k % mask.w;
    left += data[k] = owners[(mask.y + (k - column) / mask.w) * width + mask.x + column] === row ? 1 : 0;
  }
  if (left === area) return mask;
  const least = Math.max(LEAST_REST, Math.ceil(LEAST_SHARE * area));
  return dropSpecks({ ...mask, data }, left ? Math.min(least, Math.floor(area / 2) + 1) : 0);
}
