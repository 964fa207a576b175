// How pictures come in: chosen, photographed, dropped, pasted. What is done with them is said by
// whoever listens.

const byId = (id) => document.getElementById(id);

/** Files from a button that opens an input's dialog; `opened` is called when it opens. */
export function listenForChoosing(button, input, take, opened = () => {}) {
  byId(button).addEventListener("click", () => {
    byId(input).click();
    opened();
  });
  byId(input).addEventListener("change", (event) => {
    const files = [...event.target.files];
    event.target.value = ""; // the same file may be chosen again
    if (files.length) take(files);
  });
}

/** What is dropped anywhere on the page, as a DataTransfer; zones show that they would take it. */
export function listenForDropping(zones, take) {
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    for (const zone of zones) zone.classList.remove("over");
    take(event.dataTransfer);
  });
  for (const zone of zones) {
    zone.addEventListener("dragenter", () => zone.classList.add("over"));
    zone.addEventListener("dragleave", (event) => {
      if (!zone.contains(event.relatedTarget)) zone.classList.remove("over");
    });
  }
}

/** Pictures from the clipboard. */
export function listenForPasting(take) {
  addEventListener("paste", (event) => {
    const items = [...event.clipboardData.items];
    const files = items.filter((one) => one.type.startsWith("image/")).map((one) => one.getAsFile());
    if (files.length) take(files);
  });
}

/** Draw a picture onto a canvas with sides of at most so many pixels, on white. */
export function drawWithin(canvas, bitmap, maxSide) {
  const scale = Math.min(1, maxSide / Math.max(bitmap.width, bitmap.height));
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // shows through transparent pixels
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
}
