// Builds and finds elements. Text goes in as text nodes; nothing here parses markup.

import { t } from "./words.js";

/** Returns the element with this id, which the page is known to hold. */
export function byId(id) {
  return document.getElementById(id);
}

/** Makes an element with attributes and children; strings among the children become text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Marks a button as working and tells whether it was idle. It keeps the focus, which `disabled` would lose. */
export function claim(button) {
  if (button.getAttribute("aria-disabled") === "true") {
    return false;
  }
  button.setAttribute("aria-disabled", "true");
  return true;
}

/** Makes a claimed button work again. */
export function release(button) {
  button.removeAttribute("aria-disabled");
}

/** Says beside a field what is wrong with it; nothing if it is as it should be. */
export function setError(input, text) {
  byId(`${input.id}-error`).textContent = text;
  input.setAttribute("aria-invalid", String(text !== ""));
}

/** Shows one of several elements that take turns in one place. */
export function showOnly(ids, id) {
  for (const other of ids) {
    byId(other).hidden = other !== id;
  }
}

/** Makes a badge of a status. */
export function badge(status) {
  return make("span", { class: `badge ${status}` }, t(`status.${status}`));
}

/** Has a text announced politely to who cannot see the change itself. */
export function announce(text) {
  byId("announcement").textContent = text;
}

/** How long a passing message stays, in milliseconds: enough to read a dozen words. */
const TOAST_STAY = 5000;

let toastTimer;

/** Shows a passing message and has it announced politely. */
export function toast(text) {
  const region = byId("toast");
  region.textContent = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => region.replaceChildren(), TOAST_STAY);
}

/** Shows a failure in `place`, with the request id to quote when asking for help. */
export function showProblem(place, problem) {
  const box = make("div", { class: "problem" }, problem.message);
  if (problem.requestId) {
    box.append(make("code", {}, t("problem.request_id", { id: problem.requestId })));
  }
  // Said again it is no news.
  if (place.textContent !== box.textContent) {
    place.replaceChildren(box);
  }
}
