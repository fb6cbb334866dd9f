// What is drawn over the candles, worked out from the payloads. No page in here.

import { dayShort, minute as minuteText, price as priceText, strike as strikeText } from "../format.js";

export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const CURRENCIES = { "/6E": "EUR", "/6B": "GBP", "/6J": "JPY", "/6A": "AUD", "/6C": "CAD" };
const IMPACT = { high: 3, medium: 2, low: 1 };
const WALLS = [["call_wall", "Call wall", "call"], ["call_wall_2", "2nd call wall", "call"], ["put_wall", "Put wall", "put"], ["put_wall_2", "2nd put wall", "put"]];

/** A node of a profile as {price, volume, share}; some sources name only the price. */
export const nodeOf = (node) => (isNumber(node) ? { price: node, volume: null, share: null } : { price: node.price, volume: node.volume ?? null, share: node.share ?? null, prominence: node.prominence ?? null });

/** The spans of a profile that have numbers or say why not: [[name, label]]. */
export function spansOf(profile) {
  const words = { week: "This week", day: "Today", prior_week: "Last week" };
  const name = (key) => words[key] ?? key.replace(/^week-(\d)$/, (_, back) => `${back} weeks ago`);
  return Object.keys(profile?.spans ?? {}).map((key) => [key, name(key)]);
}

/** The span that is chosen, with the size of its bins; null while it has no numbers. */
export function spanOf(profile, chosen) {
  const span = profile?.spans?.[chosen];
  return span ? { ...span, bin: span.bin ?? profile.bin } : null;
}

/** The opening range of so many minutes, else the nearest there is. */
export function rangeOf(orb, minutes) {
  const all = orb?.ranges ?? [];
  return all.find((each) => each.minutes === minutes) ?? all[Math.floor(all.length / 2)] ?? null;
}

/** GEX levels as horizontal lines, the important first. */
export function gexLines(gex) {
  const levels = gex?.levels;
  if (!levels) return [];
  const found = [];
  if (isNumber(levels.zero_gamma)) found.push({ key: "zero_gamma", price: levels.zero_gamma, tone: "zero", label: `Zero gamma ${priceText(levels.zero_gamma)}` });
  for (const [key, name, tone] of WALLS) {
    const value = levels[key];
    const first = levels[key.replace("_2", "")];
    if (isNumber(value) && (!key.endsWith("_2") || value !== first)) found.push({ key, price: value, tone, label: `${name} ${strikeText(value)}` });
  }
  return found;
}

/** Liquidity Trigger levels as lines, those of one price in one: {key, price, tone, label, name}. */
export function ltLines(lt) {
  if (!lt?.levels || lt.state === "stale") return [];
  const byPrice = new Map();
  lt.lookbacks.forEach((bars, at) => {
    const price = lt.levels[`L${at}`];
    if (isNumber(price)) byPrice.set(price, [...(byPrice.get(price) ?? []), bars]);
  });
  return [...byPrice].map(([price, bars]) => ({ key: `lt_${bars[0]}`, price, tone: "lt", name: `LT ${bars.join(", ")}`, label: `LT ${bars.join(", ")}  ${priceText(price)}` }));
}

/** Why no Liquidity Trigger level is drawn, "" where some are. */
export function ltMissing(lt, symbol) {
  if (!lt) return `No Liquidity Trigger levels of ${symbol} are followed`;
  if (!lt.levels) return (lt.text ?? "No Liquidity Trigger levels yet").replace(/\.$/, "");
  if (lt.state === "stale") return `LT levels are stale and not drawn. ${lt.text ?? ""}`.trim().replace(/\.$/, "");
  return ltLines(lt).length ? "" : "The price has no Liquidity Trigger level now";
}

/** What a release did to a symbol: {horizon, percent} of the longest horizon measured up to `most`. */
export function reactionOf(reactions, id, symbol, most = 15) {
  const row = reactions?.events?.[id]?.rows?.find((each) => each.symbol === symbol);
  if (!row) return null;
  let found = null;
  for (const [horizon, move] of Object.entries(row.moves ?? {})) {
    if (isNumber(move?.percent) && Number(horizon) <= most && (!found || Number(horizon) > found.horizon)) found = { horizon: Number(horizon), percent: move.percent };
  }
  return found;
}

/** Events that concern a symbol, with a time, by time. */
export function eventsOf(calendar, symbol) {
  const own = ["USD", "All", CURRENCIES[symbol]];
  return (calendar?.events ?? [])
    .filter((each) => each.time && !each.all_day && own.includes(each.currency) && each.impact in IMPACT)
    .map((each) => ({ ...each, ms: Date.parse(each.time) }))
    .sort((one, other) => one.ms - other.ms);
}

const shortTitle = (title) => (title.length > 26 ? `${title.slice(0, 25).trimEnd()}…` : title);

/**
 * Events as marks on an axis of places (ms, ascending): [{place, label, impact, lines, reaction}].
 * Those of one place become one mark. What falls outside the hours shown stands at the first
 * candle after it, named as before the open; what lies before or after the axis is left out.
 */
export function eventMarks({ events, reactions, symbol, places, step, zone, titles = true }) {
  const groups = new Map();
  for (const event of events) {
    const slot = Math.floor(event.ms / step) * step;
    let at = lowerBound(places, slot);
    if (at >= places.length || (at === 0 && places[0] !== slot)) continue;
    const isInside = places[at] === slot;
    const key = `${at} ${isInside}`;
    if (!groups.has(key)) groups.set(key, { at, isInside, events: [] });
    groups.get(key).events.push(event);
  }
  return [...groups.values()].map(({ at, isInside, events: own }) => {
    const times = [...new Set(own.map((each) => minuteText(each.ms, zone)))];
    const impact = Math.max(...own.map((each) => IMPACT[each.impact]));
    const names = own.length === 1 ? (titles ? shortTitle(own[0].title) : "") : `${own.length} releases`;
    const label = isInside ? `${times.join(", ")} ${names}`.trim() : `Before the open: ${times.slice(0, 3).join(", ")}${times.length > 3 ? " …" : ""}`;
    const found = own.map((each) => reactionOf(reactions, each.id, symbol)).find(Boolean) ?? null;
    return { place: places[at], label, impact, lines: own.map((each) => `${minuteText(each.ms, zone)} ${each.title}`), reaction: found, ids: own.map((each) => each.id) };
  }).sort((one, other) => one.place - other.place);
}

/** The first index whose value is not below. */
export function lowerBound(values, value) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Rows of the levels panel in the order of price: {key, label, price, tone}. */
export function levelRows({ price, gex, lt, average, averageFrom, profile, span, spanLabel, range, layers }) {
  const rows = [];
  const add = (key, label, value, tone = "") => { if (isNumber(value)) rows.push({ key, label, price: value, tone }); };
  add("spot", "Spot", price, "spot");
  if (layers.includes("gex")) {
    for (const line of gexLines(gex)) add(line.key, line.key === "zero_gamma" ? "Zero gamma" : WALLS.find(([key]) => key === line.key)[1], line.price, line.tone);
    const pain = gex?.max_pain;
    if (pain) add("max_pain", pain.dte === 0 ? "Max pain, 0DTE" : `Max pain, ${dayShort(pain.expiry)}`, pain.strike);
  }
  if (layers.includes("lt")) for (const line of ltLines(lt)) add(line.key, line.name, line.price, "lt");
  if (layers.includes("vwap")) add("vwap", `VWAP${averageFrom ? `, ${averageFrom}` : ""}`, average, "accent");
  const shown = layers.includes("profile") ? spanOf(profile, span) : null;
  if (shown) {
    add("poc", `POC, ${spanLabel}`, shown.poc, "poc");
    add("vah", `VAH, ${spanLabel}`, shown.vah);
    add("val", `VAL, ${spanLabel}`, shown.val);
  }
  if (layers.includes("or") && range) {
    add("or_high", `OR ${range.minutes} high`, range.high, "or");
    add("or_low", `OR ${range.minutes} low`, range.low, "or");
  }
  return rows.sort((one, other) => other.price - one.price);
}
