// Copies the text of a button's `data-copy` to the clipboard. Without JavaScript these buttons stay hidden.
"use strict";
(() => {
  const show = () => {
    for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (button === null) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    const label = button.textContent;
    button.textContent = "copied";
    setTimeout(() => (button.textContent = label), 1500);
  });
  document.body.addEventListener("htmx:afterSwap", show);
  show();
})();
