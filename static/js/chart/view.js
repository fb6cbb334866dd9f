// What the chart page shows, as it stands in its address. No page in here.

export const TIMEFRAMES = ["1m", "5m", "15m", "1d"];
export const STEPS = { "1m": 60_000, "5m": 300_000, "15m": 900_000, "1d": 86_400_000 };
export const LAYERS = ["vwap", "profile", "or", "gex", "lt", "events"];
const HOURS = ["regular", "extended"];
const SPAN = /^[a-z_]+(-\d)?$/;

/** The address of a symbol's chart: a slash cannot stand in a path. */
export function pageOf(symbol, query = "") {
  if (/^[A-Za-z0-9.]+$/.test(symbol)) return `/chart/${symbol}${query}`;
  return `/chart?symbol=${encodeURIComponent(symbol)}${query ? `&${query.slice(1)}` : ""}`;
}

/** What a query asks for over the defaults {tf, hours}; nonsense is left out. */
export function readView(search, defaults) {
  const asked = new URLSearchParams(search);
  const view = { hide: [], span: "week", or: 15, to: null, ...defaults };
  if (TIMEFRAMES.includes(asked.get("tf"))) view.tf = asked.get("tf");
  if (HOURS.includes(asked.get("hours"))) view.hours = asked.get("hours");
  view.hide = (asked.get("hide") ?? "").split(",").filter((each) => LAYERS.includes(each));
  if (SPAN.test(asked.get("span") ?? "")) view.span = asked.get("span");
  if (/^\d{1,3}$/.test(asked.get("or") ?? "")) view.or = Number(asked.get("or"));
  const to = Date.parse(asked.get("to") ?? "");
  if (Number.isFinite(to)) view.to = to;
  return view;
}

/** The query of a view: only what is not the default. */
export function writeView(view, defaults, symbol) {
  const base = readView("", defaults);
  const query = new URLSearchParams();
  if (symbol.includes("/")) query.set("symbol", symbol);
  for (const name of ["tf", "hours", "span", "or"]) {
    if (view[name] !== base[name]) query.set(name, String(view[name]));
  }
  if (view.hide.length) query.set("hide", LAYERS.filter((each) => view.hide.includes(each)).join());
  if (view.to !== null) query.set("to", new Date(view.to).toISOString().slice(0, 16) + "Z");
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%2F", "/");
  return text ? `?${text}` : "";
}

/** The request for candles: the newest, or those before a time. */
export function candlesUrl(symbol, view, { to = null, limit = 400, csv = false } = {}) {
  const query = new URLSearchParams({ symbol, tf: view.tf, hours: view.hours, limit: String(limit) });
  if (to !== null) query.set("to", String(to));
  return `/api/candles${csv ? ".csv" : ""}?${query}`;
}
