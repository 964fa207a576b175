// Pooling: the value kept of each window, and the effect of shifting the image.

import { isIndex, keepInAddress, readList, writeList } from "./address.js";
import { byId, make } from "./dom.js";
import { formatNumber, listenForPixels, maxAbs, paintMap, setFrame, setOptions, showMatrix } from "./feature_maps.js";
import { percent } from "./format.js";
import { layerName, sizeOf } from "./labels.js";
import { forward, geometry } from "./network.js";
import { offerSection } from "./sections.js";
import { currentLayer, edit, inputOf, onChange, probabilities, shiftImage, state } from "./state.js";

const SIZES = [1, 2, 3, 4];
const KEPT = { max: "Maximum", average: "Mean", first: "First value" };
let layer = null, map = 0, position = [0, 0];

export function startPooling() {
  listenForPixels(byId("pool-out"), () => position, (x, y) => moveTo([x, y]));
  listenForPixels(byId("pool-in"), () => windowStart(position), (x, y) => moveTo(windowAt(x, y)));
  byId("pool-layer").addEventListener("change", (event) => {
    layer = Number(event.target.value);
    render("selection");
  });
  byId("pool-map").addEventListener("change", (event) => {
    map = Number(event.target.value);
    render("selection");
  });
  for (const name of ["by", "window", "stride"]) byId(`pool-${name}`).addEventListener("change", applyControls);
  for (const axis of ["x", "y"]) {
    byId(`shift-${axis}`).addEventListener("input", () => {
      shiftImage([byId("shift-x").valueAsNumber, byId("shift-y").valueAsNumber]);
    });
  }
  onChange(render);
  keepInAddress({ read, restore });
}

function read() {
  if (layer === undefined) return {};
  const values = {};
  const ordinal = poolings().indexOf(layer);
  if (ordinal || map) values.pooling = writeList([[ordinal, map]]);
  if (`${position}` !== `${center()}`) values.window = writeList([position]);
  return values;
}

function restore({ pooling, window }) {
  if (layer === undefined) return;
  const [[ordinal, index] = [0, 0]] = readList(pooling);
  layer = poolings()[ordinal] ?? poolings()[0];
  map = isIndex(index, inputOf(layer).channels) ? index : 0;
  const [[column, row] = []] = readList(window);
  position = isIndex(column, Infinity) && isIndex(row, Infinity) ? [column, row] : center();
  render("selection");
}

function applyControls({ target }) {
  const learned = state.network.layers[layer];
  const by = byId("pool-by").value;
  const sizeIn = (id) => Number(byId(id).value);
  let fields = { by, window: sizeIn("pool-window"), stride: sizeIn("pool-stride") };
  if (by === "none") fields = { by: "first", window: 1, stride: 1 };
  else if (target.id === "pool-by" && isIdentity(currentLayer(layer))) {
    fields = { ...fields, window: learned.window, stride: learned.stride };
  }
  for (const [name, value] of Object.entries(fields)) if (value === learned[name]) fields[name] = null;
  edit(layer, fields);
}

const isIdentity = ({ window, stride }) => window === 1 && stride === 1;

const poolings = () => state.network.layers.flatMap(({ kind }, i) => (kind === "pooling" ? [i] : []));

function render(changed) {
  const { network } = state;
  const layers = poolings();
  if (changed === "network" || !layers.includes(layer)) [layer, map, position] = [layers[0], 0, [0, 0]];
  offerSection("pooling", layer !== undefined);
  if (layer === undefined) return;
  setOptions(byId("pool-layer"), layers.map((i) => [i, layerName(network, i)]), layer);
  const { channels } = inputOf(layer);
  map = Math.min(map, channels - 1);
  setOptions(byId("pool-map"), Array.from({ length: channels }, (_, i) => [i, `${i + 1}`]), map);
  const now = currentLayer(layer);
  offerSizes(network.layers[layer]);
  byId("pool-by").value = isIdentity(now) ? "none" : now.by;
  for (const name of ["window", "stride"]) {
    byId(`pool-${name}`).value = String(now[name]);
    byId(`pool-${name}`).disabled = isIdentity(now);
  }
  ["x", "y"].forEach((axis, i) => {
    byId(`shift-${axis}`).value = state.shift[i];
    byId(`shift-${axis}-out`).textContent = `${formatNumber(state.shift[i]).replace(/\.0+$/, "")} px`;
  });
  if (changed === "image" || changed === "network") position = center();
  moveTo(position);
  showChanges();
}

/** Offer the usual windows and strides, and those of the trained network. */
function offerSizes({ window, stride }) {
  const all = [...new Set([...SIZES, window, stride])].sort((a, b) => a - b);
  setOptions(byId("pool-window"), all.map((size) => [size, `${size} × ${size}`]), window);
  setOptions(byId("pool-stride"), all.map((size) => [size, `${size}`]), stride);
}

const center = () => [state.outputs[layer].width >> 1, state.outputs[layer].height >> 1];

function moveTo([column, row]) {
  const out = state.outputs[layer];
  position = [Math.min(column, Math.max(0, out.width - 1)), Math.min(row, Math.max(0, out.height - 1))];
  show();
}

/** Return the first pixel of the window of an output pixel. */
function windowStart([column, row]) {
  const { window, stride, padding } = currentLayer(layer);
  const input = inputOf(layer);
  const left = column * stride - geometry(input.width, window, stride, padding).before;
  const top = row * stride - geometry(input.height, window, stride, padding).before;
  return [Math.max(0, left), Math.max(0, top)];
}

/** Return the output pixel whose window contains an input pixel. */
function windowAt(column, row) {
  const { window, stride, padding } = currentLayer(layer);
  const input = inputOf(layer);
  const { before } = geometry(input.width, window, stride, padding);
  return [Math.floor((column + before) / stride), Math.floor((row + before) / stride)];
}

function show() {
  const { window, stride, padding, by } = currentLayer(layer);
  const input = inputOf(layer), out = state.outputs[layer];
  paintMap(byId("pool-in"), input, map);
  paintMap(byId("pool-out"), out, map);
  byId("pool-in-text").textContent = `Before: ${input.height} × ${input.width}`;
  byId("pool-out-text").textContent = `After: ${out.height} × ${out.width}`;
  const left = position[0] * stride - geometry(input.width, window, stride, padding).before;
  const top = position[1] * stride - geometry(input.height, window, stride, padding).before;
  setFrame(byId("pool-in"), left, top, window, window);
  setFrame(byId("pool-out"), ...position, 1, 1);
  const values = [], outside = [];
  for (let i = 0; i < window * window; i++) {
    const y = top + Math.floor(i / window), x = left + (i % window);
    outside.push(y < 0 || x < 0 || y >= input.height || x >= input.width);
    values.push(outside[i] ? 0 : input.values[(y * input.width + x) * input.channels + map]);
  }
  showMatrix(byId("window"), values, maxAbs(values), (i) => outside[i]);
  const kept = out.values[(position[1] * out.width + position[0]) * out.channels + map] ?? NaN;
  const kind = isIdentity({ window, stride }) ? "Value" : KEPT[by];
  byId("pool-sum").textContent = `Row ${position[1] + 1}, column ${position[0] + 1}. ${kind}: ${formatNumber(kept)}.`;
}

/** Return the shift, and how much it changes the maps before and after the pooling, also the trained one. */
export function shiftEffect() {
  return {
    shift: state.shift,
    before: relativeChange(inputOf(layer, state.unshifted), inputOf(layer)),
    after: relativeChange(state.unshifted[layer], state.outputs[layer]),
    afterTrained: relativeChange(trainedMaps(state.unshifted), trainedMaps(state.outputs)),
    window: currentLayer(layer).window,
    stride: currentLayer(layer).stride,
    hasPrediction: probabilities(state.outputs) !== null,
  };
}

/** Compute the maps after the trained pooling. */
function trainedMaps(outputs) {
  const edits = { ...state.edits, [layer]: { off: state.edits[layer]?.off } };
  return forward(state.network, null, edits, layer, outputs)[layer];
}

function showChanges() {
  const { before, after } = shiftEffect();
  const body = byId("pool-changes");
  const cells = [["Maps before pooling", share(before)], ["Maps after pooling", share(after)]];
  const [unshifted, shifted] = [probabilities(state.unshifted), probabilities(state.outputs)];
  const largest = unshifted && Math.max(...unshifted);
  const change = unshifted && shifted
    ? `${percent(largest)} to ${percent(shifted[unshifted.indexOf(largest)])}` : "none";
  cells.push(["Probability of the predicted class", change]);
  const rowOf = ([name, text]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, text));
  body.replaceChildren(...cells.map(rowOf));
  byId("pool-text").textContent = describeSizes(shifted !== null);
}

const share = (fraction) => `${(100 * fraction).toFixed(1)} %`;

/** Return the summed absolute change of a layer's maps, relative to their summed absolute values. */
function relativeChange(from, to) {
  let difference = 0, size = 0;
  from.values.forEach((value, i) => {
    difference += Math.abs(to.values[i] - value);
    size += Math.abs(value);
  });
  return size ? difference / size : 0;
}

function describeSizes(isComplete) {
  if (isComplete) return "At 100 %, the change is as large as the maps themselves, summed over all pixels.";
  const dense = state.network.layers.findIndex(({ kind }) => kind === "dense");
  const expected = state.network.layers[dense].kernel.shape[0];
  const actual = sizeOf(state.outputs.at(-1));
  return `No prediction: the ${layerName(state.network, dense).toLowerCase()} has a weight for each of ` +
    `${expected.toLocaleString("en")} values and gets ${actual}. Such a network must be trained again.`;
}
