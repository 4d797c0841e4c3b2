// The queue: triage from the rows by key and mouse, filters with several values, rows that follow what others do.
// Loads after app.js and rows.js, and uses their $, $$, typing and toast.
"use strict";

(() => {
  const PAUSE = 400; // what comes within this time is asked for at once
  const NEWS = 1500;
  const COUNTS = 10_000;
  const TICK = 20_000;
  const list = $("#tickets");
  const views = $("#queue-views");
  const menu = $("#row-menu");
  const DIALOGS = { a: "assign", s: "status", p: "priority", t: "tags" };
  const OF_ALL = { m: "me", a: "assignee", s: "status", p: "priority", t: "add_tags" };
  const COMPOSE = { r: "reply", n: "note" };

  const rows = () => $$("tr[data-ticket]", list);
  const rowOf = (id) => document.getElementById(`t-${id}`);
  const rowHere = () => document.activeElement?.closest?.("tr[data-ticket]") ?? $("tr[data-ticket].is-here", list);
  const address = (url, extra) => {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of extra) query.append(name, value);
    return `${url}?${query}`;
  };

  // --- what is done to a row ----------------------------------------------------

  function here(row) {
    $$("tr.is-here", list).forEach((other) => other.classList.toggle("is-here", other === row));
    row.classList.add("is-here");
  }

  function allowed(key) {
    return Boolean($(`[data-do="${key}"]`, menu));
  }

  function act(row, key) {
    if (!row || !allowed(key)) return;
    here(row);
    if (key === "m") take(row);
    else if (key in COMPOSE) location.assign(`${row.dataset.url}?compose=${COMPOSE[key]}`);
    else {
      // The link of the cell, so that the focus comes back to it; the hidden one for columns that do not show.
      const link = $(`[data-act][data-key="${key}"]`, row) ?? $("#row-act");
      if (!row.contains(link)) link.href = `${row.dataset.url}/${DIALOGS[key]}`;
      link.click();
    }
  }

  // What is selected is changed together: the form of all opens, at the field that the key means.
  function actOnSelected(key) {
    const { form, field } = selection();
    field.value = OF_ALL[key];
    field.disabled = false;
    form.requestSubmit();
    field.disabled = true;
  }

  function selection() {
    const form = $("#bulk");
    return { form, field: form.elements.field, picked: $$("[data-row]:checked", list), can: Boolean($("[type=submit]", form)) };
  }

  // What a colleague has is not taken without a question.
  function take(row) {
    const { assignee } = row.dataset;
    if (assignee && assignee !== list.dataset.me) {
      const link = $("#row-act");
      link.href = `${row.dataset.url}/take`;
      return link.click();
    }
    const source = $("a[href]", row);
    htmx.ajax("POST", `${row.dataset.url}/take`, { source, target: row, swap: "none", values: { was: row.dataset.assignee } });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(event.target) || $("dialog[open]")) return;
    if (event.key === "u") $("#queue-news a")?.click();
    else if (event.key in DIALOGS || event.key in COMPOSE || event.key === "m") {
      const { picked, can } = selection();
      const row = rowHere();
      if (event.key in OF_ALL && picked.length && can && allowed(event.key)) actOnSelected(event.key);
      else if (row) act(row, event.key);
      else return;
      event.preventDefault();
    }
  });

  $("#shortcuts .keys").append($("#queue-keys").content.cloneNode(true));

  function showMenu(button) {
    const row = button.closest("tr");
    here(row);
    menu.dataset.row = row.id;
    menu.showPopover({ source: button });
    const box = button.getBoundingClientRect();
    const below = box.bottom + menu.offsetHeight < innerHeight;
    menu.style.top = `${below ? box.bottom + 4 : Math.max(8, box.top - menu.offsetHeight - 4)}px`;
    menu.style.left = `${Math.max(8, box.right - menu.offsetWidth)}px`;
    $("button", menu)?.focus();
  }

  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const items = $$("button", menu);
    items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-row-menu]");
    const taker = event.target.closest("[data-take]");
    const chosen = event.target.closest("#row-menu [data-do]");
    const cell = event.target.closest("tr[data-ticket]");
    if (cell && list.contains(cell)) here(cell);
    if (opener) showMenu(opener);
    else if (taker) take(taker.closest("tr"));
    else if (chosen) {
      menu.hidePopover();
      const row = document.getElementById(menu.dataset.row);
      if (row) $("a[href]", row).focus({ preventScroll: true });
      act(row, chosen.dataset.do);
    }
  });

  window.addEventListener("scroll", () => menu.matches(":popover-open") && menu.hidePopover(), { passive: true });

  // --- filters with several values ------------------------------------------------

  function addChip(select) {
    const { many, title } = select.dataset;
    const option = select.selectedOptions[0];
    const chips = $("[data-chips]");
    const known = $(`input[name="${many}"][value="${CSS.escape(option.value)}"]`, chips);
    if (!known) {
      const chip = $("#chip").content.firstElementChild.cloneNode(true);
      const box = $("input", chip);
      box.name = many;
      box.value = option.value;
      $(".muted", chip).textContent = `${title}:`;
      $(".chip-text", chip).textContent = option.label;
      chips.append(chip);
    }
    select.value = "";
  }

  // Capture: htmx reads the form when the event reaches it.
  document.addEventListener("change", (event) => {
    if (event.target.matches("select[data-many]") && event.target.value) addChip(event.target);
  }, true);
  // A change of an unticked box would die with it, so the form is told.
  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-chips] .chip");
    if (!chip) return;
    event.preventDefault();
    const { form } = $("input", chip);
    chip.remove();
    form.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // --- rows that follow ------------------------------------------------------------

  const wanted = new Set();
  let asking = false;
  let soon = 0;
  let later = 0;
  let counts = 0;

  function want(ids) {
    ids.forEach((id) => wanted.add(String(id)));
    clearTimeout(soon);
    soon = setTimeout(refresh, PAUSE);
  }

  async function fetched(url) {
    try {
      const reply = await fetch(url, { headers: { "HX-Request": "true", "HX-Request-Type": "partial" } });
      return reply.ok && !reply.redirected ? await reply.text() : null;
    } catch {
      return null; // the next event, or the next look, asks again
    }
  }

  async function refresh() {
    if (asking) return;
    const ids = [...wanted].filter(rowOf).slice(0, 100);
    wanted.clear();
    if (!ids.length) return;
    asking = true;
    const text = await fetched(address(list.dataset.rows, ids.map((id) => ["id", id])));
    if (text) await draw(text);
    asking = false;
    if (wanted.size) want([]);
  }

  async function draw(text) {
    const at = $("tr.is-here", list)?.id;
    await htmx.swap({ text, sourceElement: list, target: list, swap: "none" });
    if (at) document.getElementById(at)?.classList.add("is-here"); // what is picked, rows.js marks again
    for (const [, id] of text.matchAll(/data-gone="(\d+)"/g)) rowOf(id)?.setAttribute("data-stale", "");
  }

  function look() {
    clearTimeout(later);
    later = setTimeout(news, NEWS * (0.75 + Math.random() / 2)); // not all readers at the same moment
  }

  async function news() {
    const head = $("[data-queue]", list);
    const seen = rows().map((row) => row.dataset.ticket).join(",");
    const text = await fetched(address(list.dataset.news, [["since", head.dataset.since], ["seen", seen]]));
    const place = $("#queue-news");
    if (text === null || !place || head !== $("[data-queue]", list)) return;
    if (place.textContent.trim() === "" && text.trim() === "") return;
    await htmx.swap({ text, sourceElement: place, target: place, swap: text.trim() ? "innerMorph" : "textContent" });
    if (!text.trim()) place.replaceChildren();
  }

  // Counts cost more than a row: those that others change are asked for every ten seconds at most.
  function recount(wait = COUNTS) {
    if (counts && wait === COUNTS) return;
    clearTimeout(counts);
    counts = setTimeout(() => {
      counts = 0;
      if (!document.hidden) views.dispatchEvent(new Event("refresh"));
    }, wait);
  }

  document.addEventListener("live:ticket", ({ detail }) => {
    if (rowOf(detail.id)) want([detail.id]);
    else look();
    recount();
  });
  document.addEventListener("live:presence", ({ detail }) => rowOf(detail.id) && want([detail.id]));
  for (const all of ["live:tickets", "live:poll"]) {
    document.addEventListener(all, () => {
      want(rows().map((row) => row.dataset.ticket));
      look();
      recount();
    });
  }
  document.addEventListener("ticketchanged", ({ detail }) => {
    wanted.add(String(detail.id));
    clearTimeout(soon);
    refresh();
    recount(PAUSE); // one's own change: at once
  });

  // Who has the news shown goes on where they were, with what they picked.
  let kept = null;
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#queue-news a")) return;
    kept = { here: rowHere()?.id, picked: $$("[data-row]:checked", list).map((box) => box.closest("tr").id) };
  }, true);

  function restore() {
    const { here: at, picked } = kept;
    kept = null;
    const boxes = picked.map((id) => $(`#${id} [data-row]`, list)).filter(Boolean);
    boxes.forEach((box) => (box.checked = true));
    if (boxes.length) count(boxes[0].getAttribute("form"));
    const row = at && document.getElementById(at);
    if (row) stand(row);
  }

  // The left column is told which list shows; and hears of another one.
  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.sourceElement === views) ctx.request.action = `${ctx.request.action.split("?")[0]}?here=${encodeURIComponent(location.search)}`;
  });
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx?.target !== list || event.detail.ctx.swap === "none") return;
    views.dispatchEvent(new Event("refresh"));
    if (kept) restore();
  });

  // --- the way through the list ---------------------------------------------------------

  // A ticket that is opened from here leads to the next one of the list and back: ticket/triage.js.
  window.addEventListener("pagehide", () => {
    const tickets = rows().map((row) => ({ url: row.dataset.url, title: $("a[href]", row).textContent }));
    sessionStorage.setItem("queue", JSON.stringify({ url: location.pathname + location.search, tickets }));
  });

  // --- clocks ------------------------------------------------------------------------

  // act.js lets the words tick; here they get their colour when the time is up.
  function tick() {
    for (const clock of $$("time.left:not(.is-late)", list)) clock.classList.toggle("is-late", new Date(clock.dateTime) < Date.now());
  }

  setInterval(() => document.hidden || tick(), TICK);
})();
