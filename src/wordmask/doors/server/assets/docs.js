// Every route of openapi.json with its example, to be changed and run.
const get = (id) => document.getElementById(id);
const schema = await (await fetch("openapi.json")).json();
let picture = "";

get("file").addEventListener("change", async () => {
  const answer = await fetch("v1/pictures", { method: "PUT", body: get("file").files[0] });
  const value = await answer.json();
  picture = value.picture ?? "";
  get("said").textContent = picture ? `picture ${picture.slice(0, 12)}…, ${value.size.join(" x ")} (height x width)` : value.detail;
  for (const area of document.querySelectorAll("textarea")) area.value = fill(area.value);
});

const fill = (text) => (picture
  ? text.replace(/("video": )?"[0-9a-f]{64}"/g, (all, video) => (video ? all : `"${picture}"`))
  : text);

function element(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

function card(path, method, route) {
  const example = route.requestBody?.content?.["application/json"]?.example;
  const area = example && element("textarea", { value: fill(JSON.stringify(example, null, 1)), spellcheck: false });
  if (area) area.setAttribute("aria-label", `request to ${path}`);
  const out = element("div", { className: "answer" });
  const button = element("button", { textContent: "Run" });
  const isOpen = path.includes("{") || (!example && method !== "get");
  button.disabled = isOpen;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try { await run(path, method, area?.value, out); } finally { button.disabled = false; }
  });
  const head = element("summary", {},
    element("span", { className: "verb", textContent: method.toUpperCase() }),
    element("span", { className: "path", textContent: path }),
    element("span", { className: "about", textContent: route.summary ?? "" }));
  const body = [element("p", { textContent: route.description ?? "" }), ...(area ? [area, fields(route)] : [])];
  return element("details", { className: "card" }, head, ...body, element("div", { className: "row" }, button), out);
}

function fields(route) {
  const name = route.requestBody.content["application/json"].schema.$ref.split("/").pop();
  return element("pre", { textContent: lines(schema.components.schemas[name], "").join("\n") });
}

// Every field with what it takes, and the options below theirs.
function lines(type, indent) {
  return Object.entries(type.properties ?? {}).flatMap(([field, about]) => {
    const inner = about.$ref ?? about.allOf?.[0]?.$ref;
    const kind = inner && schema.components.schemas[inner.split("/").pop()];
    const said = [takes(about), about.description ?? kind?.description].filter(Boolean).join("; ");
    const own = `${indent}${field}: ${said.replace(/\s+/g, " ")}`;
    return kind?.properties ? [own, ...lines(kind, indent + "  ")] : [own];
  });
}

function takes(about) {
  const kinds = about.anyOf ?? [about];
  const words = kinds.flatMap((kind) => kind.enum ?? (kind.const !== undefined ? [kind.const] : []));
  const number = kinds.find((kind) => kind.minimum !== undefined);
  const range = number ? `${number.minimum} to ${number.maximum ?? "any"}` : "";
  const allowed = [...words, range].filter(Boolean).join(", ");
  const initial = about.default !== undefined && typeof about.default !== "object" && about.default !== "";
  return [allowed, initial ? `default ${about.default}` : ""].filter(Boolean).join(", ");
}

async function run(path, method, body, out) {
  const began = performance.now();
  const headers = body ? { "content-type": "application/json", accept: get("accept").value } : {};
  const answer = await fetch(path.slice(1), { method: method.toUpperCase(), headers, body });
  const kind = answer.headers.get("content-type") ?? "";
  const line = `${answer.status} ${kind}, ${Math.round(performance.now() - began)} ms`;
  out.replaceChildren(element("p", { textContent: line }));
  if (kind.startsWith("image/")) {
    out.append(element("img", { src: URL.createObjectURL(await answer.blob()), alt: "the answer" }));
  } else {
    const text = await answer.text();
    const shown = kind.includes("json") ? JSON.stringify(JSON.parse(text), null, 1) : text;
    out.append(element("pre", { textContent: shown.slice(0, 20000) }));
  }
}

for (const [path, methods] of Object.entries(schema.paths))
  for (const [method, route] of Object.entries(methods)) get("routes").append(card(path, method, route));
