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

byId("confirm-cancel").addEventListener("click", () => {
  if (go.getAttribute("aria-disabled") !== "true") {
    dialog.close();
  }
});

// Closing in mid-call would hide whether it succeeded.
dialog.addEventListener("cancel", (event) => {
  if (go.getAttribute("aria-disabled") === "true") {
    event.preventDefault();
  }
});

go.addEventListener("click", async () => {
  if (!claim(go)) {
    return;
  }
  try {
    await pending.run();
    dialog.close();
    pending.done();
  } catch (problem) {
    showProblem(byId("confirm-problem"), problem);
  } finally {
    release(go);
  }
});
