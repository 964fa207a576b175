// Overview of the network: one map of every layer, in order.

import { byId, make } from "./dom.js";
import { paintImage, paintMap } from "./feature_maps.js";
import { layerName, sizeOf } from "./labels.js";
import { showSection } from "./sections.js";
import { blocksOf, currentImage, onChange, selectFilter, state } from "./state.js";

const ROW_LENGTH = 32; // values per row in the image of a flat layer

export function startOverview() {
  onChange(render);
}

function render(changed) {
  const list = byId("overview");
  if (changed === "network" || !list.children.length) {
    list.replaceChildren(makeStep("Image"), ...state.network.layers.flatMap((layer, i) =>
      layer.kind === "flatten" ? [] : [makeStep(layerName(state.network, i), i)]));
  }
  const [first, ...steps] = list.children;
  paintImage(first.querySelector("canvas"), currentImage());
  first.querySelector("small").textContent = sizeOf(currentImage());
  for (const step of steps) fill(step, state.outputs[Number(step.dataset.layer)]);
}

function makeStep(name, layer = null) {
  const kind = layer === null ? "" : state.network.layers[layer].kind;
  const parts = [make("canvas"), make("span", {}, name), make("small")];
  const target = { convolution: "convolution", pooling: "pooling" }[kind];
  const step = make("li", layer === null ? {} : { "data-layer": layer });
  if (!target) {
    step.append(make("div", {}, ...parts));
    return step;
  }
  const button = make("button", {}, ...parts);
  button.addEventListener("click", () => {
    if (target === "convolution") selectFilter(layer, state.filter);
    else {
      byId("pool-layer").value = String(layer);
      byId("pool-layer").dispatchEvent(new Event("change"));
    }
    showSection(target);
  });
  step.append(button);
  return step;
}

function fill(step, maps) {
  const isMissing = !maps?.width || !maps.height; // a window that fits nowhere leaves no values
  step.classList.toggle("missing", isMissing);
  step.querySelector("small").textContent = isMissing ? "no output" : sizeOf(maps);
  const canvas = step.querySelector("canvas");
  if (isMissing) {
    paintMap(canvas, null);
    return;
  }
  const isFlat = maps.height * maps.width === 1 && maps.channels > 1;
  paintMap(canvas, isFlat ? foldRows(maps) : maps, isFlat ? 0 : shownChannel(step, maps));
}

/** Return the selected filter in the layers of its convolution, and 0 elsewhere. */
function shownChannel(step, { channels }) {
  const layer = Number(step.dataset.layer);
  const block = blocksOf(state.network).find(({ conv }) => conv === state.conv);
  return layer >= block.conv && layer <= block.last && state.filter < channels ? state.filter : 0;
}

/** Arrange a vector in rows. */
function foldRows({ channels, values }) {
  const width = Math.min(channels, ROW_LENGTH), height = Math.ceil(channels / width);
  const padded = new Float32Array(width * height);
  padded.set(values);
  return { height, width, channels: 1, values: padded };
}
