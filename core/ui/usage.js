// The page of what a person has used.

import { get, withQuery } from "./api.js";
import { showBudgets } from "./budgets.js";
import { byId } from "./dom.js";
import { wireFilters } from "./grid.js";
import { startLive } from "./live.js";
import { givenGrid, range, showSums, sumGrid } from "./usage-view.js";

const form = byId("usage-range");
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

const query = new URLSearchParams(location.search);
for (const { name } of form.elements) {
  if (query.has(name)) {
    form.elements[name].value = query.get(name);
  }
}
const grid = sumGrid(byId("usage-grid"), "model", fetch, { shown });
wireFilters(form, () => {
  grid.first();
  history.replaceState(null, "", `?${new URLSearchParams(new FormData(form))}`);
});
startLive(() => grid.refresh())();
