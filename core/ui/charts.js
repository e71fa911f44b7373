// Draws columns of days as SVG. The chart is one tab stop; arrow keys go from day to day, and each says what it stands for.

import { make } from "./dom.js";
import { dollars } from "./format.js";
import { t } from "./words.js";

/** What tells series apart besides their colours, as paths in a square of eight; the last is for the rest. */
const MARKS = ["", "M-2 2L2-2M0 8L8 0M6 10L10 6", "M3 4h2", "M0 4H8", "M4 0V8", "M0 0L8 8M8 0L0 8", "M-2 6L2 10M0 0L8 8M6-2L10 2"];

/** The number of the series that takes what has none of its own. */
export const REST = MARKS.length - 1;

/** Where the columns are, and how much room a day's label needs, in pixels. */
const TOP = 8;
const BOTTOM = 208;
const LEFT = 64;
const LABEL = 76;

function draw(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const patterns = MARKS.map((mark, at) => {
  const ground = draw("rect", { width: 8, height: 8 });
  ground.style.fill = `var(--series-${at})`;
  return draw("pattern", { id: `series-${at}`, width: 8, height: 8, patternUnits: "userSpaceOnUse" }, ground, draw("path", { d: mark, class: "mark" }));
});
document.body.append(draw("svg", { "class": "unseen", "aria-hidden": "true" }, ...patterns));

function rect(x, y, width, height, more) {
  return draw("rect", { x, y, width, height, ...more });
}

/** Draws a bar that is so much of its place, in the colour of a series. */
export function bar(part, series) {
  return draw("svg", { "class": "share", "aria-hidden": "true" }, rect(0, 0, `${100 * part}%`, 99, { fill: `url(#series-${series})` }));
}

/**
 * Makes a chart in `place`. Returns what shows columns in it, `{ key, label, name, values }`, of the amounts of `names` in USD. The legend
 * tells what the column stands for that is pointed at or has the focus, else what all do together.
 */
export function columnChart(place, title) {
  const svg = draw("svg", { "role": "group", "aria-label": title });
  const legend = make("ul", { class: "legend" });
  let names = [];
  let columns = [];
  let drawn;
  let stop;
  place.append(svg, legend);

  const elements = () => [...svg.querySelectorAll(".column")];

  const stopAt = (at) => {
    stop = columns[at].key;
    elements().forEach((element, index) => element.setAttribute("tabindex", index === at ? 0 : -1));
    return elements()[at];
  };

  const point = (element) => {
    const one = columns[elements().indexOf(element)];
    const values = names.map((_, series) => total((one ? [one] : columns).map((column) => column.values[series])));
    const entry = (amount, ...what) => make("li", {}, ...what, make("span", {}, dollars(amount)));
    const entries = names.map((name, series) => entry(values[series], bar(1, series), make("bdi", {}, name)));
    legend.replaceChildren(entry(total(values), make("b", {}, one?.name ?? title)), ...entries);
  };

  const redraw = () => {
    const width = svg.clientWidth;
    const next = JSON.stringify([width, columns, names]);
    if (width === 0 || next === drawn) {
      return;
    }
    drawn = next;
    const hadFocus = svg.contains(document.activeElement);
    svg.replaceChildren(...drawColumns(columns, names, width));
    const at = columns.findIndex(({ key }) => key === stop);
    const element = stopAt(at < 0 ? columns.length - 1 : at);
    if (hadFocus) {
      element.focus({ preventScroll: true });
    }
    point(svg.querySelector(":focus, .column:hover"));
  };

  svg.addEventListener("keydown", (event) => {
    const at = columns.findIndex(({ key }) => key === stop);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: columns.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      stopAt(columns[next] ? next : at).focus();
    }
  });
  for (const sign of ["pointerover", "focusin", "pointerleave", "focusout"]) {
    svg.addEventListener(sign, () => point(svg.querySelector(".column:hover") ?? svg.querySelector(":focus")));
  }
  new ResizeObserver(redraw).observe(svg);
  return (...given) => {
    [columns, names] = given;
    redraw();
  };
}

function drawColumns(columns, names, width) {
  const most = Math.max(...columns.map(({ values }) => total(values)));
  const step = stepFor(most || 0.01);
  const ticks = Array.from({ length: Math.max(1, Math.ceil(most / step - 1e-9)) + 1 }, (_, at) => at * step);
  const y = (value) => BOTTOM + ((TOP - BOTTOM) * value) / ticks.at(-1);
  const room = (width - LEFT) / columns.length;
  // As many labels as there is room for, today's among them.
  const each = Math.ceil(LABEL / room);
  const words = (at, top, anchor, text) => draw("text", { "aria-hidden": "true", "x": at, "y": top, "text-anchor": anchor }, text);
  const lines = ticks.flatMap((value) => [
    draw("path", { class: "line", d: `M${LEFT} ${y(value)}H${width}` }),
    words(LEFT - 8, y(value) + 4, "end", dollars(value))]);
  const bars = columns.flatMap(({ label, name, values }, at) => {
    const x = LEFT + at * room;
    const parts = names.map((part, series) => `${part} ${dollars(values[series])}`).filter((_, series) => values[series] > 0);
    let top = 0;
    const pieces = values.map((value, series) => {
      top += value;
      return rect(x + room / 10, y(top), room * 0.8, y(top - value) - y(top), { fill: `url(#series-${series})` });
    });
    const said = [name, dollars(total(values)), ...parts].join(t("list.separator"));
    const column = draw("g", { "class": "column", "role": "img", "aria-label": said }, rect(x, TOP, room, BOTTOM - TOP, { class: "hit" }), ...pieces);
    const isLabelled = (columns.length - 1 - at) % each === 0;
    return isLabelled ? [column, words(Math.min(x + room / 2, width - LABEL / 6), BOTTOM + 18, "middle", label)] : [column];
  });
  return [...lines, ...bars];
}

function total(values) {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Returns how far apart ticks are: one, two or five of some power of ten, for four of them at most. */
function stepFor(most) {
  const power = 10 ** Math.floor(Math.log10(most / 4));
  return [1, 2, 5, 10].find((times) => times * power * 4 >= most * (1 - 1e-9)) * power;
}
