// Copies to the clipboard the text of a button's `data-copy`, or of the element whose id is in its `data-copy-from`.
// Without JavaScript these buttons stay hidden.
"use strict";
(() => {
  const BUTTONS = "button[data-copy], button[data-copy-from]";
  const show = () => {
    for (const button of document.querySelectorAll(BUTTONS)) button.hidden = false;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest(BUTTONS);
    if (button === null) return;
    await navigator.clipboard.writeText(button.dataset.copy ?? document.getElementById(button.dataset.copyFrom).textContent);
    const label = button.textContent;
    button.textContent = "copied";
    setTimeout(() => (button.textContent = label), 1500);
  });
  document.body.addEventListener("htmx:afterSwap", show);
  show();
})();
