// Playground: one network, one image, and the sections that change them.

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
import { startSoftmax } from "./softmax.js";
import { currentImage, hasChanges, onChange, openNetwork, probabilities, showImage, state, undoAll } from "./state.js";
import { listenForTabs, selectTab } from "./tabs.js";

const MAX_SIDE = 640; // as in ankleboot/data/preprocessing/decode.py
const MAX_BARS = 12; // further classes are left out
const INPUT_TABS = ["photo", "draw"];
const BOOT = "M8 3h15v18l13 7c4 2 5 5 5 9v4H8z"; // first image if there are no samples

/** Classify an ImageData of any size; label: index of its true class, if known. */
function classify(image, { label = null, isPhoto = false } = {}) {
  const { image_size: side, color, crop, fit } = state.network.info;
  const pixels = crop === "garment" ? garmentImage(image) : resize(image, side, color, fit);
  const values = Float32Array.from(pixels, (value) => value / 255);
  const needsSegmentation =
    isPhoto && crop === "garment" && !isDatasetImage(image) && !hasPlainBackground(image);
  byId("image-text").textContent = needsSegmentation
    ? "The background is not plain, and this page has no network for segmentation. Use " +
      "ankleboot predict, or the page of ankleboot export --format web."
    : "";
  showImage({ height: side, width: side, channels: color ? 3 : 1, values }, label);
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
  byId("network-text").textContent = `Opened ${file.name}.`;
  await showFirstImage();
}

/** Classify a sample, or a drawn boot if the network has other classes. */
async function showFirstImage() {
  const box = byId("samples");
  if (state.network.samples && !box.children.length) {
    await showSamples(box, classifySample).catch(() => {});
  }
  const boots = state.network.samples ? box.children[state.network.info.labels.length - 1] : null;
  const canvas = boots?.querySelector("canvas");
  if (canvas) classifySample(canvas);
  else classify(readPixels(drawBoot()));
}

function classifySample(canvas) {
  const index = [...byId("samples").children].findIndex((button) => button.contains(canvas));
  const label = index % state.network.info.labels.length; // samples cycle through the classes
  classify(readPixels(canvas), { label });
}

function drawBoot() {
  const canvas = byId("preview").cloneNode();
  canvas.width = canvas.height = 48;
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, 48, 48);
  context.fillStyle = "#654";
  context.fill(new Path2D(BOOT));
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
  byId("undo").addEventListener("click", undoAll);
  onChange((changed) => changed !== "selection" && showPrediction());
  startOverview();
  startConvolution();
  startPooling();
  startFilters();
  startSoftmax();
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => showImage(state.image, state.label)); // repaints the maps
}

try {
  const response = await fetch("network.json");
  if (!response.ok) throw new Error(`Cannot fetch network.json: status ${response.status}.`);
  open(parse(await response.text()));
  listen();
  await showFirstImage();
  document.body.dataset.ready = "yes";
} catch (error) {
  byId("prediction").textContent = byId("bar-prediction").textContent = "Cannot open the network";
  byId("confidence").textContent = String(error.message ?? error);
}
