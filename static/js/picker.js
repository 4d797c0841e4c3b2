// Pickers: a <select data-picker="/url"> holds the present choice; here it becomes a search box that asks the server for
// others as one types (the ARIA combobox pattern). The select stays, hidden, and is what the form sends. Loads before app.js.
"use strict";

(() => {
  const WAIT = 180; // milliseconds without a key before the server is asked
  let lists = 0;

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // The search box takes over the select's id, so that its label, hint and errors are tied to it.
  function inputFor(select, list) {
    const input = make("input", {
      type: "text", id: select.id, class: `${select.className} picker-input`, role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list,
    });
    for (const name of ["aria-describedby", "aria-invalid", "aria-label"]) {
      if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
      select.removeAttribute(name);
    }
    if (select.required) input.setAttribute("aria-required", "true");
    select.required = false; // nobody could point at a hidden select
    input.disabled = select.disabled;
    select.id += "-value";
    return input;
  }

  function enhance(select) {
    const id = `picker-${++lists}`;
    const input = inputFor(select, id);
    const label = document.querySelector(`label[for="${CSS.escape(input.id)}"]`)?.textContent.trim();
    const list = make("div", { role: "listbox", id, class: "picker-list", "aria-label": label ?? "" });
    const note = make("p", { class: "picker-note", role: "status" });
    const drop = make("div", { class: "picker-drop", hidden: "" }, list, note);
    const fixed = [...select.options].filter((option) => "fixed" in option.dataset).map(({ value, label }) => ({ value, label }));
    const empty = [...select.options].find((option) => option.value === "");
    const state = { select, input, list, note, drop, fixed, empty: empty?.label, timer: 0, asked: null, searching: false };
    const box = make("div", { class: "picker" });
    const focused = select.autofocus || document.activeElement === select;
    select.replaceWith(box);
    box.append(select, input, drop);
    select.hidden = true;
    if (focused) input.focus();
    settle(state);
    listen(state);
  }

  function listen(state) {
    const { input, list, select } = state;
    input.addEventListener("input", (event) => {
      event.stopPropagation(); // what is typed changes no form yet
      state.searching = true;
      open(state);
      search(state, WAIT);
    });
    input.addEventListener("change", (event) => event.stopPropagation());
    input.addEventListener("keydown", (event) => key(state, event));
    input.addEventListener("focus", () => input.select());
    input.addEventListener("click", () => isOpen(state) || start(state));
    input.addEventListener("blur", () => leave(state));
    list.parentElement.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays in the box
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) choose(state, option.dataset.value, option.dataset.label);
    });
    select.addEventListener("change", () => settle(state));
  }

  const isOpen = ({ drop }) => !drop.hidden;
  const optionsOf = ({ list }) => [...list.querySelectorAll("[role=option]")];
  const active = ({ list }) => list.querySelector(".is-here");

  // Write the name of the present value into the box; the text for no value is a placeholder unless it can be picked.
  function settle({ select, input, fixed, empty }) {
    const option = select.selectedOptions[0];
    const nothing = !option || (option.value === "" && !fixed.some(({ value }) => value === ""));
    input.value = nothing ? "" : option.label;
    input.title = input.value; // long names are cut
    input.placeholder = empty ?? "";
  }

  function open(state) {
    if (isOpen(state)) return;
    state.drop.hidden = false;
    state.input.setAttribute("aria-expanded", "true");
    const box = state.input.getBoundingClientRect();
    const below = innerHeight - box.bottom;
    state.drop.classList.toggle("is-up", below < 320 && box.top > below);
    state.drop.classList.toggle("is-end", box.left + state.drop.offsetWidth > document.documentElement.clientWidth);
  }

  function close(state) {
    clearTimeout(state.timer);
    state.asked?.abort();
    state.searching = false;
    state.drop.hidden = true;
    state.input.setAttribute("aria-expanded", "false");
    state.input.removeAttribute("aria-activedescendant");
  }

  function start(state) {
    state.input.select();
    open(state);
    search(state, 0);
  }

  function leave(state) {
    if (!isOpen(state)) return settle(state);
    const emptied = state.searching && state.input.value.trim() === "";
    close(state);
    if (emptied && state.empty !== undefined) choose(state, "", state.empty);
    settle(state);
  }

  // --- asking the server ------------------------------------------------------

  function search(state, wait) {
    clearTimeout(state.timer);
    state.asked?.abort();
    state.timer = setTimeout(() => ask(state), wait);
  }

  async function ask(state) {
    const q = state.searching ? state.input.value.trim() : "";
    const url = new URL(state.select.dataset.picker, location.href);
    if (q) url.searchParams.set("q", q);
    state.asked = new AbortController();
    const { signal } = state.asked;
    state.list.setAttribute("aria-busy", "true");
    try {
      const reply = await fetch(url, { signal, headers: { Accept: "application/json" } });
      if (!reply.ok) throw new Error(reply.status);
      const { options, note } = await reply.json();
      show(state, q, options, note);
    } catch (error) {
      if (error.name === "AbortError") return;
      show(state, q, [], document.getElementById("toasts")?.dataset.offline ?? "");
    }
  }

  function show(state, q, found, note) {
    const { list, select, fixed, searching } = state;
    const wanted = q.toLowerCase();
    const always = fixed.filter(({ label }) => label.toLowerCase().includes(wanted));
    list.removeAttribute("aria-busy");
    list.replaceChildren(...always.map((one) => row(state, one)), ...groups(state, found));
    state.note.textContent = always.length && !found.length && q ? "" : note;
    const rows = optionsOf(state);
    rows.forEach((option, index) => (option.id = `${list.id}-${index}`));
    point(state, searching ? rows[0] : rows.find((option) => option.dataset.value === select.value));
  }

  function groups(state, found) {
    const heads = [...new Set(found.map(({ group }) => group))];
    return heads.flatMap((head) => {
      const rows = found.filter(({ group }) => group === head).map((one) => row(state, one));
      if (!head) return rows;
      return [make("div", { role: "group", "aria-label": head }, make("div", { class: "picker-head", "aria-hidden": "true" }, head), ...rows)];
    });
  }

  function row({ select }, { value, label, hint }) {
    const name = make("span", {}, label);
    const option = make("div", { role: "option", class: "picker-option", "aria-selected": String(select.value === value) }, name);
    if (hint) option.append(make("span", { class: "muted" }, hint));
    option.dataset.value = value;
    option.dataset.label = label;
    return option;
  }

  // --- moving and choosing ------------------------------------------------------

  function point(state, option) {
    active(state)?.classList.remove("is-here");
    if (!option) return state.input.removeAttribute("aria-activedescendant");
    option.classList.add("is-here");
    option.scrollIntoView({ block: "nearest" });
    state.input.setAttribute("aria-activedescendant", option.id);
  }

  function move(state, step) {
    if (!isOpen(state)) return start(state);
    const rows = optionsOf(state);
    if (!rows.length) return;
    const now = rows.indexOf(active(state));
    point(state, rows[now < 0 ? (step > 0 ? 0 : rows.length - 1) : (now + step + rows.length) % rows.length]);
  }

  function choose(state, value, label) {
    const { select } = state;
    const changed = select.value !== value;
    let option = [...select.options].find((one) => one.value === value);
    if (!option) {
      [...select.options].filter((one) => one.value && !("fixed" in one.dataset)).forEach((one) => one.remove());
      option = new Option(label, value);
      select.add(option);
    }
    option.selected = true;
    close(state);
    settle(state);
    if (!changed) return;
    for (const type of ["input", "change"]) select.dispatchEvent(new Event(type, { bubbles: true }));
  }

  function key(state, event) {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const here = isOpen(state) ? active(state) : null;
    const pick = () => choose(state, here.dataset.value, here.dataset.label);
    if (step) move(state, step);
    else if (event.key === "Enter" && isOpen(state)) here && pick();
    else if (event.key === "Escape" && isOpen(state)) {
      close(state);
      settle(state);
      state.input.select();
      event.stopPropagation();
    } else if (event.key === "Tab" && here && state.searching && state.input.value.trim()) return pick();
    else return;
    event.preventDefault();
  }

  const enhanceAll = () => document.querySelectorAll("select[data-picker]:not([hidden])").forEach(enhance);
  document.addEventListener("htmx:after:swap", enhanceAll);
  enhanceAll();
})();
