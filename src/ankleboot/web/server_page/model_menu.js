// A menu of the models that are served; where there is only one, there is no menu.

import { byId, make } from "./dom.js";

export function offerModels(id, { models, default: usual }, changed) {
  const menu = byId(id);
  menu.replaceChildren(...models.map(({ name }) => make("option", { value: name }, name)));
  menu.value = usual;
  byId(`${id}-box`).hidden = models.length < 2;
  menu.addEventListener("change", () => changed(models.find(({ name }) => name === menu.value)));
}
