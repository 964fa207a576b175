// Switching filters off, one by one or each in turn.

import { byId } from "./dom.js";
import { percent } from "./format.js";
import { blocksOf, edit, lab, onChange, probabilitiesOf } from "./lab.js";
import { fillGallery } from "./convolution.js";
import { offer } from "./maps.js";
import { layerName } from "./names.js";
import { forward } from "./network.js";

const BEST = 3; // effects that stand out
let block = null;
let isMeasured = false; // and to be measured again when a filter is switched

export function listenForFilters() {
  byId("off-layer").addEventListener("change", (event) => {
    block = blocksOf(lab.network).find(({ conv }) => conv === Number(event.target.value));
    render("look");
  });
  byId("off-each").addEventListener("click", measure);
  byId("off-none").addEventListener("click", () => {
    for (const { last } of blocksOf(lab.network)) if (lab.edits[last]?.off) edit(last, { off: null });
  });
  onChange(render);
}

const offNow = () => lab.edits[block.last]?.off ?? new Set();

function render(what) {
  const blocks = blocksOf(lab.network);
  if (what === "network" || block === null) [block] = blocks;
  offer(byId("off-layer"), blocks.map(({ conv }) => [conv, layerName(lab.network, conv)]), block.conv);
  const box = byId("off-gallery");
  fillGallery(box, withoutEdit(), toggle);
  clearEffects(box);
  const off = offNow();
  [...box.children].forEach((button, i) => {
    button.setAttribute("aria-pressed", off.has(i));
    button.setAttribute("aria-label", `Switch filter ${i + 1} off`);
  });
  const probs = probabilitiesOf(lab.outputs), plain = probabilitiesOf(lab.plain);
  const total = blocks.reduce((sum, { last }) => sum + (lab.edits[last]?.off?.size ?? 0), 0);
  byId("off-words").textContent = `${total === 0 ? "All filters are on" : `${total} off`}. ${said(plain, probs)}`;
}

/** The maps as they would be with all filters of this layer on. */
function withoutEdit() {
  const { off, ...edits } = lab.edits[block.last] ?? {};
  return off
    ? forward(lab.network, null, { ...lab.edits, [block.last]: edits }, block.last, lab.outputs)[block.last]
    : lab.outputs[block.last];
}

function said(plain, probs) {
  const { labels } = lab.network.info;
  if (!probs) return "No answer: see Pooling.";
  const first = plain.indexOf(Math.max(...plain)), now = probs.indexOf(Math.max(...probs));
  if (first === now) return `The answer: ${labels[now]}, ${percent(probs[now])} (${percent(plain[now])} as trained).`;
  const left = `${labels[first]} has ${percent(probs[first])} left`;
  return `The answer is now ${labels[now]}, ${percent(probs[now])}; ${left}.`;
}

function toggle(filter) {
  const off = new Set(offNow());
  if (!off.delete(filter)) off.add(filter);
  const again = isMeasured;
  edit(block.last, { off: off.size ? off : null });
  if (again) measure();
}

/** What the answer loses with each filter that is still on. */
function measure() {
  const probs = probabilitiesOf(lab.outputs);
  if (!probs) return;
  isMeasured = true;
  const answer = probs.indexOf(Math.max(...probs));
  const off = offNow();
  const box = byId("off-gallery");
  const effects = [...box.children].map((_, i) => {
    if (off.has(i)) return null;
    const edits = { ...lab.edits, [block.last]: { ...lab.edits[block.last], off: new Set([...off, i]) } };
    const outputs = forward(lab.network, null, edits, block.last, lab.outputs);
    return probabilitiesOf(outputs)[answer] - probs[answer];
  });
  const ranked = effects.filter((one) => one !== null).sort((a, b) => a - b);
  effects.forEach((effect, i) => {
    const button = box.children[i];
    button.querySelector("span").textContent = effect === null ? "off" : points(effect);
    button.classList.toggle("weighty", effect !== null && effect < 0 && effect <= ranked[BEST - 1]);
  });
  const worst = effects.indexOf(ranked[0]);
  byId("off-words").textContent += ` Below each: what ${lab.network.info.labels[answer]} loses or gains ` +
    `without it, in points; most without filter ${worst + 1}, ${points(ranked[0])}.`;
}

function points(share) {
  const text = (100 * share).toFixed(1);
  return Number(text) === 0 ? "0" : share < 0 ? text.replace("-", "−") : `+${text}`;
}

function clearEffects(box) {
  isMeasured = false;
  [...box.children].forEach((button, i) => {
    button.querySelector("span").textContent = `${i + 1}`;
    button.classList.remove("weighty");
  });
}
