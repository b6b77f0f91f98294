// What the page says, in the language that the server wrote into <html lang>. Modules that import this wait for it.

/** The language, such as "de". */
export const language = document.documentElement.lang;

/** The language with the region that the browser names, such as "en-GB": for dates and numbers. */
export const locale = navigator.languages.find((one) => one.split("-")[0] === language) ?? language;

const rules = new Intl.PluralRules(language);
// The shell takes its texts in two shares, so that the first view need not wait for all; other pages take them at once.
const isShell = document.body?.classList.contains("shell") ?? false;
const texts = await load(isShell ? `${language}/first` : language);
let rest = isShell ? null : Promise.resolve();
let isWhole = !isShell;

/** Wait for the texts of all parts: those of text/*.json that `FIRST` in web/texts.py leaves out. */
export function allTexts() {
  rest ??= load(`${language}/rest`).then((more) => {
    Object.assign(texts, more);
    isWhole = true;
  });
  return rest;
}

/**
 * Say something.
 *
 * @param {string} key a key of text/*.json, written out so that the tests find it
 * @param {Object<string, string | number>} [values] what stands for `{name}`; `count` chooses among plural forms
 * @returns {string}
 */
export function t(key, values = {}) {
  let text = texts[key];
  if (text === undefined && !isWhole) return "…"; // it is on its way, and was wanted within a moment of the start
  if (text === undefined) throw new Error(`there is no text ${key}`);
  if (typeof text === "object") text = text[rules.select(values.count)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Whether there is such a text: for keys made of a code that the server sent. */
export function has(key) {
  return key in texts;
}

async function load(name) {
  return (await fetch(new URL(`../../text/${name}.json`, import.meta.url))).json();
}
