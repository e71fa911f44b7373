// The tab of usage: what everybody has used, by what the reader chooses.

import { get, withQuery } from "./api.js";
import { budgetList } from "./budget-list.js";
import { byId, make } from "./dom.js";
import { nothing } from "./grid.js";
import { DIMENSIONS, number, range, shifted, showSums, sumGrid } from "./usage-view.js";
import { t } from "./words.js";

/** How many rows are asked for at once: the most that the API gives. */
const LIMIT = 1000;

const PATH = "/api/admin/usage";
const MORE = ["errors", "unpriced", "estimated"];
const LATENCIES = ["first_byte", "duration"].map(latency);

const by = byId("usage-by");

/** Makes the tab; `changed` is called after something was done. */
export function usageList(changed) {
  by.append(...Object.entries(DIMENSIONS).map(([value, [id]]) => make("option", { value }, t(`column.${id}`))));
  const budgets = budgetList(changed);
  let grid;
  let made;
  const both = (name) => () => {
    if (made !== by.value) {
      made = by.value;
      byId("usage-grid").replaceChildren();
      const errors = number("errors", (row) => row.errors);
      grid = sumGrid(byId("usage-grid"), made, ask, {
        more: ["day", "model"].includes(made) ? [errors, ...LATENCIES] : [errors],
        shown: ({ answer }) => showSums(answer, MORE),
      });
    }
    return Promise.all([grid[name](), budgets[name]()]);
  };
  return { first: both("first"), refresh: both("refresh") };
}

/** What was asked for and told last. */
let last = {};

async function ask() {
  const asked = range();
  byId("usage-export").href = withQuery(`${PATH}.csv`, { ...asked, by: by.value });
  const sums = await get(withQuery(PATH, asked));
  // When nobody has called since, there is nothing else to ask for.
  const known = JSON.stringify([by.value, sums]);
  if (known !== last.known) {
    const { from, to } = sums;
    const of = (dimensions) => get(withQuery(PATH, { from, to, by: dimensions, limit: LIMIT }));
    const [{ rows, more }, { rows: days }, models] = await Promise.all([of(by.value), of("day"), byDayAndModel(sums)]);
    last = { known, page: { items: rows, total: rows.length + more, answer: { ...sums, days, days_by_model: models } } };
  }
  return last.page;
}

/** Asks for all rows by day and model. There may be more than come at once: then it goes on with the day at which they were cut. */
async function byDayAndModel({ from, to }) {
  const all = [];
  for (let start = from; start <= to;) {
    const { rows, more } = await get(withQuery(PATH, { from: start, to, by: "day,model", limit: LIMIT }));
    // Of a day that is too long for one answer, what costs least is left out.
    const cut = more > 0 ? rows.at(-1).day : undefined;
    const next = cut && (cut > start ? cut : shifted(cut, 1));
    all.push(...rows.filter(({ day }) => !next || day < next));
    start = next ?? shifted(to, 1);
  }
  return all;
}

/** Makes the column of a latency: what half, 95 and 99 of a hundred calls took at most. */
function latency(id) {
  const of = (row) => row.latency[`${id}_ms`];
  const cell = (row) => {
    const { p50, p95, p99 } = of(row);
    return p50 === null ? nothing() : `${[p50, p95, p99].map((ms) => Number((ms / 1000).toPrecision(2))).join(" · ")} s`;
  };
  return { id, cell, value: (row) => of(row).p95 };
}
