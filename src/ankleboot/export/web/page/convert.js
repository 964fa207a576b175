// A picture of one garment on a plain background, converted as the data set's authors did.
// The same integer arithmetic as ankleboot/photos/convert.py; a test compares them pixel by pixel.

export const SIZE = 28;
const TOLERANCE = 13;
const BRIGHT = 128;
const KERNEL = [17, 28, 17];
const KERNEL_SUM = 62 * 62;

/** RGBA pixels, row by row, to SIZE x SIZE grey ones; 0 is background. */
export function toImage(rgba, width, height) {
  if (width === SIZE && height === SIZE && isGrey(rgba)) {
    return Uint8Array.from({ length: SIZE * SIZE }, (_, i) => rgba[4 * i]);
  }
  return convert(rgba, width, height);
}

function isGrey(rgba) {
  for (let i = 0; i < rgba.length; i += 4) {
    if (rgba[i] !== rgba[i + 1] || rgba[i] !== rgba[i + 2]) return false;
  }
  return true;
}

/** The garment, bright on 0, its longest side SIZE pixels; all 0 if there is nothing. */
export function convert(rgba, width, height) {
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++) {
    const sum = rgba[4 * i] * 19595 + rgba[4 * i + 1] * 38470 + rgba[4 * i + 2] * 7471;
    grey[i] = (sum + 0x8000) >> 16;
  }
  let background = border(grey, width, height);
  if (background >= BRIGHT) {
    for (let i = 0; i < grey.length; i++) grey[i] = 255 - grey[i];
    background = 255 - background;
  }
  const image = new Uint8Array(SIZE * SIZE);
  const box = bounds(grey, width, height, background);
  if (box === null) return image;

  const trimmed = crop(grey, width, box);
  const longest = Math.max(trimmed.width, trimmed.height);
  const small = resize(trimmed, scaled(trimmed.width, longest), scaled(trimmed.height, longest));
  const sharp = sharpen(small);
  const span = 255 - background;
  const top = Math.floor((SIZE - small.height) / 2);
  const left = Math.floor((SIZE - small.width) / 2);
  for (let y = 0; y < small.height; y++) {
    for (let x = 0; x < small.width; x++) {
      const value = sharp[y * small.width + x] - background;
      const level = Math.floor((2 * value * 255 + span) / (2 * span));
      image[(top + y) * SIZE + left + x] = Math.min(255, Math.max(0, level));
    }
  }
  return image;
}

/** The median of the outermost pixels (the upper one of two). */
function border(grey, width, height) {
  const edge = [];
  for (let x = 0; x < width; x++) edge.push(grey[x], grey[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) edge.push(grey[y * width], grey[y * width + width - 1]);
  edge.sort((a, b) => a - b);
  return edge[edge.length >> 1];
}

function bounds(grey, width, height, background) {
  let top = height, bottom = -1, left = width, right = -1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (Math.abs(grey[y * width + x] - background) <= TOLERANCE) continue;
      top = Math.min(top, y);
      bottom = y;
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
  }
  return bottom < 0 ? null : { top, left, width: right - left + 1, height: bottom - top + 1 };
}

function crop(grey, stride, { top, left, width, height }) {
  const values = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = (top + y) * stride + left;
    values.set(grey.subarray(start, start + width), y * width);
  }
  return { values, width, height };
}

function scaled(side, longest) {
  return Math.max(1, Math.floor((2 * side * SIZE + longest) / (2 * longest)));
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
