// A photograph from the camera of a computer; phones have a better way, their own camera.

import { byId } from "./dom.js";

const QUALITY = 0.92;

/** Make a button take photographs; `take` gets each one as a blob. */
export function listenForCamera(button, take) {
  let stream = null;
  const live = byId("live");
  const close = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    show(false);
  };
  byId(button).addEventListener("click", async () => {
    const isTouched = matchMedia("(pointer: coarse)").matches;
    if (isTouched || !navigator.mediaDevices) return byId("camera").click(); // asks the system
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      byId("camera-words").textContent = "No camera can be used here.";
      return;
    }
    byId("camera-words").textContent = "";
    live.srcObject = stream;
    await live.play();
    show(true);
    byId("shoot").focus();
  });
  byId("shoot").addEventListener("click", () => {
    const canvas = document.createElement("canvas");
    canvas.width = live.videoWidth;
    canvas.height = live.videoHeight;
    canvas.getContext("2d").drawImage(live, 0, 0);
    close();
    canvas.toBlob(take, "image/jpeg", QUALITY);
  });
  byId("camera-close").addEventListener("click", close);
}

function show(isLive) {
  byId("drop").hidden = isLive;
  byId("ways-in").hidden = isLive;
  byId("live-box").hidden = !isLive;
}
