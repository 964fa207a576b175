// The page: pictures in, the answer out. Everything is served from this folder.

import { hasPlainBackground, isImage, SIZE, squeezed, toImage } from "./convert.js";
import { maskOf, reasonOf, tidied } from "./find.js";
import { ask, load, missing, networks, page } from "./models.js";
import { showSteps } from "./steps.js";
import { percent, say, showAnswer } from "./verdict.js";
import { answer } from "./words.js";

const MAX_SIDE = 640; // as in ankleboot/photos/decode.py
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
  showAnswer(seen.said, seen.image, networks[name], seen.milliseconds, page.kind === "own");
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
  const image = info.framing === "garment" ? small : squeezedFor(name, picture);
  const said = answer(image, found, await ask(name, image), info);
  return { found, small, image, said, milliseconds: performance.now() - started };
}

function squeezedFor(name, picture) {
  return squeezed(picture, networks[name].image_size, networks[name].colour);
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

function bringIntoView(element) {
  const isBelow = element.getBoundingClientRect().top > innerHeight / 2; // a phone
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (isBelow) element.scrollIntoView({ behavior: still ? "auto" : "smooth" });
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
  const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = byId("preview");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // shows through transparent pixels
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  canvas.hidden = false;
  byId("invitation").hidden = true;
  select("photo");
  await show(read(canvas), { isPhoto: true, turn });
}

function read(canvas) {
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
}

function select(name) {
  for (const other of ["photo", "draw"]) {
    const chosen = other === name;
    byId(`tab-${other}`).setAttribute("aria-selected", chosen);
    byId(`tab-${other}`).tabIndex = chosen ? 0 : -1;
    byId(`panel-${other}`).hidden = !chosen;
  }
}

function listenForPictures() {
  for (const [button, input] of [["choose", "file"], ["photograph", "camera"]]) {
    byId(button).addEventListener("click", () => {
      byId(input).click();
      fetchAhead();
    });
    byId(input).addEventListener("change", (event) => {
      if (event.target.files[0]) showFile(event.target.files[0]);
      event.target.value = ""; // the same file may be chosen again
    });
  }
  const drop = byId("drop");
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files[0]) showFile(event.dataTransfer.files[0]);
  });
  drop.addEventListener("dragenter", () => drop.classList.add("over"));
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  addEventListener("paste", (event) => {
    const item = [...event.clipboardData.items].find((one) => one.type.startsWith("image/"));
    if (item) showFile(item.getAsFile());
  });
  for (const name of ["photo", "draw"]) {
    byId(`tab-${name}`).addEventListener("click", () => select(name));
    byId(`tab-${name}`).addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = name === "photo" ? "draw" : "photo";
      select(other);
      byId(`tab-${other}`).focus();
    });
  }
}

/** While somebody looks for a photograph, what it needs can come. */
function fetchAhead() {
  for (const name of Object.keys(networks)) load(name).catch(() => {}); // said when it is needed
}

function listenForDrawing() {
  const pad = byId("pad");
  const context = pad.getContext("2d", { willReadFrequently: true });
  const clear = () => {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, pad.width, pad.height);
  };
  const place = (event) => {
    const box = pad.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * pad.width) / box.width,
      ((event.clientY - box.top) * pad.height) / box.height,
    ];
  };
  let last = null;
  const stroke = (event) => {
    const next = place(event);
    context.beginPath();
    context.moveTo(...last);
    context.lineTo(...next);
    context.stroke();
    last = next;
  };
  clear();
  context.lineWidth = 26;
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = "#333";
  let pen = null; // one finger at a time
  pad.addEventListener("pointerdown", (event) => {
    if (pen !== null || event.button !== 0) return;
    pen = event.pointerId;
    pad.setPointerCapture(pen);
    last = place(event);
    stroke(event);
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.pointerId === pen) stroke(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, (event) => {
      if (event.pointerId !== pen) return;
      pen = null;
      show(read(pad), { follow: false }); // there may be more strokes to come
    });
  }
  byId("clear").addEventListener("click", () => {
    clear();
    show(read(pad), { follow: false });
  });
}

async function offerSamples() {
  const strip = new Image();
  strip.src = "samples.png";
  await strip.decode();
  for (let start = 0; start < strip.width; start += SIZE) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIZE;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(strip, -start, 0);
    const button = document.createElement("button");
    button.setAttribute("aria-label", `Show sample ${start / SIZE + 1} to the network`);
    button.append(canvas);
    button.addEventListener("click", () => show(read(canvas)));
    byId("samples").append(button);
  }
  return read(byId("samples").querySelector("canvas"));
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
    colour: usual.colour ? "coloured" : "grey",
    data: usual.data.replace(/\/$/, ""),
    declined: photo ? photo.declined.join(", ") : "",
  };
  for (const element of document.querySelectorAll("[data-fill]")) {
    element.textContent = filled[element.dataset.fill];
  }
  if (photo && !photo.declined.length) byId("declines").hidden = true;
  if (page.kind === "own") document.title = "Ankleboot: what is this?";
  document.body.classList.add(page.kind);
  const isDrawn = usual.framing === "garment";
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
listenForDrawing();
const firstSample = page.samples ? await offerSamples() : null;
if (latest === 0 && firstSample) {
  await show(firstSample, { follow: false, turn: 0 });
} else if (latest === 0) {
  await wait(["usual"], 0).then(
    () => latest || say("Show it a picture", `It knows ${networks.usual.labels.length} classes.`),
    (error) => latest || say("The model cannot run here", failure(error)),
  );
}
