// The columns of the indicator table: what each is called, shows, sorts and exports.
// templates/_row.html draws the same cells on the server for the first paint.

import { DASH, age, change, count, gex, percent, price, ratio, strike, volume } from "./format.js";
import { drawSpark } from "./spark.js";

export const GROUP_MARKS = { positive: "+", neutral: "=", negative: "−" };
export const ABSENT = {
  not_offered: "Not offered by this source.",
  no_entitlement: "No entitlement: this account may not read this symbol.",
  unknown_symbol: "No source knows this symbol.",
};
const AGING_S = 60;

const tone = (value) => (value === null || value === undefined ? "" : value > 0 ? "up" : value < 0 ? "down" : "flat");
const strong = (value) => (value !== null && value !== undefined && value >= 1.5 ? "strong" : "");

/** Seconds since the row's newest price, carried on with the market clock. */
export function rowAge(row, now) {
  if (row.as_of && now !== null) return Math.max(0, (now - Date.parse(row.as_of)) / 1000);
  return row.age;
}

function ageText(row, now) {
  if (row.status === "closed" || row.status === "halted") return row.status;
  return age(rowAge(row, now));
}

function paintPrice(cell, row) {
  const text = price(row.price, row.decimals);
  let number = cell.firstElementChild;
  if (!number) {
    number = document.createElement("span");
    number.className = "n";
    cell.replaceChildren(number);
  }
  if (number.textContent !== text) number.textContent = text;
  const direction = row.direction > 0 ? "up" : row.direction < 0 ? "down" : "";
  if ((cell.dataset.dir ?? "") !== direction) {
    if (direction) cell.dataset.dir = direction;
    else delete cell.dataset.dir;
  }
  const basis = { mid: "mid", extended: "ext" }[row.price_basis] ?? "";
  if ((cell.dataset.basis ?? "") !== basis) {
    if (basis) cell.dataset.basis = basis;
    else delete cell.dataset.basis;
  }
}

function paintSpark(cell, row, view) {
  const last = row.spark?.at(-1);
  const key = last ? `${row.spark.length} ${last[0]} ${last[1]} ${row.open}` : "";
  if (view.spark === key) return;
  view.spark = key;
  drawSpark(cell, row.spark, row.open);
}

/** The quote behind a price, as far as it is known. */
function quoteText(row) {
  const { bid, ask, decimals } = row;
  if ([bid, ask].some((each) => each === null || each === undefined)) return "";
  return `Bid ${price(bid, decimals)}, ask ${price(ask, decimals)}`;
}

/** "−3.34 (−0.56%) from today’s open, 599.21": the change with its reference. */
function against(row, value, share, reference, name) {
  if ([value, share, reference].some((each) => each === null || each === undefined)) return "";
  return `${change(value, row.decimals)} (${percent(share)}) from ${name}, ${price(reference, row.decimals)}`;
}

const fromOpen = (row) => against(row, row.change_price, row.change_percent, row.open, "today’s open");
const fromClose = (row) => against(row, row.change_close, row.change_close_percent, row.prev_close, "the previous close");

const money = (id, label, extra = {}) => ({
  id, label, num: true, optional: true, sample: "00,000.00",
  value: (row) => row[id], text: (row) => price(row[id], row.decimals), ...extra,
});

/** How far a level of the options is from the price, the sign towards the level. */
const distance = (id, label, level) => ({
  id: `${id}_distance`, label, num: true, optional: true, sample: "+00.00%", value: (row) => row[`${id}_distance`],
  text: (row) => percent(row[`${id}_distance`]), about: `From the price to the ${level}, in percent of the price`,
  title: (row) => (typeof row[id] === "number" && typeof row.price === "number" ? `${price(row[id], 2)} against ${price(row.price, row.decimals)}` : ""),
});

/**
 * In their first order. optional: off until switched on; leaves: rank in which a column goes
 * where the table does not fit; sample: the widest text to make room for; extra: pixels beside it.
 */
export const COLUMNS = [
  { id: "symbol", label: "Symbol", sample: "BRK/B00", extra: 14, value: (row) => row.symbol },
  {
    id: "price", label: "Price", num: true, sample: "0,000.00", extra: 40, paint: paintPrice,
    value: (row) => row.price, text: (row) => price(row.price, row.decimals),
    title: quoteText,
    about: "Newest trade; “ext” outside 09:30 to 16:00, “mid” where the quote is newer than the last trade",
  },
  {
    id: "change_price", label: "Chg open $", num: true, sample: "+000.00", value: (row) => row.change_price,
    text: (row) => change(row.change_price, row.decimals), classes: (row) => tone(row.change_price),
    about: "Change from today’s open: price minus open", title: fromOpen,
  },
  {
    id: "change_percent", label: "Chg open %", num: true, sample: "+00.00%", bold: true, value: (row) => row.change_percent,
    text: (row) => percent(row.change_percent), classes: (row) => tone(row.change_percent),
    about: "Change from today’s open in percent of the open", title: fromOpen,
  },
  {
    id: "change_close_percent", label: "Chg close %", num: true, sample: "+00.00%", value: (row) => row.change_close_percent,
    text: (row) => percent(row.change_close_percent), classes: (row) => tone(row.change_close_percent),
    about: "Change from the previous close in percent of it", title: fromClose,
  },
  {
    id: "change_close", label: "Chg close $", num: true, optional: true, sample: "+000.00", value: (row) => row.change_close,
    text: (row) => change(row.change_close, row.decimals), classes: (row) => tone(row.change_close),
    about: "Change from the previous close: price minus that close", title: fromClose,
  },
  {
    id: "spark", label: "Today", num: true, sample: "000000000", leaves: 1, paint: paintSpark, unsorted: true, noCsv: true,
    value: () => null, text: () => "", classes: (row) => tone(row.change_percent), about: "Today’s session; the dashes are the open",
  },
  {
    id: "rvol", label: "RVOL", num: true, sample: "00.00", value: (row) => row.rvol, text: (row) => ratio(row.rvol),
    classes: (row) => strong(row.rvol), about: "Volume so far against the mean of the same minute in the last sessions, 5 at most",
    title: (row) => (!row.rvol || !row.volume
      ? "" : `Volume so far against the mean of the same minute in the last sessions. ${volume(row.volume)} against ${volume(row.volume / row.rvol)}.`),
  },
  {
    id: "rvol_day", label: "RVOL day", num: true, sample: "00.00", leaves: 3, value: (row) => row.rvol_day,
    text: (row) => ratio(row.rvol_day), classes: (row) => strong(row.rvol_day),
    about: "Volume so far against the mean of whole sessions: small in the morning, 1.00 or so at the close",
    title: (row) => (!row.rvol_day || !row.avg_volume || !row.volume
      ? "" : `Volume so far against the mean of whole sessions. ${volume(row.volume)} against ${volume(row.avg_volume)}.`),
  },
  {
    id: "volume", label: "Volume", num: true, sample: "00,000", value: (row) => row.volume, text: (row) => volume(row.volume),
    about: "Traded in today’s session so far",
    title: (row) => (row.volume === null || row.volume === undefined ? "" : `${count(row.volume)} in today’s session so far`),
  },
  {
    id: "max_pain", label: "Max pain", num: true, sample: "0,000.00", value: (row) => row.max_pain,
    text: (row) => price(row.max_pain, 2), about: "Strike at which all holders of options together receive least, nearest expiry",
    title: (row) => (row.max_pain !== null && row.expiry ? `Max pain of the expiry ${row.expiry}` : ""),
  },
  {
    id: "dte", label: "DTE", num: true, sample: "00", value: (row) => row.dte, text: (row) => (row.dte === null ? DASH : String(row.dte)),
    about: "Days to the nearest expiry, by New York dates",
  },
  {
    id: "witching", label: "Witching", sample: "Yes", leaves: 4, value: (row) => (row.witching === null ? null : row.witching ? "yes" : "no"),
    text: (row) => (row.witching === null ? DASH : row.witching ? "Yes" : "No"),
    classes: (row) => (row.witching === null ? "" : row.witching ? "strong" : "soft"),
    about: "Is the nearest expiry a third Friday of March, June, September or December",
  },
  money("bid", "Bid"),
  money("ask", "Ask"),
  money("spread", "Spread", { sample: "00.00" }),
  money("open", "Open"),
  money("prev_close", "Prev close"),
  money("day_high", "High"),
  money("day_low", "Low"),
  {
    id: "vwap_distance", label: "VWAP %", num: true, optional: true, sample: "+00.00%", value: (row) => row.vwap_distance,
    text: (row) => percent(row.vwap_distance), classes: (row) => tone(row.vwap_distance), about: "Distance from the session’s VWAP",
  },
  {
    id: "gap_percent", label: "Gap %", num: true, optional: true, sample: "+00.00%", value: (row) => row.gap_percent,
    text: (row) => percent(row.gap_percent), classes: (row) => tone(row.gap_percent), about: "Today’s open against the previous close",
  },
  {
    id: "net_gex", label: "Net GEX", num: true, optional: true, sample: "+000.00B", value: (row) => row.net_gex,
    text: (row) => gex(row.net_gex), classes: (row) => tone(row.net_gex), about: "Net gamma exposure, $ per 1% move",
  },
  money("zero_gamma", "Zero gamma", { leaves: 2, text: (row) => price(row.zero_gamma, 2), about: "Price where modelled dealer gamma changes sign" }),
  distance("zero_gamma", "To zero %", "zero gamma"),
  money("call_wall", "Call wall", { text: (row) => strike(row.call_wall) }),
  distance("call_wall", "To call wall %", "call wall"),
  money("put_wall", "Put wall", { text: (row) => strike(row.put_wall) }),
  distance("put_wall", "To put wall %", "put wall"),
  {
    id: "orb", label: "ORB", optional: true, sample: "forming 15", value: (row) => row.orb, text: (row) => row.orb ?? DASH,
    classes: (row) => ({ up: "up", down: "down", both: "strong" })[(row.orb ?? "").split(" ")[0]] ?? "soft",
    about: "Opening range of 15 minutes: inside it still, or the side it broke first to", title: (row) => row.orb_detail ?? "",
  },
  {
    id: "halted", label: "Halt", optional: true, sample: "halted", value: (row) => (row.status === "halted" ? "halted" : "trading"),
    text: (row) => (row.status === "halted" ? "Halted" : row.status === "waiting" ? DASH : "No"),
    classes: (row) => (row.status === "halted" ? "strong" : "soft"),
  },
  {
    id: "source", label: "Source", optional: true, sample: "DELAYED", value: (row) => row.source, text: (row) => row.source ?? DASH,
  },
  {
    id: "age", label: "Age", num: true, sample: "00m 00s", extra: 10, value: (row, now) => rowAge(row, now), text: ageText,
    classes: (row, now) => ((rowAge(row, now) ?? 0) > AGING_S ? "aging" : ""), about: "Since the newest price of this row",
  },
];

/** What a card shows on a phone, whatever the table shows. */
export const CARD_COLUMNS = ["symbol", "price", "change_percent", "spark", "rvol", "max_pain", "dte", "witching", "age"];

/** Classes of a row: group, tint, stale. */
export function rowClasses(row) {
  const isStale = row.stale || row.status === "stale" || row.status === "link_down";
  const tint = { darkgreen: "row-up", darkred: "row-down", gray: "row-flat" }[row.color];
  return [row.group, isStale ? "stale" : tint].filter(Boolean).join(" ");
}
