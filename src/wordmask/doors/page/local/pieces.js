// @ts-check
// Words -> candidates: connected pieces of the dense answer, each cut again where the cutter cuts better.
import { clamp, sigmoid } from "./arrays.js";
import { areaOf, overlap } from "../masks.js";
import { nms, shared } from "./merge.js";
import { deepPoints, deepestPoint, dropSpecks, maskOfLogits, piecesOf, resizeMask } from "./regions.js";

/** @typedef {import("../masks.js").Mask} Mask @typedef {import("../masks.js").Size} Size */
/** @typedef {import("./engine.js").Seen} Seen @typedef {import("./engine.js").Prompt} Prompt */
/** @typedef {{mask: Mask, prompt: string, quality: number | null, word: number, weights: Float32Array}} Candidate */
/** @typedef {{mask: Mask, word: number, row: number, peak: number, point: number[], box: number[]}} Piece on the
 *   grid, with the highest probability in it; point and box in the picture */
/** @typedef {{pieces: Piece[], planes: Float32Array[], grid: Size, size: Size}} Dense */
/** @typedef {{logits: Float32Array, quality: number, agreement: number}} BestCut */

const GRID = 256, THRESHOLD = 0.2, LEAST_REGION = 100, PEAK_SHARE = 0.9;
const MIN_QUALITY = 0.5, MIN_AGREEMENT = 0.5, RIVAL_POINTS = 2, SPECK = 0.05;
const PEAKS = 6, MIN_INSIDE = 0.7, MAX_COVER = 0.8, MIN_TOGETHER = 0.6;

/** Pieces that would not pass the threshold if they were all like their surest cell are not cut.
 * @param {import("./wordmaps.js").WordMaps} maps @param {Seen} seen @param {number} threshold @returns {Promise<Candidate[]>} */
export async function findCandidates(maps, seen, threshold) {
  const all = findPieces(maps), cell = (maps.size[0] * maps.size[1]) / (all.grid[0] * all.grid[1]);
  const mayPass = (/** @type {Piece} */ { mask, peak }) => maps.calibrate(peak, areaOf(mask) * cell) >= threshold;
  const dense = { ...all, pieces: all.pieces.filter(mayPass) };
  const faint = all.pieces.filter((piece) => !mayPass(piece)).map((piece) => asItIs(piece, dense));
  if (!dense.pieces.length) return faint.filter((one) => one.mask.w);
  const prompts = dense.pieces.map((piece) => promptOf(piece, dense));
  const cuts = await bestCuts(prompts, dense, dense.pieces, seen);
  const [separate, split] = await separateInstances(dense, seen);
  const usable = cuts.map((cut) => cut.quality >= MIN_QUALITY && cut.agreement >= MIN_AGREEMENT);
  const whole = dense.pieces.flatMap((piece, k) => (usable[k] && !split.has(piece)
    ? [candidateOf(cuts[k], piece, dense, seen, `${describePoint(prompts[k].points[0])} + box`)] : []));
  const plain = dense.pieces.filter((piece, k) => !usable[k] && !split.has(piece)).map((piece) => asItIs(piece, dense));
  return [...separate, ...whole, ...plain, ...faint].filter((one) => one.mask.w);
}

/** @param {import("./wordmaps.js").WordMaps} maps @returns {Dense} */
function findPieces(maps) {
  const [height, width] = maps.size, shrink = Math.min(1, GRID / Math.max(height, width));
  /** @type {Size} */ const grid = [Math.max(1, Math.round(height * shrink)), Math.max(1, Math.round(width * shrink))];
  const { rows, planes } = maps.winners(grid[0], grid[1]), n = grid[0] * grid[1];
  const best = new Int32Array(n);
  for (let i = 0; i < n; i++) for (let r = 1; r < rows.length; r++) if (planes[r][i] > planes[best[i]][i]) best[i] = r;
  const least = Math.max(1, Math.round((LEAST_REGION * n) / (height * width)));
  const factor = [width / grid[1], height / grid[0]];
  const pieces = rows.slice(0, -1).flatMap((word, row) => {
    const wins = Uint8Array.from(best, (winner, i) => (winner === row && planes[row][i] >= THRESHOLD ? 1 : 0));
    return piecesOf(wins, grid[1], grid[0], least).map((mask) => {
      const { x, y, w, h } = mask, box = [x, y, x + w, y + h].map((side, k) => Math.fround(side * factor[k % 2]));
      const { peak, point } = surestPlace(mask, planes[row], grid[1]);
      return { mask, word, row, box, peak, point: point.map((at, k) => Math.fround(at * factor[k])) };
    });
  });
  return { pieces, planes, grid, size: maps.size };
}

/** How probable a piece is at most, and the deepest point where it nearly is so.
 * @param {Mask} mask @param {Float32Array} plane @param {number} wide */
function surestPlace(mask, plane, wide) {
  const values = probabilitiesIn(mask, plane, wide);
  let peak = 0;
  for (let k = 0; k < values.length; k++) if (mask.data[k]) peak = Math.max(peak, values[k]);
  const data = mask.data.map((inside, k) => (inside && values[k] >= PEAK_SHARE * peak ? 1 : 0));
  const [x, y] = deepestPoint({ ...mask, data });
  return { peak, point: [mask.x + x, mask.y + y] };
}

/** @param {Mask} mask @param {Float32Array} plane @param {number} wide */
function probabilitiesIn(mask, plane, wide) {
  return Float32Array.from({ length: mask.data.length }, (_, k) =>
    plane[(mask.y + Math.floor(k / mask.w)) * wide + mask.x + (k % mask.w)]);
}

/** Its point, its box, its probability, and as "not this" points of other words.
 * @param {Piece} piece @param {Dense} dense @returns {Prompt} */
function promptOf(piece, dense) {
  const [x0, y0, x1, y1] = piece.box;
  const rivals = dense.pieces.filter(({ point: [x, y], word }) =>
    word !== piece.word && x >= x0 && y >= y0 && x < x1 && y < y1).slice(0, RIVAL_POINTS);
  const data = dense.planes[piece.row].map((value) => {
    const odds = clamp(value, 1e-3, 1 - 1e-3);
    return Math.log(odds / (1 - odds));
  });
  const points = [[...piece.point, 1], ...rivals.map(({ point }) => [...point, 0])];
  return { points, box: piece.box, prior: { data, h: dense.grid[0], w: dense.grid[1] } };
}

/** For each prompt the candidate that fits its piece best.
 * @param {Prompt[]} prompts @param {Dense} dense @param {Piece[]} owners @param {Seen} seen @returns {Promise<BestCut[]>} */
async function bestCuts(prompts, dense, owners, seen) {
  const [h, w] = seen.cutSize, cuts = await seen.cut(prompts);
  return cuts.map(({ logits, quality }, k) => {
    const home = resizeMask(owners[k].mask, dense.grid, [h, w]);
    const agreements = logits.map((plane) => overlap(lowMask(plane, w), home));
    const best = [0, 1, 2].reduce((a, b) => (quality[b] * agreements[b] > quality[a] * agreements[a] ? b : a));
    return { logits: logits[best], quality: quality[best], agreement: agreements[best] };
  });
}

/** @param {Float32Array} logits @param {number} w @returns {Mask} */
function lowMask(logits, w) {
  return { x: 0, y: 0, w, h: logits.length / w, data: Uint8Array.from(logits, (value) => (value > 0 ? 1 : 0)) };
}

// ---- instances

/** Cuts around the peaks of a piece, if they separate it well; and the pieces that they stand for.
 * @param {Dense} dense @param {Seen} seen @returns {Promise<[Candidate[], Set<Piece>]>} */
async function separateInstances(dense, seen) {
  /** @type {Prompt[]} */ const prompts = [];
  /** @type {Piece[]} */ const owners = [];
  for (const piece of dense.pieces) {
    const peaks = placesOf(piece, dense);
    if (peaks.length < 2) continue;
    peaks.forEach((_, turn) => {
      const order = [...peaks.slice(turn), ...peaks.slice(0, turn)];
      prompts.push({ points: order.map((at, k) => [...at, k ? 0 : 1]) });
      owners.push(piece);
    });
  }
  const cuts = await bestCuts(prompts, dense, owners, seen), [h, w] = seen.cutSize;
  /** @type {Candidate[]} */ const found = [];
  /** @type {Set<Piece>} */ const split = new Set();
  for (const piece of new Set(owners)) {
    const rows = owners.map((_, k) => k).filter((k) => owners[k] === piece && cuts[k].quality >= MIN_QUALITY);
    const home = resizeMask(piece.mask, dense.grid, [h, w]);
    for (const k of instancesOf(home, rows, cuts, [h, w])) {
      split.add(piece);
      found.push(candidateOf(cuts[k], piece, dense, seen, describePoint(prompts[k].points[0])));
    }
  }
  return [found, split];
}

/** The peaks of its depth in the picture. @param {Piece} piece @param {Dense} dense */
function placesOf({ mask }, { grid, size }) {
  return deepPoints(mask, PEAKS).map(([x, y]) =>
    [Math.fround((mask.x + x) * (size[1] / grid[1])), Math.fround((mask.y + y) * (size[0] / grid[0]))]);
}

/** Of these rows the cuts that together make up the piece `home`; none if they do not.
 * @param {Mask} home @param {number[]} rows @param {BestCut[]} cuts @param {Size} size */
function instancesOf(home, rows, cuts, size) {
  const area = areaOf(home), masks = new Map(rows.map((k) => [k, lowMask(cuts[k].logits, size[1])]));
  const of = (/** @type {number} */ k) => /** @type {Mask} */ (masks.get(k));
  rows = rows.filter((k) => areaOf(of(k)) > 0);
  if (rows.length < 2) return [];
  rows = rows.filter((k) => {
    const both = shared(of(k), home);
    return both >= MIN_INSIDE * areaOf(of(k)) && both <= MAX_COVER * area;
  });
  const kept = nms(rows.map(of), rows.map((k) => cuts[k].quality), size, { iou: 0.3, containment: 0.6 });
  rows = kept.map((k) => rows[k]);
  if (rows.length < 2) return [];
  const union = of(rows[0]).data.map((_, i) => (rows.some((k) => of(k).data[i]) ? 1 : 0));
  return shared({ x: 0, y: 0, w: size[1], h: size[0], data: union }, home) >= MIN_TOGETHER * area ? rows : [];
}

// ---- at full size

/** @param {BestCut} cut @param {Piece} piece @param {Dense} dense @param {Seen} seen @param {string} prompt @returns {Candidate} */
function candidateOf(cut, piece, dense, seen, prompt) {
  const [h, w] = seen.cutSize, whole = maskOfLogits(cut.logits, h, w, dense.size);
  const mask = whole.w ? dropSpecks(whole, Math.ceil(SPECK * areaOf(whole))) : whole;
  const logits = valuesOver(cut.logits.map((value) => clamp(value, -20, 20)), h, w, mask, dense.size);
  const weights = wordOver(piece, mask, dense).map((word, k) => sigmoid(logits[k]) * word);
  return { mask, prompt, quality: cut.quality, word: piece.word, weights };
}

/** How probable a piece's word is over a mask: of masks that overlap, it says whose a pixel is.
 * @param {Piece} piece @param {Mask} mask @param {Dense} dense */
function wordOver({ row }, mask, { planes, grid, size }) {
  return valuesOver(planes[row], grid[0], grid[1], mask, size);
}

/** A grid over the picture, bilinear at the pixels of a mask.
 * @param {Float32Array} values @param {number} h @param {number} w @param {Mask} mask @param {Size} size */
function valuesOver(values, h, w, mask, size) {
  const out = new Float32Array(mask.data.length);
  const at = (/** @type {number} */ y, /** @type {number} */ x) => values[y * w + x];
  const tap = (/** @type {number} */ k, /** @type {number} */ cells, /** @type {number} */ side) => {
    const place = clamp(((k + 0.5) * cells) / side - 0.5, 0, cells - 1), first = Math.floor(place);
    return [first, Math.min(first + 1, cells - 1), place - first];
  };
  const columns = Array.from({ length: mask.w }, (_, x) => tap(mask.x + x, w, size[1]));
  for (let y = 0, k = 0; y < mask.h; y++) {
    const [up, down, share] = tap(mask.y + y, h, size[0]);
    for (let x = 0; x < mask.w; x++, k++) {
      if (!mask.data[k]) continue;
      const [left, right, part] = columns[x];
      const above = at(up, left) * (1 - part) + at(up, right) * part;
      const below = at(down, left) * (1 - part) + at(down, right) * part;
      out[k] = above * (1 - share) + below * share;
    }
  }
  return out;
}

/** The piece without the cutter: where its word leads the others. @param {Piece} piece @param {Dense} dense @returns {Candidate} */
function asItIs(piece, dense) {
  const { mask, row, word } = piece, { planes, grid, size } = dense;
  const [h, w] = grid, lead = new Float32Array(h * w).fill(-1), own = planes[row];
  for (let y = Math.max(0, mask.y - 1); y < Math.min(h, mask.y + mask.h + 1); y++) {
    for (let x = Math.max(0, mask.x - 1); x < Math.min(w, mask.x + mask.w + 1); x++) {
      if (!isNear(mask, x, y)) continue;
      let other = planes.length > 1 ? -Infinity : 0;
      for (let r = 0; r < planes.length; r++) if (r !== row) other = Math.max(other, planes[r][y * w + x]);
      lead[y * w + x] = own[y * w + x] - other;
    }
  }
  const full = maskOfLogits(lead, h, w, size);
  return { mask: full, prompt: "dense", quality: null, word, weights: wordOver(piece, full, dense) };
}

/** On the mask or beside it. @param {Mask} mask @param {number} x @param {number} y */
function isNear(mask, x, y) {
  for (let row = y - 1 - mask.y; row <= y + 1 - mask.y; row++) {
    for (let column = x - 1 - mask.x; column <= x + 1 - mask.x; column++) {
      if (row >= 0 && column >= 0 && row < mask.h && column < mask.w && mask.data[row * mask.w + column]) return true;
    }
  }
  return false;
}

/** A point as `why` says it. @param {number[]} at @param {string} [word] */
export function describePoint([x, y], word = "point") {
  return `${word} ${x.toFixed(0)},${y.toFixed(0)}`;
}
