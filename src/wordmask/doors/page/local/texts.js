// @ts-check
// Words -> unit vectors: from the table that comes with the weights, others through the text network.
import { dot, unitRows } from "./arrays.js";

/** @typedef {{names: string[], kin: [string, string][], classes: [number, string][], learned: number}} WordTable */
/** @typedef {{json: (name: string) => Promise<any>, bytes: (name: string) => Promise<Uint8Array | null>}} Files */
/** What is known by name. @typedef {{learned: Float32Array[], names: Float32Array[], classes: number[][],
 *   rivals: {vectors: Float32Array[], kin: Float32Array[], kinOf: number[]}}} KnownNames */

const DIMS = 256, NARROW = 64;
const TEMPLATES = [(/** @type {string} */ phrase) => phrase, (/** @type {string} */ phrase) => `a photo of a ${phrase}.`];
export const ALIKE = 0.6; // cosine from which a phrase is near enough to a learned word
export const SAME = 0.9; // and from which it is a name
const LONGEST = 64; // tokens
/** @type {Record<string, string>} */ const SPELLINGS = {
  tvmonitor: "tv", diningtable: "dining table", pottedplant: "potted plant", aeroplane: "airplane",
  motorbike: "motorcycle", trafficlight: "traffic light", firehydrant: "fire hydrant", cellphone: "cell phone",
  wineglass: "wine glass",
};

/** Lower case, single blanks, no article. @param {string} phrase */
function tidy(phrase) {
  let words = phrase.toLowerCase().replaceAll("_", " ").split(/\s+/).filter(Boolean);
  if (words.length > 1 && ARTICLES.includes(words[0])) words = words.slice(1);
  const text = words.join(" ");
  return SPELLINGS[text] || text;
}

const ARTICLES = ["a", "an", "the"];
// What follows one of these describes what came before: "man with a hat".
const LINKS = new Set(("on in at near by beside behind under over above below next from of with without for and "
  + "that who which is").split(" "));

/** Parts of a phrase that may be its head, the longest first: "white dog" and "dog" of "big white dog on grass".
 * @param {string} phrase */
function headsOf(phrase) {
  const words = phrase.split(" ");
  const isLink = (/** @type {string} */ word) => LINKS.has(word) || (word.endsWith("ing") && word.length > 5);
  const end = words.findIndex((word, k) => k > 0 && isLink(word));
  const noun = words.slice(0, end < 0 ? words.length : end).filter((word) => !ARTICLES.includes(word));
  return noun.map((_, k) => noun.slice(k).join(" ")).filter((part) => part !== phrase);
}

/** Whether the dense vectors learned it, or classes are named so. @param {Float32Array} row @param {KnownNames} names */
function isKnown(row, { learned, names }) {
  return learned.some((other) => dot(row, other) >= ALIKE) || names.some((other) => dot(row, other) >= SAME);
}

export class UnknownWordError extends Error {}

export class TextEncoder256 {
  /** @param {Files} files @param {(feed: Record<string, any>) => Promise<Float32Array>} runText */
  constructor(files, runText) {
    this.files = files;
    this.runText = runText;
    /** @type {Map<string, Float32Array>} */ this.known = new Map();
    /** @type {Map<string, number> | null} */ this.pieces = null;
    /** @type {KnownNames | null} */ this.named = null;
  }

  /** Read the table. @returns {Promise<KnownNames>} */
  async open() {
    /** @type {WordTable} */ const table = await this.files.json("words.json");
    const [rows, down, up] = await Promise.all(["words.bin", "down.bin", "up.bin"].map((name) => this.files.bytes(name)));
    if (!rows || !down || !up) throw new Error("the table of words is missing");
    const vectors = unitRows(Float32Array.from(new Int8Array(rows.buffer)), DIMS);
    this.down = new Float32Array(down.buffer);
    this.up = new Float32Array(up.buffer);
    table.names.forEach((name, k) => this.known.set(name, vectors.subarray(k * DIMS, k * DIMS + DIMS)));
    return (this.named = await this.nameEverything(table));
  }

  /** @param {WordTable} table @returns {Promise<KnownNames>} */
  async nameEverything(table) {
    const things = [...new Set(table.kin.map(([thing]) => thing))];
    const names = [...new Set(table.classes.map(([, name]) => name))];
    /** @type {number[][]} */ const classes = names.map(() => []);
    const place = new Map(names.map((name, k) => [name, k]));
    for (const [number, name] of table.classes) classes[Number(place.get(name))].push(number);
    const rivals = {
      vectors: await this.rows(things), kin: await this.rows(table.kin.map(([, other]) => other)),
      kinOf: table.kin.map(([thing]) => things.indexOf(thing)),
    };
    return { learned: await this.rows(table.names.slice(0, table.learned)), names: await this.rows(names), classes, rivals };
  }

  /** A unit vector for each phrase; one that is not known is moved towards its head. @param {string[]} phrases */
  async embed(phrases) {
    const rows = await this.rows(phrases), names = this.named;
    for (let k = 0; names && k < rows.length; k++) {
      if (isKnown(rows[k], names)) continue;
      const heads = await this.rows(headsOf(tidy(phrases[k])));
      const head = heads.find((row) => isKnown(row, names));
      if (head) rows[k] = unitRows(rows[k].map((value, d) => value + head[d]), DIMS);
    }
    return rows;
  }

  /** The phrases as they stand. @param {string[]} phrases */
  async rows(phrases) {
    const out = [];
    for (const phrase of phrases.map(tidy)) {
      if (!this.known.has(phrase)) this.known.set(phrase, await this.encode(phrase));
      out.push(this.adapt(/** @type {Float32Array} */ (this.known.get(phrase))));
    }
    return out;
  }

  /** @param {Float32Array} row */
  adapt(row) {
    const { down, up } = this, narrow = new Float32Array(NARROW), out = row.slice();
    if (!down || !up) throw new Error("the table of words has not been read");
    for (let k = 0; k < NARROW; k++) narrow[k] = Math.tanh(dot(row, down, k * DIMS));
    for (let k = 0; k < DIMS; k++) out[k] += dot(narrow, up, k * NARROW);
    return unitRows(out, DIMS);
  }

  /** A phrase that is not in the table: the mean over the templates. @param {string} phrase */
  async encode(phrase) {
    const pieces = await this.vocabulary();
    const lines = TEMPLATES.map((template) => tokenize(template(phrase), pieces).slice(0, LONGEST));
    const length = Math.max(...lines.map((line) => line.length));
    const ids = new BigInt64Array(lines.length * length), mask = new BigInt64Array(lines.length * length);
    lines.forEach((line, row) => line.forEach((id, k) => {
      ids[row * length + k] = BigInt(id);
      mask[row * length + k] = 1n;
    }));
    const vectors = await this.runText({ ids: [ids, [lines.length, length]], mask: [mask, [lines.length, length]] });
    const mean = new Float32Array(DIMS);
    for (let k = 0; k < vectors.length; k++) mean[k % DIMS] += vectors[k] / lines.length;
    return unitRows(mean, DIMS);
  }

  async vocabulary() {
    if (!this.pieces) {
      if (!(await this.files.bytes("text.onnx"))) throw new UnknownWordError();
      const table = await this.files.json("tokenizer.json");
      this.pieces = new Map(Object.entries(table.model.vocab));
    }
    return this.pieces;
  }
}

/** Pieces of words as BERT's uncased vocabulary has them. @param {string} text @param {Map<string, number>} pieces */
export function tokenize(text, pieces) {
  const id = (/** @type {string} */ piece) => Number(pieces.get(piece));
  const plain = text
    .replace(/[\u0000\ufffd]|(?![\t\n\r])\p{C}/gu, "")
    .replace(/[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u{20000}-\u{2fa1f}]/gu, " $& ")
    .normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase();
  const words = plain.match(/[\p{P}$+<=>^`|~]|[^\s\p{P}$+<=>^`|~]+/gu) || [];
  return [id("[CLS]"), ...words.flatMap((word) => piecesOfWord(word, pieces)).slice(0, LONGEST - 2), id("[SEP]")];
}

/** The longest pieces that there are, from the left. @param {string} word @param {Map<string, number>} pieces */
function piecesOfWord(word, pieces) {
  const unknown = [Number(pieces.get("[UNK]"))], out = [];
  if (word.length > 100) return unknown;
  for (let from = 0; from < word.length; ) {
    let end = word.length;
    const piece = () => (from ? "##" : "") + word.slice(from, end);
    while (end > from && !pieces.has(piece())) end--;
    if (end === from) return unknown;
    out.push(Number(pieces.get(piece())));
    from = end;
  }
  return out;
}
