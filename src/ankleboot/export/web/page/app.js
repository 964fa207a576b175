// The page: pictures in, the model's answer out. Everything is served from this folder.

import { loadAndCompile, loadLiteRt, Tensor } from "./runtime/index.js";
import { SIZE, toImage } from "./convert.js";

const MAX_SIDE = 640; // as in ankleboot/photos/decode.py
const byId = (id) => document.getElementById(id);

const info = await (await fetch("ankleboot.json")).json();
const ready = start();

async function start() {
  await loadLiteRt(new URL("runtime/", import.meta.url).href);
  return loadAndCompile(new URL("model.tflite", import.meta.url).href, { accelerator: "wasm" });
}

/** SIZE x SIZE grey pixels to the probabilities of info.labels. */
export async function predict(image) {
  const model = await ready;
  const input = new Tensor(image, [1, SIZE, SIZE]);
  try {
    const [output] = await model.run(input);
    const probs = Array.from(output.toTypedArray());
    output.delete();
    return probs;
  } finally {
    input.delete();
  }
}

let latest = 0; // the newest picture's turn: older answers that come late are not shown

async function show(image, { follow = true, turn = ++latest } = {}) {
  let probs, milliseconds;
  try {
    await ready;
    const started = performance.now();
    probs = await predict(image);
    milliseconds = performance.now() - started;
  } catch (error) {
    if (turn === latest) say("The model cannot run here", String(error.message ?? error));
    return;
  }
  if (turn !== latest) return;
  drawGrey(byId("seen"), image);
  const order = probs.map((_, i) => i).sort((a, b) => probs[b] - probs[a] || a - b);
  const [first] = order;
  const blank = image.every((pixel) => pixel === 0);
  const unsure = blank || probs[first] < info.abstain_below;
  document.body.classList.toggle("unsure", unsure);
  byId("answer").textContent = blank ? "Nothing to see" : unsure ? "Not sure" : info.labels[first];
  byId("certainty").textContent = blank
    ? "The picture is of one colour."
    : unsure
      ? `Most likely ${info.labels[first]} (${percent(probs[first])}), but from ` +
        `${percent(info.abstain_below)} on only are its answers reliable.`
      : `${percent(probs[first])} sure`;
  byId("timing").textContent = `Answered in ${milliseconds.toFixed(1)} ms.`;
  probs.forEach((share, i) => {
    const row = byId("bars").children[i];
    row.classList.toggle("first", i === first && !blank);
    row.querySelector(".fill").style.width = `${100 * share}%`;
    row.querySelector(".share").textContent = percent(share);
  });
  const result = byId("result");
  const isBelow = result.getBoundingClientRect().top > innerHeight / 2;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (follow && isBelow) result.scrollIntoView({ behavior: still ? "auto" : "smooth" }); // a phone
}

function percent(share) {
  return share > 0.9995 ? "100 %" : `${(100 * share).toFixed(1)} %`;
}

function drawGrey(canvas, image) {
  const pixels = new ImageData(SIZE, SIZE);
  image.forEach((value, i) => pixels.data.set([value, value, value, 255], 4 * i));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

async function showFile(file) {
  const turn = ++latest;
  let bitmap;
  try {
    bitmap = await createImageBitmap(file); // turned as its camera was held
  } catch {
    if (turn === latest) say("This is not a picture that the browser can open.", file.name ?? "");
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
  await show(read(canvas), { turn });
}

function read(canvas) {
  const { data, width, height } = canvas
    .getContext("2d")
    .getImageData(0, 0, canvas.width, canvas.height);
  return toImage(data, width, height);
}

/** Words in place of an answer; nothing of an earlier one stays. */
function say(answer, certainty) {
  byId("answer").textContent = answer;
  byId("certainty").textContent = certainty;
  byId("timing").textContent = "";
  document.body.classList.remove("unsure");
  drawGrey(byId("seen"), new Uint8Array(SIZE * SIZE));
  for (const row of byId("bars").children) {
    row.classList.remove("first");
    row.querySelector(".fill").style.width = "0";
    row.querySelector(".share").textContent = "";
  }
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
    byId(button).addEventListener("click", () => byId(input).click());
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

function layOut() {
  for (const label of info.labels) {
    const row = document.createElement("li");
    for (const name of ["name", "track", "share"]) {
      const cell = document.createElement("span");
      cell.className = name;
      row.append(cell);
    }
    row.children[0].textContent = label;
    const fill = document.createElement("div");
    fill.className = "fill";
    row.children[1].append(fill);
    byId("bars").append(row);
  }
  byId("about").textContent =
    `Model: recipe ${info.recipe || "of its own"}, ${info.parameters.toLocaleString("en")} ` +
    `parameters, made with Ankleboot ${info.version}.`;
}

layOut();
listenForPictures();
listenForDrawing();
const firstSample = await offerSamples();
if (latest === 0) await show(firstSample, { follow: false });
await ready.then(keepForOffline, () => {});

/** The next visit needs no network: store what this one loaded, and let offline.js answer. */
async function keepForOffline() {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  const here = new URL("./", location.href).href;
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  const own = loaded.filter((address) => address.startsWith(here));
  try {
    await navigator.serviceWorker.register("offline.js");
    const store = await caches.open("ankleboot");
    await store.addAll([...new Set([here, ...own])]);
    document.body.dataset.offline = "ready";
  } catch (error) {
    console.warn("The page is not kept for offline use:", error);
  }
}
