// The preprocessing of a photo as a strip of images, as in
// ankleboot/data/preprocessing/visualize.py.

import { inputCaptions, showSteps } from "./image_strip.js";
import { negated, opacity, SIZE } from "./preprocessing.js";

const OUTSIDE = [24, 96, 72]; // color over everything outside the garment
const OUTSIDE_OPACITY = 0.65;
const WHITE = [255, 255, 255];

/**
 * Show the steps from a photo to the network's input.
 *
 * photo: its pixels; garment: its segmentation, or null with a plain background; small: the
 * garment in SIZE x SIZE pixels; input: the network's input; prediction: its garments are marked on
 * the photo; info: metadata of the network; isExpert: whether other images have another one;
 * isFound: whether there is a garment; text: a comment.
 */
export function showGarmentSteps(photo, result, { info, isExpert, isFound, text }) {
  const { garment, small, input, prediction } = result;
  const steps = [photoStep(photo)];
  if (garment !== null) {
    const alpha = opacity(photo, garment.mask);
    const area = `${Math.round(100 * garment.areaFraction)} % of the photo`;
    const faded = (value, channel) =>
      (1 - OUTSIDE_OPACITY) * value + OUTSIDE_OPACITY * OUTSIDE[channel];
    steps.push(["Garment found", blend(photo, alpha, faded),
      `The photo, green outside the garment, which covers ${area}`]);
    if (isFound && !info.color) {
      steps.push(
        ["Cut out", blend(photo, alpha, (_, channel) => WHITE[channel]), "The garment on white"],
        ["Gray, negated", toImageData(negated(photo, alpha), photo),
          "The garment in gray, bright on black"]);
    }
  }
  if (isFound) steps.push(...inputSteps(input, info));
  if (isFound && isExpert) {
    const pixels = toImageData(small, { width: SIZE, height: SIZE });
    steps.push([`${SIZE} × ${SIZE} pixels`, pixels, "The garment for models of Fashion-MNIST"]);
  }
  showSteps(steps, text, prediction.garments);
}

/** Show the pixels of the network, after the photo that they were made from (or null). */
export function showPixels(photo, input, info) {
  showSteps([...(photo === null ? [] : [photoStep(photo)]), ...inputSteps(input, info)]);
}

function photoStep(photo) {
  return ["Photo", photo, "Your photo"];
}

/** Return a step for each square of a network's input, from top to bottom. */
function inputSteps(values, { image_size: side, color, crop }) {
  const size = { width: side, height: side };
  const length = (color ? 3 : 1) * side * side;
  return inputCaptions(side, crop).map((caption, i) => {
    const pixels = toImageData(values.subarray(i * length, (i + 1) * length), size);
    return [caption, pixels, `The pixels of the network: ${side} × ${side}`];
  });
}

/** Convert gray or RGB values to ImageData. */
function toImageData(values, { width, height }) {
  const pixels = new ImageData(width, height);
  const channels = values.length / (width * height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = values[channels * i + c % channels];
    pixels.data[4 * i + 3] = 255;
  }
  return pixels;
}

function blend(photo, alpha, outside) {
  const { data, width, height } = photo;
  const pixels = new ImageData(width, height);
  for (let i = 0; i < alpha.length; i++) {
    const inside = alpha[i] / 255;
    for (let c = 0; c < 3; c++) {
      const value = data[4 * i + c];
      pixels.data[4 * i + c] = value * inside + outside(value, c) * (1 - inside);
    }
    pixels.data[4 * i + 3] = 255;
  }
  return pixels;
}
