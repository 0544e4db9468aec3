// Tables are sorted and filtered, and each is one stop of the tabulator key, inside of which arrow keys move.

const STEPS = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
};
const FILTERED = 6; // rows of the smallest table that has a filter

function within(place, step, length) {
  return Math.min(Math.max(place + step, 0), length - 1);
}

// Makes a group one stop of the tabulator key; `lines` gives its elements as rows of columns.
function oneStop(group, role, lines) {
  group.role = role;
  for (const stop of lines().flat()) stop.tabIndex = -1;
  let current = lines()[0][0];
  current.tabIndex = 0;
  group.addEventListener("focusin", (event) => {
    current.tabIndex = -1;
    current = event.target;
    current.tabIndex = 0;
  });
  group.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const rows = lines();
    const from = rows.findIndex((row) => row.includes(event.target));
    if (from < 0) return;
    const row = rows[within(from, step[0], rows.length)];
    event.preventDefault();
    row[within(rows[from].indexOf(event.target), step[1], row.length)].focus();
  });
}

function compare(a, b, isNumber) {
  return isNumber ? a - b : a.localeCompare(b, "en", { numeric: true });
}

function value(cell, isNumber) {
  if (!isNumber) return cell.dataset.is;
  const number = parseFloat(cell.textContent);
  return Number.isNaN(number) ? "" : number;
}

function sort(header, label) {
  const table = header.closest("table");
  const isNumber = !header.classList.contains("words");
  const first = isNumber ? "descending" : "ascending";
  const other = isNumber ? "ascending" : "descending";
  const direction = header.getAttribute("aria-sort") === first ? other : first;
  const key = (row) => value(row.cells[header.cellIndex], isNumber);
  const sign = direction === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows];
  const present = rows.filter((row) => key(row) !== "");
  const missing = rows.filter((row) => key(row) === ""); // last, whichever way
  present.sort((a, b) => sign * compare(key(a), key(b), isNumber));
  table.tBodies[0].append(...present, ...missing);
  for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", direction);
  document.getElementById("sorted").textContent = `Sorted by ${label}, ${direction}`;
}

function addFilter(table) {
  const rows = [...table.tBodies[0].rows];
  const title = table.closest("figure").dataset.title;
  const box = element("input", { type: "search", placeholder: "Filter rows", ariaLabel: `Filter the rows of ${title}` });
  const count = element("output", {});
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    count.textContent = box.value ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows` : "";
  });
  table.closest(".scroll").before(element("p", { className: "filter" }, box, count));
}

function addToTables(root) {
  for (const table of root.querySelectorAll("figure.table table")) {
    for (const header of table.tHead.rows[0].cells) {
      const label = header.textContent;
      const button = element("button", { type: "button" }, ...header.childNodes);
      button.addEventListener("click", () => sort(header, label));
      header.append(button);
    }
    const stop = (cell) => cell.querySelector("a, button") ?? cell;
    oneStop(table, "grid", () => [...table.rows].filter((row) => !row.hidden).map((row) => [...row.cells].map(stop)));
    table.closest(".scroll").removeAttribute("tabindex");
    if (table.tBodies[0].rows.length >= FILTERED) addFilter(table);
  }
}

function addToFiles(root) {
  for (const files of root.querySelectorAll(".files")) {
    const { title } = files.closest("figure").dataset;
    for (const link of files.children) link.ariaLabel = link.hash ? `# Link to ${title}` : `${link.textContent} of ${title}`;
    files.ariaLabel = `Link and files of ${title}`;
    oneStop(files, "toolbar", () => [[...files.children]]);
  }
}
