// Keeps the part of a page that is marked `data-live` up to date, and says so when it cannot.
"use strict";
(() => {
  const EVERY_MS = 4000;
  const PATIENCE_MS = 10000;
  const live = document.querySelector("[data-live]");
  const stale = document.getElementById("stale");
  const pause = document.getElementById("pause");
  let updated = new Date();

  const isPaused = () => pause !== null && pause.getAttribute("aria-pressed") === "true";

  // Somebody who marks text wants to copy it.
  const isMarked = () => {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && live.contains(selection.anchorNode);
  };

  const put = (fresh) => {
    const focused = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    live.replaceChildren(...fresh.childNodes);
    if (focused !== null) {
      [...live.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
    }
  };

  const refresh = async () => {
    try {
      const options = { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) };
      const answer = await fetch(location.href, options);
      if (answer.status === 401) return location.reload();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      put(page.querySelector("[data-live]") ?? (() => { throw new Error("another page"); })());
      updated = new Date();
      stale.hidden = true;
    } catch {
      stale.textContent = `Not updated since ${updated.toLocaleTimeString()}: no answer.`;
      stale.hidden = false;
    }
  };

  const tick = async () => {
    if (!document.hidden && !isPaused() && !isMarked()) await refresh();
    setTimeout(tick, EVERY_MS);
  };

  if (live === null) return;
  if (pause !== null) {
    pause.hidden = false;
    pause.addEventListener("click", () => pause.setAttribute("aria-pressed", String(!isPaused())));
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !isPaused()) refresh(); });
  setTimeout(tick, EVERY_MS);
})();
