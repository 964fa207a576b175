// Several models side by side: each one's answer about the same picture, one of them in full.

import { showBars } from "./bars.js";
import { byId, make } from "./dom.js";
import { byShare, percent, sentence } from "./format.js";

const SHOWN = 3; // of the most likely classes
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

let models = [];
let chosen;

export const chosenModel = () => chosen;

/** Offer the models; `changed` is called when another one is chosen. */
export function showModels(service, changed) {
  models = service.models;
  choose(models.find(({ name }) => name === service.default) ?? models[0]);
  const box = byId("models");
  box.hidden = models.length < 2;
  box.replaceChildren(...models.map((model, place) => chip(model, place, changed)));
  choose(chosen);
}

function chip(model, place, changed) {
  const take = (other) => {
    choose(other);
    changed();
  };
  const button = make("button", { role: "radio", class: "model", "data-model": model.name },
    make("span", { class: "model-name" }, model.name),
    make("span", { class: "model-size" }),
    make("strong", { class: "model-answer" }, "…"),
    make("ol", { class: "mini", role: "list" }));
  button.addEventListener("click", () => take(model));
  button.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    take(models[(place + step + models.length) % models.length]);
    chipOf(chosen.name).focus();
  });
  return button;
}

function choose(model) {
  chosen = model;
  for (const button of byId("models").children) {
    const isChosen = button.dataset.model === chosen.name;
    button.setAttribute("aria-checked", isChosen);
    button.tabIndex = isChosen ? 0 : -1;
  }
}

/** What a model says in short: an answer, an error, or null while it thinks. */
export function showModelsAnswer(name, said, info) {
  const button = chipOf(name);
  const words = button.querySelector(".model-answer");
  const list = button.querySelector(".mini");
  button.classList.toggle("busy", said === null);
  if (said === null) return; // the last one stays until there is another
  button.classList.toggle("doubtful", said instanceof Error || said.reason !== null);
  if (said instanceof Error) {
    words.textContent = said.message;
    list.replaceChildren();
    return;
  }
  button.querySelector(".model-size").textContent = info.parameters
    ? `${COMPACT.format(info.parameters)} parameters` : ""; // some files do not say
  words.textContent = said.reason === null
    ? `${said.label}, ${percent(said.confidence)}`
    : sentence(said.reason);
  const none = info.declined.length ? [["None of these", said.noneOfThese]] : [];
  const rows = byShare([...said.shares, ...none]).slice(0, SHOWN);
  showBars(list, rows, rows[0][0]);
}

function chipOf(name) {
  return [...byId("models").children].find((button) => button.dataset.model === name);
}
