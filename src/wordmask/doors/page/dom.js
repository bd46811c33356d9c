// @ts-check
// Elements and icons, made by hand: no library.

/** @param {string} tag @param {Record<string, any>} about properties; `class`, `aria-…`, `on…`
 * @param {(Node | string | null | false)[]} children @returns {any} */
export function h(tag, about = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name.includes("-") || name === "role" || name === "for" || name === "list") {
      element.setAttribute(name, String(value));
    } else /** @type {any} */ (element)[name] = value;
  }
  element.append(.../** @type {(Node | string)[]} */ (children.filter((child) => child)));
  return element;
}

const SHAPES = {
  cut: "M5 4l6.5 15 2-6.2 6-2.3z",
  paint: "M4 20c3 .4 5-.6 5-3a2.2 2.2 0 0 1 2.6-2.2M11 14.5 19 5a1.6 1.6 0 0 1 2.2 2.2L12.5 16",
  erase: "M8 19h11M4.5 14.5l8.5-9 6 5.5-7 8H8z",
  hand: "M12 3v18M3 12h18M12 3l-2.5 2.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5M3 12l2.5-2.5M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5",
  undo: "M8 5 4 9l4 4M4 9h9a6 6 0 0 1 0 12h-3",
  redo: "M16 5l4 4-4 4M20 9h-9a6 6 0 0 0 0 12h3",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.2a2.8 2.8 0 1 0 .01 0",
  closed: "M3 9.5c2 3 5 5 9 5s7-2 9-5M6 13.5 4.5 16M12 14.5V18M18 13.5l1.5 2.5",
  bin: "M5 7h14M10 4h4M7 7l1 13h8l1-13",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.3a.8.8 0 1 0 .01 0",
  find: "M10.5 4.5a6 6 0 1 0 .01 0M15 15l5.5 5.5",
  left: "M14.5 5 8 12l6.5 7",
  right: "M9.5 5 16 12l-6.5 7",
  play: "M8 5v14l11-7z",
  camera: "M4 8h3.5L9 5.5h6L16.5 8H20v11H4zM12 10a3.4 3.4 0 1 0 .01 0",
  check: "M5 12.5 10 17.5 19.5 7",
  down: "M12 4v11M7 11l5 5 5-5M5 20h14",
};

/** @param {keyof typeof SHAPES} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

/** A button that shows an icon and says `label`. @param {keyof typeof SHAPES} name
 * @param {string} label @param {(event: MouseEvent) => void} onclick @param {Record<string, any>} more */
export function iconButton(name, label, onclick, more = {}) {
  return h("button", { type: "button", class: "icon-button", title: label, "aria-label": label, onclick, ...more },
    icon(name));
}

/** Hand a file to the browser's downloads. @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
