// A small network that learns: layers with a forward and a backward pass, and gradient descent.
//
// A layer is { parameters, forward(values, isTraining), backward(gradient) }. It keeps what its backward
// pass needs, adds to the gradients of its parameters, and returns the gradient of its input. Images
// pass one at a time; arrays are flat, maps one after the other.

import { drawNormal, randomGenerator } from "./random.js";

export const SIDE = 28; // of an image
export const KERNEL_SIDE = 5;
export const NUM_CLASSES = 10;
const POOL_SIDE = 2; // also the stride
const MAP_SIDE = SIDE - KERNEL_SIDE + 1, POOLED_SIDE = MAP_SIDE / POOL_SIDE;
// powers are slow in loops
const KERNEL_SIZE = KERNEL_SIDE ** 2, MAP_SIZE = MAP_SIDE ** 2, POOLED_SIZE = POOLED_SIDE ** 2;
const MOMENTUM = 0.9;

/**
 * Build a network.
 *
 * kind: "convolution" (with ReLU and maximum pooling), "dense" (a hidden layer with ReLU) or "linear".
 * units: filters, or units of the hidden layer. dropout: share of the last layer's inputs.
 */
export function buildNetwork({ kind, units, dropout, seed }) {
  const random = randomGenerator(seed);
  const features = { convolution: units * POOLED_SIZE, dense: units, linear: SIDE ** 2 }[kind];
  const layers = {
    convolution: () => [convolution(units, random), relu(), maxPooling(units)],
    dense: () => [dense(SIDE ** 2, units, random), relu()],
    linear: () => [],
  }[kind]();
  if (dropout) layers.push(dropoutOf(dropout, randomGenerator(~seed)));
  layers.push(dense(features, NUM_CLASSES, random));
  return layers;
}

/** Return the logits of an image. */
export function computeLogits(layers, image, isTraining = false) {
  return layers.reduce((values, layer) => layer.forward(values, isTraining), image);
}

/** Return the cross-entropy of the logits, and its gradient. */
export function crossEntropy(logits, label) {
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  const gradient = powers.map((power) => power / sum);
  const loss = Math.log(sum) - (logits[label] - largest);
  gradient[label] -= 1;
  return { loss, gradient };
}

/** Add an image's gradients to those of the parameters; return its loss. */
export function addGradients(layers, image, label) {
  const { loss, gradient } = crossEntropy(computeLogits(layers, image, true), label);
  layers.reduceRight((values, layer) => layer.backward(values), gradient);
  return loss;
}

/** Take a step of gradient descent with momentum, and set the gradients to zero. */
export function updateParameters(layers, rate, batchSize) {
  for (const { values, gradient, velocity } of layers.flatMap(({ parameters }) => parameters)) {
    for (let i = 0; i < values.length; i++) {
      velocity[i] = MOMENTUM * velocity[i] - (rate / batchSize) * gradient[i];
      values[i] += velocity[i];
    }
    gradient.fill(0);
  }
}

/** Draw weights for layers with ReLU. Source: He et al. 2015, arXiv 1502.01852 */
function drawWeights(length, numInputs, random) {
  const scale = Math.sqrt(2 / numInputs);
  return parameterOf(Float64Array.from({ length }, () => scale * drawNormal(random)));
}

function parameterOf(values) {
  const { length } = values;
  return { values, gradient: new Float64Array(length), velocity: new Float64Array(length) };
}

function convolution(filters, random) {
  const kernel = drawWeights(filters * KERNEL_SIZE, KERNEL_SIZE, random);
  const bias = parameterOf(new Float64Array(filters));
  let input;
  return {
    parameters: [kernel, bias],
    forward(image) {
      input = image;
      const maps = new Float64Array(filters * MAP_SIZE);
      for (let filter = 0; filter < filters; filter++) {
        const start = filter * MAP_SIZE;
        maps.fill(bias.values[filter], start, start + MAP_SIZE);
        for (let cell = 0; cell < KERNEL_SIZE; cell++) {
          const weight = kernel.values[filter * KERNEL_SIZE + cell];
          const offset = Math.floor(cell / KERNEL_SIDE) * SIDE + (cell % KERNEL_SIDE);
          for (let y = 0; y < MAP_SIDE; y++) {
            const row = start + y * MAP_SIDE, from = y * SIDE + offset;
            for (let x = 0; x < MAP_SIDE; x++) maps[row + x] += weight * image[from + x];
          }
        }
      }
      return maps;
    },
    backward(gradient) {
      for (let i = 0; i < gradient.length; i++) {
        if (gradient[i] === 0) continue; // most are: pooling passes one of four on
        const filter = Math.floor(i / MAP_SIZE), position = i % MAP_SIZE;
        const from = Math.floor(position / MAP_SIDE) * SIDE + (position % MAP_SIDE);
        bias.gradient[filter] += gradient[i];
        for (let cell = 0; cell < KERNEL_SIZE; cell++) {
          const offset = Math.floor(cell / KERNEL_SIDE) * SIDE + (cell % KERNEL_SIDE);
          kernel.gradient[filter * KERNEL_SIZE + cell] += gradient[i] * input[from + offset];
        }
      }
      return null; // the image needs no gradient
    },
  };
}

function relu() {
  let output;
  return {
    parameters: [],
    forward: (values) => (output = values.map((value) => (value > 0 ? value : 0))),
    backward: (gradient) => gradient.map((value, i) => (output[i] > 0 ? value : 0)),
  };
}

function maxPooling(channels) {
  let sources, length; // index of each maximum; number of inputs
  return {
    parameters: [],
    forward(maps) {
      length = maps.length;
      sources = new Int32Array(channels * POOLED_SIZE);
      for (let i = 0; i < sources.length; i++) {
        const row = Math.floor(i / POOLED_SIDE), column = i % POOLED_SIDE;
        const first = row * POOL_SIDE * MAP_SIDE + column * POOL_SIDE; // rows of all maps in order
        sources[i] = first;
        for (let cell = 1; cell < POOL_SIDE ** 2; cell++) {
          const other = first + Math.floor(cell / POOL_SIDE) * MAP_SIDE + (cell % POOL_SIDE);
          if (maps[other] > maps[sources[i]]) sources[i] = other;
        }
      }
      return Float64Array.from(sources, (source) => maps[source]);
    },
    backward(gradient) {
      const spread = new Float64Array(length);
      gradient.forEach((value, i) => (spread[sources[i]] = value));
      return spread;
    },
  };
}

/** Set a share of the values to zero while training, and scale up the others. */
function dropoutOf(share, random) {
  let factors = null;
  return {
    parameters: [],
    forward(values, isTraining) {
      if (!isTraining) return values;
      factors = values.map(() => (random() < share ? 0 : 1 / (1 - share)));
      return values.map((value, i) => value * factors[i]);
    },
    backward: (gradient) => gradient.map((value, i) => value * factors[i]),
  };
}

function dense(inputs, outputs, random) {
  const weights = drawWeights(inputs * outputs, inputs, random);
  const bias = parameterOf(new Float64Array(outputs));
  let input;
  return {
    parameters: [weights, bias],
    forward(values) {
      input = values;
      const sums = bias.values.slice();
      for (let unit = 0; unit < outputs; unit++) {
        for (let i = 0; i < inputs; i++) sums[unit] += weights.values[unit * inputs + i] * values[i];
      }
      return sums;
    },
    backward(gradient) {
      const back = new Float64Array(inputs);
      for (let unit = 0; unit < outputs; unit++) {
        const value = gradient[unit];
        if (value === 0) continue;
        bias.gradient[unit] += value;
        for (let i = 0; i < inputs; i++) {
          weights.gradient[unit * inputs + i] += value * input[i];
          back[i] += value * weights.values[unit * inputs + i];
        }
      }
      return back;
    },
  };
}
