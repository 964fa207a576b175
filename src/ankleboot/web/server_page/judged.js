// An evaluation as tables: each class, and what is taken for what.

import { make } from "./dom.js";

const MOST = 20; // classes up to which a matrix can be read

const whole = (number) => number.toLocaleString("en");
const inPercent = (share) => (100 * share).toFixed(1);

export function perClassOf(rows) {
  const heads = ["Class", "Precision", "Recall", "F1", "Images"];
  const head = make("tr", {}, ...heads.map((name, place) =>
    make("th", { scope: "col", ...(place && { class: "number" }) }, name)));
  const body = rows.map(({ label, precision, recall, f1, support }) =>
    make("tr", {}, make("th", { scope: "row" }, label),
      ...[inPercent(precision), inPercent(recall), inPercent(f1), whole(support)].map((value) =>
        make("td", { class: "number" }, value))));
  return scrolling("Each class", make("table", { class: "table" }, make("thead", {}, head),
    make("tbody", {}, ...body)));
}

/** Whether a matrix can be shown. */
export function isReadable(matrix, labels) {
  return matrix?.length === labels.length && labels.length <= MOST;
}

/** Rows are what the images are, columns what they are taken for; darker is more of the row. */
export function matrixOf(matrix, labels) {
  const heads = labels.map((label) => make("th", { scope: "col" }, make("span", {}, label)));
  const rows = matrix.map((counts, row) => {
    const total = counts.reduce((sum, count) => sum + count, 0) || 1;
    const cells = counts.map((count, column) => {
      const words = `${whole(count)} of ${whole(total)} ${labels[row]}: taken for ${labels[column]}`;
      const cell = make("td", { title: words, class: row === column ? "right" : "wrong" });
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
  const box = { class: "scrolls-across", tabindex: "0", role: "region", "aria-label": name };
  return make("div", box, table);
}
