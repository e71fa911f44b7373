// The token page: who is here, what was spent, and the tokens.

import { get } from "./api.js";
import { byId } from "./dom.js";
import { absolute, dollars, now, resetDay } from "./format.js";
import { startCreate } from "./token-create.js";
import { load, startList } from "./token-list.js";

async function showWho() {
  const { user } = await get("/api/me");
  const who = byId("who");
  who.textContent = user.email;
  who.title = user.name ? `Signed in as ${user.name}` : "Signed in";
}

async function showSpend() {
  const { spend, budgets } = await get("/api/usage/me");
  const line = byId("spend");
  line.textContent = [`Spent this month ${dollars(spend.monthly.spent)}`, ...budgets.map(budgetWords)].join(" · ");
  line.title = budgets.filter(({ reset }) => reset).map(({ window, reset }) => `${window} budget resets ${absolute(reset)}`).join("\n");
  line.hidden = false;
}

function budgetWords({ window, limit, spent, reset }) {
  const words = `${window} budget ${dollars(spent)} of ${dollars(limit)}`;
  return reset ? `${words}, resets ${resetDay(reset, now())}` : words;
}

startCreate(load);
startList();
load();
// Both only inform; the page is whole without them.
showWho().catch(() => {});
showSpend().catch(() => {});

// A page brought back by the back button shows the past, and perhaps another person's.
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    location.reload();
  }
});
