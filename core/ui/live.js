// Keeps a page up to date by itself, and says whether it is.

import { announce, byId, showProblem } from "./dom.js";
import { clockTime } from "./format.js";
import { t } from "./words.js";

/** The pause between an answer and the next question, in milliseconds. */
const PAUSE = 5000;

/** The longest pause while the gateway does not answer, in milliseconds. */
const LONGEST_PAUSE = 30_000;

/** How long it goes on without anybody at the page, in milliseconds: asking keeps a session open, which is not to outlive its reader. */
const UNATTENDED = 15 * 60_000;

const state = byId("live-state");
const toggle = byId("live-toggle");

/** Calls `refresh` again and again while the page is seen and not paused. Returns what does so at once. */
export function startLive(refresh) {
  let timer;
  let failures = 0;
  let last;
  let running;
  let paused = false;
  let attended = Date.now();

  const say = (kind) => {
    const changed = state.dataset.state !== kind;
    state.dataset.state = kind;
    state.textContent = t(`live.${kind === "lost" && !last ? "never" : kind}`, { time: last ? clockTime(last) : "" });
    toggle.textContent = t(paused ? "live.resume" : "live.pause");
    // The time alone is no news.
    if (changed && kind !== "live") {
      announce(state.textContent);
    }
  };

  const pause = (is, kind) => {
    paused = is;
    clearTimeout(timer);
    if (is) {
      say(kind);
    } else {
      run();
    }
  };

  const schedule = () => {
    clearTimeout(timer);
    if (paused || document.hidden) {
      return;
    }
    if (Date.now() - attended > UNATTENDED) {
      pause(true, "unattended");
      return;
    }
    timer = setTimeout(run, Math.min(PAUSE * 2 ** failures, LONGEST_PAUSE));
  };

  const attempt = async () => {
    try {
      await refresh();
      failures = 0;
      last = new Date();
      say(paused ? "paused" : "live");
      byId("live-problem").replaceChildren();
    } catch (problem) {
      failures += 1;
      say(problem.status === 403 ? "refused" : "lost");
      showProblem(byId("live-problem"), problem);
    }
    schedule();
  };

  const run = async () => {
    clearTimeout(timer);
    // What is asked for now is newer than what is on its way.
    await running;
    running = attempt();
    await running;
  };

  toggle.addEventListener("click", () => pause(!paused, "paused"));
  for (const sign of ["pointerdown", "keydown", "wheel"]) {
    addEventListener(sign, () => {
      attended = Date.now();
      if (paused && state.dataset.state === "unattended") {
        pause(false);
      }
    }, { passive: true, capture: true });
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(timer);
    } else if (!paused) {
      run();
    }
  });
  return run;
}
