// Images side by side at one height, with a caption below each.

const MAX_PIXELATED_SIDE = 56; // up to this width, single pixels are drawn with sharp edges

/** Fill a list with steps of [caption, pixels, description]; the first sets the shape on a phone. */
export function showImageStrip(list, steps) {
  list.replaceChildren(...steps.map((step) => item(...step)));
  const [[, { width, height }]] = steps;
  const total = steps.reduce((sum, [, pixels]) => sum + pixels.width / pixels.height, 0);
  list.style.setProperty("--aspect", width / height);
  list.style.setProperty("--total", total); // aspect ratio of the whole strip
}

/** Draw pixels (ImageData or an image source) onto a canvas at their own size. */
export function paint(canvas, pixels, description) {
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  const context = canvas.getContext("2d");
  if (pixels instanceof ImageData) context.putImageData(pixels, 0, 0);
  else context.drawImage(pixels, 0, 0);
  canvas.classList.toggle("coarse", pixels.width <= MAX_PIXELATED_SIDE);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", description);
}

function item(caption, pixels, description) {
  const canvas = document.createElement("canvas");
  paint(canvas, pixels, description);
  const text = document.createElement("figcaption");
  text.textContent = caption;
  const figure = document.createElement("figure");
  figure.append(canvas, text);
  const step = document.createElement("li");
  step.style.flexGrow = pixels.width / pixels.height; // gives all steps one height
  step.append(figure);
  return step;
}
