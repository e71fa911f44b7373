// Lists a person's tokens, page by page, and revokes them.

import { get, post, withQuery } from "./api.js";
import { ask } from "./confirm.js";
import { badge, byId, claim, make, release, showOnly, showProblem, toast } from "./dom.js";
import { dayElement, expiry, now, timeElement } from "./format.js";
import { n, t } from "./words.js";

/** Tokens asked for at once: the most that most people ever have. */
const PAGE_SIZE = 50;

/** From how long before its end a token is marked as ending soon, in seconds. */
const SOON = 3 * 24 * 60 * 60;

const STATES = ["list-loading", "list-empty", "list-problem", "list-table"];
const rows = byId("list-rows");
const more = byId("load-more");
let nextCursor = null;

/** Which `load` is the latest; answers to earlier ones are dropped. */
let generation = 0;

/** Wires the list's buttons. */
export function startList() {
  byId("list-retry").addEventListener("click", load);
  byId("revoke-all").addEventListener("click", askToRevokeAll);
  more.addEventListener("click", loadMore);
}

/** Shows the first page afresh. What is shown stays until the answer is here. */
export async function load() {
  const mine = ++generation;
  if (byId("list-table").hidden) {
    showOnly(STATES, "list-loading");
  }
  try {
    const page = await fetchPage();
    if (mine === generation) {
      rows.replaceChildren(...page.tokens.map(row));
      showOnly(STATES, page.tokens.length > 0 ? "list-table" : "list-empty");
      settle(page);
    }
  } catch (problem) {
    if (mine === generation) {
      more.hidden = true;
      byId("revoke-all").hidden = true;
      showOnly(STATES, "list-problem");
      showProblem(byId("list-problem-text"), problem);
    }
  }
}

async function loadMore() {
  if (!claim(more)) {
    return;
  }
  const mine = generation;
  try {
    const page = await fetchPage(nextCursor);
    if (mine === generation) {
      rows.append(...page.tokens.map(row));
      settle(page);
      toast(n("list.more_shown", page.tokens.length));
      if (more.hidden) {
        byId("list-title").focus({ preventScroll: true });
      }
    }
  } catch (problem) {
    toast(problem.message);
  } finally {
    release(more);
  }
}

function fetchPage(cursor) {
  return get(withQuery("/api/token/list", { limit: PAGE_SIZE, cursor }));
}

function settle(page) {
  nextCursor = page.next_cursor;
  more.hidden = !nextCursor;
  offerRevokeAll();
}

function offerRevokeAll() {
  byId("revoke-all").hidden = !nextCursor && !rows.querySelector("tr.active");
}

function row(token) {
  const active = token.status === "active";
  const name = make("th", { role: "rowheader", scope: "row" }, make("bdi", {}, token.token_name));
  const scopes = (token.scopes ?? []).join(" ");
  // Nearly every token has the default scope alone; saying so on each line would be noise.
  if (scopes && scopes !== "llm") {
    name.append(make("code", { class: "sub" }, scopes));
  }
  // A revoked token has ended already, whatever its expiry says.
  const expires = token.status === "revoked" ? make("span", { class: "nothing" }, "–") : expiry(token.expires_at);
  if (active && token.expires_at - now() < SOON) {
    expires.classList.add("soon");
  }
  const element = make("tr", { role: "row", class: active ? "active" : "ended" },
    name,
    make("td", { role: "cell", class: "standing" }, badge(token.status)),
    when(t("list.created"), timeElement(token.created_at)),
    when(t(token.status === "expired" ? "list.expired" : "list.expires"), expires),
    when(t("list.last_used"), token.last_used ? dayElement(token.last_used) : t("list.never")));
  const action = make("td", { role: "cell", class: "act" });
  if (active) {
    action.append(revokeButton(token));
  }
  element.append(action);
  return element;
}

function when(label, content) {
  return make("td", { role: "cell", class: "when", "data-label": label }, content);
}

function revokeButton(token) {
  const button = make("button", { class: "button small danger", type: "button" }, t("list.revoke"),
    make("span", { class: "unseen" }, ` ${token.token_name}`));
  button.addEventListener("click", () => ask({
    title: t("list.revoke_question", { name: token.token_name }),
    text: t("list.revoke_text"),
    action: t("list.revoke_go"),
    run: () => post("/api/token/revoke", { token_id: token.token_id }),
    done: () => {
      leaveFor(t("list.revoked", { name: token.token_name }));
      load();
    },
  }));
  return button;
}

function askToRevokeAll() {
  ask({
    title: t("list.revoke_all_question"),
    text: t("list.revoke_all_text"),
    action: t("list.revoke_all_go"),
    run: () => post("/api/token/revoke-all", {}),
    done: () => {
      leaveFor(t("list.all_revoked"));
      load();
    },
  });
}

// The button that was pressed is gone, so the focus goes to the list's heading.
function leaveFor(text) {
  byId("list-title").focus({ preventScroll: true });
  toast(text);
}
