// Answers as a table that other programs read.

const FIXED = ["name", "label", "index", "confidence", "none_of_these", "abstained", "reason", "error"];
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/; // what spreadsheets would compute

/** Rows of {name, prediction or null, error or null} as text, with a column per class at the end. */
export function csvOf(rows) {
  const labels = new Set();
  for (const { prediction } of rows) {
    if (prediction) Object.keys(prediction.probs).forEach((label) => labels.add(label));
  }
  const lines = [[...FIXED, ...labels].map(cell)];
  for (const { name, prediction, error } of rows) {
    const known = { ...prediction, name, error };
    const probs = prediction?.probs ?? {};
    lines.push([...FIXED.map((key) => cell(known[key])), ...[...labels].map((l) => cell(probs[l]))]);
  }
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
