// Sentences of the chart page. No page in here.

import { age, clock, date, minute as minuteText, volume } from "../format.js";

const GONE = {
  not_offered: (symbol) => `${symbol} is not offered by this source.`,
  no_entitlement: (symbol) => `This account may not read ${symbol}.`,
  unknown_symbol: (symbol) => `No source knows ${symbol}.`,
};

/** True for a symbol that no candle can come of. */
export const isGone = (head) => head.status in GONE;

/** The line above the chart, {kind, strong, text}, or null while all is well. gone: seconds since as_of. */
export function statusLine(head, zone, gone) {
  const at = head.as_of ? Date.parse(head.as_of) : null;
  const when = at === null ? "" : `${date(at, zone)} ${clock(at, zone)}`;
  if (head.status === "link_down") return { kind: "error", strong: "The price feed is down.", text: at === null ? "Nothing was heard of this symbol." : `Candles stop at ${when}.` };
  if (head.status === "stale") return { kind: "warning", strong: "Stale.", text: `No price of ${head.symbol} for ${age(gone)}, the last is of ${when}.` };
  if (head.status === "halted") return { kind: "warning", strong: `${head.symbol} is halted.`, text: at === null ? "" : `The last price is of ${when}.` };
  if (head.status === "closed") return { kind: "info", strong: "The market is closed.", text: at === null ? "" : `The last price is of ${when}.` };
  return null;
}

/** What the price is and how old: {text, isLate}. */
export function priceNote(head, gone) {
  const basis = { extended: "extended hours", mid: "mid" }[head.price_basis] ?? "";
  const late = { stale: `▲ ${age(gone)}`, aging: age(gone), link_down: `▲ ${age(gone)}`, closed: "closed", halted: "halted" }[head.status];
  const words = head.price === null ? "" : late ?? (gone === null ? "" : age(gone));
  return { text: [head.contract, basis, words].filter(Boolean).join(" · "), isLate: head.status === "stale" || head.status === "link_down" };
}

/** Why there is no candle: {title, text}. */
export function emptyWords(head, problem, tf) {
  if (problem) return { title: "No candles", text: problem };
  const gone = head && GONE[head.status];
  if (gone) return { title: `No chart of ${head.symbol}`, text: gone(head.symbol) };
  if (head?.status === "link_down") return { title: "No candles", text: "The price feed is down, and none are kept from before." };
  return { title: "Loading", text: `Candles of ${head?.symbol ?? "this symbol"} are being asked for.${tf === "1d" ? " Days come from the feed’s own daily bars." : ""}` };
}

/** How far what is there reaches: one sentence for the foot. */
export function coverage(candles, zone, source) {
  const { list, tf, basis, gaps, more } = candles;
  if (!list.length) return "";
  const first = list[0].time;
  const from = tf === "1d" ? date(first, "utc") : `${date(first, zone)} ${minuteText(first, zone)}`;
  const missing = gaps.length ? `, ${gaps.length} ${gaps.length === 1 ? "gap" : "gaps"} marked` : "";
  const made = { minutes: tf === "1m" ? "" : " of one-minute bars", daily: " of the feed’s daily bars", aggregated: ", days put together from minutes while daily bars are missing" }[basis] ?? "";
  return `${volume(list.length)} candles${made} from ${from}${missing}${source ? `, ${source}` : ""}${more ? "; older ones come as you scroll" : "; nothing older is kept"}`;
}

/** A gap in words. */
export function gapLabel(from, to, zone) {
  if (to - from >= 6 * 3600_000) return `no bars ${date(from, zone)}`;
  return `no bars ${minuteText(from, zone)} to ${minuteText(to, zone)}`;
}

/** What a span of the profile covers. */
export function spanText(span, zone, isFuture) {
  const at = (iso) => `${date(Date.parse(iso), zone)} ${minuteText(Date.parse(iso), zone)}`;
  const area = span.value_area_share ?? null;
  const parts = [...(area === null ? [] : [`Value area ${(area * 100).toFixed(1)}%`]), `${at(span.from)} to ${span.developing ? "now" : at(span.to)}`, `${volume(span.volume)} ${isFuture ? "contracts" : "shares"}`];
  if (span.bin) parts.push(`bins ${Number(span.bin.toPrecision(6))}`);
  if (span.missing_bars) parts.push(`${volume(span.missing_bars)} minutes missing`);
  return parts.join(", ");
}
