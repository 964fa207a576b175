// Names of layers, maps and sizes.

const KINDS = {
  scale: "Normalization", convolution: "Convolution", depthwise: "Depthwise convolution",
  pooling: "Pooling", add: "Skip connection", flatten: "Flatten", dense: "Dense layer",
};
const FUNCTIONS = { relu: "ReLU", leaky_relu: "LeakyReLU", gelu: "GELU" };
const COLORS = ["red", "green", "blue"];

/** Return a layer's name, numbered among the layers of its kind. */
export function layerName({ layers }, index) {
  const layer = layers[index];
  if (layer.name === "logits") return "Logits";
  const before = layers.slice(0, index).filter(({ kind, name }) => kind === layer.kind && name !== "logits");
  const base = layer.kind === "activation" ? FUNCTIONS[layer.function] : KINDS[layer.kind];
  const isOnly = layers.filter(({ kind }) => kind === layer.kind).length === 1;
  return isOnly ? base : `${base} ${before.length + 1}`;
}

/** Return the name of a convolution's input: a color of the image, or a map. */
export function inputName({ layers, info }, conv, channel) {
  if (!seesImage({ layers }, conv)) return `map ${channel + 1}`;
  return info.color ? COLORS[channel] : "the image";
}

/** Return whether a layer's input is the image, except for normalization. */
export function seesImage({ layers }, index) {
  return layers.slice(0, index).every(({ kind }) => kind === "scale");
}

export function sizeOf({ height, width, channels }) {
  return height * width === 1 ? channels.toLocaleString("en") : `${height} × ${width} × ${channels}`;
}
