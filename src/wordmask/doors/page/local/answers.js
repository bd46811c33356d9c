// @ts-check
// Questions about a picture -> what the server would answer, as its JSON.
import { areaOf, encode } from "../masks.js";
import { disjoint, nms, outermost } from "./merge.js";
import { describePoint, findCandidates } from "./pieces.js";
import { maskOfLogits } from "./regions.js";
import { WordMaps } from "./wordmaps.js";

/** @typedef {import("../masks.js").Mask} Mask @typedef {import("./engine.js").Seen} Seen */
/** @typedef {import("./pieces.js").Candidate} Candidate */
/** @typedef {{candidate: Candidate, score: number, rival: string, rivalScore: number}} Named */
/** @typedef {{maps: WordMaps, named: Named[]}} Search what words found in a picture */

const SAME_THING = 0.8, SAME_CUT = 0.95, CANDIDATES = 3;
const NONE = "none of these";

/** @param {string} word "sofa|couch" is one thing by two names */
function spellingsOf(word) {
  return word.split("|");
}

/** @param {Seen} seen @param {string[]} words @param {import("./texts.js").TextEncoder256} texts
 * @param {import("./texts.js").KnownNames} known */
async function mapWords(seen, words, texts, known) {
  const vectors = [];
  for (const word of words) vectors.push(await texts.embed(spellingsOf(word)));
  return new WordMaps(await seen.features(), known, seen.settings, seen.size, vectors);
}

/** What may pass a threshold, and what does not.
 * @param {Seen} seen @param {string[]} words @param {any} texts @param {any} known @param {number} threshold @returns {Promise<Search>} */
export async function search(seen, words, texts, known, threshold) {
  const maps = await mapWords(seen, words, texts, known), found = await findCandidates(maps, seen, threshold);
  const named = found.map((candidate) => {
    const shares = maps.under(candidate.mask), own = shares[candidate.word];
    const score = maps.calibrate(own, areaOf(candidate.mask));
    return { candidate, score, ...rivalOf(shares, candidate.word, words) };
  });
  return { maps, named };
}

/** What came second. @param {number[]} shares @param {number} word @param {string[]} words */
function rivalOf(shares, word, words) {
  let best = word ? 0 : 1;
  for (let k = 0; k < shares.length; k++) if (k !== word && shares[k] > shares[best]) best = k;
  return { rival: best < words.length ? spellingsOf(words[best])[0] : NONE, rivalScore: shares[best] };
}

/** Candidates -> regions above the threshold, and the words without one.
 * @param {Search} found @param {Seen} seen @param {string[]} words @param {number} threshold */
export function finish({ maps, named }, seen, words, threshold) {
  const { size } = seen;
  const above = named.filter((one) => one.score >= threshold);
  const kept = nms(above.map((one) => one.candidate.mask), above.map((one) => one.score), size,
    { iou: SAME_THING, groups: above.map((one) => one.candidate.word) }).map((row) => above[row]);
  const rows = outermost(kept.map((one) => one.candidate.mask), kept.map((one) => one.candidate.word), size)
    .map((row) => kept[row]);
  const masks = disjoint(rows.map((one) => one.candidate.mask), rows.map((one) => one.score),
    rows.map((one) => one.candidate.weights), size);
  const regions = rows.map((one, k) => regionOf(one, masks[k], words, seen)).filter((region) => region.area);
  const here = new Set(regions.map((region) => region.label));
  const absent = words.map((word, k) => absentWord(word, k, named, maps, threshold)).filter((one) => !here.has(one.phrase));
  return { regions, absent };
}

/** @param {Named} one @param {Mask} mask @param {string[]} words @param {Seen} seen */
function regionOf({ candidate, score, rival, rivalScore }, mask, words, seen) {
  const why = { prompt: candidate.prompt, rival, rival_score: rivalScore, quality: candidate.quality, made_by: "" };
  return { label: spellingsOf(words[candidate.word])[0], score, area: areaOf(mask), mask: encode(mask, seen.size), why };
}

/** How near a word came. @param {string} word @param {number} k @param {Named[]} named @param {WordMaps} maps
 * @param {number} threshold */
function absentWord(word, k, named, maps, threshold) {
  const phrase = spellingsOf(word)[0], one = maps.judges[k], unknown = !one.learned && !one.classes.length;
  const scores = named.filter(({ candidate }) => candidate.word === k).map(({ score }) => score);
  if (scores.length) return { phrase, best: Math.max(...scores), needed: threshold, unknown };
  const plane = maps.plane(k), area = (maps.size[0] * maps.size[1]) / maps.n;
  let cell = 0, winner = 0;
  for (let i = 1; i < plane.length; i++) if (plane[i] > plane[cell]) cell = i;
  for (let word = 0; word <= maps.count; word++) winner = Math.max(winner, maps.plane(word)[cell]);
  const best = maps.calibrate(plane[cell], area);
  return { phrase, best, needed: best < threshold ? threshold : maps.calibrate(winner, area), unknown };
}

// ---- clicks

/** One thing, shown by points or a box; its candidates come best first.
 * @param {Seen} seen @param {{points?: number[][], box?: number[], words?: string[]}} query @param {any} texts @param {any} known */
export async function click(seen, query, texts, known) {
  const points = query.points || [], [cut] = await seen.cut([{ points, box: query.box }]), [h, w] = seen.cutSize;
  const order = [0, 1, 2].sort((a, b) => cut.quality[b] - cut.quality[a]);
  const found = order.map((k) => ({ mask: maskOfLogits(cut.logits[k], h, w, seen.size), k })).filter((one) => one.mask.w);
  const rows = nms(found.map((one) => one.mask), found.map((one) => cut.quality[one.k]), seen.size, { iou: SAME_CUT });
  const prompt = describe(points, query.box), words = query.words || [];
  const maps = words.length ? await mapWords(seen, words, texts, known) : null;
  const regions = [];
  for (const { mask, k } of rows.slice(0, CANDIDATES).map((row) => found[row])) {
    const base = { score: cut.quality[k], area: areaOf(mask), mask: encode(mask, seen.size) };
    const why = { prompt, rival: "", rival_score: /** @type {number | null} */ (null), quality: cut.quality[k], made_by: "" };
    if (!maps) regions.push({ ...base, label: null, why });
    else {
      const shares = maps.ofRegion(mask, await seen.vectorUnder(cut.logits[k]));
      const word = words.map((_, i) => i).reduce((a, b) => (shares[b] > shares[a] ? b : a));
      const { rival, rivalScore } = rivalOf(shares, word, words);
      regions.push({ ...base, label: spellingsOf(words[word])[0], why: { ...why, rival, rival_score: rivalScore } });
    }
  }
  return { regions, absent: [] };
}

/** The best candidate's logits as int8, quick to preview.
 * @param {Seen} seen @param {{points: number[][]}} query */
export async function preview(seen, query) {
  const [cut] = await seen.cut([{ points: query.points }]);
  const best = cut.quality.indexOf(Math.max(...cut.quality));
  return { shape: seen.cutSize, logits: Int8Array.from(cut.logits[best], (value) => Math.max(-128, Math.min(127, Math.round(value * 16)))) };
}

/** @param {number[][]} points @param {number[] | undefined} box */
function describe(points, box) {
  const parts = box ? [`box ${box.map((side) => side.toFixed(0)).join(",")}`] : [];
  return [...parts, ...points.map((point) => describePoint(point, point[2] === 0 ? "not" : "point"))].join(" ");
}
