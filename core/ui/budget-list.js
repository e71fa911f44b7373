// Everybody's budgets: how they stand, and what administrators change about them.

import { get, put, remove, withQuery } from "./api.js";
import { budgetName, standing } from "./budgets.js";
import { byId, claim, make, release, showProblem, toast } from "./dom.js";
import { dollars } from "./format.js";
import { Grid, nothing } from "./grid.js";
import { t } from "./words.js";

const PATH = "/api/admin/budgets";
const place = byId("budgets-grid");
const form = byId("budget-form");

/** Makes the list; `changed` is called after something was done. */
export function budgetList(changed) {
  const { kind, name, window, amount } = form.elements;
  window.append(...["daily", "weekly", "monthly", "total"].map((value) => make("option", { value }, t("budget.window", { window: t(`window.${value}`) }))));
  const fit = () => {
    name.disabled = name.parentElement.hidden = !kind.value.endsWith(":");
  };
  kind.addEventListener("change", fit);
  submits(form, byId("budget-problem"), () => [{ scope: kind.value + (name.disabled ? "" : name.value.trim()), window: window.value }, amount.value], () => {
    form.reset();
    fit();
    changed();
  });
  const grid = new Grid({
    place,
    name: byId("budgets-title").textContent,
    filters: () => {},
    fetch,
    key: ({ scope, window: length }) => `${length} ${scope}`,
    title: whose,
    columns: [
      { id: "budget", cell: head, value: whose },
      { id: "limit", cell: (budget) => limit(budget, changed), value: (budget) => Number(budget.limit) },
      { id: "standing", cell: (budget) => (budget.spent === null ? nothing() : standing(whose(budget), budget)), value: ({ spent }) => Number(spent) },
    ],
    actions: ({ source }) => (source === "config" ? [] : [{ id: "unset", danger: true, run: ({ scope, window: length }) => remove(PATH, { scope, window: length }) }]),
    empty: () => "budget.empty",
    changed,
  });
  // What is being typed stays.
  const unless = (load) => () => (place.querySelector(".changed") ? undefined : load());
  return { first: unless(() => grid.first()), refresh: unless(() => grid.refresh()) };
}

async function fetch(_, cursor) {
  const { budgets, next_cursor: next } = await get(withQuery(PATH, { limit: 50, cursor }));
  return { items: budgets, next };
}

function head(budget) {
  const source = t(budget.source === "config" ? "source.config" : "source.grant");
  return [make("bdi", {}, whose(budget)), make("bdi", { class: "sub" }, `${budget.scope} · ${source}`)];
}

/** Says whose a budget is, to an administrator. */
function whose({ scope, window }) {
  return scope === "default_user"
    ? t("budget.everybody", { window: t(`window.${window}`) })
    : budgetName({ scope: scope.replace(/^(user|token):/, "group:"), window });
}

/** Makes the limit: a field where the API may change it. */
function limit(budget, changed) {
  if (budget.source === "config") {
    return dollars(budget.limit);
  }
  const label = `${t("column.limit")}${t("list.separator")}${whose(budget)}`;
  const input = make("input", { "inputmode": "decimal", "autocomplete": "off", "value": budget.limit, "aria-label": label, "data-part": "limit" });
  const problem = make("div", { role: "alert" });
  const edit = make("form", { class: "field amount" }, input, make("button", { class: "button small primary" }, t("budget.save")), problem);
  const typed = () => edit.classList.toggle("changed", input.value !== budget.limit);
  input.addEventListener("input", typed);
  input.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") {
      edit.reset();
      problem.replaceChildren();
      typed();
    }
  });
  submits(edit, problem, () => [budget, input.value], () => {
    edit.classList.remove("changed");
    input.focus();
    changed();
  });
  return edit;
}

/** Sets the budget that `read` returns with its amount when a form is sent. */
function submits(from, place, read, done) {
  const button = from.querySelector("button");
  from.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!claim(button)) {
      return;
    }
    place.replaceChildren();
    try {
      const [{ scope, window }, typed] = read();
      const amount = typed.trim();
      await put(PATH, { scope, window, amount });
      toast(`${whose({ scope, window })}: ${dollars(amount)}`);
      done();
    } catch (problem) {
      showProblem(place, problem);
    } finally {
      release(button);
    }
  });
}
