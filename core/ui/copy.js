// Buttons that copy a text.

import { announce, toast } from "./dom.js";
import { t } from "./words.js";

/** How long a button says "Copied", in milliseconds. */
const FEEDBACK_STAY = 2500;

/** Makes `button` copy what `source` shows; `what` names it in the announcement. */
export function copyOnClick(button, source, what) {
  const label = [...button.childNodes];
  let timer;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // Without a secure context or permission the browser offers no clipboard; the reader still has a keyboard.
      getSelection().selectAllChildren(source);
      toast(t("copy.selected", { what }));
      return;
    }
    button.textContent = t("copy.copied");
    button.dataset.copied = "yes";
    announce(t("copy.announced", { what }));
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.replaceChildren(...label);
      announce("");
    }, FEEDBACK_STAY);
  });
}
