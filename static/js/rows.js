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
  const matching = offer(bar, all);
  $("[data-count]", bar).textContent = matching ? all.dataset.total : picked.length;
  bar.hidden = picked.length === 0;
}

// Once a whole page is picked and more rows match, offer them all; what is sent then is the filter.
function offer(bar, all) {
  const box = $("[data-matching]", bar);
  const offered = Boolean(all?.checked && all.dataset.query);
  box.closest("label").hidden = !offered;
  box.checked &&= offered;
  box.value = all?.dataset.query ?? "";
  $("[data-offer]", bar).textContent = all?.dataset.offer ?? "";
  return box.checked;
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

// --- filters ----------------------------------------------------------------------

const filled = (field) => field.name && !["hidden", "submit"].includes(field.type) && (field.type === "checkbox" ? field.checked : field.value && field.value !== field.dataset.own);

function showReset(form) {
  const reset = $("[data-reset]", form);
  if (reset) reset.hidden = ![...form.elements].some(filled);
}

// A menu of boxes says on its button which are ticked.
function nameChosen(form) {
  for (const named of $$("[data-chosen]", form)) {
    const ticked = $$("input:checked", named.closest("details"));
    named.textContent = ticked.map((box) => box.closest("label").textContent.trim()).join(", ");
  }
}

// A preset of days and days that were typed exclude each other.
function settlePeriod(field) {
  const period = $("[data-period]", field.form);
  const days = $$("[data-days]", field.form);
  if (field === period && period.value !== period.dataset.period) days.forEach((day) => (day.value = ""));
  if (field === period && period.value === period.dataset.period) {
    days[0].closest("details").open = true;
    days[0].focus();
  }
  if (days.includes(field) && days.some((day) => day.value)) period.value = period.dataset.period;
}

// Capture: htmx reads the form when the event reaches it.
for (const type of ["input", "change"]) {
  document.addEventListener(type, (event) => {
    const form = event.target.closest("form.filters");
    if (!form) return;
    if (event.target.matches("[data-period], [data-days]")) settlePeriod(event.target);
    showReset(form);
    nameChosen(form);
  }, true);
}

// --- rows by keyboard -----------------------------------------------------------

function stand(row) {
  row.classList.add("is-here");
  ($("a[href]", row) ?? $("[data-row]", row))?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

// Who comes back to a list goes on where they were.
const place = () => `row:${location.pathname}${location.search}`;
window.addEventListener("pagehide", () => {
  const link = $("table[data-keys] tr.is-here a[href], table[data-keys] a[href]:focus");
  if (link) sessionStorage.setItem(place(), link.getAttribute("href"));
});
if (performance.getEntriesByType("navigation")[0]?.type === "back_forward" && sessionStorage.getItem(place())) {
  const link = $$("table[data-keys] tbody a[href]").find((one) => one.getAttribute("href") === sessionStorage.getItem(place()));
  if (link) stand(link.closest("tr"));
}

function rowKey(event) {
  const rows = $$("table[data-keys] tbody tr");
  const now = rows.findIndex((row) => row.classList.contains("is-here"));
  const step = { j: 1, k: -1 }[event.key];
  if (step) {
    const next = rows[Math.min(Math.max(now + step, 0), rows.length - 1)];
    if (!next) return;
    rows[now]?.classList.remove("is-here");
    stand(next);
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

// Where the filter is sent, the ids of this page need not be.
document.addEventListener("formdata", (event) => {
  if (event.formData.has("matching")) event.formData.delete("ids");
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-matching]")) count(event.target.closest("[data-bulk]").dataset.bulk);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || $("dialog[open]")) return;
  rowKey(event);
});

const countAll = () => $$("[data-bulk]").forEach((bar) => count(bar.dataset.bulk));
document.addEventListener("htmx:after:swap", countAll);
window.addEventListener("pageshow", countAll); // a browser that goes back ticks the boxes again
