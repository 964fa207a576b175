// A picture that is too large for the server, or of a kind that only the browser knows.

import { drawWithin } from "./input.js";

const MAX_SIDE = 1600; // the server reduces to less

/** The picture as a smaller PNG or JPEG; null where the browser cannot open it either. */
export async function reduced(blob) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    return null;
  }
  const canvas = document.createElement("canvas");
  drawWithin(canvas, bitmap, MAX_SIDE);
  bitmap.close();
  const type = blob.type === "image/png" ? "image/png" : "image/jpeg";
  return new Promise((done) => canvas.toBlob(done, type, 0.92));
}
