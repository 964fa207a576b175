// The pooling's playground: what of a window is kept, and what moving the picture changes.

import { byId, make } from "./dom.js";
import { edit, inputOf, lab, layerNow, move, onChange, probabilitiesOf } from "./lab.js";
import { extent, figure, listenForPixels, mark, offer, paintMap, showMatrix } from "./maps.js";
import { layerName, sizeOf } from "./names.js";
import { geometry } from "./network.js";
import { percent } from "./format.js";

const SIZES = [1, 2, 3, 4];
const WORDS = { max: "The largest", average: "The mean", first: "The first" };
let layer = null, map = 0, place = [0, 0];

export function listenForPooling() {
  const now = () => place;
  listenForPixels(byId("pool-out"), now, (x, y) => goTo([x, y]));
  listenForPixels(byId("pool-in"), () => toInput(place), (x, y) => goTo(fromInput(x, y)));
  byId("pool-layer").addEventListener("change", (event) => {
    layer = Number(event.target.value);
    render("look");
  });
  byId("pool-map").addEventListener("change", (event) => {
    map = Number(event.target.value);
    render("look");
  });
  for (const name of ["by", "window", "stride"]) byId(`pool-${name}`).addEventListener("change", read);
  for (const axis of ["x", "y"]) {
    byId(`shift-${axis}`).addEventListener("input", () => {
      move([byId("shift-x").valueAsNumber, byId("shift-y").valueAsNumber]);
    });
  }
  onChange(render);
}

function read({ target }) {
  const learned = lab.network.layers[layer];
  const wanted = byId("pool-by").value;
  const sizeIn = (id) => Number(byId(id).value);
  let fields = { by: wanted, window: sizeIn("pool-window"), stride: sizeIn("pool-stride") };
  if (wanted === "none") fields = { by: "first", window: 1, stride: 1 };
  else if (target.id === "pool-by" && isNone(layerNow(layer))) {
    fields = { ...fields, window: learned.window, stride: learned.stride };
  }
  for (const [name, value] of Object.entries(fields)) if (value === learned[name]) fields[name] = null;
  edit(layer, fields);
}

const isNone = ({ window, stride }) => window === 1 && stride === 1;

const poolings = () => lab.network.layers.flatMap(({ kind }, i) => (kind === "pooling" ? [i] : []));

function render(what) {
  const { network } = lab;
  const layers = poolings();
  if (what === "network" || !layers.includes(layer)) [layer, map, place] = [layers[0], 0, [0, 0]];
  byId("pooling").hidden = byId("to-pooling").hidden = layer === undefined;
  if (layer === undefined) return;
  offer(byId("pool-layer"), layers.map((i) => [i, layerName(network, i)]), layer);
  const { channels } = inputOf(layer);
  map = Math.min(map, channels - 1);
  offer(byId("pool-map"), Array.from({ length: channels }, (_, i) => [i, `${i + 1}`]), map);
  const now = layerNow(layer);
  offerSizes(network.layers[layer]);
  byId("pool-by").value = isNone(now) ? "none" : now.by;
  for (const name of ["window", "stride"]) {
    byId(`pool-${name}`).value = String(now[name]);
    byId(`pool-${name}`).disabled = isNone(now);
  }
  ["x", "y"].forEach((axis, i) => {
    byId(`shift-${axis}`).value = lab.shift[i];
    byId(`shift-${axis}-out`).textContent = `${figure(lab.shift[i]).replace(/\.0+$/, "")} px`;
  });
  if (what === "image" || what === "network") place = middle();
  goTo(place);
  showChanges();
}

/** The usual windows and strides, and those that were learned with. */
function offerSizes({ window, stride }) {
  const all = [...new Set([...SIZES, window, stride])].sort((a, b) => a - b);
  offer(byId("pool-window"), all.map((size) => [size, `${size} × ${size}`]), window);
  offer(byId("pool-stride"), all.map((size) => [size, `${size}`]), stride);
}

const middle = () => [lab.outputs[layer].width >> 1, lab.outputs[layer].height >> 1];

function goTo([column, row]) {
  const out = lab.outputs[layer];
  place = [Math.min(column, Math.max(0, out.width - 1)), Math.min(row, Math.max(0, out.height - 1))];
  show();
}

/** The first pixel of a pooled pixel's window. */
function toInput([column, row]) {
  const { window, stride, padding } = layerNow(layer);
  const below = inputOf(layer);
  const left = column * stride - geometry(below.width, window, stride, padding).before;
  const top = row * stride - geometry(below.height, window, stride, padding).before;
  return [Math.max(0, left), Math.max(0, top)];
}

/** The pooled pixel whose window has a pixel. */
function fromInput(column, row) {
  const { window, stride, padding } = layerNow(layer);
  const below = inputOf(layer);
  const { before } = geometry(below.width, window, stride, padding);
  return [Math.floor((column + before) / stride), Math.floor((row + before) / stride)];
}

function show() {
  const { window, stride, padding, by } = layerNow(layer);
  const below = inputOf(layer), out = lab.outputs[layer];
  paintMap(byId("pool-in"), below, map);
  paintMap(byId("pool-out"), out, map);
  byId("pool-in-words").textContent = `Before: ${below.height} × ${below.width}`;
  byId("pool-out-words").textContent = `After: ${out.height} × ${out.width}`;
  const left = place[0] * stride - geometry(below.width, window, stride, padding).before;
  const top = place[1] * stride - geometry(below.height, window, stride, padding).before;
  mark(byId("pool-in"), left, top, window, window);
  mark(byId("pool-out"), ...place, 1, 1);
  const values = [], outside = [];
  for (let i = 0; i < window * window; i++) {
    const y = top + Math.floor(i / window), x = left + (i % window);
    outside.push(y < 0 || x < 0 || y >= below.height || x >= below.width);
    values.push(outside[i] ? 0 : below.values[(y * below.width + x) * below.channels + map]);
  }
  showMatrix(byId("window"), values, extent(values), (i) => outside[i]);
  const kept = out.values[(place[1] * out.width + place[0]) * out.channels + map] ?? NaN;
  const what = isNone({ window, stride }) ? "The value itself" : WORDS[by];
  byId("pool-sum").textContent = `Row ${place[1] + 1}, column ${place[0] + 1}. ${what}: ${figure(kept)}.`;
}

function showChanges() {
  const before = [inputOf(layer, lab.still), inputOf(layer, lab.outputs)];
  const after = [lab.still[layer], lab.outputs[layer]];
  const rows = [["The maps before pooling", ...before], ["The maps after pooling", ...after]];
  const body = byId("pool-changes");
  const cells = rows.map(([name, from, to]) => [name, percent(change(from, to))]);
  const [still, now] = [probabilitiesOf(lab.still), probabilitiesOf(lab.outputs)];
  const most = still && Math.max(...still);
  const answers = still && now ? `${percent(most)} to ${percent(now[still.indexOf(most)])}` : "none";
  cells.push(["The answer’s probability", answers]);
  const rowOf = ([name, words]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, words));
  body.replaceChildren(...cells.map(rowOf));
  byId("pool-words").textContent = wordsOnFit(now !== null);
}

/** How much of all maps of a layer is another, as a share of their size. */
function change(from, to) {
  let difference = 0, size = 0;
  from.values.forEach((value, i) => {
    difference += Math.abs(to.values[i] - value);
    size += Math.abs(value);
  });
  return size ? difference / size : 0;
}

function wordsOnFit(isWhole) {
  if (isWhole) {
    return "A change of 100 % would be as large as the maps themselves, pixel by pixel over all of the layer.";
  }
  const dense = lab.network.layers.findIndex(({ kind }) => kind === "dense");
  const wanted = lab.network.layers[dense].kernel.shape[0];
  const got = sizeOf(lab.outputs.at(-1));
  return `There is no answer now: the layer behind the maps (${layerName(lab.network, dense).toLowerCase()}) ` +
    `has learned a weight for each of ${wanted.toLocaleString("en")} values and is given ${got}. ` +
    "Such a network must be trained anew.";
}
