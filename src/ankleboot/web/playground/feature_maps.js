// Feature maps as images, matrices of numbers, and pixel selection.

import { make } from "./dom.js";
import { channelOf } from "./network.js";

const BRIGHT = 0.179; // luminance above which black text has more contrast than white

/** Paint one channel: gray for the network's image, colors by sign for all other maps. */
export function paintMap(canvas, maps, channel, isImage = false) {
  if (!maps?.width || !maps.height) {
    canvas.width = canvas.height = 1; // removes the former map
    return;
  }
  canvas.width = maps.width;
  canvas.height = maps.height;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(maps.width, maps.height);
  const values = channelOf(maps, channel).values;
  const color = isImage ? grayColors(values) : signedColors(maxAbs(values));
  values.forEach((value, i) => pixels.data.set([...color(value), 255], 4 * i));
  context.putImageData(pixels, 0, 0);
  canvas.classList.add("coarse");
}

/** Paint an image with values in [0, 1]. */
export function paintImage(canvas, { height, width, channels, values }) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const level = (c) => 255 * values[i * channels + Math.min(c, channels - 1)];
    pixels.data.set([level(0), level(1), level(2), 255], 4 * i);
  }
  context.putImageData(pixels, 0, 0);
  canvas.classList.toggle("coarse", width <= 64);
}

/** Return the largest finite absolute value, at least 1e-6. */
export function maxAbs(values) {
  let largest = 1e-6;
  for (const value of values) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  return largest;
}

function grayColors(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const span = Math.max(high - low, 1e-6);
  return (value) => Array(3).fill((255 * (value - low)) / span);
}

/** Return a function from values to colors: warm above zero, cool below, the background at zero. */
export function signedColors(limit) {
  const [zero, warm, cool] = ["--zero", "--warm", "--cool"].map(themeColor);
  return (value) => {
    const strength = Math.min(1, Math.abs(value) / limit);
    const end = value < 0 ? cool : warm;
    return zero.map((start, i) => start + (end[i] - start) * strength);
  };
}

function themeColor(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((start) => parseInt(text.slice(start, start + 2), 16));
}

/** Set a cell's background by its value, and a text color with enough contrast. */
export function setCellColor(cell, value, color) {
  const [red, green, blue] = color(value);
  cell.style.background = `rgb(${red} ${green} ${blue})`;
  cell.style.color = luminance(red, green, blue) > BRIGHT ? "#000" : "#fff";
}

/** Source: WCAG 2.2, relative luminance */
function luminance(...channels) {
  const [red, green, blue] = channels.map((channel) => {
    const level = channel / 255;
    return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Fill a square with numbers; `outside` returns whether a cell lies beyond the map's edge. */
export function showMatrix(box, values, limit, outside = () => false) {
  const cells = cellsOf(box, values.length, () => make("span"));
  const color = signedColors(limit);
  values.forEach((value, i) => {
    cells[i].textContent = formatNumber(value);
    cells[i].classList.toggle("outside", outside(i));
    setCellColor(cells[i], value, color);
  });
}

/** Return the cells of a square box; they are recreated if their number changes. */
export function cellsOf(box, number, makeCell) {
  if (box.children.length !== number) {
    box.replaceChildren(...Array.from({ length: number }, makeCell));
    box.style.setProperty("--side", Math.sqrt(number));
  }
  return [...box.children];
}

/** Format a number in a few characters. */
export function formatNumber(value) {
  if (!Number.isFinite(value)) return String(value).replace("Infinity", "∞");
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const text = value.toFixed(digits);
  return Number(text) === 0 ? "0" : text.replace("-", "−");
}

/** Call `moved(column, row)` for the pixel under the pointer, or next to `position()` by arrow keys. */
export function listenForPixels(canvas, position, moved) {
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    const pixel = (fraction, size) => Math.min(size - 1, Math.max(0, Math.floor(fraction * size)));
    moved(
      pixel((event.clientX - box.left) / box.width, canvas.width),
      pixel((event.clientY - box.top) / box.height, canvas.height),
    );
  };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const [column, row] = position();
    moved(
      Math.min(canvas.width - 1, Math.max(0, column + step[0])),
      Math.min(canvas.height - 1, Math.max(0, row + step[1])),
    );
  });
}

/** Frame a rectangle of a map's pixels. */
export function setFrame(canvas, left, top, width, height) {
  const { style } = canvas.nextElementSibling;
  style.left = `${(100 * left) / canvas.width}%`;
  style.top = `${(100 * top) / canvas.height}%`;
  style.width = `${(100 * width) / canvas.width}%`;
  style.height = `${(100 * height) / canvas.height}%`;
}

/** Fill a menu with [value, text]; unchanged options keep their elements. */
export function setOptions(menu, options, selected) {
  const key = JSON.stringify(options);
  if (menu.dataset.options !== key) {
    menu.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
    menu.dataset.options = key;
  }
  menu.value = String(selected);
}
