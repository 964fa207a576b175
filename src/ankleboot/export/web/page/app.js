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
  const [output] = await model.run(input);
  const probs = Array.from(output.toTypedArray());
  input.delete();
  output.delete();
  return probs;
}

async function show(image, { follow = true } = {}) {
  drawGrey(byId("seen"), image);
  const started = performance.now();
  const probs = await predict(image);
  const milliseconds = performance.now() - started;
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
  if (follow && isBelow) result.scrollIntoView({ behavior: "smooth" }); // on a phone
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
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    say("This is not a picture that the browser can open.", file.name ?? "");
    return;
  }
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
  await show(read(canvas));
}

function read(canvas) {
  const { data, width, height } = canvas
    .getContext("2d")
    .getImageData(0, 0, canvas.width, canvas.height);
  return toImage(data, width, height);
}

function say(answer, certainty) {
  byId("answer").textContent = answer;
  byId("certainty").textContent = certainty;
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
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    last = place(event);
    stroke(event);
  });
  pad.addEventListener("pointermove", (event) => last && stroke(event));
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, () => {
      if (last) show(read(pad), { follow: false }); // there may be more strokes to come
      last = null;
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
    button.setAttribute("aria-label", `Sample ${start / SIZE + 1}`);
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
try {
  await ready;
  await show(firstSample, { follow: false });
} catch (error) {
  say("The model cannot run here", String(error.message ?? error));
}
await keepForOffline();

/** The next visit needs no network: store what this one loaded, and let offline.js answer. */
async function keepForOffline() {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  await navigator.serviceWorker.register("offline.js");
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  const store = await caches.open("ankleboot");
  await store.addAll([...new Set([new URL("./", location.href).href, ...loaded])]);
  document.body.dataset.offline = "ready";
}
