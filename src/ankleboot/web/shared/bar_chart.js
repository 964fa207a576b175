// Probabilities as a bar chart.

import { percent } from "./format.js";

/** Fill a list with rows of [name, probability or null] and highlight the row called `highlighted`. */
export function showBarChart(list, rows, highlighted) {
  while (list.children.length < rows.length) list.append(emptyRow());
  while (list.children.length > rows.length) list.lastChild.remove();
  rows.forEach(([name, probability], i) => {
    const row = list.children[i];
    row.classList.toggle("first", probability !== null && name === highlighted);
    const [label, , value] = row.children;
    label.textContent = label.title = name;
    value.textContent = probability === null ? "" : percent(probability);
    row.querySelector(".fill").style.width = `${100 * (probability ?? 0)}%`;
  });
}

function emptyRow() {
  const row = document.createElement("li");
  for (const name of ["name", "track", "probability"]) {
    const cell = document.createElement("span");
    cell.className = name;
    row.append(cell);
  }
  const fill = document.createElement("span");
  fill.className = "fill";
  row.children[1].append(fill);
  return row;
}
