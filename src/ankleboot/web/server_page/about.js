// What answers here: facts, how well it was judged, its card, and how to use it without this page.

import { byId, make } from "./dom.js";
import { sentence } from "./format.js";
import { isReadable, matrixOf, perClassOf } from "./judged.js";
import { elementsOf } from "./markdown.js";
import { offerModels } from "./model_menu.js";
import { usage } from "./usage.js";

const NAMED = 12; // classes; more would be no fact but a list
const SPLITS = ["test", "validation"]; // the one that had no say in anything comes first

export function showAbout(service) {
  const show = (model) => {
    byId("facts").replaceChildren(...factsOf(model, service));
    byId("judged-body").replaceChildren(...judgementOf(model));
    const cards = cardsOf(model);
    byId("card-box").hidden = !cards.length;
    byId("card-body").classList.toggle("halves", cards.length > 1);
    byId("card-body").replaceChildren(...cards.map((card) => make("div", {}, ...elementsOf(card))));
  };
  offerModels("about-model", service, show);
  show(service.models.find(({ name }) => name === service.default) ?? service.models[0]);
  byId("use-body").replaceChildren(...usage(service));
}

function cardsOf(model) {
  return [model.card, model.photo?.card].filter(Boolean);
}

function factsOf(model, { limits, version }) {
  const parts = [facts(model)];
  if (model.photo) {
    const titled = (title, of) => make("div", {}, make("h3", {}, title), facts(of));
    parts[0] = make("div", { class: "halves" }, titled("For 28 × 28 grey pixels", model),
      titled("For photographs, another network", model.photo));
  }
  const size = `${Math.floor(limits.body_bytes / 2 ** 20)} MiB`;
  const pixels = `${(limits.pixels / 1e6).toLocaleString("en")} megapixels`;
  parts.push(make("p", { class: "hint" }, `Limits: ${limits.pictures} pictures and ${size} for each `,
    `request, ${pixels} for each picture. This page reduces larger ones. Ankleboot ${version}.`));
  return parts;
}

function facts(model) {
  const { recipe, data, format, parameters, image_size: side, color, crop, sha256 } = model;
  const answers = model.classes.filter((label) => !model.declined.includes(label));
  const seen = `${side} × ${side} ${color ? "colored" : "grey"} pixels`;
  const of = crop === "garment" ? "of the garment, cut out" : "of the whole picture";
  const rows = {
    "recipe": recipe || "of its own",
    "learned from": data.replace(/\/$/, ""),
    "sees": `${seen} ${of}`,
    "parameters": parameters ? parameters.toLocaleString("en") : null,
    "classes": named(answers),
    "declines": model.declined.length ? named(model.declined) : null,
    "abstains": model.abstain_below ? `below a confidence of ${figure(model.abstain_below)}` : "never",
    "temperature": figure(model.temperature),
    "file": [format, sha256 && `sha256 ${sha256.slice(0, 12)}…`].filter(Boolean).join(", "),
  };
  const known = Object.entries(rows).filter(([, value]) => value);
  return make("dl", { class: "facts" }, ...known.flatMap(([name, value]) =>
    [make("dt", {}, sentence(name)), make("dd", {}, value)]));
}

function named(labels) {
  const some = labels.slice(0, NAMED).join(", ");
  return labels.length > NAMED ? `${some} and ${labels.length - NAMED} more` : some;
}

function figure(number) {
  return Number(number.toFixed(3)).toString();
}

function judgementOf({ metrics, photo, classes }) {
  const splits = SPLITS.filter((split) => metrics?.[split]);
  if (!splits.length) return [make("p", {}, "No evaluation is stored beside this model.")];
  const [first] = splits;
  const parts = [make("ul", { class: "scores", role: "list" },
    ...splits.map((split) => score(split, metrics[split])))];
  if (photo) {
    parts.push(make("p", { class: "hint" }, "Of 28 × 28 grey pixels. How well photographs are ",
      "answered is another question: see the card."));
  }
  const { per_class: perClass, confusion_matrix: matrix } = metrics[first];
  const labels = perClass?.map(({ label }) => label) ?? classes;
  const tables = make("div", { class: "halves" });
  if (perClass) {
    tables.append(make("div", {}, make("h3", {}, `Class by class, ${first} images`), perClassOf(perClass)));
  }
  if (isReadable(matrix, labels)) {
    tables.append(make("div", {}, make("h3", {}, "What is taken for what"), matrixOf(matrix, labels),
      make("p", { class: "hint" }, "Rows: what the images show. Columns: what they are taken for.")));
  }
  return [...parts, tables];
}

function score(split, { accuracy, accuracy_ci95: interval, num_examples: number, data, ece }) {
  const points = (share) => (100 * share).toFixed(2);
  const within = interval
    ? `95 % interval ${points(interval[0])} to ${points(interval[1])}` : "no interval stored";
  const images = number ? `${number.toLocaleString("en")} images${data ? ` of ${data}` : ""}. ` : "";
  const gap = ece === undefined ? "" : `Confidence is off by ${(100 * ece).toFixed(1)} points on average.`;
  return make("li", {}, make("span", { class: "split" }, `${sentence(split)} accuracy`),
    make("strong", {}, `${points(accuracy)} %`), make("span", {}, within),
    make("span", { class: "hint" }, images, gap));
}
