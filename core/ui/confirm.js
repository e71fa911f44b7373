// The one dialog that asks before something cannot be undone.

import { byId, claim, release, showProblem } from "./dom.js";

const dialog = byId("confirm");
const go = byId("confirm-go");
let pending;

/**
 * Asks, and on agreement awaits `run`. The dialog stays open while `run` works and shows why it failed;
 * it closes once `run` has succeeded, and `done` is called after the focus has come back.
 */
export function ask({ title, text, action, run, done }) {
  pending = { run, done };
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-problem").replaceChildren();
  go.textContent = action;
  dialog.showModal();
}

function working() {
  return go.getAttribute("aria-disabled") === "true";
}

byId("confirm-cancel").addEventListener("click", () => {
  if (!working()) {
    dialog.close();
  }
});

// Closing in mid-call would hide whether it succeeded.
dialog.addEventListener("cancel", (event) => {
  if (working()) {
    event.preventDefault();
  }
});

// Browsers let a second Escape through whatever a page says to the first.
dialog.addEventListener("close", () => {
  if (working()) {
    dialog.showModal();
  }
});

go.addEventListener("click", async () => {
  if (!claim(go)) {
    return;
  }
  try {
    await pending.run();
  } catch (problem) {
    release(go);
    showProblem(byId("confirm-problem"), problem);
    return;
  }
  release(go);
  dialog.close();
  pending.done();
});
