// Prediction card: the answer in words, what to do about a doubtful one, and every class.

import { showBarChart } from "./bar_chart.js";
import { byId, make } from "./dom.js";
import { capitalize, classesText, confidenceText, duration, percent, sortByProbability } from "./format.js";
import { markGarments } from "./garment_boxes.js";

const MAX_UNSCROLLED = 12; // longer lists of classes scroll
const MAX_LISTED = 12; // more classes are counted
const NOT_WORN = "Worn garments are not supported.";

/** Return whether a prediction with this reason to abstain still names a class. */
export function namesClass(cause) {
  return cause === null || cause === "unsure";
}

/**
 * Show a prediction.
 *
 * prediction: label and confidence; probabilities ([label, probability] of all accepted classes);
 * noneOfThese; the reason to abstain as a sentence and the cause as a word, or null; garments, the
 * predictions of several ones on a photo, each with its label, confidence, reason and cause.
 * info: the model's metadata. rejects: whether the model has a "None of these" class.
 * isSorted: whether the most likely class comes first. name: the model's, or null for the only one.
 */
export function showPrediction(prediction, { info, rejects, milliseconds, isSorted, name = null }) {
  const { label, probabilities, noneOfThese, cause } = prediction;
  byId("result").hidden = false;
  document.body.classList.toggle("unsure", cause !== null);
  byId("prediction").textContent = headline(prediction);
  byId("confidence").textContent = detail(prediction, info).replaceAll(" %", "\u00a0%"); // one line
  showGarments(prediction.garments);
  const by = name === null ? "" : ` by ${name}`;
  byId("timing").textContent = `Predicted${by} in ${duration(milliseconds)}.`;
  const rows = isSorted ? sortByProbability(probabilities) : probabilities;
  const none = rejects ? [["None of these", noneOfThese]] : [];
  const highlighted = cause === "declined" ? none[0]?.[0] : label;
  showClasses([...rows, ...none], namesClass(cause) || cause === "declined" ? highlighted : null);
}

function headline({ label, reason, cause }) {
  if (reason === null) return label;
  if (cause === "unfamiliar") return "Something else";
  if (cause !== "declined") return capitalize(reason);
  const [, nearest] = reason.match(/\((most like .*)\)$/) ?? [];
  return ["Something else", nearest].filter(Boolean).join(", ");
}

/** Return the confidence in words, or advice for a better image. */
function detail({ label, confidence, probabilities, cause }, { abstain_below: threshold }) {
  const classes = classesText(probabilities.map(([name]) => name), MAX_LISTED);
  return {
    missing: `Show one whole garment, laid flat or hung up, on a plain ground. ${NOT_WORN}`,
    blank: "It shows nothing to classify. Try another image.",
    several: "Each numbered garment is classified by itself. For a surer answer, take a photo of one " +
      `garment at a time, on a plain ground. ${NOT_WORN}`,
    declined: `The model classifies an image as ${classes}. Take a photo of one of these, on a plain ground.`,
    unfamiliar: `The model learned ${classes}, and the image does not resemble what it learned. ` +
      "Show one of these whole, on a plain ground.",
    unsure: `Best guess: ${label}, ${percent(confidence)}. The model answers only when it is at ` +
      `least ${percent(threshold)} sure. More light or a plainer ground may help, or the image ` +
      "shows none of its classes.",
  }[cause] ?? confidenceText(confidence);
}

/** List several garments by the numbers of their boxes, which mark them on the photo. */
function showGarments(garments) {
  markGarments(byId("preview-frame"), garments, ({ label, cause }) =>
    namesClass(cause) ? label + (cause === null ? "" : "?") : "");
  byId("garments").hidden = garments.length === 0;
  byId("garments").replaceChildren(...garments.map((garment) => {
    const { label, confidence, reason, cause } = garment;
    const sure = reason === null ? confidenceText(confidence) : "";
    const guess = cause === "unsure" ? `Best guess: ${label}, ${percent(confidence)}` : "";
    const remark = (sure || guess).replaceAll(" %", "\u00a0%");
    return make("li", {}, make("strong", {}, headline(garment)), " ", remark);
  }));
}

/** Show a status in place of a prediction and clear the previous one. */
export function setStatus(title, text) {
  byId("result").hidden = false;
  byId("prediction").textContent = title;
  byId("confidence").textContent = text;
  byId("timing").textContent = "";
  showGarments([]);
  document.body.classList.remove("unsure");
  showClasses([], null);
}

function showClasses(rows, highlighted) {
  showBarChart(byId("bars"), rows, highlighted);
  byId("classes-fold").hidden = rows.length === 0;
  const box = byId("classes");
  const scrolls = rows.length > MAX_UNSCROLLED;
  box.classList.toggle("scrolls", scrolls);
  box.scrollTop = 0;
  if (scrolls) {
    box.tabIndex = 0; // lets the arrow keys scroll it
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", `All ${rows.length} classes`);
  }
}
