// Files by picker, drag and paste: sent at once, they wait below the text.
import { asWriter, at, composer, field, form, isWritten, part, quietly, send } from "./page.js";
import { insert } from "./writing.js";

let running = Promise.resolve();
let left = 0;

// What was refused stays in sight until somebody puts it away, or sends without it.
const refused = () => [...(composer()?.querySelectorAll("[data-uploads] .is-refused") ?? [])];

// Sent is what is there: a file that is under way is waited for, and one that was refused is asked about. The capture goes
// before whoever else hears of the submit.
document.addEventListener("submit", (event) => {
  if (event.target !== form() || !(left || refused().length)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  quietly(hold(event.target, event.submitter));
}, true);

async function hold(target, submitter) {
  if (left) await running;
  const lines = refused();
  if (lines.length && !(await without(lines))) return field()?.focus();
  lines.forEach((one) => one.remove());
  if (target.isConnected) target.requestSubmit(submitter?.isConnected ? submitter : null);
}

function without(lines) {
  const { refusedOne, refusedMany, sendWithout } = composer().dataset;
  const names = lines.map((one) => one.firstElementChild.textContent).join(", ");
  const text = (lines.length === 1 ? refusedOne : refusedMany).replace("{n}", lines.length).replace("{names}", names);
  return ask(text, sendWithout);
}

async function refresh() {
  const box = document.getElementById("waiting");
  const fresh = await part("/files/waiting");
  box.replaceChildren(fresh);
  document.dispatchEvent(new CustomEvent("files:changed", { detail: { count: box.querySelectorAll("[data-file]").length } }));
}

// Not by htmx: it would send the form's one-time key along.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-remove]");
  if (!button) return;
  button.disabled = true;
  await quietly(send(button.dataset.remove));
  await quietly(refresh());
  field()?.focus();
});

function line(name) {
  const item = document.createElement("li");
  const text = document.createElement("span");
  const bar = document.createElement("progress");
  text.textContent = name;
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", name);
  item.append(text, bar);
  composer().querySelector("[data-uploads]").append(item);
  return { item, bar, refuse: (words) => {
    bar.remove();
    item.className = "is-refused";
    const said = document.createElement("span");
    said.textContent = words;
    said.append(" ", away(item));
    item.append(said);
  } };
}

function away(item) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm btn-ghost";
  button.textContent = "×";
  button.setAttribute("aria-label", composer().dataset.putAway);
  button.addEventListener("click", () => {
    item.remove();
    field()?.focus();
  });
  return button;
}

// fetch() tells nothing of what it has sent, XMLHttpRequest does.
const upload = (file) => new Promise((resolve) => {
  const words = composer().dataset;
  const row = line(file.name);
  if (file.size > Number(words.limit)) {
    row.refuse(words.tooLarge);
    return resolve(null);
  }
  const body = new FormData();
  body.append("files", file);
  const { draft } = document.querySelector("[data-at]").dataset;
  if (draft) body.append("draft", draft);
  const request = new XMLHttpRequest();
  request.open("POST", at("/files"));
  for (const [name, value] of Object.entries(asWriter({ Accept: "application/json" }))) request.setRequestHeader(name, value);
  request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) row.bar.value = event.loaded / event.total; });
  request.addEventListener("loadend", () => {
    let told = {};
    try { told = JSON.parse(request.responseText); } catch { /* not ours */ }
    if (request.status === 201) {
      row.item.remove();
      return resolve(told.data.files[0]);
    }
    row.refuse((told.error?.message ?? words.failed).replace(`${file.name}: `, ""));
    resolve(null);
  });
  request.send(body);
});

async function uploadAll(files, { inline }) {
  const area = field();
  composer().setAttribute("aria-busy", "true");
  for (const file of files) {
    const row = await upload(file);
    if (row && inline && row.is_image) insert(area, `![${row.name.replace(/[[\]]/g, " ")}](attachment:${row.id})\n`);
  }
  composer().removeAttribute("aria-busy");
  await refresh();
}

function add(files, { inline = false } = {}) {
  left += 1;
  running = running.then(() => quietly(uploadAll(files, { inline }))).finally(() => (left -= 1));
}

document.addEventListener("change", (event) => {
  if (!event.target.matches?.("[data-attach]") || !event.target.files.length) return;
  add([...event.target.files]);
  event.target.value = "";
});

document.addEventListener("paste", (event) => {
  if (!isWritten(event.target)) return;
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length) return;
  event.preventDefault();
  add(files, { inline: true });
});

for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    if (!composer() || !event.target.closest?.("[data-at]") || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    composer().classList.toggle("is-over", type === "dragenter" || type === "dragover");
    if (type === "drop") add([...event.dataTransfer.files]);
  });
}
