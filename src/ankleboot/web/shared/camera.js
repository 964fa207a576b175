// Photos from a computer's camera. Phones open their own camera app instead.

import { byId } from "./dom.js";

const JPEG_QUALITY = 0.92;

/** Make a button open the camera; `taken` gets each photo as a blob. */
export function listenForCamera(button, taken) {
  let stream = null;
  const live = byId("live");
  const close = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    show(false);
  };
  byId(button).addEventListener("click", async () => {
    const isTouchscreen = matchMedia("(pointer: coarse)").matches;
    if (isTouchscreen || !navigator.mediaDevices) return byId("camera").click(); // opens the camera app
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      byId("camera-text").textContent = "The camera is unavailable. Allow access to it, or choose a file.";
      return;
    }
    byId("camera-text").textContent = "";
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
    canvas.toBlob(taken, "image/jpeg", JPEG_QUALITY);
  });
  byId("camera-close").addEventListener("click", close);
}

function show(isLive) {
  byId("drop").hidden = isLive;
  byId("input-buttons").hidden = isLive;
  byId("live-box").hidden = !isLive;
}
