// What stands beside the chart, and why a layer has nothing. Drawn from the page's state.

import { h, part, setText } from "../dom.js";
import { DASH, change as changeText, date as dateText, minute as minuteText, percent, price as priceText, volume } from "../format.js";
import { LAYERS } from "./view.js";
import { eventsOf, isNumber, levelRows, ltMissing, rangeOf, spanOf, spansOf } from "./layers.js";
import { fillEvents, fillLevels, fillProfile, fillRanges } from "./tables.js";
import { spanText } from "./words.js";

const averageFrom = ({ view, isFuture }) => (view.hours === "regular" || !isFuture ? "09:30" : "18:00");
const spanName = ({ state, view }) => spansOf(state.profile).find(([key]) => key === view.span)?.[1] ?? "This week";

/** Why a layer has nothing, "" where it has. */
export function missingOf(layer, { symbol, state, view, candles }) {
  const isDay = view.tf === "1d";
  if (layer === "vwap") {
    if (isDay) return "VWAP is of one session: choose minutes";
    if (candles.list.some((bar) => bar.vwap !== null)) return "";
    return state.head?.kind === "index" ? "An index has no volume" : "No volume of a whole session is known yet";
  }
  if (layer === "profile") {
    if (spanOf(state.profile, view.span)) return "";
    return state.profile?.reasons?.[view.span] ?? `The profile of ${symbol} is being worked out`;
  }
  if (layer === "or") {
    if (isDay) return "An opening range is of one session: choose minutes";
    const range = rangeOf(state.orb, view.or);
    if (range && isNumber(range.high)) return "";
    return state.orb?.reason ?? range?.note ?? "No opening range yet";
  }
  if (layer === "gex") return state.head?.gex?.levels ? "" : (state.head?.gex?.text ?? "No GEX levels yet");
  if (layer === "lt") return ltMissing(state.lt, symbol);
  if (isDay) return "Events have a minute: choose minutes";
  if (eventsOf(state.calendar, symbol).length) return "";
  return state.calendar?.problem ?? (state.calendar ? "No event of this week concerns the symbol" : "No calendar has been read yet");
}

/** The candle under the pointer, else the newest, in numbers. */
export function fillReadout(page, hovered, { state, view, candles, zone, decimals: digits }) {
  const values = Object.fromEntries([...page.querySelectorAll("[data-value]")].map((each) => [each.dataset.value, each]));
  const bar = hovered ?? candles.last;
  const isDay = view.tf === "1d";
  const when = !bar ? "" : isDay ? dateText(bar.time, "utc") : `${dateText(bar.time, zone)} ${minuteText(bar.time, zone)}`;
  setText(part(page, "when"), when);
  for (const [name, key] of [["O", "open"], ["H", "high"], ["L", "low"], ["C", "close"]]) setText(values[name], priceText(bar?.[key], digits));
  setText(values.V, volume(bar?.volume));
  const before = bar ? candles.before(bar) : null;
  const moved = bar && before ? bar.close - before.close : null;
  setText(values.change, moved === null ? "" : `${changeText(moved, digits)} ${percent((moved / before.close) * 100)}`);
  values.change.className = moved > 0 ? "up" : moved < 0 ? "down" : "flat";
  const mean = bar?.vwap ?? null;
  setText(values.vwap, priceText(mean, digits));
  setText(values.band, mean === null ? DASH : `${priceText(mean - bar.width, digits)} to ${priceText(mean + bar.width, digits)}`);
  setText(values.away, mean === null ? DASH : changeText(bar.close - mean, digits));
  page.toggleAttribute("data-no-average", isDay || state.head?.kind === "index");
  setText(part(page, "which"), hovered ? "candle under the pointer" : bar?.extended ? "newest candle, extended hours" : "newest candle");
}

/** The panels beside the chart. */
export function drawPanels(main, context, { range, span, nodes, choose }) {
  const { symbol, isFuture, state, view, candles, zone, decimals } = context;
  const panel = (name) => main.querySelector(`[data-panel="${name}"]`);
  const missing = (layer) => missingOf(layer, context);
  const { head } = state;
  const isOn = (layer) => !view.hide.includes(layer);
  const shown = LAYERS.filter((layer) => isOn(layer) && !missing(layer));
  const rows = levelRows({
    price: head?.price, gex: head?.gex, lt: state.lt, average: candles.last?.vwap, averageFrom: averageFrom(context),
    profile: state.profile, span: view.span, spanLabel: spanName(context).toLowerCase().replace("this ", "").replace("today", "day"), range, layers: shown,
  });
  const { gex } = head ?? {};
  fillLevels(panel("levels"), rows, head?.price, decimals, gex?.levels && gex.state === "stale" ? `GEX is stale. ${gex.text ?? ""}` : gex?.levels ? "" : gex?.text ?? "");
  fillProfile(panel("profile"), span, nodes, decimals, span ? spanText(span, zone, isFuture) : `${missing("profile")}.`);
  const { orb } = state;
  setText(part(panel("orb"), "covers"), orb ? [orb.open_label ? `from ${orb.open_label.replace(" New York", " ET")}` : orb.open_at ? `from ${minuteText(Date.parse(orb.open_at), zone)}` : "", "first breaks"].filter(Boolean).join(", ") : "");
  fillRanges(panel("orb"), orb, range, zone, decimals, choose);
  if (!orb) {
    const foot = part(panel("orb"), "foot");
    foot.hidden = false;
    setText(foot, "No opening range yet.");
  }
  const now = context.now ?? Date.parse(head?.as_of ?? "");
  fillEvents(panel("events"), { calendar: state.calendar, reactions: state.reactions, symbol, now, zone, problem: `${missing("events")}.` });
  setText(part(panel("events"), "covers"), `and what ${symbol} did`);
}

const LEGEND = {
  vwap: (context) => ["accent", `VWAP from ${averageFrom(context)}, bands 1σ dashed, 2σ dotted`],
  or: ({ state, view }) => ["dots", `OR ${rangeOf(state.orb, view.or)?.minutes ?? ""}`],
  profile: (context) => ["net", `POC, ${spanName(context).toLowerCase()}`],
  gex: () => ["zero", "Zero gamma"],
  lt: ({ state, zone }) => ["lt", `LT by bars looked back, of ${state.lt.contract ?? "the front contract"}, ${state.lt.timeframe} bar closed ${minuteText(Date.parse(state.lt.candle_end), zone)}`],
};

/** Names beside the strokes of the layers that are drawn. */
export function drawLegend(box, context) {
  const items = Object.entries(LEGEND).filter(([layer]) => !context.view.hide.includes(layer) && !missingOf(layer, context)).map(([, make]) => make(context));
  const key = JSON.stringify(items);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  box.replaceChildren(...items.map(([line, name]) => h("span", { class: "legend-item" }, h("span", { class: "key-line", dataset: { line } }), name)));
}
