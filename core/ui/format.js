// Words for times and amounts. Times are Unix seconds and are shown in the reader's own zone.

import { make } from "./dom.js";

const LANGUAGE = "en-GB";
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const relative = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "always" });
const moment = new Intl.DateTimeFormat(LANGUAGE, {
  day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});
const dayAndTime = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const dayOfYear = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const day = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short" });

/** Returns the present in Unix seconds. */
export function now() {
  return Date.now() / 1000;
}

/** Says how far `time` is from `present`, in the largest unit that fits: "in 30 days", "5 minutes ago". */
export function distance(time, present) {
  const seconds = time - present;
  const size = Math.abs(seconds);
  if (size < MINUTE) {
    return seconds > 0 ? "in under a minute" : "just now";
  }
  if (size < HOUR) {
    return relative.format(Math.round(seconds / MINUTE), "minute");
  }
  // Two days and a hundred, so that lifetimes of one day and ninety read exactly and run down visibly.
  if (Math.round(size / HOUR) < 48) {
    return relative.format(Math.round(seconds / HOUR), "hour");
  }
  if (size < 100 * DAY) {
    return relative.format(Math.round(seconds / DAY), "day");
  }
  return relative.format(Math.round(seconds / (30.44 * DAY)), "month");
}

/** Says when `time` is, in full: date, time and zone. */
export function absolute(time) {
  return moment.format(new Date(time * 1000));
}

/** Makes a `<time>` that reads as a distance from now and holds the full moment as its title. */
export function timeElement(time) {
  const attributes = { datetime: new Date(time * 1000).toISOString(), title: absolute(time) };
  return make("time", attributes, distance(time, now()));
}

/**
 * Makes a `<time>` for a moment of which only the day is known, as that day's first second in UTC: "today", "yesterday",
 * or the date.
 */
export function dayElement(time) {
  const date = new Date(time * 1000);
  const days = Math.floor(now() / DAY) - Math.floor(time / DAY);
  const words = ["today", "yesterday"][days] ?? dayOfYear.format(date);
  return make("time", { datetime: date.toISOString().slice(0, 10), title: `${dayOfYear.format(date)} (UTC)` }, words);
}

/** Says the day of a reset, with the hour where it is near enough to matter. */
export function resetDay(time, present) {
  const words = time - present < 2 * DAY ? dayAndTime : day;
  return words.format(new Date(time * 1000));
}

/** Smallest amount in USD that is told apart from nothing. */
const SMALLEST_AMOUNT = 0.0001;

/** Writes a decimal string of USD: cents from one dollar up, four places below, so that small calls still show. */
export function dollars(amount) {
  const value = Number(amount);
  if (value > 0 && value < SMALLEST_AMOUNT) {
    return `under $${SMALLEST_AMOUNT}`;
  }
  const digits = value >= 1 ? 2 : 4;
  return new Intl.NumberFormat("en-US", {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  }).format(value);
}
