// What changes while somebody looks. One stream of events for the visible tab; a hidden one lets go of it, since a browser
// opens few connections to one server. Whoever draws something listens on the document:
//   live:ticket        {id, number, client, project, new}    one ticket was changed, or is new
//   live:tickets       {}                                     very many were, or nobody knows which: look again
//   live:presence      {id, number, client, project}          somebody came, went, or types
//   live:notification  {user}                                 there is something for this person, or was read
//   live:resync        {}                                     events were missed; live:tickets and live:notification follow
//   live:poll          {}                                     each 30 s while there is no stream: look for yourself
// <html data-live="on|off"> says whether the stream is there.
"use strict";

(() => {
  const { url, since } = document.currentScript.dataset;
  const POLL = 30_000;
  const SILENCE = 50_000; // three signs of life that did not come
  const LONGEST = 60_000;
  let source = null;
  let last = since; // what this page knows: the time it was drawn, then the number of the last event
  let failures = 0;
  let again = 0;
  let silence = 0;
  let leaving = false;

  const tell = (topic, detail) => document.dispatchEvent(new CustomEvent(`live:${topic}`, { detail }));
  const state = (on) => (document.documentElement.dataset.live = on ? "on" : "off");

  function hear(event) {
    last = event.lastEventId || last;
    const what = JSON.parse(event.data);
    tell(what.topic, what);
    if (what.topic === "resync") ["tickets", "notification"].forEach((topic) => tell(topic, { topic, resync: true }));
  }

  function alive() {
    clearTimeout(silence);
    silence = setTimeout(retry, SILENCE);
  }

  function open() {
    if (source || leaving || document.hidden || !window.EventSource) return;
    clearTimeout(again);
    source = new EventSource(`${url}?since=${encodeURIComponent(last)}`);
    source.onopen = () => {
      failures = 0;
      state(true);
      alive();
    };
    source.onmessage = (event) => {
      alive();
      hear(event);
    };
    source.addEventListener("beat", (event) => {
      alive();
      last = event.lastEventId || last;
    });
    source.onerror = retry;
  }

  function close() {
    clearTimeout(again);
    clearTimeout(silence);
    source?.close();
    source = null;
    state(false);
  }

  // Later each time, and not all at the same moment: when the server comes back, everybody does.
  function retry() {
    close();
    const wait = Math.min(LONGEST, 1000 * 2 ** failures) * (0.75 + Math.random() / 2);
    failures += 1;
    again = setTimeout(open, wait);
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => event.persisted && open());
  // Whoever signs out is not asked for the stream any more.
  document.addEventListener("submit", (event) => {
    if (!event.target.action?.endsWith?.("/logout")) return;
    leaving = true;
    close();
  });
  setInterval(() => {
    if (!document.hidden && !leaving && source?.readyState !== 1) tell("poll", {});
  }, POLL);

  state(false);
  if (document.readyState === "complete") open();
  else window.addEventListener("load", open);
})();
