// The user's changes of the network and the image in the address.

import { isIndex, keepInAddress, readList, writeList } from "./address.js";
import { blocksOf, currentLayer, filtersOf, replaceChanges, state } from "./state.js";

const MAX_SHIFT = 6; // pixels, as in index.html
const KEPT = ["max", "average", "first"];
const MAX_SIDE = 9; // of a pooling window, and of its stride

export function startSavedEdits() {
  keepInAddress({ read, restore });
}

function read() {
  const layers = Object.keys(state.edits).map(Number);
  const values = {
    shift: state.shift.some((pixels) => pixels !== 0) && writeList([state.shift]),
    kernel: writeList(layers.flatMap(changedCells)),
    pool: writeList(layers.filter(isPooling).map(poolingOf)),
    off: writeList(layers.filter((i) => state.edits[i].off).map((i) => [i, ...state.edits[i].off])),
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
}

const isPooling = (layer) => state.network.layers[layer]?.kind === "pooling";

const fieldsOf = ({ by, window, stride }) => ({ by, window, stride });

const poolingOf = (layer) => [layer, ...Object.values(fieldsOf(currentLayer(layer)))];

/** Return the changed cells of a layer's kernel: layer, index and value. */
function changedCells(layer) {
  const changed = state.edits[layer].kernel;
  if (!changed) return [];
  const { values } = state.network.layers[layer].kernel;
  return [...changed.values].flatMap((value, i) => (value === values[i] ? [] : [[layer, i, shortest(value)]]));
}

/** Write a 32-bit float with as few digits as identify it. */
function shortest(value) {
  for (let digits = 1; digits <= 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return `${text}`.replace("+", "");
  }
  return `${value}`;
}

function restore(values) {
  const edits = {};
  const change = (layer, fields) => (edits[layer] = { ...edits[layer], ...fields });
  for (const [layer, i, value] of readList(values.kernel)) {
    const learned = state.network.layers[layer]?.kernel;
    if (state.network.layers[layer]?.kind !== "convolution") continue;
    if (!isIndex(i, learned.values.length) || !Number.isFinite(value)) continue;
    if (!edits[layer]) change(layer, { kernel: { ...learned, values: learned.values.slice() } });
    edits[layer].kernel.values[i] = value;
  }
  for (const [layer, by, window, stride] of readList(values.pool)) {
    const areSizes = [window, stride].every((size) => isIndex(size - 1, MAX_SIDE));
    if (!isPooling(layer) || !KEPT.includes(by) || !areSizes) continue;
    const learned = state.network.layers[layer];
    change(layer, Object.fromEntries(Object.entries({ by, window, stride })
      .filter(([name, value]) => value !== learned[name])));
  }
  for (const [layer, ...filters] of readList(values.off)) {
    const block = blocksOf(state.network).find(({ last }) => last === layer);
    const known = filters.filter((filter) => block && isIndex(filter, filtersOf(block.conv)));
    if (known.length) change(layer, { off: new Set(known) });
  }
  const [shift = [0, 0]] = readList(values.shift);
  const isShift = shift.length === 2 && shift.every((pixels) => isIndex(pixels + MAX_SHIFT, 2 * MAX_SHIFT + 1));
  replaceChanges(edits, isShift ? shift : [0, 0]);
}
