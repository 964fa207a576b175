// Sample images of the data set, cut from the strip samples.png.

/** Classes of the sample images; a page offers them to a model that has all of these and no others. */
export const SAMPLE_CLASSES = [
  "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
  "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
];
const SIDE = 28;

/** Fill a box with buttons; `chosen` gets an image's canvas. Returns the first canvas. */
export async function showSamples(box, chosen, source = "samples.png") {
  const strip = new Image();
  strip.src = source;
  await strip.decode();
  for (let start = 0; start < strip.width; start += SIDE) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIDE;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(strip, -start, 0);
    const button = document.createElement("button");
    button.setAttribute("aria-label", `Classify sample ${start / SIDE + 1}`);
    button.append(canvas);
    button.addEventListener("click", () => chosen(canvas));
    box.append(button);
  }
  return box.querySelector("canvas");
}
