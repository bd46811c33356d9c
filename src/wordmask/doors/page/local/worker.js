// @ts-check
// The engine's own thread: pictures and questions in, what the server would answer out.
import { clamp } from "./arrays.js";
import { click, finish, preview, search } from "./answers.js";
import { Networks, Seen } from "./engine.js";
import { TextEncoder256, UnknownWordError } from "./texts.js";

/** @typedef {import("./answers.js").Search} Search */
/** @typedef {{seen: Seen, searches: Map<string, Promise<Search>>}} Open a picture and what was found in it */

const KEPT = 3; // pictures
const post = /** @type {(message: any, move?: Transferable[]) => void} */ (/** @type {any} */ (self).postMessage.bind(self));
/** @type {Map<string, (bytes: Uint8Array | null) => void>} */ const awaited = new Map();
/** @type {Map<string, Open>} */ const pictures = new Map();
/** @type {any} */ let settings = null;
/** @type {Networks} */ let networks;
/** @type {TextEncoder256} */ let texts;
/** @type {any} */ let known;
/** @type {Promise<void> | null} */ let ready = null;
let mayUseGpu = false, usesGpu = false; // where the graphics card fails, the page starts a worker that leaves it alone

// ---- files: the page holds them as text and sends each once

const files = {
  /** @param {string} name @returns {Promise<Uint8Array | null>} */
  bytes(name) {
    return new Promise((done) => {
      awaited.set(name, done);
      post({ need: name });
    });
  },
  /** @param {string} name */
  async json(name) {
    const bytes = await files.bytes(name);
    if (!bytes) throw new Error(`${name} is missing`);
    return JSON.parse(new TextDecoder().decode(bytes));
  },
};

/** @param {string} name @param {string | null} text base64 of gzip */
async function receive(name, text) {
  const done = awaited.get(name);
  awaited.delete(name);
  if (!done) return;
  if (text === null) return done(null);
  const packed = atob(text), bytes = new Uint8Array(packed.length);
  for (let k = 0; k < packed.length; k++) bytes[k] = packed.charCodeAt(k);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  done(new Uint8Array(await new Response(stream).arrayBuffer()));
}

async function start() {
  const runtime = /** @type {any} */ (await files.bytes("runtime.mjs")), wasm = await files.bytes("runtime.wasm");
  if (!wasm) throw new Error("runtime.wasm is missing");
  const address = URL.createObjectURL(new Blob([runtime], { type: "text/javascript" }));
  const ort = await import(address);
  Object.assign(ort.env.wasm, { wasmBinary: wasm.buffer, numThreads: 1 });
  ort.env.logLevel = "error";
  settings = await files.json("mini.json");
  networks = new Networks(ort, files, await providersOf(ort));
  texts = new TextEncoder256(files, async (feed) => (await networks.run("text", feed)).vectors.data);
  known = await texts.open();
}

/** WebGPU where this build and this machine have it. @param {any} ort */
async function providersOf(ort) {
  const gpu = /** @type {any} */ (navigator).gpu;
  const isThere = mayUseGpu && ort.env.webgpu && gpu;
  usesGpu = Boolean(isThere && (await gpu.requestAdapter().catch(() => null)));
  return usesGpu ? ["webgpu", "wasm"] : ["wasm"];
}

// ---- questions

/** @param {{id: string, blob: Blob}} picture */
async function open({ id, blob }) {
  const bitmap = await createImageBitmap(blob).catch(() => null);
  if (!bitmap) return { status: 415, detail: "noPicture" };
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.fillStyle = "white";
  pen.fillRect(0, 0, bitmap.width, bitmap.height);
  pen.drawImage(bitmap, 0, 0);
  const { data } = pen.getImageData(0, 0, bitmap.width, bitmap.height);
  await ready;
  pictures.set(id, { seen: new Seen(networks, settings, { data, h: bitmap.height, w: bitmap.width }), searches: new Map() });
  for (const old of [...pictures.keys()].slice(0, -KEPT)) pictures.delete(old);
  pictures.get(id)?.seen.prompted().catch(fail); // the first click need not wait for it
  return { picture: id, size: [bitmap.height, bitmap.width] };
}

/** @type {Record<string, (open: Open, query: any) => Promise<any>>} */
const QUESTIONS = {
  async segment({ seen, searches }, { words, options }) {
    const asked = options?.min_confidence, threshold = asked === undefined ? settings.threshold : clamp(asked, 0, 1);
    const key = [threshold, ...words].join("\n");
    const found = searches.get(key) || search(seen, words, texts, known, threshold);
    searches.set(key, found);
    const value = await found.catch((error) => {
      searches.delete(key);
      throw error;
    });
    return finish(value, seen, words, threshold);
  },
  click: ({ seen }, query) => click(seen, query, texts, known),
  preview: ({ seen }, query) => preview(seen, query),
};

/** @param {string} what @param {any} query */
async function answer(what, query) {
  if (what === "open") return open(query);
  await ready;
  const found = pictures.get(query.picture);
  return found ? QUESTIONS[what](found, query) : { status: 404, detail: "unknown picture" };
}

/** @param {unknown} error @param {number} [id] of the question */
function fail(error, id) {
  if (usesGpu && !(error instanceof UnknownWordError)) return post({ gpuFailed: true });
  if (id) post({ id, value: { status: 500, detail: error instanceof UnknownWordError ? "unknownWord" : String(error) } });
}

let turn = Promise.resolve(); // one question after the other: the networks have one thread
self.addEventListener("message", ({ data }) => {
  if ("file" in data) return void receive(data.file, data.text);
  mayUseGpu = data.gpu;
  ready ||= start();
  turn = turn.then(() => answer(data.what, data.query)).then(
    (value) => post({ id: data.id, value }),
    (error) => fail(error, data.id),
  );
});
