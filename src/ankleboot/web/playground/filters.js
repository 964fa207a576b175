// Filters: switch them off and measure the effect.

import { isIndex, keepInAddress } from "./address.js";
import { fillGallery } from "./convolution.js";
import { byId } from "./dom.js";
import { setOptions } from "./feature_maps.js";
import { percent } from "./format.js";
import { layerName } from "./labels.js";
import { forward } from "./network.js";
import { blocksOf, edit, onChange, probabilities, state } from "./state.js";

const NUM_HIGHLIGHTED = 3; // largest effects
let block = null;
let isMeasured = false; // whether effects are shown and updated when a filter is switched

export function startFilters() {
  byId("off-layer").addEventListener("change", (event) => {
    block = blocksOf(state.network).find(({ conv }) => conv === Number(event.target.value));
    render("selection");
  });
  byId("off-each").addEventListener("click", measure);
  byId("off-none").addEventListener("click", () => {
    for (const { last } of blocksOf(state.network)) if (state.edits[last]?.off) edit(last, { off: null });
  });
  onChange(render);
  keepInAddress({ read, restore });
}

function read() {
  const ordinal = blocksOf(state.network).findIndex(({ conv }) => conv === block.conv);
  return { ...(ordinal && { layer: ordinal }), ...(isMeasured && { measured: 1 }) };
}

function restore({ layer, measured }) {
  const blocks = blocksOf(state.network);
  block = blocks[isIndex(Number(layer), blocks.length) ? Number(layer) : 0];
  render("selection");
  if (measured) measure();
}

const filtersOff = () => state.edits[block.last]?.off ?? new Set();

function render(changed) {
  const blocks = blocksOf(state.network);
  if (changed === "network" || block === null) [block] = blocks;
  setOptions(byId("off-layer"), blocks.map(({ conv }) => [conv, layerName(state.network, conv)]), block.conv);
  const box = byId("off-gallery");
  fillGallery(box, mapsWithAllFilters(), toggle);
  clearEffects(box);
  const off = filtersOff();
  [...box.children].forEach((button, i) => {
    button.setAttribute("aria-pressed", off.has(i));
    button.setAttribute("aria-label", `Switch filter ${i + 1} off`);
  });
  const probs = probabilities(state.outputs), original = probabilities(state.original);
  const total = blocks.reduce((sum, { last }) => sum + (state.edits[last]?.off?.size ?? 0), 0);
  const switched = total === 0 ? "All filters are on" : `${total} off`;
  byId("off-text").textContent = `${switched}. ${describePrediction(original, probs)}`;
}

/** Compute the maps with all filters of this layer on. */
function mapsWithAllFilters() {
  const { off, ...edits } = state.edits[block.last] ?? {};
  return off
    ? forward(state.network, null, { ...state.edits, [block.last]: edits }, block.last, state.outputs)[block.last]
    : state.outputs[block.last];
}

function describePrediction(original, probs) {
  const { labels } = state.network.info;
  if (!probs) return "No prediction: see Pooling.";
  const before = original.indexOf(Math.max(...original)), now = probs.indexOf(Math.max(...probs));
  const prediction = `${labels[now]}, ${percent(probs[now])}`;
  if (before === now) return `Prediction: ${prediction} (${percent(original[now])} as trained).`;
  return `The prediction is now ${prediction}; ${labels[before]} has ${percent(probs[before])}.`;
}

function toggle(filter) {
  const off = new Set(filtersOff());
  if (!off.delete(filter)) off.add(filter);
  const wasMeasured = isMeasured;
  edit(block.last, { off: off.size ? off : null });
  if (wasMeasured) measure();
}

/** Measure the change of the predicted class's probability without each filter that is on. */
function measure() {
  const probs = probabilities(state.outputs);
  if (!probs) return;
  isMeasured = true;
  const predicted = probs.indexOf(Math.max(...probs));
  const off = filtersOff();
  const box = byId("off-gallery");
  const effects = [...box.children].map((_, i) => {
    if (off.has(i)) return null;
    const edits = { ...state.edits, [block.last]: { ...state.edits[block.last], off: new Set([...off, i]) } };
    const outputs = forward(state.network, null, edits, block.last, state.outputs);
    return probabilities(outputs)[predicted] - probs[predicted];
  });
  const ranked = effects.filter((effect) => effect !== null).sort((a, b) => a - b);
  effects.forEach((effect, i) => {
    const button = box.children[i];
    button.querySelector("span").textContent = effect === null ? "off" : points(effect);
    button.classList.toggle("important", effect !== null && effect < 0 && effect <= ranked[NUM_HIGHLIGHTED - 1]);
  });
  const worst = effects.indexOf(ranked[0]);
  byId("off-text").textContent += ` Below each filter: the change of ` +
    `${state.network.info.labels[predicted]} without it, in points. The largest loss is ` +
    `${points(ranked[0])}, without filter ${worst + 1}.`;
}

function points(change) {
  const text = (100 * change).toFixed(1);
  return Number(text) === 0 ? "0" : change < 0 ? text.replace("-", "−") : `+${text}`;
}

function clearEffects(box) {
  isMeasured = false;
  [...box.children].forEach((button, i) => {
    button.querySelector("span").textContent = `${i + 1}`;
    button.classList.remove("important");
  });
}
