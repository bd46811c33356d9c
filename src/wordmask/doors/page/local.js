// @ts-check
// The engine in this browser, where the page carries one: it answers as the server would.
import { T } from "./strings.js";

let broken = ""; // why the engine cannot run here
let lastId = 0;
const worker = document.getElementById("engine") ? startWorker() : null;
export const isLocal = worker !== null;
/** @type {Map<number, (value: any) => void>} */ const waiting = new Map();
/** @type {Record<string, any>} what only a server has */
const NOTHING = { "v1/effects": { effects: [] }, "v1/folder": { folder: null }, "v1/search": { index: null } };

/** The files lie in the page as text. @param {string} name */
function fileOf(name) {
  return document.getElementById(`file-${name}`);
}

function startWorker() {
  const code = document.getElementById("engine")?.textContent || "";
  const made = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  made.addEventListener("message", ({ data }) => {
    if (data.need) return made.postMessage({ file: data.need, text: fileOf(data.need)?.textContent ?? null });
    waiting.get(data.id)?.(data.value);
    waiting.delete(data.id);
  });
  made.addEventListener("error", (event) => {
    broken = event.message || T.local.errors.noEngine;
    for (const done of waiting.values()) done({ status: 500, detail: broken });
    waiting.clear();
  });
  return made;
}

/** @param {string} what @param {any} query @returns {Promise<any>} */
function question(what, query) {
  if (broken) return Promise.resolve({ status: 500, detail: broken });
  const id = ++lastId;
  worker?.postMessage({ id, what, query });
  return new Promise((done) => waiting.set(id, done));
}

/** What a server would have answered. @param {string} path @param {RequestInit} init @returns {Promise<Response>} */
export async function answerHere(path, init) {
  if (path in NOTHING) return Response.json(NOTHING[path]);
  const isLogits = /** @type {any} */ (init.headers)?.accept?.includes("logits");
  if (path === "v1/pictures") return respond(await question("open", init.body));
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
