// The page of administrators: who is one and why, who becomes one, and whose address it is.

import { get, post, remove } from "./api.js";
import { ask } from "./confirm.js";
import { byId, claim, make, release, setError, showOnly, showProblem, toast } from "./dom.js";
import { t } from "./words.js";

const form = byId("add-form");
const input = byId("add-email");
const rows = byId("admins-rows");
const STATES = ["admins-loading", "admins-problem", "admins-table"];

/** Which `load` is the latest; answers to earlier ones are dropped. */
let generation = 0;

async function load() {
  const mine = ++generation;
  try {
    const { admins, domains, groups } = await get("/api/admin/manage");
    if (mine !== generation) {
      return;
    }
    rows.replaceChildren(...admins.map(row));
    byId("admins-rules").replaceChildren(...rules("admins.domains", domains), ...rules("admins.groups", groups));
    showOnly(STATES, "admins-table");
  } catch (problem) {
    showOnly(STATES, "admins-problem");
    showProblem(byId("admins-problem-text"), problem);
  }
}

function rules(key, names) {
  return names.length > 0 ? [make("p", {}, t(key), " ", make("bdi", {}, names.join(t("list.separator"))))] : [];
}

function row(admin) {
  const source = make("td", { role: "cell", class: "standing" }, make("span", { class: `badge ${admin.source}` }, t(`source.${admin.source}`)));
  const action = make("td", { role: "cell", class: "act" });
  if (admin.removable) {
    action.append(button("admins.remove", admin, askToRemove));
  }
  if (admin.pinned) {
    action.append(button("admins.unpin", admin, askToUnpin));
  }
  const head = make("th", { role: "rowheader", scope: "row" }, make("bdi", {}, admin.email));
  if (admin.pinned) {
    head.append(make("span", { class: "sub" }, t("admins.pinned")));
  }
  return make("tr", { role: "row" }, head, source, action);
}

function button(key, { email }, run) {
  const made = make("button", { class: "button small danger", type: "button" }, t(key), make("span", { class: "unseen" }, ` ${email}`));
  made.addEventListener("click", () => run(email));
  return made;
}

function askToRemove(email) {
  ask({
    title: t("admins.remove_question", { email }),
    text: t("admins.remove_text"),
    action: t("admins.remove"),
    run: () => remove("/api/admin/manage", { email }),
    done: () => leaveFor(t("admins.removed", { email })),
  });
}

function askToUnpin(email) {
  ask({
    title: t("admins.unpin_question", { email }),
    text: t("admins.unpin_text"),
    action: t("admins.unpin"),
    run: () => post("/api/admin/users/unpin", { user_email: email }),
    done: () => leaveFor(t("admins.unpinned", { email })),
  });
}

// The button that was pressed is gone, so the focus goes to the list's heading.
function leaveFor(text) {
  byId("admins-title").focus({ preventScroll: true });
  toast(text);
  load();
}

input.addEventListener("input", () => setError(input, ""));
byId("admins-retry").addEventListener("click", load);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const email = input.value.trim();
  byId("add-problem").replaceChildren();
  setError(input, email.includes("@") ? "" : t("admins.no_address"));
  const go = byId("add-button");
  if (!email.includes("@")) {
    input.focus();
    return;
  }
  if (!claim(go)) {
    return;
  }
  try {
    const { source } = await post("/api/admin/manage", { email });
    toast(t(source === "grant" ? "admins.added" : "admins.was_one", { email }));
    form.reset();
    load();
  } catch (problem) {
    showProblem(byId("add-problem"), problem);
  } finally {
    release(go);
  }
});

load();
