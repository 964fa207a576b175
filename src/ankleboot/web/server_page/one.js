// One picture: every model's answer, and how the chosen one came to its own.

import { ask } from "./api.js";
import { listenForCamera } from "./camera.js";
import { hideCloser, showCloser } from "./closer.js";
import { isImage, SIZE, toImage } from "./convert.js";
import { byId, pictureOfBase64 } from "./dom.js";
import { listenForDrawing } from "./draw.js";
import { drawWithin, listenForChoosing } from "./input.js";
import { chosenModel, showModels, showModelsAnswer } from "./models.js";
import { saidOf } from "./reasons.js";
import { offerSamples } from "./samples.js";
import { bringIntoView, listenForTabs, select } from "./tabs.js";
import { say, showAnswer, showSeen } from "./verdict.js";

const WAYS = ["photo", "draw"];
const PREVIEW = 640; // pixels of a side
const STROKES = 350; // ms without another stroke after which a drawing is looked at more closely
const TRIES = 4;

let service; // what is served
let shown = null; // the picture, and what was answered about it
let interrupt = new AbortController(); // of the requests about it

/** Make the section work, and show an answer to begin with. */
export async function startOne(described) {
  service = described;
  showModels(service, explainChosen);
  listenForChoosing("choose", "file", ([file]) => showFile(file));
  byId("camera").addEventListener("change", ({ target }) => {
    if (target.files[0]) showFile(target.files[0]);
    target.value = ""; // the same one may be chosen again
  });
  listenForCamera("photograph", showFile);
  listenForTabs(WAYS);
  listenForDrawing(byId("pad"), byId("clear"), showDrawing);
  const [usual] = service.models;
  const invite = () => say("Show it a picture", `It knows ${usual.classes.length} classes.`);
  say("One moment …", "", answers(usual));
  if (byId("samples-box").hidden) {
    invite();
    return;
  }
  const first = await offerSamples(byId("samples"), (canvas) => showCanvas(canvas)).catch(() => null);
  byId("samples-box").hidden = first === null;
  if (shown !== null) return;
  if (first === null) invite();
  else await showCanvas(first, { follow: false });
}

/** A file as somebody has it; the server may know kinds that the browser does not. */
export async function showFile(file) {
  const turn = begin(file);
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (turn !== shown) return;
  const canvas = byId("preview");
  if (bitmap !== null) {
    drawWithin(canvas, bitmap, PREVIEW);
    bitmap.close();
    if (isImage(read(canvas))) turn.image = canvas;
  }
  canvas.hidden = bitmap === null;
  byId("invitation").hidden = bitmap !== null;
  turn.isPreviewed = bitmap !== null;
  select(WAYS, "photo");
  await answerAll(turn);
}

/** An image of the data set. */
async function showCanvas(canvas, { follow = true } = {}) {
  const turn = begin(null, { image: canvas, isPreviewed: true, follow });
  canvas.parentElement.setAttribute("aria-pressed", true);
  byId("preview").hidden = true; // what lay there is not what is answered
  byId("invitation").hidden = false;
  turn.blob = await blobOf(canvas);
  if (turn === shown) await answerAll(turn);
}

/** A drawing, as the image that is made of it; there may be more strokes to come. */
async function showDrawing(pad) {
  const image = toImage(read(pad));
  const canvas = document.createElement("canvas");
  const turn = begin(null, { image: canvas, isPreviewed: true, follow: false, rest: STROKES });
  canvas.width = canvas.height = SIZE;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(SIZE, SIZE);
  image.forEach((value, i) => pixels.data.set([value, value, value, 255], 4 * i));
  context.putImageData(pixels, 0, 0);
  turn.blob = await blobOf(canvas);
  if (turn === shown) await answerAll(turn);
}

/** A newer picture: nothing that comes late about an older one is shown. */
function begin(blob, options = {}) {
  interrupt.abort();
  interrupt = new AbortController();
  shown = { blob, follow: true, rest: 0, image: null, answers: new Map(), ...options };
  byId("result").classList.add("busy");
  byId("closer-state").textContent = "";
  for (const sample of byId("samples").children) sample.removeAttribute("aria-pressed");
  return shown;
}

async function answerAll(turn) {
  for (const { name } of service.models) showModelsAnswer(name, null);
  const all = service.models.map((model) => answer(turn, model));
  await all[service.models.indexOf(chosenModel())];
  if (turn !== shown) return;
  if (turn.follow) bringIntoView(byId("result"));
  await Promise.all(all); // they are what was asked for; looking closer can wait
  if (turn.rest) await new Promise((done) => setTimeout(done, turn.rest));
  await explain(turn);
}

/** Ask one model; an answer that is for an older picture by now is dropped. */
async function answer(turn, model) {
  const started = performance.now();
  let kept;
  try {
    const { predictions } = await ask("predict", model.name, turn.blob, options(turn, model));
    const said = saidOf(predictions[0]);
    kept = { said, milliseconds: performance.now() - started };
  } catch (error) {
    kept = { error };
  }
  if (turn !== shown) return;
  turn.answers.set(model, kept);
  showModelsAnswer(model.name, kept.said ?? kept.error, infoFor(turn, model));
  if (model === chosenModel()) showChosen(turn, model);
}

function options(turn, model) {
  const waiting = (message) => {
    if (turn === shown && model === chosenModel()) say("One moment …", message);
  };
  const reducing = () => (turn.isReduced = true);
  return { limits: service.limits, signal: interrupt.signal, tries: TRIES, waiting, reducing };
}

function showChosen(turn, model) {
  const { said, error, milliseconds } = turn.answers.get(model);
  byId("result").classList.remove("busy");
  if (error) {
    say("No answer", error.message, answers(model));
    hideCloser();
    return;
  }
  showAnswer(said, infoFor(turn, model), milliseconds, document.body.classList.contains("own"));
  if (turn.isReduced) byId("timing").textContent += " A smaller copy was sent: this one it cannot take.";
  if (turn.image && model.crop === "garment") showSeen(turn.image);
  else showNotYetSeen();
}

/** Which description an answer goes by: some models leave photographs to another one. */
function infoFor(turn, model) {
  return turn.image || !model.photo ? model : model.photo;
}

function answers({ classes, declined }) {
  return classes.filter((label) => !declined.includes(label));
}

/** Another model was chosen, for the same picture. */
async function explainChosen() {
  const turn = shown;
  const model = chosenModel();
  if (!turn?.answers.has(model)) return; // it will be shown when it is there
  showChosen(turn, model);
  await explain(turn);
}

/** Fill in what takes longer than the answer. */
async function explain(turn) {
  const model = chosenModel();
  const kept = turn.answers.get(model);
  if (turn !== shown || !kept?.said) return;
  const state = byId("closer-state");
  if (!kept.closer) {
    state.textContent = "Looking closer …";
    byId("panel-one").classList.add("looking");
    try {
      kept.closer = await ask("explain", model.name, turn.blob, options(turn, model));
    } catch (error) {
      if (turn !== shown || model !== chosenModel()) return;
      hideCloser();
      byId("panel-one").classList.remove("looking");
      if (!turn.image) byId("seen-box").hidden = true;
      state.textContent = `No closer look: ${error.message}`;
      return;
    }
  }
  if (turn !== shown || model !== chosenModel()) return;
  const isWanted = () => turn === shown && model === chosenModel();
  const seen = await showCloser(kept.closer, model, isWanted);
  if (seen === null) return;
  state.textContent = "";
  byId("panel-one").classList.remove("looking");
  showSeen(seen);
  if (!turn.isPreviewed) await previewStep(kept.closer);
}

/** The server's picture of what the browser cannot show. */
async function previewStep({ steps: [photograph] }) {
  drawWithin(byId("preview"), await pictureOfBase64(photograph.png), PREVIEW);
  byId("preview").hidden = false;
  byId("invitation").hidden = true;
}

/** Room for what the network sees, until the server says it. */
function showNotYetSeen() {
  byId("seen").width = byId("seen").height = SIZE;
  byId("seen").setAttribute("aria-label", "");
  byId("seen-size").textContent = "\u00a0";
  byId("seen-box").hidden = false;
}

function read(canvas) {
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
}

function blobOf(canvas) {
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
