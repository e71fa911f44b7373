// Tabs after the ARIA Authoring Practices: one tab stop, arrow keys move and select.

import { byId, make } from "./dom.js";

/** Fills `list` and `panels` from `[{ id, label, content }]`, the first one selected. */
export function fillTabs(list, panels, entries) {
  const tabs = entries.map(({ id, label }) =>
    make("button", { class: "tab", type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `panel-${id}` }, label));
  const bodies = entries.map(({ id, content }) =>
    make("div", { role: "tabpanel", id: `panel-${id}`, "aria-labelledby": `tab-${id}` }, content));
  list.replaceChildren(...tabs);
  panels.replaceChildren(...bodies);
  wireTabs(list)(0);
}

/** Makes the tabs of `list` work; `onSelect` learns which is shown. Returns what selects one by its number. */
export function wireTabs(list, onSelect = () => {}) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const select = (index) => {
    tabs.forEach((tab, at) => {
      tab.setAttribute("aria-selected", String(at === index));
      tab.tabIndex = at === index ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = at !== index;
    });
    tabs[index].scrollIntoView({ block: "nearest", inline: "nearest" });
    onSelect(index);
  };
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => select(index));
    tab.addEventListener("keydown", (event) => {
      const next = neighbour(event.key, index, tabs.length);
      if (next !== undefined) {
        event.preventDefault();
        select(next);
        tabs[next].focus();
      }
    });
  });
  return select;
}

function neighbour(key, index, count) {
  switch (key) {
    case "ArrowRight": return (index + 1) % count;
    case "ArrowLeft": return (index + count - 1) % count;
    case "Home": return 0;
    case "End": return count - 1;
    default: return undefined;
  }
}
