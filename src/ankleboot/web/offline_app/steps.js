// A photograph's way to the network, as pictures; as in ankleboot/photos/steps.py.

import { negated, opacity, SIZE } from "./convert.js";
import { showStrip } from "./strip.js";

const OUTSIDE = [24, 96, 72]; // laid over what is not garment
const WHITE = [255, 255, 255];

/**
 * Show them in a list.
 *
 * picture: the photograph; found: the garment on it, null where nothing had to be cut out; isThere:
 * whether it is one; image: SIZE x SIZE pixels of it.
 */
export function showSteps(list, picture, found, isThere, image) {
  const steps = [["Photograph", picture, "Your photograph"]];
  if (found !== null) {
    const alpha = opacity(picture, found.mask);
    const share = `${Math.round(100 * found.share)} % of the photograph`;
    const faint = (value, channel) => 0.35 * value + 0.65 * OUTSIDE[channel];
    steps.push(["Garment found", mixed(picture, alpha, faint),
      `The photograph, green where there is no garment; ${share} is taken for one`]);
    if (isThere) {
      const grey = negated(picture, alpha);
      steps.push(
        ["Cut out", mixed(picture, alpha, (_, channel) => WHITE[channel]),
          "The garment alone, on white"],
        ["Grey, negated", pictureOf(grey, picture), "The garment in grey, bright on black"]);
    }
  }
  if (isThere) {
    steps.push([`${SIZE} × ${SIZE} pixels`, pictureOf(image, { width: SIZE, height: SIZE }),
      `The garment in ${SIZE} by ${SIZE} grey pixels`]);
  }
  showStrip(list, steps);
}

/** Grey or RGB values as a canvas takes them. */
export function pictureOf(values, { width, height }) {
  const pixels = new ImageData(width, height);
  const channels = values.length / (width * height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = values[channels * i + c % channels];
    pixels.data[4 * i + 3] = 255;
  }
  return pixels;
}

function mixed(picture, alpha, outside) {
  const { data, width, height } = picture;
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
