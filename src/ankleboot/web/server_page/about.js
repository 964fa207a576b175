// The About section: metadata, evaluation and card of each model, and examples of the API.

import { apiExamples } from "./api_examples.js";
import { byId, make } from "./dom.js";
import { capitalize } from "./format.js";
import { confusionMatrix, isReadable, perClassTable } from "./metrics_tables.js";
import { showModelSelect } from "./model_select.js";

const MAX_NAMED_CLASSES = 12;
const SPLITS = ["test", "held-out", "validation"];
const CROP_TEXTS = {
  garment: "segmented garment",
  "cut-out": "segmented garment",
  none: "whole image",
  both: "segmented garment, and as many of the whole image",
};

export function showAbout(service) {
  const show = (model) => {
    byId("facts").replaceChildren(...modelFacts(model, service));
    byId("metrics-body").replaceChildren(...evaluation(model));
    const cards = [model.card_html, model.photo?.card_html].filter(Boolean);
    byId("card-box").hidden = !cards.length;
    byId("card-body").classList.toggle("halves", cards.length > 1);
    byId("card-body").replaceChildren(...cards.map(cardElement));
  };
  showModelSelect("about-model", service, show);
  show(service.models.find(({ name }) => name === service.default) ?? service.models[0]);
  byId("use-body").replaceChildren(...apiExamples(service));
}

function fold(title, ...children) {
  return make("details", { class: "fold" }, make("summary", {}, title), ...children);
}

/** Put a card, rendered by the server without raw HTML, into a fold below its heading. */
function cardElement(html) {
  const card = make("div");
  card.append(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  for (const table of card.querySelectorAll("table")) {
    table.classList.add("table");
    const box = make("div", { class: "scrolls-across", tabindex: "0", role: "group", "aria-label": "Table" });
    table.replaceWith(box);
    box.append(table);
  }
  const heading = card.querySelector("h3") ?? make("h3", {}, "Model card");
  return fold(heading, card);
}

function modelFacts(model, { limits, version }) {
  const titled = (title, part) => make("div", {}, make("h3", {}, title), factList(part));
  const facts = model.photo
    ? make("div", { class: "halves" }, titled("For 28 × 28 gray pixels", model),
      titled("For photos", model.photo))
    : factList(model);
  const size = `${Math.floor(limits.body_bytes / 2 ** 20)} MiB`;
  const pixels = `${(limits.pixels / 1e6).toLocaleString("en")} megapixels`;
  return [facts, make("p", { class: "hint" }, `Limits: ${limits.pictures} images and ${size} per request, `,
    `${pixels} per image. This page scales larger images down. Ankleboot ${version}.`)];
}

function factList(model) {
  const { recipe, data, format, parameters, image_size: side, color, crop, sha256 } = model;
  const accepted = acceptedClasses(model);
  const facts = {
    "Recipe": recipe || "custom",
    "Training data": data.replace(/\/$/, ""),
    "Input": `${side} × ${side} ${color ? "color" : "gray"} pixels of the ` +
      CROP_TEXTS[crop],
    "Parameters": parameters ? parameters.toLocaleString("en") : null,
    "Classes": shorten(accepted),
    "Rejects": model.declined.length ? shorten(model.declined) : null,
    "Abstains": model.abstain_below ? `below a confidence of ${round(model.abstain_below)}` : "never",
    "Temperature": round(model.temperature),
    "File": [format, sha256 && `sha256 ${sha256.slice(0, 12)}…`].filter(Boolean).join(", "),
  };
  const known = Object.entries(facts).filter(([, value]) => value);
  return make("dl", { class: "facts" }, ...known.flatMap(([name, value]) =>
    [make("dt", {}, name), make("dd", {}, value)]));
}

/** Return the classes that a prediction can have. */
export function acceptedClasses({ classes, declined }) {
  return classes.filter((label) => !declined.includes(label));
}

function shorten(labels) {
  const first = labels.slice(0, MAX_NAMED_CLASSES).join(", ");
  const rest = labels.length - MAX_NAMED_CLASSES;
  return rest > 0 ? `${first} and ${rest} more` : first;
}

function round(number) {
  return Number(number.toFixed(3)).toString();
}

function evaluation({ metrics, photo, classes }) {
  const splits = SPLITS.filter((split) => metrics?.[split]);
  if (!splits.length) return [make("p", {}, "No evaluation is stored with this model.")];
  const [first] = splits;
  const elements = [make("ul", { class: "scores", role: "list" },
    ...splits.map((split) => accuracyItem(split, metrics[split])))];
  if (photo) {
    elements.push(make("p", { class: "hint" }, "These are images of 28 × 28 gray pixels. ",
      "The model card has the results on photos."));
  }
  const { per_class: perClass, confusion_matrix: matrix } = metrics[first];
  const labels = perClass?.map(({ label }) => label) ?? classes;
  const tables = make("div", { class: "halves" });
  if (perClass) {
    tables.append(make("div", {}, make("h3", {}, `Per class, ${first} split`), perClassTable(perClass)));
  }
  if (isReadable(matrix, labels)) {
    tables.append(make("div", {}, make("h3", {}, "Confusion matrix"), confusionMatrix(matrix, labels),
      make("p", { class: "hint" }, "Rows: true class. Columns: predicted class.")));
  }
  return tables.children.length ? [...elements, fold("Results of each class", tables)] : elements;
}

function accuracyItem(split, { accuracy, accuracy_ci95: interval, num_examples: number, data, ece }) {
  const points = (fraction) => (100 * fraction).toFixed(2);
  const range = interval
    ? `95 % interval ${points(interval[0])} to ${points(interval[1])}` : "no interval stored";
  const images = number ? `${number.toLocaleString("en")} images${data ? ` of ${data}` : ""}. ` : "";
  const error = ece === undefined ? "" : `Calibration error (ECE): ${(100 * ece).toFixed(1)} points.`;
  return make("li", {}, make("span", { class: "split" }, `${capitalize(split)} accuracy`),
    make("strong", {}, `${points(accuracy)} %`), make("span", {}, range),
    make("span", { class: "hint" }, images, error));
}
