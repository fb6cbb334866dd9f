// What an event is called and what is said of it; templates/_calendar.html says the same first.

import { DASH, MINUS, change, countdown, date, day, minute, percent } from "../format.js";

export const LEVELS = {
  all: ["high", "medium", "low", "holiday"],
  medium: ["high", "medium", "holiday"],
  high: ["high", "holiday"],
};
export const IMPACTS = { high: ["High", 3], medium: ["Med", 2], low: ["Low", 1], holiday: ["Holiday", 0] };
export const HOME = "USD";
export const EVERYWHERE = "All"; // OPEC, G7: what concerns every currency
export const HORIZONS = [1, 5, 15, 30, 60];
export const SMALL = 5; // reactions under which a group's mean is not shown

const NO_DAY = "Day not known";

/** Unix milliseconds of an event, null without a time. */
export const timeOf = (event) => (event.time === null ? null : Date.parse(event.time));

/** The events of a currency and at least so much impact, by time. */
export function chosen(events, { currency, impact }) {
  return events.filter((event) => (currency === "ALL" || event.currency === currency || event.currency === EVERYWHERE)
    && LEVELS[impact].includes(event.impact));
}

/** Currencies of the week, the user's first. */
export function currencies(events) {
  const found = new Set(events.map((event) => event.currency));
  return [HOME, ...[...found].filter((each) => each !== HOME && each !== EVERYWHERE).sort()];
}

/** The status by now: what passed its time since the server said it was upcoming. */
export function statusAt(event, now, hasActuals = true) {
  const at = timeOf(event);
  if (event.status !== "upcoming" || at === null || now === null || now < at) return event.status;
  if (event.has_actual_source && hasActuals) return "waiting";
  return event.has_figures || event.has_actual_source ? "no_source" : "held";
}

/** The next event to come of a list by time, or null. */
export function following(events, now) {
  return events.find((event) => event.impact !== "holiday" && event.time !== null && timeOf(event) > now) ?? null;
}

/** The latest events whose time has passed, newest first. */
export function latest(events, now, count) {
  return events.filter((event) => event.impact !== "holiday" && event.time !== null && timeOf(event) <= now)
    .reverse().slice(0, count);
}

/** The day an event stands under. */
export function dayOf(event, zone) {
  if (event.time !== null) return date(timeOf(event), zone);
  return event.day === null ? NO_DAY : day(event.day);
}

/** [{label, events, releases, coming}] by day; what has no day comes last. */
export function days(events, zone, now) {
  const found = new Map();
  for (const event of events) {
    const label = dayOf(event, zone);
    if (!found.has(label)) found.set(label, []);
    found.get(label).push(event);
  }
  return [...found].sort((one, other) => (one[0] === NO_DAY) - (other[0] === NO_DAY)).map(([label, own]) => ({
    label,
    events: own,
    releases: own.filter((event) => event.impact !== "holiday").length,
    coming: own.filter((event) => statusAt(event, now) === "upcoming").length,
  }));
}

/** "4 releases, 1 to come" of a day. */
export function dayNote({ releases, coming }, isToday) {
  if (!releases) return "";
  return `${releases} event${releases === 1 ? "" : "s"}${isToday && coming ? `, ${coming} to come` : ""}`;
}

/** The clock time of an event, or what stands in its place. */
export function timeText(event, zone) {
  if (event.time !== null) return minute(timeOf(event), zone);
  return { all_day: "All day", tentative: "Tentative" }[event.timing] ?? DASH;
}

/** Where an event was before it moved, or null. */
export function movedText(event, zone) {
  if (!event.moved_from) return null;
  const before = Date.parse(event.moved_from);
  const sameDay = event.time !== null && date(before, zone) === date(timeOf(event), zone);
  return `moved from ${sameDay ? "" : `${date(before, zone).slice(0, 3)} `}${minute(before, zone)}`;
}

const sentence = (text) => (text ? `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, "")}.` : "");

/** A figure as its source writes it, with a minus that is one; a dash for none. */
export function figureText(text) {
  return text ? text.replace(/^-(?=[\d.])/, MINUS) : DASH;
}

/** {text, kind, title} of the released figure; kind "blank" where no figure applies. */
export function actualOf(event, status) {
  if (event.actual !== null) {
    const revised = event.actual_revised ? `. Revised to ${event.actual_revised} since` : "";
    const period = event.period ? `, period of ${event.period}` : "";
    return { text: figureText(event.actual), kind: "known", title: `${event.actual_source}${period}${revised}` };
  }
  if (status === "holiday" || status === "held" || (!event.has_figures && !event.has_actual_source)) return { text: "", kind: "blank", title: "" };
  if (status === "waiting") return { text: "due", kind: "waiting", title: `Released, waiting for the actual. ${sentence(event.why === "not released yet" ? "" : event.why)}`.trim() };
  if (status === "upcoming") return { text: DASH, kind: "unknown", title: event.has_actual_source ? "Not released yet" : `Not released yet. ${sentence(event.why)}` };
  return { text: DASH, kind: "unknown", title: `No source has the actual. ${sentence(event.why)}`.trim() };
}

/** {text, word, sign, title} of actual against forecast; sign by what it means for growth. */
export function surpriseOf(event, z = event.surprise_z) {
  if (event.surprise === null) return null;
  const word = event.surprise > 0 ? "above" : event.surprise < 0 ? "below" : "in line";
  const mark = { above: "▲", below: "▼", "in line": "=" }[word];
  const tone = event.better === null ? "flat" : event.better ? "up" : "down";
  const size = amount(event.surprise, event);
  const growth = event.better === null ? "" : event.better ? ". Good for growth" : ". Bad for growth";
  return { text: `${mark} ${word}`, mark, word, tone, size, title: `${size} against the forecast${z === null || z === undefined ? "" : `, z ${change(z)}`}${growth}` };
}

/** A difference in the figure's own unit: "+0.2%", "+11K". */
export function amount(value, { unit, forecast }) {
  if (typeof value !== "number") return DASH;
  const places = /\.(\d+)/.exec(forecast ?? "")?.[1].length ?? 0;
  const [, letter = ""] = /\d([KMBT])%?$/i.exec(forecast ?? "") ?? [];
  const scale = { K: 1e3, M: 1e6, B: 1e9, T: 1e12 }[letter.toUpperCase()] ?? 1;
  const figure = Math.abs(value / scale).toFixed(places);
  const sign = Number(figure) === 0 ? "" : value > 0 ? "+" : "−";
  return `${sign}${figure}${letter}${(unit ?? "").startsWith("%") ? "%" : ""}`;
}

/** Who told the figures, and who would. */
export function sourceText(event, status) {
  if (event.impact === "holiday") return "FF";
  if (event.actual !== null) return "FF, FRED";
  return status === "no_source" ? "FF only" : "FF";
}

/** The reaction of a symbol to an event, or null. */
export function reactionOf(reactions, id, symbol) {
  return reactions?.events?.[id]?.rows?.find((row) => row.symbol === symbol) ?? null;
}

/** Symbols whose reactions are measured, in their order. */
export function symbolsOf(reactions) {
  if (reactions?.symbols?.length) return reactions.symbols;
  const found = new Set();
  for (const event of Object.values(reactions?.events ?? {})) for (const row of event.rows) found.add(row.symbol);
  return [...found];
}

/** {text, tone, title} of a reaction at a horizon. */
export function moveOf(row, horizon) {
  const move = row?.moves?.[horizon] ?? null;
  if (move) {
    const shown = Math.round(move.percent * 100) / 100; // what is written as 0.00% has no direction
    return { text: percent(shown || 0), tone: shown > 0 ? "up" : shown < 0 ? "down" : "flat", title: "" };
  }
  const isPending = !row || row.pending?.includes(horizon);
  const why = row?.reasons?.[horizon] ?? row?.note ?? null;
  return { text: DASH, tone: "unknown", title: isPending ? (row ? "Not reached yet" : "") : why ?? "No trade in the last 60 seconds" };
}

/** How the time to an event reads: "in 42:53", or null when it passed. */
export function inText(event, now) {
  const left = (timeOf(event) - now) / 1000;
  return left > 0 ? `in ${countdown(left)}` : null;
}

/** One line under the name of an event to come: "15:15 · medium impact · no forecast". */
export function aboutNext(event, zone, now) {
  const at = timeOf(event);
  const label = date(at, zone);
  const when = `${label === date(now, zone) ? "" : `${label.slice(0, 3)} `}${minute(at, zone)}`;
  const figures = event.forecast ? `forecast ${figureText(event.forecast)}${event.previous ? ` after ${figureText(event.previous)}` : ""}`
    : event.previous ? `no forecast, ${figureText(event.previous)} before` : "no forecast";
  return `${when} · ${event.impact} impact · ${figures}`;
}

/** One line under the name of an event that was: "09:15 · 0.1%, forecast 0.2%". */
export function aboutLatest(event, zone, now, status) {
  const at = timeOf(event);
  const label = date(at, zone);
  const when = `${label === date(now, zone) ? "" : `${label.slice(0, 3)} `}${minute(at, zone)}`;
  if (event.actual !== null) return `${when} · ${figureText(event.actual)}${event.forecast ? `, forecast ${figureText(event.forecast)}` : ""}`;
  const expected = event.forecast ? `, forecast ${figureText(event.forecast)}` : "";
  if (status === "waiting") return `${when} · released, waiting for the actual${expected}`;
  return `${when}${status === "no_source" ? ` · no source has the actual${expected}` : ""}`;
}

/** The row of statistics for an event's title (or its whole cluster), or null. */
export function statisticsOf(reactions, event, group = []) {
  const all = reactions?.statistics ?? [];
  const titles = [...new Set(group.map((each) => each.title))].sort();
  const isGroup = (row) => row.titles?.length > 1 && [...row.titles].sort().join("|") === titles.join("|");
  return (titles.length > 1 ? all.find(isGroup) : null)
    ?? all.find((row) => row.title === event.title && (row.currency ?? event.currency) === event.currency) ?? null;
}
