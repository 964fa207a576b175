// The card with the answer: what the network saw, what it says, and how likely all else is.

import { SIZE } from "./convert.js";
import { pictureOf } from "./steps.js";
import { byShare } from "./words.js";

const MANY = 10; // classes from which on the most likely ones come first and the others are scrolled
const byId = (id) => document.getElementById(id);

/** Show an answer of words.js about the pixels of `image`. */
export function showAnswer(said, image, info, milliseconds, sorted) {
  const { label, confidence, reason, cause } = said;
  document.body.classList.toggle("unsure", reason !== null);
  byId("answer").textContent = reason === null ? label : sentence(reason);
  byId("certainty").textContent = {
    missing: "One garment, whole, laid flat or hung up, is what it can find.",
    blank: "There is nothing to see on it.",
    several: `Taken for one, they would be ${label}, ${percent(confidence)}.`,
    declined: `${percent(said.noneOfThese)} for none of them; ${percent(confidence)} for ${label}.`,
    unsure: `${percent(confidence)} for ${label}; below ${percent(info.abstain_below)} its ` +
      "answers are not to be relied on.",
  }[cause] ?? `${percent(confidence)} sure`;
  byId("timing").textContent = `Answered in ${duration(milliseconds)}.`;
  showSeen(image, info);
  const rows = sorted ? byShare(said.shares) : said.shares;
  const none = info.declined.length ? [["None of these", said.noneOfThese]] : [];
  showBars([...rows, ...none], { missing: null, blank: null, declined: none[0]?.[0] }, said);
}

/** Words in place of an answer; nothing of an earlier one stays. */
export function say(answer, certainty, labels = null) {
  byId("answer").textContent = answer;
  byId("certainty").textContent = certainty;
  byId("timing").textContent = "";
  byId("seen-box").hidden = true;
  document.body.classList.remove("unsure");
  const known = labels ?? [...byId("bars").children].map((row) => row.children[0].textContent);
  showBars(known.map((label) => [label, null]), {}, {});
}

function showBars(rows, instead, { label, cause }) {
  const first = cause in instead ? instead[cause] : label;
  const list = byId("bars");
  while (list.children.length < rows.length) list.append(emptyRow());
  while (list.children.length > rows.length) list.lastChild.remove();
  rows.forEach(([name, share], i) => {
    const row = list.children[i];
    row.classList.toggle("first", share !== null && name === first);
    const [words, , figure] = row.children;
    words.textContent = words.title = name;
    figure.textContent = share === null ? "" : percent(share);
    row.querySelector(".fill").style.width = `${100 * (share ?? 0)}%`;
  });
  const box = byId("classes");
  const scrolls = rows.length > MANY + 2;
  box.classList.toggle("scrolls", scrolls);
  box.scrollTop = 0;
  if (scrolls) {
    box.tabIndex = 0; // so that the arrow keys scroll it
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", `All ${rows.length} classes`);
  }
}

function emptyRow() {
  const row = document.createElement("li");
  for (const name of ["name", "track", "share"]) {
    const cell = document.createElement("span");
    cell.className = name;
    row.append(cell);
  }
  const fill = document.createElement("span");
  fill.className = "fill";
  row.children[1].append(fill);
  return row;
}

function showSeen(image, { image_size: side }) {
  const canvas = byId("seen");
  canvas.width = canvas.height = side;
  canvas.classList.toggle("coarse", side <= 2 * SIZE);
  canvas.setAttribute("aria-label", `The ${side} by ${side} pixels that the network sees`);
  canvas.getContext("2d").putImageData(pictureOf(image, { width: side, height: side }), 0, 0);
  byId("seen-size").textContent = `${side} × ${side} pixels`;
  byId("seen-box").hidden = false;
}

export function percent(share) {
  return share > 0.9995 ? "100 %" : `${(100 * share).toFixed(1)} %`;
}

function duration(milliseconds) {
  return milliseconds < 1000
    ? `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`;
}

function sentence(words) {
  return words[0].toUpperCase() + words.slice(1);
}
