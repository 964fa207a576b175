// Numbers and text for display.

export function percent(fraction) {
  return fraction > 0.9995 ? "100 %" : `${(100 * fraction).toFixed(1)} %`;
}

export function duration(milliseconds) {
  return milliseconds < 1000
    ? `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`;
}

export function capitalize(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Sort pairs of label and probability, the most likely first; ties keep their order. */
export function sortByProbability(pairs) {
  return [...pairs].sort(([, a], [, b]) => b - a);
}
