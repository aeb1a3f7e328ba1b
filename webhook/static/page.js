// What every page of the console has: `/` goes to the search, and the zone of this browser can be chosen.
"use strict";
(() => {
  const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    event.preventDefault();
    const search = document.getElementById("wanted");
    if (search === null) location.assign("/calls#wanted");
    else search.focus();
  });
  if (location.hash === "#wanted") document.getElementById("wanted")?.focus();

  const button = document.getElementById("browser-zone");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = [...document.querySelectorAll(".zone button")].map((it) => it.value);
  if (button !== null && zone && !known.includes(zone)) {
    button.value = zone;
    button.textContent = `${zone} (this browser)`;
    button.hidden = false;
  }
})();
