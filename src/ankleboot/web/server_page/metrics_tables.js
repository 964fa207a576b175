// Tables of an evaluation: metrics per class and confusion matrix.

import { make } from "./dom.js";

const MAX_CLASSES = 20; // larger matrices are unreadable

const whole = (number) => number.toLocaleString("en");
const inPercent = (fraction) => (fraction === null ? "-" : (100 * fraction).toFixed(1));

export function perClassTable(rows) {
  const heads = ["Class", "Precision", "Recall", "F1", "Images"];
  const head = make("tr", {}, ...heads.map((name, index) =>
    make("th", { scope: "col", ...(index && { class: "number" }) }, name)));
  const body = rows.map(({ label, precision, recall, f1, support }) =>
    make("tr", {}, make("th", { scope: "row" }, label),
      ...[inPercent(precision), inPercent(recall), inPercent(f1), whole(support)].map((value) =>
        make("td", { class: "number" }, value))));
  return scrolling("Metrics per class", make("table", { class: "table" }, make("thead", {}, head),
    make("tbody", {}, ...body)));
}

/** Return whether a matrix fits the labels and is small enough to read. */
export function isReadable(matrix, labels) {
  return matrix?.length === labels.length && labels.length <= MAX_CLASSES;
}

/** Rows are true classes, columns predicted ones; darker cells hold more of their row. */
export function confusionMatrix(matrix, labels) {
  const heads = labels.map((label) => make("th", { scope: "col" }, make("span", {}, label)));
  const rows = matrix.map((counts, row) => {
    const total = counts.reduce((sum, count) => sum + count, 0) || 1;
    const cells = counts.map((count, column) => {
      const title = `${labels[row]}, predicted as ${labels[column]}: ${whole(count)} of ${whole(total)}`;
      const cell = make("td", { title, class: row === column ? "right" : "wrong" });
      cell.textContent = count ? whole(count) : "";
      cell.style.setProperty("--share", `${Math.round(100 * (count / total) ** 0.6)}%`);
      return cell;
    });
    return make("tr", {}, make("th", { scope: "row" }, labels[row]), ...cells);
  });
  const table = make("table", { class: "matrix" },
    make("thead", {}, make("tr", {}, make("td"), ...heads)), make("tbody", {}, ...rows));
  return scrolling("Confusion matrix", table);
}

function scrolling(name, table) {
  return make("div", { class: "scrolls-across", tabindex: "0", role: "region", "aria-label": name }, table);
}
