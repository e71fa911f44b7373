// The dialog that suspends people.

import { post } from "./api.js";
import { keepOpen, runAll } from "./confirm.js";
import { byId, claim, release, setError, showProblem } from "./dom.js";
import { n, t } from "./words.js";

const dialog = byId("suspend");
const go = byId("suspend-go");
const address = byId("suspend-email");
let pending;

/** Asks for how long and why, and suspends whoever has one of `emails`; without any, asks for an address, too. */
export function askToSuspend(emails, done) {
  pending = { left: [...emails], done };
  const named = emails.length > 0;
  byId("suspend-title").textContent = emails.length > 1
    ? n("suspend.many", emails.length)
    : t(named ? "suspend.one" : "suspend.somebody", { name: emails[0] });
  byId("suspend-email-field").hidden = named;
  byId("suspend-form").reset();
  setError(address, "");
  byId("suspend-problem").replaceChildren();
  dialog.showModal();
  (named ? byId("suspend-duration") : address).focus();
}

byId("suspend-cancel").addEventListener("click", keepOpen(dialog, go));
address.addEventListener("input", () => setError(address, ""));

byId("suspend-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!byId("suspend-email-field").hidden) {
    const typed = address.value.trim();
    if (!typed.includes("@")) {
      setError(address, t("suspend.no_address"));
      address.focus();
      return;
    }
    pending.left = [typed];
  }
  if (!claim(go)) {
    return;
  }
  const label = go.textContent;
  const duration = JSON.parse(byId("suspend-duration").value);
  const reason = byId("suspend-reason").value.trim();
  const named = pending.left[0];
  const suspend = (email) => post("/api/admin/users/ban", { user_email: email, duration_seconds: duration, reason });
  try {
    await runAll(pending.left, (email) => email, suspend, go);
  } catch (problem) {
    showProblem(byId("suspend-problem"), problem);
    return;
  } finally {
    release(go);
    go.textContent = label;
  }
  dialog.close();
  pending.done(named);
});
