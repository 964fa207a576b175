// Menu of the served models, hidden if there is only one.

import { byId, make } from "./dom.js";

export function showModelSelect(id, { models, default: selected }, changed) {
  const select = byId(id);
  select.replaceChildren(...models.map(({ name }) => make("option", { value: name }, name)));
  select.value = selected;
  byId(`${id}-box`).hidden = models.length < 2;
  select.addEventListener("change", () => changed(models.find(({ name }) => name === select.value)));
}
