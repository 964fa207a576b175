// A row of probabilities in words, by the rules of ankleboot/prediction.py; a test compares them.

import { reasonOf } from "./find.js";
import { byShare } from "./format.js";

const DECLINE_FROM = 0.5;
const RIVAL = 0.1;
const SHOES = ["Sandal", "Sneaker", "Ankle boot"]; // they come in pairs

/**
 * What a network says.
 *
 * image: the pixels that it saw; found: the garment (see find.js), or null where nothing was
 * searched; probs: one for each of info.labels. Returns label and confidence, shares ([label,
 * probability] of all that can be an answer), noneOfThese, and why not to rely on it: reason in
 * words and cause in one, or null.
 */
export function answer(image, found, probs, info) {
  const share = (label) => [label, probs[info.labels.indexOf(label)]];
  const declined = info.declined.map(share);
  const shares = info.labels.filter((label) => !info.declined.includes(label)).map(share);
  const [[label, confidence], [rival, next]] = byShare(shares);
  const noneOfThese = declined.reduce((sum, [, probability]) => sum + probability, 0);
  const said = { label, confidence, shares, noneOfThese, reason: null, cause: null };
  const garment = declined.length || info.crop === "garment" ? found : null;
  if (garment && reasonOf(garment)) {
    return { ...said, cause: "missing", reason: reasonOf(garment) };
  }
  if (isOfOneColor(image, info.color ? 3 : 1)) {
    return { ...said, cause: "blank", reason: "the picture is of one color" };
  }
  if (noneOfThese >= DECLINE_FROM) {
    const [[nearest]] = byShare(declined);
    const number = shares.length === 10 ? "ten" : shares.length;
    const reason = `not one of the ${number} (most like ${nearest})`;
    return { ...said, cause: "declined", reason };
  }
  if (garment && garment.things > 1 && !SHOES.includes(label)) {
    return { ...said, cause: "several", reason: "more than one garment on the photograph" };
  }
  if (confidence < info.abstain_below) {
    const reason = next >= RIVAL ? `unsure between ${label} and ${rival}` : `not sure of ${label}`;
    return { ...said, cause: "unsure", reason };
  }
  return said;
}

function isOfOneColor(image, channels) {
  return image.every((value, i) => value === image[i % channels]);
}
