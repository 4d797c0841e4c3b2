// Tags: <input data-tags="/url"> offers those that tickets have, for the word at the caret. What is typed goes as it is unless
// one of the list is chosen by arrow keys or mouse. Loads after app.js.
"use strict";

(() => {
  const WAIT = 150;
  const MOST = 8;
  let shown = null; // {input, drop, rows, at}
  let timer = 0;
  let asked = null;

  // The word at the caret: where it begins and ends, and what of it stands before the caret.
  function word(input) {
    const { value, selectionStart: caret } = input;
    const from = Math.max(...[" ", ","].map((sign) => value.lastIndexOf(sign, caret - 1))) + 1;
    const rest = /^[^\s,]*/.exec(value.slice(caret))[0];
    return { from, to: caret + rest.length, typed: value.slice(from, caret) };
  }

  function dropOf(input) {
    if (input.nextElementSibling?.matches(".picker-drop")) return input.nextElementSibling;
    const box = document.createElement("div");
    box.className = "picker";
    const drop = document.createElement("div");
    drop.className = "picker-drop";
    drop.hidden = true;
    const list = document.createElement("div");
    list.className = "picker-list";
    list.id = `${input.id}-list`;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", document.querySelector(`label[for="${CSS.escape(input.id)}"]`)?.textContent.trim() ?? "");
    drop.append(list);
    const caret = input.selectionStart;
    const focused = document.activeElement === input;
    input.replaceWith(box);
    box.append(input, drop);
    if (focused) {
      input.focus();
      input.setSelectionRange(caret, caret);
    }
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]]) input.setAttribute(name, value);
    return drop;
  }

  async function offer(input) {
    const { typed } = word(input);
    asked?.abort();
    if (!typed) return close();
    asked = new AbortController();
    try {
      const url = new URL(input.dataset.tags, location.href);
      url.searchParams.set("q", typed);
      const reply = await fetch(url, { signal: asked.signal, headers: { Accept: "application/json" } });
      if (!reply.ok) return close();
      const { options } = await reply.json();
      if (document.activeElement === input && word(input).typed === typed) show(input, options);
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  }

  function show(input, options) {
    const { from, to } = word(input);
    const there = (input.value.slice(0, from) + input.value.slice(to)).toLowerCase().split(/[\s,]+/);
    const rows = options.map(({ value }) => value).filter((tag) => !there.includes(tag)).slice(0, MOST);
    if (!rows.length) return close();
    const drop = dropOf(input);
    shown = { input, drop, rows, at: -1 };
    drop.firstElementChild.replaceChildren(...rows.map((tag, index) => {
      const option = document.createElement("div");
      option.className = "picker-option";
      option.id = `${input.id}-option-${index}`;
      option.dataset.index = index;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.textContent = tag;
      return option;
    }));
    drop.hidden = false;
    input.setAttribute("aria-expanded", "true");
    input.removeAttribute("aria-activedescendant");
  }

  function close() {
    clearTimeout(timer);
    asked?.abort();
    if (!shown) return;
    shown.drop.hidden = true;
    shown.input.setAttribute("aria-expanded", "false");
    shown.input.removeAttribute("aria-activedescendant");
    shown = null;
  }

  function move(step) {
    const count = shown.rows.length;
    shown.at = shown.at < 0 ? (step > 0 ? 0 : count - 1) : (shown.at + step + count) % count;
    [...shown.drop.firstElementChild.children].forEach((option, index) => {
      option.classList.toggle("is-here", index === shown.at);
      option.setAttribute("aria-selected", String(index === shown.at));
      if (index === shown.at) option.scrollIntoView({ block: "nearest" });
    });
    shown.input.setAttribute("aria-activedescendant", `${shown.input.id}-option-${shown.at}`);
  }

  function choose(index) {
    const { input, rows } = shown;
    const { from, to } = word(input);
    close();
    input.setRangeText(`${rows[index]} `, from, to, "end");
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.addEventListener("input", (event) => {
    if (!event.target.matches?.("input[data-tags]")) return;
    clearTimeout(timer);
    timer = setTimeout(() => offer(event.target), WAIT);
  });

  document.addEventListener("keydown", (event) => {
    if (!shown || event.target !== shown.input || event.isComposing || event.ctrlKey || event.metaKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) move(step);
    else if ((event.key === "Enter" || event.key === "Tab") && shown.at >= 0) choose(shown.at);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest?.("#" + CSS.escape(shown?.drop.firstElementChild.id ?? "-") + " [role=option]");
    if (!option) return;
    event.preventDefault(); // the focus stays in the field
    choose(Number(option.dataset.index));
  });
  document.addEventListener("focusout", (event) => event.target === shown?.input && close());

  // Where a page opens with the field in focus, what is typed comes behind what is there.
  const first = document.querySelector("input[data-tags][autofocus]");
  const toEnd = () => first.setSelectionRange(first.value.length, first.value.length);
  first?.addEventListener("focus", () => setTimeout(toEnd), { once: true });
  if (first && first === document.activeElement) toEnd();
})();
