// Smaller copies of images that the server cannot take.

import { drawScaled } from "./image_input.js";

const MAX_SIDE = 1600; // above the server's working size, so that no detail is lost
const JPEG_QUALITY = 0.92;

/** Re-encode an image, if possible within `maxBytes`; null if the browser cannot read it. */
export async function downscale(blob, maxBytes) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    return null;
  }
  const canvas = document.createElement("canvas");
  drawScaled(canvas, bitmap, MAX_SIDE);
  bitmap.close();
  const encode = (type) => new Promise((resolve) => canvas.toBlob(resolve, type, JPEG_QUALITY));
  const lossless = blob.type === "image/png" ? await encode("image/png") : null;
  return lossless !== null && lossless.size <= maxBytes ? lossless : encode("image/jpeg");
}
