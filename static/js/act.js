// Tickets are changed in place: a link with data-act opens its form in the dialog #act. What was done arrives as the event
// "ticketchanged" (from the HX-Trigger header); then the dialog closes, and the panel beside the ticket is drawn again.
// Clocks tick: <span data-ticks="ISO time" data-left="%s left" data-late="%s over">. Loads after app.js.
"use strict";

(() => {
  const dialog = document.getElementById("act");
  const body = document.getElementById("act-body");
  const kept = new Map(); // what was typed into a form that was closed unsent, by its address
  let opener = null;
  let asked = "";

  // --- the dialog ---------------------------------------------------------------

  function openAct(link) {
    opener = link;
    asked = link.href;
    link.closest("details.menu[open]")?.removeAttribute("open");
    body.replaceChildren();
    htmx.ajax("GET", link.href, { target: "#act-body", swap: "innerHTML" }); // where that is refused, a toast says why
  }

  function arriveInDialog() {
    if (!body?.firstElementChild) return;
    const opening = !dialog.open;
    if (opening) {
      restore();
      dialog.showModal();
    }
    settleStatus();
    if (opening || body.querySelector("[aria-invalid=true], .conflict")) focusFirst();
  }

  function focusFirst() {
    const first = body.querySelector("[aria-invalid=true], .conflict")
      ?? body.querySelector("[autofocus]:not([hidden]), .picker-input, form select:not([hidden]), form textarea, form input:not([type=hidden])");
    first?.focus();
    // What is there is added to: the caret stands behind it.
    if (first?.matches("input[type=text]:not(.picker-input), textarea")) first.setSelectionRange(first.value.length, first.value.length);
  }

  const texts = () => [...body.querySelectorAll("textarea[name], input[type=text][name]:not(.picker-input)")];

  function keep() {
    const typed = texts().filter((field) => field.value !== field.defaultValue).map(({ name, value }) => [name, value]);
    typed.length ? kept.set(asked, typed) : kept.delete(asked);
  }

  function restore() {
    for (const [name, value] of kept.get(asked) ?? []) {
      const field = texts().find((one) => one.name === name);
      if (field) field.value = value;
    }
  }

  function closeAct() {
    if (dialog.open) dialog.close();
  }

  // A resolution is asked for where the ticket gets resolved or closed.
  function settleStatus() {
    const select = body.querySelector("#act-status");
    const part = body.querySelector(".when-done");
    if (select && part) part.hidden = !["resolved", "closed"].includes(select.value);
  }

  dialog?.addEventListener("close", () => {
    keep();
    body.replaceChildren();
    // The link may have been drawn again meanwhile.
    const back = opener?.isConnected ? opener : opener && document.querySelector(`[data-act][href="${CSS.escape(opener.getAttribute("href"))}"]`);
    back?.focus();
    opener = null;
    asked = "";
  });

  dialog?.addEventListener("change", settleStatus);
  dialog?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.defaultPrevented) return;
    // On a list that is closed Enter would open it; here it sends, as in any other field. What is missing gets the focus.
    const closed = event.target.matches("select");
    if (closed) event.preventDefault();
    if (closed || event.ctrlKey || event.metaKey) event.target.form?.requestSubmit();
  });

  document.addEventListener("htmx:after:swap", arriveInDialog);

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-act]");
    if (event.target.closest?.("[data-act-close]")) return closeAct();
    if (!link || !dialog || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    openAct(link);
  });

  // --- what was done ----------------------------------------------------------------

  let waiting = 0;
  function refreshSide(id) {
    const side = document.getElementById("side");
    if (!side || (id && side.dataset.ticket !== String(id))) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => htmx.ajax("GET", side.dataset.url, { target: "#side", swap: "outerMorph" }), 150);
  }

  document.addEventListener("ticketchanged", (event) => {
    const { id, said } = event.detail ?? {};
    if (dialog?.open) {
      body.querySelectorAll("form").forEach((form) => form.reset()); // sent: nothing of it is kept
      kept.delete(asked);
      closeAct();
    }
    if (said) toast("success", said);
    refreshSide(id);
  });
  document.addEventListener("live:ticket", (event) => refreshSide(event.detail?.id));
  document.addEventListener("live:tickets", () => refreshSide());
  document.addEventListener("live:poll", () => refreshSide());

  // --- clocks ---------------------------------------------------------------------

  function span(seconds) {
    const minutes = Math.floor(Math.abs(seconds) / 60);
    const [d, h, m] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
    if (d) return h ? `${d} d ${h} h` : `${d} d`;
    if (h) return m ? `${h} h ${m} min` : `${h} h`;
    return `${Math.max(m, 1)} min`;
  }

  function tick() {
    for (const clock of document.querySelectorAll("[data-ticks]")) {
      const left = (new Date(clock.dataset.ticks) - Date.now()) / 1000;
      clock.textContent = (left < 0 ? clock.dataset.late : clock.dataset.left).replace("%s", span(left));
      if (left < 0) clock.classList.replace("k-primary", "k-danger") || clock.classList.replace("k-warning", "k-danger");
    }
  }
  setInterval(() => document.hidden || tick(), 15000);
  document.addEventListener("visibilitychange", () => document.hidden || tick());
})();
