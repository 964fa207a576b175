// A training of a small network: epochs of gradient descent, each followed by a measurement.
//
// The same settings give the same network: the order of the images depends on seed and epoch alone.

import { addGradients, buildNetwork, computeLogits, crossEntropy, updateParameters } from "./learner.js";
import { randomGenerator, shuffle } from "./random.js";

const BATCH_SIZE = 10; // images
const SLICE_MS = 25; // computing time before the page may react
const MAX_SEED = 1_000;

/** settings: kind, units, rate, dropout, numImages, seed; history: measurements of the epochs. */
export function startRun(settings, { training, validation }) {
  const images = training.slice(0, settings.numImages);
  return { settings, images, validation, layers: buildNetwork(settings), history: [] };
}

/** Train one epoch and measure; return false if `isCanceled` did meanwhile. */
export async function trainEpoch(run, isCanceled) {
  const { settings, images, layers } = run;
  const random = randomGenerator(settings.seed + MAX_SEED * (run.history.length + 1));
  const order = shuffle(images.map((_, i) => i), random);
  let sliceStart = performance.now();
  for (let start = 0; start < order.length; start += BATCH_SIZE) {
    const batch = order.slice(start, start + BATCH_SIZE);
    for (const i of batch) addGradients(layers, images[i].pixels, images[i].label);
    updateParameters(layers, settings.rate, batch.length);
    if (performance.now() - sliceStart > SLICE_MS) {
      await new Promise((resume) => setTimeout(resume));
      if (isCanceled()) return false;
      sliceStart = performance.now();
    }
  }
  run.history.push({ training: measure(layers, images), validation: measure(layers, run.validation) });
  return true;
}

/** Return accuracy and mean loss, without dropout. */
function measure(layers, images) {
  let numCorrect = 0, loss = 0;
  for (const { pixels, label } of images) {
    const logits = computeLogits(layers, pixels);
    if (logits.indexOf(Math.max(...logits)) === label) numCorrect += 1;
    loss += crossEntropy(logits, label).loss;
  }
  return { accuracy: numCorrect / images.length, loss: loss / images.length };
}
