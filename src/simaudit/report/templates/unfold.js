// What is folded is made when it is first unfolded, or when a link leads into it; and what script adds to the page.

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

function addTo(root) {
  addToContents(root);
  addToTables(root);
  addToFiles(root);
  return linkNumbers(root);
}

const made = new Map();
function make(details) {
  if (!made.has(details)) made.set(details, details.matches(".listing") ? list(details) : unfold(details));
  return made.get(details);
}

async function unfold(details) {
  const place = details.querySelector("[data-packed]");
  place.innerHTML = await unpack(place.dataset.packed);
  place.removeAttribute("data-packed");
  await addTo(place);
}

async function reveal() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id.startsWith("number-")) return show(id.slice("number-".length));
  if (!id) return;
  const find = () => document.getElementById(id);
  for (const details of lazy) if (!find() || details === find()) await make(details);
  const target = find();
  if (id.startsWith("job-")) target?.querySelector("details").setAttribute("open", "");
  for (let folded = target; folded; folded = folded.parentElement) {
    if (folded.localName === "details") folded.open = true;
  }
  target?.scrollIntoView();
}

const lazy = document.querySelectorAll("details.listing, details:has(> [data-packed])");
for (const details of lazy) details.addEventListener("toggle", () => make(details));
addEventListener("hashchange", reveal);
addTo(document).then(reveal);
