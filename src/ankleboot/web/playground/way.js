// The network from end to end: a map of every layer, in order.

import { byId, make } from "./dom.js";
import { blocksOf, imageNow, lab, look, onChange } from "./lab.js";
import { paintImage, paintMap } from "./maps.js";
import { layerName, sizeOf } from "./names.js";

const ROW = 32; // values of what is flat in one row of its picture

export function showWay() {
  onChange(render);
}

function render(what) {
  const list = byId("way");
  if (what === "network" || !list.children.length) {
    list.replaceChildren(stepOf("Picture"), ...lab.network.layers.flatMap((layer, i) =>
      layer.kind === "flatten" ? [] : [stepOf(layerName(lab.network, i), i)]));
  }
  const [first, ...steps] = list.children;
  paintImage(first.querySelector("canvas"), imageNow());
  first.querySelector("small").textContent = sizeOf(imageNow());
  for (const step of steps) fill(step, lab.outputs[Number(step.dataset.layer)]);
}

function stepOf(name, layer = null) {
  const kind = layer === null ? "" : lab.network.layers[layer].kind;
  const parts = [make("canvas"), make("span", {}, name), make("small")];
  const target = { convolution: "convolution", pooling: "pooling" }[kind];
  const step = make("li", layer === null ? {} : { "data-layer": layer });
  if (!target) {
    step.append(make("div", {}, ...parts));
    return step;
  }
  const button = make("button", {}, ...parts);
  button.addEventListener("click", () => {
    if (target === "convolution") look(layer, lab.filter);
    else {
      byId("pool-layer").value = String(layer);
      byId("pool-layer").dispatchEvent(new Event("change"));
    }
    byId(target).scrollIntoView();
  });
  step.append(button);
  return step;
}

function fill(step, maps) {
  step.classList.toggle("missing", !maps);
  step.querySelector("small").textContent = maps ? sizeOf(maps) : "nothing";
  if (!maps) return;
  const flat = maps.height * maps.width === 1 && maps.channels > 1;
  paintMap(step.querySelector("canvas"), flat ? inRows(maps) : maps, flat ? 0 : chosen(step, maps));
}

/** The filter that is looked at, in the layers of its convolution; elsewhere the first. */
function chosen(step, { channels }) {
  const layer = Number(step.dataset.layer);
  const block = blocksOf(lab.network).find(({ conv }) => conv === lab.conv);
  return layer >= block.conv && layer <= block.last && lab.filter < channels ? lab.filter : 0;
}

function inRows({ channels, values }) {
  const width = Math.min(channels, ROW), height = Math.ceil(channels / width);
  const padded = new Float32Array(width * height);
  padded.set(values);
  return { height, width, channels: 1, values: padded };
}
