// Shows when an automatically continued search got no answer; the button continues it.
"use strict";
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.body.addEventListener(name, () => {
    document.getElementById("looking").textContent = "It stopped there, for there was no answer: press the button to look on.";
  });
}
