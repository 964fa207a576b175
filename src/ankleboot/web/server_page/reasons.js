// What the API answers, as verdict.js takes it.

export function saidOf({ label, confidence, probs, none_of_these, reason, cause }) {
  const shares = Object.entries(probs);
  return { label, confidence, shares, noneOfThese: none_of_these, reason, cause };
}
