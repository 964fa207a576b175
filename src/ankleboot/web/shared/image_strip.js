// Images side by side at one height, with a caption below each.

import { byId, make } from "./dom.js";
import { markGarments } from "./garment_boxes.js";

const MAX_PIXELATED_SIDE = 56; // up to this width, single pixels are drawn with sharp edges
const CUT_OUT = "Cut out";
const INPUT = "Model input"; // begins the captions of the network's images

/** Return the sentence about the pixels that a network for photos takes, by its crop. */
export function judgedText(side, crop) {
  const part = crop === "both" ? ", of the garment and of the whole photo" : "";
  return `The answer comes from ${side} × ${side} pixels in color${part}. `;
}

/** Return the captions of the squares of a network's input: one, or the garment and the photo. */
export function inputCaptions(side, crop) {
  const parts = crop === "both" ? ["garment, ", "photo, "] : [""];
  return parts.map((part) => `${INPUT}: ${part}${side} × ${side}`);
}

/**
 * Show the steps of the preprocessing, each [caption, pixels, description]: the photo, the cut-out
 * and the network's images (or what there is in their place) beside the answer, all of them in the
 * fold below it. `text` comments them. Several garments, each with a box, are numbered on the photo.
 */
export function showSteps(steps, text = "", garments = []) {
  const isInput = ([caption]) => caption.startsWith(INPUT);
  const last = steps.some(isInput) ? null : steps.at(-1);
  const main = steps.filter((step, i) =>
    i === 0 || step === last || step[0] === CUT_OUT || isInput(step));
  showImageStrip(byId("way"), main, garments);
  byId("way").hidden = steps.length === 0;
  showImageStrip(byId("steps-list"), steps, garments);
  byId("steps-fold").hidden = steps.length <= main.length;
  byId("steps-text").textContent = text;
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

function showImageStrip(list, steps, garments) {
  list.replaceChildren(...steps.map((step, i) => item(...step, i === 0 ? garments : [])));
  const total = steps.reduce((sum, [, pixels]) => sum + pixels.width / pixels.height, 0);
  list.style.setProperty("--total", total); // aspect ratio of the whole strip
}

function item(caption, pixels, description, garments) {
  const canvas = document.createElement("canvas");
  const marked = garments.length ? `, with ${garments.length} numbered garments` : "";
  paint(canvas, pixels, description + marked);
  const boxed = make("div", { class: "boxed" }, canvas);
  markGarments(boxed, garments);
  const text = document.createElement("figcaption");
  text.textContent = caption;
  const figure = document.createElement("figure");
  figure.append(boxed, text);
  const step = document.createElement("li");
  step.style.flexGrow = pixels.width / pixels.height; // gives all steps one height
  step.append(figure);
  return step;
}
