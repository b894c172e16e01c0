// Moments in words a person uses.
import { LOCALE, t } from "./i18n.js";

/** The visitor's own time zone: days and weeks are theirs. */
export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const STEPS = [
  ["minute", 60],
  ["hour", 3600],
  ["day", 86_400],
];
const RECENT_S = 45;
const RELATIVE_S = 6 * 86_400;

/** "3 minutes ago"; after some days the date. */
export function ago(at, now = Date.now(), locale = LOCALE) {
  const seconds = (new Date(at) - now) / 1000;
  if (Math.abs(seconds) < RECENT_S) return t("just now");
  if (Math.abs(seconds) > RELATIVE_S) return date(at, now, locale);
  const [unit, length] = STEPS.findLast(([, least]) => Math.abs(seconds) >= least) ?? STEPS[0];
  return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(Math.round(seconds / length), unit);
}

/** The day, with its year where that is another one. */
export function date(at, now = Date.now(), locale = LOCALE) {
  const day = new Date(at);
  const year = day.getFullYear() === new Date(now).getFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year }).format(day);
}

/** The whole moment, for a tooltip. */
export function moment(at, locale = LOCALE) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "short" }).format(new Date(at));
}

export function clock(at, locale = LOCALE) {
  return new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hour12: false }).format(new Date(at));
}

/** `2026-11-22`, by the visitor's own clock. */
export function dayKey(at) {
  const day = new Date(at);
  return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
}

/** Today, yesterday, or the weekday and date. */
export function dayName(at, now = Date.now(), locale = LOCALE) {
  if (dayKey(at) === dayKey(now)) return t("Today");
  if (dayKey(at) === dayKey(now - 86_400_000)) return t("Yesterday");
  const weekday = new Intl.DateTimeFormat(locale, { weekday: "long" }).format(new Date(at));
  return t("{weekday}, {date}", { weekday, date: date(at, now, locale) });
}

/** `items` in runs of one day each, in the order they come. */
export function byDay(items, at = (item) => item.at) {
  const days = [];
  for (const item of items) {
    const key = dayKey(at(item));
    if (days.at(-1)?.key !== key) days.push({ key, at: at(item), items: [] });
    days.at(-1).items.push(item);
  }
  return days;
}

/** The ISO 8601 week of a day: `2026-W47`. */
export function weekOf(at) {
  const day = new Date(at);
  const thursday = new Date(Date.UTC(day.getFullYear(), day.getMonth(), day.getDate()));
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
  const first = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  const week = Math.ceil(((thursday - first) / 86_400_000 + 1) / 7);
  return `${thursday.getUTCFullYear()}-W${String(week).padStart(2, "0")}`;
}

/** Monday and Sunday of an ISO week, as days in UTC. */
export function weekDays(week) {
  const [year, number] = week.split("-W").map(Number);
  const fourth = new Date(Date.UTC(year, 0, 4)); // always in week 1
  const monday = new Date(fourth);
  monday.setUTCDate(fourth.getUTCDate() - ((fourth.getUTCDay() || 7) - 1) + 7 * (number - 1));
  const sunday = new Date(monday);
  sunday.setUTCDate(monday.getUTCDate() + 6);
  return [monday, sunday];
}

/** The week `by` weeks after `week`. */
export function weekAfter(week, by) {
  const [monday] = weekDays(week);
  monday.setUTCDate(monday.getUTCDate() + 7 * by);
  return weekOf(new Date(monday.getUTCFullYear(), monday.getUTCMonth(), monday.getUTCDate()));
}

/** A size that a person can read. */
export function size(bytes, locale = LOCALE) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = bytes < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  const digits = step === 0 || bytes / 1000 ** step >= 100 ? 0 : 1;
  const style = { style: "unit", unit: units[step], unitDisplay: "short", maximumFractionDigits: digits };
  return new Intl.NumberFormat(locale, style).format(bytes / 1000 ** step);
}
