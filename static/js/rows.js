// Rows of a table: selection for the bulk bar, and moving by keyboard. Loads after app.js and uses its $ and $$.
"use strict";

// --- selected rows ------------------------------------------------------------

let lastRow = null;

const rowsOf = (id) => $$(`[data-row][form="${CSS.escape(id)}"]`);

function count(id) {
  const rows = rowsOf(id);
  const picked = rows.filter((box) => box.checked);
  rows.forEach((box) => box.closest("tr")?.classList.toggle("is-picked", box.checked));
  const all = $(`[data-select-all="${CSS.escape(id)}"]`);
  if (all) {
    all.checked = rows.length > 0 && picked.length === rows.length;
    all.indeterminate = picked.length > 0 && !all.checked;
  }
  const bar = $(`[data-bulk="${CSS.escape(id)}"]`);
  if (!bar) return;
  $("[data-count]", bar).textContent = picked.length;
  bar.hidden = picked.length === 0;
}

function pick(box, event) {
  const id = box.getAttribute("form");
  const rows = rowsOf(id);
  const [from, to] = [rows.indexOf(lastRow), rows.indexOf(box)].sort((a, b) => a - b);
  if (event.shiftKey && from >= 0) rows.slice(from, to + 1).forEach((row) => (row.checked = box.checked));
  lastRow = box;
  count(id);
}

function pickAll(id, checked) {
  rowsOf(id).forEach((box) => (box.checked = checked));
  count(id);
}

// --- rows by keyboard -----------------------------------------------------------

function rowKey(event) {
  const rows = $$("table[data-keys] tbody tr");
  const now = rows.findIndex((row) => row.classList.contains("is-here"));
  const step = { j: 1, k: -1 }[event.key];
  if (step) {
    const next = rows[Math.min(Math.max(now + step, 0), rows.length - 1)];
    if (!next) return;
    rows[now]?.classList.remove("is-here");
    next.classList.add("is-here");
    ($("a[href]", next) ?? $("[data-row]", next))?.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  } else if (event.key === "x") rows[now] && $("[data-row]", rows[now])?.click();
  else if (event.key === "Enter" && !event.target.closest("a, button, summary")) rows[now] && $("a[href]", rows[now])?.click();
}

document.addEventListener("click", (event) => {
  const all = event.target.closest("[data-select-all]");
  const clear = event.target.closest("[data-clear]");
  if (all) pickAll(all.dataset.selectAll, all.checked);
  else if (clear) pickAll(clear.closest("[data-bulk]").dataset.bulk, false);
  else if (event.target.matches("[data-row]")) pick(event.target, event);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || $("dialog[open]")) return;
  rowKey(event);
});

document.addEventListener("htmx:after:swap", () => $$("[data-bulk]").forEach((bar) => count(bar.dataset.bulk)));
