// Who else looks at the ticket, and who types an answer.
import { at, quietly, send, talk } from "./page.js";

const EVERY = 20000;
const PAUSE = 8000; // without a key: nobody types any more
let typing = false;
let still = 0;

export async function be(now) {
  const was = typing;
  if (now) typing = now.typing;
  if (document.hidden || (now && was === typing)) return;
  const reply = await send("/presence", { typing: typing ? 1 : 0 }, { html: true });
  if (reply.ok) people(await reply.text());
}

function people(html) {
  const box = document.getElementById("presence");
  if (box && box.innerHTML.trim() !== html.trim()) box.innerHTML = html; // made by the server
}

export function typed() {
  clearTimeout(still);
  still = setTimeout(() => quietly(be({ typing: false })), PAUSE);
  quietly(be({ typing: true }));
}

async function whoIsHere() {
  const reply = await fetch(at("/presence"), { headers: { "HX-Request": "true" } });
  if (reply.ok) people(await reply.text());
}

function leave() {
  clearTimeout(still);
  typing = false;
  quietly(send("/presence", { leaving: 1 }, { keepalive: true }));
}

export function bePresent() {
  setInterval(() => quietly(be()), EVERY);
  window.addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => document.hidden || quietly(be()));
  document.addEventListener("live:presence", (event) => {
    if (String(event.detail?.number ?? "") === talk()?.dataset.number) quietly(whoIsHere());
  });
  document.addEventListener("live:poll", () => quietly(whoIsHere()));
  quietly(be());
}
