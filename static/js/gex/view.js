// What the gex page shows, as it stands in its address. No page in here.

import { DASH, dayShort } from "../format.js";

const CHOICES = {
  by: ["oi", "volume"],
  greek: ["gex", "dex", "vanna", "charm"],
  bars: ["sides", "net", "abs", "gross"],
  unit: ["pct", "point"],
  map: ["gex", "open", "hour", "five"],
};
export const STRIKES = [10, 15, 20, 25, 30, 40, 50, 60, 80, 100];
const ISO = /^\d{4}-\d{2}-\d{2}$/;

/** True for "all", "0dte", "7d", "30d" and ISO dates joined by commas, ascending, each once. */
export function isView(text) {
  if (["all", "0dte", "7d", "30d"].includes(text)) return true;
  const days = String(text).split(",");
  return days.every((each, at) => ISO.test(each) && (at === 0 || days[at - 1] < each));
}

/** What a query asks for over the defaults {view, unit, strikes}; nonsense is left out. */
export function readView(search, defaults) {
  const asked = new URLSearchParams(search);
  const view = { by: "oi", greek: "gex", bars: "sides", map: "gex", strikes: 25, at: null, date: null, ...defaults };
  for (const [name, values] of Object.entries(CHOICES)) {
    if (values.includes(asked.get(name))) view[name] = asked.get(name);
  }
  if (asked.has("view") && isView(asked.get("view"))) view.view = asked.get("view");
  const strikes = Number(asked.get("strikes"));
  if (STRIKES.includes(strikes)) view.strikes = strikes;
  if (/^([01]\d|2[0-3]):[0-5]\d$/.test(asked.get("at") ?? "")) view.at = asked.get("at");
  if (ISO.test(asked.get("date") ?? "")) view.date = asked.get("date");
  return view;
}

/** The query of a view: only what is not the default. */
export function writeView(view, defaults, symbol) {
  const base = readView("", defaults);
  const query = new URLSearchParams();
  if (symbol.includes("/")) query.set("symbol", symbol);
  for (const name of ["view", "by", "greek", "bars", "unit", "strikes", "map", "date", "at"]) {
    if (view[name] !== null && view[name] !== base[name]) query.set(name, String(view[name]));
  }
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%2F", "/");
  return text ? `?${text}` : "";
}

/** The days among listed expiries, ascending, each once: [{day, dte, subscribed}]. */
export function days(expiries) {
  const found = new Map();
  for (const { expiry, dte, subscribed } of expiries ?? []) {
    const known = found.get(expiry);
    if (known) known.subscribed ||= subscribed;
    else found.set(expiry, { day: expiry, dte, subscribed: Boolean(subscribed) });
  }
  return [...found.values()].sort((one, other) => one.day.localeCompare(other.day));
}

/** The buttons for expiries: 0DTE, the next two days, then spans. */
export function presets(expiries) {
  const all = days(expiries);
  const has0 = !all.length || all.some((each) => each.dte === 0);
  const next = all.filter((each) => each.dte !== 0).slice(0, 2);
  return [
    ...(has0 ? [{ value: "0dte", text: "0DTE", title: "Today’s expiry" }] : []),
    ...next.map(({ day, dte }) => ({ value: day, text: dayShort(day), title: `Expiry in ${dte} day${dte === 1 ? "" : "s"}` })),
    { value: "7d", text: "≤ 7d", title: "Expiries of the next 7 days" },
    { value: "30d", text: "≤ 30d", title: "Expiries of the next 30 days" },
    { value: "all", text: "All", title: "All that is subscribed" },
  ];
}

/** The view one expiry earlier (-1) or later (1) than this one, or null at the end. */
export function neighbour(view, expiries, by) {
  const all = days(expiries);
  const first = view === "0dte" ? all.findIndex((each) => each.dte === 0)
    : ISO.test(view) ? all.findIndex((each) => each.day === view)
      : by > 0 ? -1 : all.length;
  const next = all[first + by];
  if (!next) return null;
  return next.dte === 0 ? "0dte" : next.day;
}

/** A view in words. */
export function viewWords(view) {
  const known = { "0dte": "0DTE", "7d": "the next 7 days", "30d": "the next 30 days", all: "all subscribed expiries" };
  return known[view] ?? (view ?? DASH).split(",").map(dayShort).join(", ");
}

/** The next choice of a list. */
export function nextChoice(name, value) {
  const values = CHOICES[name];
  return values[(values.indexOf(value) + 1) % values.length];
}
