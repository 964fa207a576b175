// Offline page: classifies images in the browser, with files of this folder only.

import { decide } from "./decision.js";
import { byId, readPixels } from "./dom.js";
import { listenForDrawing } from "./drawing_pad.js";
import { percent } from "./format.js";
import { drawScaled, listenForChoosing, listenForDropping, listenForPasting } from "./image_input.js";
import { load, models, notLoaded, page, run } from "./models.js";
import { setStatus, showModelInput, showPrediction } from "./prediction_card.js";
import { garmentImage, hasPlainBackground, isDatasetImage, resize, SIZE } from "./preprocessing.js";
import { showPreprocessing, toImageData } from "./preprocessing_steps.js";
import { showSamples } from "./sample_images.js";
import { failureOf, removeSpecks, toMask } from "./segmentation.js";
import { bringIntoView, listenForTabs, selectTab } from "./tabs.js";

const MAX_SIDE = 640; // as in ankleboot/data/preprocessing/decode.py
const INPUT_TABS = ["photo", "draw"];

let latest = 0; // number of the newest image; results for older ones are dropped

/** Classify an image; show the prediction and the preprocessing. */
async function classify(image, { isPhoto = false, follow = true, request = ++latest } = {}) {
  const isDataset = isDatasetImage(image);
  const name = models.photo && isPhoto && !isDataset ? "photo" : "default";
  const canSegment = isPhoto && "segmentation" in models && !isDataset;
  const segments = canSegment && !hasPlainBackground(image);
  let result;
  try {
    await loadModels(segments ? ["segmentation", name] : [name], request);
    if (request !== latest) return;
    result = await predict(image, name, segments);
  } catch (error) {
    if (request === latest) setStatus("The model cannot run here", messageOf(error));
    return;
  }
  if (request !== latest) return;
  const info = models[name];
  showModelInput(toImageData(result.input, { width: info.image_size, height: info.image_size }));
  showPrediction(result.prediction, {
    info,
    rejects: info.reject_labels.length > 0,
    milliseconds: result.milliseconds,
    isSorted: page.kind === "own",
  });
  byId("steps").hidden = !canSegment;
  if (canSegment) {
    const isFound = !(result.garment && failureOf(result.garment));
    showPreprocessing(byId("steps-list"), image, result.garment, isFound, result.small);
    const text = await describePreprocessing(result, name, isFound);
    if (request !== latest) return;
    byId("steps-text").textContent = text;
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
  const input = info.crop === "garment" ? small : resizeFor(name, image);
  const prediction = decide(input, garment, await run(name, input), info);
  return { garment, small, input, prediction, milliseconds: performance.now() - started };
}

function resizeFor(name, image) {
  const { image_size: side, color, fit } = models[name];
  return resize(image, side, color, fit);
}

async function describePreprocessing({ garment, small }, name, isFound) {
  const trimmed = garment === null
    ? "The background is plain: the garment was trimmed without segmentation. " : "";
  if (name === "default" || !isFound || small.every((value) => value === 0)) return trimmed;
  const { label, confidence } = decide(small, null, await run("default", small), models.default);
  return (
    `${trimmed}The prediction above comes from the photograph itself. The model for Fashion-MNIST ` +
    `predicts ${label} (${percent(confidence)}) from the ${SIZE} × ${SIZE} pixels.`
  );
}

/** Wait for models; show a status while they are fetched. */
async function loadModels(names, request) {
  const missing = notLoaded(names);
  const all = Promise.all(names.map(load));
  if (missing.length && request === latest) {
    const bytes = missing.reduce((sum, name) => sum + models[name].bytes, 0);
    const what = missing.some((name) => name !== "default") ? "the models for photographs" : "the model";
    setStatus("Loading …", `Fetching ${what}: ${(bytes / 1e6).toFixed(1)} MB, only once.`);
    byId("steps").hidden = true;
  }
  await all;
  if (missing.length) storeForOffline();
  // lets the browser paint before the model blocks the page
  if (!document.hidden) await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
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
    setStatus("This browser cannot read the image", file.name ?? "");
    byId("steps").hidden = true;
    return;
  }
  if (request !== latest) return;
  const canvas = byId("preview");
  drawScaled(canvas, bitmap, MAX_SIDE);
  bitmap.close();
  canvas.hidden = false;
  byId("invitation").hidden = true;
  selectTab(INPUT_TABS, "photo");
  await classify(readPixels(canvas), { isPhoto: true, request });
}

function listenForImages() {
  const handle = ([file]) => classifyFile(file);
  listenForChoosing("choose", "file", handle, prefetch);
  listenForChoosing("photograph", "camera", handle, prefetch);
  listenForDropping([byId("drop")], ({ files }) => files[0] && classifyFile(files[0]));
  listenForPasting(handle);
  listenForTabs(INPUT_TABS);
  // the page does not scroll between strokes
  listenForDrawing(byId("pad"), byId("clear"), (pad) => classify(readPixels(pad), { follow: false }));
}

/** Fetch all models while the user chooses a photograph. */
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
    size: `${info.image_size} × ${info.image_size}`,
    color: info.color ? "color" : "gray",
    data: info.data.replace(/\/$/, ""),
    "reject-labels": photo ? photo.reject_labels.join(", ") : "",
  };
  for (const element of document.querySelectorAll("[data-fill]")) {
    element.textContent = values[element.dataset.fill];
  }
  if (photo && !photo.reject_labels.length) byId("rejects").hidden = true;
  if (page.kind === "own") document.title = "Ankleboot: image classifier";
  document.body.classList.add(page.kind);
  document.querySelector(".tabs").hidden = info.crop !== "garment";
  byId("samples-box").hidden = !page.samples;
  byId("about").textContent =
    Object.values(models)
      .map(({ title, recipe, parameters }) =>
        `${title}: ${recipe ? `recipe ${recipe}` : "custom recipe"}, ` +
        `${parameters.toLocaleString("en")} parameters.`)
      .join(" ") + ` Made with Ankleboot ${info.version}.`;
  setStatus("Loading …", `Fetching the model: ${(info.bytes / 1e6).toFixed(1)} MB.`, info.labels);
}

/** Cache the files loaded so far; service_worker.js uses them when there is no network. */
async function storeForOffline() {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  const here = new URL("./", location.href).href;
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  const own = new Set([here, ...loaded.filter((address) => address.startsWith(here))]);
  try {
    await navigator.serviceWorker.register("service_worker.js");
    const cache = await caches.open("ankleboot");
    for (const address of own) if (!(await cache.match(address))) await cache.add(address);
    document.body.dataset.offline = "ready";
  } catch (error) {
    console.warn("The page could not be stored for offline use:", error);
  }
}

showModelInfo();
listenForImages();
const firstSample = page.samples
  ? readPixels(await showSamples(byId("samples"), (canvas) => classify(readPixels(canvas))))
  : null;
if (latest === 0 && firstSample) {
  await classify(firstSample, { follow: false, request: 0 });
} else if (latest === 0) {
  await loadModels(["default"], 0).then(
    () => latest || setStatus("Choose an image", `The model knows ${models.default.labels.length} classes.`),
    (error) => latest || setStatus("The model cannot run here", messageOf(error)),
  );
}
