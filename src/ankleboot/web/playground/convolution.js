// The convolution's playground: a patch, a kernel, their products and their sum, anywhere on a map.

import { byId, make } from "./dom.js";
import { blocksOf, edit, filtersOf, inputOf, lab, layerNow, look, onChange } from "./lab.js";
import { cellsOf, extent, figure, listenForPixels, mark, offer, paintMap, showMatrix, signed, tint } from "./maps.js";
import { inputName, layerName, seesPicture } from "./names.js";
import { geometry } from "./network.js";
import { fitted, PRESETS } from "./presets.js";

const PACE = 140; // milliseconds a step of the walk
let place = null; // of the filter's map: column, row
let channel = 0; // of what is below the filter
let walk = null;

export function listenForConvolution() {
  listenForPixels(byId("conv-out"), () => place, (x, y) => goTo([x, y]));
  listenForPixels(byId("conv-in"), () => centreOf(place), (x, y) => goTo(within(...patchAround(x, y))));
  byId("conv-layer").addEventListener("change", (event) => choose(Number(event.target.value), 0));
  byId("conv-filter").addEventListener("change", (event) => choose(lab.conv, Number(event.target.value)));
  byId("conv-input").addEventListener("change", (event) => {
    channel = Number(event.target.value);
    showDetails();
  });
  byId("gallery-layer").addEventListener("change", showGallery);
  byId("conv-play").addEventListener("click", () => (walk === null ? startWalk() : stopWalk()));
  for (const name of Object.keys(PRESETS)) addPreset(name, () => fitted(name, sideNow()));
  addPreset("As trained", null);
  onChange(render);
}

function choose(conv, filter) {
  stopWalk();
  if (conv !== lab.conv) place = null;
  look(conv, filter);
}

function addPreset(name, cells) {
  const button = make("button", { "data-preset": name }, name);
  button.addEventListener("click", () => {
    if (cells === null) edit(lab.conv, { kernel: null });
    else putKernel(cells());
  });
  byId("presets").append(button);
}

const sideNow = () => layerNow(lab.conv).kernel.shape[0];

function within(column, row) {
  const { width, height } = lab.outputs[lab.conv];
  return [column, row].map((at, i) => Math.max(0, Math.min(at, [width, height][i] - 1)));
}

/** How far the first patch begins before the map, and from one patch to the next. */
function steps() {
  const { padding, stride } = lab.network.layers[lab.conv];
  return { stride, before: geometry(inputOf(lab.conv).width, sideNow(), stride, padding).before };
}

/** The middle of a patch, on the map below. */
function centreOf(at) {
  const { stride, before } = steps();
  return at.map((one) => one * stride - before + (sideNow() >> 1));
}

/** The patch that has a pixel of the map below nearest to its middle. */
function patchAround(...pixel) {
  const { stride, before } = steps();
  return pixel.map((one) => Math.round((one + before - (sideNow() >> 1)) / stride));
}

function goTo(next) {
  place = next;
  showDetails();
}

function startWalk() {
  byId("conv-play").setAttribute("aria-pressed", "true");
  walk = setInterval(() => {
    const { width, height } = lab.outputs[lab.conv];
    const next = (place[1] * width + place[0] + 1) % (width * height);
    goTo([next % width, Math.floor(next / width)]);
  }, PACE);
}

function stopWalk() {
  clearInterval(walk);
  walk = null;
  byId("conv-play").setAttribute("aria-pressed", "false");
}

function render(what) {
  const { network, conv, filter } = lab;
  if (what === "network" || what === "image") place = null;
  const convs = blocksOf(network).map((block) => block.conv);
  offer(byId("conv-layer"), convs.map((i) => [i, layerName(network, i)]), conv);
  const filters = Array.from({ length: filtersOf(conv) }, (_, i) => [i, `${i + 1}`]);
  offer(byId("conv-filter"), filters, filter);
  const { kernel } = network.layers[conv];
  channel = Math.min(channel, kernel.shape[2] - 1);
  const inputs = Array.from({ length: kernel.shape[2] }, (_, i) => [i, inputName(network, conv, i)]);
  offer(byId("conv-input"), inputs, channel);
  byId("conv-input-box").hidden = kernel.shape[2] === 1;
  for (const button of byId("presets").children) {
    const { preset } = button.dataset;
    button.disabled = preset in PRESETS && fitted(preset, kernel.shape[0]) === null;
  }
  place ??= brightest();
  place = within(...place);
  showDetails();
  offerStages();
  showGallery();
}

/** Where the filter's map is furthest from zero. */
function brightest() {
  const { width, channels, values } = lab.outputs[lab.conv];
  let best = 0;
  for (let i = 0; i < values.length / channels; i++) {
    const size = (at) => Math.abs(values[at * channels + lab.filter]);
    if (size(i) > size(best)) best = i;
  }
  return [best % width, Math.floor(best / width)];
}

function showDetails() {
  const { network, conv, filter, outputs } = lab;
  const below = inputOf(conv);
  const out = outputs[conv];
  paintMap(byId("conv-in"), below, channel, seesPicture(network, conv));
  paintMap(byId("conv-out"), out, filter);
  byId("conv-in-words").textContent = `Below: ${inputName(network, conv, channel)}, ${below.height} × ${below.width}`;
  byId("conv-out-words").textContent = `Filter ${filter + 1}: ${out.height} × ${out.width}`;
  const { patch, kernel, products, isOutside, side } = detailsAt(below, layerNow(conv));
  const [column, row] = place;
  const { stride, before } = steps();
  mark(byId("conv-in"), column * stride - before, row * stride - before, side, side);
  mark(byId("conv-out"), column, row, 1, 1);
  showMatrix(byId("patch"), patch, extent(patch), isOutside);
  showMatrix(byId("products"), products, extent(products));
  showKernel(kernel);
  showSum(products, out);
}

function detailsAt(below, layer) {
  const { shape, values } = layer.kernel;
  const [side, , channels, filters] = shape;
  const { stride, before } = steps();
  const [column, row] = place;
  const patch = [], kernel = [], outside = [];
  for (let i = 0; i < side * side; i++) {
    const y = row * stride + Math.floor(i / side) - before;
    const x = column * stride + (i % side) - before;
    const isOutside = y < 0 || x < 0 || y >= below.height || x >= below.width;
    outside.push(isOutside);
    patch.push(isOutside ? 0 : below.values[(y * below.width + x) * below.channels + channel]);
    kernel.push(values[(i * channels + channel) * filters + lab.filter]);
  }
  const products = patch.map((value, i) => value * kernel[i]);
  return { patch, kernel, products, side, isOutside: (i) => outside[i] };
}

function showSum(products, out) {
  const { network, conv, filter } = lab;
  const { kernel: { shape }, bias } = network.layers[conv];
  const [column, row] = place;
  const all = out.values[(row * out.width + column) * out.channels + filter];
  const here = products.reduce((a, b) => a + b, 0);
  const added = bias.values[filter];
  const rest = all - here - added;
  const parts = [`Sum of the ${products.length} products: ${figure(here)}`];
  if (shape[2] > 1) parts.push(`of the ${shape[2] - 1} other maps below: ${figure(rest)}`);
  if (added !== 0) parts.push(`bias ${figure(added)}`);
  const total = parts.length > 1 ? `; together ${figure(all)}` : "";
  byId("conv-sum").textContent = `Row ${row + 1}, column ${column + 1}. ${parts.join(", ")}${total}.`;
}

function showKernel(kernel) {
  const cells = cellsOf(byId("kernel"), kernel.length, () => {
    const input = make("input", { type: "number", step: "0.1" });
    input.addEventListener("input", readKernel);
    return input;
  });
  const color = signed(extent(kernel));
  const side = Math.sqrt(kernel.length);
  cells.forEach((cell, i) => {
    cell.setAttribute("aria-label", `Kernel, row ${Math.floor(i / side) + 1}, column ${(i % side) + 1}`);
    // whoever types is not interrupted
    if (cell !== document.activeElement || !cell.dataset.typed) cell.value = kernel[i].toFixed(2);
    delete cell.dataset.typed;
    tint(cell, kernel[i], color);
  });
}

function readKernel(event) {
  event.target.dataset.typed = "yes";
  const cells = [...byId("kernel").children].map((cell) => cell.valueAsNumber);
  if (cells.every(Number.isFinite)) putKernel(cells, event.target);
}

/** Put cells in for the chosen filter and the chosen map below it. */
function putKernel(cells, typed = null) {
  const { shape, values } = layerNow(lab.conv).kernel;
  const next = values.slice();
  const all = [...byId("kernel").children];
  cells.forEach((value, i) => {
    if (typed && all[i] !== typed) return; // the others are shown rounded
    next[(i * shape[2] + channel) * shape[3] + lab.filter] = value;
  });
  edit(lab.conv, { kernel: { shape, values: next } });
}

/** The layers whose maps the gallery can show: the convolution and what follows it. */
function offerStages() {
  const { conv, last } = blocksOf(lab.network).find((block) => block.conv === lab.conv);
  const stages = [];
  for (let i = conv; i <= last; i++) stages.push([i, layerName(lab.network, i)]);
  const select = byId("gallery-layer");
  const now = Number(select.value);
  offer(select, stages, now > conv && now <= last ? now : conv);
}

function showGallery() {
  const layer = Number(byId("gallery-layer").value);
  const maps = lab.outputs[layer];
  byId("gallery-title").textContent = `All ${maps.channels} maps of ${layerName(lab.network, lab.conv)}`;
  const box = byId("gallery");
  fillGallery(box, maps, (i) => {
    choose(lab.conv, i);
  });
  [...box.children].forEach((button, i) => {
    button.setAttribute("aria-pressed", i === lab.filter);
    button.setAttribute("aria-label", `Filter ${i + 1}`);
  });
}

/** A button with a picture for every map. */
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
