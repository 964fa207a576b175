// Title and purpose of a page, which name the data of its model.

import { byId } from "./dom.js";
import { classesText, numberText } from "./format.js";

/** Fill the header and the hint; a model of clothes has a question as its title, others their data. */
export function showTitle({ isClothes, data, labels, model }) {
  const name = data.replace(/\/$/, "");
  const title = isClothes ? "Which garment is this?" : name || "Image classifier";
  const trained = name && !isClothes ? ` trained on “${name}”` : "";
  byId("title").textContent = title;
  byId("purpose").textContent = isClothes
    ? "Small neural networks find the garment in a photo and classify it as one of " +
      `${numberText(labels.length)} kinds of clothing.`
    : `A neural network${trained} classifies an image as ${classesText(labels)}.`;
  byId("input-hint").textContent = isClothes
    ? "Best results: one whole garment, laid flat or hung up, not worn."
    : "Best results: images like those used for training.";
  document.title = [title, isClothes ? model : "", "Ankleboot"].filter(Boolean).join(" · ");
  document.body.classList.add(isClothes ? "clothes" : "own");
}
