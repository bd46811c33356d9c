// @ts-check
// What is shown, as a file: the picture with masks, the cut-out, JSON, COCO, outlines.
import { board, kept, seen, writeRegions } from "./board.js";
import { download, h } from "./dom.js";
import { say } from "./find.js";
import { areaOf, encode, outlines, overlap, subtract } from "./masks.js";
import { css, paintThing } from "./stage.js";
import { T } from "./strings.js";

/** @typedef {keyof typeof T.formats} Form */

/** Whether files give each pixel to one thing only: the upper one. */
export const upperWins = h("input", { type: "checkbox", id: "upper-wins" });

/** What goes into files, top first. */
function exported() {
  const things = kept();
  if (!upperWins.checked) return things;
  return things.map((thing, k) => ({ ...thing, mask: things.slice(0, k).reduce((rest, { mask }) =>
    (overlap(rest, mask) ? subtract(rest, mask) : rest), thing.mask) })).filter((thing) => thing.mask.w);
}

/** @param {Form} form */
export async function exportAs(form) {
  const { picture } = board;
  if (!picture) return say(T.needPicture, "wrong");
  const stem = picture.name.replace(/\.[^.]*$/, "") || "picture";
  const [make, ending] = FORMS[form];
  download(await make(picture), `${stem}.${ending}`);
}

/** @type {Record<Form, [(picture: import("./board.js").Picture) => Blob | Promise<Blob>, string]>} */
const FORMS = {
  overlay: [(picture) => draw(picture, false), "overlay.png"],
  cutout: [(picture) => draw(picture, true), "cutout.png"],
  json: [() => json(writeRegions(exported())), "json"],
  coco: [(picture) => json(coco(picture)), "coco.json"],
  svg: [(picture) => new Blob([svg(picture)], { type: "image/svg+xml" }), "svg"],
};

/** @param {any} value */
function json(value) {
  return new Blob([JSON.stringify(value)], { type: "application/json" });
}

/** @param {import("./board.js").Picture} picture @param {boolean} isCut @returns {Promise<Blob>} */
async function draw(picture, isCut) {
  const [height, width] = picture.size;
  const out = h("canvas", { width, height }), pen = out.getContext("2d");
  if (isCut) {
    for (const thing of seen()) {
      const solid = { ...thing, opacity: 1 };
      pen.drawImage(full(solid), thing.mask.x, thing.mask.y);
    }
    pen.globalCompositeOperation = "source-in";
  }
  pen.drawImage(picture.bitmap, 0, 0);
  if (!isCut) for (const thing of seen().reverse()) paintThing(pen, thing, 1);
  return new Promise((done) => out.toBlob((/** @type {Blob} */ blob) => done(blob), "image/png"));
}

/** The mask, black and without any softness. @param {import("./board.js").Thing} thing */
function full(thing) {
  const { w, h: high, data } = thing.mask;
  const out = h("canvas", { width: w, height: high }), image = new ImageData(w, high);
  for (let k = 0; k < data.length; k++) image.data[4 * k + 3] = data[k] * 255;
  out.getContext("2d").putImageData(image, 0, 0);
  return out;
}

/** @param {import("./board.js").Picture} picture */
function coco(picture) {
  const [height, width] = picture.size;
  const things = exported();
  const names = [...new Set(things.map((thing) => thing.name || T.thing))];
  const annotations = things.map((thing, index) => ({
    id: index + 1,
    image_id: 1,
    category_id: names.indexOf(thing.name || T.thing) + 1,
    segmentation: encode(thing.mask, picture.size),
    area: areaOf(thing.mask),
    bbox: [thing.mask.x, thing.mask.y, thing.mask.w, thing.mask.h],
    iscrowd: 0,
    score: thing.score,
  }));
  const categories = names.map((name, index) => ({ id: index + 1, name }));
  return { images: [{ id: 1, file_name: picture.name, width, height }], categories, annotations };
}

/** @param {import("./board.js").Picture} picture */
function svg(picture) {
  const [height, width] = picture.size;
  const safe = (/** @type {string} */ text) => text.replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const paths = exported().reverse().map((thing) => {
    const d = outlines(thing.mask).map((ring) => `M${ring.map((at) => at.join(" ")).join("L")}Z`).join("");
    const fill = css(thing.colour).replaceAll(" ", ",");
    const title = `<title>${safe(thing.name || T.thing)}</title>`;
    return `<path fill="${fill}" fill-opacity=".5" stroke="${fill}" fill-rule="evenodd" d="${d}">${title}</path>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">\n${paths.join("\n")}\n</svg>\n`;
}
