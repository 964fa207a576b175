// Figures and words as people read them.

export function percent(share) {
  return share > 0.9995 ? "100 %" : `${(100 * share).toFixed(1)} %`;
}

export function duration(milliseconds) {
  return milliseconds < 1000
    ? `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`;
}

export function sentence(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Pairs of label and probability, the most likely first; of equals the one that comes first. */
export function byShare(shares) {
  return [...shares].sort(([, a], [, b]) => b - a);
}
