// A network as network.json has it, and its forward pass: the same steps as in
// ankleboot/predictors/chain.py. Maps are { height, width, channels, values }, channel by channel
// within a pixel; what is flat has height and width 1.

const LAYOUT = 1; // of network.json
const FUNCTIONS = ["relu", "leaky_relu", "gelu"];

/** Read a network's file; throws an Error with a sentence if it is something else. */
export function parse(text) {
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    throw new Error("This is not a network.json.");
  }
  if (document?.layout !== LAYOUT || !Array.isArray(document.layers)) {
    throw new Error("This is not a network.json of this page's kind; export it anew.");
  }
  const layers = document.layers.map(withArrays);
  const network = { ...document, layers };
  const { image_size: side, color, labels } = network.info;
  const channels = color ? 3 : 1;
  const answer = forward(network, blank(side, side, channels)).at(-1);
  if (answer.values.length !== labels.length) throw new Error("Its layers do not fit its classes.");
  return network;
}

function withArrays(layer) {
  if (!(layer.kind in KINDS)) throw new Error(`A layer of the kind "${layer.kind}" is unknown here.`);
  const found = { ...layer };
  for (const [name, value] of Object.entries(layer)) {
    if (value !== null && typeof value === "object") found[name] = unpack(value);
  }
  return found;
}

function unpack({ shape, values }) {
  const bytes = Uint8Array.from(atob(values), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer); // little-endian, wherever this runs
  const array = new Float32Array(bytes.length / 4);
  for (let i = 0; i < array.length; i++) array[i] = view.getFloat32(4 * i, true);
  if (array.length !== shape.reduce((a, b) => a * b, 1)) throw new Error("A layer lacks numbers.");
  return { shape, values: array };
}

/**
 * The output of every layer, the last one's being the logits.
 *
 * edits: of a layer's number to other fields of it (kernel, by, window, stride), and `off`, a set
 * of channels that are put to zero behind it. from, known: begin at a later layer with the outputs
 * of those before it. Where a dense layer gets another number of values than it has learned to
 * take, the outputs end before it.
 */
export function forward(network, input, edits = {}, from = 0, known = []) {
  const outputs = known.slice(0, from);
  let maps = from ? outputs[from - 1] : input;
  for (let i = from; i < network.layers.length; i++) {
    const layer = edits[i] ? { ...network.layers[i], ...edits[i] } : network.layers[i];
    if (layer.kind === "dense" && layer.kernel.shape[0] !== maps.channels) break;
    maps = KINDS[layer.kind](maps, layer);
    if (layer.off?.size) maps = without(maps, layer.off);
    outputs.push(maps);
  }
  return outputs;
}

/** Whether outputs go to the end. */
export function isWhole(network, outputs) {
  return outputs.length === network.layers.length;
}

/** Probabilities of logits, each divided by the temperature. */
export function softmax(logits, temperature = 1) {
  const scaled = Array.from(logits, (value) => value / temperature);
  const most = Math.max(...scaled); // subtracted, so that nothing overflows
  const powers = scaled.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

export function blank(height, width, channels) {
  return { height, width, channels, values: new Float32Array(height * width * channels) };
}

/** One channel as a map of its own. */
export function channelOf({ height, width, channels, values }, channel) {
  const map = blank(height, width, 1);
  for (let i = 0; i < map.values.length; i++) map.values[i] = values[i * channels + channel];
  return map;
}

/** What a window sees: borders before the map, and the size of what comes out. */
export function geometry(length, window, stride, padding) {
  if (padding === "valid") {
    return { before: 0, size: Math.max(0, Math.floor((length - window) / stride) + 1) };
  }
  const size = Math.ceil(length / stride);
  return { before: Math.max(0, (size - 1) * stride + window - length) >> 1, size };
}

function without(maps, off) {
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
  if (channels !== maps.channels) throw new Error("Its layers do not fit each other.");
  const rows = geometry(maps.height, size, stride, padding);
  const columns = geometry(maps.width, size, stride, padding);
  const out = blank(rows.size, columns.size, filters);
  for (let y = 0; y < rows.size; y++) {
    for (let x = 0; x < columns.size; x++) {
      const place = (y * columns.size + x) * filters;
      for (let f = 0; f < filters; f++) out.values[place + f] = bias.values[f];
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
            for (let f = 0; f < filters; f++) out.values[place + f] += value * kernel.values[weights + f];
          }
        }
      }
    }
  }
  return out;
}

/** `by`: "max" or "average" of a window's values that are in the map, or "first" of them. */
function pooling(maps, { by, window, stride, padding }) {
  const rows = geometry(maps.height, window, stride, padding);
  const columns = geometry(maps.width, window, stride, padding);
  const out = blank(rows.size, columns.size, maps.channels);
  for (let y = 0; y < out.height; y++) {
    for (let x = 0; x < out.width; x++) {
      const box = boxOf(maps, window, y * stride - rows.before, x * stride - columns.before);
      for (let c = 0; c < maps.channels; c++) {
        out.values[(y * out.width + x) * maps.channels + c] = pooled(maps, box, c, by);
      }
    }
  }
  return out;
}

/** The part of a window that is in the map. */
function boxOf({ height, width }, window, top, left) {
  return {
    top: Math.max(0, top),
    bottom: Math.min(height, top + window),
    left: Math.max(0, left),
    right: Math.min(width, left + window),
  };
}

function pooled({ width, channels, values }, { top, bottom, left, right }, channel, by) {
  let most = -Infinity, sum = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const value = values[(y * width + x) * channels + channel];
      if (by === "first") return value;
      most = Math.max(most, value);
      sum += value;
    }
  }
  return by === "max" ? most : sum / ((bottom - top) * (right - left));
}

function activation(maps, { function: name, slope }) {
  if (!FUNCTIONS.includes(name)) throw new Error(`The activation "${name}" is unknown here.`);
  const out = { ...maps, values: new Float32Array(maps.values.length) };
  for (let i = 0; i < out.values.length; i++) {
    const x = maps.values[i];
    if (name === "gelu") out.values[i] = (x * (1 + erf(x / Math.SQRT2))) / 2;
    else out.values[i] = x > 0 ? x : x * (name === "relu" ? 0 : slope);
  }
  return out;
}

function flatten({ values }) {
  return { height: 1, width: 1, channels: values.length, values };
}

function dense(maps, { kernel, bias }) {
  const [inputs, units] = kernel.shape;
  const out = blank(1, 1, units);
  out.values.set(bias.values);
  for (let i = 0; i < inputs; i++) {
    const value = maps.values[i];
    if (value === 0) continue;
    for (let u = 0; u < units; u++) out.values[u] += value * kernel.values[i * units + u];
  }
  return out;
}

/** The error function to 1.5e-7. Source: Abramowitz and Stegun 1964, 7.1.26 */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const factors = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];
  const sum = factors.reduce((total, factor, i) => total + factor * t ** (i + 1), 0);
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}

const KINDS = { scale, convolution, pooling, activation, flatten, dense };
