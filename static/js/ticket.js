// The page of a ticket: its composer for replies and notes. What is around it is in ticket/: drafts, files, suggestions, who
// else is here, and new messages. A module; it runs after app.js.
import "./ticket/attach.js";
import { keepDrafts, goOn, remember, soon, stop } from "./ticket/drafts.js";
import { followLive, watchAnew } from "./ticket/news.js";
import { base, composer, field, form, isWritten, json, mode, quietly, talk } from "./ticket/page.js";
import { be, bePresent, typed } from "./ticket/presence.js";
import { closeList, suggestFrom } from "./ticket/suggest.js";
import "./ticket/triage.js";
import { grow, insert, isPreviewing, preview } from "./ticket/writing.js";

const MODES = ["reply", "note"];

// --- sending ---------------------------------------------------------------------------------

let sending = null; // the conversation that a message was sent from

document.addEventListener("submit", (event) => {
  if (event.target.id !== "say") return;
  stop();
  sending = talk();
}, true);

// It was not sent: what is typed is a draft as before.
document.addEventListener("htmx:finally:request", (event) => {
  if (!sending || event.target.id !== "say" || sending !== talk()) return;
  sending = null;
  goOn();
});

// What the server answered to a message is the whole conversation with its composer.
document.addEventListener("htmx:after:swap", () => {
  if (!sending || !talk() || talk() === sending) return;
  sending = null;
  remember();
  watchAnew();
  const fresh = talk().querySelector(".message.is-new");
  if (fresh) fresh.scrollIntoView({ block: "center" });
  (talk().querySelector("[aria-invalid=true]") ?? field())?.focus({ preventScroll: Boolean(fresh) });
  if (!fresh) composer()?.scrollIntoView({ block: "nearest" });
  settle();
  quietly(be({ typing: false }));
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-first-new]")) return;
  event.preventDefault();
  talk().querySelector(".message.is-new")?.scrollIntoView({ block: "center", behavior: "smooth" });
});

// --- reply or note, and the status ---------------------------------------------------------------

function settle() {
  const status = document.getElementById("say-status");
  const resolution = form()?.querySelector("[data-resolution]");
  if (status && resolution) resolution.hidden = status.value !== "resolved";
  // What was typed into the other one is not forgotten.
  for (const sign of form()?.querySelectorAll("[data-waits]") ?? []) {
    const which = sign.dataset.waits;
    sign.hidden = which === mode() || !field(which).value.trim();
  }
  grow(field());
}

document.addEventListener("change", (event) => {
  if (!event.target.closest?.("#say")) return;
  if (event.target.name === "mode") {
    closeList();
    if (isPreviewing()) quietly(preview(true));
    else field().focus();
  }
  settle();
});

document.addEventListener("input", (event) => {
  if (!isWritten(event.target)) return;
  grow(event.target);
  soon(event.target.dataset.mode);
  typed();
});

// r answers, n notes, as in the list; Escape leaves the text, so that keys are keys again.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isWritten(event.target)) return event.target.blur();
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

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-quote]");
  if (button && form()) quietly(quote(button.dataset.quote));
});

async function quote(url) {
  const { text } = await json(url);
  write(mode());
  const area = field();
  insert(area, `${area.value && !area.value.endsWith("\n") ? "\n\n" : ""}${text}\n`, area.value.length, area.value.length);
}

// --- the beginning -----------------------------------------------------------------------------------

const people = async (q, signal) => (await json(`${base()}/mentions?q=${encodeURIComponent(q)}`, { signal })).options;

async function replies(q, signal) {
  const url = `${base().replace(/\/\d+$/, "")}/replies?ticket=${talk().dataset.number}&q=${encodeURIComponent(q)}`;
  const told = await json(url, { signal });
  return told.replies.map((one) => ({ label: one.title, hint: [`::${one.shortcut}`, one.whose, one.note].filter(Boolean).join(" · "), text: one.text }));
}

$("#shortcuts .keys").append($("#ticket-keys").content.cloneNode(true));
if (talk()) {
  keepDrafts(() => (form() ? Object.fromEntries(MODES.map((one) => [one, { mode: one, body: field(one).value }])) : {}));
  suggestFrom({ "@": people, "::": replies });
  settle();
  followLive();
  bePresent();
  const compose = new URLSearchParams(location.search).get("compose");
  if (form() && MODES.includes(compose)) write(compose);
  else if (location.hash === "#composer") field()?.focus();
}
