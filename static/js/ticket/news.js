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
  document.dispatchEvent(new Event("ticket:head"));
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

// A message counts as read once it stood in view of the focused page for ten seconds. The server decides: what it did not
// draw with the composer, and what was not read so or came a moment ago, it shows before anything is sent.
const READ = 10;
const inView = new Map(); // message -> seconds
const read = new Set();
let counting = 0;
const eye = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) inView.delete(target);
    else if (!inView.has(target)) inView.set(target, 0);
  }
}, { threshold: 0.2 });

function watch() {
  eye.disconnect();
  [...inView.keys()].filter((one) => !one.isConnected).forEach((one) => inView.delete(one));
  const fresh = messages().querySelectorAll(".message.is-new");
  fresh.forEach((one) => eye.observe(one));
  clearInterval(counting);
  if (fresh.length) counting = setInterval(look, 1000);
}

// The whole conversation was drawn anew.
export const watchAnew = watch;

function look() {
  if (document.hidden || !document.hasFocus()) return;
  for (const [message, seconds] of inView) {
    inView.set(message, seconds + 1);
    if (seconds + 1 > READ) seen(message);
  }
}

function seen(message) {
  eye.unobserve(message);
  inView.delete(message);
  read.add(Number(message.dataset.message));
  const last = form()?.querySelector("[data-viewed]");
  for (const id of [...messages().querySelectorAll(".message.is-new")].map((one) => Number(one.dataset.message)).sort((a, b) => a - b)) {
    if (!read.has(id)) break; // one above is still out of sight
    if (last) last.value = Math.max(id, Number(last.value));
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
