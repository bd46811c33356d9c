// @ts-check
// Masks as tight crops, and their run-length codes as COCO writes them. No DOM in here.

/**
 * A mask: the crop at (x, y), row by row, 1 where the thing is. Never changed once it is made.
 * @typedef {{x: number, y: number, w: number, h: number, data: Uint8Array}} Mask
 * @typedef {[number, number]} Size  height, width
 * @typedef {{size: number[], counts: string}} Code
 */

/** @type {Mask} */
export const EMPTY = { x: 0, y: 0, w: 0, h: 0, data: new Uint8Array(0) };

/** How many pixels. @param {Mask} mask */
export function areaOf(mask) {
  let sum = 0;
  for (let k = 0; k < mask.data.length; k++) sum += mask.data[k];
  return sum;
}

/** Whether the mask covers the pixel. @param {Mask} mask @param {number} x @param {number} y */
export function covers(mask, x, y) {
  const column = Math.floor(x) - mask.x, row = Math.floor(y) - mask.y;
  if (column < 0 || row < 0 || column >= mask.w || row >= mask.h) return false;
  return mask.data[row * mask.w + column] === 1;
}

/** The same mask with no empty border. @param {Mask} mask @returns {Mask} */
export function trim(mask) {
  let x0 = mask.w, y0 = mask.h, x1 = -1, y1 = -1;
  for (let y = 0, k = 0; y < mask.h; y++) {
    for (let x = 0; x < mask.w; x++, k++) {
      if (!mask.data[k]) continue;
      if (x < x0) x0 = x;
      if (x > x1) x1 = x;
      if (y < y0) y0 = y;
      y1 = y;
    }
  }
  if (x1 < 0) return EMPTY;
  if (x0 === 0 && y0 === 0 && x1 === mask.w - 1 && y1 === mask.h - 1) return mask;
  return window_(mask, mask.x + x0, mask.y + y0, x1 - x0 + 1, y1 - y0 + 1);
}

/** What a rectangle of the picture shows of the mask. @returns {Mask}
 * @param {Mask} mask @param {number} x @param {number} y @param {number} w @param {number} h */
function window_(mask, x, y, w, h) {
  const data = new Uint8Array(w * h);
  const left = Math.max(x, mask.x), right = Math.min(x + w, mask.x + mask.w);
  for (let row = Math.max(y, mask.y); row < Math.min(y + h, mask.y + mask.h); row++) {
    const from = (row - mask.y) * mask.w - mask.x;
    if (right > left) data.set(mask.data.subarray(from + left, from + right), (row - y) * w + left - x);
  }
  return { x, y, w, h, data };
}

/** The rectangle around both. @param {Mask} a @param {Mask} b */
function around(a, b) {
  if (!a.w) return b;
  if (!b.w) return a;
  const x = Math.min(a.x, b.x), y = Math.min(a.y, b.y);
  return { x, y, w: Math.max(a.x + a.w, b.x + b.w) - x, h: Math.max(a.y + a.h, b.y + b.h) - y };
}

/** Everything that either covers. @param {Mask} a @param {Mask} b @returns {Mask} */
export function unite(a, b) {
  if (!a.w) return b;
  if (!b.w) return a;
  const box = around(a, b);
  const out = window_(a, box.x, box.y, box.w, box.h);
  const other = window_(b, box.x, box.y, box.w, box.h).data;
  for (let k = 0; k < other.length; k++) out.data[k] |= other[k];
  return out;
}

/** What `a` covers and `b` does not. @param {Mask} a @param {Mask} b @returns {Mask} */
export function subtract(a, b) {
  if (!a.w || !b.w) return a;
  const other = window_(b, a.x, a.y, a.w, a.h).data, data = a.data.slice();
  for (let k = 0; k < data.length; k++) if (other[k]) data[k] = 0;
  return trim({ ...a, data });
}

/** Shared pixels over all pixels. @param {Mask} a @param {Mask} b */
export function overlap(a, b) {
  if (!a.w || !b.w) return 0;
  const other = window_(b, a.x, a.y, a.w, a.h).data;
  let shared = 0;
  for (let k = 0; k < other.length; k++) shared += other[k] & a.data[k];
  return shared / (areaOf(a) + areaOf(b) - shared);
}

/** A thick line with round ends, inside the picture. @returns {Mask}
 * @param {number[]} from @param {number[]} to @param {number} radius @param {Size} size */
export function stroke(from, to, radius, size) {
  const x0 = Math.max(0, Math.floor(Math.min(from[0], to[0]) - radius));
  const y0 = Math.max(0, Math.floor(Math.min(from[1], to[1]) - radius));
  const x1 = Math.min(size[1], Math.ceil(Math.max(from[0], to[0]) + radius) + 1);
  const y1 = Math.min(size[0], Math.ceil(Math.max(from[1], to[1]) + radius) + 1);
  if (x1 <= x0 || y1 <= y0) return EMPTY;
  const w = x1 - x0, h = y1 - y0, data = new Uint8Array(w * h);
  const dx = to[0] - from[0], dy = to[1] - from[1], length = dx * dx + dy * dy || 1;
  for (let y = 0, k = 0; y < h; y++) {
    for (let x = 0; x < w; x++, k++) {
      const px = x0 + x + 0.5 - from[0], py = y0 + y + 0.5 - from[1];
      const t = Math.max(0, Math.min(1, (px * dx + py * dy) / length));
      const ex = px - t * dx, ey = py - t * dy;
      if (ex * ex + ey * ey <= radius * radius) data[k] = 1;
    }
  }
  return trim({ x: x0, y: y0, w, h, data });
}

/** Connected pieces, largest first; diagonal neighbours hold together. @param {Mask} mask */
export function pieces(mask) {
  const { ids, count } = connect(mask.data, mask.w, mask.h, true);
  const out = [];
  for (let id = 1; id <= count; id++) {
    const data = new Uint8Array(ids.length);
    for (let k = 0; k < ids.length; k++) if (ids[k] === id) data[k] = 1;
    out.push(trim({ ...mask, data }));
  }
  return out.sort((a, b) => areaOf(b) - areaOf(a));
}

/** The mask without holes. @param {Mask} mask @returns {Mask} */
export function fillHoles(mask) {
  const w = mask.w + 2, h = mask.h + 2;
  const padded = window_(mask, mask.x - 1, mask.y - 1, w, h).data.map((value) => 1 - value);
  const { ids } = connect(padded, w, h, false);
  const data = new Uint8Array(mask.w * mask.h);
  for (let y = 0; y < mask.h; y++) {
    for (let x = 0; x < mask.w; x++) {
      data[y * mask.w + x] = ids[(y + 1) * w + x + 1] === ids[0] ? 0 : 1;
    }
  }
  return { ...mask, data };
}

/** A number for each connected piece. @param {Uint8Array} data @param {number} w
 * @param {number} h @param {boolean} diagonal */
function connect(data, w, h, diagonal) {
  const ids = new Int32Array(data.length), stack = [];
  let count = 0;
  for (let start = 0; start < data.length; start++) {
    if (!data[start] || ids[start]) continue;
    ids[start] = ++count;
    stack.push(start);
    while (stack.length) {
      const at = /** @type {number} */ (stack.pop()), x = at % w, y = (at - x) / w;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          if ((!diagonal && dx && dy) || x + dx < 0 || x + dx >= w || y + dy < 0 || y + dy >= h) continue;
          const next = at + dy * w + dx;
          if (data[next] && !ids[next]) {
            ids[next] = count;
            stack.push(next);
          }
        }
      }
    }
  }
  return { ids, count };
}

/** Outlines along pixel edges, holes too, each a list of corners. @param {Mask} mask */
export function outlines(mask) {
  const at = (/** @type {number} */ x, /** @type {number} */ y) =>
    x >= 0 && y >= 0 && x < mask.w && y < mask.h && mask.data[y * mask.w + x] === 1;
  /** @type {Map<number, number[][]>} edges by where they start, the thing on their right */
  const edges = new Map();
  const wide = mask.w + 1;
  const add = (/** @type {number[]} */ from, /** @type {number[]} */ to) => {
    const key = from[1] * wide + from[0];
    const list = edges.get(key);
    if (list) list.push(to);
    else edges.set(key, [to]);
  };
  for (let y = 0; y < mask.h; y++) {
    for (let x = 0; x < mask.w; x++) {
      if (!at(x, y)) continue;
      if (!at(x, y - 1)) add([x, y], [x + 1, y]);
      if (!at(x + 1, y)) add([x + 1, y], [x + 1, y + 1]);
      if (!at(x, y + 1)) add([x + 1, y + 1], [x, y + 1]);
      if (!at(x - 1, y)) add([x, y + 1], [x, y]);
    }
  }
  const rings = [];
  for (const [key, list] of edges) {
    while (list.length) {
      const ring = [];
      let from = [key % wide, Math.floor(key / wide)], step = [0, 0];
      for (;;) {
        const found = /** @type {number[][]} */ (edges.get(from[1] * wide + from[0]));
        if (!found || !found.length) break;
        const to = /** @type {number[]} */ (found.pop());
        const turn = [to[0] - from[0], to[1] - from[1]];
        if (turn[0] !== step[0] || turn[1] !== step[1]) ring.push([from[0] + mask.x, from[1] + mask.y]);
        step = turn;
        from = to;
      }
      if (ring.length) rings.push(ring);
    }
  }
  return rings;
}

/** @param {Code} code @returns {Mask} */
export function decode(code) {
  const height = code.size[0], counts = unpack(code.counts);
  let x0 = Infinity, x1 = -1, y0 = Infinity, y1 = -1, place = 0;
  for (let k = 0; k < counts.length; k++) {
    const end = place + counts[k];
    if (k % 2 && counts[k]) {
      const left = Math.floor(place / height), right = Math.floor((end - 1) / height);
      x0 = Math.min(x0, left);
      x1 = Math.max(x1, right);
      y0 = left === right ? Math.min(y0, place % height) : 0;
      y1 = left === right ? Math.max(y1, (end - 1) % height) : height - 1;
    }
    place = end;
  }
  if (x1 < 0) return EMPTY;
  const w = x1 - x0 + 1, h = y1 - y0 + 1, data = new Uint8Array(w * h);
  place = 0;
  for (let k = 0; k < counts.length; k++) {
    if (k % 2) {
      for (let p = place; p < place + counts[k]; p++) {
        data[((p % height) - y0) * w + Math.floor(p / height) - x0] = 1;
      }
    }
    place += counts[k];
  }
  return { x: x0, y: y0, w, h, data };
}

/** @param {Mask} mask @param {Size} size @returns {Code} */
export function encode(mask, size) {
  const [height, width] = size;
  const counts = [];
  let last = 0, place = 0;
  const borders = [];
  for (let x = 0; x < mask.w; x++) {
    let before = 0;
    const column = (mask.x + x) * height + mask.y;
    for (let y = 0; y <= mask.h; y++) {
      const now = y < mask.h ? mask.data[y * mask.w + x] : 0;
      if (now !== before) borders.push(column + y);
      before = now;
    }
  }
  for (let k = 0; k < borders.length; k += 2) {
    if (borders[k] === place && counts.length) {
      counts[counts.length - 1] += borders[k + 1] - borders[k]; // on from the column before
    } else {
      counts.push(borders[k] - place, borders[k + 1] - borders[k]);
    }
    place = borders[k + 1];
  }
  last = height * width - place;
  if (last || !counts.length) counts.push(last);
  return { size: [height, width], counts: pack(counts) };
}

/** Counts as COCO's compressed string. @param {number[]} counts */
export function pack(counts) {
  let text = "";
  for (let k = 0; k < counts.length; k++) {
    let value = k > 2 ? counts[k] - counts[k - 2] : counts[k];
    for (;;) {
      const digit = value & 31;
      value >>= 5;
      const more = digit & 16 ? value !== -1 : value !== 0;
      text += String.fromCharCode((digit | (more ? 32 : 0)) + 48);
      if (!more) break;
    }
  }
  return text;
}

/** @param {string} text @returns {number[]} */
export function unpack(text) {
  const counts = [];
  for (let k = 0; k < text.length; ) {
    let value = 0, shift = 0, digit = 0;
    do {
      digit = text.charCodeAt(k++) - 48;
      value |= (digit & 31) << shift;
      shift += 5;
    } while (digit & 32);
    if (digit & 16 && shift < 32) value |= -1 << shift;
    if (counts.length > 2) value += counts[counts.length - 2];
    counts.push(value);
  }
  return counts;
}
