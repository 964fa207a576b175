// The preprocessing of a photograph as a strip of images, as in
// ankleboot/data/preprocessing/visualize.py.

import { showImageStrip } from "./image_strip.js";
import { negated, opacity, SIZE } from "./preprocessing.js";

const OUTSIDE = [24, 96, 72]; // color over everything outside the garment
const OUTSIDE_OPACITY = 0.65;
const WHITE = [255, 255, 255];

/**
 * Show the steps in a list.
 *
 * photo: the photograph; garment: its segmentation, or null with a plain background; isFound: whether
 * there is a garment; small: the garment in SIZE x SIZE pixels.
 */
export function showPreprocessing(list, photo, garment, isFound, small) {
  const steps = [["Photo", photo, "Your photograph"]];
  if (garment !== null) {
    const alpha = opacity(photo, garment.mask);
    const area = `${Math.round(100 * garment.areaFraction)} % of the photograph`;
    const faded = (value, channel) =>
      (1 - OUTSIDE_OPACITY) * value + OUTSIDE_OPACITY * OUTSIDE[channel];
    steps.push(["Garment found", blend(photo, alpha, faded),
      `The photograph, green outside the garment, which covers ${area}`]);
    if (isFound) {
      steps.push(
        ["Cut out", blend(photo, alpha, (_, channel) => WHITE[channel]), "The garment on white"],
        ["Gray, negated", toImageData(negated(photo, alpha), photo),
          "The garment in gray, bright on black"]);
    }
  }
  if (isFound) {
    steps.push([`${SIZE} × ${SIZE} pixels`, toImageData(small, { width: SIZE, height: SIZE }),
      `The garment in ${SIZE} by ${SIZE} gray pixels`]);
  }
  showImageStrip(list, steps);
}

/** Convert gray or RGB values to ImageData. */
export function toImageData(values, { width, height }) {
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
