// Convolution: a patch, a kernel, their products and their sum at any position of a map.

import { isIndex, keepInAddress, readList, writeList } from "./address.js";
import { byId, make } from "./dom.js";
import {
  cellsOf, formatNumber, listenForPixels, maxAbs, paintMap, setCellColor, setFrame, setOptions, showMatrix,
  signedColors,
} from "./feature_maps.js";
import { kernelPreset, PRESETS } from "./kernel_presets.js";
import { inputName, layerName, seesImage } from "./labels.js";
import { geometry } from "./network.js";
import { blocksOf, currentLayer, edit, filtersOf, inputOf, onChange, selectFilter, state } from "./state.js";

const STEP_MS = 140; // interval of the animation
let position = null; // column and row on the filter's map
let channel = 0; // input map of the filter
let animation = null;

export function startConvolution() {
  listenForPixels(byId("conv-out"), () => position, (x, y) => moveTo([x, y]));
  listenForPixels(byId("conv-in"), () => patchCenter(position), (x, y) => moveTo(clamp(...patchAt(x, y))));
  byId("conv-layer").addEventListener("change", (event) => choose(Number(event.target.value), 0));
  byId("conv-filter").addEventListener("change", (event) => choose(state.conv, Number(event.target.value)));
  byId("conv-input").addEventListener("change", (event) => {
    channel = Number(event.target.value);
    showDetails();
  });
  byId("gallery-layer").addEventListener("change", showGallery);
  byId("conv-play").addEventListener("click", () => (animation === null ? startAnimation() : stopAnimation()));
  for (const name of Object.keys(PRESETS)) addPreset(name, () => kernelPreset(name, kernelSide()));
  addPreset("As trained", null);
  onChange(render);
  keepInAddress({ read, restore });
}

function read() {
  const ordinal = blocksOf(state.network).findIndex(({ conv }) => conv === state.conv);
  const values = {};
  if (ordinal || state.filter) values.conv = writeList([[ordinal, state.filter]]);
  if (channel) values.input = channel;
  const stage = Number(byId("gallery-layer").value) - state.conv;
  if (stage) values.maps = stage;
  if (`${position}` !== `${largestPosition()}`) values.at = writeList([position]);
  return values;
}

function restore({ conv, input, maps, at }) {
  stopAnimation();
  const [[ordinal, filter] = [0, 0]] = readList(conv);
  const block = blocksOf(state.network)[ordinal] ?? blocksOf(state.network)[0];
  const [[column, row] = []] = readList(at);
  position = Number.isInteger(column) && Number.isInteger(row) ? [column, row] : null;
  channel = Number(input) || 0;
  selectFilter(block.conv, isIndex(filter, filtersOf(block.conv)) ? filter : 0);
  const stage = isIndex(Number(maps), block.last - block.conv + 1) ? Number(maps) : 0;
  byId("gallery-layer").value = `${block.conv + stage}`;
  showGallery();
}

function choose(conv, filter) {
  stopAnimation();
  if (conv !== state.conv) position = null;
  selectFilter(conv, filter);
}

function addPreset(name, cells) {
  const button = make("button", { "data-preset": name }, name);
  button.addEventListener("click", () => {
    if (cells === null) edit(state.conv, { kernel: null });
    else setKernel(cells());
  });
  byId("presets").append(button);
}

/** Return the shown kernel of the selected filter, and whether its input is the image. */
export function selectedKernel() {
  const { shape, values } = currentLayer(state.conv).kernel;
  const cells = Array.from({ length: shape[0] * shape[1] }, (_, i) =>
    values[(i * shape[2] + channel) * shape[3] + state.filter]);
  return { cells, seesImage: seesImage(state.network, state.conv) };
}

const kernelSide = () => currentLayer(state.conv).kernel.shape[0];

function clamp(column, row) {
  const { width, height } = state.outputs[state.conv];
  return [column, row].map((value, i) => Math.max(0, Math.min(value, [width, height][i] - 1)));
}

/** Return the stride, and the padding before the map. */
function patchGeometry() {
  const { padding, stride } = state.network.layers[state.conv];
  return { stride, before: geometry(inputOf(state.conv).width, kernelSide(), stride, padding).before };
}

/** Return the center of a patch on the input map. */
function patchCenter(output) {
  const { stride, before } = patchGeometry();
  return output.map((value) => value * stride - before + (kernelSide() >> 1));
}

/** Return the patch whose center is nearest to a pixel of the input map. */
function patchAt(...pixel) {
  const { stride, before } = patchGeometry();
  return pixel.map((value) => Math.round((value + before - (kernelSide() >> 1)) / stride));
}

function moveTo(next) {
  position = next;
  showDetails();
}

function startAnimation() {
  byId("conv-play").setAttribute("aria-pressed", "true");
  animation = setInterval(() => {
    const { width, height } = state.outputs[state.conv];
    const next = (position[1] * width + position[0] + 1) % (width * height);
    moveTo([next % width, Math.floor(next / width)]);
  }, STEP_MS);
}

function stopAnimation() {
  clearInterval(animation);
  animation = null;
  byId("conv-play").setAttribute("aria-pressed", "false");
}

function render(changed) {
  const { network, conv, filter } = state;
  if (changed === "network" || changed === "image") position = null;
  const convs = blocksOf(network).map((block) => block.conv);
  setOptions(byId("conv-layer"), convs.map((i) => [i, layerName(network, i)]), conv);
  const filters = Array.from({ length: filtersOf(conv) }, (_, i) => [i, `${i + 1}`]);
  setOptions(byId("conv-filter"), filters, filter);
  const { kernel } = network.layers[conv];
  if (!isIndex(channel, kernel.shape[2])) channel = 0;
  const inputs = Array.from({ length: kernel.shape[2] }, (_, i) => [i, inputName(network, conv, i)]);
  setOptions(byId("conv-input"), inputs, channel);
  byId("conv-input-box").hidden = kernel.shape[2] === 1;
  for (const button of byId("presets").children) {
    const { preset } = button.dataset;
    button.disabled = preset in PRESETS && kernelPreset(preset, kernel.shape[0]) === null;
  }
  position ??= largestPosition();
  position = clamp(...position);
  showDetails();
  showStages();
  showGallery();
}

/** Return the position of the largest absolute value on the filter's map. */
function largestPosition() {
  const { width, channels, values } = state.outputs[state.conv];
  let best = 0;
  for (let i = 0; i < values.length / channels; i++) {
    const size = (pixel) => Math.abs(values[pixel * channels + state.filter]);
    if (size(i) > size(best)) best = i;
  }
  return [best % width, Math.floor(best / width)];
}

function showDetails() {
  const { network, conv, filter, outputs } = state;
  const input = inputOf(conv);
  const out = outputs[conv];
  paintMap(byId("conv-in"), input, channel, seesImage(network, conv));
  paintMap(byId("conv-out"), out, filter);
  byId("conv-in-text").textContent = `Input: ${inputName(network, conv, channel)}, ${input.height}\u00a0×\u00a0${input.width}`;
  byId("conv-out-text").textContent = `Filter ${filter + 1}: ${out.height} × ${out.width}`;
  const { patch, kernel, products, isOutside, side } = patchDetails(input, currentLayer(conv));
  const [column, row] = position;
  const { stride, before } = patchGeometry();
  setFrame(byId("conv-in"), column * stride - before, row * stride - before, side, side);
  setFrame(byId("conv-out"), column, row, 1, 1);
  showMatrix(byId("patch"), patch, maxAbs(patch), isOutside);
  showMatrix(byId("products"), products, maxAbs(products));
  showKernel(kernel);
  showSum(products, out);
}

function patchDetails(input, layer) {
  const [side] = layer.kernel.shape;
  const { stride, before } = patchGeometry();
  const [column, row] = position;
  const patch = [], outside = [], kernel = selectedKernel().cells;
  for (let i = 0; i < side * side; i++) {
    const y = row * stride + Math.floor(i / side) - before;
    const x = column * stride + (i % side) - before;
    const isOutside = y < 0 || x < 0 || y >= input.height || x >= input.width;
    outside.push(isOutside);
    patch.push(isOutside ? 0 : input.values[(y * input.width + x) * input.channels + channel]);
  }
  const products = patch.map((value, i) => value * kernel[i]);
  return { patch, kernel, products, side, isOutside: (i) => outside[i] };
}

function showSum(products, out) {
  const { network, conv, filter } = state;
  const { kernel: { shape }, bias } = network.layers[conv];
  const [column, row] = position;
  const total = out.values[(row * out.width + column) * out.channels + filter];
  const sum = products.reduce((a, b) => a + b, 0);
  const offset = bias.values[filter];
  const rest = total - sum - offset;
  const parts = [`Sum of the ${products.length} products: ${formatNumber(sum)}`];
  if (shape[2] > 1) parts.push(`${shape[2] - 1} other input maps: ${formatNumber(rest)}`);
  if (offset !== 0) parts.push(`bias ${formatNumber(offset)}`);
  const end = parts.length > 1 ? `; total ${formatNumber(total)}` : "";
  byId("conv-sum").textContent = `Row ${row + 1}, column ${column + 1}. ${parts.join(", ")}${end}.`;
}

function showKernel(kernel) {
  const cells = cellsOf(byId("kernel"), kernel.length, () => {
    const input = make("input", { type: "number", step: "0.1" });
    input.addEventListener("input", readKernel);
    return input;
  });
  const color = signedColors(maxAbs(kernel));
  const side = Math.sqrt(kernel.length);
  cells.forEach((cell, i) => {
    cell.setAttribute("aria-label", `Kernel, row ${Math.floor(i / side) + 1}, column ${(i % side) + 1}`);
    // the cell being edited keeps its text
    if (cell !== document.activeElement || !cell.dataset.typed) cell.value = kernel[i].toFixed(2);
    delete cell.dataset.typed;
    setCellColor(cell, kernel[i], color);
  });
}

function readKernel(event) {
  event.target.dataset.typed = "yes";
  const cells = [...byId("kernel").children].map((cell) => cell.valueAsNumber);
  if (cells.every(Number.isFinite)) setKernel(cells, event.target);
}

/** Replace the kernel of the selected filter and input map. */
function setKernel(cells, typed = null) {
  const { shape, values } = currentLayer(state.conv).kernel;
  const next = values.slice();
  const inputs = [...byId("kernel").children];
  cells.forEach((value, i) => {
    if (typed && inputs[i] !== typed) return; // the other cells show rounded values
    next[(i * shape[2] + channel) * shape[3] + state.filter] = value;
  });
  edit(state.conv, { kernel: { shape, values: next } });
}

/** Offer the layers that the gallery can show: the convolution and those up to the next one. */
function showStages() {
  const { conv, last } = blocksOf(state.network).find((block) => block.conv === state.conv);
  const stages = [];
  for (let i = conv; i <= last; i++) stages.push([i, layerName(state.network, i)]);
  const menu = byId("gallery-layer");
  const selected = Number(menu.value);
  setOptions(menu, stages, selected > conv && selected <= last ? selected : conv);
}

function showGallery() {
  const layer = Number(byId("gallery-layer").value);
  const maps = state.outputs[layer];
  byId("gallery-title").textContent = `All ${maps.channels} maps of ${layerName(state.network, state.conv)}`;
  const box = byId("gallery");
  fillGallery(box, maps, (i) => choose(state.conv, i));
  [...box.children].forEach((button, i) => {
    button.setAttribute("aria-pressed", i === state.filter);
    button.setAttribute("aria-label", `Filter ${i + 1}`);
  });
}

/** Fill a box with a button for each map. */
export function fillGallery(box, maps, chosen) {
  if (box.children.length !== maps.channels) {
    box.replaceChildren(...Array.from({ length: maps.channels }, (_, i) => {
      const button = make("button", {}, make("canvas"), make("span", {}, `${i + 1}`));
      button.addEventListener("click", () => chosen(i));
      return button;
    }));
  }
  [...box.children].forEach((button, i) => paintMap(button.querySelector("canvas"), maps, i));
}
