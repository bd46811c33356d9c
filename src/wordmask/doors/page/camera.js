// @ts-check
// A photo, taken with the camera of this machine.
import { attempt } from "./actions.js";
import { h, icon } from "./dom.js";
import { say } from "./find.js";
import { T } from "./strings.js";

const view = h("video", { muted: true, playsInline: true, autoplay: true, "aria-label": T.camera });
const shoot = h("button", { type: "button", class: "primary", disabled: true }, T.shoot);
const dialog = h("dialog", { class: "camera", "aria-labelledby": "head-camera" },
  h("div", { class: "head" }, h("h2", { id: "head-camera" }, T.camera),
    h("button", { type: "button", onclick: () => dialog.close() }, T.close)), view, shoot);
view.addEventListener("loadeddata", () => (shoot.disabled = false));
dialog.addEventListener("close", stop);

/** A button where this machine may have a camera. @param {(photo: File) => void} use */
export function cameraButton(use) {
  if (!navigator.mediaDevices?.getUserMedia) return null;
  shoot.addEventListener("click", () => attempt(async () => {
    const canvas = new OffscreenCanvas(view.videoWidth, view.videoHeight);
    canvas.getContext("2d")?.drawImage(view, 0, 0);
    const photo = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
    dialog.close();
    use(new File([photo], T.photo, { type: "image/jpeg" }));
  }));
  return h("button", { type: "button", class: "plain open", title: T.camera, "aria-label": T.camera, onclick: () => attempt(start) },
    icon("camera"));
}

async function start() {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, facingMode: "environment" } })
    .catch(() => null);
  if (!stream) return say(T.noCamera, "wrong");
  if (!dialog.isConnected) document.body.append(dialog);
  view.srcObject = stream;
  dialog.showModal();
}

/** The camera's light goes out. */
function stop() {
  for (const track of view.srcObject?.getTracks() || []) track.stop();
  view.srcObject = null;
  shoot.disabled = true;
}
