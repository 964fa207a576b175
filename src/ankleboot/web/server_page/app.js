// The page of `ankleboot serve`: one picture, many pictures, and what answers here.

import { showAbout } from "./about.js";
import { describe } from "./api.js";
import { byId } from "./dom.js";
import { listenForDropping, listenForPasting } from "./input.js";
import { manyFrom, startMany } from "./many.js";
import { showFile, startOne } from "./one.js";
import { listenForTabs, select } from "./tabs.js";
import { say } from "./verdict.js";

const SECTIONS = ["one", "many", "about"];
const HERE = ["localhost", "127.0.0.1", "[::1]"];

function section() {
  const name = location.hash.slice(1);
  return SECTIONS.includes(name) ? name : "one";
}

function listen() {
  listenForTabs(SECTIONS, (name) => history.replaceState(null, "", `#${name}`));
  addEventListener("hashchange", () => select(SECTIONS, section()));
  listenForDropping([byId("drop"), byId("many-drop")], (transfer) => {
    const { files } = transfer;
    if (section() === "many" || files.length > 1) {
      toMany();
      manyFrom(transfer);
    } else if (files[0]) {
      toOne();
      showFile(files[0]);
    }
  });
  listenForPasting(([file]) => {
    toOne();
    showFile(file);
  });
}

function toOne() {
  location.hash = "one";
}

function toMany() {
  location.hash = "many";
}

/** What is true of this server's models alone. */
function layOut({ models, version }) {
  const [usual] = models;
  const kind = models.some(knowsClothes) ? "clothes" : "own";
  for (const element of document.querySelectorAll("[data-kind]")) {
    element.hidden = element.dataset.kind !== kind;
  }
  for (const element of document.querySelectorAll("[data-fill=classes]")) {
    element.textContent = usual.classes.length.toLocaleString("en");
  }
  if (kind === "own") document.title = "Ankleboot: what is this?";
  document.body.classList.add(kind);
  byId("about").textContent = `Ankleboot ${version}.`;
  byId("ways").hidden = !models.some((model) => model.crop === "garment");
  byId("samples-box").hidden = kind === "own";
}

/** Whether a model names the clothes of Fashion-MNIST. */
function knowsClothes({ classes, crop }) {
  return crop === "garment" && classes.includes("Ankle boot");
}

byId("privacy").textContent = HERE.includes(location.hostname)
  ? "Everything happens on this machine: no picture leaves it."
  : `Pictures are sent to this server (${location.host}) and nowhere else; it keeps none.`;
select(SECTIONS, section());
try {
  const service = await describe((message) => say("One moment …", message));
  layOut(service);
  listen();
  showAbout(service);
  startMany(service);
  await startOne(service);
} catch (error) {
  say("Nothing answers here", error.message);
}
