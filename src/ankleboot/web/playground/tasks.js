// Three tasks: hints, answer checks, and which are solved.

import { isIndex, keepInAddress, readList, writeList } from "./address.js";
import { selectedKernel } from "./convolution.js";
import { byId } from "./dom.js";
import { shiftEffect } from "./pooling.js";
import { judgeEdgeKernel, judgePooling, judgeTraining } from "./task_checks.js";
import { currentRun } from "./training.js";

const CHECKS = [
  () => judgeEdgeKernel(selectedKernel()),
  () => judgePooling(shiftEffect()),
  () => judgeTraining(currentRun()),
];
const solved = new Set();

export function startTasks() {
  CHECKS.forEach((check, i) => partOf(i, "check").addEventListener("click", () => {
    const { isRight, text } = check();
    if (isRight) solved.add(i);
    showVerdict(i, isRight ? "right" : "wrong", text);
    showSolved();
  }));
  keepInAddress({ read, restore, isAlwaysKept: true });
}

const partOf = (task, part) => byId(`task-${task + 1}-${part}`);

function read() {
  const hints = CHECKS.flatMap((_, i) => (partOf(i, "hint").open ? [i + 1] : []));
  const numbers = [...solved].sort().map((i) => i + 1);
  const values = { solved: writeList([numbers]), hints: writeList([hints]) };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
}

/** Verdicts are not restored: they belong to the moment of the check. */
function restore(values) {
  const [numbers = []] = readList(values.solved), [hints = []] = readList(values.hints);
  solved.clear();
  for (const number of numbers) if (isIndex(number - 1, CHECKS.length)) solved.add(number - 1);
  CHECKS.forEach((_, i) => {
    partOf(i, "hint").open = hints.includes(i + 1);
    showVerdict(i, "", "");
  });
  showSolved();
}

function showVerdict(task, kind, text) {
  const verdict = partOf(task, "verdict");
  verdict.className = `verdict ${kind}`;
  const opening = { right: "Right. ", wrong: "Not yet. " }[kind] ?? "";
  verdict.textContent = opening + text;
}

function showSolved() {
  CHECKS.forEach((_, i) => {
    partOf(i, "box").classList.toggle("solved", solved.has(i));
    partOf(i, "mark").textContent = solved.has(i) ? "✓ solved" : "open";
  });
}
