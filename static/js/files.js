// Files of a record: dropped or chosen ones are sent one by one, each with its progress; photos open large.
// Loads with the part that it serves; without it the form sends them all at once.
"use strict";

(() => {
  if (document.documentElement.dataset.files) return;
  document.documentElement.dataset.files = "1";

  const line = (list, name) => {
    const item = document.createElement("li");
    const text = document.createElement("span");
    const bar = document.createElement("progress");
    text.textContent = name;
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", name);
    item.append(text, bar);
    list.append(item);
    return { item, bar, say: (words, kind) => {
      bar.remove();
      item.className = kind;
      const said = document.createElement("span");
      said.textContent = words;
      item.append(said);
    } };
  };

  // fetch() tells nothing of what it has sent, XMLHttpRequest does.
  const send = (form, file, row) => new Promise((resolve) => {
    const words = form.dataset;
    if (file.size > Number(words.limit)) {
      row.say(words.tooLarge, "is-refused");
      return resolve(false);
    }
    const body = new FormData();
    body.append("csrf_token", form.elements.csrf_token.value);
    body.append("files", file);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) row.bar.value = event.loaded / event.total; });
    request.addEventListener("loadend", () => {
      const fine = request.status === 201;
      let said = words.failed;
      try { said = JSON.parse(request.responseText).error?.message ?? said; } catch { /* not ours */ }
      row.say(fine ? words.added : said.replace(`${file.name}: `, ""), fine ? "is-added" : "is-refused");
      resolve(fine);
    });
    request.send(body);
  });

  const sendAll = async (form, files) => {
    const list = form.querySelector("[data-uploads]");
    list.replaceChildren();
    const rows = files.map((file) => [file, line(list, file.name)]);
    form.setAttribute("aria-busy", "true");
    let added = 0;
    for (const [file, row] of rows) if (await send(form, file, row)) added += 1;
    form.removeAttribute("aria-busy");
    form.reset();
    if (added) document.getElementById("files-list")?.dispatchEvent(new CustomEvent("files:added"));
  };

  const formOf = (event) => event.target.closest?.("[data-dropzone]");

  document.addEventListener("submit", (event) => {
    const form = formOf(event);
    if (!form || !form.elements.files.files.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    sendAll(form, [...form.elements.files.files]);
  }, true);

  document.addEventListener("change", (event) => {
    const form = formOf(event);
    if (form && event.target.files.length) sendAll(form, [...event.target.files]);
  });

  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      const form = formOf(event);
      if (!form || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      form.classList.toggle("is-over", type === "dragenter" || type === "dragover");
      if (type === "drop") sendAll(form, [...event.dataTransfer.files]);
    });
  }

  // --- photos, large ---------------------------------------------------------------

  const photos = () => [...document.querySelectorAll("[data-look]")];
  let shown = null;

  const look = (link) => {
    const dialog = document.getElementById("look");
    shown = link;
    const picture = dialog.querySelector("img");
    picture.src = link.href;
    picture.alt = link.dataset.look;
    dialog.querySelector("[data-name]").textContent = link.dataset.look;
    if (!dialog.open) dialog.showModal();
  };

  const step = (by) => {
    const all = photos();
    if (all.length > 1) look(all[(all.indexOf(shown) + by + all.length) % all.length]);
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-look]");
    const go = event.target.closest("[data-step]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      look(link);
    } else if (go) step(Number(go.dataset.step));
    else if (event.target.id === "look") event.target.close();
  });

  document.addEventListener("keydown", (event) => {
    if (!document.getElementById("look")?.open) return;
    if (event.key === "ArrowRight") step(1);
    if (event.key === "ArrowLeft") step(-1);
  });
})();
