// Probabilities as a list of bars.

import { percent } from "./format.js";

/** Fill a list with rows of [name, probability or null]; the one called `first` stands out. */
export function showBars(list, rows, first) {
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
