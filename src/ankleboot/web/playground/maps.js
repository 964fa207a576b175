// Maps as pictures in the colors of their signs, numbers in cells, and pixels that are pointed at.

import { make } from "./dom.js";
import { channelOf } from "./network.js";

/** Paint one channel; pictures are grey (or in their own colors), all else is signed. */
export function paintMap(canvas, maps, channel, isPicture = false) {
  if (!maps || !maps.width || !maps.height) return;
  canvas.width = maps.width;
  canvas.height = maps.height;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(maps.width, maps.height);
  const values = channelOf(maps, channel).values;
  const color = isPicture ? greys(values) : signed(extent(values));
  values.forEach((value, i) => pixels.data.set([...color(value), 255], 4 * i));
  context.putImageData(pixels, 0, 0);
  canvas.classList.add("coarse");
}

/** Paint an image as it is, with values in [0, 1]. */
export function paintImage(canvas, { height, width, channels, values }) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const of = (c) => 255 * values[i * channels + Math.min(c, channels - 1)];
    pixels.data.set([of(0), of(1), of(2), 255], 4 * i);
  }
  context.putImageData(pixels, 0, 0);
  canvas.classList.toggle("coarse", width <= 64);
}

/** The largest absolute value, or something above zero. */
export function extent(values) {
  let most = 1e-6;
  for (const value of values) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  return most;
}

function greys(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const span = Math.max(high - low, 1e-6);
  return (value) => Array(3).fill((255 * (value - low)) / span);
}

/** A function from values to colors: the page's two for the signs, its paper for zero. */
export function signed(limit) {
  const [zero, warm, cool] = ["--zero", "--warm", "--cool"].map(themeColor);
  return (value) => {
    const share = Math.min(1, Math.abs(value) / limit);
    const end = value < 0 ? cool : warm;
    return zero.map((from, i) => from + (end[i] - from) * share);
  };
}

function themeColor(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((start) => parseInt(text.slice(start, start + 2), 16));
}

/** Give a cell the color of its value, and ink that can be read on it. */
export function tint(cell, value, color) {
  const [red, green, blue] = color(value);
  cell.style.background = `rgb(${red} ${green} ${blue})`;
  cell.style.color = 0.3 * red + 0.59 * green + 0.11 * blue > 140 ? "#111" : "#fff";
}

/** A square of numbers; `outside` tells of cells that lie beyond the map's edge. */
export function showMatrix(box, values, limit, outside = () => false) {
  const cells = cellsOf(box, values.length, () => make("span"));
  const color = signed(limit);
  values.forEach((value, i) => {
    cells[i].textContent = figure(value);
    cells[i].classList.toggle("outside", outside(i));
    tint(cells[i], value, color);
  });
}

/** The cells of a square box, made anew where their number changes. */
export function cellsOf(box, number, makeCell) {
  if (box.children.length !== number) {
    box.replaceChildren(...Array.from({ length: number }, makeCell));
    box.style.setProperty("--side", Math.sqrt(number));
  }
  return [...box.children];
}

/** A number in a few characters. */
export function figure(value) {
  if (!Number.isFinite(value)) return String(value).replace("Infinity", "∞");
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const text = value.toFixed(digits);
  return Number(text) === 0 ? "0" : text.replace("-", "−");
}

/** Hear where a map is pointed at, or moved to with the arrow keys: `moved(column, row)`. */
export function listenForPixels(canvas, place, moved) {
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    const within = (share, size) => Math.min(size - 1, Math.max(0, Math.floor(share * size)));
    moved(
      within((event.clientX - box.left) / box.width, canvas.width),
      within((event.clientY - box.top) / box.height, canvas.height),
    );
  };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const [column, row] = place();
    moved(
      Math.min(canvas.width - 1, Math.max(0, column + step[0])),
      Math.min(canvas.height - 1, Math.max(0, row + step[1])),
    );
  });
}

/** Put the frame of a map's box around some of its pixels. */
export function mark(canvas, left, top, width, height) {
  const { style } = canvas.nextElementSibling;
  style.left = `${(100 * left) / canvas.width}%`;
  style.top = `${(100 * top) / canvas.height}%`;
  style.width = `${(100 * width) / canvas.width}%`;
  style.height = `${(100 * height) / canvas.height}%`;
}

/** Fill a select with [value, words]; keeps it quiet where nothing has changed. */
export function offer(select, options, chosen) {
  const key = JSON.stringify(options);
  if (select.dataset.options !== key) {
    select.replaceChildren(...options.map(([value, words]) => make("option", { value }, words)));
    select.dataset.options = key;
  }
  select.value = String(chosen);
}
