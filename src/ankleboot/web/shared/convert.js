// From a picture to the pixels that a network knows. A picture is what a canvas gives: RGBA `data`
// of some `width` and `height`. The same integer arithmetic as in ankleboot/photos/convert.py and
// crop.py; a test compares them pixel by pixel.

export const SIZE = 28;
export const SURE = 128;
const TOLERANCE = 13;
const BRIGHT = 128;
const UNEVEN = 50;
const KERNEL = [17, 28, 17];
const KERNEL_SUM = 62 * 62;
const STEEPNESS = 4;
const DARKEST = 25;

/** Whether a picture is an image as the data set has them. */
export function isImage({ data, width, height }) {
  if (width !== SIZE || height !== SIZE) return false;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return false;
  }
  return true;
}

/** Whether the border is all of one grey, as in a shop's pictures. */
export function hasPlainBackground(picture) {
  const edge = border(greyOf(picture));
  const background = median(edge);
  const differing = edge.filter((value) => Math.abs(value - background) > TOLERANCE).length;
  return UNEVEN * differing < edge.length;
}

/** SIZE x SIZE grey pixels of the garment, 0 is background; without a mask it is on a plain one. */
export function toImage(picture, mask = null) {
  if (isImage(picture)) {
    return Uint8Array.from({ length: SIZE * SIZE }, (_, i) => picture.data[4 * i]);
  }
  return mask === null ? onPlain(greyOf(picture)) : centred(shrunk(trimmed(picture, mask)));
}

/** The whole picture, stretched to a square of so many pixels: grey ones, or RGB. */
export function squeezed(picture, side, color) {
  if (!color) return resize(greyOf(picture), side, side).values;
  const { data, width, height } = picture;
  const out = new Uint8Array(3 * side * side);
  for (let channel = 0; channel < 3; channel++) {
    const values = new Uint8Array(width * height);
    for (let i = 0; i < values.length; i++) values[i] = data[4 * i + channel];
    resize({ values, width, height }, side, side).values.forEach((value, i) => {
      out[3 * i + channel] = value;
    });
  }
  return out;
}

/** The mask (a square of cells) on the picture's pixels, 0 to 255, with narrow edges. */
export function opacity({ width, height }, mask) {
  const side = Math.sqrt(mask.length);
  const { values } = resize({ values: mask, width: side, height: side }, width, height);
  return values.map((value) => Math.min(255, Math.max(0, STEEPNESS * (value - SURE) + SURE)));
}

/** The garment as the data set has it, dark where it was light, on 0; in the picture's size. */
export function negated(picture, alpha) {
  return greyOf(picture).values.map((value, i) =>
    Math.floor((Math.max(255 - value, DARKEST) * alpha[i] + 127) / 255));
}

function trimmed(picture, mask) {
  const { width, height } = picture;
  const alpha = opacity(picture, mask);
  const plane = { values: negated(picture, alpha), width, height };
  return crop(plane, bounds(plane, (i) => alpha[i] >= SURE));
}

/** The sharpening undoes most of what resizing blurs. */
function onPlain(grey) {
  let background = median(border(grey));
  if (background >= BRIGHT) {
    grey.values.forEach((value, i) => { grey.values[i] = 255 - value; });
    background = 255 - background;
  }
  const isThing = (i) => Math.abs(grey.values[i] - background) > TOLERANCE;
  const small = shrunk(crop(grey, bounds(grey, isThing)));
  const span = 255 - background;
  const values = Uint8Array.from(sharpen(small), (value) => {
    const level = Math.floor((2 * (value - background) * 255 + span) / (2 * span));
    return Math.min(255, Math.max(0, level));
  });
  return centred({ ...small, values });
}

function greyOf({ data, width, height }) {
  const values = new Uint8Array(width * height);
  for (let i = 0; i < values.length; i++) {
    const sum = data[4 * i] * 19595 + data[4 * i + 1] * 38470 + data[4 * i + 2] * 7471;
    values[i] = (sum + 0x8000) >> 16;
  }
  return { values, width, height };
}

/** The outermost pixels. */
function border({ values, width, height }) {
  const edge = [];
  for (let x = 0; x < width; x++) edge.push(values[x], values[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) edge.push(values[y * width], values[y * width + width - 1]);
  return edge;
}

/** The upper one of two. */
function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** The box around the pixels that belong to it; of no size if there are none. */
function bounds({ width, height }, belongs) {
  let top = height, bottom = -1, left = width, right = -1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!belongs(y * width + x)) continue;
      top = Math.min(top, y);
      bottom = y;
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
  }
  if (bottom < 0) return { top: 0, left: 0, width: 0, height: 0 };
  return { top, left, width: right - left + 1, height: bottom - top + 1 };
}

function crop(plane, { top, left, width, height }) {
  const values = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = (top + y) * plane.width + left;
    values.set(plane.values.subarray(start, start + width), y * width);
  }
  return { values, width, height };
}

/** The longest side brought to SIZE pixels. */
function shrunk(plane) {
  const longest = Math.max(plane.width, plane.height);
  if (longest === 0) return plane;
  const scaled = (side) => Math.max(1, Math.floor((2 * side * SIZE + longest) / (2 * longest)));
  return resize(plane, scaled(plane.width), scaled(plane.height));
}

function centred({ values, width, height }) {
  const image = new Uint8Array(SIZE * SIZE);
  const top = Math.floor((SIZE - height) / 2);
  const left = Math.floor((SIZE - width) / 2);
  for (let y = 0; y < height; y++) {
    image.set(values.subarray(y * width, (y + 1) * width), (top + y) * SIZE + left);
  }
  return image;
}

// Pillow's resampling: Lanczos with three lobes, coefficients rounded to 22 bits, a pass across
// and a pass down with eight bits between them.
const PRECISION = 22;

function resize({ values, width, height }, newWidth, newHeight) {
  let now = { values, width, height };
  if (newWidth !== width) now = across(now, newWidth);
  if (newHeight !== height) now = transpose(across(transpose(now), newHeight));
  return now;
}

function across({ values, width, height }, newWidth) {
  const taps = coefficients(width, newWidth);
  const out = new Uint8Array(newWidth * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++) {
      const { first, weights } = taps[x];
      let sum = 2 ** (PRECISION - 1);
      for (let i = 0; i < weights.length; i++) sum += values[y * width + first + i] * weights[i];
      out[y * newWidth + x] = Math.min(255, Math.max(0, Math.floor(sum / 2 ** PRECISION)));
    }
  }
  return { values: out, width: newWidth, height };
}

function transpose({ values, width, height }) {
  const out = new Uint8Array(values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) out[x * height + y] = values[y * width + x];
  }
  return { values: out, width: height, height: width };
}

function coefficients(size, newSize) {
  const scale = size / newSize;
  const filterScale = Math.max(scale, 1);
  const support = 3 * filterScale;
  return Array.from({ length: newSize }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(size, Math.trunc(centre + support + 0.5));
    const raw = [];
    for (let i = first; i < last; i++) raw.push(lanczos((i - centre + 0.5) / filterScale));
    const total = raw.reduce((sum, value) => sum + value, 0);
    const weights = raw.map((value) => {
      const exact = (value / total) * 2 ** PRECISION;
      return Math.trunc(exact < 0 ? exact - 0.5 : exact + 0.5);
    });
    return { first, weights };
  });
}

function lanczos(x) {
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Add the difference to the blurred picture; edges are repeated outwards. */
function sharpen({ values, width, height }) {
  const at = (y, x) =>
    values[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))];
  const out = new Int32Array(values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let blurred = 0;
      for (let dy = 0; dy < 3; dy++) {
        for (let dx = 0; dx < 3; dx++) {
          blurred += KERNEL[dy] * KERNEL[dx] * at(y + dy - 1, x + dx - 1);
        }
      }
      const twice = 2 * (2 * KERNEL_SUM * at(y, x) - blurred) + KERNEL_SUM;
      out[y * width + x] = Math.min(255, Math.max(0, Math.floor(twice / (2 * KERNEL_SUM))));
    }
  }
  return out;
}
