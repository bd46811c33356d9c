// @ts-check
// Numbers on grids: probabilities, resizing as OpenCV does it. A grid covers the picture edge to edge.

/** @typedef {{data: Float32Array, h: number, w: number}} Plane */
/** Where outputs along a side come from: `count[k]` inputs, from `start[k]` on in the lists.
 * @typedef {{start: Int32Array, from: number[], share: number[]}} Taps */

/** @param {number} value @param {number} least @param {number} most */
export function clamp(value, least, most) {
  return value < least ? least : value > most ? most : value;
}

/** @param {number} odds */
export function sigmoid(odds) {
  return 1 / (1 + Math.exp(-clamp(odds, -50, 50)));
}

/** @param {number} probability @param {number} least */
export function logOdds(probability, least) {
  const p = clamp(probability, least, 1 - least);
  return Math.log(p / (1 - p));
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b @param {number} from the first place in `b` */
export function dot(a, b, from = 0) {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[from + k];
  return sum;
}

/** Rows of `dims` numbers, each scaled to length 1, in place. @param {Float32Array} rows @param {number} dims */
export function unitRows(rows, dims) {
  for (let from = 0; from < rows.length; from += dims) {
    let sum = 0;
    for (let k = from; k < from + dims; k++) sum += rows[k] * rows[k];
    const length = Math.max(Math.sqrt(sum), 1e-6);
    for (let k = from; k < from + dims; k++) rows[k] /= length;
  }
  return rows;
}

/** Columns of (dims, n), each scaled to length 1, in place. @param {Float32Array} planes @param {number} n */
export function unitColumns(planes, n) {
  const sums = new Float64Array(n);
  for (let k = 0; k < planes.length; k++) sums[k % n] += planes[k] * planes[k];
  for (let k = 0; k < n; k++) sums[k] = Math.max(Math.sqrt(sums[k]), 1e-6);
  for (let k = 0; k < planes.length; k++) planes[k] /= sums[k % n];
  return planes;
}

/** Add the products of a row (dims) and planes (dims, n) to `out` (n).
 * @param {ArrayLike<number>} row @param {Float32Array} planes @param {Float32Array} out @param {number} scale */
export function addProduct(row, planes, out, scale = 1) {
  const n = out.length;
  for (let d = 0; d < row.length; d++) {
    const factor = row[d] * scale, part = planes.subarray(d * n, d * n + n);
    for (let k = 0; k < n; k++) out[k] += factor * part[k];
  }
  return out;
}

/** Logits of (count, n) become probabilities over the first axis, in place.
 * @param {Float32Array} planes @param {number} n */
export function softmax(planes, n) {
  const most = new Float32Array(n).fill(-Infinity), sums = new Float64Array(n);
  for (let k = 0; k < planes.length; k++) if (planes[k] > most[k % n]) most[k % n] = planes[k];
  for (let k = 0; k < planes.length; k++) sums[k % n] += planes[k] = Math.exp(planes[k] - most[k % n]);
  for (let k = 0; k < planes.length; k++) planes[k] /= sums[k % n];
  return planes;
}

/** The mean of the `count` highest. @param {Float32Array} values @param {number} count */
export function meanOfHighest(values, count) {
  const size = Math.min(count, values.length), best = new Float64Array(size).fill(-Infinity);
  for (const value of values) {
    if (value <= best[0]) continue;
    let k = 1;
    while (k < size && best[k] < value) best[k - 1] = best[k++];
    best[k - 1] = value;
  }
  return best.reduce((sum, value) => sum + value, 0) / size;
}

// ---- another resolution

/** Bilinear. @param {number} old @param {number} fresh @returns {Taps} */
export function linearTaps(old, fresh) {
  const taps = { start: new Int32Array(fresh + 1), from: /** @type {number[]} */ ([]), share: /** @type {number[]} */ ([]) };
  for (let k = 0; k < fresh; k++) {
    const at = clamp(((k + 0.5) * old) / fresh - 0.5, 0, old - 1), first = Math.floor(at);
    push(taps, k, first, Math.fround(1 - (at - first)), Math.min(first + 1, old - 1));
  }
  return taps;
}

/** What OpenCV takes for INTER_AREA where one side grows. @param {number} old @param {number} fresh @returns {Taps} */
function steppedTaps(old, fresh) {
  const taps = { start: new Int32Array(fresh + 1), from: /** @type {number[]} */ ([]), share: /** @type {number[]} */ ([]) };
  const scale = old / fresh;
  for (let k = 0; k < fresh; k++) {
    const first = clamp(Math.floor(k * scale), 0, old - 1);
    let share = k + 1 - (first + 1) / scale;
    share = share <= 0 || first >= old - 1 ? 0 : share - Math.floor(share);
    push(taps, k, first, 1 - share, Math.min(first + 1, old - 1));
  }
  return taps;
}

/** @param {Taps} taps @param {number} k @param {number} first @param {number} share @param {number} second */
function push(taps, k, first, share, second) {
  taps.from.push(first, second);
  taps.share.push(share, 1 - share);
  taps.start[k + 1] = taps.from.length;
}

/** Means over what each output covers. @param {number} old @param {number} fresh @returns {Taps} */
function areaTaps(old, fresh) {
  const taps = { start: new Int32Array(fresh + 1), from: /** @type {number[]} */ ([]), share: /** @type {number[]} */ ([]) };
  const scale = old / fresh;
  for (let k = 0; k < fresh; k++) {
    const low = k * scale, high = low + scale, width = Math.min(scale, old - low);
    for (let at = Math.floor(low); at < Math.min(old, Math.ceil(high)); at++) {
      const share = Math.min(high, at + 1) - Math.max(low, at);
      if (share < 1e-3) continue;
      taps.from.push(at);
      taps.share.push(share / width);
    }
    taps.start[k + 1] = taps.from.length;
  }
  return taps;
}

/** Averaged if it shrinks, bilinear if it grows: `cv2.resize` with INTER_AREA or INTER_LINEAR.
 * @param {number} h @param {number} w @param {number} high @param {number} wide */
function stretchTaps(h, w, high, wide) {
  if (high * wide >= h * w) return [linearTaps(h, high), linearTaps(w, wide)];
  const make = h >= high && w >= wide ? areaTaps : steppedTaps;
  return [make(h, high), make(w, wide)];
}

/** @param {ArrayLike<number>} data @param {number} w of a row in `data` @param {Taps[]} taps rows, columns
 * @param {number} [step] between neighbours @param {number} [first] @returns {Float32Array} */
function resample(data, w, [rows, columns], step = 1, first = 0) {
  const high = rows.start.length - 1, wide = columns.start.length - 1;
  const out = new Float32Array(high * wide);
  /** @type {Map<number, Float32Array>} rows that have been brought to the new width */ const kept = new Map();
  for (let y = 0; y < high; y++) {
    const least = rows.from[rows.start[y]];
    for (const row of kept.keys()) if (row < least) kept.delete(row);
    for (let t = rows.start[y]; t < rows.start[y + 1]; t++) {
      const row = rows.from[t], share = rows.share[t];
      const line = kept.get(row) || shrinkRow(data, first + row * w * step, columns, step);
      kept.set(row, line);
      if (share) for (let x = 0, k = y * wide; x < wide; x++, k++) out[k] += share * line[x];
    }
  }
  return out;
}

/** @param {ArrayLike<number>} data @param {number} first @param {Taps} columns @param {number} step */
function shrinkRow(data, first, { start, from, share }, step) {
  const line = new Float32Array(start.length - 1);
  for (let x = 0; x < line.length; x++) {
    let sum = 0;
    for (let t = start[x]; t < start[x + 1]; t++) sum += share[t] * data[first + from[t] * step];
    line[x] = sum;
  }
  return line;
}

/** Values on another grid, bilinear. @param {Float32Array} data @param {number} h @param {number} w
 * @param {number} high @param {number} wide */
export function bilinear(data, h, w, high, wide) {
  if (h === high && w === wide) return data;
  return resample(data, w, [linearTaps(h, high), linearTaps(w, wide)]);
}

/** Planes (count, h, w) on another grid. @param {Float32Array} data @param {number} count
 * @param {number} h @param {number} w @param {number} high @param {number} wide */
export function bilinearPlanes(data, count, h, w, high, wide) {
  if (h === high && w === wide) return data;
  const out = new Float32Array(count * high * wide), taps = [linearTaps(h, high), linearTaps(w, wide)];
  for (let k = 0; k < count; k++) out.set(resample(data, w, taps, 1, k * h * w), k * high * wide);
  return out;
}

/** Values on a smaller grid, averaged. @param {Float32Array} data @param {number} h @param {number} w
 * @param {number} high @param {number} wide */
export function averaged(data, h, w, high, wide) {
  if (h === high && w === wide) return data;
  const make = h >= high && w >= wide ? areaTaps : steppedTaps;
  return resample(data, w, [make(h, high), make(w, wide)]);
}

/** A picture (h, w, 4) as planes of red, green, blue at another size.
 * @param {Uint8ClampedArray} rgba @param {number} h @param {number} w @param {number} high @param {number} wide */
export function stretchPicture(rgba, h, w, high, wide) {
  const out = new Uint8Array(3 * high * wide), taps = stretchTaps(h, w, high, wide);
  if (high * wide >= h * w) return enlarge(rgba, w, taps, out);
  for (let channel = 0; channel < 3; channel++) {
    const plane = resample(rgba, w, taps, 4, channel);
    for (let k = 0; k < plane.length; k++) out[channel * plane.length + k] = Math.round(plane[k]);
  }
  return out;
}

/** Bilinear in OpenCV's whole numbers. @param {Uint8ClampedArray} rgba @param {number} w
 * @param {Taps[]} taps @param {Uint8Array} out planes */
function enlarge(rgba, w, [rows, columns], out) {
  const high = rows.start.length - 1, wide = columns.start.length - 1;
  const across = columns.share.map((share) => Math.round(share * 2048));
  const line = (/** @type {number} */ row, /** @type {number} */ channel) => Int32Array.from({ length: wide }, (_, x) =>
    (rgba[4 * (row * w + columns.from[2 * x]) + channel] * across[2 * x]
      + rgba[4 * (row * w + columns.from[2 * x + 1]) + channel] * across[2 * x + 1]) >> 4);
  for (let channel = 0, k = 0; channel < 3; channel++) {
    /** @type {Map<number, Int32Array>} */ const lines = new Map();
    for (let y = 0; y < high; y++) {
      const [one, two] = rows.from.slice(2 * y, 2 * y + 2), below = Math.round(rows.share[2 * y + 1] * 2048);
      for (const row of [one, two]) if (!lines.has(row)) lines.set(row, line(row, channel));
      for (const row of lines.keys()) if (row < one) lines.delete(row);
      const first = /** @type {Int32Array} */ (lines.get(one)), second = /** @type {Int32Array} */ (lines.get(two));
      for (let x = 0; x < wide; x++, k++) {
        out[k] = (((first[x] * (2048 - below)) >> 16) + ((second[x] * below) >> 16) + 2) >> 2;
      }
    }
  }
  return out;
}

/** Each row the other way round. @template {Float32Array | Uint8Array} A @param {A} data @param {number} w @returns {A} */
export function mirrored(data, w) {
  const out = data.slice();
  for (let from = 0; from < out.length; from += w) out.subarray(from, from + w).reverse();
  return /** @type {A} */ (out);
}
