// Address of the page: its fragment keeps every control, so that a link reproduces the view.
//
// The form is #SECTION&name=value&name=value. Values that a fresh page has are left out. The fragment
// is not sent to a server. Anyone can write it: parts check the values they restore.

import { namedSection, showSection } from "./sections.js";

const EVENTS = ["change", "click", "input", "keydown", "pointermove"];
const WRITE_MS = 400; // browsers limit how often a page may change its address
const parts = [];
let areAllKept = () => true;
let timer = null;

/**
 * Register a part; parts are restored in order.
 *
 * read: returns values by name. restore: takes those of a link. isAlwaysKept: whether they have a meaning
 * while another network than that of the page is open.
 */
export function keepInAddress(part) {
  parts.push(part);
}

/** Restore the address, and again whenever it changes; write it after every change of the view. */
export function startAddress(isOwnNetwork) {
  areAllKept = isOwnNetwork;
  restore();
  addEventListener("hashchange", restore);
  for (const event of EVENTS) addEventListener(event, scheduleWrite, { passive: true });
}

function restore() {
  const values = parseFragment(location.hash);
  for (const part of parts) part.restore(values);
  showSection(values.section);
}

/** Parse a fragment; malformed pieces are ignored. */
function parseFragment(fragment) {
  const [first, ...pairs] = fragment.replace(/^#/, "").split("&");
  const isSection = /^[a-z]*$/.test(first);
  const values = Object.fromEntries((isSection ? pairs : [first, ...pairs])
    .map((pair) => /^([a-z]+)=([\w.:,-]+)$/.exec(pair)).filter(Boolean).map(([, name, value]) => [name, value]));
  return { ...values, section: isSection ? first : "" };
}

export function scheduleWrite() {
  clearTimeout(timer);
  timer = setTimeout(writeAddress, WRITE_MS);
}

/** Write the address now, and return it. */
export function writeAddress() {
  clearTimeout(timer);
  const kept = parts.filter(({ isAlwaysKept }) => isAlwaysKept || areAllKept());
  const pairs = kept.flatMap((part) => Object.entries(part.read()));
  const pieces = [namedSection(), ...pairs.map(([name, value]) => `${name}=${value}`)];
  const fragment = pieces.filter(Boolean).join("&");
  history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
  return location.href;
}

/** Read a list such as "3:1,4:2" as [[3, 1], [4, 2]]; cells that are no numbers stay text. */
export function readList(text) {
  const cell = (value) => (Number.isFinite(Number(value)) ? Number(value) : value);
  return text ? text.split(",").map((item) => item.split(":").map(cell)) : [];
}

export function writeList(items) {
  return items.map((item) => item.join(":")).join(",");
}

/** Return whether a value is an integer of [0, length). */
export function isIndex(value, length) {
  return Number.isInteger(value) && value >= 0 && value < length;
}
