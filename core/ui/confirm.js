// The one dialog that asks before something cannot be undone.

import { Problem } from "./api.js";
import { announce, byId, claim, release, showProblem } from "./dom.js";
import { t } from "./words.js";

/** Which of many steps are announced: every fifth. */
const ANNOUNCED = 5;

const dialog = byId("confirm");
const go = byId("confirm-go");
let pending;

/**
 * Asks, and on agreement awaits `run`. The dialog stays open while `run` works and shows why it failed;
 * it closes once `run` has succeeded, and `done` is called after the focus has come back.
 */
export function ask({ title, text, action, run, done = () => {} }) {
  pending = { run, done };
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-problem").replaceChildren();
  go.textContent = action;
  dialog.showModal();
}

/** Keeps a dialog open while `button` works: closing in mid-call would hide whether it succeeded. */
export function keepOpen(dialog, button) {
  const working = () => button.getAttribute("aria-disabled") === "true";
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
  return () => {
    if (!working()) {
      dialog.close();
    }
  };
}

/**
 * Does `run` to each of `items`, one after the other, and says how far it is. What fails stays in `items`, so that going on tries
 * those again.
 */
export async function runAll(items, name, run, button) {
  const failed = [];
  const all = items.splice(0);
  for (const [at, item] of all.entries()) {
    if (all.length > 1) {
      button.textContent = t("bulk.progress", { at: at + 1, count: all.length });
      if (at % ANNOUNCED === 0) {
        announce(button.textContent);
      }
    }
    try {
      await run(item);
    } catch (problem) {
      failed.push({ item, problem });
    }
  }
  items.push(...failed.map(({ item }) => item));
  if (failed.length === 1 && all.length === 1) {
    throw failed[0].problem;
  }
  if (failed.length > 0) {
    const list = failed.map(({ item, problem }) => `${name(item)}: ${problem.message}`).join("\n");
    const [{ problem: { requestId } }] = failed;
    throw new Problem(`${t("bulk.failed", { count: failed.length, all: all.length })}\n${list}`, { requestId });
  }
}

byId("confirm-cancel").addEventListener("click", keepOpen(dialog, go));

go.addEventListener("click", async () => {
  if (!claim(go)) {
    return;
  }
  const label = go.textContent;
  try {
    await pending.run(go);
  } catch (problem) {
    release(go);
    go.textContent = label;
    showProblem(byId("confirm-problem"), problem);
    return;
  }
  release(go);
  dialog.close();
  pending.done();
});
