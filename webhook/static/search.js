// Says so when a search that goes on by itself got no answer; the button beside it goes on from there.
"use strict";
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.body.addEventListener(name, () => {
    document.getElementById("looking").textContent = "It stopped there, for there was no answer: press the button to look on.";
  });
}
