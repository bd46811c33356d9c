// The plain page: a picture goes up once, words and clicks come back as an overlay.
const get = (id) => document.getElementById(id);
const shown = get("shown"), said = get("said"), file = get("file");
let picture = "", size = [0, 0];

async function ask(path, query) {
  said.textContent = "…";
  const began = performance.now();
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "image/png; view=overlay" },
    body: JSON.stringify({ picture, ...query }),
  });
  if (!answer.ok) {
    said.textContent = (await answer.json()).detail;
    return;
  }
  shown.src = URL.createObjectURL(await answer.blob());
  said.textContent = `${Math.round(performance.now() - began)} ms. Click on a thing to cut it out.`;
}

async function send() {
  if (!file.files.length) return;
  shown.hidden = false;
  shown.src = URL.createObjectURL(file.files[0]);
  const answer = await fetch("v1/pictures", { method: "PUT", body: file.files[0] });
  const value = await answer.json();
  if (!answer.ok) {
    said.textContent = value.detail;
    return;
  }
  ({ picture, size } = value);
  said.textContent = "Write words, or click on a thing.";
}

file.addEventListener("change", send);
get("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = get("words").value.split(",").map((word) => word.trim()).filter(Boolean);
  if (picture && words.length) ask("v1/segment", { words });
  else said.textContent = picture ? "Write at least one word." : "Choose a picture first.";
});
shown.addEventListener("click", (event) => {
  if (!picture) return;
  const box = shown.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * size[1];
  const y = ((event.clientY - box.top) / box.height) * size[0];
  ask("v1/click", { points: [[x, y]] });
});
