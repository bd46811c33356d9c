// @ts-check
// Questions to the server; what it refuses becomes an error whose message a person can read.
import { answerHere, isLocal } from "./local.js";
import { T } from "./strings.js";

export class ServerError extends Error {
  /** @param {string} message @param {number} status @param {any} about */
  constructor(message, status, about = {}) {
    super(message);
    this.status = status;
    this.about = about;
  }
}

/** @type {(said: string) => void} that the server is busy; nothing, when it has answered */
let tell = () => {};
/** @param {(said: string) => void} say */
export function onWait(say) {
  tell = say;
}

/** One request; a busy server is asked again. @param {string} path @param {RequestInit} init */
export async function request(path, init = {}, tries = 4) {
  for (let turn = 1; ; turn++) {
    const answer = await (isLocal ? answerHere(path, init) : fetch(path, init)).catch((error) => {
      if (error.name === "AbortError") throw error;
      throw new ServerError(T.offline, 0);
    });
    if (turn > 1) tell("");
    if (answer.ok) return answer;
    const about = await answer.json().catch(() => ({}));
    const wait = Number(answer.headers.get("retry-after"));
    if (!wait || turn >= tries) {
      throw new ServerError(about.detail || `${answer.status} ${answer.statusText}`, answer.status, about);
    }
    tell(T.busy);
    await new Promise((done) => setTimeout(done, Math.min(wait, 5) * 1000));
  }
}

/** @param {string} path @param {any} value @param {string} accept @param {AbortSignal} [signal] */
export function post(path, value, accept = "application/json", signal) {
  const headers = { "content-type": "application/json", accept };
  return request(path, { method: "POST", headers, body: JSON.stringify(value), signal });
}

/** @param {string} path @param {any} value @param {boolean} keepalive */
export async function put(path, value, keepalive = false) {
  const headers = { "content-type": "application/json" };
  const answer = await request(path, { method: "PUT", headers, body: JSON.stringify(value), keepalive });
  return answer.json();
}

/** @param {string} path */
export async function get(path) {
  return (await request(path)).json();
}

/** Send a picture. @param {Blob} blob @returns {Promise<{picture: string, size: [number, number]}>} */
export async function send(blob) {
  return (await request("v1/pictures", { method: "PUT", body: blob })).json();
}

/** A question about a picture; one that the server has forgotten is sent again.
 * @param {{id: string, blob: Blob, ready?: () => Promise<void>}} picture @param {string} path @param {any} query
 * @param {string} [accept] @param {AbortSignal} [signal] */
export async function ask(picture, path, query, accept, signal) {
  await picture.ready?.();
  const question = () => post(path, { picture: picture.id, ...query }, accept, signal);
  try {
    return await question();
  } catch (error) {
    if (!(error instanceof ServerError) || error.status !== 404 || !picture.blob) throw error;
    await send(picture.blob);
    return question();
  }
}
