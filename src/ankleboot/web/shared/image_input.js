// Image input: file dialog, drag and drop, clipboard.

import { byId } from "./dom.js";

/** Pass on files from the dialog of an input, which a button opens; `opened` is called then. */
export function listenForChoosing(button, input, handle, opened = () => {}) {
  byId(button).addEventListener("click", () => {
    byId(input).click();
    opened();
  });
  byId(input).addEventListener("change", (event) => {
    const files = [...event.target.files];
    event.target.value = ""; // allows choosing the same file again
    if (files.length) handle(files);
  });
}

/** Pass on the DataTransfer of a drop anywhere on the page; `zones` are highlighted under a drag. */
export function listenForDropping(zones, handle) {
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    for (const zone of zones) zone.classList.remove("over");
    handle(event.dataTransfer);
  });
  for (const zone of zones) {
    zone.addEventListener("dragenter", () => zone.classList.add("over"));
    zone.addEventListener("dragleave", (event) => {
      if (!zone.contains(event.relatedTarget)) zone.classList.remove("over");
    });
  }
}

/** Pass on image files pasted from the clipboard. */
export function listenForPasting(handle) {
  addEventListener("paste", (event) => {
    const images = [...event.clipboardData.items].filter(({ type }) => type.startsWith("image/"));
    if (images.length) handle(images.map((item) => item.getAsFile()));
  });
}

/** Draw a bitmap on white, scaled down so that neither side exceeds `maxSide` pixels. */
export function drawScaled(canvas, bitmap, maxSide) {
  const scale = Math.min(1, maxSide / Math.max(bitmap.width, bitmap.height));
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // shows through transparent pixels
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
}
