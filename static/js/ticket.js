// The page of a ticket: drafts that are kept as one types, files by drag, paste and picker, people (@) and canned replies (::),
// who else is here, and new messages that appear without touching what is typed. Loads after app.js.
"use strict";

(() => {
  const talk = () => document.getElementById("talk");
  const form = () => document.getElementById("say");
  const composer = () => document.querySelector("[data-composer]");
  const base = () => talk().dataset.url;
  const token = () => document.querySelector('meta[name="csrf-token"]').content;
  const mode = () => form()?.querySelector("[name=mode]:checked")?.value ?? "reply";
  const field = (which = mode()) => document.getElementById(`say-${which}`);
  if (!talk()) return;

  function send(path, values = {}, options = {}) {
    const body = new FormData();
    for (const [name, value] of Object.entries(values)) body.append(name, value);
    return fetch(base() + path, { method: "POST", body, headers: { "X-CSRFToken": token(), Accept: "application/json" }, ...options });
  }

  async function part(path) {
    const reply = await fetch(base() + path, { headers: { "HX-Request": "true", Accept: "text/html" } });
    if (!reply.ok) throw new Error(String(reply.status));
    const holder = document.createElement("template");
    holder.innerHTML = await reply.text();
    return holder.content;
  }

  const quietly = (work) => work.catch(() => {}); // the next round tries again

  // --- drafts: kept a moment after the last key, and when the page is left ------------------------

  const saved = { reply: null, note: null }; // what the server has
  const timers = {};
  let saving = null;

  function remember() {
    if (!form()) return;
    for (const which of ["reply", "note"]) saved[which] = field(which).value;
  }

  function state(words) {
    const line = composer()?.querySelector("[data-state]");
    if (line && words) line.textContent = words;
  }

  function keepSoon(which) {
    clearTimeout(timers[which]);
    timers[which] = setTimeout(() => keep(which), 900);
  }

  async function keep(which) {
    clearTimeout(timers[which]);
    const body = field(which)?.value;
    if (body === undefined || body === saved[which]) return;
    const words = composer().dataset;
    state(words.saving);
    saving = new AbortController();
    try {
      const reply = await send("/draft", { mode: which, body }, { signal: saving.signal });
      if (!reply.ok) throw new Error(String(reply.status));
      saved[which] = body;
      state(words.saved);
    } catch (error) {
      if (error.name === "AbortError") return;
      state(words.unsaved);
      timers[which] = setTimeout(() => keep(which), 5000);
    }
  }

  function keepAtOnce() {
    if (!form()) return;
    for (const which of ["reply", "note"]) {
      const body = field(which).value;
      if (body === saved[which] || sending) continue;
      clearTimeout(timers[which]);
      saved[which] = body;
      quietly(send("/draft", { mode: which, body }, { keepalive: true }));
    }
  }

  // --- sending ---------------------------------------------------------------------------------

  let sending = null; // the conversation that a message was sent from

  document.addEventListener("submit", (event) => {
    if (event.target.id !== "say") return;
    Object.values(timers).forEach(clearTimeout); // a draft that arrives after the message would come back
    saving?.abort();
    sending = talk();
  }, true);

  // It was not sent: what is typed is a draft as before.
  document.addEventListener("htmx:finally:request", (event) => {
    if (!sending || event.target.id !== "say" || sending !== talk()) return;
    sending = null;
    for (const which of ["reply", "note"]) keepSoon(which);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.closest("#say")) {
      event.preventDefault();
      form().requestSubmit();
    }
  });

  // What the server answered to a message is the whole conversation with its composer.
  function drawn() {
    if (!sending || !talk() || talk() === sending) return;
    sending = null;
    remember();
    shown.clear();
    watch();
    const fresh = talk().querySelector(".message.is-new");
    if (fresh) fresh.scrollIntoView({ block: "center" });
    (talk().querySelector("[aria-invalid=true]") ?? field())?.focus({ preventScroll: Boolean(fresh) });
    if (!fresh) composer()?.scrollIntoView({ block: "nearest" });
    settle();
    be({ typing: false });
  }
  document.addEventListener("htmx:after:swap", drawn);

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-first-new]")) return;
    event.preventDefault();
    talk().querySelector(".message.is-new")?.scrollIntoView({ block: "center", behavior: "smooth" });
  });

  // --- reply or note, status, preview --------------------------------------------------------------

  function settle() {
    const status = document.getElementById("say-status");
    const resolution = form()?.querySelector("[data-resolution]");
    if (status && resolution) resolution.hidden = status.value !== "resolved";
    grow(field());
  }

  function grow(area) {
    if (!area) return;
    area.rows = Math.min(18, Math.max(5, area.value.split("\n").length + 1));
  }

  async function preview(on) {
    const button = composer().querySelector("[data-preview]");
    const box = document.getElementById("say-preview");
    button.setAttribute("aria-pressed", String(on));
    box.hidden = !on;
    form().classList.toggle("is-preview", on);
    if (!on) return field().focus();
    const reply = await send("/preview", { mode: mode(), body: field().value }, { headers: { "X-CSRFToken": token(), "HX-Request": "true" } });
    box.innerHTML = await reply.text(); // made and sanitised by the server
  }

  document.addEventListener("change", (event) => {
    if (!event.target.closest?.("#say")) return;
    if (event.target.name === "mode") {
      closeList();
      if (!document.getElementById("say-preview").hidden) quietly(preview(true));
      else field().focus();
    }
    settle();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-preview]");
    if (button) quietly(preview(button.getAttribute("aria-pressed") !== "true"));
  });

  // r answers, n notes, as in the list.
  document.addEventListener("keydown", (event) => {
    const which = { r: "reply", n: "note" }[event.key];
    if (!which || !form() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input:not([type=radio]), textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    write(which);
  });

  function write(which) {
    const radio = document.getElementById(`mode-${which}`);
    if (!radio.checked) {
      radio.checked = true;
      radio.dispatchEvent(new Event("change", { bubbles: true }));
    }
    field(which).focus();
    composer().scrollIntoView({ block: "nearest" });
  }

  function insert(area, text, from = area.selectionStart, to = area.selectionEnd) {
    area.setRangeText(text, from, to, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-quote]");
    if (!button || !form()) return;
    const reply = await fetch(button.dataset.quote, { headers: { Accept: "application/json" } });
    if (!reply.ok) return;
    const { text } = await reply.json();
    write(mode());
    const area = field();
    insert(area, `${area.value && !area.value.endsWith("\n") ? "\n\n" : ""}${text}\n`, area.value.length, area.value.length);
  });

  // --- suggestions: @ for people, :: for canned replies ------------------------------------------

  const WANTED = /(^|[\s(])(@|::)([^\s@:[\]()]*(?: [^\s@:[\]()]+)?)$/u;
  let asked = null;
  let waiting = 0;
  let list = null; // {area, from, to, rows}

  const drop = () => document.getElementById("say-list");

  function look(area) {
    const before = area.value.slice(0, area.selectionStart);
    const found = WANTED.exec(before);
    clearTimeout(waiting);
    if (!found || (found[2] === "::" && found[3].includes(" "))) return closeList();
    const from = before.length - found[2].length - found[3].length;
    waiting = setTimeout(() => quietly(offer(area, found[2], found[3], from)), 120);
  }

  async function offer(area, sign, q, from) {
    asked?.abort();
    asked = new AbortController();
    const to = area.selectionStart;
    const path = sign === "@" ? `${base()}/mentions?q=` : `${base().replace(/\/\d+$/, "")}/replies?ticket=${talk().dataset.number}&q=`;
    const reply = await fetch(path + encodeURIComponent(q), { signal: asked.signal, headers: { Accept: "application/json" } });
    if (!reply.ok) return closeList();
    const told = await reply.json();
    const rows = told.options ?? told.replies.map((one) => ({ label: one.title, hint: `::${one.shortcut} · ${one.whose}`, text: one.text }));
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
  }

  function closeList() {
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

  document.addEventListener("input", (event) => {
    const area = event.target;
    if (!area.matches?.("#say textarea[data-mode]")) return;
    grow(area);
    look(area);
    keepSoon(area.dataset.mode);
    typed();
  });

  // --- files: sent at once, they wait below the text ------------------------------------------------

  async function refreshWaiting() {
    const box = document.getElementById("waiting");
    const fresh = await part("/files/waiting");
    box.replaceChildren(fresh);
  }

  // Not by htmx: it would send the form's one-time key along.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-remove]");
    if (!button) return;
    button.disabled = true;
    await quietly(send(button.dataset.remove));
    await quietly(refreshWaiting());
    field()?.focus();
  });

  function line(name) {
    const item = document.createElement("li");
    const text = document.createElement("span");
    const bar = document.createElement("progress");
    text.textContent = name;
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", name);
    item.append(text, bar);
    composer().querySelector("[data-uploads]").append(item);
    return { item, bar, refuse: (words) => {
      bar.remove();
      item.className = "is-refused";
      const said = document.createElement("span");
      said.textContent = words;
      item.append(said);
      setTimeout(() => item.remove(), 12000);
    } };
  }

  // fetch() tells nothing of what it has sent, XMLHttpRequest does.
  const upload = (file) => new Promise((resolve) => {
    const words = composer().dataset;
    const row = line(file.name);
    if (file.size > Number(words.limit)) {
      row.refuse(words.tooLarge);
      return resolve(null);
    }
    const body = new FormData();
    body.append("files", file);
    const request = new XMLHttpRequest();
    request.open("POST", `${base()}/files`);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", token());
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) row.bar.value = event.loaded / event.total; });
    request.addEventListener("loadend", () => {
      let told = {};
      try { told = JSON.parse(request.responseText); } catch { /* not ours */ }
      if (request.status === 201) {
        row.item.remove();
        return resolve(told.data.files[0]);
      }
      row.refuse((told.error?.message ?? words.failed).replace(`${file.name}: `, ""));
      resolve(null);
    });
    request.send(body);
  });

  async function uploadAll(files, { inline = false } = {}) {
    const area = field();
    composer().setAttribute("aria-busy", "true");
    for (const file of files) {
      const row = await upload(file);
      if (row && inline && row.is_image) insert(area, `![${row.name.replace(/[[\]]/g, " ")}](attachment:${row.id})\n`);
    }
    composer().removeAttribute("aria-busy");
    await refreshWaiting();
  }

  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("[data-attach]") || !event.target.files.length) return;
    quietly(uploadAll([...event.target.files]));
    event.target.value = "";
  });

  document.addEventListener("paste", (event) => {
    if (!event.target.matches?.("#say textarea[data-mode]")) return;
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    quietly(uploadAll(files, { inline: true }));
  });

  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      if (!form() || !event.target.closest?.("#talk") || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      composer().classList.toggle("is-over", type === "dragenter" || type === "dragover");
      if (type === "drop") quietly(uploadAll([...event.dataTransfer.files]));
    });
  }

  // --- who else is here ---------------------------------------------------------------------------

  const EVERY = 20000;
  const PAUSE = 8000; // without a key: nobody types any more
  let typing = false;
  let still = 0;

  async function be(now) {
    const was = typing;
    if (now) typing = now.typing;
    if (document.hidden || (now && was === typing)) return;
    const reply = await send("/presence", { typing: typing ? 1 : 0 }, { headers: { "X-CSRFToken": token(), "HX-Request": "true" } });
    if (reply.ok) people(await reply.text());
  }

  function people(html) {
    const box = document.getElementById("presence");
    if (box && box.innerHTML.trim() !== html.trim()) box.innerHTML = html; // made by the server
  }

  function typed() {
    clearTimeout(still);
    still = setTimeout(() => quietly(be({ typing: false })), PAUSE);
    quietly(be({ typing: true }));
  }

  async function whoIsHere() {
    const reply = await fetch(`${base()}/presence`, { headers: { "HX-Request": "true" } });
    if (reply.ok) people(await reply.text());
  }

  function leave() {
    clearTimeout(still);
    typing = false;
    quietly(send("/presence", { leaving: 1 }, { keepalive: true }));
  }

  setInterval(() => quietly(be()), EVERY);
  window.addEventListener("pagehide", () => {
    keepAtOnce();
    leave();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) keepAtOnce();
    else quietly(be());
  });

  const mine = (event) => String(event.detail?.number ?? "") === talk()?.dataset.number;
  document.addEventListener("live:presence", (event) => mine(event) && quietly(whoIsHere()));

  // --- new messages, put below the others; what is typed stays ----------------------------------------

  const messages = () => document.getElementById("messages");
  const lastShown = () => Math.max(0, ...[...messages().querySelectorAll("[data-message]")].map((one) => Number(one.dataset.message)));
  let fetching = false;
  let again = false;

  async function news() {
    if (fetching) return void (again = true);
    fetching = true;
    try {
      const found = await part(`/messages?after=${lastShown()}`);
      const holder = found.querySelector("[data-total]");
      const fresh = [...holder.children].filter((one) => !document.getElementById(one.id));
      const total = Number(holder.dataset.total);
      if (Number(messages().dataset.total) + fresh.length === total) append(fresh, total);
      else await wholly();
    } finally {
      fetching = false;
      if (again) {
        again = false;
        quietly(news());
      }
    }
  }

  function append(fresh, total) {
    if (!fresh.length) return;
    document.getElementById("no-messages")?.remove();
    staying(() => messages().append(...fresh));
    messages().dataset.total = total;
    watch();
  }

  // Who types keeps the text where it is, whatever comes above it.
  function staying(change) {
    const kept = document.activeElement?.closest("[data-composer]");
    const before = kept?.getBoundingClientRect().top;
    change();
    if (kept) window.scrollBy(0, kept.getBoundingClientRect().top - before);
  }

  // Messages went away or came in between, by a merge for example.
  async function wholly() {
    const found = await part("/conversation");
    staying(() => messages().replaceWith(found.getElementById("messages")));
    watch();
  }

  async function freshHead() {
    const found = await part("/head");
    const head = document.getElementById("ticket-head");
    if (head.querySelector("details[open]")) return;
    const fresh = found.getElementById("ticket-head");
    head.replaceWith(fresh);
    htmx.process(fresh);
  }

  const look_again = () => {
    if (!talk()) return;
    quietly(news());
    quietly(freshHead());
  };
  document.addEventListener("live:ticket", (event) => mine(event) && look_again());
  document.addEventListener("ticketchanged", (event) => mine(event) && look_again());
  document.addEventListener("live:tickets", look_again);
  document.addEventListener("live:poll", () => {
    look_again();
    quietly(whoIsHere());
  });

  // A message counts as seen once it stood on the screen for a second; the server asks for the last one seen.
  const shown = new Map();
  const eye = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      clearTimeout(shown.get(target));
      if (isIntersecting) shown.set(target, setTimeout(() => seen(target), 1000));
    }
  }, { threshold: 0.2 });

  function watch() {
    eye.disconnect();
    for (const one of messages().querySelectorAll(".message.is-new")) eye.observe(one);
  }

  const read = new Set();

  function seen(message) {
    const last = form()?.querySelector("[data-seen]");
    if (!last || document.hidden) return;
    eye.unobserve(message);
    read.add(Number(message.dataset.message));
    for (const id of [...messages().querySelectorAll(".message.is-new")].map((one) => Number(one.dataset.message)).sort((a, b) => a - b)) {
      if (id > Number(last.value) && !read.has(id)) break; // one above is still out of sight
      last.value = Math.max(id, Number(last.value));
    }
    setTimeout(() => message.classList.remove("is-new"), 8000);
  }

  // --- the middle of a long conversation ----------------------------------------------------------------

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-earlier]");
    if (!button) return;
    button.disabled = true;
    const reply = await fetch(button.dataset.earlier, { headers: { "HX-Request": "true" } });
    button.disabled = false;
    if (!reply.ok) return;
    const holder = document.createElement("template");
    holder.innerHTML = await reply.text();
    const rows = [...holder.content.querySelector("[data-total]").children];
    const first = rows.find((one) => one.matches("[data-message]"));
    button.replaceWith(...rows);
    first?.scrollIntoView({ block: "start" });
  });

  remember();
  settle();
  watch();
  quietly(be());
  $("#shortcuts .keys").append($("#ticket-keys").content.cloneNode(true));
  const compose = new URLSearchParams(location.search).get("compose");
  if (form() && ["reply", "note"].includes(compose)) write(compose);
  else if (location.hash === "#composer") field()?.focus();
})();
