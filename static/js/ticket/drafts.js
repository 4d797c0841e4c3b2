// Drafts: kept a moment after the last key, and when the page is left. The page says what there is to keep, by name.
import { composer, quietly, send } from "./page.js";

const WAIT = 900;
const AGAIN = 5000;
const saved = new Map(); // what the server has
const timers = new Map();
let pieces = () => ({});
let saving = null;
let stopped = false; // what was sent is no draft any more

const text = (values) => JSON.stringify(values);

export function keepDrafts(found, { unsent = false } = {}) {
  pieces = found;
  if (!unsent) return remember();
  for (const name of Object.keys(pieces())) soon(name);
}

export function remember() {
  stopped = false;
  for (const [name, values] of Object.entries(pieces())) saved.set(name, text(values));
}

function state(words) {
  const line = composer()?.querySelector("[data-state]");
  if (line && words) line.textContent = words;
}

export function soon(name) {
  clearTimeout(timers.get(name));
  timers.set(name, setTimeout(() => keep(name), WAIT));
}

async function keep(name) {
  clearTimeout(timers.get(name));
  const values = pieces()[name];
  if (values === undefined || stopped || text(values) === saved.get(name)) return;
  const words = composer().dataset;
  state(words.saving);
  saving = new AbortController();
  try {
    const reply = await send("/draft", values, { signal: saving.signal });
    if (!reply.ok) throw new Error(String(reply.status));
    const { data } = await reply.json();
    saved.set(name, text(values));
    state(data.kept === false ? words.ready : words.saved);
    document.dispatchEvent(new CustomEvent("draft:saved", { detail: data }));
  } catch (error) {
    if (error.name === "AbortError") return;
    state(words.unsaved);
    timers.set(name, setTimeout(() => keep(name), AGAIN));
  }
}

function keepAtOnce() {
  for (const [name, values] of Object.entries(pieces())) {
    if (text(values) === saved.get(name) || stopped) continue;
    clearTimeout(timers.get(name));
    saved.set(name, text(values));
    quietly(send("/draft", values, { keepalive: true }));
  }
}

// It is being sent: a draft that arrives after it would come back.
export function stop() {
  timers.forEach(clearTimeout);
  saving?.abort();
  stopped = true;
}

// It was not sent: what is typed is a draft as before.
export function goOn() {
  stopped = false;
  Object.keys(pieces()).forEach(soon);
}

window.addEventListener("pagehide", keepAtOnce);
document.addEventListener("visibilitychange", () => document.hidden && keepAtOnce());
