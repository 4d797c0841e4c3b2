// Opening a ticket: what is typed is kept as a draft, with the files that wait for it. A module; it runs after app.js.
import "./ticket/attach.js";
import { goOn, keepDrafts, soon, stop } from "./ticket/drafts.js";
import { base, field, form, isWritten, json } from "./ticket/page.js";
import { suggestFrom } from "./ticket/suggest.js";
import { grow } from "./ticket/writing.js";

const NOT_KEPT = ["csrf_token", "_key", "files"];
const throwAway = () => document.querySelector("[data-throw-away]");

function typedSoFar() {
  const values = new FormData(form());
  NOT_KEPT.forEach((name) => values.delete(name));
  return Object.fromEntries(values);
}

for (const type of ["input", "change"]) {
  document.addEventListener(type, (event) => {
    if (!form().contains(event.target) || event.target.matches("[data-attach]")) return;
    if (isWritten(event.target)) grow(event.target);
    soon("ticket");
  });
}

document.addEventListener("submit", (event) => {
  if (event.target === form() || event.target.id === "discard") stop();
}, true);

window.addEventListener("pageshow", (event) => event.persisted && goOn());

const offer = (there) => (throwAway().hidden = !there);
document.addEventListener("draft:saved", (event) => offer(event.detail.kept));
document.addEventListener("files:changed", (event) => event.detail.count && offer(true));

async function people(q, signal) {
  const { client_id: client, project_id: project } = typedSoFar();
  const asked = new URLSearchParams({ client, project, q });
  return (await json(`${base()}/mentions?${asked}`, { signal })).options;
}

document.querySelectorAll("[data-scripted]").forEach((one) => (one.hidden = false));
keepDrafts(() => ({ ticket: typedSoFar() }), { unsent: form().hasAttribute("data-unsent") });
suggestFrom({ "@": people });
grow(field());
