// Answer checks of the three tasks: whether an answer is right, and why not.

import { PRESETS } from "./kernel_presets.js";

const TOLERANCE = 0.02; // of a sum of cells that were typed with two decimals
const PRESET = "Sobel, vertical edges";
const MAX_CHANGE_RATIO = 0.8; // of the maps after this pooling, relative to those after the trained one
const MIN_ACCURACY = 0.7;
const MAX_IMAGES = 200;
const MAX_GAP = 0.15; // between the accuracies

const right = (text) => ({ isRight: true, text });
const wrong = (text) => ({ isRight: false, text });

/** Task 1: a kernel that vertical edges excite, and horizontal ones and plain areas do not. */
export function judgeEdgeKernel({ cells, seesImage }) {
  if (!seesImage) return wrong("This filter does not see the image. Choose the first convolution.");
  if (cells.every((cell) => cell === 0)) return wrong("All cells are 0, so the map shows nothing.");
  const side = Math.sqrt(cells.length), lines = Array.from({ length: side }, (_, i) => i);
  const rows = lines.map((y) => sum(lines.map((x) => cells[y * side + x])));
  const columns = lines.map((x) => sum(lines.map((y) => cells[y * side + x])));
  const row = rows.findIndex(isNotZero);
  if (row >= 0) {
    return wrong(`Row ${row + 1} adds up to ${format(rows[row])}. A row that does not add up to 0 ` +
      "responds to plain areas or to horizontal edges, too.");
  }
  if (!columns.some(isNotZero)) {
    return wrong("Rows and columns all add up to 0, so vertical edges leave no trace either.");
  }
  if (isMultiple(cells, PRESETS[PRESET])) {
    return wrong("This is the preset or a multiple of it. It has the right property: find out which, and write " +
      "another kernel that has it.");
  }
  return right(`Every row adds up to 0: plain areas and horizontal edges cancel out. The columns add up to ` +
    `${columns.map(format).join(", ")}: vertical edges remain.`);
}

/** Task 2: a pooling that hides more of a shift by one pixel than the trained one. */
export function judgePooling({ shift, after, afterTrained, window, stride, hasPrediction }) {
  if (Math.abs(shift[0]) + Math.abs(shift[1]) !== 1) {
    return wrong("Shift the image by one pixel in one direction first.");
  }
  if (window === 1 && stride === 1) return wrong("Without pooling, nothing is hidden. Choose what pooling keeps.");
  if (!hasPrediction) {
    return wrong("The dense layer gets too few or too many values, so there is no prediction. The number of " +
      "windows depends on the stride.");
  }
  if (afterTrained === 0) return wrong("The image is the same after the shift. Choose another image.");
  const figures = `The maps after this pooling change by ${share(after)}, those after the trained pooling by ` +
    `${share(afterTrained)}`;
  if (after > MAX_CHANGE_RATIO * afterTrained) {
    return wrong(`${figures}. A fifth less would be ${share(MAX_CHANGE_RATIO * afterTrained)}.`);
  }
  return right(`${figures}. A window of ${window} × ${window} sees mostly the same values after the shift.`);
}

/** Task 3: a good network from few images that does not know them by heart. */
export function judgeTraining({ settings, history }) {
  if (!history.length) return wrong("Train a network first.");
  if (settings.numImages > MAX_IMAGES) {
    return wrong(`It has seen ${settings.numImages} images; at most ${MAX_IMAGES} count.`);
  }
  const { training: { accuracy: training }, validation: { accuracy: validation } } = history.at(-1);
  const gap = training - validation;
  const figures = `Training ${share(training)}, validation ${share(validation)}`;
  if (validation <= MIN_ACCURACY) {
    const reason = gap > MAX_GAP
      ? "It knows its images by heart: more epochs alone will not help."
      : "It still learns: train on, or raise the learning rate.";
    return wrong(`${figures}: not more than ${share(MIN_ACCURACY)}. ${reason}`);
  }
  if (gap > MAX_GAP + 1e-9) {
    return wrong(`${figures}: good, yet the gap of ${points(gap)} shows overfitting; at most ` +
      `${points(MAX_GAP)} count. Inspect the curves: at which epoch was the gap small enough?`);
  }
  return right(`${figures}, a gap of ${points(gap)}, after ${history.length} epochs with ${settings.numImages} ` +
    "images. With 200 validation images, chance alone moves such an accuracy by about 3 points.");
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

const isNotZero = (value) => Math.abs(value) > TOLERANCE;

/** Return whether the cells are those of a preset, all multiplied by one number. */
function isMultiple(cells, preset) {
  if (cells.length !== preset.length) return false;
  const at = preset.findIndex((cell) => cell !== 0);
  const factor = cells[at] / preset[at];
  return cells.every((cell, i) => Math.abs(cell - factor * preset[i]) <= TOLERANCE * Math.abs(factor));
}

const format = (value) => (isNotZero(value) ? `${Number(value.toFixed(2))}`.replace("-", "−") : "0");

const share = (fraction) => `${(100 * fraction).toFixed(1)} %`;

const points = (fraction) => `${(100 * fraction).toFixed(1)} points`;
