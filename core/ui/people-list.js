// The tab of people: who was seen, who is suspended, who has left.

import { get, post, remove, withQuery } from "./api.js";
import { badge, byId, make, toast } from "./dom.js";
import { brief, dollars, timeElement } from "./format.js";
import { Grid, filled, nothing } from "./grid.js";
import { askToSuspend } from "./suspend.js";
import { t } from "./words.js";

/** Who is looking: nobody suspends themselves. */
const own = byId("who").textContent.trim();
const isSuperAdmin = byId("who").dataset.role === "super_admin";

/** Makes the list; `changed` is called after something was done. */
export function peopleList(changed) {
  byId("suspend-address").addEventListener("click", () => askToSuspend([], (email) => {
    toast(t("action.suspend.done", { name: email }));
    changed();
  }));
  return new Grid({
    place: byId("people-grid"),
    name: t("people.title"),
    filters: () => filled("panel-people"),
    fetch,
    key: ({ id }) => id,
    title: ({ email }) => email,
    columns: [
      { id: "person", cell: person, value: ({ email }) => email },
      { id: "status", kind: "standing", cell: standing, value: ({ status }) => status },
      { id: "methods", cell: methods },
      { id: "sessions", cell: ({ session_count: count }) => String(count ?? "–"), value: ({ session_count: count }) => count },
      { id: "tokens", cell: ({ token_count: count }) => String(count ?? "–"), value: ({ token_count: count }) => count },
      { id: "spent", cell: ({ spent_this_month: spent }) => (spent ? dollars(spent) : nothing()), value: ({ spent_this_month: spent }) => Number(spent ?? 0) },
      { id: "seen", cell: seen, value: (one) => one.last_access ?? one.last_sign_in },
    ],
    actions,
    bulk: ["suspend", "lift", "restore", "end_sessions", "revoke_tokens"],
    isOwn: ({ email }) => email === own,
    row: ({ status }) => status,
    empty: ({ q, status }) => (q || !["", "seen"].includes(status) ? "people.none" : "people.empty"),
    changed,
  });
}

async function fetch({ q, status }, cursor) {
  if (status === "seen" && !q) {
    const page = await get(withQuery("/api/admin/sessions/active-users", { limit: 50, cursor }));
    return { items: page.active_users, next: page.next_cursor, total: page.total };
  }
  const page = await get(withQuery("/api/admin/users", { q, status: status === "seen" ? "" : status, limit: 50, cursor }));
  return { items: page.users, next: page.next_cursor };
}

function person({ email, name, roles }) {
  const parts = [make("bdi", {}, email)];
  const role = roles.at(-1);
  if (role !== "user") {
    parts.push(" ", make("span", { class: `badge ${role}` }, t(`role.${role}`)));
  }
  if (name) {
    parts.push(make("bdi", { class: "sub" }, name));
  }
  return parts;
}

function standing({ status, suspended_until: until, suspension_reason: reason }) {
  const parts = [badge(status)];
  if (status === "suspended") {
    parts.push(make("span", { class: "sub" }, until ? t("people.until", { when: brief(until) }) : t("people.until_lifted")));
  }
  if (reason) {
    parts.push(make("bdi", { class: "sub reason" }, reason));
  }
  return parts;
}

function methods({ auth_methods: found }) {
  return found?.length > 0 ? found.map((method) => t(`method.${method}`)).join(t("list.separator")) : nothing();
}

function seen({ last_access: access, last_sign_in: signIn }) {
  const moment = access ?? signIn;
  return moment ? timeElement(moment) : t("people.never");
}

/** What may be done to somebody: what an administrator may not do to another is not offered, and refused by the gateway, too. */
function actions({ email, status, roles }) {
  const role = roles.at(-1);
  const by = (path) => (one) => post(path, { user_email: one.email });
  const ending = [
    { id: "end_sessions", danger: true, run: by("/api/admin/sessions/revoke-user") },
    { id: "revoke_tokens", danger: true, run: by("/api/admin/tokens/revoke-user") },
  ];
  const erase = { id: "erase", danger: true, run: ({ id }) => remove(`/api/admin/users/${id}`) };
  const erasing = isSuperAdmin ? [erase] : [];
  if (status === "removed") {
    return [{ id: "restore", run: by("/api/admin/users/restore") }, ...erasing];
  }
  const suspend = { danger: true, open: (people, done) => askToSuspend(people.map((one) => one.email), done) };
  if (status === "suspended") {
    return [{ id: "lift", run: by("/api/admin/users/unban") }, { id: "change", ...suspend }, ...ending, ...erasing];
  }
  if (email !== own && (role === "user" || (isSuperAdmin && role === "admin"))) {
    return [{ id: "suspend", ...suspend }, ...ending, ...erasing];
  }
  return role === "super_admin" && !isSuperAdmin ? [] : ending;
}
