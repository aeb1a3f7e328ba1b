// Lets htmx update a page only while it is visible, and shows when an update fails.
"use strict";
(() => {
  const stale = document.getElementById("stale");
  const pause = document.getElementById("pause");
  const region = () => document.getElementById("live");
  const all = (selector) => [...region().querySelectorAll(selector)];
  const isPaused = () => pause.getAttribute("aria-pressed") === "true";
  let updated = new Date();
  let focused = null;
  let opened = new Set();

  // Do not update while text is selected: the user wants to copy it.
  const isMarked = () => {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && region().contains(selection.anchorNode);
  };

  // Identify each by its text and its index among those with the same text: new ones may have been added.
  const known = (selector, words) => {
    const seen = new Map();
    return all(selector).map((it) => {
      const text = words(it);
      seen.set(text, (seen.get(text) ?? 0) + 1);
      return [`${text} ${seen.get(text)}`, it];
    });
  };
  const details = () => known("details", (it) => it.querySelector("summary").textContent);
  // Identify a link by its target: its text may change.
  const reachable = () => known("a, button, summary, [tabindex]", (it) => it.getAttribute("href") ?? `${it.tagName} ${it.textContent}`);

  const on = (name, act) => document.body.addEventListener(name, act);
  const refresh = () => htmx.trigger(region(), "refresh");

  on("htmx:beforeRequest", (event) => {
    if (document.hidden || isPaused() || isMarked()) event.preventDefault();
  });
  on("htmx:beforeSwap", () => {
    focused = reachable().find(([, it]) => it === document.activeElement)?.[0] ?? null;
    opened = new Set(details().filter(([, it]) => it.open).map(([key]) => key));
  });
  on("htmx:afterSwap", () => {
    updated = new Date();
    stale.hidden = true;
    pause.hidden = !region().hasAttribute("hx-get"); // the awaited state is reached
    for (const [key, it] of details()) it.open = opened.has(key);
    if (focused !== null) reachable().find(([key]) => key === focused)?.[1].focus();
  });
  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    on(name, (event) => {
      if (event.detail.xhr?.status === 401) return location.reload();
      stale.textContent = `Not updated since ${updated.toLocaleTimeString()}: no answer.`;
      stale.hidden = false;
    });
  }
  pause.hidden = false;
  pause.addEventListener("click", () => pause.setAttribute("aria-pressed", String(!isPaused())));
  document.addEventListener("visibilitychange", refresh);
})();
