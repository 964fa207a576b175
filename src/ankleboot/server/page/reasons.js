// What the API answers, as verdict.js takes it.

const CAUSES = [ // how reasons begin; see ankleboot/prediction.py
  ["no garment", "missing"],
  ["the picture is of one colour", "blank"],
  ["not one of the", "declined"],
  ["more than one garment", "several"],
];

/** An answer with the cause of its reason in one word; a reason unknown here counts as doubt. */
export function saidOf(prediction) {
  const { label, confidence, probs, none_of_these: noneOfThese, reason } = prediction;
  const known = reason && CAUSES.find(([beginning]) => reason.startsWith(beginning));
  const cause = reason === null ? null : (known?.[1] ?? "unsure");
  return { label, confidence, shares: Object.entries(probs), noneOfThese, reason, cause };
}
