// Explanation of a prediction: preprocessing, occlusion map, and nearest training images.

import { byId, decodeBase64Image, make } from "./dom.js";
import { capitalize } from "./format.js";
import { paint, showImageStrip } from "./image_strip.js";

const SMALL = 28; // pixels per side of an image of the data set
const MIN_SHOWN_CHANGE = 0.01;

/** Show a response of /v1/explain unless it is obsolete; returns the network's input, or null. */
export async function showExplanation(explanation, model, isCurrent) {
  const { steps, small, overlay, neighbours } = explanation;
  const encoded = [...steps, ...neighbours, overlay, ...(small ? [{ png: small }] : [])];
  const images = new Map();
  await Promise.all(encoded.map(async ({ png }) => images.set(png, await decodeBase64Image(png))));
  if (!isCurrent()) return null;
  const input = images.get(steps.at(-1).png);
  const strip = steps.map(({ name, png }) => [capitalize(name), images.get(png), capitalize(name)]);
  const isGarment = small !== null || model.crop === "garment";
  showPreprocessing(strip, small && images.get(small), isGarment);
  showOcclusion(overlay, input, images.get(overlay.png));
  showNeighbors(neighbours, images, small !== null && input.width !== SMALL);
  return input;
}

export function hideExplanation() {
  for (const id of ["steps", "occlusion", "neighbors"]) byId(id).hidden = true;
}

function showPreprocessing(strip, small, isGarment) {
  const before = strip.slice(0, -1);
  const [[, photo]] = before;
  const [, input] = strip.at(-1);
  const size = ({ width, height }) => `${width} × ${height}`;
  const last = small ?? input;
  const description = `The garment in ${size(last)} pixels`;
  showImageStrip(byId("steps-list"), [...before, [`${size(last)} pixels`, last, description]]);
  byId("steps-text").textContent = last.width === input.width ? "" :
    `The prediction comes from ${size(input)} pixels of the photograph itself. Models for Fashion-MNIST ` +
    `use the garment in ${size(last)} pixels.`;
  const isUnchanged = photo.width === SMALL && photo.height === SMALL;
  byId("steps").hidden = isUnchanged || !isGarment;
}

function showOcclusion({ label, most }, input, map) {
  paint(byId("occlusion-input"), input, "The network's input");
  paint(byId("occlusion-map"), map, "");
  byId("occlusion-map").classList.toggle("coarse", input.width <= SMALL);
  const points = (100 * most).toFixed(most < 0.1 ? 1 : 0);
  const change = most < MIN_SHOWN_CHANGE
    ? "No patch changed the probability by more than 1 point." : `Largest change: ${points} points of 100.`;
  byId("occlusion-text").replaceChildren("Each patch of the image was hidden in turn. In warm areas this ",
    "lowered the probability of ", make("strong", {}, label), "; in cool areas it raised it. ", change);
  byId("occlusion").hidden = false;
}

function showNeighbors(neighbors, images, isPhoto) {
  byId("neighbors-text").textContent = isPhoto
    ? "Training images most similar to the 28 × 28 pixels above. The prediction comes from the " +
      "photograph and does not use them."
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
