// @ts-check
// How probable each word is in each cell of a picture, and under each mask.
import { addProduct, bilinear, clamp, dot, logOdds, meanOfHighest, sigmoid, softmax, unitColumns } from "./arrays.js";
import { sharpen } from "./sharpen.js";
import { ALIKE, SAME } from "./texts.js";

/** @typedef {import("../masks.js").Mask} Mask @typedef {import("./engine.js").Features} Features */
/** @typedef {{byClass: boolean, supported: boolean, learned: boolean, classes: number[]}} Judge of one word */

const PEAK_CELLS = 30, ABSENT_SHARE = 0.02, LEAST_CELL = 1e-4;
const AROUND = 0.3, LITTLE = 0.05; // a region's words are held against those around it
const LEAST_CLASS = 1e-4, FAINT = 0.02, MOST = 0.98;

/** The probability of every word in every cell. */
export class WordMaps {
  /** @param {Features} features @param {import("./texts.js").KnownNames} known @param {any} settings
   * @param {[number, number]} size @param {Float32Array[][]} words the vectors of each word's spellings */
  constructor(features, known, settings, size, words) {
    this.features = features;
    this.known = known;
    this.settings = settings;
    this.size = size;
    this.words = words;
    this.count = words.length;
    this.n = features.h * features.w;
    this.judges = words.map((word) => judge(word, known));
    this.odds = words.map((word, k) => this.contextOdds(word, this.judges[k]));
    this.planes = this.compute();
  }

  /** @param {number} word; the last plane is "none of these" */
  plane(word) {
    return this.planes.subarray(word * this.n, (word + 1) * this.n);
  }

  compute() {
    const { n, count } = this, planes = new Float32Array((count + 1) * n);
    this.planes = planes;
    this.words.forEach((word, k) => nearest(word, this.features.vectors, this.plane(k), this.settings.scale));
    this.plane(count).set(this.none());
    this.addSupport();
    const gains = this.odds.map((odds) => this.gain(odds));
    gains.forEach((gain, k) => {
      const plane = this.plane(k);
      if (gain < 0) for (let i = 0; i < n; i++) plane[i] += gain;
    });
    softmax(planes, n);
    this.raise(gains);
    this.suppress();
    this.addClassWords();
    return planes;
  }

  /** Common words that compete with words of these spellings. @param {Float32Array[]} spelled */
  rivalsOf(spelled) {
    const { vectors, kin, kinOf } = this.known.rivals;
    const near = new Set(kin.map((row, k) => (spelled.some((text) => dot(text, row) >= ALIKE) ? kinOf[k] : -1)));
    return vectors.map((_, k) => k).filter((k) => !near.has(k));
  }

  /** Logit of "none of these": the engine's own and that of competing words. */
  none() {
    const { vectors } = this.known.rivals, logits = [this.features.none];
    for (const k of this.rivalsOf(this.words.flat()))
      logits.push(addProduct(vectors[k], this.features.vectors, new Float32Array(this.n), this.settings.scale));
    const most = new Float32Array(this.n).fill(-Infinity), sum = new Float32Array(this.n);
    for (const one of logits) for (let i = 0; i < this.n; i++) if (one[i] > most[i]) most[i] = one[i];
    for (const one of logits) for (let i = 0; i < this.n; i++) sum[i] += Math.exp(one[i] - most[i]);
    return sum.map((value, i) => most[i] + Math.log(value));
  }

  /** Classes support learned words and stand for the others. */
  addSupport() {
    const { support, support_from: from, support_most: most } = this.settings.classes;
    this.judges.forEach((one, k) => {
      const plane = this.plane(k);
      if (one.byClass) plane.fill(-Infinity);
      const odds = one.supported ? this.evidence(one.classes, from) : null;
      if (odds) for (let i = 0; i < this.n; i++) plane[i] += Math.min(support * Math.max(odds[i] - from, 0), most);
    });
  }

  /** Log-odds of a word by its classes in each cell; null where they reach `least` nowhere.
   * @param {number[]} classes @param {number} least */
  evidence(classes, least) {
    const { passes, whole, h, w } = this.features;
    const base = this.settings.classes.weight * logOdds(classes.reduce((sum, k) => sum + whole[k], 0), LEAST_CLASS);
    const local = passes.map((pass) => classOdds(pass, classes));
    const top = local.reduce((sum, odds) => sum + odds.reduce((a, b) => Math.max(a, b), -Infinity), 0) / local.length;
    if (top + base < least) return null;
    const out = new Float32Array(this.n);
    passes.forEach((pass, p) => {
      const fine = bilinear(local[p], pass.h, pass.w, h, w);
      for (let i = 0; i < this.n; i++) out[i] += fine[i] / passes.length;
    });
    return out.map((value) => value + base);
  }

  /** Log-odds that a word is in the picture; NaN where nothing says so.
   * @param {Float32Array[]} word @param {Judge} one */
  contextOdds(word, one) {
    const { direction } = this.features;
    if (!direction || !one.learned) return NaN;
    const last = direction[direction.length - 1];
    return Math.max(...word.map((text) => dot(text, direction) + last));
  }

  /** What a word gains or loses by the picture as a whole. @param {number} odds */
  gain(odds) {
    if (Number.isNaN(odds)) return 0;
    const { weight, offset, least, most } = this.settings.context;
    return clamp(weight * (odds + offset), least, most);
  }

  /** Likely words gain, unless they are sure. @param {number[]} gains */
  raise(gains) {
    const rows = gains.map((_, k) => k).filter((k) => gains[k] > 0);
    if (!rows.length) return;
    const factors = rows.map((k) => Math.exp(gains[k] * (1 - meanOfHighest(this.plane(k), PEAK_CELLS))));
    const divisor = new Float32Array(this.n).fill(1);
    rows.forEach((k, r) => addScaled(divisor, this.plane(k), factors[r] - 1));
    for (let i = 0; i < this.planes.length; i++) this.planes[i] /= divisor[i % this.n];
    rows.forEach((k, r) => scale(this.plane(k), factors[r]));
  }

  /** Most of the probability of absent words goes to "none". */
  suppress() {
    const { presence, context } = this.settings;
    if (!(presence > 0)) return;
    for (let k = 0; k < this.count; k++) {
      const odds = this.odds[k];
      const needed = Number.isNaN(odds) ? presence : sigmoid(context.limit - context.peak_share * odds);
      if (meanOfHighest(this.plane(k), PEAK_CELLS) >= needed) continue;
      addScaled(this.plane(this.count), this.plane(k), 1 - ABSENT_SHARE);
      scale(this.plane(k), ABSENT_SHARE);
    }
  }

  /** The words that classes judge; the others share the rest. */
  addClassWords() {
    const { slope, offset } = this.settings.classes, least = (Math.log(FAINT / (1 - FAINT)) - offset) / slope;
    const rows = this.judges.map((_, k) => k).filter((k) => this.judges[k].byClass);
    if (!rows.length) return;
    const own = rows.map((k) => {
      const odds = this.evidence(this.judges[k].classes, least);
      return odds ? odds.map((value) => sigmoid(slope * value + offset)) : new Float32Array(this.n);
    });
    const total = new Float32Array(this.n);
    for (const plane of own) addScaled(total, plane, 1);
    const fit = total.map((value) => Math.min(1, MOST / Math.max(value, 1e-9)));
    const looks = this.looks(), left = new Float32Array(this.n).fill(1);
    const sharp = own.map((plane, r) => {
      const fitted = plane.map((value, i) => value * fit[i]);
      if (!fitted.some((value) => value > 0)) return fitted;
      const words = this.rivalsOf(this.words[rows[r]]).map((k) => looks.words[k]);
      return sharpen(fitted, { ...looks, words });
    });
    for (const plane of sharp) addScaled(left, plane, -1);
    for (let i = 0; i < this.planes.length; i++) this.planes[i] *= left[i % this.n];
    rows.forEach((k, r) => this.plane(k).set(sharp[r]));
  }

  /** What the cells look like. @returns {import("./sharpen.js").Looks} */
  looks() {
    const { n } = this, dims = this.features.vectors.length / n, vectors = unitColumns(this.features.vectors.slice(), n);
    const rivals = this.known.rivals.vectors, logits = new Float32Array(rivals.length * n);
    rivals.forEach((row, k) => addProduct(row, vectors, logits.subarray(k * n, (k + 1) * n), this.settings.scale));
    softmax(logits, n);
    return { vectors, dims, words: rivals.map((_, k) => logits.subarray(k * n, (k + 1) * n)) };
  }

  // ---- under masks

  /** The mean probability of every word, and of none, under a mask. @param {Mask} mask */
  under(mask) {
    const { h, w } = this.features;
    return this.mean(coverage(mask, this.size, h, w));
  }

  /** The same around a mask. @param {Mask} mask */
  around(mask) {
    const { h, w } = this.features, inside = coverage(mask, this.size, h, w);
    const reach = Math.max(1, Math.round(AROUND * Math.sqrt(sum(inside))));
    return this.mean(dilate(inside, h, w, reach).map((value, i) => value - inside[i]));
  }

  /** The mean over cells. @param {Float32Array} weights of the cells */
  mean(weights) {
    const total = Math.max(sum(weights), 1e-12);
    return Array.from({ length: this.count + 1 }, (_, k) => dot(weights, this.planes, k * this.n) / total);
  }

  /** What a mask shows, if it shows one of the words. A word that is as probable around a mask as in it is rather what
   * the thing lies on. @param {Mask} mask @param {Float32Array} vector of the cut */
  ofRegion(mask, vector) {
    const shares = this.under(mask);
    const logits = this.words.map((word) => this.settings.scale * Math.max(...word.map((text) => dot(text, vector))));
    const own = softmax(Float32Array.from(logits), 1);
    own.forEach((share, k) => (shares[k] = Math.sqrt(shares[k] * share)));
    this.around(mask).forEach((share, k) => (shares[k] /= share + LITTLE));
    const rows = this.judges.map((_, k) => k).filter((k) => this.judges[k].byClass);
    rows.forEach((k) => (shares[k] = 0));
    const total = Math.max(sum(shares), 1e-12);
    const classes = rows.map((k) => this.classShare(mask, this.judges[k].classes));
    const ofClasses = sum(classes), fit = Math.min(1, MOST / Math.max(ofClasses, 1e-9));
    const named = shares.map((share) => (share / total) * (1 - ofClasses * fit));
    rows.forEach((k, r) => (named[k] = classes[r] * fit));
    return named;
  }

  /** @param {Mask} mask @param {number[]} classes */
  classShare(mask, classes) {
    const { passes } = this.features;
    const odds = passes.map(({ probabilities, h, w }) => {
      const weights = coverage(mask, this.size, h, w), total = Math.max(sum(weights), 1e-12);
      return logOdds(sum(classes.map((k) => dot(weights, probabilities, k * h * w))) / total, LEAST_CLASS);
    });
    return sigmoid(odds.reduce((a, b) => a + b, 0) / odds.length + this.settings.classes.region_offset);
  }

  /** How often a region of this mean probability and area is right. @param {number} score @param {number} area */
  calibrate(score, area) {
    const [slope, offset, size] = this.settings.calibration, share = Math.max(area / (this.size[0] * this.size[1]), 1e-9);
    return sigmoid(slope * logOdds(score, 1e-6) + offset + size * Math.log(share));
  }

  /** Words that win somewhere, the last one "none", and their probabilities on a finer grid.
   * @param {number} high @param {number} wide */
  winners(high, wide) {
    const { h, w } = this.features, winning = new Set([this.count]);
    for (let i = 0; i < this.n; i++) {
      let best = 0;
      for (let k = 1; k <= this.count; k++) if (this.planes[k * this.n + i] > this.planes[best * this.n + i]) best = k;
      winning.add(best);
    }
    const rows = [...winning].sort((a, b) => a - b);
    const planes = rows.map((row) => {
      if (h === high && w === wide) return this.plane(row);
      const logarithms = this.plane(row).map((value) => Math.log(Math.max(value, LEAST_CELL)));
      return bilinear(logarithms, h, w, high, wide).map(Math.exp);
    });
    return { rows, planes };
  }
}

/** Which evidence speaks about a word. @returns {Judge}
 * @param {Float32Array[]} word @param {import("./texts.js").KnownNames} known */
function judge(word, known) {
  const learned = word.some((text) => known.learned.some((row) => dot(text, row) >= ALIKE));
  const classes = new Set(known.names.flatMap((row, k) => (word.some((text) => dot(text, row) >= SAME) ? known.classes[k] : [])));
  return { learned, classes: [...classes], byClass: classes.size > 0 && !learned, supported: classes.size > 0 && learned };
}

/** The logits of a word: those of its nearest spelling. @param {Float32Array[]} word
 * @param {Float32Array} vectors @param {Float32Array} out @param {number} factor */
function nearest(word, vectors, out, factor) {
  out.fill(-Infinity);
  for (const text of word) {
    const logits = addProduct(text, vectors, new Float32Array(out.length), factor);
    for (let i = 0; i < out.length; i++) if (logits[i] > out[i]) out[i] = logits[i];
  }
}

/** @param {import("./engine.js").ClassPass} pass @param {number[]} classes */
function classOdds({ probabilities, h, w }, classes) {
  const sums = new Float32Array(h * w);
  for (const k of classes) addScaled(sums, probabilities.subarray(k * h * w, (k + 1) * h * w), 1);
  return sums.map((value) => logOdds(value, LEAST_CLASS));
}

/** The share of each cell that is in the mask. @param {Mask} mask
 * @param {[number, number]} size @param {number} h @param {number} w */
export function coverage(mask, size, h, w) {
  const out = new Float32Array(h * w);
  const cell = (/** @type {number} */ k, /** @type {number} */ cells, /** @type {number} */ side) =>
    Math.floor(((2 * k + 1) * cells) / (2 * side));
  const columns = Int32Array.from({ length: mask.w }, (_, x) => cell(mask.x + x, w, size[1]));
  for (let y = 0; y < mask.h; y++) {
    const row = cell(mask.y + y, h, size[0]) * w;
    for (let x = 0, k = y * mask.w; x < mask.w; x++, k++) if (mask.data[k]) out[row + columns[x]]++;
  }
  const heights = pixelsPerCell(size[0], h), widths = pixelsPerCell(size[1], w);
  for (let k = 0; k < out.length; k++) out[k] /= Math.max(1, heights[Math.floor(k / w)] * widths[k % w]);
  return out;
}

/** The highest value within a disc around each cell, as OpenCV's ellipse. @param {Float32Array} values
 * @param {number} h @param {number} w @param {number} reach */
function dilate(values, h, w, reach) {
  const out = values.slice();
  for (let dy = -reach; dy <= reach; dy++) {
    const wide = Math.round(Math.sqrt(reach * reach - dy * dy));
    for (let y = Math.max(0, -dy); y < Math.min(h, h - dy); y++)
      for (let x = 0; x < w; x++) {
        const value = values[(y + dy) * w + x];
        if (!value) continue;
        for (let to = Math.max(0, x - wide); to <= Math.min(w - 1, x + wide); to++)
          if (value > out[y * w + to]) out[y * w + to] = value;
      }
  }
  return out;
}

/** @param {ArrayLike<number>} values */
function sum(values) {
  let total = 0;
  for (let k = 0; k < values.length; k++) total += values[k];
  return total;
}

/** @param {number} side @param {number} cells */
function pixelsPerCell(side, cells) {
  const counts = new Int32Array(cells);
  for (let k = 0; k < side; k++) counts[Math.floor(((2 * k + 1) * cells) / (2 * side))]++;
  return counts;
}

/** @param {Float32Array} sum @param {ArrayLike<number>} values @param {number} factor */
function addScaled(sum, values, factor) {
  for (let i = 0; i < sum.length; i++) sum[i] += factor * values[i];
}

/** @param {Float32Array} values @param {number} factor */
function scale(values, factor) {
  for (let i = 0; i < values.length; i++) values[i] *= factor;
}
