// The page: pictures in, the answer out. Everything is served from this folder.

import { hasPlainBackground, isImage, SIZE, squeezed, toImage } from "./convert.js";
import { listenForDrawing } from "./draw.js";
import { maskOf, reasonOf, tidied } from "./find.js";
import { percent } from "./format.js";
import { drawWithin, listenForChoosing, listenForDropping, listenForPasting } from "./input.js";
import { ask, load, missing, networks, page } from "./models.js";
import { offerSamples } from "./samples.js";
import { pictureOf, showSteps } from "./steps.js";
import { bringIntoView, listenForTabs, select } from "./tabs.js";
import { say, showAnswer, showSeen } from "./verdict.js";
import { answer } from "./words.js";

const MAX_SIDE = 640; // as in ankleboot/photos/decode.py
const WAYS = ["photo", "draw"];
const byId = (id) => document.getElementById(id);

let latest = 0; // the newest picture's turn: older answers that come late are not shown

/** Ask about a picture and show the answer, and how it came about. */
async function show(picture, { isPhoto = false, follow = true, turn = ++latest } = {}) {
  const name = networks.photo && isPhoto && !isImage(picture) ? "photo" : "usual";
  const finds = isPhoto && "cut_out" in networks && !isImage(picture) && !hasPlainBackground(picture);
  let seen;
  try {
    await wait(finds ? ["cut_out", name] : [name], turn);
    if (turn !== latest) return;
    seen = await look(picture, name, finds);
  } catch (error) {
    if (turn === latest) say("The model cannot run here", failure(error));
    return;
  }
  if (turn !== latest) return;
  const { image_size: side } = networks[name];
  showSeen(pictureOf(seen.image, { width: side, height: side }));
  showAnswer(seen.said, networks[name], seen.milliseconds, page.kind === "own");
  const hasSteps = isPhoto && "cut_out" in networks && !isImage(picture);
  byId("steps").hidden = !hasSteps;
  if (hasSteps) {
    const isThere = !(seen.found && reasonOf(seen.found));
    showSteps(byId("steps-list"), picture, seen.found, isThere, seen.small);
    const words = await aboutSteps(seen, name, isThere);
    if (turn !== latest) return;
    byId("steps-words").textContent = words;
  }
  if (follow) bringIntoView(byId("result"));
}

/** The network's image, its answer, and where it finds a garment; as in ankleboot/prediction.py. */
async function look(picture, name, finds) {
  const started = performance.now();
  const info = networks[name];
  const found = finds ? tidied(maskOf(await ask("cut_out", squeezedFor("cut_out", picture)))) : null;
  const small = "cut_out" in networks ? toImage(picture, found && found.mask) : null;
  const image = info.crop === "garment" ? small : squeezedFor(name, picture);
  const said = answer(image, found, await ask(name, image), info);
  return { found, small, image, said, milliseconds: performance.now() - started };
}

function squeezedFor(name, picture) {
  return squeezed(picture, networks[name].image_size, networks[name].color);
}

async function aboutSteps({ found, small }, name, isThere) {
  const how = found === null ? "The background is plain: the garment is trimmed, not cut out. " : "";
  if (name === "usual" || !isThere || small.every((value) => value === 0)) return how;
  const { label, confidence } = answer(small, null, await ask("usual", small), networks.usual);
  return (
    `${how}The answer above comes from the photograph itself. The network that knows only ` +
    `Fashion-MNIST, asked about the ${SIZE} × ${SIZE} pixels, says ${label} (${percent(confidence)}).`
  );
}

/** Until the networks are here; says so where that takes its time. */
async function wait(names, turn) {
  const lacking = missing(names);
  const all = Promise.all(names.map(load));
  if (lacking.length && turn === latest) {
    const bytes = lacking.reduce((sum, name) => sum + networks[name].bytes, 0);
    const what = lacking.some((name) => name !== "usual") ? "what photographs need" : "the model";
    say("One moment …", `Loading ${what}: ${(bytes / 1e6).toFixed(1)} MB, the first time only.`);
    byId("steps").hidden = true;
  }
  await all;
  if (lacking.length) keepForOffline();
  if (!document.hidden) await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

function failure(error) {
  return navigator.onLine === false
    ? "It has to be fetched once, and there is no network now."
    : String(error.message ?? error);
}

async function showFile(file) {
  const turn = ++latest;
  let bitmap;
  try {
    bitmap = await createImageBitmap(file); // turned as its camera was held
  } catch {
    if (turn !== latest) return;
    say("This is not a picture that the browser can open.", file.name ?? "");
    byId("steps").hidden = true;
    return;
  }
  if (turn !== latest) return;
  const canvas = byId("preview");
  drawWithin(canvas, bitmap, MAX_SIDE);
  bitmap.close();
  canvas.hidden = false;
  byId("invitation").hidden = true;
  select(WAYS, "photo");
  await show(read(canvas), { isPhoto: true, turn });
}

function read(canvas) {
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
}

function listenForPictures() {
  const take = ([file]) => showFile(file);
  listenForChoosing("choose", "file", take, fetchAhead);
  listenForChoosing("photograph", "camera", take, fetchAhead);
  listenForDropping([byId("drop")], ({ files }) => files[0] && showFile(files[0]));
  listenForPasting(take);
  listenForTabs(WAYS);
  // there may be more strokes to come
  listenForDrawing(byId("pad"), byId("clear"), (pad) => show(read(pad), { follow: false }));
}

/** While somebody looks for a photograph, what it needs can come. */
function fetchAhead() {
  for (const name of Object.keys(networks)) load(name).catch(() => {}); // said when it is needed
}

/** What is true of this page's networks alone. */
function layOut() {
  const { usual, photo } = networks;
  for (const element of document.querySelectorAll("[data-kind]")) {
    element.hidden = !element.dataset.kind.split(" ").includes(page.kind);
  }
  const filled = {
    classes: usual.labels.length.toLocaleString("en"),
    size: `${usual.image_size} × ${usual.image_size}`,
    color: usual.color ? "colored" : "grey",
    data: usual.data.replace(/\/$/, ""),
    declined: photo ? photo.declined.join(", ") : "",
  };
  for (const element of document.querySelectorAll("[data-fill]")) {
    element.textContent = filled[element.dataset.fill];
  }
  if (photo && !photo.declined.length) byId("declines").hidden = true;
  if (page.kind === "own") document.title = "Ankleboot: what is this?";
  document.body.classList.add(page.kind);
  const isDrawn = usual.crop === "garment";
  document.querySelector(".tabs").hidden = !isDrawn;
  byId("samples-box").hidden = !page.samples;
  byId("about").textContent =
    Object.values(networks)
      .map((one) => `${one.what}: recipe ${one.recipe || "of its own"}, ` +
        `${one.parameters.toLocaleString("en")} parameters.`)
      .join(" ") + ` Made with Ankleboot ${usual.version}.`;
  say("One moment …", `Loading the model: ${(usual.bytes / 1e6).toFixed(1)} MB.`, usual.labels);
}

/** The next visit needs no network: store what this one loaded, and let offline.js answer. */
async function keepForOffline() {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  const here = new URL("./", location.href).href;
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  const own = new Set([here, ...loaded.filter((address) => address.startsWith(here))]);
  try {
    await navigator.serviceWorker.register("offline.js");
    const store = await caches.open("ankleboot");
    for (const address of own) if (!(await store.match(address))) await store.add(address);
    document.body.dataset.offline = "ready";
  } catch (error) {
    console.warn("The page is not kept for offline use:", error);
  }
}

layOut();
listenForPictures();
const firstSample = page.samples
  ? read(await offerSamples(byId("samples"), (canvas) => show(read(canvas))))
  : null;
if (latest === 0 && firstSample) {
  await show(firstSample, { follow: false, turn: 0 });
} else if (latest === 0) {
  await wait(["usual"], 0).then(
    () => latest || say("Show it a picture", `It knows ${networks.usual.labels.length} classes.`),
    (error) => latest || say("The model cannot run here", failure(error)),
  );
}
