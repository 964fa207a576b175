// The softmax's playground: logits to be moved, a temperature, a constant, and what the loss says.

import { byId, make } from "./dom.js";
import { percent } from "./format.js";
import { lab, onChange } from "./lab.js";
import { figure, offer } from "./maps.js";
import { isWhole, softmax } from "./network.js";

const MOST_ROWS = 12; // classes that can be moved: the likeliest ones, where there are more
const REACH = 15; // of the sliders, to both sides
let logits = [], shown = [], right = 0;

export function listenForSoftmax() {
  for (const name of ["temperature", "constant"]) byId(name).addEventListener("input", show);
  byId("right").addEventListener("change", (event) => {
    right = Number(event.target.value);
    show();
  });
  byId("logits-back").addEventListener("click", takeOver);
  onChange((what) => {
    if (what === "look") return;
    if (what !== "edits") chooseRight();
    if (isWhole(lab.network, lab.outputs)) takeOver();
  });
}

/** The class that a sample is of; of other pictures, the answer. */
function chooseRight() {
  const own = [...lab.plain.at(-1).values];
  right = lab.label ?? own.indexOf(Math.max(...own));
  offer(byId("right"), lab.network.info.labels.map((label, i) => [i, label]), right);
}

/** Begin with what the network says of the picture, in its own temperature. */
function takeOver() {
  logits = [...lab.outputs.at(-1).values];
  byId("temperature").value = String(Math.log(lab.network.info.temperature));
  byId("constant").value = "0";
  const order = logits.map((_, i) => i);
  if (order.length > MOST_ROWS) {
    order.sort((a, b) => logits[b] - logits[a]);
    order.length = MOST_ROWS;
    if (!order.includes(right)) order[MOST_ROWS - 1] = right;
  }
  shown = order;
  const reach = Math.max(REACH, Math.ceil(Math.max(...logits.map(Math.abs))));
  byId("logits").replaceChildren(...shown.map((i) => rowOf(i, reach)));
  show();
}

function rowOf(index, reach) {
  const label = lab.network.info.labels[index];
  const limits = { type: "range", min: -reach, max: reach, step: "0.05" };
  const slider = make("input", { ...limits, "aria-label": `Logit of ${label}` });
  slider.addEventListener("input", () => {
    logits[index] = slider.valueAsNumber;
    show();
  });
  const logit = make("td", { class: "logit" }, slider, make("output"));
  const bar = make("td", { class: "bar" }, make("span", { class: "track" }, make("span", { class: "fill" })));
  return make("tr", {}, make("th", { scope: "row" }, label), logit, bar,
    make("td", { class: "share" }), make("td", { class: "naive" }), make("td", { class: "gradient" }));
}

function show() {
  const temperature = Math.exp(byId("temperature").valueAsNumber);
  const constant = byId("constant").valueAsNumber;
  const moved = logits.map((logit) => logit + constant);
  const probs = softmax(moved, temperature);
  const naive = naively(moved, temperature);
  byId("temperature-out").textContent = temperature.toFixed(2);
  byId("constant-out").textContent = signedWhole(constant);
  shown.forEach((index, i) => {
    const [, logit, bar, share, plain, gradient] = byId("logits").children[i].children;
    const [slider, words] = logit.children;
    if (slider !== document.activeElement) slider.value = String(logits[index]);
    words.textContent = figure(moved[index]);
    bar.querySelector(".fill").style.width = `${100 * probs[index]}%`;
    share.textContent = percent(probs[index]);
    plain.textContent = Number.isFinite(naive.probs[index]) ? percent(naive.probs[index]) : "NaN";
    plain.classList.toggle("broken", !Number.isFinite(naive.probs[index]));
    gradient.textContent = figure((probs[index] - (index === right ? 1 : 0)) / temperature);
    byId("logits").children[i].classList.toggle("first", index === right);
  });
  showLoss(moved, temperature, probs);
  showFormulas(moved, temperature, naive);
}

/** e to each logit over their sum, with numbers of 32 bits as networks use them. */
function naively(values, temperature) {
  const powers = values.map((value) => Math.fround(Math.exp(Math.fround(value / temperature))));
  const sum = powers.reduce((a, b) => Math.fround(a + b), 0);
  return { powers, sum, probs: powers.map((power) => Math.fround(power / sum)) };
}

function showLoss(values, temperature, probs) {
  const most = Math.max(...values);
  const sum = values.reduce((total, value) => total + Math.exp((value - most) / temperature), 0);
  const loss = Math.log(sum) - (values[right] - most) / temperature;
  const label = lab.network.info.labels[right];
  byId("loss").textContent =
    `Cross-entropy, if ${label} is right: −ln ${probs[right].toPrecision(3)} = ${loss.toFixed(3)}. ` +
    "Its gradient is probability minus one for the right class, probability for all others" +
    `${Math.abs(temperature - 1) < 0.005 ? "" : ", over the temperature"}: training moves the logits the other way.`;
}

function showFormulas(values, temperature, naive) {
  const top = values.indexOf(Math.max(...values));
  const label = lab.network.info.labels[top];
  const exponent = values[top] / temperature;
  byId("naive-formula").replaceChildren(
    power(exponent), ` / sum = ${brief(naive.powers[top])} / ${brief(naive.sum)} = `,
    make("strong", {}, Number.isFinite(naive.probs[top]) ? percent(naive.probs[top]) : "NaN"));
  const isBroken = !Number.isFinite(naive.probs[top]);
  byId("naive-words").textContent = !isBroken
    ? `For ${label}. Numbers of 32 bits end at 3.4 × 10³⁸, that is at e to the power of 88.7.`
    : exponent > 0 ? "Infinity over infinity is not a number: e to the power of more than 88.7 has no room in 32 bits."
      : "Zero over zero is not a number: e to the power of less than −104 is rounded to zero in 32 bits.";
  const rest = values.reduce((sum, value) => sum + Math.exp((value - values[top]) / temperature), 0);
  byId("stable-formula").replaceChildren(
    power(0), ` / sum = 1 / ${brief(rest)} = `, make("strong", {}, percent(1 / rest)));
  byId("stable-words").textContent =
    `The largest, ${figure(exponent)}, is subtracted from all first: it changes nothing, and nothing can overflow.`;
}

function power(exponent) {
  return make("span", {}, "e", make("sup", {}, figure(exponent)));
}

function brief(value) {
  if (!Number.isFinite(value)) return "∞";
  if (value === 0) return "0";
  if (value >= 0.01 && value < 1e4) return value.toFixed(2);
  return value.toExponential(1).replace("e+", " × 10^").replace("e-", " × 10^−");
}

function signedWhole(value) {
  return value < 0 ? `−${-value}` : `${value}`;
}
