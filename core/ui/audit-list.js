// The tab of the audit log: read only.

import { get, getText, withQuery } from "./api.js";
import { byId, claim, make, release, toast } from "./dom.js";
import { absolute, momentElement } from "./format.js";
import { Grid, filled, nothing } from "./grid.js";
import { count, n, t } from "./words.js";

/** What an entry tells as Unix seconds. */
const MOMENTS = new Set(["expiry", "until"]);

/** Makes the list. */
export function auditList() {
  byId("audit-export").addEventListener("click", (event) => {
    event.preventDefault();
    save(byId("audit-export"));
  });
  return new Grid({
    place: byId("audit-grid"),
    name: t("audit.title"),
    filters: () => filled("panel-audit"),
    fetch,
    key: ({ id }) => id,
    title: ({ action }) => action,
    columns: [
      { id: "action", cell: ({ action }) => make("code", {}, action), value: ({ action }) => action },
      { id: "when", cell: ({ at }) => momentElement(at), value: ({ at }) => at },
      { id: "actor", kind: "text when", cell: (entry) => somebody(entry.actor_email, entry.actor), value: (entry) => entry.actor_email ?? entry.actor },
      { id: "target", kind: "text when", cell: (entry) => somebody(entry.target_email, entry.target), value: (entry) => entry.target_email ?? entry.target },
      { id: "detail", kind: "text when", cell: detail },
      { id: "address", cell: ({ address }) => (address ? make("bdi", {}, address) : nothing()), value: ({ address }) => address },
    ],
    empty: ({ actor, target }) => (actor || target ? "audit.none" : "audit.empty"),
  });
}

async function fetch(filters, cursor) {
  const page = await get(withQuery("/api/admin/audit", { ...filters, limit: 50, cursor }));
  return { items: page.entries, next: page.next_cursor };
}

function somebody(email, id) {
  return email ? make("bdi", { title: id }, email) : make("code", {}, id);
}

function detail({ detail: told }) {
  const facts = Object.entries(told ?? {}).filter(([, value]) => value !== null && value !== "");
  if (facts.length === 0) {
    return nothing();
  }
  return make("bdi", {}, facts.map(([name, value]) => `${name}: ${written(name, value)}`).join(", "));
}

function written(name, value) {
  if (MOMENTS.has(name) && typeof value === "number") {
    return absolute(value);
  }
  return typeof value === "object" ? JSON.stringify(value) : value;
}

/** Saves the whole log as one table, which comes in parts (RFC 8288, `next`). */
async function save(link) {
  if (!claim(link)) {
    return;
  }
  const label = link.textContent;
  try {
    const parts = [];
    for (let path = withQuery("/api/admin/audit.csv", filled("panel-audit")); path;) {
      const { text, headers } = await getText(path);
      // Each part begins with the same line of names.
      parts.push(parts.length > 0 ? text.slice(text.indexOf("\n") + 1) : text);
      path = /<([^>]+)>; rel="next"/.exec(headers.get("link") ?? "")?.[1];
      link.textContent = n("audit.exporting", parts.length);
    }
    const url = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
    make("a", { href: url, download: "audit.csv" }).click();
    // Browsers take their time to begin.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    toast(t("audit.exported", { rows: count(parts.join("").split("\r\n").length - 2) }));
  } catch (problem) {
    toast(problem.message);
  } finally {
    link.textContent = label;
    release(link);
  }
}
