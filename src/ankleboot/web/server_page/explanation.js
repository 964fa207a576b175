// Explanation of a prediction: preprocessing, occlusion map, and nearest training images.

import { byId, decodeBase64Image, make } from "./dom.js";
import { capitalize } from "./format.js";
import { inputCaptions, judgedText, paint, showSteps } from "./image_strip.js";

const SMALL = 28; // pixels per side of an image of the data set
const MIN_SHOWN_CHANGE = 0.01;

/** Show the image at once, and blanks for the steps that come with the explanation. */
export function showPendingSteps({ image, photo }, model, garments) {
  if (photo === null) return showSteps([]); // the browser cannot read it
  if (image) {
    const [caption] = inputCaptions(photo.width, "");
    return showSteps([[caption, photo, "The pixels of the network"]]);
  }
  const { crop, image_size: side } = model.photo || model;
  const square = { width: side, height: side };
  const cutOut = crop === "garment" ? [["Cut out", blank(photo), ""]] : [];
  const inputs = inputCaptions(side, crop).map((caption) => [caption, blank(square), ""]);
  showSteps([["Photo", photo, "Your photo"], ...cutOut, ...inputs], "", garments);
}

/** Show a response of /v1/explain unless it is obsolete; returns whether it was shown. */
export async function showExplanation(explanation, model, isCurrent) {
  const { prediction, steps, input, small, overlay, neighbours } = explanation;
  const single = [input, small].filter(Boolean).map((png) => ({ png }));
  const encoded = [...steps, ...neighbours, overlay, ...single];
  const images = new Map();
  await Promise.all(encoded.map(async ({ png }) => images.set(png, await decodeBase64Image(png))));
  if (!isCurrent()) return false;
  const strip = steps.map(({ name, png }) => {
    const caption = capitalize(name.replace(" x ", " × "));
    return [caption, images.get(png), caption];
  });
  const isOfPhotos = small !== null && images.get(input).width !== SMALL;
  const { crop } = model.photo || model;
  showPreprocessing(strip, isOfPhotos ? images.get(small) : null, crop, prediction.garments);
  showOcclusion(overlay, images.get(input), images.get(overlay.png));
  showNeighbors(neighbours, images, isOfPhotos);
  return true;
}

export function hideExplanation() {
  showSteps([]);
  for (const id of ["occlusion", "neighbors"]) byId(id).hidden = true;
}

/**
 * Show the steps. After those of a model for photos comes `small`, the garment as other models take
 * it; null for other models. crop: crop of the model for photos.
 */
function showPreprocessing(strip, small, crop, garments) {
  const [photo, input] = [strip[0][1], strip.at(-1)[1]];
  const isUnchanged =
    strip.length === 2 && photo.width === input.width && photo.height === input.height;
  const steps = isUnchanged ? strip.slice(1) : strip;
  if (small === null) return showSteps(steps, "", garments);
  const text = `${judgedText(input.width, crop)}Models for Fashion-MNIST use the garment in ` +
    `${sizeText(small)}.`;
  const other = [sizeText(small), small, "The garment for models of Fashion-MNIST"];
  showSteps([...steps, other], text, garments);
}

function sizeText({ width, height }) {
  return `${width} × ${height} pixels`;
}

function blank({ width, height }) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

function showOcclusion({ label, most }, input, map) {
  paint(byId("occlusion-input"), input, "The network's input");
  paint(byId("occlusion-map"), map, "");
  byId("occlusion-map").classList.toggle("coarse", input.width <= SMALL);
  const points = (100 * most).toFixed(most < 0.1 ? 1 : 0);
  const change = most < MIN_SHOWN_CHANGE
    ? "No patch changed the probability by more than 1 point." : `Largest change: ${points} points of 100.`;
  byId("occlusion-text").replaceChildren("Each patch of the image was hidden, one after the other. In warm areas this ",
    "lowered the probability of ", make("strong", {}, label), "; in cool areas it raised it. ", change);
  byId("occlusion").hidden = false;
}

function showNeighbors(neighbors, images, isPhoto) {
  byId("neighbors-text").textContent = isPhoto
    ? "Training images most similar to the garment in 28 × 28 pixels. The prediction comes from the " +
      "photo and does not use them."
    : "Training images most similar in their 28 × 28 pixels. The prediction does not use them.";
  byId("neighbors").hidden = neighbors.length === 0;
  byId("neighbors-list").replaceChildren(...neighbors.map(({ png, label, likeness }) => {
    const canvas = document.createElement("canvas");
    paint(canvas, images.get(png), `A training image of the class ${label}`);
    return make("li", {}, make("figure", {}, canvas,
      make("figcaption", {}, make("strong", {}, label), ` ${Math.round(100 * likeness)} % similar`)));
  }));
}

byId("occlusion-strength").addEventListener("input", ({ target }) => {
  byId("occlusion-map").style.opacity = target.value / 100;
});
byId("occlusion-map").style.opacity = byId("occlusion-strength").value / 100;
