// Keys of the classes: digits, then letters that mean nothing else on this page.

const KEYS = [..."1234567890abcdefghijklmopqrstvwxyz"]; // without n (not usable) and u (undo)

/** Return the key of a class; "" if there are more classes than keys. */
export function keyOf(index) {
  return KEYS[index] ?? "";
}

/** Return the class of a key; -1 if it has none. */
export function classOf(key, numClasses) {
  const index = KEYS.indexOf(key.toLowerCase());
  return index < numClasses ? index : -1;
}
