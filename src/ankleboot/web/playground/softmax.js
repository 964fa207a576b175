// Softmax: adjustable logits, temperature and constant, with the loss and its gradient.

import { isIndex, keepInAddress, readList, writeList } from "./address.js";
import { byId, make } from "./dom.js";
import { formatNumber, setOptions } from "./feature_maps.js";
import { percent } from "./format.js";
import { isComplete, softmax } from "./network.js";
import { onChange, state } from "./state.js";

const MAX_ROWS = 12; // further classes, the least likely ones, have no slider
const MIN_RANGE = 15; // of the sliders, in both directions
let logits = [], shown = [], trueClass = 0, learnedTemperature = "0";

export function startSoftmax() {
  for (const name of ["temperature", "constant"]) byId(name).addEventListener("input", show);
  byId("true-class").addEventListener("change", (event) => {
    trueClass = Number(event.target.value);
    show();
  });
  byId("reset-logits").addEventListener("click", resetLogits);
  onChange((changed) => {
    if (changed === "selection") return;
    if (changed !== "edits") selectTrueClass();
    resetLogits();
  });
  keepInAddress({ read, restore });
}

function read() {
  const learned = currentLogits();
  const moved = logits.flatMap((logit, i) => (logit === learned[i] ? [] : [[i, logit]]));
  const values = {};
  if (moved.length) values.logits = writeList(moved);
  if (byId("temperature").value !== learnedTemperature) values.temperature = byId("temperature").value;
  if (byId("constant").value !== "0") values.plus = byId("constant").value;
  if (trueClass !== likelyClass()) values.truth = trueClass;
  return values;
}

function restore(values) {
  trueClass = isIndex(Number(values.truth ?? NaN), logits.length) ? Number(values.truth) : likelyClass();
  byId("true-class").value = `${trueClass}`;
  resetLogits();
  for (const [i, logit] of readList(values.logits)) {
    if (isIndex(i, logits.length) && Number.isFinite(logit)) logits[i] = logit;
  }
  byId("temperature").value = values.temperature ?? learnedTemperature;
  byId("constant").value = values.plus ?? "0";
  show();
}

/** Return a sample's true class, or the predicted class of other images. */
function likelyClass() {
  const original = [...state.original.at(-1).values];
  return state.label ?? original.indexOf(Math.max(...original));
}

function selectTrueClass() {
  trueClass = likelyClass();
  setOptions(byId("true-class"), state.network.info.labels.map((label, i) => [i, label]), trueClass);
}

/** Return the network's logits, those without changes if it has no prediction with them. */
function currentLogits() {
  return (isComplete(state.network, state.outputs) ? state.outputs : state.original).at(-1).values;
}

/** Reset to the network's logits and temperature. */
function resetLogits() {
  logits = [...currentLogits()];
  byId("temperature").value = String(Math.log(state.network.info.temperature));
  learnedTemperature = byId("temperature").value; // the slider rounds it
  byId("constant").value = "0";
  const order = logits.map((_, i) => i);
  if (order.length > MAX_ROWS) {
    order.sort((a, b) => logits[b] - logits[a]);
    order.length = MAX_ROWS;
    if (!order.includes(trueClass)) order[MAX_ROWS - 1] = trueClass;
  }
  shown = order;
  const range = Math.max(MIN_RANGE, Math.ceil(Math.max(...logits.map(Math.abs))));
  byId("logits").replaceChildren(...shown.map((i) => rowOf(i, range)));
  show();
}

function rowOf(index, range) {
  const label = state.network.info.labels[index];
  const limits = { type: "range", min: -range, max: range, step: "0.05" };
  const slider = make("input", { ...limits, "aria-label": `Logit of ${label}` });
  slider.addEventListener("input", () => {
    logits[index] = slider.valueAsNumber;
    show();
  });
  const logit = make("td", { class: "logit" }, slider, make("output"));
  const bar = make("td", { class: "bar" }, make("span", { class: "track" }, make("span", { class: "fill" })));
  return make("tr", {}, make("th", { scope: "row" }, label), logit, bar,
    make("td", { class: "probability" }), make("td", { class: "naive" }), make("td", { class: "gradient" }));
}

function show() {
  const temperature = Math.exp(byId("temperature").valueAsNumber);
  const constant = byId("constant").valueAsNumber;
  const values = logits.map((logit) => logit + constant);
  const probs = softmax(values, temperature);
  const naive = naiveSoftmax(values, temperature);
  byId("temperature-out").textContent = temperature.toFixed(2);
  byId("constant-out").textContent = formatInteger(constant);
  shown.forEach((index, i) => {
    const [, logit, bar, probability, naiveProbability, gradient] = byId("logits").children[i].children;
    const [slider, value] = logit.children;
    if (slider !== document.activeElement) slider.value = String(logits[index]);
    value.textContent = formatNumber(values[index]);
    bar.querySelector(".fill").style.width = `${100 * probs[index]}%`;
    probability.textContent = percent(probs[index]);
    naiveProbability.textContent = percentOrNaN(naive.probs[index]);
    naiveProbability.classList.toggle("broken", !Number.isFinite(naive.probs[index]));
    gradient.textContent = formatNumber((probs[index] - (index === trueClass ? 1 : 0)) / temperature);
    byId("logits").children[i].classList.toggle("first", index === trueClass);
  });
  showLoss(values, temperature, probs);
  showFormulas(values, temperature, naive);
}

/** Compute softmax without subtracting the maximum, in 32-bit floats as networks use them. */
function naiveSoftmax(values, temperature) {
  const powers = values.map((value) => Math.fround(Math.exp(Math.fround(value / temperature))));
  const sum = powers.reduce((a, b) => Math.fround(a + b), 0);
  return { powers, sum, probs: powers.map((value) => Math.fround(value / sum)) };
}

function showLoss(values, temperature, probs) {
  const largest = Math.max(...values);
  const sum = values.reduce((total, value) => total + Math.exp((value - largest) / temperature), 0);
  const loss = Math.log(sum) - (values[trueClass] - largest) / temperature;
  const label = state.network.info.labels[trueClass];
  const divided = Math.abs(temperature - 1) < 0.005 ? "" : ", divided by the temperature";
  byId("loss").textContent =
    `Cross-entropy for the true class ${label}: −ln ${probs[trueClass].toPrecision(3)} = ${loss.toFixed(3)}. ` +
    "Its gradient is the probability minus one for the true class and the probability for all others" +
    `${divided}. Training moves the logits in the opposite direction.`;
}

function showFormulas(values, temperature, naive) {
  const top = values.indexOf(Math.max(...values));
  const label = state.network.info.labels[top];
  const exponent = values[top] / temperature;
  byId("naive-formula").replaceChildren(
    power(exponent), ` / sum = ${formatScientific(naive.powers[top])} / ${formatScientific(naive.sum)} = `,
    make("strong", {}, percentOrNaN(naive.probs[top])));
  const isBroken = !Number.isFinite(naive.probs[top]);
  byId("naive-text").textContent = !isBroken
    ? `For ${label}. The largest 32-bit float is 3.4 × 10³⁸, about e to the power of 88.7.`
    : exponent > 0 ? "Infinity over infinity is not a number: e to a power above 88.7 exceeds a 32-bit float."
      : "Zero over zero is not a number: e to a power below −104 rounds to zero in a 32-bit float.";
  const rest = values.reduce((sum, value) => sum + Math.exp((value - values[top]) / temperature), 0);
  byId("stable-formula").replaceChildren(
    power(0), ` / sum = 1 / ${formatScientific(rest)} = `, make("strong", {}, percent(1 / rest)));
  byId("stable-text").textContent = `Subtracting the largest value, ${formatNumber(exponent)}, from all ` +
    "first leaves the result unchanged and prevents overflow.";
}

function percentOrNaN(probability) {
  return Number.isFinite(probability) ? percent(probability) : "NaN";
}

function power(exponent) {
  return make("span", {}, "e", make("sup", {}, formatNumber(exponent)));
}

function formatScientific(value) {
  if (!Number.isFinite(value)) return "∞";
  if (value === 0) return "0";
  if (value >= 0.01 && value < 1e4) return value.toFixed(2);
  return value.toExponential(1).replace("e+", " × 10^").replace("e-", " × 10^−");
}

function formatInteger(value) {
  return value < 0 ? `−${-value}` : `${value}`;
}
