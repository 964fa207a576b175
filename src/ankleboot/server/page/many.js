// Many pictures: in, through the queue, and out as a table.

import { csvOf } from "./csv.js";
import { byId } from "./dom.js";
import { namedFiles, namedTransfer, pictures } from "./files.js";
import { listenForChoosing } from "./input.js";
import { offerModels } from "./model_menu.js";
import { DONE, FAILED, Queue, WAITING } from "./queue.js";
import { Table } from "./table.js";

let queue;
let table;
let isDrawn = false; // once per frame at most

export function startMany(service) {
  queue = new Queue(service, () => redraw());
  table = new Table(() => queue.rows);
  listenForChoosing("many-choose", "many-files", (files) => add(namedFiles(files)));
  listenForChoosing("many-choose-folder", "many-folder", (files) => add(pictures(namedFiles(files))));
  offerModels("many-model", service, ({ name }) => {
    queue.startAgain(name);
    if (queue.rows.length) run();
  });
  byId("many-stop").addEventListener("click", () => {
    if (queue.isRunning) queue.stop();
    else run();
    redraw();
  });
  byId("many-save").addEventListener("click", save);
  byId("many-clear").addEventListener("click", () => {
    queue.clear();
    table.showAll();
    redraw();
  });
}

/** What was dropped: files, or folders with what is in them. */
export async function manyFrom(transfer) {
  add(await namedTransfer(transfer));
}

function add(named) {
  if (!named.length) {
    byId("many-hint").textContent = "No pictures were found there.";
    return;
  }
  queue.add(named);
  run();
}

function run() {
  queue.run();
  redraw();
}

function redraw() {
  if (isDrawn) return;
  isDrawn = true;
  requestAnimationFrame(() => {
    isDrawn = false;
    draw();
  });
}

function draw() {
  const { rows, isRunning, note } = queue;
  byId("many-result").hidden = rows.length === 0;
  const finished = rows.filter(({ state }) => state === DONE || state === FAILED).length;
  const waits = rows.some(({ state }) => state === WAITING);
  const progress = byId("many-progress");
  progress.max = Math.max(1, rows.length);
  progress.value = finished;
  progress.hidden = finished === rows.length;
  const so = `${finished.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
  const words = isRunning ? `${so} answered …` : waits ? `${so} answered.` : `All ${so} answered.`;
  byId("many-state").ariaBusy = isRunning; // not every number is to be read aloud
  byId("many-state").textContent = `${note} ${words}`.trim();
  byId("many-stop").textContent = isRunning ? "Stop" : "Go on";
  byId("many-stop").hidden = !isRunning && !waits;
  byId("many-save").disabled = finished === 0;
  table.draw();
}

function save() {
  const rows = queue.rows.filter(({ state }) => state === DONE || state === FAILED);
  // the mark at the beginning tells spreadsheets that it is UTF-8
  const blob = new Blob(["\ufeff", csvOf(rows)], { type: "text/csv" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `ankleboot-${queue.model}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // the browser has taken it by then
}
