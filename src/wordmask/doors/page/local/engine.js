// @ts-check
// mini: its networks, run by onnxruntime-web, and what they say about one picture.
import { averaged, bilinearPlanes, clamp, meanOfHighest, mirrored, softmax, stretchPicture, unitColumns, unitRows }
  from "./arrays.js";
import { keepTouching } from "./regions.js";

/** @typedef {{data: Uint8ClampedArray, h: number, w: number}} Pixels */
/** Points are x, y, and 1 for this or 0 for not this. @typedef {{points: number[][], box?: number[],
 *   prior?: import("./arrays.js").Plane}} Prompt */
/** @typedef {{logits: Float32Array[], quality: number[]}} Cut three candidates */
/** @typedef {{probabilities: Float32Array, h: number, w: number}} ClassPass (1000, h, w) */
/** @typedef {{vectors: Float32Array, none: Float32Array, h: number, w: number, passes: ClassPass[],
 *   whole: Float32Array, direction: Float32Array | null}} Features */

const DIMS = 256, CLASSES = 1000, FINE = 4, AT_ONCE = 4;
const PEAK_CELLS = 8, SHARPER = 2;
const NOTHING = -1n, TOP_LEFT = 2n, BOTTOM_RIGHT = 3n;

/** The nearest size with a long side of about `side` and both sides multiples of 32.
 * @param {number} h @param {number} w @param {number} side */
export function innerSize(h, w, side) {
  const scale = side / Math.max(h, w);
  return [h, w].map((length) => Math.max(2, even((length * scale) / 32)) * 32);
}

/** Rounded as Python rounds: a half to the even side. @param {number} value */
function even(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 ? low + 1 : low;
}

export class Networks {
  /** @param {any} ort @param {import("./texts.js").Files} files @param {string[]} providers */
  constructor(ort, files, providers) {
    Object.assign(this, { ort, files, providers });
    this.ort = ort;
    this.files = files;
    this.providers = providers;
    /** @type {Map<string, Promise<any>>} */ this.sessions = new Map();
  }

  /** @param {string} name @param {Record<string, [any, number[]]>} feed @returns {Promise<Record<string, any>>} */
  async run(name, feed) {
    const known = this.sessions.get(name) || this.open(name);
    this.sessions.set(name, known);
    const session = await known;
    const tensors = Object.entries(feed).map(([key, [data, shape]]) => [key, new this.ort.Tensor(KINDS[data.constructor.name], data, shape)]);
    return session.run(Object.fromEntries(tensors));
  }

  /** @param {string} name */
  async open(name) {
    const bytes = await this.files.bytes(`${name}.onnx`);
    if (!bytes) throw new Error(`${name}.onnx is missing`);
    return this.ort.InferenceSession.create(bytes, { executionProviders: this.providers, logSeverityLevel: 3 });
  }
}

/** @type {Record<string, string>} */
const KINDS = { Uint8Array: "uint8", Float32Array: "float32", BigInt64Array: "int64" };

/** One picture as mini sees it; everything is made when it is first needed. */
export class Seen {
  /** @param {Networks} networks @param {any} settings @param {Pixels} pixels @param {boolean} isMirrored */
  constructor(networks, settings, pixels, isMirrored = false) {
    this.networks = networks;
    this.settings = settings;
    this.pixels = pixels;
    this.isMirrored = isMirrored;
    this.inner = innerSize(pixels.h, pixels.w, settings.side);
    /** @type {Seen | null} */ this.mirror = null;
    /** @type {Promise<any> | null} */ this.encoded = null;
    /** @type {Promise<any> | null} */ this.prepared = null;
    /** @type {Promise<Features> | null} */ this.described = null;
  }

  /** @returns {[number, number]} */
  get size() {
    return [this.pixels.h, this.pixels.w];
  }

  maps() {
    return (this.encoded ||= this.encode(this.inner, this.isMirrored));
  }

  features() {
    return (this.described ||= this.describe());
  }

  /** @param {number[]} inner @param {boolean} isMirrored */
  async encode([h, w], isMirrored) {
    const { pixels } = this;
    let picture = stretchPicture(pixels.data, pixels.h, pixels.w, h, w);
    if (isMirrored) picture = mirrored(picture, w);
    const out = await this.networks.run("encoder", { picture: [picture, [1, 3, h, w]] });
    return { ...out, h: h / 8, w: w / 8 };
  }

  // ---- cuts

  async prompted() {
    return (this.prepared ||= this.maps().then((maps) => this.networks.run("prepare", {
      neck: [maps.neck.data, maps.neck.dims], early: [maps.early.data, maps.early.dims],
      shared: [maps.shared.data, maps.shared.dims],
    })));
  }

  get cutSize() {
    return [this.inner[0] / FINE, this.inner[1] / FINE];
  }

  /** @param {Prompt[]} prompts @returns {Promise<Cut[]>} */
  async cut(prompts) {
    const cuts = [];
    for (let k = 0; k < prompts.length; k += AT_ONCE) cuts.push(...(await this.cutSome(prompts.slice(k, k + AT_ONCE))));
    if (!this.isMirrored) await this.addMirrored(prompts, cuts);
    return cuts;
  }

  /** A box alone is cut in the mirrored picture too: two opinions are better than one.
   * @param {Prompt[]} prompts @param {Cut[]} cuts */
  async addMirrored(prompts, cuts) {
    const rows = prompts.map((_, k) => k).filter((k) => prompts[k].box && !prompts[k].points.length && !prompts[k].prior);
    if (!rows.length) return;
    this.mirror ||= new Seen(this.networks, this.settings, this.pixels, true);
    const wide = this.pixels.w, [, w] = this.cutSize;
    const others = await this.mirror.cut(rows.map((k) => {
      const [x0, y0, x1, y1] = /** @type {number[]} */ (prompts[k].box);
      return { ...prompts[k], box: [wide - x1, y0, wide - x0, y1] };
    }));
    rows.forEach((row, k) => {
      cuts[row].logits = cuts[row].logits.map((plane, candidate) => {
        const other = mirrored(others[k].logits[candidate], w);
        return plane.map((value, i) => (value + other[i]) / 2);
      });
    });
  }

  /** @param {Prompt[]} prompts @returns {Promise<Cut[]>} */
  async cutSome(prompts) {
    const maps = await this.prompted(), count = prompts.length;
    const [xy, kind, columns] = this.placesOf(prompts);
    const before = this.earlier(prompts);
    /** @type {Record<string, [any, number[]]>} */ const feed = {};
    for (const name of ["cells", "middle", "detail"]) feed[name] = [maps[name].data, maps[name].dims];
    const [h, w] = this.cutSize;
    const { masks, quality } = await this.networks.run("cutter", {
      ...feed, xy: [xy, [count, columns, 2]], kind: [kind, [count, columns]], before: [before, [count, 1, h / 2, w / 2]],
    });
    return prompts.map((prompt, row) => {
      const seeds = this.seedsOf(prompt);
      const planes = [0, 1, 2].map((k) => masks.data.slice((row * 3 + k) * h * w, (row * 3 + k + 1) * h * w));
      return {
        logits: seeds ? planes.map((plane) => keepTouching(plane, w, h, seeds)) : planes,
        quality: [0, 1, 2].map((k) => clamp(quality.data[row * 3 + k], 0, 1)),
      };
    });
  }

  /** Where only clicks speak: the cells of those on the thing, and of the earlier mask; each piece of a mask holds one.
   * @param {Prompt} prompt @returns {number[] | null} */
  seedsOf({ points, box, prior }) {
    const on = points.filter((point) => point[2] !== 0), [h, w] = this.cutSize;
    if (box || !on.length) return null;
    const seeds = on.map(([x, y]) => {
      const column = Math.floor((x * this.inner[1]) / this.pixels.w / FINE), row = Math.floor((y * this.inner[0]) / this.pixels.h / FINE);
      return clamp(row, 0, h - 1) * w + clamp(column, 0, w - 1);
    });
    if (!prior) return seeds;
    const before = this.earlier([{ points, box, prior }]);
    for (let k = 0; k < h * w; k++) if (before[Math.floor(k / w / 2) * (w / 2) + Math.floor((k % w) / 2)] > 0) seeds.push(k);
    return seeds;
  }

  /** Points after box corners, in the network's pixels, with their kinds.
   * @param {Prompt[]} prompts @returns {[Float32Array, BigInt64Array, number]} */
  placesOf(prompts) {
    const scale = [Math.fround(this.inner[1] / this.pixels.w), Math.fround(this.inner[0] / this.pixels.h)];
    const corners = prompts.some((prompt) => prompt.box) ? 2 : 0;
    const columns = corners + Math.max(...prompts.map((prompt) => prompt.points.length));
    const xy = new Float32Array(prompts.length * columns * 2);
    const kind = new BigInt64Array(prompts.length * columns).fill(NOTHING);
    prompts.forEach(({ points, box }, row) => {
      const put = (/** @type {number} */ column, /** @type {number[]} */ [x, y], /** @type {bigint} */ what) => {
        const at = row * columns + column;
        kind[at] = what;
        xy.set([x * scale[0], y * scale[1]], 2 * at);
      };
      if (box) put(0, [box[0], box[1]], TOP_LEFT);
      if (box) put(1, [box[2], box[3]], BOTTOM_RIGHT);
      points.forEach((point, k) => put(corners + k, point, point[2] === 0 ? 0n : 1n));
    });
    return [xy, kind, columns];
  }

  /** Logits of earlier masks at stride 8, zeros where there is none. @param {Prompt[]} prompts */
  earlier(prompts) {
    const h = this.inner[0] / 8, w = this.inner[1] / 8, out = new Float32Array(prompts.length * h * w);
    prompts.forEach(({ prior }, row) => {
      if (prior) out.set(averaged(prior.data.map((value) => clamp(value, -8, 8)), prior.h, prior.w, h, w), row * h * w);
    });
    return out;
  }

  /** The mean unit vector under logits at stride 4. @param {Float32Array} logits */
  async vectorUnder(logits) {
    const maps = await this.maps(), [, wide] = this.cutSize, { h, w } = maps, data = maps.vectors.data;
    const share = new Float32Array(h * w), out = new Float32Array(DIMS);
    for (let k = 0; k < logits.length; k++) {
      if (logits[k] > 0) share[Math.floor(k / wide / 2) * w + Math.floor((k % wide) / 2)]++;
    }
    for (let d = 0; d < DIMS; d++) for (let k = 0; k < share.length; k++) out[d] += share[k] * data[d * share.length + k];
    return unitRows(out, DIMS);
  }

  // ---- words

  /** @returns {Promise<Features>} */
  async describe() {
    const looks = this.settings.views.map((/** @type {[number, boolean]} */ [share, isMirrored]) =>
      ({ side: even((this.settings.side * share) / 32) * 32, isMirrored }));
    const found = [];
    for (const look of looks) found.push(await this.look(look));
    const h = Math.max(...found.map((one) => one.h)), w = Math.max(...found.filter((one) => one.h === h).map((one) => one.w));
    const vectors = new Float32Array(DIMS * h * w), none = new Float32Array(h * w);
    for (const one of found) {
      add(vectors, bilinearPlanes(one.vectors, DIMS, one.h, one.w, h, w), 1 / found.length);
      add(none, bilinearPlanes(one.none, 1, one.h, one.w, h, w), 1 / found.length);
    }
    const small = found.filter((one) => one.side <= this.settings.side);
    const drawn = await this.drawTogether(unitColumns(vectors, h * w), h, w);
    return { vectors: drawn, none, h, w, ...(await this.classify(small)) };
  }

  /** Columns of length 1, (DIMS, h, w), each moved towards the mean of those that are like it.
   * @param {Float32Array} vectors @param {number} h @param {number} w */
  async drawTogether(vectors, h, w) {
    if (!this.settings.files["together.onnx"]) return vectors;
    const { share, sharpness, every } = this.settings.together, n = h * w, first = Math.floor(every / 2);
    const places = [];
    for (let y = first; y < h; y += every) for (let x = first; x < w; x += every) places.push(y * w + x);
    const some = new Float32Array(DIMS * places.length);
    for (let d = 0, k = 0; d < DIMS; d++) for (const place of places) some[k++] = vectors[d * n + place];
    const { drawn } = await this.networks.run("together", {
      cells: [vectors, [DIMS, n]],
      some: [some, [DIMS, places.length]],
      share: [Float32Array.of(share), []],
      sharpness: [Float32Array.of(sharpness), []],
    });
    return drawn.data;
  }

  /** One pass of the encoder for words, turned back. @param {{side: number, isMirrored: boolean}} look */
  async look({ side, isMirrored }) {
    const { h, w } = this.pixels;
    const isUsual = side === this.settings.side && !isMirrored;
    const maps = isUsual ? await this.maps() : await this.encode(innerSize(h, w, side), isMirrored);
    const turn = (/** @type {Float32Array} */ data) => (isMirrored ? mirrored(data, maps.w) : data);
    return { side, isMirrored, h: maps.h, w: maps.w, shared: maps.shared, vectors: turn(maps.vectors.data), none: turn(maps.none.data) };
  }

  /** @param {{shared: any, isMirrored: boolean}[]} looks */
  async classify(looks) {
    const passes = [], summary = new Float32Array(2 * CLASSES);
    /** @type {Float32Array} */ let whole = new Float32Array(0);
    let least = Infinity;
    for (const { shared, isMirrored } of looks) {
      const { logits } = await this.networks.run("classes", { shared: [shared.data, shared.dims] });
      const [, , h, w] = logits.dims, n = h * w;
      const local = isMirrored ? mirrored(logits.data, w) : logits.data.slice();
      const means = new Float32Array(CLASSES);
      for (let k = 0; k < CLASSES; k++) {
        const part = local.subarray(k * n, k * n + n);
        means[k] = part.reduce((/** @type {number} */ sum, /** @type {number} */ value) => sum + value, 0) / n;
        summary[k] += means[k] / looks.length;
        summary[CLASSES + k] += meanOfHighest(part, PEAK_CELLS) / looks.length;
      }
      if (n < least) whole = softmax(means.map((value) => SHARPER * value), 1);
      least = Math.min(least, n);
      passes.push({ probabilities: softmax(local, n), h, w });
    }
    return { passes, whole, direction: await this.direct(summary) };
  }

  /** Which way the picture as a whole points. @param {Float32Array} summary */
  async direct(summary) {
    if (!this.settings.files["context.onnx"]) return null;
    return (await this.networks.run("context", { summary: [summary, [1, summary.length]] })).direction.data;
  }
}

/** @param {Float32Array} sum @param {Float32Array} values @param {number} factor */
function add(sum, values, factor) {
  for (let k = 0; k < sum.length; k++) sum[k] += factor * values[k];
}
