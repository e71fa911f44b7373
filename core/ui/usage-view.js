// What the pages of usage share: the range, the figures, cost by day, and tables of sums.

import { REST, bar, columnChart } from "./charts.js";
import { byId, make } from "./dom.js";
import { about, dollars, namedDay, share } from "./format.js";
import { Grid } from "./grid.js";
import { count, t } from "./words.js";

const DAY = 24 * 60 * 60 * 1000;

/** The most days that the API adds up. */
const MOST_DAYS = 400;

/** The least width of a day's column, in pixels of the window; where there is less, a column is a week. */
const NARROWEST = 8;

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
  if (form.elements.days.value) {
    form.elements.from.value = from;
    form.elements.to.value = to;
  }
  for (const part of document.querySelectorAll(".sums")) {
    part.hidden = total.requests === 0;
  }
  byId("usage-note").textContent = `${namedDay(from)} – ${namedDay(to)} (${zone})`;
  const told = [["cost", dollars(total.cost)], ["requests", count(total.requests)], ["tokens", about(input(total) + total.output_tokens)],
    ["cache", cached(total)], ...more.map((id) => [id, count(total[id])])];
  byId("usage-figures").replaceChildren(...told.map(([id, text]) => make("div", {}, make("dt", {}, t(`column.${id}`)), make("dd", {}, text))));
  showCosts(from, to, rows);
  showDays(days);
}

function input(sum) {
  return sum.input_tokens + sum.cache_write_5m_tokens + sum.cache_write_1h_tokens + sum.cache_read_tokens;
}

/** Says how much of what went in was read from a cache. */
function cached(sum) {
  return share(sum.cache_read_tokens, input(sum) || 1);
}

function showCosts(from, to, rows) {
  const costs = new Map();
  for (const { model, cost } of rows) {
    costs.set(model, (costs.get(model) ?? 0) + Number(cost));
  }
  // Those that cost most, by their names: none changes its colour when another overtakes it.
  const dear = [...costs.keys()].sort((one, other) => costs.get(other) - costs.get(one));
  const names = dear.splice(0, REST).sort();
  const columns = [];
  const length = (Date.parse(to) - Date.parse(from)) / DAY < innerWidth / NARROWEST ? 1 : 7;
  for (let day = from; day <= to; day = shifted(day, length)) {
    const last = shifted(day, length - 1);
    columns.push({ key: day, last, label: namedDay(day, true), name: length > 1 ? `${namedDay(day)} – ${namedDay(last)}` : namedDay(day), values: Array(REST + 1).fill(0) });
  }
  for (const { day, model, cost } of rows) {
    const at = names.indexOf(model);
    columns.find(({ last }) => day <= last).values[at < 0 ? REST : at] += Number(cost);
  }
  showColumns(columns, dear.length > 0 ? [...names, t("usage.other")] : names);
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
    empty: () => (by === "group" ? "usage.groups" : "usage.empty"),
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
