// Numbers, sizes and times as people of the page's language read them.

import { locale, t } from "./text.js";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"];
const DAY_MS = 86_400_000;
const sizes = UNITS.map((unit) => [0, 1].map((digits) => new Intl.NumberFormat(locale, {
  style: "unit", unit, unitDisplay: unit === "byte" ? "long" : "short", maximumFractionDigits: digits,
})));
const numbers = new Intl.NumberFormat(locale);
const percents = new Intl.NumberFormat(locale, { style: "percent" });
const times = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const days = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
const dates = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric" });
const full = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" });
const months = new Intl.DateTimeFormat(locale, { month: "long", year: "numeric" });
const relatives = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

/** A size in bytes: "1.4 MB", thousands as disks are sold. */
export function size(bytes) {
  let amount = bytes;
  let unit = 0;
  while (amount >= 999.5 && unit < UNITS.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return sizes[unit][unit > 0 && amount < 99.95 ? 1 : 0].format(amount);
}

/** A whole number with its separators. */
export const number = (value) => numbers.format(value);

/** A share between 0 and 1 as a whole percentage. */
export const percent = (share) => percents.format(share);

/** A time in the past, in Unix ms, as short as it is still clear: "14:05", "yesterday", "3 Feb", "3 Feb 2024". */
export function when(ms, now = Date.now()) {
  const date = new Date(ms);
  const today = new Date(now);
  if (date.toDateString() === today.toDateString()) return times.format(date);
  if (date.toDateString() === new Date(now - DAY_MS).toDateString()) return relatives.format(-1, "day");
  return (date.getFullYear() === today.getFullYear() ? days : dates).format(date);
}

/** Day and time in full, for titles and details. */
export const dateTime = (ms) => full.format(new Date(ms));

/** The day: "3 Feb 2024". */
export const date = (ms) => dates.format(new Date(ms));

/** The month: "February 2024". */
export const month = (ms) => months.format(new Date(ms));

/** How long ago, or how long from now, in one unit: "3 minutes ago", "in 5 days". */
export function ago(ms, now = Date.now()) {
  const seconds = (ms - now) / 1000;
  for (const [unit, length] of [["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= length) return relatives.format(Math.trunc(seconds / length), unit);
  }
  return t("format.just_now");
}

/** A span in seconds: "1:05", "2:03:10". */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, index) => (index ? String(part).padStart(2, "0") : String(part))).join(":");
}

const collator = new Intl.Collator(locale, { numeric: true });

/** Compare names as people sort them: "file 2" before "file 10". */
export const compare = (one, other) => collator.compare(one, other);

/** A name as it may be shown: what turns the direction of text is written out, so that none looks like what it is not. */
export const shown = (name) => name.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
  (sign) => `[U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
