// Thumbnails of files, made one at a time and only for visible rows.

const SIDE = 96; // pixels; twice the displayed size, for high-density screens

let last = Promise.resolve(); // the thumbnail made last; the next one follows it

/** Return a canvas that is filled later; it stays empty if the browser cannot read the file. */
export function thumbnail(file) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  canvas.setAttribute("aria-hidden", true); // the file's name is next to it
  last = last.then(() => (canvas.isConnected ? fill(canvas, file) : undefined));
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
