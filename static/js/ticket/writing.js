// The text itself: it grows, shows how it will look, and goes out by Ctrl+Enter.
import { composer, field, form, mode, quietly, send } from "./page.js";

export function grow(area) {
  if (!area) return;
  area.rows = Math.min(18, Math.max(Number(area.dataset.least ?? 5), area.value.split("\n").length + 1));
}

export function insert(area, text, from = area.selectionStart, to = area.selectionEnd) {
  area.setRangeText(text, from, to, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

export const isPreviewing = () => !document.getElementById("say-preview").hidden;

export async function preview(on) {
  const button = composer().querySelector("[data-preview]");
  const box = document.getElementById("say-preview");
  button.setAttribute("aria-pressed", String(on));
  box.hidden = !on;
  composer().classList.toggle("is-preview", on);
  if (!on) return field().focus();
  const reply = await send("/preview", { mode: mode() === "note" ? "note" : "reply", body: field().value }, { html: true });
  box.innerHTML = await reply.text(); // made and sanitised by the server
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-preview]");
  if (button) quietly(preview(button.getAttribute("aria-pressed") !== "true"));
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form()?.contains(event.target)) {
    event.preventDefault();
    form().requestSubmit();
  }
});
