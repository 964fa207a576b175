// Decision rule: from probabilities to a prediction, as `decide` in ankleboot/inference/decide.py; a
// test compares the two.

import { sortByProbability } from "./format.js";
import { bounds, WHITE } from "./preprocessing.js";
import { failureOf } from "./segmentation.js";

const MIN_RUNNER_UP_PROB = 0.1;
const SHOES = ["Sandal", "Sneaker", "Ankle boot"]; // a pair of them counts as one garment

/**
 * Return a prediction as prediction_card.js shows it.
 *
 * image: the network's input; garment: its segmentation (see segmentation.js) or null; probs: one for
 * each of info.labels; similarityTo: function of the out-of-distribution check (see ood_check.js), or
 * null.
 */
export function decide(image, garment, probs, info, similarityTo = null) {
  const withProbability = (label) => [label, probs[info.labels.indexOf(label)]];
  const rejected = info.reject_labels.map(withProbability);
  const probabilities = info.labels
    .filter((label) => !info.reject_labels.includes(label)).map(withProbability);
  const [[label, confidence], [runnerUp, runnerUpProb]] = sortByProbability(probabilities);
  const noneOfThese = rejected.reduce((sum, [, probability]) => sum + probability, 0);
  const prediction = { label, confidence, probabilities, noneOfThese, reason: null, cause: null };
  const checked = rejected.length || info.crop !== "none" ? garment : null;
  if (checked && failureOf(checked)) {
    return { ...prediction, cause: "missing", reason: failureOf(checked) };
  }
  if (isOfOneColor(image, info)) {
    return { ...prediction, cause: "blank", reason: "the picture is of one color" };
  }
  if (rejected.length && noneOfThese >= confidence) {
    const [[nearest]] = sortByProbability(rejected);
    const number = probabilities.length === 10 ? "ten" : probabilities.length;
    const reason = `not one of the ${number} kinds of garment (most like ${nearest})`;
    return { ...prediction, cause: "declined", reason };
  }
  if (checked && checked.numObjects > 1 && !SHOES.includes(label)) {
    return { ...prediction, cause: "several", reason: "more than one garment on the photograph" };
  }
  if (similarityTo && similarityTo(info.labels.indexOf(label)) < info.ood_check.threshold) {
    const reason = `resembles no ${label} that the model learned`;
    return { ...prediction, cause: "unfamiliar", reason };
  }
  if (confidence < info.abstain_below) {
    const reason = runnerUpProb >= MIN_RUNNER_UP_PROB
      ? `unsure between ${label} and ${runnerUp}` : `not sure of ${label}`;
    return { ...prediction, cause: "unsure", reason };
  }
  return prediction;
}

/** Return whether a photo has one color, which a cut-out shows inside its white frame. */
function isOfOneColor(image, { crop, color, image_size: side }) {
  const channels = color ? 3 : 1;
  const square = image.slice(-side * side * channels); // the photo, if it lies below its cut-out
  const pixelAt = (x, y) => square.slice(channels * (y * side + x), channels * (y * side + x + 1));
  const isInside = (i) => [0, 1, 2].some((channel) => square[3 * i + channel] !== WHITE);
  const whole = { top: 0, left: 0, width: side, height: side };
  const found = crop === "cut-out" ? bounds(whole, isInside) : whole;
  const { top, left, width, height } = found.width === 0 ? whole : found;
  const first = pixelAt(left, top);
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      if (pixelAt(x, y).some((value, channel) => value !== first[channel])) return false;
    }
  }
  return true;
}
