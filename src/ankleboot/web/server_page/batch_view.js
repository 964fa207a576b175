// Many images: file input, progress, and a table of predictions.

import { loadErrorText } from "./api_client.js";
import { toCsv } from "./csv_export.js";
import { byId } from "./dom.js";
import { droppedFiles, imageFiles, withNames } from "./dropped_files.js";
import { listenForChoosing } from "./image_input.js";
import { showModelSelect } from "./model_select.js";
import { ResultsTable } from "./results_table.js";
import { DONE, FAILED, UploadQueue, WAITING } from "./upload_queue.js";

const MIN_ESTIMATE_S = 3; // time before the remaining time is estimated
const REVOKE_AFTER_MS = 10_000; // by then the browser has saved the download

const hint = byId("batch-hint").textContent;

let loading; // promise of the response of /v1/model
let queue;
let table;
let isScheduled = false; // limits drawing to once per frame
let started = null; // {time, finished} at the start of the run

/** Take images from now on; `fetching` is a promise of the response of /v1/model. */
export function listenForManyImages(fetching) {
  loading = fetching;
  listenForChoosing("batch-choose", "batch-files", (files) => add(withNames(files)));
  listenForChoosing("batch-choose-folder", "batch-folder", (files) => add(imageFiles(withNames(files))));
}

/** Show why the models cannot be had. */
export function showBatchLoadError(error) {
  byId("batch-hint").textContent = loadErrorText(error);
}

/** Show the models, and the buttons for the images. */
export function showBatchModels(service) {
  queue = new UploadQueue(service, () => redraw());
  table = new ResultsTable(() => queue.rows);
  showModelSelect("batch-model", service, ({ name }) => {
    queue.restart(name);
    if (queue.rows.length) run();
  });
  byId("batch-stop").addEventListener("click", () => {
    if (queue.isRunning) queue.stop();
    else run();
    redraw();
  });
  byId("batch-save").addEventListener("click", save);
  byId("batch-clear").addEventListener("click", () => {
    queue.clear();
    table.showAll();
    redraw();
  });
}

/** Add dropped files, and the images in dropped folders. */
export async function addDropped(transfer) {
  add(await droppedFiles(transfer));
}

async function add(named) {
  if (!named.length) {
    byId("batch-hint").textContent = "No images were found. Choose PNG, JPEG, WebP, GIF, BMP or TIFF files.";
    return;
  }
  if (!queue) byId("batch-hint").textContent = "Waiting for the models …";
  try {
    await loading;
  } catch (error) {
    return showBatchLoadError(error);
  }
  byId("batch-hint").textContent = hint;
  queue.add(named);
  run();
}

function run() {
  if (!queue.isRunning) started = { time: performance.now(), finished: finishedRows().length };
  queue.run();
  redraw();
}

function redraw() {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(() => {
    isScheduled = false;
    draw();
  });
}

function draw() {
  const { rows, isRunning, note } = queue;
  byId("batch-result").hidden = rows.length === 0;
  const finished = finishedRows().length;
  const progress = byId("batch-progress");
  progress.max = Math.max(1, rows.length);
  progress.value = finished;
  progress.hidden = finished === rows.length;
  byId("batch-status").ariaBusy = isRunning; // screen readers skip intermediate counts
  byId("batch-status").textContent = [note, ...describeProgress(finished)].filter(Boolean).join(" ");
  byId("batch-stop").textContent = isRunning ? "Stop" : "Continue";
  byId("batch-stop").hidden = !isRunning && !rows.some(({ state }) => state === WAITING);
  byId("batch-save").disabled = finished === 0;
  table.draw();
}

function describeProgress(finished) {
  const { rows, isRunning } = queue;
  const total = rows.length.toLocaleString("en");
  const errors = rows.filter(({ state }) => state === FAILED).length;
  const done = finished === rows.length ? `All ${total} done` : `${finished.toLocaleString("en")} of ${total} done`;
  const failed = errors ? `, ${errors.toLocaleString("en")} failed` : "";
  return [`${done}${failed}.`, isRunning ? remainingTime(rows.length - finished, finished) : ""];
}

function remainingTime(left, finished) {
  const seconds = (performance.now() - started.time) / 1000;
  if (seconds < MIN_ESTIMATE_S || finished === started.finished) return "";
  const remaining = (left * seconds) / (finished - started.finished);
  if (remaining < 60) return `About ${Math.ceil(remaining)} s left.`;
  return `About ${Math.ceil(remaining / 60)} min left.`;
}

function finishedRows() {
  return queue.rows.filter(({ state }) => state === DONE || state === FAILED);
}

function save() {
  // the byte order mark makes spreadsheets read UTF-8
  const blob = new Blob(["\ufeff", toCsv(finishedRows())], { type: "text/csv" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `ankleboot-${queue.model}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_AFTER_MS);
}
