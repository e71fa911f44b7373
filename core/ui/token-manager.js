// The token page: what was spent, the tokens, and where the person is signed in.

import { get } from "./api.js";
import { byId } from "./dom.js";
import { absolute, dollars, keepTimes, now, resetDay } from "./format.js";
import { startSessions } from "./own-sessions.js";
import { startCreate } from "./token-create.js";
import { load, startList } from "./token-list.js";
import { t } from "./words.js";

async function showSpend() {
  const { spend, budgets } = await get("/api/usage/me");
  const line = byId("spend");
  const spent = t("spend.month", { amount: dollars(spend.monthly.spent) });
  line.textContent = [spent, ...budgets.map(budgetWords)].join(" · ");
  line.title = budgets.filter(({ reset }) => reset).map(({ reset }) => t("spend.resets", { when: absolute(reset) })).join("\n");
  line.hidden = false;
}

function budgetWords({ window, limit, spent, reset }) {
  const words = t("spend.budget", { window: t(`window.${window}`), spent: dollars(spent), limit: dollars(limit) });
  return reset ? `${words}${t("list.separator")}${t("spend.resets", { when: resetDay(reset, now()) })}` : words;
}

startCreate(load);
startList();
load();
startSessions();
// It only informs; the page is whole without it.
showSpend().catch(() => {});
keepTimes();
