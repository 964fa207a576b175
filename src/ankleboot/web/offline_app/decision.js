// Decision rule: from probabilities to a prediction, as `decide` in ankleboot/inference/decide.py; a
// test compares the two.

import { sortByProbability } from "./format.js";
import { failureOf } from "./segmentation.js";

const MIN_RUNNER_UP_PROB = 0.1;
const SHOES = ["Sandal", "Sneaker", "Ankle boot"]; // a pair of them counts as one garment

/**
 * Return a prediction as prediction_card.js shows it.
 *
 * image: the network's input; garment: its segmentation (see segmentation.js) or null; probs: one for
 * each of info.labels; similarityTo: function of the out-of-distribution check (see ood_check.js), or
 * null; isBlank: whether the photo is of one color.
 */
export function decide(image, garment, probs, info, { similarityTo = null, isBlank = false } = {}) {
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
  if (isBlank || isOfOneColor(image, info.color ? 3 : 1)) {
    return { ...prediction, cause: "blank", reason: "the image is of one color" };
  }
  if (rejected.length && noneOfThese >= confidence) {
    const [[nearest]] = sortByProbability(rejected);
    const number = probabilities.length === 10 ? "ten" : probabilities.length;
    const reason = `not one of the ${number} kinds of garment (most like ${nearest})`;
    return { ...prediction, cause: "declined", reason };
  }
  if (checked && checked.numObjects > 1 && !SHOES.includes(label)) {
    return { ...prediction, cause: "several", reason: "more than one garment on the photo" };
  }
  if (similarityTo && similarityTo(info.labels.indexOf(label)) < info.ood_check.threshold) {
    const reason = `unlike the images that the model learned (most like ${label})`;
    return { ...prediction, cause: "unfamiliar", reason };
  }
  if (confidence < info.abstain_below) {
    const reason = runnerUpProb >= MIN_RUNNER_UP_PROB
      ? `unsure between ${label} and ${runnerUp}` : `not sure of ${label}`;
    return { ...prediction, cause: "unsure", reason };
  }
  return prediction;
}

/** Return whether all pixels of an image with so many channels are equal. */
export function isOfOneColor(values, channels) {
  return values.every((value, i) => value === values[i % channels]);
}
