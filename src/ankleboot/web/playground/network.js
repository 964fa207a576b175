// Network of network.json and its forward pass, with the same steps as
// ankleboot/inference/numpy_network.py. Maps are { height, width, channels, values } with the channels
// of a pixel side by side; flat vectors have height and width 1.

const LAYOUT = 1; // version of the format
const FUNCTIONS = ["relu", "leaky_relu", "gelu"];

/** Parse the text of a network.json; throws an Error with a message for the user. */
export function parse(text) {
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    throw new Error("This file is not a network.json.");
  }
  if (document?.layout !== LAYOUT || !Array.isArray(document.layers)) {
    throw new Error("This network.json has another format. Export the model again with this version.");
  }
  const layers = document.layers.map(withArrays);
  const network = { ...document, layers };
  const { image_size: side, color, labels } = network.info;
  const channels = color ? 3 : 1;
  const logits = forward(network, zeros(side, side, channels)).at(-1);
  if (logits.values.length !== labels.length) {
    throw new Error("The network has another number of outputs than of classes.");
  }
  return network;
}

function withArrays(layer) {
  if (!(layer.kind in KINDS)) throw new Error(`Unknown kind of layer: "${layer.kind}".`);
  const unpacked = { ...layer };
  for (const [name, value] of Object.entries(layer)) {
    if (value !== null && typeof value === "object") unpacked[name] = unpack(value);
  }
  return unpacked;
}

function unpack({ shape, values }) {
  const bytes = Uint8Array.from(atob(values), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer); // little-endian on any machine
  const array = new Float32Array(bytes.length / 4);
  for (let i = 0; i < array.length; i++) array[i] = view.getFloat32(4 * i, true);
  if (array.length !== shape.reduce((a, b) => a * b, 1)) throw new Error("A layer has too few weights.");
  return { shape, values: array };
}

/**
 * Compute the output of every layer; the last ones are the logits.
 *
 * edits: changed fields (kernel, by, window, stride) by the index of the layer, and `off`, a set of
 * channels that are set to zero after it. from, known: start at a later layer with the outputs of the
 * earlier ones. The outputs end before a dense layer whose input has another size than its weights.
 */
export function forward(network, input, edits = {}, from = 0, known = []) {
  const outputs = known.slice(0, from);
  let maps = from ? outputs[from - 1] : input;
  for (let i = from; i < network.layers.length; i++) {
    const layer = edits[i] ? { ...network.layers[i], ...edits[i] } : network.layers[i];
    if (layer.kind === "dense" && layer.kernel.shape[0] !== maps.channels) break;
    maps = layer.kind === "add"
      ? add(maps, outputs[layer.earlier]) : KINDS[layer.kind](maps, layer);
    if (layer.off?.size) maps = zeroChannels(maps, layer.off);
    outputs.push(maps);
  }
  return outputs;
}

/** Return whether outputs reach the last layer. */
export function isComplete(network, outputs) {
  return outputs.length === network.layers.length;
}

/** Convert logits, divided by the temperature, to probabilities. */
export function softmax(logits, temperature = 1) {
  const scaled = Array.from(logits, (value) => value / temperature);
  const largest = Math.max(...scaled); // subtracting it prevents overflow
  const powers = scaled.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

export function zeros(height, width, channels) {
  return { height, width, channels, values: new Float32Array(height * width * channels) };
}

/** Copy one channel. */
export function channelOf({ height, width, channels, values }, channel) {
  const map = zeros(height, width, 1);
  for (let i = 0; i < map.values.length; i++) map.values[i] = values[i * channels + channel];
  return map;
}

/** Return the padding before the map and the size of the output. */
export function geometry(length, window, stride, padding) {
  if (padding === "valid") {
    return { before: 0, size: Math.max(0, Math.floor((length - window) / stride) + 1) };
  }
  const size = Math.ceil(length / stride);
  return { before: Math.max(0, (size - 1) * stride + window - length) >> 1, size };
}

function zeroChannels(maps, off) {
  const out = { ...maps, values: maps.values.slice() };
  for (let i = 0; i < out.values.length; i++) if (off.has(i % maps.channels)) out.values[i] = 0;
  return out;
}

function scale(maps, { scale: { values: scales }, offset: { values: offsets } }) {
  const out = { ...maps, values: new Float32Array(maps.values.length) };
  for (let i = 0; i < out.values.length; i++) {
    out.values[i] = maps.values[i] * scales[i % scales.length] + offsets[i % offsets.length];
  }
  return out;
}

function convolution(maps, { kernel, bias, padding, stride }) {
  const [size, , channels, filters] = kernel.shape;
  if (channels !== maps.channels) throw new Error("A layer's input has another number of channels than its kernel.");
  const rows = geometry(maps.height, size, stride, padding);
  const columns = geometry(maps.width, size, stride, padding);
  const out = zeros(rows.size, columns.size, filters);
  for (let y = 0; y < rows.size; y++) {
    for (let x = 0; x < columns.size; x++) {
      const pixel = (y * columns.size + x) * filters;
      for (let f = 0; f < filters; f++) out.values[pixel + f] = bias.values[f];
      for (let dy = 0; dy < size; dy++) {
        const row = y * stride + dy - rows.before;
        if (row < 0 || row >= maps.height) continue;
        for (let dx = 0; dx < size; dx++) {
          const column = x * stride + dx - columns.before;
          if (column < 0 || column >= maps.width) continue;
          const from = (row * maps.width + column) * channels;
          for (let c = 0; c < channels; c++) {
            const value = maps.values[from + c];
            if (value === 0) continue;
            const weights = ((dy * size + dx) * channels + c) * filters;
            for (let f = 0; f < filters; f++) out.values[pixel + f] += value * kernel.values[weights + f];
          }
        }
      }
    }
  }
  return out;
}

function depthwise(maps, { kernel, bias, padding, stride }) {
  const [size, , channels] = kernel.shape;
  if (channels !== maps.channels) throw new Error("A layer's input has another number of channels than its kernel.");
  const rows = geometry(maps.height, size, stride, padding);
  const columns = geometry(maps.width, size, stride, padding);
  const out = zeros(rows.size, columns.size, channels);
  for (let y = 0; y < rows.size; y++) {
    for (let x = 0; x < columns.size; x++) {
      const [top, left] = [y * stride - rows.before, x * stride - columns.before];
      const box = clipWindow(maps, size, top, left);
      for (let c = 0; c < channels; c++) {
        let sum = bias.values[c];
        for (let row = box.top; row < box.bottom; row++) {
          for (let column = box.left; column < box.right; column++) {
            const weight = kernel.values[((row - top) * size + column - left) * channels + c];
            sum += maps.values[(row * maps.width + column) * channels + c] * weight;
          }
        }
        out.values[(y * columns.size + x) * channels + c] = sum;
      }
    }
  }
  return out;
}

/** Pool the values of each window inside the map by "max", "average" or "first". */
function pooling(maps, { by, window, stride, padding }) {
  const rows = geometry(maps.height, window, stride, padding);
  const columns = geometry(maps.width, window, stride, padding);
  const out = zeros(rows.size, columns.size, maps.channels);
  for (let y = 0; y < out.height; y++) {
    for (let x = 0; x < out.width; x++) {
      const box = clipWindow(maps, window, y * stride - rows.before, x * stride - columns.before);
      for (let c = 0; c < maps.channels; c++) {
        out.values[(y * out.width + x) * maps.channels + c] = poolWindow(maps, box, c, by);
      }
    }
  }
  return out;
}

/** Clip a window to the map. */
function clipWindow({ height, width }, window, top, left) {
  return {
    top: Math.max(0, top),
    bottom: Math.min(height, top + window),
    left: Math.max(0, left),
    right: Math.min(width, left + window),
  };
}

function poolWindow({ width, channels, values }, { top, bottom, left, right }, channel, by) {
  let largest = -Infinity, sum = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const value = values[(y * width + x) * channels + channel];
      if (by === "first") return value;
      largest = Math.max(largest, value);
      sum += value;
    }
  }
  return by === "max" ? largest : sum / ((bottom - top) * (right - left));
}

function activation(maps, { function: name, slope }) {
  if (!FUNCTIONS.includes(name)) throw new Error(`Unknown activation: "${name}".`);
  const out = { ...maps, values: new Float32Array(maps.values.length) };
  for (let i = 0; i < out.values.length; i++) {
    const x = maps.values[i];
    if (name === "gelu") out.values[i] = (x * (1 + erf(x / Math.SQRT2))) / 2;
    else out.values[i] = x > 0 ? x : x * (name === "relu" ? 0 : slope);
  }
  return out;
}

function add(maps, earlier) {
  if (earlier?.values.length !== maps.values.length) throw new Error("A skip connection adds maps of other sizes.");
  return { ...maps, values: maps.values.map((value, i) => value + earlier.values[i]) };
}

function flatten({ values }) {
  return { height: 1, width: 1, channels: values.length, values };
}

function dense(maps, { kernel, bias }) {
  const [inputs, units] = kernel.shape;
  const out = zeros(1, 1, units);
  out.values.set(bias.values);
  for (let i = 0; i < inputs; i++) {
    const value = maps.values[i];
    if (value === 0) continue;
    for (let u = 0; u < units; u++) out.values[u] += value * kernel.values[i * units + u];
  }
  return out;
}

/** Approximate the error function to 1.5e-7. Source: Abramowitz and Stegun 1964, 7.1.26 */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const factors = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];
  const sum = factors.reduce((total, factor, i) => total + factor * t ** (i + 1), 0);
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}

const KINDS = { scale, convolution, depthwise, pooling, activation, add, flatten, dense };
