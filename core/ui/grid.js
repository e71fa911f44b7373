// A list of the API as a table that is kept up to date in place: its rows are changed one by one, so that selection, focus and
// scroll stay where they are.

import { ask, runAll } from "./confirm.js";
import { announce, byId, make, showProblem, toast } from "./dom.js";
import { count, n, t } from "./words.js";

/** Values that change with the clock alone. */
const PASSING = /_seconds$/;

/** How many pages without anything are passed over at most. */
const MOST_HOPS = 20;

/** The one menu of all rows, and the button that opened it. */
const menu = make("div", { class: "menu", popover: "", id: "row-menu" });
document.body.append(menu);
let opener;

/** The row in which something was begun, to come back to when its dialog closes. */
let begun;

menu.addEventListener("toggle", (event) => {
  const isOpen = event.newState === "open";
  opener?.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) {
    placeMenu();
    menu.firstElementChild.focus({ preventScroll: true });
  }
});

// It belongs to a button that moves, and may have been made anew.
for (const move of ["scroll", "resize"]) {
  addEventListener(move, () => menu.matches(":popover-open") && placeMenu(), { passive: true, capture: true });
}

function placeMenu() {
  const from = opener.getBoundingClientRect();
  if (!opener.isConnected || from.bottom < 0 || from.top > innerHeight) {
    menu.hidePopover();
    return;
  }
  const { offsetWidth: width, offsetHeight: height } = menu;
  menu.style.left = `${Math.max(8, from.right - width)}px`;
  menu.style.top = `${from.bottom + height + 8 > innerHeight ? from.top - height - 4 : from.bottom + 4}px`;
}

// A dialog gives the focus back to the button that opened it, which may have been made anew meanwhile.
document.addEventListener("close", () => begun?.grid.focusRow(begun.key), { capture: true });

/**
 * One list. What it is made of:
 *
 * - `place`: the element to fill; `name`: what the table is called.
 * - `filters()`: what is asked for; `fetch(filters, cursor)`: returns `{ items, next, total }` of one page of it.
 * - `key(item)`, `title(item)`: what a row is known by, and what it is called in questions.
 * - `columns`: `{ id, kind, cell(item), value(item) }`; the first is the row's head. `value` is what is sorted by.
 * - `actions(item)`: what can be done to one, each `{ id, danger, run }` or with `open(items, done)` for a dialog of its own.
 * - `bulk`: the ids of those that can be done to many; `isOwn(item)`: whether it ends what the reader needs, and comes last.
 * - `row(item)`: the row's class. `empty(filters)`: the key of the texts where there is nothing.
 * - `shown(page)`: called with each page that is shown.
 * - `changed()`: called after something was done; returns when that can be seen.
 */
export class Grid {
  #options;
  #body = make("tbody", { role: "rowgroup" });
  #table;
  #state = make("div", { class: "state loading" }, t("grid.loading"));
  #picked = new Set();
  #pickedBar = make("div", { class: "picked-bar", hidden: "" });
  #pickAll;
  #note = make("span");
  #previous = pageButton("grid.previous", () => this.#turn(this.#cursors.slice(0, -1)));
  #following = pageButton("grid.next", () => this.#turn([...this.#cursors, this.#next]));
  #foot = make("div", { class: "foot", hidden: "" }, this.#note, make("span", { class: "pages" }, this.#previous, this.#following));
  #items = [];
  #sort;
  #filters;
  /** The cursors of the pages before this one, and of this one. */
  #cursors = [undefined];
  #next;
  /** How many there are in all, where that is known. */
  #total;
  /** Which question is the latest; answers to earlier ones are dropped. */
  #generation = 0;

  constructor(options) {
    this.#options = options;
    this.#table = make("table", { "role": "table", "aria-label": options.name, "tabindex": "-1", "hidden": "" }, this.#head(), this.#body);
    options.place.classList.toggle("plain", !options.bulk);
    options.place.append(make("div", { class: "card flush" }, this.#pickedBar, make("div", { class: "scroll" }, this.#table), this.#state, this.#foot));
  }

  /** Shows the first page of what is asked for now. */
  first() {
    this.#filters = this.#options.filters();
    return this.#turn([undefined]);
  }

  /** Asks for the page that is shown once more. What is shown stays until the answer is here. */
  async refresh() {
    this.#filters ??= this.#options.filters();
    try {
      await this.#load(this.#cursors);
    } catch (problem) {
      if (this.#items.length === 0) {
        this.#say("state", make("p", {}, t("grid.waiting")));
      }
      throw problem;
    }
  }

  /** Gives the focus to the row of that key, if nothing else has it. */
  focusRow(key) {
    if (document.activeElement === document.body || !document.activeElement?.isConnected) {
      const row = [...this.#body.rows].find(({ dataset }) => dataset.key === key);
      (row?.querySelector("[data-part=act]") ?? this.#table).focus({ preventScroll: true });
    }
  }

  /** Shows another page; a failure is shown in its place. */
  async #turn(cursors) {
    const pages = [this.#previous, this.#following];
    pages.forEach((button) => button.setAttribute("aria-disabled", "true"));
    try {
      if (await this.#load(cursors)) {
        announce(this.#table.hidden ? this.#state.textContent : this.#note.textContent);
      }
    } catch (problem) {
      this.#table.hidden = this.#foot.hidden = this.#pickedBar.hidden = true;
      this.#items = [];
      const box = make("div", { role: "alert" });
      const retry = make("button", { class: "button", type: "button" }, t("grid.retry"));
      retry.addEventListener("click", () => this.#turn(cursors));
      showProblem(box, problem);
      this.#say("state", box, retry);
    }
  }

  /** Fetches and shows a page; says whether it is what was asked for last. A failure of what is no longer wanted is none. */
  async #load(cursors) {
    const mine = ++this.#generation;
    const filters = this.#filters;
    let page;
    try {
      page = await this.#options.fetch(filters, cursors.at(-1));
      // A page may have nothing that is asked for while there is more behind it.
      for (let hop = 0; page.items.length === 0 && page.next && hop < MOST_HOPS && mine === this.#generation; hop += 1) {
        page = await this.#options.fetch(filters, page.next);
      }
    } catch (problem) {
      if (mine === this.#generation) {
        throw problem;
      }
      return false;
    }
    if (mine !== this.#generation) {
      return false;
    }
    if (cursors !== this.#cursors) {
      this.#picked.clear();
    }
    this.#cursors = cursors;
    this.#items = page.items;
    this.#next = page.next;
    this.#total = page.total;
    this.#options.shown?.(page);
    this.#render();
    return true;
  }

  /** Says something in place of rows. Said again it is no news. */
  #say(kind, ...content) {
    const said = make("div", {}, ...content);
    if (said.textContent !== this.#state.textContent || kind !== this.#state.className) {
      this.#state.className = kind;
      this.#state.replaceChildren(...said.childNodes);
    }
    this.#state.hidden = content.length === 0;
  }

  #head() {
    const cells = this.#options.columns.map(({ id, value }) => {
      const cell = make("th", { role: "columnheader", scope: "col" });
      if (!value) {
        cell.append(t(`column.${id}`));
        return cell;
      }
      const button = make("button", { type: "button" }, t(`column.${id}`));
      button.addEventListener("click", () => this.#sortBy(id, value, cell));
      cell.append(button);
      return cell;
    });
    if (this.#options.bulk) {
      this.#pickAll = make("input", { "type": "checkbox", "aria-label": t("grid.pick_all") });
      this.#pickAll.addEventListener("change", () => this.#pick(this.#pickAll.checked ? this.#items : []));
      cells.unshift(make("th", { role: "columnheader", scope: "col", class: "pick" }, this.#pickAll));
    }
    if (this.#options.actions) {
      cells.push(make("th", { role: "columnheader", scope: "col" }, make("span", { class: "unseen" }, t("column.action"))));
    }
    return make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...cells));
  }

  /** Sorts what is shown: first up, then down, then as it came. */
  #sortBy(id, value, cell) {
    const way = this.#sort?.id === id ? { ascending: "descending", descending: undefined }[this.#sort.way] : "ascending";
    this.#sort = way && { id, value, way };
    for (const other of this.#table.querySelectorAll("[aria-sort]")) {
      other.removeAttribute("aria-sort");
    }
    if (way) {
      cell.setAttribute("aria-sort", way);
    }
    this.#render();
  }

  #sorted() {
    if (!this.#sort) {
      return this.#items;
    }
    const { value, way } = this.#sort;
    const sign = way === "ascending" ? 1 : -1;
    return [...this.#items].sort((one, other) => sign * compare(value(one), value(other)));
  }

  #render() {
    const { key } = this.#options;
    const items = this.#sorted();
    const keys = new Set(items.map(key));
    this.#picked = new Set([...this.#picked].filter((picked) => keys.has(picked)));
    const focus = focusIn(this.#body);
    const known = new Map([...this.#body.rows].map((row) => [row.dataset.key, row]));
    let at = this.#body.firstElementChild;
    for (const item of items) {
      const text = JSON.stringify(item, (name, value) => (PASSING.test(name) ? undefined : value));
      const old = known.get(key(item));
      const row = old?.dataset.text === text ? old : this.#row(item, text);
      if (row === at) {
        at = at.nextElementSibling;
      } else {
        this.#body.insertBefore(row, at);
      }
      if (old && old !== row) {
        at = at === old ? old.nextElementSibling : at;
        old.remove();
      }
    }
    while (at) {
      const gone = at;
      at = at.nextElementSibling;
      gone.remove();
    }
    focusAgain(this.#body, focus);
    this.#showPicked();
    this.#showFoot();
    this.#table.hidden = items.length === 0;
    if (items.length > 0) {
      this.#say("state");
    } else {
      const words = this.#options.empty(this.#filters);
      this.#say("state", make("p", { class: "state-title" }, t(`${words}.title`)), make("p", {}, t(`${words}.text`)));
    }
  }

  #row(item, text) {
    const { columns, key, title, row: rowClass, bulk, actions } = this.#options;
    const cells = columns.map(({ id, kind, cell }, at) => {
      const content = [cell(item)].flat();
      if (at === 0) {
        return make("th", { role: "rowheader", scope: "row" }, ...content);
      }
      return make("td", { "role": "cell", "class": kind ?? "when", "data-label": t(`column.${id}`) }, ...content);
    });
    const row = make("tr", { "role": "row", "class": rowClass?.(item) ?? "", "data-key": key(item), "data-text": text });
    if (bulk) {
      const box = make("input", { "type": "checkbox", "data-part": "pick", "aria-label": t("grid.pick", { name: title(item) }) });
      box.addEventListener("change", () => this.#pickOne(key(item), box.checked));
      cells.unshift(make("td", { role: "cell", class: "pick" }, box));
    }
    if (actions) {
      cells.push(make("td", { role: "cell", class: "act" }, ...this.#actionButton(item)));
    }
    row.append(...cells);
    return row;
  }

  #actionButton(item) {
    const { actions, title } = this.#options;
    const offered = actions(item);
    if (offered.length === 0) {
      return [];
    }
    const [only] = offered;
    if (offered.length === 1) {
      const name = make("span", { class: "unseen" }, ` ${title(item)}`);
      const button = make("button", { "class": `button small${only.danger ? " danger" : ""}`, "type": "button", "data-part": "act" }, t(`action.${only.id}`), name);
      button.addEventListener("click", () => this.#start(only, [item]));
      return [button];
    }
    const name = make("span", { class: "unseen" }, t("grid.actions", { name: title(item) }));
    const button = make("button", { "class": "button small more-actions", "type": "button", "data-part": "act", "aria-expanded": "false" },
      make("span", { "aria-hidden": "true" }, "•••"), name);
    button.popoverTargetElement = menu;
    // This comes before the button opens the menu.
    button.addEventListener("click", () => {
      if (!menu.matches(":popover-open")) {
        opener = button;
        menu.replaceChildren(...offered.map((action) => this.#menuItem(action, item)));
      }
    });
    return [button];
  }

  #menuItem(action, item) {
    const entry = make("button", { class: `item${action.danger ? " danger" : ""}`, type: "button" }, t(`action.${action.id}`));
    entry.addEventListener("click", () => {
      menu.hidePopover();
      this.#start(action, [item]);
    });
    return entry;
  }

  /** Asks whether something is to be done to some. */
  #start(action, items) {
    const { key, title, changed, isOwn = () => false } = this.#options;
    begun = { grid: this, key: key(items[0]) };
    const done = async () => {
      this.#pick([]);
      toast(items.length === 1 ? t(`action.${action.id}.done`, { name: title(items[0]) }) : t("bulk.done", { count: items.length }));
      await changed();
      this.focusRow(key(items[0]));
    };
    if (action.open) {
      action.open(items, done);
      return;
    }
    const left = [...items].sort((one, other) => Number(isOwn(one)) - Number(isOwn(other)));
    ask({
      title: items.length === 1 ? t(`action.${action.id}.question`, { name: title(items[0]) }) : n(`action.${action.id}.questions`, items.length),
      text: items.some(isOwn) ? `${t(`action.${action.id}.text`)}\n${t("bulk.own")}` : t(`action.${action.id}.text`),
      action: t(`action.${action.id}`),
      run: (button) => runAll(left, title, action.run, button),
      done,
    });
  }

  #pick(items) {
    this.#picked = new Set(items.map(this.#options.key));
    this.#showPicked();
  }

  #pickOne(key, is) {
    if (is) {
      this.#picked.add(key);
    } else {
      this.#picked.delete(key);
    }
    this.#showPicked();
  }

  #showPicked() {
    const { bulk, key, actions } = this.#options;
    if (!bulk) {
      return;
    }
    for (const row of this.#body.rows) {
      const is = this.#picked.has(row.dataset.key);
      row.classList.toggle("picked", is);
      row.querySelector("[data-part=pick]").checked = is;
    }
    const picked = this.#items.filter((item) => this.#picked.has(key(item)));
    this.#pickAll.checked = picked.length > 0 && picked.length === this.#items.length;
    this.#pickAll.indeterminate = picked.length > 0 && !this.#pickAll.checked;
    // Buttons are made anew only when there is something else to do: one of them may have the focus.
    const can = bulk.map((id) => ({ id, items: picked.filter((item) => actions(item).some((action) => action.id === id)) }));
    const text = JSON.stringify([picked.length, can.map(({ id, items }) => [id, items.map(key)])]);
    if (this.#pickedBar.dataset.text !== text) {
      this.#pickedBar.dataset.text = text;
      const buttons = can.filter(({ items }) => items.length > 0).map(({ id, items }) => this.#bulkButton(id, items));
      const clear = make("button", { class: "button small", type: "button" }, t("bulk.clear"));
      clear.addEventListener("click", () => {
        this.#pick([]);
        this.#pickAll.focus();
      });
      const words = n("bulk.picked", picked.length);
      this.#pickedBar.replaceChildren(make("span", { class: "count" }, words), ...buttons, clear);
      if (picked.length > 0) {
        announce(words);
      }
    }
    this.#pickedBar.hidden = picked.length === 0;
  }

  #bulkButton(id, items) {
    const action = this.#options.actions(items[0]).find((one) => one.id === id);
    const button = make("button", { class: `button small${action.danger ? " danger" : ""}`, type: "button" }, `${t(`action.${id}`)} (${items.length})`);
    button.addEventListener("click", () => this.#start(action, items));
    return button;
  }

  #showFoot() {
    const shown = this.#items.length;
    const parts = [this.#total > shown ? t("grid.shown_of", { count: count(shown), total: count(this.#total) }) : n("grid.shown", shown)];
    const [isFirst, isLast] = [this.#cursors.length === 1, !this.#next];
    if (this.#sort && !(isFirst && isLast)) {
      parts.push(t("grid.sorted"));
    }
    this.#note.textContent = parts.join(" · ");
    this.#previous.setAttribute("aria-disabled", String(isFirst));
    this.#following.setAttribute("aria-disabled", String(isLast));
    this.#previous.parentElement.hidden = isFirst && isLast;
    this.#foot.hidden = shown === 0 && isFirst;
  }
}

/** Makes a button that turns to another page. It keeps its focus where there is none. */
function pageButton(key, turn) {
  const button = make("button", { class: "button small", type: "button" }, t(key));
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") !== "true") {
      turn();
    }
  });
  return button;
}

/** Compares numbers and texts; what is missing comes first. */
function compare(one, other) {
  if (one === other) {
    return 0;
  }
  if (one === null || one === undefined) {
    return -1;
  }
  if (other === null || other === undefined) {
    return 1;
  }
  return typeof one === "number" ? one - other : String(one).localeCompare(String(other));
}

/** Says which part of which row has the focus. */
function focusIn(body) {
  const part = document.activeElement;
  return body.contains(part) ? { key: part.closest("tr").dataset.key, part: part.dataset.part } : undefined;
}

function focusAgain(body, focus) {
  if (focus && !body.contains(document.activeElement)) {
    const row = [...body.rows].find(({ dataset }) => dataset.key === focus.key);
    row?.querySelector(`[data-part="${focus.part}"]`)?.focus({ preventScroll: true });
  }
}

/** Makes a form of filters work: `changed` is called when the reader pauses, and at once for a choice. */
export function wireFilters(form, changed) {
  let timer;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(changed, 250);
  };
  form.addEventListener("input", (event) => (event.target.matches("select") ? changed() : later()));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    changed();
  });
}

/** Returns what the reader has typed and chosen in a form, by the fields' names. */
export function filled(form) {
  return Object.fromEntries([...new FormData(byId(form).querySelector("form"))].map(([name, value]) => [name, value.trim()]));
}

/** Makes the dash that stands for nothing. */
export function nothing() {
  return make("span", { class: "nothing" }, "–");
}
