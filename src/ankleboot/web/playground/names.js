// What layers, maps and sizes are called.

const KINDS = {
  scale: "Normalisation", convolution: "Convolution", pooling: "Pooling", flatten: "In one row",
  dense: "Dense layer",
};
const FUNCTIONS = { relu: "ReLU", leaky_relu: "LeakyReLU", gelu: "GELU" };
const COLORS = ["red", "green", "blue"];

/** A layer's name, with its number among those of its kind. */
export function layerName({ layers }, index) {
  const layer = layers[index];
  if (layer.name === "logits") return "Logits";
  const before = layers.slice(0, index).filter((one) => one.kind === layer.kind && one.name !== "logits");
  const base = layer.kind === "activation" ? FUNCTIONS[layer.function] : KINDS[layer.kind];
  const isOnly = layers.filter((one) => one.kind === layer.kind).length === 1;
  return isOnly ? base : `${base} ${before.length + 1}`;
}

/** What a convolution sees below it: the picture's colors, or maps of the layer before. */
export function inputName({ layers, info }, conv, channel) {
  const isFirst = layers.slice(0, conv).every(({ kind }) => kind === "scale");
  if (!isFirst) return `map ${channel + 1}`;
  return info.color ? COLORS[channel] : "the picture";
}

/** Whether a layer sees the picture itself, normalised at most. */
export function seesPicture({ layers }, index) {
  return layers.slice(0, index).every(({ kind }) => kind === "scale");
}

export function sizeOf({ height, width, channels }) {
  return height * width === 1 ? channels.toLocaleString("en") : `${height} × ${width} × ${channels}`;
}
