// Tabs: one panel is visible; arrow keys move between tabs.

import { byId } from "./dom.js";

/** Connect tabs (ids "tab-NAME" and "panel-NAME"); `changed` is called with the selected name. */
export function listenForTabs(names, changed = () => {}) {
  const choose = (name) => {
    selectTab(names, name);
    changed(name);
  };
  names.forEach((name, index) => {
    byId(`tab-${name}`).addEventListener("click", () => choose(name));
    byId(`tab-${name}`).addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step === undefined) return;
      const other = names[(index + step + names.length) % names.length];
      choose(other);
      byId(`tab-${other}`).focus();
    });
  });
}

/** Show a panel and hide the others. */
export function selectTab(names, name) {
  for (const other of names) {
    const isSelected = other === name;
    byId(`tab-${other}`).setAttribute("aria-selected", isSelected);
    byId(`tab-${other}`).tabIndex = isSelected ? 0 : -1;
    byId(`panel-${other}`).hidden = !isSelected;
  }
}

/** Scroll to an element that lies below the middle of the screen, as on a phone. */
export function bringIntoView(element) {
  const isBelow = element.getBoundingClientRect().top > innerHeight / 2;
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (isBelow) element.scrollIntoView({ behavior: isStill ? "auto" : "smooth" });
}
