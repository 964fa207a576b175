// One image: the prediction of every model, and an explanation of the selected one's.

import { acceptedClasses } from "./about.js";
import { send, toPrediction } from "./api_client.js";
import { listenForCamera } from "./camera.js";
import { byId, decodeBase64Image, readPixels } from "./dom.js";
import { listenForDrawing } from "./drawing_pad.js";
import { hideExplanation, showExplanation } from "./explanation.js";
import { drawScaled, listenForChoosing } from "./image_input.js";
import { selectedModel, setModelBusy, showModelError, showModelPrediction, showModels } from "./model_comparison.js";
import { setStatus, showModelInput, showPrediction } from "./prediction_card.js";
import { garmentImage, isDatasetImage, SIZE } from "./preprocessing.js";
import { showSamples } from "./sample_images.js";
import { bringIntoView, listenForTabs, selectTab } from "./tabs.js";

const INPUT_TABS = ["photo", "draw"];
const PREVIEW_SIDE = 640; // pixels
const DRAWING_PAUSE_MS = 350; // time without a stroke before a drawing is explained
const MAX_TRIES = 4;

let service; // response of /v1/model
let current = null; // the image and its predictions
let requests = new AbortController(); // aborts the requests about the current image

/** Connect the section and classify a first sample. */
export async function startSingleView(fetched) {
  service = fetched;
  showModels(service, showSelected);
  listenForChoosing("choose", "file", ([file]) => classifyFile(file));
  byId("camera").addEventListener("change", ({ target }) => {
    if (target.files[0]) classifyFile(target.files[0]);
    target.value = ""; // allows choosing the same file again
  });
  listenForCamera("photograph", classifyFile);
  listenForTabs(INPUT_TABS);
  listenForDrawing(byId("pad"), byId("clear"), classifyDrawing);
  const [first] = service.models;
  const invite = () => setStatus("Choose an image", `The model knows ${first.classes.length} classes.`);
  setStatus("Loading …", "", acceptedClasses(first));
  if (byId("samples-box").hidden) {
    invite();
    return;
  }
  const sample = await showSamples(byId("samples"), (canvas) => classifySample(canvas)).catch(() => null);
  byId("samples-box").hidden = sample === null;
  if (current !== null) return;
  if (sample === null) invite();
  else await classifySample(sample, { follow: false });
}

/** Classify a file. The server reads some formats that the browser does not. */
export async function classifyFile(file) {
  const item = begin({ blob: file });
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (item !== current) return;
  const canvas = byId("preview");
  if (bitmap !== null) {
    drawScaled(canvas, bitmap, PREVIEW_SIDE);
    bitmap.close();
    if (isDatasetImage(readPixels(canvas))) item.image = canvas;
  }
  canvas.hidden = bitmap === null;
  byId("invitation").hidden = bitmap !== null;
  item.hasPreview = bitmap !== null;
  selectTab(INPUT_TABS, "photo");
  await classify(item);
}

/** Classify an image of the data set. */
async function classifySample(canvas, { follow = true } = {}) {
  const item = begin({ image: canvas, hasPreview: true, follow });
  canvas.parentElement.setAttribute("aria-pressed", true);
  byId("preview").hidden = true; // it belongs to the previous image
  byId("invitation").hidden = false;
  item.blob = await toPng(canvas);
  if (item === current) await classify(item);
}

/** Classify a drawing, converted to an image of the data set. */
async function classifyDrawing(pad) {
  const canvas = document.createElement("canvas");
  const item = begin({ image: canvas, hasPreview: true, follow: false, pauseMs: DRAWING_PAUSE_MS });
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
  current = { follow: true, pauseMs: 0, image: null, results: new Map(), ...options };
  byId("result").classList.add("busy");
  byId("explanation-status").textContent = "";
  for (const sample of byId("samples").children) sample.removeAttribute("aria-pressed");
  return current;
}

async function classify(item) {
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
  if (error) {
    setStatus("No prediction", error.message, acceptedClasses(model));
    hideExplanation();
    return;
  }
  const info = infoFor(item, model);
  const isSorted = document.body.classList.contains("own");
  showPrediction(prediction, { info, rejects: info.declined.length > 0, milliseconds, isSorted });
  if (item.isDownscaled) {
    byId("timing").textContent += " The server cannot take this image; a smaller copy was sent.";
  }
  if (item.image && model.crop === "garment") showModelInput(item.image);
  else reserveModelInput();
}

/** Return the metadata of the model in use; some models have a second one for photographs. */
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
  if (!result.explanation) {
    status.textContent = "Explaining …";
    byId("panel-single").classList.add("explaining");
    try {
      result.explanation = await send("explain", model.name, item.blob, requestOptions(item, model));
    } catch (error) {
      if (!isCurrent()) return;
      hideExplanation();
      byId("panel-single").classList.remove("explaining");
      if (!item.image) byId("model-input-box").hidden = true;
      status.textContent = `No explanation: ${error.message}`;
      return;
    }
  }
  if (!isCurrent()) return;
  const input = await showExplanation(result.explanation, model, isCurrent);
  if (input === null) return;
  status.textContent = "";
  byId("panel-single").classList.remove("explaining");
  showModelInput(input);
  if (!item.hasPreview) await showPreview(result.explanation);
}

/** Show the server's copy of an image that the browser cannot read. */
async function showPreview({ steps: [photo] }) {
  drawScaled(byId("preview"), await decodeBase64Image(photo.png), PREVIEW_SIDE);
  byId("preview").hidden = false;
  byId("invitation").hidden = true;
}

/** Reserve space for the network's input, which arrives with the explanation. */
function reserveModelInput() {
  byId("model-input").width = byId("model-input").height = SIZE;
  byId("model-input").setAttribute("aria-label", "");
  byId("model-input-size").textContent = "\u00a0";
  byId("model-input-box").hidden = false;
}

function toPng(canvas) {
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
