// The page of what a person has used.

import { get, withQuery } from "./api.js";
import { showBudgets } from "./budgets.js";
import { byId } from "./dom.js";
import { wireFilters } from "./grid.js";
import { startLive } from "./live.js";
import { givenGrid, range, showSums, sumGrid } from "./usage-view.js";

const showTokens = givenGrid(byId("usage-token-grid"), "token");

async function fetch() {
  const answer = await get(withQuery("/api/usage/me", range()));
  return { items: answer.models, answer };
}

function shown({ answer }) {
  showBudgets(answer.budgets);
  showSums(answer);
  showTokens(answer.tokens);
}

const grid = sumGrid(byId("usage-grid"), "model", fetch, { shown });
wireFilters(byId("usage-range"), () => grid.first());
startLive(() => grid.refresh())();
