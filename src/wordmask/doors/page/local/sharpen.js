// @ts-check
// Evidence that reaches over a thing's edge, held down where cells do not look like the thing.
import { addProduct, dot, sigmoid, unitRows } from "./arrays.js";

/** What cells look like: unit vectors (dims, n), and how probable common words are, each over all cells, up to a factor of
 * each cell. @typedef {{vectors: Float32Array, dims: number, words: Float32Array[]}} Looks */

const ROUNDS = 3, SURE = 0.7, SUREST = 0.9, VECTOR_WEIGHT = 20, WORD_WEIGHT = 2, LITTLE = 0.01, TINY = 1e-30;

/** Evidence for a word, 0 to 1, without most of it where cells look like other cells.
 * @param {Float32Array} evidence @param {Looks} looks */
export function sharpen(evidence, looks) {
  const highest = Math.max(highestOf(evidence), TINY);
  let sharp = evidence;
  for (let round = 0; round < ROUNDS; round++) {
    const least = SURE * highestOf(sharp);
    const sure = sharp.map((value) => (value >= least ? value * value : 0));
    const without = sharp.map((value) => Math.max(1 - value / highest, 0) ** 2);
    const likely = logOddsOf(looks, sure, without).map(sigmoid);
    let kept = 0, count = 0;
    evidence.forEach((value, i) => {
      if (value < SUREST * highest) return;
      kept += likely[i];
      count++;
    });
    sharp = evidence.map((value, i) => value * Math.min((likely[i] * count) / kept, 1));
  }
  return sharp;
}

/** Whether cells look like the sure ones or like those without the word, of which these are weights.
 * @param {Looks} looks @param {Float32Array} sure @param {Float32Array} without */
function logOddsOf({ vectors, dims, words }, sure, without) {
  const n = sure.length, out = new Float32Array(n), totals = new Float32Array(n).fill(TINY);
  for (const word of words) for (let i = 0; i < n; i++) totals[i] += word[i];
  const meanLogs = (/** @type {Float32Array} */ weights) => {
    const total = Math.max(weights.reduce((a, b) => a + b, 0), TINY), parts = weights.map((weight, i) => weight / totals[i]);
    return words.map((word) => Math.log(dot(parts, word) / total + LITTLE));
  };
  const logs = [meanLogs(sure), meanLogs(without)];
  words.forEach((word, r) => addProduct([logs[0][r] - logs[1][r]], word, out, WORD_WEIGHT));
  for (let i = 0; i < n; i++) out[i] /= totals[i];
  const direction = (/** @type {Float32Array} */ weights) =>
    unitRows(Float32Array.from({ length: dims }, (_, d) => dot(weights, vectors, d * n)), dims);
  const [thing, rest] = [direction(sure), direction(without)];
  return addProduct(thing.map((value, d) => value - rest[d]), vectors, out, VECTOR_WEIGHT);
}

/** @param {Float32Array} values */
function highestOf(values) {
  return values.reduce((a, b) => Math.max(a, b), 0);
}
