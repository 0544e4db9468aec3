"use strict";

// Everything here adds to a page that works without: a panel for numbers, sorting, the other theme, unfolded printing.

const panel = document.getElementById("panel");

function describe(entry) {
  const source = entry.closest("article");
  const text = (element, of) => element.querySelector(of)?.textContent ?? "";
  const value = [text(entry, ".value"), text(entry, ".limits"), text(entry, ".unit"), text(entry, ".mark")];
  const facts = {
    Number: text(entry, ".id"),
    Value: value.filter(Boolean).join(" "),
    File: text(source, "h3"),
    Place: text(entry, ".pointer"),
    "SHA-256": text(source, ".sha256"),
    "Made by": text(source, ".command"),
  };
  const list = panel.querySelector("dl");
  list.replaceChildren();
  for (const [name, fact] of Object.entries(facts)) {
    const term = document.createElement("dt");
    const value = document.createElement("dd");
    const code = document.createElement(name === "Value" ? "span" : "code");
    term.textContent = name;
    code.textContent = fact;
    value.append(code);
    list.append(term, value);
  }
  panel.querySelector(".chain")?.remove();
  const chain = source.querySelector(".chain")?.cloneNode(true);
  if (chain) list.after(chain);
}

document.addEventListener("click", (event) => {
  const number = event.target.closest("a.number");
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (number && plain) {
    event.preventDefault();
    describe(document.getElementById(decodeURIComponent(number.hash.slice(1))));
    panel.showModal();
  }
  if (event.target === panel || event.target.closest("#panel .chain a")) panel.close(); // the backdrop, or a way out
});

function compare(a, b, isNumber) {
  if (a === "" || b === "") return 0;
  return isNumber ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true });
}

function sort(header, label) {
  const table = header.closest("table");
  const isNumber = !header.classList.contains("words");
  const first = isNumber ? "descending" : "ascending";
  const other = isNumber ? "ascending" : "descending";
  const direction = header.getAttribute("aria-sort") === first ? other : first;
  const key = (row) => row.cells[header.cellIndex].dataset.is;
  const sign = direction === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows];
  const known = rows.filter((row) => key(row) !== "");
  const missing = rows.filter((row) => key(row) === ""); // last, whichever way
  known.sort((a, b) => sign * compare(key(a), key(b), isNumber));
  table.tBodies[0].append(...known, ...missing);
  for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", direction);
  document.getElementById("sorted").textContent = `Sorted by ${label}, ${direction}`;
}

for (const header of document.querySelectorAll("table thead th")) {
  const button = document.createElement("button");
  const label = header.textContent;
  button.type = "button";
  button.append(...header.childNodes);
  button.addEventListener("click", () => sort(header, label));
  header.append(button);
}

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

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let folded = target; folded; folded = folded.parentElement) {
    if (folded.localName === "details") folded.open = true;
  }
  target?.scrollIntoView();
}

addEventListener("hashchange", reveal);
if (location.hash) reveal();

let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("main > section:not(#sources, #jobs) details:not([open])")];
  for (const details of folded) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of folded) details.open = false;
});
