// Pictures side by side, all of one height, with a word below each.

const COARSE = 56; // pixels of a side up to which each of them is to be seen

/** Fill a list with steps of [name, pixels, words]; the first one sets the shape on a phone. */
export function showStrip(list, steps) {
  list.replaceChildren(...steps.map((step) => item(...step)));
  const [[, { width, height }]] = steps;
  const total = steps.reduce((sum, [, pixels]) => sum + pixels.width / pixels.height, 0);
  list.style.setProperty("--aspect", width / height);
  list.style.setProperty("--total", total); // of all beside each other, in their common height
}

/** Put pixels (ImageData, or anything that can be drawn) onto a canvas, at their own size. */
export function paint(canvas, pixels, words) {
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  const context = canvas.getContext("2d");
  if (pixels instanceof ImageData) context.putImageData(pixels, 0, 0);
  else context.drawImage(pixels, 0, 0);
  canvas.classList.toggle("coarse", pixels.width <= COARSE);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", words);
}

function item(name, pixels, words) {
  const canvas = document.createElement("canvas");
  paint(canvas, pixels, words);
  const caption = document.createElement("figcaption");
  caption.textContent = name;
  const figure = document.createElement("figure");
  figure.append(canvas, caption);
  const step = document.createElement("li");
  step.style.flexGrow = pixels.width / pixels.height; // all of one height
  step.append(figure);
  return step;
}
