// Training of a small network in the page: settings, learning curves, what it learned, and predictions.

import { keepInAddress, scheduleWrite } from "./address.js";
import { byId, make } from "./dom.js";
import { paintImage, paintMap } from "./feature_maps.js";
import { percent } from "./format.js";
import { computeLogits, KERNEL_SIDE, SIDE } from "./learner.js";
import { drawCurves } from "./learning_curves.js";
import { decodeLessonImages } from "./lesson_images.js";
import { softmax } from "./network.js";
import { currentImage, onChange } from "./state.js";
import { startRun, trainEpoch } from "./training_run.js";

const CHOICES = ["kind", "units", "rate", "dropout", "images", "seed"];
const UNITS = { convolution: "Filters", dense: "Hidden units" };
const LEARNED = {
  convolution: "The kernels, one for each filter", dense: "The weights of the hidden units",
  linear: "The weights of the classes",
};
const NUM_PREDICTIONS = 10; // the first validation image of each class
const MIN_LOSS_LIMIT = 2.5; // of the axis; guessing among ten classes gives ln 10 = 2.3
const MAX_LOSS_LIMIT = 5;
let images = null, labels = [], run = null;
let isTraining = false, isStopping = false;

export async function startTraining({ lesson, labels: names }) {
  labels = names;
  images = await decodeLessonImages(lesson);
  for (const name of [...CHOICES, "epochs"]) controlOf(name).dataset.default = controlOf(name).value;
  for (const name of CHOICES) controlOf(name).addEventListener("change", reset);
  controlOf("epochs").addEventListener("input", show);
  byId("train-start").addEventListener("click", startOrStop);
  byId("train-reset").addEventListener("click", reset);
  new ResizeObserver(showCurves).observe(byId("train-accuracy"));
  onChange((changed) => changed !== "selection" && run && showOwnImage());
  keepInAddress({ read, restore, isAlwaysKept: true });
  reset();
}

/** Return settings and history of the network as it is now. */
export function currentRun() {
  return run;
}

const controlOf = (name) => byId(`train-${name}`);

const numEpochs = () => Number(controlOf("epochs").value);

function settings() {
  const number = (name) => Number(controlOf(name).value);
  return {
    kind: controlOf("kind").value, units: number("units"), rate: number("rate"), dropout: number("dropout"),
    numImages: number("images"), seed: number("seed"),
  };
}

function read() {
  const changed = [...CHOICES, "epochs"].filter((name) => controlOf(name).value !== controlOf(name).dataset.default);
  const values = Object.fromEntries(changed.map((name) => [name, controlOf(name).value]));
  return { ...values, ...(run.history.length && { trained: run.history.length }) };
}

/** Restore the settings, and train as many epochs as the link says. */
function restore(values) {
  for (const name of CHOICES) {
    const known = [...controlOf(name).options].some(({ value }) => value === values[name]);
    controlOf(name).value = known ? values[name] : controlOf(name).dataset.default;
  }
  controlOf("epochs").value = values.epochs ?? controlOf("epochs").dataset.default;
  reset();
  const trained = Number(values.trained);
  if (trained > 0) train(Math.min(trained, Number(controlOf("epochs").max)));
}

function reset() {
  run = startRun(settings(), images);
  isTraining = isStopping = false;
  show();
}

function startOrStop() {
  if (isTraining) {
    isStopping = true; // after this epoch: a link names whole epochs
    byId("train-start").textContent = "Stopping …";
    return;
  }
  if (run.history.length > numEpochs()) reset();
  train(numEpochs());
}

async function train(until) {
  const current = run;
  isTraining = true;
  isStopping = false;
  show();
  while (current.history.length < until && !isStopping) {
    if (!(await trainEpoch(current, () => current !== run))) return; // the settings changed
    if (hasDiverged(current)) break;
    show();
  }
  isTraining = false;
  show();
  scheduleWrite();
}

function show() {
  const { history, settings: { kind } } = run;
  const hasResults = history.length > 0 && !hasDiverged(run);
  byId("train-start").textContent = isTraining ? "Stop" : nextStep(history.length, numEpochs());
  byId("train-start").disabled = !isTraining && history.length === numEpochs();
  byId("training").dataset.state = isTraining ? "training" : "idle";
  byId("train-epochs-out").textContent = numEpochs();
  byId("train-units-box").hidden = kind === "linear";
  byId("train-units-name").textContent = UNITS[kind] ?? "";
  byId("train-text").textContent = describe();
  showCurves();
  byId("train-results").hidden = !hasResults;
  if (!hasResults) return;
  showLearned();
  showPredictions();
  showOwnImage();
}

function nextStep(trained, wanted) {
  if (trained === 0) return "Train";
  if (trained === wanted) return "Trained";
  return trained < wanted ? "Train on" : "Train again";
}

const hasDiverged = ({ history }) => history.length > 0 && !Number.isFinite(history.at(-1).training.loss);

function describe() {
  const { history, layers, settings: { numImages } } = run;
  const numWeights = layers.flatMap(({ parameters }) => parameters).reduce((sum, { values }) => sum + values.length, 0);
  if (!history.length) return `${numWeights.toLocaleString("en")} weights, all random; ${numImages} training images.`;
  const last = history.at(-1);
  if (hasDiverged(run)) return "The loss is no number any more: the learning rate is too high.";
  return `After epoch ${history.length}: ${accuracyText(last.training)} of ${numImages} training images and ` +
    `${accuracyText(last.validation)} of ${images.validation.length} validation images are right.`;
}

const accuracyText = ({ accuracy }) => `${(100 * accuracy).toFixed(1)} %`;

function showCurves() {
  const { history } = run;
  const series = (name) => ({
    training: history.map(({ training }) => training[name]),
    validation: history.map(({ validation }) => validation[name]),
  });
  const axis = { numEpochs: Math.max(numEpochs(), history.length) };
  const losses = Object.values(series("loss")).flat().filter(Number.isFinite);
  const limit = Math.min(MAX_LOSS_LIMIT, Math.max(MIN_LOSS_LIMIT, ...losses.map(Math.ceil)));
  drawCurves(byId("train-accuracy"), series("accuracy"),
    { ...axis, limit: 1, format: (value) => `${Math.round(100 * value)} %` });
  drawCurves(byId("train-loss"), series("loss"), { ...axis, limit, format: (value) => value.toFixed(1) });
  const last = history.at(-1);
  byId("train-accuracy-text").textContent = last
    ? `Accuracy: training ${accuracyText(last.training)}, validation ${accuracyText(last.validation)}` : "Accuracy";
  byId("train-loss-text").textContent = last
    ? `Loss: training ${last.training.loss.toFixed(2)}, validation ${last.validation.loss.toFixed(2)}` : "Loss";
}

/** Show the weights that see the image: kernels, or an image of weights for each unit or class. */
function showLearned() {
  const { kind, units } = run.settings;
  const side = kind === "convolution" ? KERNEL_SIDE : SIDE;
  const [{ values }] = run.layers.find(({ parameters }) => parameters.length).parameters;
  byId("train-learned-title").textContent = LEARNED[kind];
  const number = kind === "linear" ? labels.length : units;
  byId("train-learned").replaceChildren(...Array.from({ length: number }, (_, i) => {
    const canvas = make("canvas");
    const part = values.subarray(i * side ** 2, (i + 1) * side ** 2);
    paintMap(canvas, { height: side, width: side, channels: 1, values: part }, 0);
    return make("li", {}, canvas, kind === "linear" ? labels[i] : `${i + 1}`);
  }));
}

function showPredictions() {
  byId("train-predictions").replaceChildren(...images.validation.slice(0, NUM_PREDICTIONS).map(({ pixels, label }) => {
    const { name, probability } = predict(pixels);
    const canvas = make("canvas");
    paintImage(canvas, { height: SIDE, width: SIDE, channels: 1, values: pixels });
    const isRight = name === labels[label];
    const verdict = make("span", { class: isRight ? "right" : "wrong" }, isRight ? `✓ ${name}` : `✗ ${name}`);
    const parts = [canvas, verdict, make("small", {}, percent(probability))];
    if (!isRight) parts.push(make("small", {}, `is: ${labels[label]}`));
    return make("li", {}, ...parts);
  }));
}

function predict(pixels) {
  const probs = softmax(computeLogits(run.layers, pixels));
  const predicted = probs.indexOf(Math.max(...probs));
  return { name: labels[predicted], probability: probs[predicted] };
}

/** Classify the image at the top of the page, if it has the size of the training images. */
function showOwnImage() {
  const { height, width, channels, values } = currentImage();
  const fits = height === SIDE && width === SIDE && channels === 1;
  if (!fits || !run.history.length || hasDiverged(run)) {
    byId("train-own").textContent = "";
    return;
  }
  const { name, probability } = predict(values);
  byId("train-own").textContent = `The image at the top of the page: ${name}, ${percent(probability)}.`;
}
