// Sections of the page: one is visible. Links in the bar and among the tasks lead to them.

const STILL = "(prefers-reduced-motion: reduce)";
let named = ""; // section that the address names

export function startSections(changed) {
  for (const link of links()) {
    link.addEventListener("click", (event) => {
      event.preventDefault(); // the fragment keeps the rest of the state
      showSection(link.hash.slice(1));
      changed();
    });
  }
}

export const namedSection = () => named;

/** Show a section and scroll to it; without the name of one, show the first and stay. */
export function showSection(name) {
  const sections = [...document.querySelectorAll("section[id]")];
  const found = sections.find(({ id }) => id === name && isOffered(id));
  const shown = found ?? sections[0];
  named = found ? name : "";
  for (const section of sections) section.hidden = section !== shown;
  for (const link of links()) link.setAttribute("aria-current", link.hash === `#${shown.id}`);
  if (found) shown.scrollIntoView({ behavior: matchMedia(STILL).matches ? "auto" : "smooth" });
}

/** Offer a section or not: a network without pooling layers has nothing to show there. */
export function offerSection(name, isPossible) {
  for (const link of links()) if (link.hash === `#${name}`) link.hidden = !isPossible;
  if (!isPossible && !document.getElementById(name).hidden) showSection("");
}

const links = () => [...document.querySelectorAll('nav a[href^="#"]')];

const isOffered = (name) => links().some((link) => link.hash === `#${name}` && !link.hidden);
