// The token page: what was spent, the tokens, and where the person is signed in.

import { get } from "./api.js";
import { showBudgets } from "./budgets.js";
import { byId } from "./dom.js";
import { dollars, keepTimes } from "./format.js";
import { startSessions } from "./own-sessions.js";
import { startCreate } from "./token-create.js";
import { load, startList } from "./token-list.js";
import { t } from "./words.js";

async function showSpend() {
  const { spend, budgets } = await get("/api/usage/me");
  byId("spend").textContent = t("spend.month", { amount: dollars(spend.monthly.spent) });
  byId("spend").hidden = false;
  showBudgets(budgets);
}

startCreate(load);
startList();
load();
startSessions();
// It only informs; the page is whole without it.
showSpend().catch(() => {});
keepTimes();
