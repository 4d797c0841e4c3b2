// New messages, put below the others while what is typed stays; which of them were seen; the middle of a long conversation.
import { form, part, quietly, talk } from "./page.js";

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

function lookAgain() {
  if (!talk()) return;
  quietly(news());
  quietly(freshHead());
}

const mine = (event) => String(event.detail?.number ?? "") === talk()?.dataset.number;

export function followLive() {
  document.addEventListener("live:ticket", (event) => mine(event) && lookAgain());
  document.addEventListener("ticketchanged", (event) => mine(event) && lookAgain());
  document.addEventListener("live:tickets", lookAgain);
  document.addEventListener("live:poll", lookAgain);
  watch();
}

// A message counts as seen once it stood on the screen for a second; the server asks for the last one seen.
const shown = new Map();
const read = new Set();
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

// The whole conversation was drawn anew.
export function watchAnew() {
  shown.clear();
  watch();
}

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
