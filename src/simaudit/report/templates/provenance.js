// Where numbers are from: unpacked beside the text, shown in the panel and in the lists at the end of the page.

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function code(text, className = "") {
  return element("code", { className }, text);
}

function definitions(pairs) {
  const known = pairs.filter(([, ...values]) => values[0]);
  const rows = known.flatMap(([term, ...values]) => [
    element("dt", {}, term),
    ...values.map((value) => element("dd", {}, value)),
  ]);
  return element("dl", {}, ...rows);
}

let unpacked;
function known() {
  unpacked ??= unpack(document.getElementById("packed").textContent).then((content) => ({
    ...content,
    byId: new Map(content.numbers.map((number) => [number.id, number])),
  }));
  return unpacked;
}

function inPrint(number, print) {
  const { value, limits, unit, mark } = number;
  return [print(value), limits && `[${limits.map(print).join(", ")}]`, unit, mark].filter(Boolean).join(" ");
}

function sensible(value) {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

const panel = document.getElementById("panel");
const copied = document.getElementById("copied");
let citation = "";

async function show(id) {
  const { byId, files, chains } = await known();
  const number = byId.get(id);
  if (!number) return;
  const file = files[number.file];
  const value = inPrint(number, sensible);
  citation = `${number.name}: ${inPrint(number, String)} (${id}; ${file.path} at ${number.pointer}; SHA-256 ${file.sha256})`;
  document.getElementById("panel-title").textContent = number.name;
  const facts = [
    definitions([
      ["Value", value],
      ["Number", code(id)],
      ["Members", number.members],
      ["File", code(file.path)],
      ["Place", code(number.pointer)],
      ["SHA-256", code(file.sha256)],
      ["Made by", code(file.command)],
    ]),
  ];
  const chain = chains[number.chain];
  if (chain.length) {
    const links = chain.map((job) => element("li", {}, element("a", { href: `#job-${encodeURIComponent(job)}` }, job)));
    facts.push(element("p", {}, "The jobs that it comes from, back to the data:"), element("ol", {}, ...links));
  }
  document.getElementById("facts").replaceChildren(...facts);
  copied.textContent = "";
  if (!panel.open) panel.showModal();
  panel.scrollTop = 0;
}

document.addEventListener("click", (event) => {
  const number = event.target.closest("a.number");
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (number && plain) {
    event.preventDefault();
    show(decodeURIComponent(number.hash.slice("#number-".length)));
  }
  if (event.target === panel || event.target.closest("#panel ol a")) panel.close(); // the backdrop, or a way out
});

async function linkNumbers(root) {
  const { numbers } = await known();
  for (const number of root.querySelectorAll("a[data-number]")) {
    const { id, name } = numbers[number.dataset.number];
    number.className = "number";
    number.href = `#number-${encodeURIComponent(id)}`;
    number.ariaLabel = `${number.textContent}: ${name}`; // among the links of a page it stands without its column
  }
}

document.getElementById("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(citation);
    copied.textContent = "Copied.";
  } catch {
    const box = element("textarea", { value: citation, readOnly: true, rows: 4, ariaLabel: "Number with its source" });
    copied.replaceChildren(box); // an older browser, or one that forbids it
    box.select();
    if (!document.execCommand("copy")) box.before("Press Ctrl+C: ");
    else copied.textContent = "Copied.";
  }
});

function unfolding(title, make) {
  const folded = element("details", {}, element("summary", {}, title));
  folded.addEventListener("toggle", () => folded.append(make()), { once: true });
  return folded;
}

function listedFile({ numbers }, file, place) {
  const from = numbers.filter((number) => number.file === place);
  const line = (number) =>
    element("li", {}, code(number.id), ` = ${inPrint(number, String)} at `, code(number.pointer), number.members ? `, members ${number.members}` : "");
  return element(
    "article",
    {},
    element("h3", {}, code(file.path)),
    definitions([["SHA-256", code(file.sha256)], ["Made by", code(file.command)]]),
    unfolding(`Numbers from here: ${from.length}`, () => element("ul", {}, ...from.map(line))),
  );
}

function listedJob([name, job]) {
  const files = (of) => Object.entries(of).map(([path, hash]) => element("span", {}, code(path), " ", code(hash ?? "measured")));
  const asked = job.params && Object.keys(job.params).length;
  const params = () => element("pre", { tabIndex: 0, role: "group", ariaLabel: `Parameters of ${name}` }, JSON.stringify(job.params, null, 2));
  const facts = () =>
    definitions([
      ["Command", code(job.command)],
      ["Parameters", asked ? params() : ""],
      ["Read", ...files(job.read)],
      ["Made", ...files(job.made)],
    ]);
  return element("article", { id: `job-${name}` }, element("h3", {}, code(name)), unfolding("Command, parameters and files", facts));
}

async function list(details) {
  const content = await known();
  if (details.id === "sources") details.append(...content.files.map((file, place) => listedFile(content, file, place)));
  else details.append(...Object.entries(content.jobs).map(listedJob));
}
