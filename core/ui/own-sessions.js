// Lists a person's own sessions, and ends them.

import { get, post, remove } from "./api.js";
import { ask } from "./confirm.js";
import { byId, make, showOnly, showProblem, toast } from "./dom.js";
import { browserName, timeElement } from "./format.js";
import { t } from "./words.js";

const list = byId("sessions");
const STATES = ["sessions-loading", "sessions-problem", "sessions"];

/** Wires the list's buttons, and shows it. */
export function startSessions() {
  byId("sessions-retry").addEventListener("click", load);
  byId("sign-out-everywhere").addEventListener("click", askToSignOut);
  load();
}

async function load() {
  try {
    const { sessions } = await get("/api/me/sessions?limit=200");
    list.replaceChildren(...sessions.map(entry));
    showOnly(STATES, "sessions");
  } catch (problem) {
    showOnly(STATES, "sessions-problem");
    showProblem(byId("sessions-problem-text"), problem);
  }
}

function entry(session) {
  const name = browserName(session.user_agent);
  const what = make("div", { class: "what" }, make("bdi", { title: session.user_agent }, name), " ");
  if (session.current) {
    what.append(make("span", { class: "badge current" }, t("sessions.current")));
  }
  const seen = make("span", { class: "sub" }, t("sessions.seen"), " ", timeElement(session.last_seen), " · ", make("bdi", {}, session.address));
  what.append(seen);
  const element = make("li", { class: "act" }, what);
  if (!session.current) {
    element.append(endButton(session, name, element));
  }
  return element;
}

function endButton(session, name, element) {
  const button = make("button", { class: "button small danger", type: "button" }, t("sessions.end"), make("span", { class: "unseen" }, ` ${name}`));
  button.addEventListener("click", () => ask({
    title: t("sessions.end_question"),
    text: t("sessions.end_text", { name }),
    action: t("sessions.end_go"),
    run: () => end(session.session_key),
    done: () => {
      element.remove();
      byId("sessions-title").focus({ preventScroll: true });
      toast(t("sessions.ended"));
    },
  }));
  return button;
}

async function end(key) {
  try {
    await remove(`/api/me/sessions/${encodeURIComponent(key)}`);
  } catch (problem) {
    // It has ended meanwhile.
    if (problem.status !== 404) {
      throw problem;
    }
  }
}

function askToSignOut() {
  ask({
    title: t("sessions.everywhere_question"),
    text: t("sessions.everywhere_text"),
    action: t("sessions.everywhere_go"),
    run: () => post("/api/me/sign-out-everywhere", {}),
    done: () => location.assign("/"),
  });
}
