// The tree of assets: the keys of the WAI-ARIA tree pattern, branches that load when they are opened, drag and drop.
// Without it each node is still a plain link to its record. Loads after app.js and uses its $, $$ and toast.
"use strict";

(() => {
  const TAKES = { location: ["location", "client"], client: ["project", "asset"], project: ["asset"], asset: ["asset"] };
  const TOGETHER = 20; // nodes that one request opens
  const WAIT_TYPED = 700; // milliseconds in which letters make one word
  const WAIT_OPEN = 700; // over a closed node, before a drag opens it
  const tree = () => document.getElementById("tree");
  const items = () => $$("[role=treeitem]", tree()).filter((item) => !item.closest("[role=group][hidden]"));
  const groupOf = (item) => document.getElementById(item.getAttribute("aria-owns") ?? "");
  const isOpen = (item) => item.getAttribute("aria-expanded") === "true";
  const isClosed = (item) => item.getAttribute("aria-expanded") === "false";
  const above = (item) => item.closest("[role=group]")?.parentElement.querySelector(":scope > [role=treeitem]");
  let typed = { text: "", at: 0 };
  let dragged = null;
  let waiting = 0;

  // --- focus ------------------------------------------------------------------

  // One node is in the tab order; the bar below says what can be done with it.
  function rove(item) {
    $$("[role=treeitem][tabindex='0']", tree()).forEach((one) => one.setAttribute("tabindex", "-1"));
    item.setAttribute("tabindex", "0");
  }

  function go(item) {
    if (!item) return;
    rove(item);
    item.focus();
    item.scrollIntoView({ block: "nearest" });
  }

  function show(item) {
    const bar = document.getElementById("tree-bar");
    bar.hidden = !item.dataset.node;
    $("[data-tree-name]", bar).textContent = item.dataset.name ?? "";
    const links = { open: item.href, register: item.dataset.register, move: item.dataset.move };
    for (const [name, url] of Object.entries(links)) {
      const link = $(`[data-tree-${name}]`, bar);
      link.hidden = !url;
      if (url) link.href = url;
    }
  }

  // Coming back shows the tree as it was left.
  function remember(item) {
    if (!item.dataset.node) return;
    const url = new URL(location.href);
    url.searchParams.set("open", item.dataset.node);
    history.replaceState(history.state, "", url);
  }

  // --- opening ----------------------------------------------------------------

  async function fetched(url) {
    const reply = await fetch(url, { headers: { "HX-Request": "true" } });
    if (reply.redirected || reply.headers.has("HX-Redirect")) return location.reload(); // signed out meanwhile
    if (!reply.ok) throw new Error(reply.status);
    return reply.text();
  }

  // Nodes of one level, with one request: of several, each comes in a list of its own that names it.
  async function fill(some) {
    const url = new URL(tree().dataset.children, location.href);
    some.forEach((item) => url.searchParams.append("node", item.dataset.node));
    url.searchParams.set("level", Number(some[0].getAttribute("aria-level")) + 1);
    some.forEach((item) => item.setAttribute("aria-busy", "true"));
    try {
      const html = await fetched(url);
      if (html === undefined) return;
      if (some.length === 1) return void (groupOf(some[0]).innerHTML = html);
      const spare = document.createElement("template");
      spare.innerHTML = html;
      some.forEach((item) => {
        const branch = $(`[data-branch="${CSS.escape(item.dataset.node)}"]`, spare.content);
        groupOf(item).replaceChildren(...(branch?.childNodes ?? []));
      });
    } finally {
      some.forEach((item) => item.removeAttribute("aria-busy"));
    }
  }

  async function expand(...wanted) {
    const closed = wanted.filter(isClosed);
    const empty = closed.filter((item) => !groupOf(item).childElementCount);
    try {
      for (let at = 0; at < empty.length; at += TOGETHER) await fill(empty.slice(at, at + TOGETHER));
    } catch {
      return toast("danger", $("#toasts").dataset.offline);
    }
    closed.forEach((item) => {
      groupOf(item).hidden = false;
      item.setAttribute("aria-expanded", "true");
    });
  }

  function collapse(item) {
    const group = groupOf(item);
    const within = group.contains(document.activeElement);
    group.hidden = true;
    item.setAttribute("aria-expanded", "false");
    if (within) go(item);
  }

  // The rest of a long level takes the place of "more…"; what was shown ahead of its turn is not shown twice.
  async function more(item) {
    const row = item.parentElement;
    const spare = document.createElement("template");
    try {
      spare.innerHTML = (await fetched(item.href)) ?? "";
    } catch {
      return toast("danger", $("#toasts").dataset.offline);
    }
    $$("[role=treeitem][id]", spare.content).forEach((one) => document.getElementById(one.id)?.parentElement.remove());
    const first = $("[role=treeitem]", spare.content);
    row.replaceWith(spare.content);
    go(first);
  }

  function toggle(item) {
    if (isOpen(item)) collapse(item);
    else expand(item);
  }

  // --- keys ---------------------------------------------------------------------

  function step(item, by) {
    const all = items();
    go(all[all.indexOf(item) + by]);
  }

  function into(item) {
    if (isClosed(item)) return expand(item);
    if (isOpen(item)) go($("[role=treeitem]", groupOf(item)));
  }

  function outOf(item) {
    if (isOpen(item)) collapse(item);
    else go(above(item));
  }

  function jump(item, letter, at) {
    typed = { text: at - typed.at < WAIT_TYPED ? typed.text + letter : letter, at };
    const all = items();
    const same = [...typed.text].every((one) => one === typed.text[0]);
    const wanted = same ? typed.text[0] : typed.text;
    const from = all.indexOf(item) + (same ? 1 : 0);
    const order = [...all.slice(from), ...all.slice(0, from)];
    go(order.find((one) => (one.dataset.name ?? "").toLowerCase().startsWith(wanted)));
  }

  const KEYS = {
    ArrowDown: (item) => step(item, 1),
    ArrowUp: (item) => step(item, -1),
    ArrowRight: into,
    ArrowLeft: outOf,
    Home: () => go(items()[0]),
    End: () => go(items().at(-1)),
    "*": (item) => expand(...$$(":scope > li > [role=treeitem]", item.closest("ul"))),
    " ": toggle,
  };

  document.addEventListener("keydown", (event) => {
    const item = event.target.closest?.("#tree [role=treeitem]");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key];
    const letter = event.key.length === 1 && !act;
    if (!act && !letter) return; // Enter follows the link
    if (letter && "/?".includes(event.key)) return; // the palette and the keyboard sheet
    event.preventDefault();
    event.stopImmediatePropagation();
    if (act) act(item);
    else jump(item, event.key.toLowerCase(), event.timeStamp);
  }, true);

  document.addEventListener("click", (event) => {
    const item = event.target.closest("#tree [role=treeitem]");
    if (!item || event.ctrlKey || event.metaKey || event.shiftKey) return;
    rove(item);
    if (item.matches("[data-more]")) {
      event.preventDefault();
      return more(item);
    }
    if (event.target.closest(".tree-toggle") && item.hasAttribute("aria-expanded")) {
      event.preventDefault();
      item.focus();
      return toggle(item);
    }
    remember(item);
  });

  document.addEventListener("focusin", (event) => {
    const item = event.target.closest("#tree [role=treeitem]");
    if (!item) return;
    rove(item);
    show(item);
  });

  // --- drag and drop ------------------------------------------------------------

  const under = (event) => event.target.closest?.("#tree [role=treeitem][data-node]");

  function takes(item) {
    if (!dragged || !item || item === dragged || groupOf(dragged)?.contains(item)) return false;
    return TAKES[item.dataset.kind].includes(dragged.dataset.kind) && above(dragged) !== item;
  }

  function mark(item) {
    $$(".is-target", tree()).forEach((one) => one.classList.remove("is-target"));
    item?.classList.add("is-target");
  }

  // The form of "Move…", sent without its page: the question names what comes along.
  function send(what, where) {
    const form = document.getElementById("tree-drop");
    const { ask, askAlong, askLabel } = tree().dataset;
    form.action = what.dataset.move;
    form.elements.target.value = where.dataset.node;
    const random = crypto.getRandomValues(new Uint32Array(4));
    form.elements._key.value = [...random].map((one) => one.toString(36)).join("");
    const parts = { what: what.dataset.name, where: where.dataset.name, count: what.dataset.along };
    form.dataset.confirm = (parts.count ? askAlong : ask).replace(/\{(\w+)\}/g, (_, name) => parts[name]);
    form.dataset.confirmLabel = askLabel;
    form.requestSubmit();
  }

  document.addEventListener("dragstart", (event) => {
    const item = under(event);
    if (!item?.dataset.move) return;
    dragged = item;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", item.dataset.name);
    item.classList.add("is-dragged");
  });

  document.addEventListener("dragover", (event) => {
    if (!dragged) return;
    const item = under(event);
    if (!takes(item)) return mark(null);
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    mark(item);
  });

  document.addEventListener("dragenter", (event) => {
    if (!dragged) return;
    clearTimeout(waiting);
    const item = under(event);
    if (item && isClosed(item)) waiting = setTimeout(() => expand(item), WAIT_OPEN);
  });

  document.addEventListener("drop", (event) => {
    const item = under(event);
    if (!takes(item)) return;
    event.preventDefault();
    send(dragged, item);
  });

  document.addEventListener("dragend", () => {
    clearTimeout(waiting);
    dragged?.classList.remove("is-dragged");
    dragged = null;
    if (tree()) mark(null);
  });

  // --- after load and after every swap -----------------------------------------

  function arrive() {
    const root = tree();
    if (!root || root.dataset.ready) return;
    root.dataset.ready = "1";
    const { here } = root.dataset;
    const open = here && $(`[data-node="${CSS.escape(here)}"]`, root);
    if (open) go(open);
    else rove(items()[0]);
  }

  document.addEventListener("htmx:after:swap", arrive);
  arrive();
})();
