// What is being played with: a network, an image, what was changed of them, and what comes out.

import { blank, forward, isWhole, softmax } from "./network.js";

const listeners = [];

/**
 * image: maps with values in [0, 1]; label: its true class or null. edits: of a layer's number to
 * what was changed of it. outputs: of every layer; plain: without edits and shift; still: with
 * edits, without shift.
 */
export const lab = {
  network: null, image: null, label: null, shift: [0, 0], edits: {},
  outputs: [], plain: [], still: [], filter: 0, conv: 0,
};

/** Be called after every change; `what` is "network", "image" or "edits". */
export function onChange(listener) {
  listeners.push(listener);
}

export function openNetwork(network) {
  const first = blocksOf(network)[0];
  Object.assign(lab, { network, edits: {}, shift: [0, 0], filter: 0, conv: first.conv });
}

export function showImage(image, label = null) {
  Object.assign(lab, { image, label });
  compute("image");
}

/** Change fields of a layer; null puts a field back to what was learned. */
export function edit(layer, fields) {
  const now = { ...lab.edits[layer], ...fields };
  for (const [name, value] of Object.entries(now)) if (value === null) delete now[name];
  if (Object.keys(now).length) lab.edits[layer] = now;
  else delete lab.edits[layer];
  compute("edits");
}

export function move(shift) {
  lab.shift = shift;
  compute("edits");
}

export function undoAll() {
  Object.assign(lab, { edits: {}, shift: [0, 0] });
  compute("edits");
}

export function isChanged() {
  return lab.shift.some((by) => by !== 0) || Object.keys(lab.edits).length > 0;
}

/** Look at a filter of a convolution. */
export function look(conv, filter) {
  Object.assign(lab, { conv, filter: Math.min(filter, filtersOf(conv) - 1) });
  tell("look");
}

function compute(what) {
  const { network, image, edits } = lab;
  if (what !== "edits") lab.plain = forward(network, image);
  lab.still = Object.keys(edits).length ? forward(network, image, edits) : lab.plain;
  const isStill = lab.shift.every((by) => by === 0);
  lab.outputs = isStill ? lab.still : forward(network, shifted(image, lab.shift), edits);
  tell(what);
}

function tell(what) {
  for (const listener of listeners) listener(what);
}

/** Probabilities from outputs as the model says them, or null where they do not reach the end. */
export function probabilitiesOf(outputs) {
  if (!isWhole(lab.network, outputs)) return null;
  return softmax(outputs.at(-1).values, lab.network.info.temperature);
}

/** The image as the network gets it now. */
export function imageNow() {
  return shifted(lab.image, lab.shift);
}

/** What a layer takes: the outputs of the one before, or the image. */
export function inputOf(layer, outputs = lab.outputs) {
  return layer === 0 ? imageNow() : outputs[layer - 1];
}

export function filtersOf(conv) {
  return lab.network.layers[conv].kernel.shape[3];
}

/** A layer with what was changed of it. */
export function layerNow(index) {
  return { ...lab.network.layers[index], ...lab.edits[index] };
}

/** Convolutions, each with the last layer before the next one (or before all is flattened). */
export function blocksOf({ layers }) {
  const end = layers.findIndex(({ kind }) => kind === "flatten");
  const convs = layers.flatMap(({ kind }, i) => (kind === "convolution" ? [i] : []));
  return convs.map((conv, i) => ({ conv, last: (convs[i + 1] ?? end) - 1, number: i + 1 }));
}

/** An image moved by so many pixels; what comes in is background. */
function shifted(image, [across, down]) {
  if (across === 0 && down === 0) return image;
  const { height, width, channels, values } = image;
  const out = blank(height, width, channels);
  for (let y = Math.max(0, down); y < Math.min(height, height + down); y++) {
    for (let x = Math.max(0, across); x < Math.min(width, width + across); x++) {
      const from = ((y - down) * width + x - across) * channels;
      for (let c = 0; c < channels; c++) out.values[(y * width + x) * channels + c] = values[from + c];
    }
  }
  return out;
}
