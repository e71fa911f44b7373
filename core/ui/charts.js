// Draws columns of days as SVG. The chart is one tab stop; arrow keys go from day to day, and each says what it stands for.

import { make } from "./dom.js";
import { dollars } from "./format.js";
import { t } from "./words.js";

/** What tells series apart besides their colours, as paths in a square of eight; the last is for the rest. */
const MARKS = ["", "M-2 2L2-2M0 8L8 0M6 10L10 6", "M3 4h2", "M0 4H8", "M4 0V8", "M0 0L8 8M8 0L0 8", "M-2 6L2 10M0 0L8 8M6-2L10 2"];

/** The number of the series that takes what has none of its own. */
export const REST = MARKS.length - 1;

/** Where the columns begin and end, and how wide a letter of the axes is at most, in pixels. */
const TOP = 8;
const BOTTOM = 208;
const LETTER = 7;

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
  const filled = rect(0, 0, 0, 8, { fill: `url(#series-${series})` });
  filled.setAttribute("width", `${100 * part}%`);
  return draw("svg", { "class": "share", "aria-hidden": "true" }, filled);
}

/**
 * Makes a chart in `place`. Returns what shows columns in it, `{ key, label, name, parts }`, of parts `{ series, name, value }` in USD. Its
 * legend tells what the column stands for that is pointed at or has the focus, else what all do together.
 */
export function columnChart(place, title) {
  const svg = draw("svg", { "role": "group", "aria-label": title });
  const legend = make("ul", { class: "legend" });
  let columns = [];
  let drawn;
  let stop;
  place.append(svg, legend);

  const elementOf = (key) => [...svg.querySelectorAll(".column")].find(({ dataset }) => dataset.key === key);

  const stopAt = (key) => {
    elementOf(stop)?.setAttribute("tabindex", -1);
    stop = key;
    elementOf(stop)?.setAttribute("tabindex", 0);
  };

  const point = (element) => {
    const found = columns.find(({ key }) => key === element?.dataset.key);
    const sums = new Map();
    for (const { parts } of columns) {
      for (const { series, name, value } of parts) {
        const before = sums.get(series)?.value ?? 0;
        sums.set(series, { series, name, value: before + (!found || parts === found.parts ? value : 0) });
      }
    }
    const entries = [...sums.values()].sort(bySeries);
    const all = [make("b", {}, found?.name ?? title), make("span", {}, dollars(total(entries)))];
    legend.replaceChildren(make("li", {}, ...all), ...entries.map(({ series, name, value }) => make("li", {}, bar(1, series), make("bdi", {}, name), make("span", {}, dollars(value)))));
  };

  const redraw = () => {
    const width = svg.clientWidth;
    const next = JSON.stringify([width, columns]);
    if (width > 0 && columns.length > 0 && next !== drawn) {
      drawn = next;
      const hadFocus = svg.contains(document.activeElement);
      svg.replaceChildren(...drawColumns(columns, width));
      stopAt(elementOf(stop) ? stop : columns.at(-1).key);
      if (hadFocus) {
        elementOf(stop).focus({ preventScroll: true });
      }
      point(svg.querySelector(":focus, .column:hover"));
    }
  };

  svg.addEventListener("keydown", (event) => {
    const at = columns.findIndex(({ key }) => key === stop);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: columns.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      stopAt((columns[next] ?? columns[at]).key);
      elementOf(stop).focus();
    }
  });
  for (const come of ["pointerover", "focusin"]) {
    svg.addEventListener(come, ({ target }) => point(target.closest(".column")));
  }
  for (const go of ["pointerleave", "focusout"]) {
    svg.addEventListener(go, () => point());
  }
  new ResizeObserver(redraw).observe(svg);
  return (next) => {
    columns = next;
    redraw();
  };
}

function drawColumns(columns, width) {
  const most = Math.max(...columns.map(({ parts }) => total(parts)));
  const step = stepFor(most || 0.01);
  const ticks = Array.from({ length: Math.max(1, Math.ceil(most / step - 1e-9)) + 1 }, (_, at) => at * step);
  const places = step < 1 ? Math.max(2, Math.ceil(-Math.log10(step))) : 0;
  const left = dollars(ticks.at(-1), places).length * LETTER + 8;
  const y = (value) => BOTTOM + ((TOP - BOTTOM) * value) / ticks.at(-1);
  const room = (width - left) / columns.length;
  // As many labels as there is room for, today's among them.
  const each = Math.ceil((10 * LETTER) / room);
  const lines = ticks.flatMap((value) => [
    draw("path", { class: "line", d: `M${left} ${y(value)}H${width}` }),
    draw("text", { "aria-hidden": "true", "x": left - 8, "y": y(value) + 4, "text-anchor": "end" }, dollars(value, places))]);
  const bars = columns.flatMap(({ key, label, name, parts }, at) => {
    const x = left + at * room;
    const said = [name, dollars(total(parts)), ...parts.map((part) => `${part.name} ${dollars(part.value)}`)].join(t("list.separator"));
    let below = 0;
    const pieces = parts.map(({ series, value }) => {
      below += value;
      return rect(x + room / 10, y(below), room * 0.8, y(below - value) - y(below), { fill: `url(#series-${series})` });
    });
    const column = draw("g", { "class": "column", "role": "img", "tabindex": -1, "aria-label": said, "data-key": key }, rect(x, TOP, room, BOTTOM - TOP, { class: "hit" }), ...pieces);
    const isLabelled = (columns.length - 1 - at) % each === 0 && x > left + LETTER;
    return isLabelled ? [column, draw("text", { "aria-hidden": "true", "x": Math.min(x + room / 2, width - 3 * LETTER), "y": BOTTOM + 18, "text-anchor": "middle" }, label)] : [column];
  });
  return [...lines, ...bars];
}

function total(parts) {
  return parts.reduce((sum, { value }) => sum + value, 0);
}

/** Compares parts by their place in a column. */
export function bySeries(one, other) {
  return one.series - other.series;
}

/** Returns how far apart ticks are: one, two or five of some power of ten, for four of them at most. */
function stepFor(most) {
  const power = 10 ** Math.floor(Math.log10(most / 4));
  return [1, 2, 5, 10].find((times) => times * power * 4 >= most * (1 - 1e-9)) * power;
}
