// The dashboard: figures on top, and one of five lists. The address says which, and what is asked for, so that a page that is
// opened again shows the same.

import { get } from "./api.js";
import { auditList } from "./audit-list.js";
import { byId } from "./dom.js";
import { keepTimes } from "./format.js";
import { wireFilters } from "./grid.js";
import { startLive } from "./live.js";
import { peopleList } from "./people-list.js";
import { sessionList } from "./session-list.js";
import { wireTabs } from "./tabs.js";
import { tokenSearch } from "./token-search.js";
import { usageList } from "./usage-list.js";
import { count } from "./words.js";

const NAMES = ["people", "sessions", "tokens", "audit", "usage"];

let shown = 0;
let refreshNow = () => {};
const changed = () => {
  figuresDue = 0;
  return refreshNow();
};
const lists = [peopleList(changed), sessionList(changed), tokenSearch(changed), auditList(), usageList(changed)];
const forms = NAMES.map((name) => byId(`panel-${name}`).querySelector("form"));

function remember() {
  const query = new URLSearchParams({ tab: NAMES[shown] });
  for (const [name, value] of new FormData(forms[shown])) {
    query.set(name, value);
  }
  history.replaceState(null, "", `?${query}`);
}

function recall() {
  const query = new URLSearchParams(location.search);
  shown = Math.max(0, NAMES.indexOf(query.get("tab")));
  for (const field of forms[shown].elements) {
    if (field.name && query.has(field.name)) {
      field.value = query.get(field.name);
    }
  }
}

/** How often the figures are not asked for with the list: they cost more than it, and change less. */
const FIGURES_EACH = 6;
let figuresDue = 0;

async function showFigures() {
  if (figuresDue > 0) {
    figuresDue -= 1;
    return;
  }
  figuresDue = FIGURES_EACH - 1;
  try {
    await askForFigures();
  } catch (problem) {
    figuresDue = 0;
    throw problem;
  }
}

async function askForFigures() {
  const { people_seen: people, people_suspended: suspended, sessions, tokens } = await get("/api/admin/overview");
  for (const [name, number] of Object.entries({ people, sessions, suspended, tokens: tokens?.active })) {
    byId(`tile-${name}`).textContent = number === undefined || number === null ? "–" : count(number);
  }
  byId("tiles").removeAttribute("aria-busy");
}

recall();
const select = wireTabs(byId("tabs"), (index) => {
  const moved = index !== shown;
  shown = index;
  if (moved) {
    remember();
    lists[index].first();
  }
});
select(shown);
forms.forEach((form, index) => wireFilters(form, () => {
  remember();
  lists[index].first();
}));
refreshNow = startLive(() => Promise.all([showFigures(), lists[shown].refresh()]));
refreshNow();
keepTimes();
