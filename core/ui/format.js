// Words for times and amounts. Times are Unix seconds and are shown in the reader's own zone.

import { make } from "./dom.js";
import { language, t } from "./words.js";

const LANGUAGE = language === "en" ? "en-GB" : language;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const relative = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "always" });
const moment = new Intl.DateTimeFormat(LANGUAGE, {
  day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});
const dayAndTime = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const dayOfYear = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const dayOfThisYear = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short" });
const calendarDay = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", timeZone: "UTC" });
const localDay = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", year: "numeric" });
const dayTimeAndYear = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const clock = new Intl.DateTimeFormat(LANGUAGE, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Returns the present in Unix seconds. */
export function now() {
  return Date.now() / 1000;
}

/** Says how far `time` is from `present`, in the largest unit that fits: "in 30 days", "5 minutes ago". */
export function distance(time, present) {
  const seconds = time - present;
  const size = Math.abs(seconds);
  if (size < MINUTE) {
    return t(seconds > 0 ? "time.soon" : "time.now");
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
  const attributes = { "datetime": new Date(time * 1000).toISOString(), "title": absolute(time), "data-time": time };
  return make("time", attributes, distance(time, now()));
}

/** How often distances are written anew, in milliseconds. */
const TICK = 20_000;

/** Keeps every distance on the page true while it is open. */
export function keepTimes() {
  setInterval(() => {
    for (const element of document.querySelectorAll("time[data-time]")) {
      const words = distance(Number(element.dataset.time), now());
      if (words !== element.textContent) {
        element.textContent = words;
      }
    }
  }, TICK);
}

/** Says the time of day, to the second. */
export function clockTime(date) {
  return clock.format(date);
}

/** Says the day and the time of a moment, briefly: with its year only if it is not this one. */
export function brief(time) {
  const date = new Date(time * 1000);
  const words = date.getFullYear() === new Date().getFullYear() ? dayAndTime : dayTimeAndYear;
  return words.format(date);
}

/** Says the day of a moment. */
export function day(time) {
  return localDay.format(new Date(time * 1000));
}

/** Makes a `<time>` that tells day and time. */
export function momentElement(time) {
  return make("time", { datetime: new Date(time * 1000).toISOString(), title: absolute(time) }, brief(time));
}

/** Makes what tells when something expires: how far that is, and when. */
export function expiry(time) {
  return make("span", {}, timeElement(time), make("span", { class: "sub" }, brief(time)));
}

/**
 * Makes a `<time>` for a moment of which only the day is known, as that day's first second in UTC: "today", "yesterday",
 * or the date.
 */
export function dayElement(time) {
  const date = new Date(time * 1000);
  const days = Math.floor(now() / DAY) - Math.floor(time / DAY);
  const words = [t("time.today"), t("time.yesterday")][days] ?? dayOfYear.format(date);
  return make("time", { datetime: date.toISOString().slice(0, 10), title: `${dayOfYear.format(date)} (UTC)` }, words);
}

/** Says a day that is given as `YYYY-MM-DD`, with its year or briefly. */
export function namedDay(text, isBrief) {
  return (isBrief ? calendarDay : dayOfYear).format(new Date(text));
}

/** Says the day of a reset, with the hour where it is near enough to matter. */
export function resetDay(time, present) {
  const words = time - present < 2 * DAY ? dayAndTime : dayOfThisYear;
  return words.format(new Date(time * 1000));
}

/** Smallest amount in USD that is told apart from nothing. */
const SMALLEST_AMOUNT = 0.0001;

/** Writes an amount of USD: cents from one dollar up, four places below, so that small calls still show. */
export function dollars(amount) {
  const value = Number(amount);
  if (value > 0 && value < SMALLEST_AMOUNT) {
    return t("money.under", { amount: `$${SMALLEST_AMOUNT}` });
  }
  const digits = value >= 1 ? 2 : 4;
  return new Intl.NumberFormat(language === "en" ? "en-US" : language, {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  }).format(value);
}

/** Writes a share in hundredths. */
export function share(part, whole) {
  return (part / whole).toLocaleString(LANGUAGE, { style: "percent", maximumFractionDigits: 1 });
}

/** Writes a large number with three digits. */
export function about(number) {
  return number.toLocaleString(language, { notation: "compact", maximumSignificantDigits: 3 });
}

const BROWSERS = [["Edg", "Edge"], ["OPR", "Opera"], ["Firefox", "Firefox"], ["Chrome", "Chrome"], ["Safari", "Safari"]];
const SYSTEMS = [["Windows", "Windows"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android"], ["Mac OS", "macOS"], ["Linux", "Linux"]];

/** Says which browser and which system a user agent tells of, or what it says as it stands. */
export function browserName(userAgent) {
  const found = (names) => names.find(([mark]) => userAgent.includes(mark))?.[1];
  const [browser, system] = [found(BROWSERS), found(SYSTEMS)];
  if (browser && system) {
    return t("sessions.browser", { browser, system });
  }
  return userAgent || t("sessions.unknown_browser");
}
