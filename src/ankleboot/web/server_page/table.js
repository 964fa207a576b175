// The answers about many files: counts, and a page of rows at a time.

import { byId, make } from "./dom.js";
import { percent, sentence } from "./format.js";
import { DONE, FAILED, WAITING } from "./queue.js";
import { thumbOf } from "./thumbs.js";

const ROWS = 50; // on a page: thousands would be slow
const ALL = "All";
const ABSTAINED = "Abstained";
const ERRORS = "Errors";

export class Table {
  /** `rows` gives the queue's rows. */
  constructor(rows) {
    this.rows = rows;
    this.shown = ALL; // which of the counts
    this.page = 0;
    this.lines = new Map(); // row -> {line, state} of the page that is shown
    for (const [id, step] of [["many-before", -1], ["many-next", 1]]) {
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
    const counts = countsOf(rows);
    if (!counts.has(this.shown)) this.showAll();
    this.drawCounts(counts);
    const kept = this.shown === ALL ? rows : rows.filter((row) => groupOf(row) === this.shown);
    const pages = Math.max(1, Math.ceil(kept.length / ROWS));
    this.page = Math.min(this.page, pages - 1);
    const visible = kept.slice(this.page * ROWS, (this.page + 1) * ROWS);
    this.lines = new Map(visible.map((row) => [row, this.lines.get(row) ?? emptyLine(row)]));
    const lines = visible.map((row) => this.filledLine(row));
    const body = byId("many-rows");
    const isSame = lines.length === body.children.length
      && lines.every((line, place) => line === body.children[place]);
    if (!isSame) body.replaceChildren(...lines);
    byId("many-pages").hidden = pages === 1;
    byId("many-page").textContent = `Page ${this.page + 1} of ${pages}`;
    byId("many-before").disabled = this.page === 0;
    byId("many-next").disabled = this.page === pages - 1;
  }

  drawCounts(counts) {
    const list = byId("many-counts");
    const most = Math.max(1, ...[...counts].map(([label, count]) => (label === ALL ? 0 : count)));
    const labels = [...counts.keys()];
    if (labels.join("\n") !== [...list.children].map((item) => item.dataset.label).join("\n")) {
      list.replaceChildren(...labels.map((label) => this.countOf(label)));
    }
    for (const item of list.children) {
      const count = counts.get(item.dataset.label);
      const button = item.firstChild;
      button.setAttribute("aria-pressed", item.dataset.label === this.shown);
      button.querySelector(".count").textContent = count.toLocaleString("en");
      const share = item.dataset.label === ALL ? 0 : count / most;
      button.querySelector(".fill").style.width = `${100 * share}%`;
    }
  }

  countOf(label) {
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

  filledLine(row) {
    const known = this.lines.get(row);
    if (known.state !== row.state) fillLine(known.line, row);
    known.state = row.state;
    return known.line;
  }
}

function emptyLine(row) {
  const cell = (kind, ...content) => make("td", { class: kind, role: "cell" }, ...content);
  const line = make("tr", { role: "row" }, // said, because a phone lays the rows out as grids
    cell("thumb", thumbOf(row.file)), cell("file", row.name), cell("answer"), cell("number"));
  return { line, state: null };
}

function fillLine(line, { state, prediction, error }) {
  const [, , answer, sure] = line.children;
  line.className = state === FAILED ? "failed" : prediction?.abstained ? "doubtful" : state;
  sure.textContent = state === DONE ? percent(prediction.confidence) : "";
  if (state === FAILED) answer.replaceChildren(make("span", { class: "why" }, error));
  else if (state !== DONE) answer.replaceChildren(state === WAITING ? "waits" : "…");
  else if (!prediction.abstained) answer.replaceChildren(make("strong", {}, prediction.label));
  else {
    answer.replaceChildren(make("span", { class: "why" }, sentence(prediction.reason)),
      make("span", { class: "guess" }, `nearest class: ${prediction.label}`));
  }
}

/** How many rows each group has; labels by their number. */
function countsOf(rows) {
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
