// Playground: one network, one image, and the sections that change them.

import { keepInAddress, scheduleWrite, startAddress, writeAddress } from "./address.js";
import { showBarChart } from "./bar_chart.js";
import { startConvolution } from "./convolution.js";
import { byId, readPixels } from "./dom.js";
import { listenForDrawing } from "./drawing_pad.js";
import { paintImage } from "./feature_maps.js";
import { startFilters } from "./filters.js";
import { percent, sortByProbability } from "./format.js";
import { drawScaled, listenForChoosing, listenForDropping, listenForPasting } from "./image_input.js";
import { parse } from "./network.js";
import { startOverview } from "./overview.js";
import { startPooling } from "./pooling.js";
import { garmentImage, hasPlainBackground, isDatasetImage, resize } from "./preprocessing.js";
import { showSamples } from "./sample_images.js";
import { startSavedEdits } from "./saved_edits.js";
import { startSections } from "./sections.js";
import { startSoftmax } from "./softmax.js";
import {
  currentImage, hasChanges, onChange, openNetwork, probabilities, replaceChanges, showImage, state,
} from "./state.js";
import { listenForTabs, selectTab } from "./tabs.js";
import { startTasks } from "./tasks.js";
import { startTraining } from "./training.js";

const MAX_SIDE = 640; // as in ankleboot/data/preprocessing/decode.py
const MAX_BARS = 12; // further classes are left out
const INPUT_TABS = ["photo", "draw"];
const MAX_KEPT_VALUES = 28 * 28; // of an own image in the address
const RING = "M24 6a18 18 0 1 0 .1 0z M24 16a8 8 0 1 0 .1 0z"; // first image if there are no samples
let ownNetwork = null; // that of the page, not of another network.json
let firstImage = null; // shown unless the address names another
let sample = null; // index of the shown sample

/** Classify an ImageData of any size, which may be a sample. */
function classify(image, { sampleIndex = null, isPhoto = false } = {}) {
  const { image_size: side, color, crop, fit } = state.network.info;
  const pixels = crop === "garment" ? garmentImage(image) : resize(image, side, color, fit);
  const values = Float32Array.from(pixels, (value) => value / 255);
  const needsSegmentation =
    isPhoto && crop === "garment" && !isDatasetImage(image) && !hasPlainBackground(image);
  byId("image-text").textContent = needsSegmentation
    ? "The background is not plain, and this page has no network for segmentation. Use " +
      "ankleboot predict, or the page of ankleboot export --format web."
    : "";
  show({ height: side, width: side, channels: color ? 3 : 1, values }, sampleIndex);
}

/** Show an image of the network's size. */
function show(image, sampleIndex) {
  sample = sampleIndex;
  [...byId("samples").children].forEach((button, i) => button.setAttribute("aria-pressed", i === sample));
  const { labels } = state.network.info;
  showImage(image, sample === null ? null : sample % labels.length); // samples cycle through the classes
}

function open(network) {
  openNetwork(network);
  const { info, layers, samples } = network;
  const sizes = `${info.image_size} × ${info.image_size} ${info.color ? "color" : "gray"} pixels`;
  byId("model-input-size").textContent = sizes;
  const convolutions = layers.filter(({ kind }) => kind === "convolution").length;
  const recipe = info.recipe ? `Recipe ${info.recipe}` : "Custom recipe";
  byId("about").textContent = `${recipe}: ${convolutions} convolutions, ` +
    `${info.parameters.toLocaleString("en")} parameters, ${info.labels.length} classes, ${sizes}.`;
  byId("trained").textContent = `Trained on “${info.data.replace(/\/$/, "")}”; fitted temperature ` +
    `${info.temperature.toFixed(2)}. The network assigns one of its classes to any image. ` +
    `Made with Ankleboot ${info.version}.`;
  byId("samples-box").hidden = !samples;
  for (const kind of ["clothes", "own"]) document.body.classList.toggle(kind, samples === (kind === "clothes"));
}

async function openNetworkFile(file) {
  let network;
  try {
    network = parse(await file.text());
  } catch (error) {
    byId("network-text").textContent = String(error.message ?? error);
    return;
  }
  open(network);
  byId("network-text").textContent = `Opened ${file.name}. A link to this page leaves it out.`;
  showFirstImage();
}

/** Classify a sample, or a drawn ring if the network has other classes. */
function showFirstImage() {
  const samples = state.network.samples ? byId("samples").querySelectorAll("canvas") : [];
  if (samples.length) classifySample(samples[state.network.info.labels.length - 1]);
  else {
    classify(readPixels(drawRing()));
    byId("image-text").textContent = "A drawn ring is shown until you choose an image.";
  }
  firstImage = state.image;
}

function classifySample(canvas) {
  const sampleIndex = [...byId("samples").children].findIndex((button) => button.contains(canvas));
  classify(readPixels(canvas), { sampleIndex });
}

/** Return the image and the selected tab for the address; a photo is too large for it. */
function readImage() {
  const values = byId("panel-draw").hidden ? {} : { tab: "draw" };
  if (state.image === firstImage) return values;
  if (sample !== null) return { ...values, sample };
  if (state.image.values.length > MAX_KEPT_VALUES) return values;
  const bytes = Array.from(state.image.values, (value) => Math.round(255 * value));
  const text = btoa(String.fromCharCode(...bytes));
  return { ...values, image: text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") };
}

/** Show the image of a link on the page's own network, before the other parts are restored. */
function restoreImage({ tab, sample: sampleText, image }) {
  if (state.network !== ownNetwork) open(ownNetwork);
  selectTab(INPUT_TABS, tab === "draw" ? "draw" : "photo");
  showFirstImage();
  const canvas = byId("samples").querySelectorAll("canvas")[Number(sampleText ?? NaN)];
  const values = image && decodeValues(image);
  if (canvas && state.network.samples) classifySample(canvas);
  else if (values?.length === state.image.values.length) show({ ...state.image, values }, null);
}

function decodeValues(text) {
  try {
    const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Float32Array.from(bytes, (byte) => byte.charCodeAt(0) / 255);
  } catch {
    return null; // not base64
  }
}

function drawRing() {
  const canvas = byId("preview").cloneNode();
  canvas.width = canvas.height = 48;
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, 48, 48);
  context.fillStyle = "#654";
  context.fill(new Path2D(RING), "evenodd");
  return canvas;
}

async function openFiles([file]) {
  if (/\.json$/i.test(file.name) || file.type === "application/json") return openNetworkFile(file);
  let bitmap;
  try {
    bitmap = await createImageBitmap(file); // applies the EXIF orientation
  } catch {
    byId("image-text").textContent = "This browser cannot read the image. Choose a PNG or JPEG file.";
    return;
  }
  const canvas = byId("preview");
  drawScaled(canvas, bitmap, MAX_SIDE);
  bitmap.close();
  canvas.hidden = false;
  byId("invitation").hidden = true;
  selectTab(INPUT_TABS, "photo");
  classify(readPixels(canvas), { isPhoto: true });
}

function showPrediction() {
  const { labels } = state.network.info;
  const original = probabilities(state.original), probs = probabilities(state.outputs);
  const before = original.indexOf(Math.max(...original));
  const predicted = probs ? probs.indexOf(Math.max(...probs)) : -1;
  const label = probs ? labels[predicted] : "No prediction";
  const confidence = probs ? percent(probs[predicted]) : "";
  for (const id of ["model-input", "bar-input"]) paintImage(byId(id), currentImage());
  byId("prediction").textContent = label;
  byId("confidence").textContent = probs ? `Confidence: ${confidence}` : "A layer gets an input of another size; see Pooling.";
  byId("bar-prediction").textContent = `${label} ${confidence}`;
  byId("bar-original").textContent = hasChanges() ? `as trained ${labels[before]} ${percent(original[before])}` : "";
  byId("undo").hidden = !hasChanges();
  const rows = labels.map((name, i) => [name, probs ? probs[i] : null]);
  const sorted = rows.length > MAX_BARS && probs ? sortByProbability(rows) : rows;
  showBarChart(byId("bars"), sorted.slice(0, MAX_BARS), label);
}

function listen() {
  listenForChoosing("choose", "file", openFiles);
  listenForChoosing("photograph", "camera", openFiles);
  listenForChoosing("open", "network-file", ([file]) => openNetworkFile(file));
  listenForDropping([byId("drop")], ({ files }) => files.length && openFiles([...files]));
  listenForPasting(openFiles);
  listenForTabs(INPUT_TABS);
  listenForDrawing(byId("pad"), byId("clear"), (pad) => classify(readPixels(pad)));
  byId("undo").addEventListener("click", () => replaceChanges({}, [0, 0]));
  byId("start-over").addEventListener("click", () => (location.hash = "#"));
  byId("copy-link").addEventListener("click", copyLink);
  startSections(scheduleWrite);
  onChange((changed) => changed !== "selection" && showPrediction());
  startOverview();
  startConvolution();
  startPooling();
  startFilters();
  startSoftmax();
  startTasks();
  onChange(scheduleWrite);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => showImage(state.image, state.label)); // repaints the maps
}

/** Copy the link, where the browser permits it: not on a page that came over HTTP from another computer. */
async function copyLink() {
  const link = writeAddress();
  try {
    await navigator.clipboard.writeText(link);
    byId("link-text").textContent = "Copied. The link holds everything that you have set.";
  } catch {
    byId("link-text").textContent = "Copy the address of this page: it holds everything that you have set.";
  }
}

try {
  const images = JSON.parse(byId("image-data").textContent);
  ownNetwork = parse(byId("network-data").textContent);
  if (images.samples) await showSamples(byId("samples"), classifySample, `data:image/png;base64,${images.samples}`);
  open(ownNetwork);
  keepInAddress({ read: readImage, restore: restoreImage });
  startSavedEdits();
  listen();
  await startTraining(images);
  startAddress(() => state.network === ownNetwork);
  document.body.dataset.ready = "yes";
} catch (error) {
  byId("prediction").textContent = byId("bar-prediction").textContent = "Cannot open the network";
  byId("confidence").textContent = String(error.message ?? error);
}
