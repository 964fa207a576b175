// Out-of-distribution check: similarity of an image to the training images of a label, as in
// ankleboot/models/files/ood_check.py; a test compares the two.

const NUM_NEAREST = 3;
const ZERO = 128; // byte that stands for 0

/**
 * Return the function from a label's index to the similarity of an image with these features.
 *
 * check: the document in a model's metadata.
 */
export function similarityOf(features, check) {
  const bytes = Uint8Array.from(atob(check.centers.values), (letter) => letter.charCodeAt(0));
  const [, size] = check.centers.shape;
  const cosineTo = (center) => {
    const vector = bytes.subarray(center * size, (center + 1) * size);
    let [product, ownSquares, squares] = [0, 0, 0];
    features.forEach((value, i) => {
      const other = vector[i] - ZERO;
      product += value * other;
      ownSquares += value * value;
      squares += other * other;
    });
    return product / Math.max(Math.sqrt(ownSquares * squares), 1e-12);
  };
  return (index) => {
    const first = check.counts.slice(0, index).reduce((sum, count) => sum + count, 0);
    const cosines = Array.from({ length: check.counts[index] }, (_, i) => cosineTo(first + i));
    const nearest = cosines.sort((a, b) => b - a).slice(0, NUM_NEAREST);
    return nearest.length ? nearest.reduce((sum, cosine) => sum + cosine, 0) / nearest.length : 1;
  };
}

/** Return RGB values of a square as an image of RGBA values, which can be resized. */
export function squareImage(values, side) {
  const data = new Uint8ClampedArray(4 * side * side);
  for (let i = 0; i < side * side; i++) {
    data.set([values[3 * i], values[3 * i + 1], values[3 * i + 2], 255], 4 * i);
  }
  return { data, width: side, height: side };
}
