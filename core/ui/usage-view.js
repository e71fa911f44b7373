// What the pages of usage share: the range, the figures, cost by day, and tables of sums.

import { REST, bar, bySeries, columnChart } from "./charts.js";
import { byId, make } from "./dom.js";
import { dollars, namedDay, share } from "./format.js";
import { Grid } from "./grid.js";
import { count, t } from "./words.js";

const DAY = 24 * 60 * 60 * 1000;

/** The most days that the API adds up. */
const MOST_DAYS = 400;

/** What sums are told apart by: the column that names a row, what shows it and what is beside, and what it is known by. */
export const DIMENSIONS = {
  user: ["person", (row) => row.user_email ?? t("usage.erased"), (row) => row.user_name, (row) => row.user_id],
  model: ["model", (row) => row.model, (row) => row.provider],
  group: ["group", (row) => row.group],
  token: ["token", (row) => row.token_name ?? row.token_id, (row) => row.user_email, (row) => row.token_id],
  provider: ["provider", (row) => row.provider],
  day: ["day", (row) => namedDay(row.day), () => {}, (row) => row.day],
};

const form = byId("usage-range");
const showColumns = columnChart(byId("usage-days"), byId("usage-days-title").textContent);
const showDays = givenGrid(byId("usage-days-grid"), "day");

/** Returns what the reader asks for, as the API does. */
export function range() {
  const { days, from, to } = form.elements;
  const { today } = form.dataset;
  for (const field of [from, to]) {
    field.disabled = field.parentElement.hidden = days.value !== "";
    field.max = today;
  }
  if (days.value) {
    // The default is asked for with the document.
    return days.value === "30" ? {} : { from: shifted(today, 1 - days.value) };
  }
  const [first, last] = [from.value, to.value || today].sort();
  const earliest = shifted(last, 1 - MOST_DAYS);
  return { from: first && first < earliest ? earliest : first, to: last };
}

/** Returns the day that is so many days later. */
export function shifted(day, by) {
  return new Date(Date.parse(day) + by * DAY).toISOString().slice(0, 10);
}

/** Shows the figures and cost by day of an answer. */
export function showSums({ from, to, today, time_zone: zone, total, days, days_by_model: rows }, more = []) {
  form.dataset.today = today;
  byId("usage-note").textContent = `${namedDay(from)} – ${namedDay(to)} (${zone})`;
  const told = [["cost", dollars(total.cost)], ["requests", count(total.requests)], ["tokens", count(input(total) + total.output_tokens)],
    ["cache", cached(total)], ...more.map((id) => [id, count(total[id])])];
  byId("usage-figures").replaceChildren(...told.map(([id, text]) => make("div", {}, make("dt", {}, t(`column.${id}`)), make("dd", {}, text))));
  showColumns(columns(from, to, rows));
  showDays(days);
}

function input(sum) {
  return sum.input_tokens + sum.cache_write_5m_tokens + sum.cache_write_1h_tokens + sum.cache_read_tokens;
}

/** Says how much of what went in was read from a cache. */
function cached(sum) {
  return share(sum.cache_read_tokens, input(sum) || 1);
}

function columns(from, to, rows) {
  const costs = {};
  for (const { model, cost } of rows) {
    costs[`-${model}`] = (costs[`-${model}`] ?? 0) + Number(cost);
  }
  // Those that cost most, by their names: none changes its colour when another overtakes it.
  const named = Object.keys(costs).sort((one, other) => costs[other] - costs[one]).slice(0, REST).sort().map((name) => name.slice(1));
  const days = {};
  for (let day = from; day <= to; day = shifted(day, 1)) {
    days[day] = { key: day, label: namedDay(day, true), name: namedDay(day), parts: [] };
  }
  for (const { day, model, cost } of rows) {
    const at = named.indexOf(model);
    const series = at < 0 ? REST : at;
    const { parts } = days[day];
    const rest = parts.find((part) => part.series === REST && series === REST);
    if (rest) {
      rest.value += Number(cost);
    } else {
      parts.push({ series, name: series === REST ? t("usage.other") : model, value: Number(cost) });
      parts.sort(bySeries);
    }
  }
  return Object.values(days);
}

/** Makes the column of a whole number. */
export function number(id, value) {
  return { id, cell: (row) => count(value(row)), value };
}

/** Makes a table of what `fetch` returns, sums by one dimension, with more columns beside the usual ones. */
export function sumGrid(place, by, fetch, { more = [], shown } = {}) {
  const [id, name, beside = () => {}, key = name] = DIMENSIONS[by];
  const head = (row) => {
    const sub = beside(row);
    return [make("bdi", {}, name(row)), ...(sub ? [make("bdi", { class: "sub" }, sub)] : [])];
  };
  return new Grid({
    place,
    name: t(`column.${id}`),
    filters: () => {},
    fetch: async () => {
      const page = await fetch();
      const most = Math.max(...page.items.map(({ cost }) => cost));
      return { ...page, items: page.items.map((row) => ({ ...row, part: row.cost / most || 0 })) };
    },
    key: (row) => `${key(row)} ${row.provider}`,
    title: name,
    columns: [
      { id, cell: head, value: by === "day" ? key : name },
      { id: "cost", kind: "when cost", cell: ({ cost, part }) => [dollars(cost), bar(part, 0)], value: ({ cost }) => Number(cost) },
      number("requests", (row) => row.requests),
      number("input", input),
      number("output", (row) => row.output_tokens),
      { id: "cache", cell: cached, value: (row) => row.cache_read_tokens / input(row) || 0 },
      ...more,
    ],
    empty: () => "usage.empty",
    shown,
  });
}

/** Makes a table of sums that is given its rows: returns what shows them. */
export function givenGrid(place, by) {
  let items = [];
  const grid = sumGrid(place, by, () => ({ items }));
  return (rows) => {
    items = rows;
    return grid.refresh();
  };
}
