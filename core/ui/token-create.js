// Mints a token and shows it once.

import { post } from "./api.js";
import { copyOnClick } from "./copy.js";
import { byId, claim, make, release, showProblem } from "./dom.js";
import { absolute } from "./format.js";
import { fillTabs } from "./tabs.js";

/** The clients we have set-up texts for, in the order shown. */
const CLIENTS = [
  ["claude_code", "Claude Code"],
  ["codex", "Codex"],
  ["roo_code", "Roo Code"],
  ["curl", "curl"],
];

const form = byId("create-form");
const nameInput = byId("token-name");
const nameError = byId("token-name-error");

/** Wires the form and the panel; `onCreated` is called after each new token. */
export function startCreate(onCreated) {
  copyOnClick(byId("created-copy"), byId("created-token"), "Token");
  nameInput.addEventListener("input", () => setNameError(""));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    create(onCreated);
  });
  byId("created-done").addEventListener("click", () => {
    forget();
    nameInput.focus();
  });
  // A page kept for the back button must not bring the token back after sign-out.
  addEventListener("pagehide", forget);
}

async function create(onCreated) {
  const name = nameInput.value.trim();
  byId("create-problem").replaceChildren();
  setNameError(name ? "" : "Give the token a name.");
  if (!name) {
    nameInput.focus();
    return;
  }
  const button = byId("create-button");
  if (!claim(button)) {
    return;
  }
  try {
    const expiresIn = Number(byId("lifetime").value);
    const minted = await post("/api/token/generate", { token_name: name, expires_in: expiresIn });
    show(minted);
    form.reset();
    onCreated();
  } catch (problem) {
    showProblem(byId("create-problem"), problem);
  } finally {
    release(button);
  }
}

function setNameError(text) {
  nameError.textContent = text;
  nameInput.setAttribute("aria-invalid", String(text !== ""));
}

function show(minted) {
  byId("created-title").textContent = `Your token “${minted.token_name}” is ready`;
  byId("created-expiry").textContent = `It expires on ${absolute(minted.expires_at)}.`;
  byId("created-token").textContent = minted.token;
  showClients(minted.usage_instructions ?? {});
  byId("create").hidden = true;
  byId("created").hidden = false;
  byId("created-title").focus();
}

function showClients(texts) {
  const entries = CLIENTS.filter(([id]) => texts[id])
    .map(([id, label]) => ({ id, label, content: snippet(label, texts[id]) }));
  byId("created-clients").hidden = entries.length === 0;
  if (entries.length > 0) {
    fillTabs(byId("client-tabs"), byId("client-panels"), entries);
  }
}

function snippet(label, text) {
  const source = make("pre", {}, text);
  const button = make("button", { class: "button small", type: "button" }, "Copy", make("span", { class: "unseen" }, ` ${label} set-up`));
  copyOnClick(button, source, `${label} set-up`);
  return make("div", { class: "snippet" }, source, button);
}

function forget() {
  byId("created").hidden = true;
  byId("create").hidden = false;
  for (const id of ["created-title", "created-expiry", "created-token", "client-tabs", "client-panels"]) {
    byId(id).replaceChildren();
  }
}
