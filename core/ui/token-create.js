// Mints a token and shows it once.

import { post } from "./api.js";
import { copyOnClick } from "./copy.js";
import { byId, claim, make, release, setError, showProblem } from "./dom.js";
import { absolute, day, now } from "./format.js";
import { fillTabs } from "./tabs.js";
import { t } from "./words.js";

/** The clients we have set-up texts for, in the order shown. */
const CLIENTS = [
  ["claude_code", "Claude Code"],
  ["codex", "Codex"],
  ["roo_code", "Roo Code"],
  ["python", "Python"],
  ["typescript", "TypeScript"],
  ["curl", "curl"],
];

/** The longest name of a token, in characters. */
const LONGEST_NAME = 64;

const form = byId("create-form");
const lifetime = byId("lifetime");
const expiry = byId("expiry");

/** The longest lifetime that the gateway gives a token, in seconds. */
const LONGEST = Number(expiry.dataset.longest);

/** Wires the form and the panel; `onCreated` is called after each new token. */
export function startCreate(onCreated) {
  copyOnClick(byId("created-copy"), byId("created-token"), t("create.token"));
  for (const input of [byId("token-name"), expiry]) {
    input.addEventListener("input", () => setError(input, ""));
  }
  lifetime.addEventListener("change", showDate);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    create(onCreated);
  });
  byId("created-done").addEventListener("click", () => {
    forget();
    byId("token-name").focus();
  });
  addEventListener("beforeunload", (event) => {
    if (!byId("created").hidden && !byId("created-copy").dataset.copied) {
      event.preventDefault();
    }
  });
  // A page kept for the back button must not bring the token back after sign-out.
  addEventListener("pagehide", forget);
}

function showDate() {
  byId("expiry-field").hidden = lifetime.value !== "date";
  expiry.min = localDay(now());
  expiry.max = localDay(now() + LONGEST);
  byId("expiry-hint").textContent = t("create.date_hint", { date: day(now() + LONGEST) });
}

/** Returns the reader's day of a moment, as date fields have it. */
function localDay(time) {
  const date = new Date(time * 1000);
  const pad = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** Returns the lifetime that was chosen, in seconds; nothing if none can be used. A token lives until its last day ends. */
function chosenLifetime() {
  if (lifetime.value !== "date") {
    return Number(lifetime.value);
  }
  const end = new Date(`${expiry.value}T23:59:59`).getTime() / 1000;
  const seconds = Math.floor(end - now());
  const usable = seconds >= 60 && expiry.value <= expiry.max;
  return usable ? Math.min(seconds, LONGEST) : undefined;
}

async function create(onCreated) {
  const nameInput = byId("token-name");
  const name = nameInput.value.trim();
  const expiresIn = chosenLifetime();
  byId("create-problem").replaceChildren();
  // Characters, whatever the browser counts.
  const tooLong = [...name].length > LONGEST_NAME ? t("create.long_name", { count: LONGEST_NAME }) : "";
  setError(nameInput, name ? tooLong : t("create.no_name"));
  setError(expiry, expiresIn === undefined ? t("create.no_date", { date: day(now() + LONGEST) }) : "");
  const wrong = form.querySelector("[aria-invalid=true]");
  if (wrong) {
    wrong.focus();
    return;
  }
  const button = byId("create-button");
  if (!claim(button)) {
    return;
  }
  try {
    const chosen = new FormData(form).getAll("scope");
    const scopes = byId("scopes") ? { scopes: chosen } : {};
    const minted = await post("/api/token/generate", { token_name: name, expires_in: expiresIn, ...scopes });
    show(minted);
    form.reset();
    showDate();
    onCreated();
  } catch (problem) {
    showProblem(byId("create-problem"), problem);
  } finally {
    release(button);
  }
}

function show(minted) {
  byId("created-title").textContent = t("created.title", { name: minted.token_name });
  byId("created-expiry").textContent = t("created.expires", { when: absolute(minted.expires_at) });
  byId("created-token").textContent = minted.token;
  delete byId("created-copy").dataset.copied;
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
  const what = t("created.set_up_of", { client: label });
  const source = make("pre", {}, text);
  const button = make("button", { class: "button small", type: "button" }, t("copy.copy"), make("span", { class: "unseen" }, ` ${what}`));
  copyOnClick(button, source, what);
  return make("div", { class: "snippet" }, source, button);
}

function forget() {
  byId("created").hidden = true;
  byId("create").hidden = false;
  for (const id of ["created-title", "created-expiry", "created-token", "client-tabs", "client-panels"]) {
    byId(id).replaceChildren();
  }
}
