// What the network that finds the garment answered, tidied, and in words; as in
// ankleboot/photos/cut_out.py, and tested beside it.

import { SURE } from "./convert.js";

const GRID = 96;
const LEAST = 0.015;
const SPECK = 0.1;
const OTHER = 0.5;

/** Probabilities (float32) to 0 to 255; halves go to the even number, as NumPy's do. */
export function maskOf(probabilities) {
  return Uint8Array.from(probabilities, (p) => {
    const exact = Math.fround(255 * p);
    const below = Math.floor(exact);
    if (exact - below === 0.5) return below + (below % 2);
    return Math.round(exact);
  });
}

/** The mask without specks, how many things of about one size it has, and its share of the picture. */
export function tidied(mask) {
  const numbers = new Int32Array(mask.length); // of the part that a cell belongs to; 0 outside
  const areas = [];
  mask.forEach((value, start) => {
    if (value < SURE || numbers[start]) return;
    const open = [start];
    numbers[start] = areas.push(0);
    while (open.length) {
      const cell = open.pop();
      areas[numbers[start] - 1]++;
      for (const next of around(cell)) {
        if (mask[next] < SURE || numbers[next]) continue;
        numbers[next] = numbers[start];
        open.push(next);
      }
    }
  });
  if (!areas.length) return { mask, things: 0, share: 0 };
  const largest = Math.max(...areas);
  let kept = numbers.map((number) => (number && areas[number - 1] >= SPECK * largest ? 1 : 0));
  const share = kept.reduce((sum, one) => sum + one, 0) / mask.length;
  for (let times = 0; times < 2; times++) {
    const before = kept; // with the edge, where the network is not sure
    kept = before.map((one, cell) => (one || around(cell).some((next) => before[next]) ? 1 : 0));
  }
  return {
    mask: mask.map((value, cell) => (kept[cell] ? value : 0)),
    things: areas.filter((area) => area >= OTHER * largest).length,
    share,
  };
}

/** The cells over the four sides. */
function around(cell) {
  const x = cell % GRID;
  const cells = [cell - GRID, cell + GRID].filter((next) => next >= 0 && next < GRID * GRID);
  if (x > 0) cells.push(cell - 1);
  if (x < GRID - 1) cells.push(cell + 1);
  return cells;
}

/** Why there is nothing to go on with, or null. */
export function reasonOf(found) {
  return found.share < LEAST ? "no garment found on the photograph" : null;
}
