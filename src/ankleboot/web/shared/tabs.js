// Tabs: one of several panels is shown; arrow keys move between them.

const byId = (id) => document.getElementById(id);

/** Make tabs (ids "tab-NAME" and "panel-NAME") work; `changed` hears the chosen name. */
export function listenForTabs(names, changed = () => {}) {
  const choose = (name) => {
    select(names, name);
    changed(name);
  };
  names.forEach((name, place) => {
    byId(`tab-${name}`).addEventListener("click", () => choose(name));
    byId(`tab-${name}`).addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step === undefined) return;
      const other = names[(place + step + names.length) % names.length];
      choose(other);
      byId(`tab-${other}`).focus();
    });
  });
}

/** Show a panel, hide the others. */
export function select(names, name) {
  for (const other of names) {
    const chosen = other === name;
    byId(`tab-${other}`).setAttribute("aria-selected", chosen);
    byId(`tab-${other}`).tabIndex = chosen ? 0 : -1;
    byId(`panel-${other}`).hidden = !chosen;
  }
}

/** Bring an answer into view where it is below the screen, as on a phone. */
export function bringIntoView(element) {
  const isBelow = element.getBoundingClientRect().top > innerHeight / 2;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (isBelow) element.scrollIntoView({ behavior: still ? "auto" : "smooth" });
}
