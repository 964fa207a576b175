// Images of the sample for training in the page. The classes alternate: image i is of class i % 10.

import { NUM_CLASSES, SIDE } from "./learner.js";

const NUM_TRAINING = 400; // the others are for validation; as in ankleboot/export/playground.py

/** Decode the sprite into { training, validation }: lists of { pixels, label }, pixels in [0, 1]. */
export async function decodeLessonImages(packed) {
  const sprite = new Image();
  sprite.src = `data:image/png;base64,${packed}`;
  await sprite.decode();
  const canvas = document.createElement("canvas");
  canvas.width = sprite.width;
  canvas.height = sprite.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(sprite, 0, 0);
  const columns = sprite.width / SIDE;
  const images = Array.from({ length: columns * (sprite.height / SIDE) }, (_, i) => {
    const left = (i % columns) * SIDE, top = Math.floor(i / columns) * SIDE;
    const { data } = context.getImageData(left, top, SIDE, SIDE);
    const pixels = Float64Array.from({ length: SIDE ** 2 }, (_, p) => data[4 * p] / 255);
    return { pixels, label: i % NUM_CLASSES };
  });
  return { training: images.slice(0, NUM_TRAINING), validation: images.slice(NUM_TRAINING) };
}
