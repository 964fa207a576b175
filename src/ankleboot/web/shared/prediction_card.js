// Prediction card: the model's input, its prediction, and the probability of every class.

import { showBarChart } from "./bar_chart.js";
import { byId } from "./dom.js";
import { capitalize, duration, percent, sortByProbability } from "./format.js";
import { paint } from "./image_strip.js";

const MAX_UNSCROLLED = 12; // longer lists of classes scroll

/**
 * Show a prediction.
 *
 * prediction: label and confidence; probabilities ([label, probability] of all accepted classes);
 * noneOfThese; the reason to abstain as a sentence and the cause as a word, or null.
 * info: the model's metadata. rejects: whether the model has a "None of these" class.
 * isSorted: whether the most likely class comes first.
 */
export function showPrediction(prediction, { info, rejects, milliseconds, isSorted }) {
  const { label, confidence, probabilities, noneOfThese, reason, cause } = prediction;
  document.body.classList.toggle("unsure", reason !== null);
  byId("prediction").textContent = reason === null ? label : capitalize(reason);
  const text = {
    missing: "Show one whole garment, laid flat or hung up.",
    blank: "It shows nothing to classify.",
    several: `If it is one garment: ${label}, ${percent(confidence)}.`,
    declined: `None of these: ${percent(noneOfThese)}. Nearest class: ${label}, ${percent(confidence)}.`,
    unsure: `${label}: ${percent(confidence)}. The model abstains below ${percent(info.abstain_below)}.`,
  }[cause] ?? `Confidence: ${percent(confidence)}`;
  byId("confidence").textContent = text.replaceAll(" %", "\u00a0%"); // no line break before "%"
  byId("timing").textContent = `Predicted in ${duration(milliseconds)}.`;
  const rows = isSorted ? sortByProbability(probabilities) : probabilities;
  const none = rejects ? [["None of these", noneOfThese]] : [];
  const highlighted = { missing: null, blank: null, declined: none[0]?.[0] };
  showClasses([...rows, ...none], cause in highlighted ? highlighted[cause] : label);
}

/** Show a status in place of a prediction and clear the previous one. */
export function setStatus(title, detail, labels = null) {
  byId("prediction").textContent = title;
  byId("confidence").textContent = detail;
  byId("timing").textContent = "";
  byId("model-input-box").hidden = true;
  document.body.classList.remove("unsure");
  const shown = labels ?? [...byId("bars").children].map((row) => row.children[0].textContent);
  showClasses(shown.map((label) => [label, null]), null);
}

/** Show the pixels that the network takes as its input. */
export function showModelInput(pixels) {
  const size = `${pixels.width} × ${pixels.height} pixels`;
  paint(byId("model-input"), pixels, `The network's input: ${size}`);
  byId("model-input-size").textContent = size;
  byId("model-input-box").hidden = false;
}

function showClasses(rows, highlighted) {
  showBarChart(byId("bars"), rows, highlighted);
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
