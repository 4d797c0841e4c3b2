// Everything the pages need besides htmx itself. One listener per event, on the document, so that swapped parts just work.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
let unsaved = false;
const typing = (element) => element.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");

// --- htmx -------------------------------------------------------------------

document.addEventListener("htmx:config:request", (event) => {
  const { request } = event.detail.ctx;
  if (new URL(request.action, location.href).origin === location.origin) {
    request.headers["X-CSRFToken"] = $('meta[name="csrf-token"]').content;
  }
  // Filters that are empty stay out of the address, so that it can be shared.
  if (request.form?.matches(".filters")) [...request.body].forEach(([name, value]) => value === "" && request.body.delete(name));
});

document.addEventListener("htmx:error", (event) => {
  if (event.detail.error?.name === "AbortError") return;
  toast("danger", $("#toasts").dataset.offline);
});

document.addEventListener("htmx:after:swap", () => arrive());

// --- toasts -----------------------------------------------------------------

function toast(kind, message) {
  // What stands there already is not said again: being offline, for example.
  const same = $$("#toasts .toast-card").find((one) => one.dataset.toast === kind && $(".toast-text", one)?.textContent === message);
  if (same && ["danger", "warning"].includes(kind)) return;
  const card = document.createElement("div");
  card.className = `toast-card k-${kind}`;
  card.dataset.toast = kind;
  const text = document.createElement("p");
  text.className = "toast-text";
  text.textContent = message;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn btn-sm btn-ghost";
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", "Dismiss");
  close.textContent = "×";
  card.append(text, close);
  $("#toasts").append(card);
  schedule(card);
}

// Errors and warnings stay until they are closed; the rest leaves, but not while it is pointed at or focused.
function schedule(card) {
  if (card.dataset.timed || ["danger", "warning"].includes(card.dataset.toast)) return;
  card.dataset.timed = "1";
  const leave = () => (card.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : card.remove());
  setTimeout(leave, 6000);
}

function dismiss(card) {
  const next = card.nextElementSibling ?? card.previousElementSibling;
  const focused = card.contains(document.activeElement);
  card.remove();
  if (focused) (next ? $("[data-dismiss]", next) : $("#main"))?.focus();
}

// --- after load and after every swap ----------------------------------------

function arrive() {
  $$("[data-toast]").forEach(schedule);
  const wrong = $("main .conflict:not([data-seen])") ?? $("main [aria-invalid=true]:not([data-seen])");
  if (wrong) {
    wrong.dataset.seen = "1";
    wrong.focus();
    if (wrong.closest("form[data-guard]")) unsaved = true;
  }
}

// --- dialogs: palette, keyboard sheet, question ------------------------------

function open(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return;
  $$("[data-needs]", dialog).forEach((row) => (row.hidden = !$(row.dataset.needs))); // keys that do nothing here
  dialog.showModal();
  if (id === "palette") $("#palette-input").select();
}

function ask(text, label, kind) {
  const dialog = $("#confirm");
  const yes = $("#confirm-yes");
  $("#confirm-text").textContent = text;
  if (label) yes.textContent = label;
  yes.classList.toggle("btn-danger", kind === "danger");
  yes.classList.toggle("btn-primary", kind !== "danger");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function movePalette(step) {
  const hits = $$("#palette .hit");
  if (!hits.length) return;
  const now = hits.findIndex((hit) => hit.getAttribute("aria-selected") === "true");
  const next = hits[(now + step + hits.length) % hits.length];
  hits.forEach((hit) => hit.setAttribute("aria-selected", String(hit === next)));
  next.scrollIntoView({ block: "nearest" });
  $("#palette-input").setAttribute("aria-activedescendant", next.id);
}

let asked = ""; // what is searched for
let found = ""; // what the hits are of
let entered = false; // Enter was faster than the answer

function enterPalette() {
  entered = found !== $("#palette-input").value;
  if (!entered) ($('#palette .hit[aria-selected="true"]') ?? $("#palette .hit"))?.click();
}

function paletteKey(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) movePalette(step);
  else if (event.key === "Enter") enterPalette();
  else return;
  event.preventDefault();
}

document.addEventListener("input", (event) => {
  if (event.target.id === "palette-input") entered = false;
});
document.addEventListener("htmx:config:request", (event) => {
  if (event.detail.ctx.sourceElement?.id === "palette-input") asked = $("#palette-input").value;
});
document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx?.target?.id !== "palette-results") return;
  found = asked;
  if (!$('#palette .hit[aria-selected="true"]')) movePalette(1);
  if (entered) enterPalette();
});

// --- sidebar ----------------------------------------------------------------

function sidebar(what) {
  const root = document.documentElement;
  if (what === "fold") {
    const slim = root.toggleAttribute("data-slim");
    $('[data-sidebar="fold"]').setAttribute("aria-expanded", String(!slim));
    document.cookie = `sidebar=${slim ? "slim" : "wide"}; path=/; max-age=31536000; samesite=lax`;
    return;
  }
  const opener = $('[data-sidebar="open"]');
  const opening = what === "open";
  root.toggleAttribute("data-menu", opening);
  opener.setAttribute("aria-expanded", String(opening));
  $(".stage").inert = opening;
  (opening ? $(".sidebar a") : opener).focus();
}

// --- forms: question, double submit, unsaved changes --------------------------

// Capture, so that htmx and the rest hear of a submit only once the question is answered.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const asks = event.submitter?.dataset.confirm ? event.submitter.dataset : form.dataset;
  if (!asks.confirm || form.dataset.confirmed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const submitter = event.submitter;
  ask(asks.confirm, asks.confirmLabel ?? submitter?.textContent.trim(), asks.confirmKind).then((yes) => {
    if (!yes) return;
    form.dataset.confirmed = "1";
    form.requestSubmit(submitter);
    delete form.dataset.confirmed;
  });
}, true);

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  if (form.matches("[data-guard]")) unsaved = false;
  if (form.method !== "post" || form.matches("[data-download]")) return;
  const buttons = $$("button[type=submit]", form);
  if (event.defaultPrevented) return; // htmx sends it, and hx-disable guards its buttons
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => buttons.forEach((button) => (button.disabled = true))); // after its name was sent
});

window.addEventListener("pageshow", () => {
  $$("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    $$("button[type=submit]", form).forEach((button) => (button.disabled = false));
  });
});

window.addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});

document.addEventListener("input", (event) => {
  if (event.target.closest("form[data-guard]")) unsaved = true;
});

// --- clicks and keys --------------------------------------------------------------

async function copy(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  button.classList.add("is-done");
  toast("success", $("#toasts").dataset.copied);
  setTimeout(() => button.classList.remove("is-done"), 1500);
}

function reveal(button) {
  const input = document.getElementById(button.dataset.reveal);
  const shown = input.type === "password";
  input.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", String(shown));
}

document.addEventListener("click", (event) => {
  const hit = (selector) => event.target.closest(selector);
  $$("details.menu[open]").forEach((menu) => menu.contains(event.target) || (menu.open = false));
  if (event.target.matches("dialog")) return event.target.close("no"); // the backdrop
  const opener = hit("[data-open]");
  if (opener && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    open(opener.dataset.open);
  } else if (hit("[data-sidebar]")) sidebar(hit("[data-sidebar]").dataset.sidebar);
  else if (hit("[data-dismiss]")) dismiss(hit("[data-toast]"));
  else if (hit("[data-copy]")) copy(hit("[data-copy]"));
  else if (hit("[data-reveal]")) reveal(hit("[data-reveal]"));
});

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    return open("palette");
  }
  if (event.target.id === "palette-input") return paletteKey(event);
  if (event.key === "Escape") {
    if (document.documentElement.hasAttribute("data-menu")) return sidebar("close");
    const menu = event.target.closest("details.menu[open]");
    if (menu) {
      menu.open = false;
      $("summary", menu).focus();
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || $("dialog[open]")) return;
  if (event.key === "/" || event.key === "?") {
    event.preventDefault();
    open(event.key === "/" ? "palette" : "shortcuts");
  }
});

arrive();

// What opens low on the page comes into sight; toggle does not bubble.
document.addEventListener("toggle", (event) => {
  if (!event.target.matches("details.menu[open]")) return;
  $(".menu-body", event.target)?.scrollIntoView({ block: "nearest" });
  $("[data-first]", event.target)?.focus({ preventScroll: true });
}, true);
