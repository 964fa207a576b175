// Preprocessing: from an ImageData (RGBA) to the network's input. The integer arithmetic equals that
// of ankleboot/data/preprocessing, and a test compares the two pixel by pixel.

export const SIZE = 28;
export const MASK_THRESHOLD = 128; // mask values from here on are garment
const BACKGROUND_TOLERANCE = 13;
const MIN_LIGHT_BACKGROUND = 128;
const UNEVEN_RATIO = 50; // border pixels per pixel that may differ from a plain background
const SHARPEN_KERNEL = [17, 28, 17];
const SHARPEN_KERNEL_SUM = 62 * 62;
const EDGE_STEEPNESS = 4;
const MIN_GARMENT_VALUE = 25; // keeps a white garment visible on 0
const BAND_VALUE = 128; // of a letterbox
const WHITE = 255;
const MARGIN_DIVISOR = 8; // the margin around a box is its longer side, divided by this
const CUT_OUT_RATIO = [10, 11]; // longest side of a garment cut out in color, to the image's side

/** Return whether an image has the data set's format: 28 x 28 gray pixels. */
export function isDatasetImage({ data, width, height }) {
  if (width !== SIZE || height !== SIZE) return false;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return false;
  }
  return true;
}

/** Return whether the border has one gray level, as in product photos. */
export function hasPlainBackground(image) {
  const edge = border(toGray(image));
  const background = median(edge);
  const differs = (value) => Math.abs(value - background) > BACKGROUND_TOLERANCE;
  return UNEVEN_RATIO * edge.filter(differs).length < edge.length;
}

/** Extract the garment as SIZE x SIZE gray pixels on 0; without a mask, from a plain background. */
export function garmentImage(image, mask = null) {
  if (isDatasetImage(image)) {
    return Uint8Array.from({ length: SIZE * SIZE }, (_, i) => image.data[4 * i]);
  }
  return mask === null ? fromPlainBackground(toGray(image)) : center(fitToSize(trim(image, mask)));
}

/** Lay the garment in its colors in the middle of a white square; without a mask: see above. */
export function cutOutImage(image, mask, side) {
  const { width, height } = image;
  const isDataset = isDatasetImage(image);
  const alpha = mask === null ? plainOpacity(toGray(image)) : opacity(image, mask);
  const isInside = (i) => alpha[i] >= MASK_THRESHOLD;
  const box = bounds(image, isInside);
  const longest = Math.max(1, Math.floor(CUT_OUT_RATIO[0] * side / CUT_OUT_RATIO[1]));
  const onWhite = (value, opaque) =>
    Math.floor((value * opaque + WHITE * (255 - opaque) + 127) / 255);
  return interleave((channel) => {
    const values = Uint8Array.from({ length: width * height }, (_, i) => {
      const value = image.data[4 * i + channel];
      return isDataset ? 255 - value : value;
    });
    if (box.width === 0) return center(fitToSize({ values, width, height }, longest), side, WHITE);
    const plane = { values: values.map((value, i) => onWhite(value, alpha[i])), width, height };
    return center(fitToSize(crop(plane, box), longest), side, WHITE);
  }, side);
}

/** Return 255 where a pixel differs from a plain background, else 0. */
function plainOpacity(gray) {
  const background = median(border(gray));
  return gray.values.map((value) =>
    Math.abs(value - background) > BACKGROUND_TOLERANCE ? 255 : 0);
}

/** Fit the whole image into a square of gray or RGB values; fit: stretch, letterbox or crop. */
export function resize(image, side, color, fit = "stretch") {
  if (!color) return fitToSquare(toGray(image), side, fit);
  const { data, width, height } = image;
  return interleave((channel) => {
    const values = Uint8Array.from({ length: width * height }, (_, i) => data[4 * i + channel]);
    return fitToSquare({ values, width, height }, side, fit);
  }, side);
}

/** Return the part of an image in a box (in fractions), with a margin where the image has one. */
export function cropAround({ data, width, height }, box) {
  const left = Math.floor(box.left * width);
  const right = Math.ceil((box.left + box.width) * width);
  const top = Math.floor(box.top * height);
  const bottom = Math.ceil((box.top + box.height) * height);
  const margin = Math.floor(Math.max(right - left, bottom - top) / MARGIN_DIVISOR);
  const [firstRow, firstColumn] = [Math.max(0, top - margin), Math.max(0, left - margin)];
  const rows = Math.min(height, bottom + margin) - firstRow;
  const columns = Math.min(width, right + margin) - firstColumn;
  const part = new Uint8ClampedArray(4 * rows * columns);
  for (let y = 0; y < rows; y++) {
    const start = 4 * ((firstRow + y) * width + firstColumn);
    part.set(data.subarray(start, start + 4 * columns), 4 * y * columns);
  }
  return { data: part, width: columns, height: rows };
}

/** Gather the three channels of a square of RGB values. */
function interleave(channelOf, side) {
  const out = new Uint8Array(3 * side * side);
  for (let channel = 0; channel < 3; channel++) {
    channelOf(channel).forEach((value, i) => { out[3 * i + channel] = value; });
  }
  return out;
}

function fitToSquare(plane, side, fit) {
  if (fit === "letterbox") return center(fitToSize(plane, side), side, BAND_VALUE);
  return resample(fit === "crop" ? middle(plane) : plane, side, side).values;
}

/** Return the largest square in the middle. */
function middle(plane) {
  const side = Math.min(plane.width, plane.height);
  const top = Math.floor((plane.height - side) / 2);
  const left = Math.floor((plane.width - side) / 2);
  return crop(plane, { top, left, width: side, height: side });
}

/** Scale a mask (a square of cells) to the image, 0 to 255, and narrow its edges. */
export function opacity({ width, height }, mask) {
  const side = Math.sqrt(mask.length);
  const { values } = resample({ values: mask, width: side, height: side }, width, height);
  const narrowed = (value) => EDGE_STEEPNESS * (value - MASK_THRESHOLD) + MASK_THRESHOLD;
  return values.map((value) => Math.min(255, Math.max(0, narrowed(value))));
}

/** Invert the garment's gray values, as in the data set, on a background of 0. */
export function negated(image, alpha) {
  return toGray(image).values.map((value, i) =>
    Math.floor((Math.max(255 - value, MIN_GARMENT_VALUE) * alpha[i] + 127) / 255));
}

function trim(image, mask) {
  const { width, height } = image;
  const alpha = opacity(image, mask);
  const plane = { values: negated(image, alpha), width, height };
  return crop(plane, bounds(plane, (i) => alpha[i] >= MASK_THRESHOLD));
}

/** Extract the garment from a plain background; sharpening undoes most of the resizing blur. */
function fromPlainBackground(gray) {
  let background = median(border(gray));
  if (background >= MIN_LIGHT_BACKGROUND) {
    gray.values.forEach((value, i) => { gray.values[i] = 255 - value; });
    background = 255 - background;
  }
  const isGarment = (i) => Math.abs(gray.values[i] - background) > BACKGROUND_TOLERANCE;
  const small = fitToSize(crop(gray, bounds(gray, isGarment)));
  const span = 255 - background;
  const values = Uint8Array.from(sharpen(small), (value) => {
    const level = Math.floor((2 * (value - background) * 255 + span) / (2 * span));
    return Math.min(255, Math.max(0, level));
  });
  return center({ ...small, values });
}

function toGray({ data, width, height }) {
  const values = new Uint8Array(width * height);
  for (let i = 0; i < values.length; i++) {
    const sum = data[4 * i] * 19595 + data[4 * i + 1] * 38470 + data[4 * i + 2] * 7471;
    values[i] = (sum + 0x8000) >> 16;
  }
  return { values, width, height };
}

/** Return the outermost pixels. */
function border({ values, width, height }) {
  const edge = [];
  for (let x = 0; x < width; x++) edge.push(values[x], values[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) edge.push(values[y * width], values[y * width + width - 1]);
  return edge;
}

/** Return the median, the upper one if there are two. */
function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** Return the bounding box of the pixels inside; its size is 0 if there are none. */
export function bounds({ width, height }, isInside) {
  let top = height, bottom = -1, left = width, right = -1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!isInside(y * width + x)) continue;
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

/** Resize so that the longest side has `size` pixels. */
function fitToSize(plane, size = SIZE) {
  const longest = Math.max(plane.width, plane.height);
  if (longest === 0) return plane;
  const scaled = (side) => Math.max(1, Math.floor((2 * side * size + longest) / (2 * longest)));
  return resample(plane, scaled(plane.width), scaled(plane.height));
}

function center({ values, width, height }, size = SIZE, background = 0) {
  const image = new Uint8Array(size * size).fill(background);
  const top = Math.floor((size - height) / 2);
  const left = Math.floor((size - width) / 2);
  for (let y = 0; y < height; y++) {
    image.set(values.subarray(y * width, (y + 1) * width), (top + y) * size + left);
  }
  return image;
}

// Pillow's resampling: Lanczos with three lobes and coefficients of 22 bits. A horizontal pass
// precedes a vertical one, and values have eight bits between them.
const COEFFICIENT_BITS = 22;

function resample({ values, width, height }, newWidth, newHeight) {
  let plane = { values, width, height };
  if (newWidth !== width) plane = resampleRows(plane, newWidth);
  if (newHeight !== height) plane = transpose(resampleRows(transpose(plane), newHeight));
  return plane;
}

function resampleRows({ values, width, height }, newWidth) {
  const taps = coefficients(width, newWidth);
  const out = new Uint8Array(newWidth * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++) {
      const { first, weights } = taps[x];
      let sum = 2 ** (COEFFICIENT_BITS - 1);
      for (let i = 0; i < weights.length; i++) sum += values[y * width + first + i] * weights[i];
      out[y * newWidth + x] = Math.min(255, Math.max(0, Math.floor(sum / 2 ** COEFFICIENT_BITS)));
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
  return Array.from({ length: newSize }, (_, index) => {
    const middle = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(middle - support + 0.5));
    const last = Math.min(size, Math.trunc(middle + support + 0.5));
    const raw = [];
    for (let i = first; i < last; i++) raw.push(lanczos((i - middle + 0.5) / filterScale));
    const total = raw.reduce((sum, value) => sum + value, 0);
    const weights = raw.map((value) => {
      const exact = (value / total) * 2 ** COEFFICIENT_BITS;
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

/** Apply an unsharp mask; edge pixels are repeated outwards. */
function sharpen({ values, width, height }) {
  const at = (y, x) =>
    values[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))];
  const out = new Int32Array(values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let blurred = 0;
      for (let dy = 0; dy < 3; dy++) {
        for (let dx = 0; dx < 3; dx++) {
          blurred += SHARPEN_KERNEL[dy] * SHARPEN_KERNEL[dx] * at(y + dy - 1, x + dx - 1);
        }
      }
      const doubled = 2 * (2 * SHARPEN_KERNEL_SUM * at(y, x) - blurred) + SHARPEN_KERNEL_SUM;
      out[y * width + x] = Math.min(255, Math.max(0, Math.floor(doubled / (2 * SHARPEN_KERNEL_SUM))));
    }
  }
  return out;
}
