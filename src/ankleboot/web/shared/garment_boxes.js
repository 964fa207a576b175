// Numbered boxes of several garments over a photo.

import { make } from "./dom.js";

/** Replace the boxes in an element that has the size of the photo; `textOf` labels a garment. */
export function markGarments(element, garments, textOf = () => "") {
  for (const old of element.querySelectorAll(".box")) old.remove();
  element.append(...garments.map((garment, index) => {
    const text = [index + 1, textOf(garment)].filter(Boolean).join(" ");
    const outline = make("span", { class: "box", "aria-hidden": "true" }, make("b", {}, text));
    for (const [side, fraction] of Object.entries(garment.box)) {
      outline.style[side] = `${100 * fraction}%`; // left, top, width, height
    }
    return outline;
  }));
}
