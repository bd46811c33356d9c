// @ts-check
// The engine in this browser, where the page carries one: it answers as the server would.
import { T } from "./strings.js";

const KEPT = 3; // pictures, as in the worker
let broken = ""; // why the engine cannot run here
let mayUseGpu = true;
let lastId = 0, lastPicture = 0;
/** @typedef {{id: number, what: string, query: any, done: (value: any) => void}} Question */
/** @type {Map<number, Question>} */ const waiting = new Map();
/** @type {Map<string, Blob>} pictures that a new worker would have to be told of */ const opened = new Map();
/** @type {Record<string, any>} what only a server has */
const NOTHING = { "v1/effects": { effects: [] }, "v1/folder": { folder: null }, "v1/search": { index: null } };
export const isLocal = document.getElementById("engine") !== null;
let worker = isLocal ? startWorker() : null;

/** The files lie in the page as text. @param {string} name */
function fileOf(name) {
  return document.getElementById(`file-${name}`);
}

function startWorker() {
  const code = document.getElementById("engine")?.textContent || "";
  const made = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  made.addEventListener("message", ({ data }) => {
    if (made !== worker) return;
    if (data.need) return made.postMessage({ file: data.need, text: fileOf(data.need)?.textContent ?? null });
    if (data.gpuFailed) return withoutGpu();
    waiting.get(data.id)?.done(data.value);
    waiting.delete(data.id);
  });
  made.addEventListener("error", (event) => {
    broken = event.message || T.local.errors.noEngine;
    for (const { done } of waiting.values()) done({ status: 500, detail: broken });
    waiting.clear();
  });
  return made;
}

/** The graphics card has failed: a new worker takes over what is open and what has been asked. */
function withoutGpu() {
  mayUseGpu = false;
  worker?.terminate();
  worker = startWorker();
  for (const [id, blob] of opened) worker.postMessage({ what: "open", query: { id, blob }, gpu: false });
  for (const { id, what, query } of waiting.values()) worker.postMessage({ id, what, query, gpu: false });
}

/** @param {string} what @param {any} query @returns {Promise<any>} */
function question(what, query) {
  if (broken) return Promise.resolve({ status: 500, detail: broken });
  const id = ++lastId;
  worker?.postMessage({ id, what, query, gpu: mayUseGpu });
  return new Promise((done) => waiting.set(id, { id, what, query, done }));
}

/** @param {Blob} blob */
async function openHere(blob) {
  const id = `local-${++lastPicture}`, value = await question("open", { id, blob });
  if (value.picture) opened.set(id, blob);
  for (const old of [...opened.keys()].slice(0, -KEPT)) opened.delete(old);
  return value;
}

/** What a server would have answered. @param {string} path @param {RequestInit} init @returns {Promise<Response>} */
export async function answerHere(path, init) {
  if (path in NOTHING) return Response.json(NOTHING[path]);
  const isLogits = /** @type {any} */ (init.headers)?.accept?.includes("logits");
  if (path === "v1/pictures") return respond(await openHere(/** @type {Blob} */ (init.body)));
  const query = typeof init.body === "string" ? JSON.parse(init.body) : {};
  if (path === "v1/segment") return respond(await question("segment", query));
  if (path !== "v1/click") return respond({ status: 501, detail: "needsServer" });
  if (!isLogits) return respond(await question("click", query));
  const { status, detail, shape, logits } = await question("preview", query);
  return status ? respond({ status, detail }) : new Response(logits, { headers: { "wordmask-shape": shape.join(",") } });
}

/** @param {any} value */
function respond(value) {
  if (!value.status) return Response.json(value);
  const detail = /** @type {Record<string, string>} */ (T.local.errors)[value.detail] || value.detail;
  return Response.json({ detail }, { status: value.status });
}
