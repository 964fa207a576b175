// The page: a network and a picture in, and what the playgrounds change of them out.

import { showBars } from "./bars.js";
import { hasPlainBackground, isImage, squeezed, toImage } from "./convert.js";
import { listenForConvolution } from "./convolution.js";
import { byId } from "./dom.js";
import { listenForDrawing } from "./draw.js";
import { listenForFilters } from "./filters.js";
import { byShare, percent } from "./format.js";
import { drawWithin, listenForChoosing, listenForDropping, listenForPasting } from "./input.js";
import { imageNow, isChanged, lab, onChange, openNetwork, probabilitiesOf, showImage, undoAll } from "./lab.js";
import { paintImage } from "./maps.js";
import { parse } from "./network.js";
import { listenForPooling } from "./pooling.js";
import { offerSamples } from "./samples.js";
import { listenForSoftmax } from "./softmax.js";
import { listenForTabs, select } from "./tabs.js";
import { showWay } from "./way.js";

const MAX_SIDE = 640; // as in ankleboot/photos/decode.py
const MOST_BARS = 12; // classes that are shown, where there are more
const WAYS = ["photo", "draw"];
const BOOT = "M8 3h15v18l13 7c4 2 5 5 5 9v4H8z"; // to begin with, where there are no samples

/** Show a picture (RGBA, of any size) to the network; a label is its true class. */
function show(picture, { label = null, isPhoto = false } = {}) {
  const { image_size: side, color, crop } = lab.network.info;
  const pixels = crop === "garment" ? toImage(picture) : squeezed(picture, side, color);
  const values = Float32Array.from(pixels, (value) => value / 255);
  const isUneven = isPhoto && crop === "garment" && !isImage(picture) && !hasPlainBackground(picture);
  byId("picture-words").textContent = isUneven
    ? "The background is not plain, so the garment cannot be trimmed well here; " +
      "ankleboot predict, and the page of export --format web, have a network for that."
    : "";
  showImage({ height: side, width: side, channels: color ? 3 : 1, values }, label);
}

function open(network) {
  openNetwork(network);
  const { info, layers, samples } = network;
  const sizes = `${info.image_size} × ${info.image_size} ${info.color ? "colored" : "grey"} pixels`;
  byId("seen-size").textContent = sizes;
  const convolutions = layers.filter(({ kind }) => kind === "convolution").length;
  byId("about").textContent = `Recipe ${info.recipe || "of its own"}: ${convolutions} convolutions, ` +
    `${info.parameters.toLocaleString("en")} parameters, ${info.labels.length} classes, ${sizes}.`;
  byId("trained").textContent = `Trained on “${info.data.replace(/\/$/, "")}”; its fitted temperature is ` +
    `${info.temperature.toFixed(2)}. Whatever it is shown, it names one of its classes. ` +
    `Made with Ankleboot ${info.version}.`;
  byId("samples-box").hidden = !samples;
}

async function openFile(file) {
  let network;
  try {
    network = parse(await file.text());
  } catch (error) {
    byId("network-words").textContent = String(error.message ?? error);
    return;
  }
  open(network);
  byId("network-words").textContent = `Opened ${file.name}.`;
  await begin();
}

/** A first picture: a sample, or a boot where the network knows other things. */
async function begin() {
  const box = byId("samples");
  if (lab.network.samples && !box.children.length) {
    await offerSamples(box, (canvas) => show(read(canvas), { label: labelOf(canvas) })).catch(() => {});
  }
  const boots = lab.network.samples ? box.children[lab.network.info.labels.length - 1] : null;
  const canvas = boots?.querySelector("canvas");
  if (canvas) show(read(canvas), { label: labelOf(canvas) });
  else show(read(drawnBoot()));
}

/** Samples take turns by class. */
function labelOf(canvas) {
  const place = [...byId("samples").children].findIndex((button) => button.contains(canvas));
  return place % lab.network.info.labels.length;
}

function drawnBoot() {
  const canvas = byId("preview").cloneNode();
  canvas.width = canvas.height = 48;
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, 48, 48);
  context.fillStyle = "#654";
  context.fill(new Path2D(BOOT));
  return canvas;
}

function read(canvas) {
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
}

async function take([file]) {
  if (/\.json$/i.test(file.name) || file.type === "application/json") return openFile(file);
  let bitmap;
  try {
    bitmap = await createImageBitmap(file); // turned as its camera was held
  } catch {
    byId("picture-words").textContent = "This is not a picture that the browser can open.";
    return;
  }
  const canvas = byId("preview");
  drawWithin(canvas, bitmap, MAX_SIDE);
  bitmap.close();
  canvas.hidden = false;
  byId("invitation").hidden = true;
  select(WAYS, "photo");
  show(read(canvas), { isPhoto: true });
}

function showAnswer() {
  const { labels } = lab.network.info;
  const plain = probabilitiesOf(lab.plain), now = probabilitiesOf(lab.outputs);
  const was = plain.indexOf(Math.max(...plain));
  const first = now ? now.indexOf(Math.max(...now)) : -1;
  const answer = now ? labels[first] : "No answer";
  const certainty = now ? percent(now[first]) : "";
  for (const id of ["seen", "bar-seen"]) paintImage(byId(id), imageNow());
  byId("answer").textContent = answer;
  byId("certainty").textContent = now ? `${certainty} sure` : "A layer gets what it was not made for; see Pooling.";
  byId("bar-answer").textContent = `${answer} ${certainty}`;
  byId("bar-was").textContent = isChanged() ? `as trained ${labels[was]} ${percent(plain[was])}` : "";
  byId("undo").hidden = !isChanged();
  const rows = labels.map((label, i) => [label, now ? now[i] : null]);
  const listed = rows.length > MOST_BARS && now ? byShare(rows).slice(0, MOST_BARS) : rows.slice(0, MOST_BARS);
  showBars(byId("bars"), listed, answer);
}

function listen() {
  listenForChoosing("choose", "file", take);
  listenForChoosing("photograph", "camera", take);
  listenForChoosing("open", "network-file", ([file]) => openFile(file));
  listenForDropping([byId("drop")], ({ files }) => files.length && take([...files]));
  listenForPasting(take);
  listenForTabs(WAYS);
  listenForDrawing(byId("pad"), byId("clear"), (pad) => show(read(pad)));
  byId("undo").addEventListener("click", undoAll);
  onChange((what) => what !== "look" && showAnswer());
  showWay();
  listenForConvolution();
  listenForPooling();
  listenForFilters();
  listenForSoftmax();
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => showImage(lab.image, lab.label)); // maps in the other paper's colors
}

try {
  const answer = await fetch("network.json");
  if (!answer.ok) throw new Error(`network.json cannot be had (${answer.status}).`);
  open(parse(await answer.text()));
  listen();
  await begin();
  document.body.dataset.ready = "yes";
} catch (error) {
  byId("answer").textContent = byId("bar-answer").textContent = "The network cannot be opened";
  byId("certainty").textContent = String(error.message ?? error);
}
