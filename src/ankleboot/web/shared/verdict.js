// The card with the answer: what the network saw, what it says, and how likely all else is.

import { showBars } from "./bars.js";
import { byShare, duration, percent, sentence } from "./format.js";
import { paint } from "./strip.js";

const MANY = 10; // classes from which on the most likely ones come first and the others are scrolled
const byId = (id) => document.getElementById(id);

/**
 * Show an answer.
 *
 * said: label and confidence, shares ([label, probability] of all that can be an answer),
 * noneOfThese, and why not to rely on it: reason in words and cause in one, or null; info: the
 * model's description; sorted: the most likely first.
 */
export function showAnswer(said, info, milliseconds, sorted) {
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
  const rows = sorted ? byShare(said.shares) : said.shares;
  const none = info.declined.length ? [["None of these", said.noneOfThese]] : [];
  const first = { missing: null, blank: null, declined: none[0]?.[0] };
  showClasses([...rows, ...none], cause in first ? first[cause] : label);
}

/** Words in place of an answer; nothing of an earlier one stays. */
export function say(answer, certainty, labels = null) {
  byId("answer").textContent = answer;
  byId("certainty").textContent = certainty;
  byId("timing").textContent = "";
  byId("seen-box").hidden = true;
  document.body.classList.remove("unsure");
  const known = labels ?? [...byId("bars").children].map((row) => row.children[0].textContent);
  showClasses(known.map((label) => [label, null]), null);
}

/** The pixels that the network saw. */
export function showSeen(pixels) {
  const size = `${pixels.width} × ${pixels.height} pixels`;
  paint(byId("seen"), pixels, `What the network sees: ${size}`);
  byId("seen-size").textContent = size;
  byId("seen-box").hidden = false;
}

function showClasses(rows, first) {
  showBars(byId("bars"), rows, first);
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
