// @ts-check
// A video: things are shown on any frame, followed through all of them, corrected, followed again.
import { attempt } from "./actions.js";
import { get, post, request, send } from "./api.js";
import { board, changed, forget, kept, listen, make, onVisit, show } from "./board.js";
import { download, h, iconButton } from "./dom.js";
import { say, wordsOf } from "./find.js";
import { decode, encode } from "./masks.js";
import { film } from "./stage.js";
import { T } from "./strings.js";

/** @typedef {import("./board.js").Thing} Thing @typedef {import("./masks.js").Mask} Mask */
/** @typedef {{label: string, track: number, mask: any, score: number, why: any}} Region */
/** @typedef {{id: string, name: string, fps: number, count: number, size: [number, number]}} Video */

const LOOK_MS = 250; // between two looks at a job
const V = T.video;
/** @type {Video | null} */ let video = null;
let here = 0; // the frame that is shown
let job = ""; // the last one that has ended well
let isBusy = false, isAsked = false;
/** @type {Map<number, Region[]>} */ let tracks = new Map();
/** @type {Map<number, Thing[]>} frames in which a person has changed something */ const touched = new Map();
/** @type {Map<number, Thing[]>} */ const placed = new Map();
/** @type {Map<number, number>} number of a thing -> of the object in the video */ const objects = new Map();
let lastObject = 0;

// ---- what is seen of it

const player = h("video", { muted: true, playsInline: true, preload: "auto" });
const play = iconButton("play", V.play, () => attempt(toggle));
const slider = h("input", { type: "range", min: "0", value: "0", step: "1", "aria-label": V.frame, list: "shown-frames",
  oninput: () => attempt(() => go(Number(slider.value))) });
const ticks = h("datalist", { id: "shown-frames" });
const place = h("span", { class: "soft time" });
const follow = h("button", { type: "button", class: "primary", title: V.followTitle, onclick: () => attempt(followShown) }, V.follow);
const search = h("button", { type: "button", title: V.searchTitle, onclick: () => attempt(followWords) }, V.search);
const save = h("button", { type: "button", onclick: () => attempt(saveAll), disabled: true }, V.save);
const strip = h("nav", { class: "strip video", "aria-label": V.title },
  iconButton("left", V.previous, () => attempt(() => go(here - 1))), play,
  iconButton("right", V.next, () => attempt(() => go(here + 1))), slider, ticks, place, search, follow, save);

/** @type {Record<string, () => void>} */
export const videoKeys = {
  ".": () => attempt(() => go(here + 1)),
  ",": () => attempt(() => go(here - 1)),
  l: () => attempt(toggle),
  n: () => attempt(followShown),
};

export function hasVideo() {
  return video !== null;
}

/** @param {Blob} blob */
export function isVideo(blob) {
  return blob.type.startsWith("video/");
}

/** @param {Blob} blob @param {string} name */
export async function openVideo(blob, name) {
  say(T.opening, "work");
  player.src = URL.createObjectURL(blob);
  const [about] = await Promise.all([
    request("v1/videos", { method: "PUT", body: blob }).then((answer) => answer.json()), event("loadeddata")]);
  video = { id: about.video, name, fps: about.fps, size: about.size, count: Math.max(1, Math.round(player.duration * about.fps)) };
  for (const map of [tracks, touched, placed, objects]) map.clear();
  lastObject = 0;
  slider.max = String(video.count - 1);
  document.body.classList.add("film");
  document.body.append(strip);
  onVisit(async (key) => go(Number(key.split("#").pop())));
  here = -1;
  await go(0);
  say(V.hint);
}

/** A picture has been opened instead. */
export function closeVideo() {
  if (!video) return;
  player.pause();
  film(null);
  video = null;
  document.body.classList.remove("film");
  strip.remove();
}

/** @param {string} name */
function event(name) {
  return new Promise((done, fail) => {
    player.addEventListener(name, done, { once: true });
    player.addEventListener("error", () => fail(new Error(V.cannotPlay)), { once: true });
  });
}

// ---- from frame to frame

let turn = 0;
/** @param {number} frame @returns {Promise<boolean>} */
async function go(frame) {
  if (!video || frame < 0 || frame >= video.count) return false;
  player.pause();
  if (frame === here) return true;
  const mine = ++turn;
  player.currentTime = (frame + 0.5) / video.fps;
  await event("seeked");
  if (mine !== turn || !video) return false;
  await open(frame);
  return mine === turn;
}

/** What the player shows becomes the picture. @param {number} frame */
async function open(frame) {
  if (!video) return;
  const bitmap = await createImageBitmap(player);
  film(null);
  here = frame;
  /** @type {import("./board.js").Picture} */
  const picture = { key: `${video.id}#${frame}`, name: `${video.name} ${frame}`, id: "", size: [bitmap.height, bitmap.width],
    blob: new Blob(), bitmap, ready: () => (sent ||= upload(picture)) };
  /** @type {Promise<void> | null} */ let sent = null;
  const things = thingsAt(frame);
  show(picture, things);
  if (!touched.has(frame)) placed.set(frame, things);
  draw();
}

/** The frame is sent when something is first asked about it. @param {import("./board.js").Picture} picture */
async function upload(picture) {
  const canvas = new OffscreenCanvas(picture.size[1], picture.size[0]);
  canvas.getContext("2d")?.drawImage(picture.bitmap, 0, 0);
  picture.blob = await canvas.convertToBlob({ type: "image/png" });
  picture.id = (await send(picture.blob)).picture;
}

function draw() {
  if (!video) return;
  slider.value = String(here);
  place.textContent = V.place(here, video.count, here / video.fps);
  slider.setAttribute("aria-valuetext", place.textContent);
  ticks.replaceChildren(...[...touched.keys()].map((frame) => h("option", { value: String(frame) })));
  follow.disabled = search.disabled = isBusy;
  save.disabled = isBusy || !job;
}

listen((what) => {
  if (!video || what !== "things" || placed.get(here) === board.things) return;
  touched.set(here, board.things);
  draw();
});

/** @param {number} frame @returns {Thing[]} */
function thingsAt(frame) {
  const mine = touched.get(frame);
  if (mine) return mine;
  const gone = missing(), names = renamed();
  return (tracks.get(frame) || []).filter((region) => !gone.has(region.track)).map((region) => thingOf(region, names));
}

/** @type {WeakMap<Region, Mask>} */ const masks = new WeakMap();
/** @param {Region} region @param {Map<number, string>} names */
function thingOf(region, names) {
  const mask = masks.get(region) || decode(region.mask);
  masks.set(region, mask);
  const name = names.get(region.track) ?? (region.label || "");
  const thing = make({ name, score: region.score, mask, why: region.why, source: "file", colour: region.track - 1 });
  objects.set(thing.id, region.track);
  return thing;
}

/** Objects that a person has deleted in some frame. */
function missing() {
  const gone = new Set();
  for (const [frame, things] of touched) {
    const left = new Set(things.map((thing) => objects.get(thing.id)));
    for (const thing of placed.get(frame) || []) if (!left.has(objects.get(thing.id))) gone.add(objects.get(thing.id));
  }
  return gone;
}

/** Names that a person has given, by object. */
function renamed() {
  /** @type {Map<number, string>} */ const names = new Map();
  for (const things of touched.values()) {
    for (const thing of things) {
      const object = objects.get(thing.id);
      if (object) names.set(object, thing.name);
    }
  }
  return names;
}

// ---- playing

async function toggle() {
  if (!video) return;
  if (!player.paused) {
    player.pause();
    return open(here);
  }
  if (here >= video.count - 1) await go(0);
  film(player);
  await player.play();
  tick();
}

/** Each frame that the player shows, with what was followed in it. */
function tick() {
  player.requestVideoFrameCallback((/** @type {number} */ _, /** @type {{mediaTime: number}} */ about) => {
    if (!video || player.paused) return;
    here = Math.min(video.count - 1, Math.round(about.mediaTime * video.fps));
    board.things = thingsAt(here);
    changed("play");
    draw();
    tick();
  });
}
player.addEventListener("ended", () => attempt(() => open(here)));
for (const name of ["play", "pause"]) {
  player.addEventListener(name, () => play.setAttribute("aria-pressed", String(!player.paused)));
}

// ---- following

/** Everything that was shown or corrected, and what is known from before, from its first frame on. */
async function followShown() {
  if (!video || isBusy) return;
  const names = renamed(), gone = missing();
  /** @type {Map<string, any>} */ const shown = new Map();
  for (const [frame, regions] of [...tracks].sort(([a], [b]) => a - b)) {
    for (const region of regions) {
      const isFirst = ![...shown.values()].some((one) => one.id === region.track);
      if (!isFirst || gone.has(region.track)) continue;
      const word = names.get(region.track) ?? region.label ?? "";
      shown.set(`${frame} ${region.track}`, { frame, id: region.track, word, mask: region.mask });
    }
  }
  for (const [frame, things] of touched) for (const one of corrections(frame, things)) shown.set(`${frame} ${one.id}`, one);
  if (!shown.size) return say(V.nothingShown, "wrong");
  await run({ shown: [...shown.values()] });
}

/** @param {number} frame @param {Thing[]} things */
function corrections(frame, things) {
  const before = new Map((placed.get(frame) || []).map((thing) => [thing.id, thing.mask]));
  const all = frame === here ? kept() : things;
  return all.filter((thing) => thing.mask.w && before.get(thing.id) !== thing.mask).map((thing) => {
    if (!objects.has(thing.id)) objects.set(thing.id, ++lastObject);
    const id = /** @type {number} */ (objects.get(thing.id));
    return { frame, id, word: thing.name, mask: encode(thing.mask, /** @type {Video} */ (video).size) };
  });
}

async function followWords() {
  const words = wordsOf(/** @type {HTMLInputElement} */ (document.getElementById("words")).value);
  if (!words.length) return say(T.needWords, "wrong");
  await run({ words });
}

/** @param {any} query */
async function run(query) {
  if (!video) return;
  const mine = video;
  isBusy = true;
  draw();
  try {
    const format = ["jsonl", "overlay"];
    let state = await (await post("v1/track", { video: mine.id, ...query, format })).json();
    while (state.state === "waiting" || state.state === "running") {
      say(V.following(state.count, state.total || mine.count), "work");
      await new Promise((done) => setTimeout(done, LOOK_MS));
      if (video !== mine) return;
      state = await get(`v1/jobs/${state.job}`);
    }
    if (state.state !== "done") throw new Error(state.problem?.detail || V.stopped);
    await read(state.job, mine);
  } finally {
    isBusy = false;
    draw();
  }
}

/** @param {string} id @param {Video} mine */
async function read(id, mine) {
  const text = await (await request(`v1/jobs/${id}/files/video.tracks.jsonl`)).text();
  tracks = new Map();
  text.split("\n").filter(Boolean).forEach((line, frame) => tracks.set(frame, JSON.parse(line).regions));
  for (const frame of [...touched.keys(), ...placed.keys()]) forget(`${mine.id}#${frame}`);
  for (const map of [touched, placed, objects]) map.clear();
  const numbers = new Set([...tracks.values()].flat().map((region) => region.track));
  lastObject = Math.max(0, ...numbers);
  job = id;
  board.chosen = null;
  board.things = thingsAt(here);
  placed.set(here, board.things);
  changed("things");
  say(V.followed(numbers.size, tracks.size));
}

async function saveAll() {
  const stem = video?.name.replace(/\.[^.]*$/, "") || "video";
  for (const [file, ending] of [["video.tracks.jsonl", "tracks.jsonl"], ["video.tracks.mp4", "tracks.mp4"]]) {
    download(await (await request(`v1/jobs/${job}/files/${file}`)).blob(), `${stem}.${ending}`);
  }
}
