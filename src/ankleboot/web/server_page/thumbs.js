// Small pictures of files, made one after the other and only for rows that are looked at.

const SIDE = 96; // pixels; shown at half of it, for dense screens

let turn = Promise.resolve();

/** A canvas that fills as soon as it is its turn; it stays empty where the browser cannot open it. */
export function thumbOf(file) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  canvas.setAttribute("aria-hidden", true); // the name stands beside it
  turn = turn.then(() => (canvas.isConnected ? fill(canvas, file) : undefined));
  return canvas;
}

async function fill(canvas, file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return;
  }
  const scale = SIDE / Math.max(bitmap.width, bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.imageSmoothingEnabled = scale < 1;
  context.drawImage(bitmap, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
  bitmap.close();
}
