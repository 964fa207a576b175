// Table of predictions for many files: counts per class, and one page of rows.

import { byId, make } from "./dom.js";
import { capitalize, percent } from "./format.js";
import { namesClass } from "./prediction_card.js";
import { thumbnail } from "./thumbnails.js";
import { DONE, FAILED, WAITING } from "./upload_queue.js";

const PAGE_ROWS = 50; // thousands would be slow
const ALL = "All";
const ABSTAINED = "Abstained";
const ERRORS = "Errors";

export class ResultsTable {
  /** `rows` returns the queue's rows. */
  constructor(rows) {
    this.rows = rows;
    this.shown = ALL; // group whose rows are visible
    this.page = 0;
    this.lines = new Map(); // row -> {line, state} on the current page
    for (const [id, step] of [["batch-previous", -1], ["batch-next", 1]]) {
      byId(id).addEventListener("click", () => {
        this.page += step;
        this.draw();
      });
    }
  }

  showAll() {
    this.shown = ALL;
    this.page = 0;
  }

  draw() {
    const rows = this.rows();
    const counts = countGroups(rows);
    if (!counts.has(this.shown)) this.showAll();
    this.drawCounts(counts);
    const group = this.shown === ALL ? rows : rows.filter((row) => groupOf(row) === this.shown);
    const pages = Math.max(1, Math.ceil(group.length / PAGE_ROWS));
    this.page = Math.min(this.page, pages - 1);
    const visible = group.slice(this.page * PAGE_ROWS, (this.page + 1) * PAGE_ROWS);
    this.lines = new Map(visible.map((row) => [row, this.lines.get(row) ?? emptyLine(row)]));
    const lines = visible.map((row) => this.updatedLine(row));
    const body = byId("batch-rows");
    const isSame = lines.length === body.children.length
      && lines.every((line, index) => line === body.children[index]);
    if (!isSame) body.replaceChildren(...lines);
    byId("batch-pages").hidden = pages === 1;
    byId("batch-page").textContent = `Page ${this.page + 1} of ${pages}`;
    byId("batch-previous").disabled = this.page === 0;
    byId("batch-next").disabled = this.page === pages - 1;
  }

  drawCounts(counts) {
    const list = byId("batch-counts");
    const largest = Math.max(1, ...[...counts].map(([label, count]) => (label === ALL ? 0 : count)));
    const labels = [...counts.keys()];
    if (labels.join("\n") !== [...list.children].map((item) => item.dataset.label).join("\n")) {
      list.replaceChildren(...labels.map((label) => this.countItem(label)));
    }
    for (const item of list.children) {
      const count = counts.get(item.dataset.label);
      const button = item.firstChild;
      button.setAttribute("aria-pressed", item.dataset.label === this.shown);
      button.querySelector(".count").textContent = count.toLocaleString("en");
      const fraction = item.dataset.label === ALL ? 0 : count / largest;
      button.querySelector(".fill").style.width = `${100 * fraction}%`;
    }
  }

  countItem(label) {
    const button = make("button", {}, make("span", { class: "name" }, label),
      make("span", { class: "track" }, make("span", { class: "fill" })),
      make("span", { class: "count" }));
    button.addEventListener("click", () => {
      this.shown = label;
      this.page = 0;
      this.draw();
    });
    return make("li", { "data-label": label }, button);
  }

  updatedLine(row) {
    const entry = this.lines.get(row);
    if (entry.state !== row.state) fillLine(entry.line, row);
    entry.state = row.state;
    return entry.line;
  }
}

function emptyLine(row) {
  const cell = (kind, ...content) => make("td", { class: kind, role: "cell" }, ...content);
  const line = make("tr", { role: "row" }, // grid layout on a phone drops the implicit role
    cell("thumbnail", thumbnail(row.file)), cell("file", row.name), cell("prediction-cell"), cell("number"));
  return { line, state: null };
}

function fillLine(line, { state, prediction, error }) {
  const [, , result, confidence] = line.children;
  line.className = state === FAILED ? "failed" : prediction?.abstained ? "doubtful" : state;
  const isNamed = state === DONE && namesClass(prediction.cause);
  confidence.textContent = isNamed ? percent(prediction.confidence) : "";
  if (state === FAILED) result.replaceChildren(make("span", { class: "reason" }, error));
  else if (state !== DONE) result.replaceChildren(state === WAITING ? "waiting" : "…");
  else if (!prediction.abstained) result.replaceChildren(make("strong", {}, prediction.label));
  else {
    result.replaceChildren(make("span", { class: "reason" }, capitalize(prediction.reason)));
  }
}

/** Count the rows of each group: all, classes by name, abstentions, errors. */
function countGroups(rows) {
  const labels = new Map();
  for (const row of rows) {
    const group = groupOf(row);
    labels.set(group, (labels.get(group) ?? 0) + 1);
  }
  const last = [ABSTAINED, ERRORS].filter((name) => labels.has(name));
  const named = [...labels].filter(([name]) => name !== null && !last.includes(name));
  named.sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map([[ALL, rows.length], ...named, ...last.map((name) => [name, labels.get(name)])]);
}

function groupOf({ state, prediction }) {
  if (state === FAILED) return ERRORS;
  if (state !== DONE) return null;
  return prediction.abstained ? ABSTAINED : prediction.label;
}
