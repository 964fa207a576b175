// Preset kernels of 3 x 3 cells, centered in larger kernels.

const SIDE = 3;

export const PRESETS = {
  "Identity": [0, 0, 0, 0, 1, 0, 0, 0, 0],
  "Blur": [1, 2, 1, 2, 4, 2, 1, 2, 1].map((weight) => weight / 16),
  "Sharpen": [0, -1, 0, -1, 5, -1, 0, -1, 0],
  "Sobel, vertical edges": [-1, 0, 1, -2, 0, 2, -1, 0, 1],
  "Sobel, horizontal edges": [-1, -2, -1, 0, 0, 0, 1, 2, 1],
};

/** Return a preset as a kernel with this side; null if the side is below 3. */
export function kernelPreset(name, side) {
  if (side < SIDE) return null;
  const cells = new Array(side * side).fill(0);
  const start = (side - SIDE) >> 1;
  PRESETS[name].forEach((value, i) => {
    cells[(start + Math.floor(i / SIDE)) * side + start + (i % SIDE)] = value;
  });
  return cells;
}
