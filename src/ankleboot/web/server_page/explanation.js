// Explanation of a prediction: preprocessing, occlusion map, and nearest training images.

import { byId, decodeBase64Image, make } from "./dom.js";
import { capitalize } from "./format.js";
import { paint, showSteps } from "./image_strip.js";

const SMALL = 28; // pixels per side of an image of the data set
const MIN_SHOWN_CHANGE = 0.01;

/** Show the image at once, and blanks for the steps that come with the explanation. */
export function showPendingSteps({ image, photo }, model, garments) {
  if (photo === null) return showSteps([]); // the browser cannot read it
  if (image) return showSteps([[sizeText(photo), photo, "The pixels of the network"]]);
  const isGarment = model.crop === "garment" || model.photo;
  const side = model.crop === "garment" ? SMALL : model.image_size;
  const cutOut = isGarment ? [["Cut out", blank(photo), ""]] : [];
  const input = [`${side} × ${side} pixels`, blank({ width: side, height: side }), ""];
  showSteps([["Photo", photo, "Your photo"], ...cutOut, input], "", garments);
}

/** Show a response of /v1/explain unless it is obsolete; returns whether it was shown. */
export async function showExplanation(explanation, model, isCurrent) {
  const { prediction, steps, small, overlay, neighbours } = explanation;
  const encoded = [...steps, ...neighbours, overlay, ...(small ? [{ png: small }] : [])];
  const images = new Map();
  await Promise.all(encoded.map(async ({ png }) => images.set(png, await decodeBase64Image(png))));
  if (!isCurrent()) return false;
  const input = images.get(steps.at(-1).png);
  const strip = steps.map(({ name, png }) => [capitalize(name), images.get(png), capitalize(name)]);
  showPreprocessing(strip, small ? images.get(small) : input, input, prediction.garments);
  showOcclusion(overlay, input, images.get(overlay.png));
  showNeighbors(neighbours, images, small !== null && input.width !== SMALL);
  return true;
}

export function hideExplanation() {
  showSteps([]);
  for (const id of ["occlusion", "neighbors"]) byId(id).hidden = true;
}

function showPreprocessing(strip, last, input, garments) {
  const [[, photo], ...rest] = strip;
  const description = `The pixels of the network: ${sizeText(last)}`;
  const isUnchanged = photo.width === last.width && photo.height === last.height;
  const before = isUnchanged ? [] : [strip[0], ...rest.slice(0, -1)];
  const text = last.width === input.width ? "" :
    `The answer comes from ${sizeText(input)} in color. Models for Fashion-MNIST ` +
    `use the garment in ${sizeText(last)}.`;
  showSteps([...before, [sizeText(last), last, description]], text, garments);
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
  byId("occlusion-text").replaceChildren("Each patch of the image was hidden in turn. In warm areas this ",
    "lowered the probability of ", make("strong", {}, label), "; in cool areas it raised it. ", change);
  byId("occlusion").hidden = false;
}

function showNeighbors(neighbors, images, isPhoto) {
  byId("neighbors-text").textContent = isPhoto
    ? "Training images most similar to the 28 × 28 pixels above. The prediction comes from the " +
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
