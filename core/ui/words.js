// What the scripts say, in the document's language.

/** The language tag (RFC 5646) of the document. */
export const language = document.documentElement.lang;

const { default: words } = await import(`./words-${language}.js`);
const plural = new Intl.PluralRules(language);
const whole = new Intl.NumberFormat(language);

/** Returns a text; `{name}` in it stands for the value of that name. */
export function t(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Returns a text about so many, which it calls `{count}`. */
export function n(key, count, values = {}) {
  return t(`${key}.${plural.select(count)}`, { count: whole.format(count), ...values });
}

/** Says whether there is such a text. */
export function has(key) {
  return key in words;
}

/** Writes a whole number. */
export function count(number) {
  return whole.format(number);
}
