// Offline page: classifies images in the browser, with files of this folder only.

import { decide, isOfOneColor } from "./decision.js";
import { byId, readPixels } from "./dom.js";
import { listenForDrawing } from "./drawing_pad.js";
import { percent } from "./format.js";
import { judgedText, showSteps } from "./image_strip.js";
import { listenForDropping, listenForPasting } from "./image_input.js";
import { load, models, notLoaded, page, run } from "./models.js";
import { storeFirstFiles } from "./offline_storage.js";
import { similarityOf, squareImage } from "./ood_check.js";
import { showTitle } from "./page_title.js";
import { listenForPhotos, showPreview } from "./photo_card.js";
import { setStatus, showPrediction } from "./prediction_card.js";
import { cropAround, cutOutImage, garmentImage, hasPlainBackground, isDatasetImage, resize, SIZE } from "./preprocessing.js";
import { showGarmentSteps, showPixels } from "./preprocessing_steps.js";
import { showSamples } from "./sample_images.js";
import { failureOf, removeSpecks, separateGarments, toMask } from "./segmentation.js";
import { bringIntoView } from "./tabs.js";

const MAX_SIDE = 640; // as in ankleboot/data/preprocessing/decode.py

let latest = 0; // number of the newest image; results for older ones are dropped

/** Classify an image; show the prediction and the preprocessing. */
async function classify(image, { isPhoto = false, follow = true, request = ++latest } = {}) {
  const isDataset = isDatasetImage(image);
  const name = models.photo && isPhoto && !isDataset ? "photo" : "default";
  const canSegment = isPhoto && "segmentation" in models && !isDataset;
  const segments = canSegment && !hasPlainBackground(image);
  let result;
  try {
    const names = [name, ...(segments ? ["segmentation"] : []), ...(hasCheck(name) ? ["ood_features"] : [])];
    await loadModels(names, request);
    if (request !== latest) return;
    result = await predict(image, name, segments);
  } catch (error) {
    if (request === latest) showFailure("The model cannot run here", messageOf(error));
    return;
  }
  if (request !== latest) return;
  const info = models[name];
  showPrediction(result.prediction, {
    info,
    rejects: info.reject_labels.length > 0,
    milliseconds: result.milliseconds,
    isSorted: page.kind === "own",
  });
  if (canSegment) {
    const isFound = !(result.garment && failureOf(result.garment));
    const text = await describePreprocessing(result, name, isFound);
    if (request !== latest) return;
    showGarmentSteps(image, result, { info, isExpert: name !== "default", isFound, text });
  } else {
    showPixels(isPhoto && !isDataset ? image : null, result.input, info);
  }
  if (follow) bringIntoView(byId("result"));
}

/** Preprocess an image and run its model, as ankleboot/inference/predict.py does. */
async function predict(image, name, segments) {
  const started = performance.now();
  const info = models[name];
  const garment = segments
    ? removeSpecks(toMask(await run("segmentation", resizeFor("segmentation", image)))) : null;
  const small = "segmentation" in models ? garmentImage(image, garment && garment.mask) : null;
  const input = inputFor(name, image, garment && garment.mask, small);
  const prediction = await decideOn(input, garment, name, isOfOneColor(image.data, 4));
  prediction.garments = prediction.cause === "several"
    ? await predictGarments(image, garment, name) : [];
  return { garment, small, input, prediction, milliseconds: performance.now() - started };
}

/** Classify several garments one by one, as ankleboot/inference/garments.py does. */
async function predictGarments(image, garment, name) {
  const info = models[name];
  const garments = [];
  for (const { box, mask } of separateGarments(garment.mask)) {
    const small = info.crop === "garment" ? garmentImage(image, mask) : null;
    const input = inputFor(name, image, mask, small, cropAround(image, box));
    const { label, confidence, reason, cause } =
      await decideOn(input, null, name);
    garments.push({ box, label, confidence, reason, cause });
  }
  return garments;
}

/** Run a model, and its out-of-distribution check if it has one, on its input. */
async function decideOn(input, garment, name, isBlank = false) {
  const info = models[name];
  const probs = await run(name, input);
  if (!hasCheck(name)) return decide(input, garment, probs, info, { isBlank });
  const square = resizeFor("ood_features", squareImage(input, info.image_size));
  const features = await run("ood_features", square);
  const similarityTo = similarityOf(features, info.ood_check);
  return decide(input, garment, probs, info, { similarityTo, isBlank });
}

function hasCheck(name) {
  return "threshold" in models[name].ood_check;
}

/** Return a network's input; `whole` is the photo, or the part of it around the garment. */
function inputFor(name, image, mask, small, whole = image) {
  const { crop, image_size: side } = models[name];
  if (crop === "garment") return small;
  if (crop === "none") return resizeFor(name, whole);
  const cutOut = cutOutImage(image, mask, side);
  if (crop === "cut-out") return cutOut;
  const both = new Uint8Array(2 * cutOut.length);
  both.set(cutOut);
  both.set(resizeFor(name, whole), cutOut.length);
  return both;
}

function resizeFor(name, image) {
  const { image_size: side, color, fit } = models[name];
  return resize(image, side, color, fit);
}

async function describePreprocessing({ garment, small, prediction }, name, isFound) {
  const trimmed = garment === null
    ? "The background is plain: the garment was trimmed without segmentation. " : "";
  const isOne = isFound && prediction.garments.length === 0 && prediction.cause !== "unfamiliar";
  if (name === "default" || !isOne || small.every((value) => value === 0)) return trimmed;
  const { label, confidence } = decide(small, null, await run("default", small), models.default);
  const { image_size: side, crop } = models[name];
  return (
    `${trimmed}${judgedText(side, crop)}The model for Fashion-MNIST predicts ${label} ` +
    `(${percent(confidence)}) from the ${SIZE} × ${SIZE} pixels.`
  );
}

/** Wait for models; show a status while they are fetched. */
async function loadModels(names, request) {
  const missing = notLoaded(names);
  const all = Promise.all(names.map(load));
  if (missing.length && request === latest) {
    const bytes = missing.reduce((sum, name) => sum + models[name].bytes, 0);
    const what = missing.some((name) => name !== "default") ? "the models for photos" : "the model";
    setStatus("Loading …", `Fetching ${what}: ${(bytes / 1e6).toFixed(1)} MB, only once.`);
    showSteps([]);
  }
  await all;
  if (missing.length) storeFirstFiles();
  // lets the browser paint before the model blocks the page
  if (!document.hidden) await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

function showFailure(title, text) {
  setStatus(title, text);
  showSteps([]);
}

function messageOf(error) {
  return navigator.onLine === false
    ? "The model must be fetched once, and there is no network connection."
    : String(error.message ?? error);
}

async function classifyFile(file) {
  const request = ++latest;
  let bitmap;
  try {
    bitmap = await createImageBitmap(file); // applies the EXIF orientation
  } catch {
    if (request !== latest) return;
    showPreview(null); // it belongs to the previous image
    showFailure("This file is no image that the browser can read", file.name ?? "");
    return;
  }
  if (request !== latest) return;
  showPreview(bitmap, MAX_SIDE);
  bitmap.close();
  await classify(readPixels(byId("preview")), { isPhoto: true, request });
}

function listenForImages() {
  const handle = ([file]) => classifyFile(file);
  listenForPhotos(handle, prefetch);
  listenForDropping([byId("drop")], ({ files }) => files[0] && classifyFile(files[0]));
  listenForPasting(handle);
  // the page does not scroll between strokes
  listenForDrawing(byId("pad"), byId("clear"), (pad) => classify(readPixels(pad), { follow: false }));
}

/** Fetch all models while the user chooses a photo. */
function prefetch() {
  for (const name of Object.keys(models)) load(name).catch(() => {}); // `loadModels` reports failures
}

/** Fill in the parts of the page that depend on its models. */
function showModelInfo() {
  const { default: info, photo } = models;
  for (const element of document.querySelectorAll("[data-kind]")) {
    element.hidden = !element.dataset.kind.split(" ").includes(page.kind);
  }
  const values = {
    classes: info.labels.length.toLocaleString("en"),
    data: info.data.replace(/\/$/, ""),
    "reject-labels": photo ? photo.reject_labels.join(", ") : "",
  };
  for (const element of document.querySelectorAll("[data-fill]")) {
    element.textContent = values[element.dataset.fill];
  }
  if (photo && !photo.reject_labels.length) byId("rejects").hidden = true;
  const isClothes = page.kind !== "own";
  showTitle({ isClothes, data: info.data, labels: info.labels, model: info.recipe });
  byId("draw").hidden = info.crop !== "garment";
  byId("samples-box").hidden = !page.samples;
  byId("about").textContent =
    Object.values(models)
      .map(({ title, recipe, parameters }) =>
        `${title}: ${recipe ? `recipe ${recipe}` : "custom recipe"}, ` +
        `${parameters.toLocaleString("en")} parameters.`)
      .join(" ") + ` Made with Ankleboot ${info.version}.`;
}

byId("from-disk").remove(); // modules run, so a web server serves the page
showModelInfo();
listenForImages();
if (page.samples) {
  await showSamples(byId("samples"), (canvas) => {
    showPreview(null); // it belongs to the previous image
    classify(readPixels(canvas));
  });
}
// the model is ready, and the page stored, before the first image
load("default").then(storeFirstFiles, (error) => {
  if (latest === 0) showFailure("The model cannot run here", messageOf(error));
});
