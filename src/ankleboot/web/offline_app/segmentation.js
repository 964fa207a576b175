// Postprocessing of the segmentation network's output, as in
// ankleboot/data/preprocessing/segmentation.py; a test compares the two.

import { bounds, MASK_THRESHOLD } from "./preprocessing.js";

const GRID = 96; // cells per side of a mask
const MIN_AREA_FRACTION = 0.015;
const SPECK = 0.1; // smaller objects, relative to the largest, are removed
const SIMILAR_AREA = 0.5; // objects from this area on, relative to the largest, count
const MARGIN = 2; // cells kept around objects, where the network is unsure
const MAX_SEPARATE = 8; // garments that are classified one by one

/** Scale probabilities (float32) to 0..255, rounding halves to even as NumPy does. */
export function toMask(probabilities) {
  return Uint8Array.from(probabilities, (p) => {
    const exact = Math.fround(255 * p);
    const below = Math.floor(exact);
    if (exact - below === 0.5) return below + (below % 2);
    return Math.round(exact);
  });
}

/** Remove specks; returns the mask, its number of similar objects, and its fraction of the image. */
export function removeSpecks(mask) {
  const { objectOf, areas } = findObjects(mask);
  if (!areas.length) return { mask, numObjects: 0, areaFraction: 0 };
  const largest = Math.max(...areas);
  const kept = objectOf.map((number) => (number && areas[number - 1] >= SPECK * largest ? 1 : 0));
  const isInside = withMargin(kept);
  return {
    mask: mask.map((value, cell) => (isInside[cell] ? value : 0)),
    numObjects: areas.filter((area) => area >= SIMILAR_AREA * largest).length,
    areaFraction: kept.reduce((sum, isKept) => sum + isKept, 0) / mask.length,
  };
}

/**
 * Return the similar objects of a mask, from left to right, each {box, mask}: its place in fractions
 * of the photo, and a mask that shows it alone.
 */
export function separateGarments(mask) {
  const { objectOf, areas } = findObjects(mask);
  const largest = Math.max(...areas);
  return areas
    .map((area, i) => ({ area, number: i + 1, last: objectOf.lastIndexOf(i + 1) }))
    .filter(({ area }) => area >= SIMILAR_AREA * largest)
    .sort((a, b) => b.area - a.area || a.last - b.last)
    .slice(0, MAX_SEPARATE)
    .map(({ number }) => separate(mask, objectOf, number))
    .sort((a, b) => a.box.left - b.box.left || a.box.top - b.box.top);
}

function separate(mask, objectOf, number) {
  const inside = objectOf.map((other) => (other === number ? 1 : 0));
  const isInside = withMargin(inside);
  const isOther = (cell) => objectOf[cell] !== 0 && objectOf[cell] !== number;
  const { top, left, width, height } =
    bounds({ width: GRID, height: GRID }, (cell) => inside[cell] === 1);
  return {
    box: { left: left / GRID, top: top / GRID, width: width / GRID, height: height / GRID },
    mask: mask.map((value, cell) => (isInside[cell] && !isOther(cell) ? value : 0)),
  };
}

/** Number the connected objects of a mask from 1, and count their cells. */
function findObjects(mask) {
  const objectOf = new Int32Array(mask.length); // number of the object at a cell, 0 outside
  const areas = [];
  mask.forEach((value, start) => {
    if (value < MASK_THRESHOLD || objectOf[start]) return;
    const open = [start];
    objectOf[start] = areas.push(0);
    while (open.length) {
      const cell = open.pop();
      areas[objectOf[start] - 1]++;
      for (const next of neighborsOf(cell)) {
        if (mask[next] < MASK_THRESHOLD || objectOf[next]) continue;
        objectOf[next] = objectOf[start];
        open.push(next);
      }
    }
  });
  return { objectOf, areas };
}

/** Add the cells around some cells. */
function withMargin(cells) {
  let kept = cells;
  for (let step = 0; step < MARGIN; step++) {
    const before = kept;
    kept = before.map((isKept, cell) =>
      (isKept || neighborsOf(cell).some((next) => before[next]) ? 1 : 0));
  }
  return kept;
}

function neighborsOf(cell) {
  const x = cell % GRID;
  const cells = [cell - GRID, cell + GRID].filter((next) => next >= 0 && next < GRID * GRID);
  if (x > 0) cells.push(cell - 1);
  if (x < GRID - 1) cells.push(cell + 1);
  return cells;
}

/** Return the reason for which a segmentation is unusable, or null. */
export function failureOf({ areaFraction }) {
  return areaFraction < MIN_AREA_FRACTION ? "no garment found on the photo" : null;
}
