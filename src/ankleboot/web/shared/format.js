// Numbers and text for display.

const MAX_LISTED = 6; // more classes are counted

/** Write a probability in percent, never as "100 %": no model is certain. */
export function percent(probability) {
  const text = (100 * probability).toFixed(1);
  return text === "100.0" ? ">99.9 %" : `${text} %`;
}

/** Write a confidence in words and percent. */
export function confidenceText(probability) {
  const levels = [["Very sure", 0.99], ["Sure", 0.9], ["Fairly sure", 0.7], ["Not very sure", 0]];
  const [words] = levels.find(([, from]) => probability >= from);
  return `${words}: ${percent(probability)}`;
}

export function duration(milliseconds) {
  return milliseconds < 1000
    ? `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`;
}

export function capitalize(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Name the classes, "cat, dog or owl", or count them if they are more than `most`. */
export function classesText(labels, most = MAX_LISTED) {
  if (labels.length > most) return `one of ${numberText(labels.length)} classes`;
  return [labels.slice(0, -1).join(", "), labels.at(-1)].filter(Boolean).join(" or ");
}

export function numberText(number) {
  return number === 10 ? "ten" : number.toLocaleString("en");
}

/** Sort pairs of label and probability, the most likely first; ties keep their order. */
export function sortByProbability(pairs) {
  return [...pairs].sort(([, a], [, b]) => b - a);
}
