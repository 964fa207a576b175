// A picture that is too large for the server, or of a kind that only the browser knows.

import { drawWithin } from "./input.js";

const MAX_SIDE = 1600; // the server reduces to less

/** The picture in fewer bytes, or as many; null where the browser cannot open it either. */
export async function reduced(blob, maxBytes) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    return null;
  }
  const canvas = document.createElement("canvas");
  drawWithin(canvas, bitmap, MAX_SIDE);
  bitmap.close();
  const encoded = (type) => new Promise((done) => canvas.toBlob(done, type, 0.92));
  const exact = blob.type === "image/png" ? await encoded("image/png") : null;
  return exact !== null && exact.size <= maxBytes ? exact : encoded("image/jpeg");
}
