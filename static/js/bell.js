// The bell: its number follows what happens, its list is fetched when it opens.
"use strict";

(() => {
  const bell = document.getElementById("bell");
  let due = 0;

  function refresh() {
    clearTimeout(due);
    due = setTimeout(() => htmx.ajax("GET", bell.dataset.url, { target: "#bell-list", swap: "innerHTML" }), 200);
  }

  function say() {
    const count = document.getElementById("bell-count");
    if (count) bell.querySelector("summary").setAttribute("aria-label", count.dataset.label);
  }

  if (!bell) return;
  bell.addEventListener("toggle", () => bell.open && refresh());
  document.addEventListener("live:notification", refresh);
  document.addEventListener("live:poll", refresh);
  document.addEventListener("htmx:after:swap", say);
})();
