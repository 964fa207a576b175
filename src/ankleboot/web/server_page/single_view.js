// One image: the prediction of every model, and an explanation of the selected one's.

import { loadErrorText, send, toPrediction } from "./api_client.js";
import { byId, decodeBase64Image, readPixels } from "./dom.js";
import { listenForDrawing } from "./drawing_pad.js";
import { hideExplanation, showExplanation, showPendingSteps } from "./explanation.js";
import {
  selectedModel, setModelBusy, showModelError, showModelPrediction, showModels, showModelsFold,
} from "./model_comparison.js";
import { listenForPhotos, showPreview } from "./photo_card.js";
import { setStatus, showPrediction } from "./prediction_card.js";
import { garmentImage, isDatasetImage, SIZE } from "./preprocessing.js";
import { showSamples } from "./sample_images.js";
import { bringIntoView } from "./tabs.js";

const PREVIEW_SIDE = 640; // pixels
const DRAWING_PAUSE_MS = 350; // time without a stroke before a drawing is explained
const MAX_TRIES = 4;

let loading; // promise of `service`
let service; // response of /v1/model
let current = null; // the image and its predictions
let requests = new AbortController(); // aborts the requests about the current image

/** Take images from now on; `fetching` is a promise of the response of /v1/model. */
export function listenForOneImage(fetching) {
  loading = fetching;
  listenForPhotos(([file]) => classifyFile(file));
  listenForDrawing(byId("pad"), byId("clear"), classifyDrawing);
}

/** Show the models and the samples. */
export async function showSingleView(fetched) {
  service = fetched;
  showModels(service, showSelected);
  if (current === null) byId("result").hidden = true; // a status while the server started
  if (byId("samples-box").hidden) return;
  await showSamples(byId("samples"), classifySample).catch(() => (byId("samples-box").hidden = true));
}

/** Classify a file. The server reads some formats that the browser does not. */
export async function classifyFile(file) {
  const item = begin({ blob: file });
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (item !== current) return;
  showPreview(bitmap, PREVIEW_SIDE);
  if (bitmap !== null) {
    bitmap.close();
    item.photo = byId("preview");
    if (isDatasetImage(readPixels(item.photo))) item.image = item.photo;
  }
  await classify(item);
}

/** Classify an image of the data set. */
async function classifySample(canvas) {
  const item = begin({ image: canvas, photo: canvas });
  canvas.parentElement.setAttribute("aria-pressed", true);
  showPreview(null); // it belongs to the previous image
  item.blob = await toPng(canvas);
  if (item === current) await classify(item);
}

/** Classify a drawing, converted to an image of the data set. */
async function classifyDrawing(pad) {
  const canvas = document.createElement("canvas");
  const item = begin({ image: canvas, photo: canvas, follow: false, pauseMs: DRAWING_PAUSE_MS });
  canvas.width = canvas.height = SIZE;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(SIZE, SIZE);
  garmentImage(readPixels(pad)).forEach((value, i) => pixels.data.set([value, value, value, 255], 4 * i));
  context.putImageData(pixels, 0, 0);
  item.blob = await toPng(canvas);
  if (item === current) await classify(item);
}

/** Start a new image; results about the previous one are dropped. */
function begin(options) {
  requests.abort();
  requests = new AbortController();
  current = { follow: true, pauseMs: 0, image: null, photo: null, results: new Map(), ...options };
  byId("result").classList.add("busy");
  byId("explanation-status").textContent = "";
  for (const sample of byId("samples").children) sample.removeAttribute("aria-pressed");
  return current;
}

/** Show why the models cannot be had. */
export function showLoadError(error) {
  byId("result").classList.remove("busy");
  setStatus("Not ready", loadErrorText(error));
}

async function classify(item) {
  try {
    await loading;
  } catch (error) {
    showLoadError(error);
    return;
  }
  if (item !== current) return;
  for (const { name } of service.models) setModelBusy(name);
  const all = service.models.map((model) => predict(item, model));
  await all[service.models.indexOf(selectedModel())];
  if (item !== current) return;
  if (item.follow) bringIntoView(byId("result"));
  await Promise.all(all); // predictions come before the slower explanation
  if (item.pauseMs) await new Promise((resolve) => setTimeout(resolve, item.pauseMs));
  await explain(item);
}

async function predict(item, model) {
  const started = performance.now();
  let result;
  try {
    const { predictions } = await send("predict", model.name, item.blob, requestOptions(item, model));
    result = { prediction: toPrediction(predictions[0]), milliseconds: performance.now() - started };
  } catch (error) {
    result = { error };
  }
  if (item !== current) return;
  item.results.set(model, result);
  showModelsFold([...item.results.values()].some(({ prediction }) => prediction));
  if (result.error) showModelError(model.name, result.error);
  else showModelPrediction(model.name, result.prediction, infoFor(item, model));
  if (model === selectedModel()) showResult(item, model);
}

function requestOptions(item, model) {
  const waiting = (message) => {
    if (item === current && model === selectedModel()) setStatus("Waiting …", message);
  };
  const downscaled = () => (item.isDownscaled = true);
  return { limits: service.limits, signal: requests.signal, tries: MAX_TRIES, waiting, downscaled };
}

function showResult(item, model) {
  const { prediction, error, milliseconds } = item.results.get(model);
  byId("result").classList.remove("busy");
  setExplaining(!error); // the explanation still shows the image before
  if (error) {
    byId("explanation-status").textContent = ""; // of another model
    const { name } = item.blob; // of a file
    setStatus("No prediction", name && error.isAboutImage ? `${name}: ${error.message}` : error.message);
    hideExplanation();
    return;
  }
  const info = infoFor(item, model);
  const isSorted = document.body.classList.contains("own");
  const name = service.models.length > 1 ? model.name : null;
  showPrediction(prediction, { info, rejects: info.declined.length > 0, milliseconds, isSorted, name });
  if (item.isDownscaled) {
    byId("timing").textContent += " The server cannot take this image; a smaller copy was sent.";
  }
  showPendingSteps(item, model, prediction.garments);
}

/** Return the metadata of the model in use; some models have a second one for photos. */
function infoFor(item, model) {
  return item.image || !model.photo ? model : model.photo;
}

/** Show the newly selected model's result for the current image. */
async function showSelected() {
  const item = current;
  const model = selectedModel();
  if (!item?.results.has(model)) return; // `predict` shows it later
  showResult(item, model);
  await explain(item);
}

async function explain(item) {
  const model = selectedModel();
  const result = item.results.get(model);
  const isCurrent = () => item === current && model === selectedModel();
  if (!isCurrent() || !result?.prediction) return;
  const status = byId("explanation-status");
  let explanation;
  if (!result.isExplained) status.textContent = "Explaining …";
  try {
    result.explanation ??= send("explain", model.name, item.blob, requestOptions(item, model));
    explanation = await result.explanation;
    result.isExplained = true;
  } catch (error) {
    result.explanation = null; // the next selection tries again
    if (!isCurrent()) return;
    hideExplanation();
    setExplaining(false);
    status.textContent = `No explanation: ${error.message}`;
    return;
  }
  if (!isCurrent()) return;
  if (!(await showExplanation(explanation, model, isCurrent))) return;
  status.textContent = "";
  setExplaining(false);
  if (!item.photo) await showServersPreview(explanation);
}

function setExplaining(isExplaining) {
  byId("panel-single").classList.toggle("explaining", isExplaining);
}

/** Show the server's copy of an image that the browser cannot read. */
async function showServersPreview({ steps: [photo] }) {
  showPreview(await decodeBase64Image(photo.png), PREVIEW_SIDE);
}

function toPng(canvas) {
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
