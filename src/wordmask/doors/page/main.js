// @ts-check
// The page, put together.
import { attempt } from "./actions.js";
import { onWait } from "./api.js";
import { board, canStep, listen, step } from "./board.js";
import { cameraButton } from "./camera.js";
import { changePart, loadEffects } from "./changes.js";
import { h, icon, iconButton } from "./dom.js";
import { exportAs, upperWins } from "./exporting.js";
import { findWords, onSay, openPicture, wordsOf } from "./find.js";
import { addPictures, folderKeys, startFolder } from "./folder.js";
import { openLibrary, startLibrary } from "./library.js";
import { isLocal } from "./local.js";
import { keyDialog, listenToKeys } from "./keys.js";
import { panelParts } from "./panel.js";
import { askPart, focusQuestion } from "./questions.js";
import { canvas, fit, zoom } from "./stage.js";
import { COMMON, T } from "./strings.js";
import { closeVideo, hasVideo, isVideo, openVideo, videoKeys } from "./video.js";
import { onTool, resizeBrush, take, tool } from "./tools.js";

const RECENT = "wordmask-words";
const file = h("input", { type: "file", id: "file", accept: "image/*,video/*", class: "away", tabIndex: -1, "aria-label": T.open });
file.addEventListener("change", () => file.files.length && open(file.files[0]));

/** A picture, or a video. @param {File} found */
function open(found) {
  if (isVideo(found)) return attempt(() => openVideo(found, found.name));
  attempt(async () => (await openPicture(found, found.name || T.thing)) && closeVideo());
}
const isFolder = () => document.body.classList.contains("folder");
const pick = () => !isFolder() && file.click();

// ---- words

const words = h("input", {
  id: "words", name: "words", placeholder: T.wordsHint, "aria-label": T.words, list: "suggestions",
  autocomplete: "off", enterkeyhint: "search",
});
const suggestions = h("datalist", { id: "suggestions" });
const search = h("form", { class: "search", role: "search", onsubmit: ask }, words, suggestions,
  h("button", { class: "primary" }, T.find));

/** @param {Event} event */
function ask(event) {
  event.preventDefault();
  const list = wordsOf(words.value);
  if (list.length) localStorage.setItem(RECENT, JSON.stringify([...new Set([...list, ...recent()])].slice(0, 40)));
  suggest();
  words.blur();
  canvas.focus();
  void findWords(list, board.vocabulary.length > 0);
}

/** @returns {string[]} */
function recent() {
  try {
    return JSON.parse(localStorage.getItem(RECENT) || "[]");
  } catch {
    return [];
  }
}

/** Suggestions go on after the last comma. */
function suggest() {
  const before = words.value.replace(/[^,]*$/, "");
  const lead = before && `${before.trim()} `;
  const known = [...new Set([...board.vocabulary, ...recent(), ...COMMON])];
  suggestions.replaceChildren(...known.slice(0, 60).map((word) => h("option", { value: lead + word })));
}
words.addEventListener("input", suggest);

// ---- tools, status

const status = h("p", { class: "status", role: "status" });
const hint = h("p", { class: "hint" });
onSay((text, kind = "calm") => {
  status.textContent = text;
  status.dataset.kind = kind;
});
onWait((text) => (text || status.textContent === T.busy) && (status.textContent = text));

const NAMES = /** @type {const} */ (["cut", "paint", "erase", "hand"]);
/** @type {Record<string, string>} */ const KEY = { cut: "Q", paint: "B", erase: "E", hand: "H" };
const buttons = Object.fromEntries(NAMES.map((name) =>
  [name, iconButton(name, T[name], () => take(name), { "aria-pressed": "false", title: `${T[name]} (${KEY[name]})` })]));
const brush = h("input", {
  type: "range", id: "brush", min: "2", max: "120", value: "12", "aria-label": T.brush, title: T.brush,
  oninput: () => resizeBrush(Number(brush.value) / tool.radius),
});
const brushBox = h("div", { class: "brush" }, brush);
const undo = iconButton("undo", T.undo, () => attempt(() => step("undo")));
const redo = iconButton("redo", T.redo, () => attempt(() => step("redo")));
const toolbar = h("div", { class: "toolbar", role: "toolbar", "aria-label": T.tools, "aria-orientation": "vertical" },
  ...NAMES.map((name) => buttons[name]), brushBox, h("hr"), undo, redo, h("hr"),
  iconButton("plus", T.zoomIn, () => zoom(1.3)), iconButton("minus", T.zoomOut, () => zoom(1 / 1.3)),
  iconButton("fit", T.fit, fit));

onTool(() => {
  for (const name of NAMES) buttons[name].setAttribute("aria-pressed", String(name === tool.name));
  brushBox.hidden = tool.name !== "paint" && tool.name !== "erase";
  brush.value = String(Math.round(tool.radius));
  hint.textContent = T.hints[tool.name];
});

// ---- the head

const dialog = keyDialog(true);
const menu = h("div", { class: "menu", id: "export", popover: "auto" },
  ...Object.entries(T.formats).map(([form, text]) => h("button", {
    type: "button", onclick: () => {
      menu.hidePopover();
      attempt(() => exportAs(/** @type {any} */ (form)));
    },
  }, text)),
  h("label", { class: "switch" }, upperWins, T.upperWins));
const exportButton = h("button", { type: "button", class: "plain", onclick: openMenu, "aria-haspopup": "true" },
  icon("down"), h("span", {}, T.exportMenu));

function openMenu() {
  menu.togglePopover();
  const box = exportButton.getBoundingClientRect();
  menu.style.top = `${box.bottom + 6}px`;
  menu.style.left = `${Math.max(8, Math.min(box.left, innerWidth - menu.offsetWidth - 12))}px`;
  menu.querySelector("button")?.focus();
}

const head = h("header", {}, h("h1", {}, h("span", { class: "mark", "aria-hidden": "true" }), T.title), search,
  h("div", { class: "doors" }, file,
    h("button", { type: "button", class: "plain open", onclick: pick }, icon("picture"), h("span", {}, T.open)),
    cameraButton(open), exportButton,
    h("button", { type: "button", class: "plain key", onclick: () => dialog.showModal(), title: T.keys, "aria-label": T.keys }, "?")));

const empty = h("div", { class: "empty" }, h("div", { class: "card" }, icon("picture"),
  h("h2", {}, T.emptyTitle), h("p", {}, isLocal ? T.local.emptyText : T.emptyText),
  h("button", { type: "button", class: "primary", onclick: pick }, T.choose)));
Object.assign(canvas, { tabIndex: 0 });
canvas.setAttribute("role", "application");
canvas.setAttribute("aria-label", T.canvas);
const stage = h("main", { class: "stage" }, canvas, empty, toolbar, h("div", { class: "foot" }, status, hint));
const side = h("aside", { class: "panel", "aria-label": T.things }, !isLocal && askPart, ...panelParts(), changePart);
document.body.append(head, stage, side, dialog, menu);

listen(() => {
  const can = canStep();
  undo.disabled = !can.undo;
  redo.disabled = !can.redo;
  empty.hidden = board.picture !== null;
  document.body.classList.toggle("blank", !board.picture);
});

// ---- pictures that are dropped or pasted

/** @param {DataTransfer | null} brought */
function takePicture(brought) {
  const files = [...(brought?.files || [])];
  if (files.length && isFolder()) attempt(() => addPictures(files));
  else if (files.length) open(files[0]);
  return files.length > 0;
}
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("drop");
});
addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("drop"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("drop");
  takePicture(event.dataTransfer);
});
addEventListener("paste", (event) => takePicture(event.clipboardData) && event.preventDefault());

/** What a key does depends on what is open. */
const keys = Object.fromEntries([...Object.keys(folderKeys), ...Object.keys(videoKeys)].map((key) =>
  [key, () => (hasVideo() ? videoKeys : folderKeys)[key]?.()]));
listenToKeys({ "/": () => words.focus(), "?": () => dialog.showModal(), open: pick, i: openLibrary, w: focusQuestion, ...keys });
take("cut");
suggest();
document.body.classList.add("blank");
attempt(loadEffects);
attempt(() => startLibrary(head.querySelector(".doors")));
attempt(() => startFolder({ menu, side }));
