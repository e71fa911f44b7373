// The token page: what was spent, the tokens, and where the person is signed in.

import { get } from "./api.js";
import { byId, make } from "./dom.js";
import { absolute, dollars, keepTimes, now, resetDay } from "./format.js";
import { startSessions } from "./own-sessions.js";
import { startCreate } from "./token-create.js";
import { load, startList } from "./token-list.js";
import { t } from "./words.js";

/** From how many hundredths on a budget is shown as running out, and as all but used up. */
const LOW = 75;
const LOWEST = 95;

async function showSpend() {
  const { spend, budgets } = await get("/api/usage/me");
  byId("spend").textContent = t("spend.month", { amount: dollars(spend.monthly.spent) });
  byId("spend").hidden = false;
  byId("budgets").replaceChildren(...budgets.map(budgetItem));
  byId("budgets").hidden = budgets.length === 0;
}

/** Shows how full a budget is: what is spent, and behind it what running calls hold. */
function budgetItem({ scope, window, limit, spent, held, reset }) {
  const part = (amount) => (Number(limit) > 0 ? Math.min(100, (Number(amount) * 100) / Number(limit)) : 100);
  const percent = Math.floor(part(spent));
  const level = percent >= LOWEST ? "lowest" : percent >= LOW ? "low" : "ample";
  const name = budgetName(scope, window);
  const meter = make("div", { class: `meter ${level}`, role: "meter", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": percent });
  for (const [kind, width] of [["held", part(Number(spent) + Number(held))], ["spent", part(spent)]]) {
    const bar = make("span", { class: kind });
    bar.style.inlineSize = `${width}%`;
    meter.append(bar);
  }
  const amounts = make("span", { class: "amounts" }, t("spend.of", { spent: dollars(spent), limit: dollars(limit) }));
  const more = [];
  if (Number(held) > 0) {
    more.push(t("spend.held", { amount: dollars(held) }));
  }
  if (reset) {
    more.push(t("spend.resets", { when: resetDay(reset, now()) }));
  }
  const notes = make("span", { class: "notes" }, more.join(t("list.separator")));
  notes.title = reset ? absolute(reset) : "";
  return make("li", {}, make("span", { class: "name" }, name), amounts, meter, notes);
}

function budgetName(scope, window) {
  const [kind, ...rest] = scope.split(":");
  const words = { window: t(`window.${window}`), name: rest.join(":") };
  switch (kind) {
    case "group": return t("spend.budget.group", words);
    case "org": return t("spend.budget.org", words);
    case "token": return t("spend.budget.token", words);
    default: return t("spend.budget.own", words);
  }
}

startCreate(load);
startList();
load();
startSessions();
// It only informs; the page is whole without it.
showSpend().catch(() => {});
keepTimes();
