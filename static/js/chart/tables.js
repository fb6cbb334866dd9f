// The panels beside the chart, filled in place.

import { h, part, setText } from "../dom.js";
import { DASH, change, date, fraction, minute as minuteText, percent, price, volume } from "../format.js";
import { fillRows } from "../gex/tables.js";
import { eventsOf, isNumber, nodeOf, reactionOf } from "./layers.js";

const SWATCH = { spot: "spot", zero: "zero", call: "call", put: "put", lt: "lt", accent: "accent", or: "dots", poc: "net" };

const foot = (panel, words) => {
  const box = part(panel, "foot");
  box.hidden = !words;
  setText(box, words);
};

/** Levels in the order of price, with both distances. */
export function fillLevels(panel, rows, spot, decimals, words) {
  fillRows(part(panel, "rows"), rows.map((row) => {
    const away = isNumber(spot) && row.key !== "spot" ? row.price - spot : null;
    return {
      key: row.key,
      className: row.key === "spot" ? "at-spot" : "",
      cells: [
        { head: true, key: `${row.tone} ${row.label}`, title: row.label, node: () => [h("span", { class: "swatch", "aria-hidden": "true", dataset: { line: SWATCH[row.tone] ?? "" } }), row.label] },
        { className: "num strong", text: price(row.price, decimals) },
        { className: "num soft", text: row.key === "spot" ? "" : change(away, decimals) },
        { className: "num soft", text: row.key === "spot" ? "" : percent(away === null ? null : (away / spot) * 100) },
      ],
    };
  }));
  foot(panel, words);
}

/** Nodes of a profile by price, the strongest of each kind. */
export function fillProfile(panel, span, nodes, decimals, words) {
  const shown = [...nodes].sort((one, other) => other.price - one.price);
  fillRows(part(panel, "rows"), shown.map((node) => ({
    cells: [
      { head: true, text: node.kind, className: node.kind === "HVN" ? "strong" : "soft" },
      { className: `num${node.kind === "HVN" ? " strong" : ""}`, text: price(node.price, decimals) },
      { className: "num", text: volume(node.volume) },
      { className: "num", text: isNumber(node.share) ? fraction(node.share).replace(/\.\d/, "") : volume(node.prominence) },
    ],
  })));
  const all = span ? [...(span.hvn ?? []), ...(span.lvn ?? [])].map(nodeOf).length : 0;
  const counts = span && all > nodes.length ? `Strongest ${nodes.filter((each) => each.kind === "HVN").length} of ${span.hvn.length} HVN, ${nodes.filter((each) => each.kind === "LVN").length} of ${span.lvn.length} LVN` : "";
  foot(panel, [words, counts].filter(Boolean).join(". "));
}

function breakCell(range, side, zone) {
  const found = (range.breaks ?? []).find((each) => each.side === side);
  if (!found) return { className: "num", text: DASH, title: range.note ?? "" };
  const mark = side === "up" ? "▲" : "▼";
  const told = [`at ${price(found.price)}`, found.outcome ? `then ${found.outcome}` : ""].filter(Boolean).join(", ");
  return { className: `num ${side}`, text: `${mark} ${minuteText(Date.parse(found.at), zone)}`, title: told };
}

const STATES = { waiting: "not yet", forming: "forming", no_data: "no data", late: "late" };

/** The opening ranges with the first break each way; pressed is the one drawn. */
export function fillRanges(panel, orb, shown, zone, decimals, choose) {
  const ranges = orb?.ranges ?? [];
  fillRows(part(panel, "rows"), ranges.map((range) => ({
    className: range === shown ? "chosen" : "",
    cells: [
      { head: true, key: `${range.minutes} ${range === shown} ${range.state}`, node: () => [
        h("button", { type: "button", class: "link quiet", "aria-pressed": String(range === shown), title: `Draw the range of ${range.minutes} minutes`, onclick: () => choose(range.minutes) }, `${range.minutes} min`),
        ...(range.state in STATES ? [" ", h("span", { class: "tag", title: range.note ?? "" }, STATES[range.state])] : []),
      ] },
      { className: "num", text: price(range.high, decimals), title: range.note ?? "" },
      { className: "num", text: price(range.low, decimals), title: range.note ?? "" },
      { className: "num soft", text: isNumber(range.high) && isNumber(range.low) ? price(range.high - range.low, decimals) : DASH },
      breakCell(range, "down", zone),
      breakCell(range, "up", zone),
    ],
  })));
  foot(panel, orb?.reason ? `${orb.reason}.` : "");
}

/** Events around now with what the price did after them. */
export function fillEvents(panel, { calendar, reactions, symbol, now, zone, problem }) {
  const all = eventsOf(calendar, symbol);
  const upcoming = all.findIndex((each) => each.ms >= now);
  const middle = upcoming < 0 ? all.length : upcoming;
  const shown = all.slice(Math.max(0, middle - 5), Math.max(0, middle - 5) + 8);
  let day = "";
  fillRows(part(panel, "rows"), shown.map((event) => {
    const own = date(event.ms, zone);
    const when = `${own === day ? "" : `${own.split(" ")[0]} `}${minuteText(event.ms, zone)}`;
    day = own;
    const moved = reactionOf(reactions, event.id, symbol, 60);
    const tone = moved ? (moved.percent > 0 ? "up" : moved.percent < 0 ? "down" : "flat") : "";
    return {
      className: event.ms >= now ? "ahead" : "",
      cells: [
        { head: true, text: when, className: "when" },
        { key: `${event.impact} ${event.title}`, title: `${event.title}, ${event.impact} impact`, node: () => [h("span", { class: "impact", dataset: { impact: event.impact }, role: "img", "aria-label": `${event.impact} impact` }), event.title] },
        { className: `num ${tone}`, text: event.ms >= now ? "" : moved ? percent(moved.percent) : DASH, title: moved ? `${percent(moved.percent)} in ${moved.horizon} min` : event.ms >= now ? "" : `No move of ${symbol} was measured` },
      ],
    };
  }));
  foot(panel, shown.length ? "" : problem);
}
