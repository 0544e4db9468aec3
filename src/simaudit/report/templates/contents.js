"use strict";

// Everything here adds to a page that works without. The table of contents: its third level, the current place in it,
// and the menu that it is in a narrow window; and the other theme.

const menu = document.getElementById("menu");
const entries = new Map(); // each place of the page that has an entry, and the entry
const narrow = matchMedia("(max-width: 69.99rem)");

const inSight = new Set();
const sight = new IntersectionObserver(
  (changes) => {
    for (const { isIntersecting, target } of changes) {
      if (isIntersecting) inSight.add(target);
      else inSight.delete(target);
    }
    const before = (a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1);
    const current = [...inSight].sort(before).at(-1);
    if (!current) return;
    menu.querySelector("[aria-current]")?.removeAttribute("aria-current");
    entries.get(current).setAttribute("aria-current", "location");
    if (!narrow.matches) showInMenu(entries.get(current));
  },
  { rootMargin: "0px 0px -70% 0px" },
);

// Scrolls the menu alone: scrollIntoView would also move where the tabulator key goes on from.
function showInMenu(entry) {
  const frame = menu.parentElement;
  const below = entry.offsetTop - frame.scrollTop;
  if (below < 0 || below + entry.offsetHeight > frame.clientHeight) frame.scrollTop += below - frame.clientHeight / 2;
}

function addEntry(place, entry) {
  entries.set(place, entry);
  sight.observe(place);
}

// Adds the figures and tables within `root`, each below the section or target that it stands in.
function addToContents(root) {
  for (const figure of root.querySelectorAll("figure[id]")) {
    const above = entries.get(figure.parentElement.closest("section, details.target"));
    if (!above) continue;
    if (!above.nextElementSibling) above.after(element("ul", { className: "figures" }));
    const entry = element("a", { href: `#${encodeURIComponent(figure.id)}` }, figure.dataset.title);
    above.nextElementSibling.append(element("li", {}, entry));
    addEntry(figure, entry);
  }
}

for (const link of menu.querySelectorAll("a")) {
  const place = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (place) addEntry(place, link);
}

function fold() {
  menu.open = !narrow.matches;
}

narrow.addEventListener("change", fold);
fold();
menu.addEventListener("click", (event) => {
  if (narrow.matches && event.target.closest("a")) menu.open = false;
});

const theme = document.getElementById("theme");
const system = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
}

function nameTheme() {
  theme.textContent = isDark() ? "Light" : "Dark";
}

theme.hidden = false;
theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  nameTheme();
});
system.addEventListener("change", nameTheme);
nameTheme();
