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
  }

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
