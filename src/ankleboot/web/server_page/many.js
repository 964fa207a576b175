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
let begun = null; // {time, finished} of the run, to tell how long it will take

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
  if (!queue.isRunning) begun = { time: performance.now(), finished: finishedOf(queue.rows).length };
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
  const finished = finishedOf(rows).length;
  const waits = rows.some(({ state }) => state === WAITING);
  const progress = byId("many-progress");
  progress.max = Math.max(1, rows.length);
  progress.value = finished;
  progress.hidden = finished === rows.length;
  byId("many-state").ariaBusy = isRunning; // not every number is to be read aloud
  byId("many-state").textContent = [note, ...progressOf(rows, finished)].filter(Boolean).join(" ");
  byId("many-stop").textContent = isRunning ? "Stop" : "Go on";
  byId("many-stop").hidden = !isRunning && !waits;
  byId("many-save").disabled = finished === 0;
  table.draw();
}

/** How far it is, in words. */
function progressOf(rows, finished) {
  const total = rows.length.toLocaleString("en");
  const errors = rows.filter(({ state }) => state === FAILED).length;
  const isAll = finished === rows.length;
  const so = isAll ? `All ${total} done` : `${finished.toLocaleString("en")} of ${total} done`;
  const wrong = errors ? `, ${errors.toLocaleString("en")} could not be answered` : "";
  return [`${so}${wrong}.`, queue.isRunning ? remaining(rows.length - finished, finished) : ""];
}

function remaining(left, finished) {
  const seconds = (performance.now() - begun.time) / 1000;
  if (seconds < 3 || finished === begun.finished) return ""; // too early to tell
  const more = (left * seconds) / (finished - begun.finished);
  if (more < 60) return `About ${Math.ceil(more)} s more.`;
  return `About ${Math.ceil(more / 60)} min more.`;
}

function finishedOf(rows) {
  return rows.filter(({ state }) => state === DONE || state === FAILED);
}

function save() {
  const rows = finishedOf(queue.rows);
  // the mark at the beginning tells spreadsheets that it is UTF-8
  const blob = new Blob(["\ufeff", csvOf(rows)], { type: "text/csv" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `ankleboot-${queue.model}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // the browser has taken it by then
}
