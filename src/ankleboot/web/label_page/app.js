// The page of `ankleboot label`: views, keys and progress.

import { ByClass } from "./by_class.js";
import { classOf } from "./class_keys.js";
import { byId } from "./dom.js";
import { OneByOne } from "./one_by_one.js";
import { get, takeKey } from "./session_client.js";
import { listenForTabs } from "./tabs.js";

const VIEWS = ["single", "classes"];

takeKey();
start().catch(showFault);

async function start() {
  const session = await get("session");
  const isNew = session.mode === "new";
  byId("title").textContent = `${isNew ? "Label" : "Check"} ${session.title.replace(/\/$/, "")}`;
  document.title = `${byId("title").textContent}, Ankleboot`;
  byId("label-file").textContent = session.label_file;
  byId("keys").textContent = keysText(session);
  const shared = { session, showProgress: (progress) => showProgress(session, progress), showFault };
  const single = new OneByOne(shared);
  const classes = new ByClass(shared);
  let view = "single";
  listenForTabs(VIEWS, (name) => {
    view = name;
    (name === "single" ? single : classes).open().catch(showFault);
  });
  shared.showProgress(session.progress);
  byId("note").textContent = session.notes.join(" ");
  byId("note").hidden = !session.notes.length;
  document.addEventListener("click", ({ detail, target }) => {
    if (detail > 0) target.closest("button")?.blur(); // so that Space keeps the label again
  });
  document.addEventListener("keydown", (event) => {
    if (view === "single" && act(event, single, session)) event.preventDefault();
  });
  await single.open(session.progress.next);
}

/** Do what a key means; return whether it means anything. */
function act(event, single, session) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
  const { target, key } = event;
  if (target.id === "search") return single.searchKey(key);
  if (target.getAttribute("role") === "tab" && key.startsWith("Arrow")) return false;
  if (target.matches("button, select, a, input") && [" ", "Enter"].includes(key)) return false;
  const actions = {
    " ": () => single.keep(),
    n: () => single.decide(""),
    N: () => single.decide(""),
    u: () => single.undo(),
    U: () => single.undo(),
    Enter: () => single.accept(),
    ArrowLeft: () => single.step(-1),
    ArrowRight: () => single.step(1),
    "/": () => single.search(),
  };
  const action = actions[key];
  const index = action ? -1 : classOf(key, session.classes.length);
  if (!action && index < 0) return false;
  if (event.repeat && !key.startsWith("Arrow")) return true; // a held key decides once
  (action ? action() : single.decide(session.classes[index])).catch?.(showFault);
  return true;
}

function keysText({ mode, classes }) {
  const search = classes.length > 10 ? ", / search a class" : "";
  const keep = mode === "new" ? "Space skip" : "Space keep the label";
  return `1 to 9, 0 and letters choose a class, Enter the predicted one, ${keep}, N not usable, U undo, arrows move${search}.`;
}

function showProgress({ mode }, progress) {
  const isDone = progress.decided >= progress.total;
  byId("progress").max = Math.max(progress.total, 1);
  byId("progress").value = progress.decided;
  const parts = [`${count(progress.decided)} of ${count(progress.total)} decided`];
  if (mode === "check") {
    if (progress.suspects) parts.push(`${count(progress.suspects_decided)} of ${count(progress.suspects)} suspects`);
    parts.push(`${count(progress.changed)} changed`, `${count(progress.confirmed)} kept`);
  }
  parts.push(`${count(progress.unusable)} not usable`);
  byId("status").textContent = `${isDone ? "All done: " : ""}${parts.join(" · ")}`;
}

function count(number) {
  return number.toLocaleString("en");
}

/** Show an error; null hides the last one. */
function showFault(error) {
  byId("fault").textContent = error?.message ?? "";
  byId("fault").hidden = error === null;
}
