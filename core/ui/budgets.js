// Shows how budgets stand.

import { byId, make } from "./dom.js";
import { absolute, dollars, now, resetDay } from "./format.js";
import { t } from "./words.js";

/** From how many hundredths on a budget is shown as running out, and as all but used up. */
const LOW = 75;
const LOWEST = 95;

/** Shows a person's budgets in the place that the page has for them. */
export function showBudgets(budgets) {
  byId("budgets").replaceChildren(...budgets.map((budget) => {
    const name = budgetName(budget);
    return make("li", {}, make("span", { class: "name" }, name), ...standing(name, budget));
  }));
  byId("budgets").hidden = budgets.length === 0;
}

/** Makes what tells how full a budget is: what is spent, and behind it what running calls hold. */
export function standing(name, { limit, spent, held, reset }) {
  const part = (amount) => (Number(limit) > 0 ? Math.min(100, (Number(amount) * 100) / Number(limit)) : 100);
  const percent = Math.floor(part(spent));
  const level = percent >= LOWEST ? "lowest" : percent >= LOW ? "low" : "ample";
  const meter = make("div", { class: `meter ${level}`, role: "meter", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": percent });
  for (const [kind, width] of [["held", part(Number(spent) + Number(held))], ["spent", part(spent)]]) {
    const bar = make("span", { class: kind });
    bar.style.inlineSize = `${width}%`;
    meter.append(bar);
  }
  const amounts = make("span", { class: "amounts" }, t("spend.of", { spent: dollars(spent), limit: dollars(limit) }));
  const more = [];
  if (Number(held) > 0) {
    more.push(t("spend.held", { amount: dollars(held) }));
  }
  if (reset) {
    more.push(t("spend.resets", { when: resetDay(reset, now()) }));
  }
  const notes = make("span", { class: "notes" }, more.join(t("list.separator")));
  notes.title = reset ? absolute(reset) : "";
  return [amounts, meter, notes];
}

/** Says whose budget it is, to whom it is for. */
export function budgetName({ scope, window }) {
  const [kind, ...rest] = scope.split(":");
  const words = { window: t(`window.${window}`), name: rest.join(":") };
  switch (kind) {
    case "group": return t("spend.budget.group", words);
    case "org": return t("spend.budget.org", words);
    case "token": return t("spend.budget.token", words);
    default: return t("spend.budget.own", words);
  }
}
