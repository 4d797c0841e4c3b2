// What the scripts of a ticket, and of a new one, share: where they are, what is written, how the server is asked.
// The element with data-at has the address; data-draft is the key of a ticket that is not there yet.

export const talk = () => document.getElementById("talk");
export const composer = () => document.querySelector("[data-composer]");
export const form = () => composer()?.closest("form") ?? composer()?.querySelector("form");
export const mode = () => form()?.querySelector("[name=mode]:checked")?.value ?? form()?.dataset.mode ?? "reply";
export const field = (which = mode()) => document.getElementById(`say-${which}`);
export const isWritten = (element) => element.matches?.("[data-composer] textarea[data-mode]") ?? false;

const home = () => document.querySelector("[data-at]").dataset;
export const base = () => home().at;
const token = () => document.querySelector('meta[name="csrf-token"]').content;

export function at(path) {
  const { draft } = home();
  return base() + path + (draft ? `${path.includes("?") ? "&" : "?"}draft=${draft}` : "");
}

export const asWriter = (headers) => ({ "X-CSRFToken": token(), ...headers });

export function send(path, values = {}, { html = false, ...options } = {}) {
  const body = new FormData();
  for (const [name, value] of Object.entries(values)) body.append(name, value);
  const headers = asWriter(html ? { "HX-Request": "true" } : { Accept: "application/json" });
  return fetch(at(path), { method: "POST", body, headers, ...options });
}

export async function part(path) {
  const reply = await fetch(at(path), { headers: { "HX-Request": "true", Accept: "text/html" } });
  if (!reply.ok) throw new Error(String(reply.status));
  const holder = document.createElement("template");
  holder.innerHTML = await reply.text();
  return holder.content;
}

export async function json(url, options = {}) {
  const reply = await fetch(url, { headers: { Accept: "application/json" }, ...options });
  if (!reply.ok) throw new Error(String(reply.status));
  return reply.json();
}

export const quietly = (work) => work.catch(() => {}); // the next round tries again
