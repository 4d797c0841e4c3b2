// The log: filters with several values, requests that unfold, and rows that come in while one looks.
// Loads after app.js and rows.js, and uses their $, $$ and typing.
"use strict";

(() => {
  const EACH = 3000;
  const TOP = 240; // scrolled further than this, one reads; what is new waits
  const KEPT = 300; // lines that a long look leaves in the page
  const list = $("#events");
  const newsButton = $("[data-news]");
  const said = $("[data-said]");
  let live = false;
  let waiting = []; // new lines that are not shown yet
  let timer = 0;
  let asking = false;

  const log = () => $("[data-log]", list);
  const body = () => $("[data-lines]", list);

  async function fetched(url) {
    try {
      const reply = await fetch(url, { headers: { "HX-Request": "true", "HX-Request-Type": "partial" } });
      return reply.ok && !reply.redirected ? reply : null;
    } catch {
      return null; // the next look asks again
    }
  }

  function linesIn(text) {
    const made = document.createElement("template");
    made.innerHTML = text;
    return $$("tr", made.content);
  }

  // --- filters with several values ------------------------------------------------

  // Capture: htmx reads the form when the event reaches it. The reply brings what was added, as mark and as field.
  document.addEventListener("change", (event) => {
    const select = event.target;
    if (!select.matches("select[data-add]") || !select.value) return;
    const added = document.createElement("input");
    Object.assign(added, { type: "hidden", name: select.dataset.add, value: select.value });
    added.dataset.added = "";
    select.form.append(added);
    select.value = "";
  }, true);

  // What the address means anyway stays out of it: one's own zone without a range, and the clock that the order implies.
  document.addEventListener("htmx:config:request", (event) => {
    const { request } = event.detail.ctx;
    if (request.form?.id !== "filters") return;
    const asked = request.body;
    const own = $("#filters [name=zone]")?.dataset.own;
    if (!asked.get("since") && !asked.get("until") && asked.get("zone") === own) asked.delete("zone");
    const implied = asked.get("sort")?.endsWith("occurred_at") ? "happened" : "recorded";
    if (asked.get("clock") === implied) asked.delete("clock");
  });

  // Whoever searches is recorded with what they ask: so nothing half typed is sent, and nothing twice. A date is whole
  // once the field is left: until then its year is 0002, 0020, 0202.
  const PAUSE = 900;
  const sent = new WeakMap();
  const isTyped = (field) => field.form?.id === "filters" && field.matches("input:not([type=checkbox], [type=hidden], .picker-input)");
  const isDate = (field) => field.type === "datetime-local";
  let pause = 0;

  function send(field) {
    clearTimeout(pause);
    if ((sent.get(field) ?? field.defaultValue) === field.value) return;
    sent.set(field, field.value);
    const asked = new Event("change", { bubbles: true });
    asked.isWhole = true;
    field.dispatchEvent(asked);
  }

  // A period takes the dates away.
  function forget() {
    $$("#filters [data-days]").forEach((field) => field.value || sent.set(field, ""));
  }

  function hold(event) {
    const field = event.target;
    if (event.isWhole || !isTyped(field)) return void setTimeout(forget);
    event.stopPropagation();
    clearTimeout(pause);
    if (isDate(field)) return;
    if (event.type === "change") send(field);
    else pause = setTimeout(send, PAUSE, field);
  }

  document.addEventListener("input", hold, true);
  document.addEventListener("change", hold, true);
  document.addEventListener("focusout", ({ target }) => target.form && isTyped(target) && send(target));
  document.addEventListener("keydown", ({ key, target }) => {
    if (key !== "Enter" || !target.form || !isTyped(target)) return;
    clearTimeout(pause);
    sent.set(target, target.value); // the form is sent at once
  }, true);

  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx?.target !== list) return;
    $$("#filters [data-added]").forEach((field) => field.remove());
    drop();
    show();
  });

  // --- requests that unfold ---------------------------------------------------------

  async function unfold(button) {
    const row = button.closest("tr");
    const open = button.getAttribute("aria-expanded") === "true";
    if (open) {
      while (row.nextElementSibling?.matches(".is-inside")) row.nextElementSibling.remove();
    } else {
      button.disabled = true;
      const reply = await fetched(button.dataset.group);
      button.disabled = false;
      if (!reply) return htmx.trigger(document.body, "htmx:error");
      row.after(...linesIn(await reply.text()));
    }
    button.setAttribute("aria-expanded", String(!open));
  }

  // --- what is new --------------------------------------------------------------------

  const reads = () => scrollY > TOP || list.contains(document.activeElement?.closest("tbody"));

  function drop() {
    waiting = [];
    newsButton.hidden = true;
  }

  function show() {
    const head = log();
    if (!head?.dataset.cursor) live = false;
    const button = $("[data-follow]", list);
    button?.setAttribute("aria-pressed", String(live));
    button?.classList.toggle("is-on", live);
    clearTimeout(timer);
    if (live) timer = setTimeout(look, EACH);
  }

  async function look() {
    const head = log();
    if (live && !document.hidden && !asking && head?.dataset.cursor) {
      asking = true;
      const reply = await fetched(`${head.dataset.tail}${head.dataset.tail.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(head.dataset.cursor)}`);
      asking = false;
      if (reply && head === log()) {
        head.dataset.cursor = reply.headers.get("X-Tail-Cursor") ?? head.dataset.cursor;
        if (reply.status === 200) take(linesIn(await reply.text()));
      }
    }
    clearTimeout(timer);
    if (live) timer = setTimeout(look, EACH);
  }

  function take(lines) {
    const known = (line) => line.dataset.event && $(`tr[data-event="${line.dataset.event}"]`, body());
    waiting = [...lines.filter((line) => !known(line)), ...waiting].slice(0, KEPT);
    if (!waiting.length) return;
    if (!reads()) return put();
    newsButton.textContent = newsButton.dataset.text.replace("{n}", waiting.length);
    newsButton.hidden = false;
  }

  function put() {
    const count = waiting.length;
    waiting.forEach((line) => line.classList.add("is-new"));
    body().prepend(...waiting);
    [...body().rows].slice(KEPT).forEach((row) => row.remove());
    $("[data-shown]", list).hidden = false;
    $("[data-nothing]", list)?.remove();
    drop();
    said.textContent = said.dataset.text.replace("{n}", count);
  }

  function shownAll() {
    document.activeElement?.blur();
    scrollTo({ top: 0 });
    put();
    const link = $("a[href]", body());
    link?.focus({ preventScroll: true });
  }

  function toggle() {
    if (!$("[data-follow]", list)) return;
    live = !live;
    show();
    if (live) look();
  }

  document.addEventListener("visibilitychange", () => live && !document.hidden && look());

  // --- clicks and keys -------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-group]");
    if (button) unfold(button);
    else if (event.target.closest("[data-follow]")) toggle();
    else if (event.target.closest("[data-news]")) shownAll();
  });

  const KEYS = {
    l: toggle,
    g: () => $("[data-grouping]", list)?.click(),
    f: () => $("#filter-q").focus(),
    u: () => newsButton.hidden || shownAll(),
    e: () => {
      const row = document.activeElement?.closest?.("tr[data-event]") ?? $("tr.is-here", list);
      const button = row && $("[data-group]", row);
      if (button) unfold(button);
    },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(event.target) || $("dialog[open]") || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  $("#shortcuts .keys").append($("#log-keys").content.cloneNode(true));
})();
