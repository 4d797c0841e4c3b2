// Scanning tags: Enter sends the field, which is empty and focused again at once; what comes back is counted, and kept once.
"use strict";

(() => {
  const box = () => $("#scan-tag");
  const rows = () => $$("#scanned tr");
  const states = (state) => rows().filter((row) => row.dataset.state === state).length;

  // Says how many are on the list, and of a single scan what became of it.
  function count(said = "") {
    const line = $("[data-scan-count]");
    const { ready, refused, none } = line.dataset;
    const parts = [`${states("ready")} ${ready}`, states("refused") && `${states("refused")} ${refused}`].filter(Boolean);
    line.textContent = [rows().length ? parts.join(", ") : none, said].filter(Boolean).join(" · ");
    keep();
  }

  // The list survives a reload: in this tab, for this person and this way, until the server says that it is done.
  const { person, way } = $("[data-scan]").dataset;
  const key = `scan:${person}:${way}`;
  let waiting = []; // kept tags whose rows have not come back yet

  function kept() {
    try {
      return JSON.parse(sessionStorage.getItem(key)) ?? {};
    } catch {
      return {};
    }
  }

  function keep() {
    const here = rows().map((row) => row.dataset.scanned);
    waiting = waiting.filter((tag) => !here.includes(tag.toLowerCase()));
    const tags = [...waiting, ...rows().map((row) => $("input[name=tags]", row).value).reverse()];
    const id = kept().id ?? [...crypto.getRandomValues(new Uint32Array(2))].map((n) => n.toString(16)).join("");
    $("[data-scan-list]").value = id;
    try {
      if (tags.length) sessionStorage.setItem(key, JSON.stringify({ id, tags }));
      else sessionStorage.removeItem(key);
    } catch {
      // No storage: then it does not survive.
    }
  }

  function restore() {
    for (const other of Object.keys(sessionStorage)) {
      if (other.startsWith("scan:") && !other.startsWith(`scan:${person}:`)) sessionStorage.removeItem(other);
    }
    const address = new URL(location.href);
    if (address.searchParams.has("done")) {
      if (address.searchParams.get("done") === kept().id) sessionStorage.removeItem(key);
      address.searchParams.delete("done");
      history.replaceState(history.state, "", address);
    }
    if (rows().length) return keep();
    waiting = kept().tags ?? [];
    if (!waiting.length) return;
    box().value = waiting.join("\n");
    box().form.requestSubmit();
  }

  // When htmx has seen the form.
  document.addEventListener("DOMContentLoaded", restore);

  // New rows come first: of two with one tag the older one goes.
  function settle() {
    const { most, twice, full } = $("[data-scan-count]").dataset;
    const seen = new Set();
    let said = "";
    for (const row of rows()) {
      if (seen.has(row.dataset.scanned)) {
        row.remove();
        said = `${row.dataset.scanned} ${twice}`;
      }
      seen.add(row.dataset.scanned);
    }
    rows().slice(Number(most)).forEach((row) => {
      row.remove();
      said = full;
    });
    count(said);
  }

  document.addEventListener("keydown", (event) => {
    if (!event.target.matches("#scan-tag") || event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) return $("#scan :is(input:not([type=hidden]), select:not([hidden]), textarea)").focus();
    if (event.target.value.trim()) event.target.form.requestSubmit();
  });

  document.addEventListener("paste", (event) => {
    if (!event.target.matches("#scan-tag")) return;
    if (/\n/.test(event.clipboardData.getData("text").trim())) setTimeout(() => event.target.form.requestSubmit());
  });

  // The request holds its own copy by now; a fast scanner already types the next tag.
  document.addEventListener("htmx:config:request", (event) => {
    if (!event.detail.ctx.request.form?.matches("[data-scan]")) return;
    box().value = "";
    box().focus();
  });

  document.addEventListener("htmx:after:swap", () => $("#scanned") && settle());

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-unscan]")) return;
    event.target.closest("tr").remove();
    count();
    box().focus();
  });
})();
