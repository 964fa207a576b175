// The card that takes an image: file, camera, example photo, drawing pad.

import { listenForCamera } from "./camera.js";
import { byId } from "./dom.js";
import { markGarments } from "./garment_boxes.js";
import { drawScaled, listenForChoosing } from "./image_input.js";

/** Connect the buttons; `handle` gets a list of files, `opened` is called with the file dialog. */
export function listenForPhotos(handle, opened = () => {}) {
  listenForChoosing("choose", "file", handle, opened);
  listenForCamera("photograph", (photo) => handle([photo]));
  byId("camera").addEventListener("change", ({ target }) => {
    if (target.files[0]) handle([target.files[0]]);
    target.value = ""; // allows choosing the same file again
  });
  byId("example").addEventListener("click", async () => {
    opened();
    const response = await fetch(byId("example-photo").src);
    handle([new File([await response.blob()], "example_photo.jpg", { type: "image/jpeg" })]);
  });
  byId("drop").addEventListener("click", () => byId("choose").click());
  byId("draw").addEventListener("click", () => showPad(true));
  byId("draw-close").addEventListener("click", () => {
    showPad(false);
    byId("draw").focus();
  });
}

/** Show the photo in place of the invitation; null brings the invitation back. */
export function showPreview(bitmap, maxSide) {
  if (bitmap !== null) drawScaled(byId("preview"), bitmap, maxSide);
  byId("preview").hidden = bitmap === null;
  markGarments(byId("preview-frame"), []); // of the previous photo
  byId("invitation").hidden = bitmap !== null;
  if (bitmap !== null) showPad(false);
}

function showPad(isShown) {
  byId("panel-draw").hidden = !isShown;
  byId("panel-photo").hidden = isShown;
  if (isShown) byId("clear").focus();
}
