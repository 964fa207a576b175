// How an answer came about: the way to the network, where it looked, and what it has seen like it.

import { byId, make, pictureOfBase64 } from "./dom.js";
import { sentence } from "./format.js";
import { paint, showStrip } from "./strip.js";

const SMALL = 28;

/**
 * Show what /v1/explain says about a model's answer, unless it is no longer wanted; returns what the
 * network saw.
 */
export async function showCloser(closer, model, isWanted) {
  const { steps, small, overlay, neighbours } = closer;
  const encoded = [...steps, ...neighbours, overlay, ...(small ? [{ png: small }] : [])];
  const pictures = new Map();
  await Promise.all(encoded.map(async ({ png }) => pictures.set(png, await pictureOfBase64(png))));
  if (!isWanted()) return null;
  const seen = pictures.get(steps.at(-1).png);
  const drawn = steps.map(({ name, png }) => [sentence(name), pictures.get(png), sentence(name)]);
  const isOfGarment = small !== null || model.crop === "garment";
  showWay(drawn, small && pictures.get(small), isOfGarment);
  showWhere(overlay, seen, pictures.get(overlay.png));
  showAlike(neighbours, pictures, small !== null && seen.width !== SMALL);
  return seen;
}

export function hideCloser() {
  for (const id of ["steps", "where", "alike"]) byId(id).hidden = true;
}

/** From the photograph to the garment, where the garment is what counts. */
function showWay(drawn, small, isOfGarment) {
  const before = drawn.slice(0, -1);
  const [[, photograph]] = before;
  const [, seen] = drawn.at(-1);
  const size = ({ width, height }) => `${width} × ${height}`;
  const last = small ?? seen;
  const words = `The garment in ${size(last)} pixels`;
  showStrip(byId("steps-list"), [...before, [`${size(last)} pixels`, last, words]]);
  byId("steps-words").textContent = last.width === seen.width ? "" :
    `The answer comes from ${size(seen)} pixels of the photograph itself; the garment in ` +
    `${size(last)} pixels is what a network sees that knows only Fashion-MNIST.`;
  const wasOne = photograph.width === SMALL && photograph.height === SMALL; // there was no way to go
  byId("steps").hidden = wasOne || !isOfGarment;
}

function showWhere({ label, most }, seen, map) {
  paint(byId("where-seen"), seen, "What the network sees");
  paint(byId("where-overlay"), map, "");
  byId("where-overlay").classList.toggle("coarse", seen.width <= SMALL);
  const points = (100 * most).toFixed(most < 0.1 ? 1 : 0);
  const change = most < 0.01 ? "Hardly anything changed it." : `The most it changed: ${points} points of 100.`;
  byId("where-words").replaceChildren("A patch was hidden, one place after the other. Where the map is ",
    "warm, that made ", make("strong", {}, label), " less likely; where it is cool, more. ",
    change);
  byId("where").hidden = false;
}

function showAlike(neighbours, pictures, isOfPhoto) {
  byId("alike-words").textContent = isOfPhoto
    ? "Images whose 28 × 28 pixels resemble those above most. The answer came from the photograph " +
      "itself, of which they know nothing."
    : "Images whose 28 × 28 pixels resemble these most. They did not decide the answer; they show " +
      "what the network has seen.";
  byId("alike").hidden = neighbours.length === 0;
  byId("alike-list").replaceChildren(...neighbours.map(({ png, label, likeness }) => {
    const canvas = document.createElement("canvas");
    paint(canvas, pictures.get(png), `A training image of the class ${label}`);
    const figure = make("figure", {}, canvas,
      make("figcaption", {}, make("strong", {}, label), ` ${Math.round(100 * likeness)} % alike`));
    return make("li", {}, figure);
  }));
}

byId("where-strength").addEventListener("input", ({ target }) => {
  byId("where-overlay").style.opacity = target.value / 100;
});
byId("where-overlay").style.opacity = byId("where-strength").value / 100;
