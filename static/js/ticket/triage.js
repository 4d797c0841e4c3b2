// A ticket's page answers to the keys of the queue: who has it, its status, priority and tags; and j and k lead through the
// list that the person came from, which queue.js left behind.
const LINKS = { a: "assign", s: "status", p: "priority", t: "tags" };
const side = () => document.getElementById("side");
const here = () => location.pathname.replace(/\/history$/, "");

function list() {
  try {
    return JSON.parse(sessionStorage.getItem("queue")) ?? { tickets: [] };
  } catch {
    return { tickets: [] };
  }
}

function neighbours() {
  const { tickets } = list();
  const at = tickets.findIndex((one) => one.url === here());
  return at < 0 ? null : { at, of: tickets.length, before: tickets[at - 1], after: tickets[at + 1] };
}

function showPlace() {
  const found = neighbours();
  const box = document.querySelector("[data-place]");
  if (!found || !box || found.of < 2) return;
  box.hidden = false;
  box.title = box.dataset.place.replace("{n}", found.at + 1).replace("{of}", found.of);
  for (const link of box.querySelectorAll("[data-go]")) {
    const other = found[link.dataset.go];
    link.classList.toggle("disabled", !other);
    if (other) {
      link.href = other.url;
      link.title = `${link.getAttribute("aria-label")}: ${other.title}`;
    } else {
      link.removeAttribute("href");
      link.setAttribute("aria-disabled", "true");
    }
  }
}

function take() {
  const form = side()?.querySelector("form[action$='/take']");
  if (form) form.requestSubmit();
  else side()?.querySelector("a[data-act][href$='/take']")?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (typing(event.target) || event.target.closest("[role=menu]") || document.querySelector("dialog[open]")) return;
  const other = { j: "after", k: "before" }[event.key];
  if (other) document.querySelector(`[data-place]:not([hidden]) [data-go=${other}][href]`)?.click();
  else if (event.key === "m") take();
  else if (LINKS[event.key]) side()?.querySelector(`a[data-act][href$="/${LINKS[event.key]}"]`)?.click();
  else return;
  event.preventDefault();
});

document.addEventListener("ticket:head", showPlace);
showPlace();
