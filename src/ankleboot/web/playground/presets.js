// Kernels to put in: each is of 3 x 3 cells, and stands in the middle of larger ones.

const SIDE = 3;

export const PRESETS = {
  "Identity": [0, 0, 0, 0, 1, 0, 0, 0, 0],
  "Blur": [1, 2, 1, 2, 4, 2, 1, 2, 1].map((one) => one / 16),
  "Sharpen": [0, -1, 0, -1, 5, -1, 0, -1, 0],
  "Sobel, upright": [-1, 0, 1, -2, 0, 2, -1, 0, 1],
  "Sobel, level": [-1, -2, -1, 0, 0, 0, 1, 2, 1],
};

/** A preset in a kernel of so many cells a side; null where it has no room. */
export function fitted(name, side) {
  if (side < SIDE) return null;
  const cells = new Array(side * side).fill(0);
  const start = (side - SIDE) >> 1;
  PRESETS[name].forEach((value, i) => {
    cells[(start + Math.floor(i / SIDE)) * side + start + (i % SIDE)] = value;
  });
  return cells;
}
