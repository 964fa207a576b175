// State of the playground: network, image, the user's changes, and the outputs.

import { zeros, forward, isComplete, softmax } from "./network.js";

const listeners = [];

/**
 * image: maps with values in [0, 1]; label: index of its true class, or null; shift: columns and rows.
 * edits: changed fields by the index of the layer. outputs: of every layer; original: without edits
 * and shift; unshifted: with edits, without shift. conv, filter: the selected convolution and filter.
 */
export const state = {
  network: null, image: null, label: null, shift: [0, 0], edits: {},
  outputs: [], original: [], unshifted: [], filter: 0, conv: 0,
};

/** Register a listener for changes of the "network", "image", "edits" or "selection". */
export function onChange(listener) {
  listeners.push(listener);
}

export function openNetwork(network) {
  const first = blocksOf(network)[0];
  Object.assign(state, { network, edits: {}, shift: [0, 0], filter: 0, conv: first.conv });
}

export function showImage(image, label = null) {
  Object.assign(state, { image, label });
  compute("image");
}

/** Change fields of a layer; null restores a trained value. */
export function edit(layer, fields) {
  const changed = { ...state.edits[layer], ...fields };
  for (const [name, value] of Object.entries(changed)) if (value === null) delete changed[name];
  if (Object.keys(changed).length) state.edits[layer] = changed;
  else delete state.edits[layer];
  compute("edits");
}

export function shiftImage(shift) {
  state.shift = shift;
  compute("edits");
}

/** Replace all changes of layers, and the shift. */
export function replaceChanges(edits, shift) {
  Object.assign(state, { edits, shift });
  compute("edits");
}

export function hasChanges() {
  return state.shift.some((pixels) => pixels !== 0) || Object.keys(state.edits).length > 0;
}

/** Select a filter of a convolution. */
export function selectFilter(conv, filter) {
  Object.assign(state, { conv, filter: Math.min(filter, filtersOf(conv) - 1) });
  notify("selection");
}

function compute(changed) {
  const { network, image, edits } = state;
  if (changed !== "edits") state.original = forward(network, image);
  state.unshifted = Object.keys(edits).length ? forward(network, image, edits) : state.original;
  const isUnshifted = state.shift.every((pixels) => pixels === 0);
  state.outputs = isUnshifted ? state.unshifted : forward(network, shifted(image, state.shift), edits);
  notify(changed);
}

function notify(changed) {
  for (const listener of listeners) listener(changed);
}

/** Return the model's probabilities, or null if the outputs do not reach the last layer. */
export function probabilities(outputs) {
  if (!isComplete(state.network, outputs)) return null;
  return softmax(outputs.at(-1).values, state.network.info.temperature);
}

/** Return the shifted image. */
export function currentImage() {
  return shifted(state.image, state.shift);
}

/** Return the input of a layer: the outputs of the previous one, or the image. */
export function inputOf(layer, outputs = state.outputs) {
  return layer === 0 ? currentImage() : outputs[layer - 1];
}

export function filtersOf(conv) {
  return state.network.layers[conv].kernel.shape[3];
}

/** Return a layer with its edits. */
export function currentLayer(index) {
  return { ...state.network.layers[index], ...state.edits[index] };
}

/** Return the convolutions, each with the last layer before the next one or before flattening. */
export function blocksOf({ layers }) {
  const end = layers.findIndex(({ kind }) => kind === "flatten");
  const convs = layers.flatMap(({ kind }, i) => (kind === "convolution" ? [i] : []));
  return convs.map((conv, i) => ({ conv, last: (convs[i + 1] ?? end) - 1 }));
}

/** Shift an image; pixels that move in are 0. */
function shifted(image, [across, down]) {
  if (across === 0 && down === 0) return image;
  const { height, width, channels, values } = image;
  const out = zeros(height, width, channels);
  for (let y = Math.max(0, down); y < Math.min(height, height + down); y++) {
    for (let x = Math.max(0, across); x < Math.min(width, width + across); x++) {
      const from = ((y - down) * width + x - across) * channels;
      for (let c = 0; c < channels; c++) out.values[(y * width + x) * channels + c] = values[from + c];
    }
  }
  return out;
}
