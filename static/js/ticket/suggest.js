// Suggestions while one types: @ for people, :: for canned replies. The page says where each is looked up.
import { composer, isWritten, quietly } from "./page.js";
import { insert } from "./writing.js";

const WANTED = /(^|[\s(])(@|::)([^\s@:[\]()]*(?: [^\s@:[\]()]+)?)$/u;
let sources = {}; // sign -> (typed, signal) -> promise of rows {label, hint, text}
let asked = null;
let waiting = 0;
let list = null; // {area, from, to, rows}

export const suggestFrom = (found) => void (sources = found);

const drop = () => document.getElementById("say-list");

export function look(area) {
  const before = area.value.slice(0, area.selectionStart);
  const found = WANTED.exec(before);
  clearTimeout(waiting);
  if (!found || !sources[found[2]] || (found[2] === "::" && found[3].includes(" "))) return closeList();
  const from = before.length - found[2].length - found[3].length;
  waiting = setTimeout(() => quietly(offer(area, found[2], found[3], from)), 120);
}

async function offer(area, sign, q, from) {
  asked?.abort();
  asked = new AbortController();
  const to = area.selectionStart;
  let rows = [];
  try {
    rows = await sources[sign](q, asked.signal);
  } catch (error) {
    return error.name === "AbortError" ? undefined : closeList();
  }
  if (area !== document.activeElement || area.selectionStart !== to) return;
  show({ area, from, to, rows, blank: sign === "@" ? " " : "" }, q);
}

function show(found, q) {
  const box = drop().querySelector("[role=listbox]");
  if (!found.rows.length && (q.includes(" ") || !q)) return closeList();
  list = found;
  box.replaceChildren(...found.rows.map((one, index) => {
    const option = document.createElement("div");
    option.setAttribute("role", "option");
    option.id = `say-option-${index}`;
    option.className = "picker-option";
    option.dataset.index = index;
    const name = document.createElement("span");
    name.textContent = one.label;
    const hint = document.createElement("span");
    hint.className = "muted";
    hint.textContent = one.hint;
    option.append(name, hint);
    return option;
  }));
  drop().querySelector(".picker-note").textContent = found.rows.length ? "" : composer().dataset.nothing;
  box.id = "say-options";
  found.area.setAttribute("aria-controls", box.id);
  drop().hidden = false;
  point(0);
}

function point(index) {
  const rows = [...drop().querySelectorAll("[role=option]")];
  rows.forEach((row, at) => {
    row.classList.toggle("is-here", at === index);
    row.setAttribute("aria-selected", String(at === index));
  });
  if (!rows[index]) return list.area.removeAttribute("aria-activedescendant");
  list.at = index;
  rows[index].scrollIntoView({ block: "nearest" });
  list.area.setAttribute("aria-activedescendant", rows[index].id);
}

function choose(index) {
  const { area, from, to, rows, blank } = list;
  closeList();
  area.focus();
  insert(area, rows[index].text + blank, from, to);
  closeList();
  markHole(area, from, from + rows[index].text.length);
}

// What could not be filled in is selected: the next key writes over it.
function markHole(area, from, to) {
  const hole = /\{\{[^{}]+\}\}/.exec(area.value.slice(from, to));
  if (hole) area.setSelectionRange(from + hole.index, from + hole.index + hole[0].length);
}

export function closeList() {
  clearTimeout(waiting);
  asked?.abort();
  if (!list || !drop()) return;
  list.area.removeAttribute("aria-activedescendant");
  list.area.removeAttribute("aria-controls");
  drop().hidden = true;
  list = null;
}

document.addEventListener("keydown", (event) => {
  if (!list || event.target !== list.area || event.isComposing) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const count = list.rows.length;
  if (step && count) point((list.at + step + count) % count);
  else if ((event.key === "Enter" || event.key === "Tab") && count && !event.ctrlKey && !event.metaKey) choose(list.at);
  else if (event.key === "Escape") closeList();
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("mousedown", (event) => {
  const option = event.target.closest("#say-list [role=option]");
  if (option) {
    event.preventDefault(); // the focus stays in the text
    choose(Number(option.dataset.index));
  } else if (list && !event.target.closest("#say-list")) closeList();
});

document.addEventListener("input", (event) => isWritten(event.target) && look(event.target));
