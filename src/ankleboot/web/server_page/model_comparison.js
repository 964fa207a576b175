// Predictions of several models side by side; the selected one is shown in full.

import { showBarChart } from "./bar_chart.js";
import { byId, make } from "./dom.js";
import { capitalize, percent, sortByProbability } from "./format.js";
import { namesClass } from "./prediction_card.js";

const NUM_BARS = 3; // most likely classes per model
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

let models = [];
let selected;

export const selectedModel = () => selected;

/** Show a button for each model; `changed` is called when another one is selected. */
export function showModels(service, changed) {
  models = service.models;
  showModelsFold(true);
  byId("models").replaceChildren(...models.map((model, index) => modelButton(model, index, changed)));
  select(models.find(({ name }) => name === service.default) ?? models[0]);
}

/** Show the fold if there is something to compare: several models, and a prediction of one. */
export function showModelsFold(hasPrediction) {
  byId("models-fold").hidden = models.length < 2 || !hasPrediction;
}

function modelButton(model, index, changed) {
  const choose = (other) => {
    select(other);
    changed();
  };
  const button = make("button", { role: "radio", class: "model", "data-model": model.name },
    make("span", { class: "model-name" }, model.name),
    make("span", { class: "model-size" }),
    make("strong", { class: "model-prediction" }, "…"),
    make("ol", { class: "mini", role: "list" }));
  button.addEventListener("click", () => choose(model));
  button.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    choose(models[(index + step + models.length) % models.length]);
    buttonOf(selected.name).focus();
  });
  return button;
}

function select(model) {
  selected = model;
  for (const button of byId("models").children) {
    const isSelected = button.dataset.model === selected.name;
    button.setAttribute("aria-checked", isSelected);
    button.tabIndex = isSelected ? 0 : -1;
  }
}

/** Dim a model's previous prediction while the next one is computed. */
export function setModelBusy(name) {
  buttonOf(name).classList.add("busy");
}

/** Show a model's prediction in short; `info` is the model's entry of /v1/model. */
export function showModelPrediction(name, prediction, info) {
  const { label, confidence, probabilities, noneOfThese, reason, cause } = prediction;
  const list = setSummary(name, reason === null ? `${label}, ${percent(confidence)}` : capitalize(reason),
    reason !== null);
  buttonOf(name).querySelector(".model-size").textContent = info.parameters
    ? `${COMPACT.format(info.parameters)} parameters` : ""; // unknown for some formats
  const none = info.declined.length ? [["None of these", noneOfThese]] : [];
  const rows = sortByProbability([...probabilities, ...none]).slice(0, NUM_BARS);
  showBarChart(list, namesClass(cause) ? rows : [], rows[0][0]);
}

export function showModelError(name, error) {
  setSummary(name, error.message, true).replaceChildren();
}

function setSummary(name, text, isDoubtful) {
  const button = buttonOf(name);
  button.classList.remove("busy");
  button.classList.toggle("doubtful", isDoubtful);
  button.querySelector(".model-prediction").textContent = text;
  return button.querySelector(".mini");
}

function buttonOf(name) {
  return [...byId("models").children].find((button) => button.dataset.model === name);
}
