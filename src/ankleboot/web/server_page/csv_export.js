// Predictions as CSV.

const COLUMNS = ["name", "label", "index", "confidence", "none_of_these", "abstained", "reason", "error"];
const FORMULA = /(?<![^";\t\r\n])'*(?=[=+\-@\t\r\n＝＋－＠])/g; // spreadsheets would evaluate these
const NUMBER = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/;

/** Format rows of {name, prediction or null, error or null}, with a column per class at the end. */
export function toCsv(rows) {
  const labels = new Set();
  for (const { prediction } of rows) {
    if (prediction) Object.keys(prediction.probs).forEach((label) => labels.add(label));
  }
  const lines = [[...COLUMNS, ...labels].map(cell)];
  for (const { name, prediction, error } of rows) {
    const values = { ...prediction, name, error };
    const probs = prediction?.probs ?? {};
    lines.push([...COLUMNS.map((key) => cell(values[key])), ...[...labels].map((l) => cell(probs[l]))]);
  }
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const text = NUMBER.test(value) ? value : value.replace(FORMULA, "'$&");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
