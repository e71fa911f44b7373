// The tab of browser sessions.

import { get, remove, withQuery } from "./api.js";
import { byId, make } from "./dom.js";
import { browserName, timeElement } from "./format.js";
import { Grid, filled } from "./grid.js";
import { t } from "./words.js";

/** Makes the list; `changed` is called after something was done. */
export function sessionList(changed) {
  return new Grid({
    place: byId("sessions-grid"),
    name: t("sessions.title"),
    filters: () => filled("panel-sessions"),
    fetch,
    key: ({ session_key: key }) => key,
    title: ({ email, user_agent: agent, address }) => t("sessions.of", { email, browser: browserName(agent), address }),
    columns: [
      { id: "person", cell: person, value: ({ email }) => email },
      { id: "browser", kind: "text", cell: browser, value: ({ user_agent: agent }) => browserName(agent) },
      { id: "address", cell: ({ address }) => make("bdi", {}, address), value: ({ address }) => address },
      { id: "opened", cell: ({ created_at: at }) => timeElement(at), value: ({ created_at: at }) => at },
      { id: "seen", cell: ({ last_seen: at }) => timeElement(at), value: ({ last_seen: at }) => at },
      { id: "expires", cell: ({ expires_at: at }) => timeElement(at), value: ({ expires_at: at }) => at },
    ],
    actions: () => [{ id: "end", danger: true, run: ({ session_key: key }) => remove(`/api/admin/sessions/${encodeURIComponent(key)}`) }],
    bulk: ["end"],
    isOwn: ({ current }) => current,
    empty: ({ email }) => (email ? "sessions.none" : "sessions.empty"),
    changed,
  });
}

async function fetch({ email }, cursor) {
  // Half an address is nobody's yet.
  if (email && !/^[^@]+@[^@]+\.[^@.]+$/.test(email)) {
    return { items: [] };
  }
  const page = await get(withQuery("/api/admin/sessions", { email, limit: 50, cursor }));
  return { items: page.sessions, next: page.next_cursor, total: page.total };
}

function person({ email, current }) {
  const parts = [make("bdi", {}, email)];
  if (current) {
    parts.push(" ", make("span", { class: "badge current" }, t("sessions.current")));
  }
  return parts;
}

function browser({ user_agent: agent }) {
  return make("bdi", { title: agent }, browserName(agent));
}
