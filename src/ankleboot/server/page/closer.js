// How an answer came about: the way to the network, where it looked, and what it has seen like it.

import { byId, make, pictureOfBase64 } from "./dom.js";
import { sentence } from "./format.js";
import { paint, showStrip } from "./strip.js";

const SMALL = 28;

/** Show what /v1/explain says, unless it is no longer wanted; returns what the network saw. */
export async function showCloser(closer, isWanted) {
  const { steps, small, overlay, neighbours } = closer;
  const encoded = [...steps, ...neighbours, overlay, ...(small ? [{ png: small }] : [])];
  const pictures = new Map();
  await Promise.all(encoded.map(async ({ png }) => pictures.set(png, await pictureOfBase64(png))));
  if (!isWanted()) return null;
  const seen = pictures.get(steps.at(-1).png);
  showWay(steps, pictures, small && pictures.get(small));
  showWhere(overlay, seen, pictures.get(overlay.png));
  showAlike(neighbours, pictures, small !== null && seen.width !== SMALL);
  return seen;
}

export function hideCloser() {
  for (const id of ["steps", "where", "alike"]) byId(id).hidden = true;
}

function showWay(steps, pictures, small) {
  const shown = steps.map(({ name, png }) => [sentence(name), pictures.get(png), sentence(name)]);
  const [, seen] = shown.at(-1);
  byId("steps-words").textContent = "";
  if (small && seen.width !== SMALL) {
    const size = `${seen.width} × ${seen.height}`;
    byId("steps-words").textContent =
      `The answer comes from ${size} pixels of the photograph itself; the garment in ` +
      `${SMALL} × ${SMALL} pixels is what a network sees that knows only Fashion-MNIST.`;
    shown.pop();
  }
  if (small) {
    if (seen.width === SMALL) shown.pop();
    const words = `The garment in ${SMALL} by ${SMALL} grey pixels`;
    shown.push([`${SMALL} × ${SMALL} pixels`, small, words]);
  }
  const [[, first]] = shown;
  byId("steps").hidden = first.width === SMALL && first.height === SMALL; // it was one already
  showStrip(byId("steps-list"), shown);
}

function showWhere({ label, most }, seen, map) {
  paint(byId("where-seen"), seen, "What the network sees");
  paint(byId("where-overlay"), map, "");
  byId("where-overlay").classList.toggle("coarse", seen.width <= SMALL);
  const points = (100 * most).toFixed(most < 0.1 ? 1 : 0);
  byId("where-words").replaceChildren("A patch was hidden, one place after the other. Where the map is ",
    "warm, that made ", make("strong", {}, label), " less likely; where it is cool, more. ",
    `The most it changed: ${points} points of 100.`);
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
