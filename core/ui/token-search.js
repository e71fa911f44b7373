// The tab of everybody's tokens.

import { get, remove, withQuery } from "./api.js";
import { badge, byId, make } from "./dom.js";
import { dayElement, expiry, timeElement } from "./format.js";
import { Grid, filled } from "./grid.js";
import { t } from "./words.js";

/** Makes the list; `changed` is called after something was done. */
export function tokenSearch(changed) {
  return new Grid({
    place: byId("tokens-grid"),
    name: t("tokens.title"),
    filters: () => filled("panel-tokens"),
    fetch,
    key: ({ token_id: id }) => id,
    title: ({ token_name: name, user_email: email }) => t("tokens.of", { name, email }),
    columns: [
      { id: "token", cell: token, value: ({ token_name: name }) => name },
      { id: "status", kind: "standing", cell: ({ status }) => badge(status), value: ({ status }) => status },
      { id: "owner", cell: ({ user_email: email }) => make("bdi", {}, email), value: ({ user_email: email }) => email },
      { id: "created", cell: ({ created_at: at }) => timeElement(at), value: ({ created_at: at }) => at },
      { id: "expires", cell: ({ expires_at: at }) => expiry(at), value: ({ expires_at: at }) => at },
      { id: "used", cell: ({ last_used: at }) => (at ? dayElement(at) : t("list.never")), value: ({ last_used: at }) => at },
    ],
    actions: ({ status }) => (status === "active" ? [{ id: "revoke", danger: true, run: ({ token_id: id }) => remove(`/api/admin/tokens/${id}`) }] : []),
    bulk: ["revoke"],
    row: ({ status }) => (status === "active" ? "" : "ended"),
    empty: ({ q, status }) => (q || status ? "tokens.none" : "tokens.empty"),
    changed,
  });
}

async function fetch({ q, status }, cursor) {
  const page = await get(withQuery("/api/admin/tokens", { q, status, limit: 50, cursor }));
  return { items: page.tokens, next: page.next_cursor };
}

function token({ token_name: name, scopes }) {
  const parts = [make("bdi", {}, name)];
  const words = (scopes ?? []).join(" ");
  // Nearly every token has the default scope alone; saying so on each line would be noise.
  if (words && words !== "llm") {
    parts.push(make("code", { class: "sub" }, words));
  }
  return parts;
}
