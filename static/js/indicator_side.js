// Beside the live table: master sentiment, the nearest events, headlines. Nothing is calculated.

import { h, part, setText, svg } from "./dom.js";
import { DASH, ageShort, change, countdown, date, minute, zoneLabel } from "./format.js";
import { impactMark } from "./calendar/table.js";
import {
  HOME, aboutLatest, aboutNext, actualOf, chosen, figureText, following, latest, moveOf, reactionOf, statusAt, surpriseOf, symbolsOf, timeOf,
} from "./calendar/words.js";
import { safeUrl, span } from "./news/list.js";

const LATEST = 5;
const COMING = 2;
const HEADLINES = 8;
const HORIZON = 5;
const WIDTH = 200;
const NAMES = { plain: "plain", finance: "finance-aware" };
const TONES = { positive: "up", negative: "down", neutral: "flat" };

export const ROOMS = [
  { page: "sentiment", event: "update_sentiment", url: "/api/sentiment", field: "sentiment" },
  { page: "calendar", event: "update_events", url: "/api/calendar", field: "calendar" },
  { page: "news", event: "update_news", url: "/api/news", field: "news" },
  { page: "reactions", event: "update_reactions", url: "/api/reactions", field: "reactions" },
];

const tone = (word) => TONES[word] ?? "unknown";

/** "Tue 14:28", or "14:28" today. */
function when(ms, now, zone) {
  const label = date(ms, zone);
  return `${label === date(now, zone) ? "" : `${label.slice(0, 3)} `}${minute(ms, zone)}`;
}

function scale(score, other) {
  const at = (value) => ((Math.max(-1, Math.min(1, value)) + 1) / 2) * WIDTH;
  const line = (x, kind, half) => svg("line", { x1: x, x2: x, y1: 6 - half, y2: 6 + half, class: kind });
  return svg("svg", { class: "scale", viewBox: `0 0 ${WIDTH} 12`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("line", { x1: 0, x2: WIDTH, y1: 6, y2: 6, class: "axis" }), line(at(0), "zero", 5),
    ...(other ? [line(at(other.score), "other", 3)] : []), line(at(score.score), `now ${tone(score.word)}`, 5));
}

/** A dash and why: what a panel without data is. */
function nothing(why) {
  return [h("p", { class: "nothing" }, h("span", { class: "dash", "aria-label": "unknown" }, DASH), h("span", { class: "reason" }, why))];
}

const setupLink = () => h("a", { class: "way-out", href: "/setup#sources" }, "Switch on in Setup");

export class Side {
  #root;
  #state;
  #clock;
  #turn = Infinity;

  /** state: {sentiment, calendar, news, reactions} as the page came; clock() is market time in ms. */
  constructor(root, state, { clock, zone }) {
    this.#root = root;
    this.#state = { ...state };
    this.#clock = clock;
    this.zone = zone;
  }

  take(name, value) {
    this.#state[name] = value ?? null;
    this.draw();
  }

  #part(name) {
    return part(this.#root, name);
  }

  draw() {
    const now = this.#clock();
    if (now === null) return;
    this.#drawSentiment(now);
    this.#drawCalendar(now);
    this.#drawHeadlines(now);
    const events = this.#state.calendar?.events ?? [];
    this.#turn = Math.min(...events.map(timeOf).filter((at) => at !== null && at > now), Infinity);
    this.tick();
  }

  /** What moves with the clock. */
  tick() {
    const now = this.#clock();
    if (now === null) return;
    if (now >= this.#turn) {
      this.draw();
      return;
    }
    const zone = this.zone();
    for (const element of document.querySelectorAll(".sums [data-until], .indicator-grid [data-until]")) {
      const left = (Number(element.dataset.until) - now) / 1000;
      setText(element, left > 0 ? `${element.dataset.before ?? ""}${countdown(left)}` : "now");
    }
    for (const element of this.#root.querySelectorAll("[data-since]")) {
      const age = Math.max(0, now - Number(element.dataset.since)) / 1000;
      setText(element, `${element.dataset.before ?? ""}${element.dataset.long ? span(age) : ageShort(age)}${element.dataset.after ?? ""}`);
    }
    setText(this.#part("events-zone"), zoneLabel(zone) === "ET" ? "New York time" : zoneLabel(zone));
  }

  #since(iso, before, after = "", long = false) {
    return iso ? h("span", { dataset: { since: String(Date.parse(iso)), before, after, ...(long ? { long: "1" } : {}) } }) : null;
  }

  #drawSentiment(now) {
    const index = this.#state.sentiment;
    const score = index?.[index.lexicon] ?? null;
    const other = index?.[index.lexicon === "finance" ? "plain" : "finance"] ?? null;
    const day = index?.newest ? date(Date.parse(index.newest), this.zone()) : "no date";
    const panel = this.#part("sentiment");
    panel.toggleAttribute("data-stale", Boolean(score) && (!index.on || Boolean(index.problem)));
    setText(this.#part("sentiment-covers"), score ? `${score.n} headline${score.n === 1 ? "" : "s"}, ${day}` : "not scored");
    const rival = index?.lexicon === "finance" ? "plain" : "finance";
    panel.replaceChildren(...(score ? [
      h("p", { class: "master" }, h("strong", { class: tone(score.word) }, change(score.score)), " ", h("span", { class: tone(score.word) }, score.word),
        other ? h("span", { class: "rival" }, `${NAMES[rival]} `, h("b", { class: tone(other.word) }, change(other.score))) : null),
      scale(score, other),
      h("p", { class: "ends small muted" }, h("span", {}, "−1 negative"), h("span", {}, "0"), h("span", {}, "+1 positive")),
      h("p", { class: "small muted" }, this.#since(index.newest, "newest ", " old", true), index.late_by_plan ? ", late by plan" : "", index.fetched_at ? ", " : "", this.#since(index.fetched_at, "asked ", " ago")),
      index.problem ? h("p", { class: "small warn-text" }, index.problem) : null,
    ].filter(Boolean) : [...nothing(index?.problem ?? "No headlines to score yet."), ...(index && !index.on ? [setupLink()] : [])]));
    for (const place of document.querySelectorAll('[data-part="head-sentiment"]')) {
      place.hidden = !score;
      if (score) place.replaceChildren("Sentiment ", h("b", { class: tone(score.word) }, change(score.score)), ` ${score.word}, n ${score.n}`);
    }
    const sum = part(document, "sum-sentiment");
    sum.replaceChildren(h("span", { class: "muted" }, score ? `Sentiment, ${score.n} headlines` : "Sentiment"),
      h("span", {}, h("b", { class: score ? tone(score.word) : "unknown" }, score ? change(score.score) : DASH), " ", h("span", { class: score ? tone(score.word) : "muted" }, score?.word ?? "not scored")));
  }

  #drawCalendar(now) {
    const { calendar, reactions } = this.#state;
    const zone = this.zone();
    const events = chosen(calendar?.events ?? [], { currency: HOME, impact: "all" });
    const symbol = symbolsOf(reactions)[0] ?? null;
    const next = following(events, now);
    const past = latest(events, now, LATEST);
    const context = { now, zone, symbol, reactions, calendar };
    for (const name of ["calendar", "events-panel"]) this.#part(name).toggleAttribute("data-stale", Boolean(calendar?.stale));
    const off = !calendar?.events.length;
    this.#part("calendar").replaceChildren(...(off
      ? [...nothing(calendar?.problem ?? (calendar?.on ? "The week’s file has not arrived yet." : "The calendar has not said anything yet.")), ...(calendar && !calendar.on ? [setupLink()] : [])]
      : [this.#next(next, now, zone), past[0] ? this.#latest(past[0], context) : null].filter(Boolean)));
    this.#part("events-panel").hidden = off;
    const shown = [...past.slice().reverse(), ...events.filter((event) => event.impact !== "holiday" && event.time !== null && timeOf(event) > now).slice(0, COMING)];
    this.#part("events").replaceChildren(...shown.map((event) => this.#row(event, next, context)));
    setText(this.#part("events-symbol"), symbol ? `${symbol}, ${HORIZON} min` : `${HORIZON} min`);
    this.#part("events-ages").replaceChildren(...[this.#since(calendar?.fetched_at, "Forex Factory "),
      calendar?.actuals.on ? this.#since(calendar.actuals.fetched_at, ", FRED ") : calendar ? ", FRED off" : null].filter(Boolean));
    const sum = part(document, "sum-next");
    sum.replaceChildren(...(next
      ? [h("span", { class: "muted" }, `Next, ${when(timeOf(next), now, zone)} `, h("span", { dataset: { until: String(timeOf(next)), before: "in " } })), h("span", {}, next.title)]
      : [h("span", { class: "muted" }, "Next event"), h("span", { class: "muted" }, off ? "no calendar" : "none this week")]));
  }

  #next(event, now, zone) {
    if (!event) return h("div", { class: "event-box" }, h("p", { class: "small muted" }, "Next"), h("p", { class: "soft" }, "Nothing more comes this week."));
    return h("div", { class: "event-box" },
      h("p", { class: "small muted ends" }, h("span", {}, "Next"), h("span", {}, "in")),
      h("p", { class: "ends" }, h("a", { href: `/calendar?event=${encodeURIComponent(event.id)}` }, event.title), h("b", { class: "count", dataset: { until: String(timeOf(event)) } })),
      h("p", { class: "small soft" }, aboutNext(event, zone, now)));
  }

  #latest(event, { now, zone, symbol, reactions, calendar }) {
    const move = moveOf(reactionOf(reactions, event.id, symbol), HORIZON);
    const status = statusAt(event, now, calendar.actuals.on);
    const surprise = surpriseOf(event);
    return h("div", { class: "event-box" },
      h("p", { class: "small muted ends" }, h("span", {}, "Latest"), h("span", {}, symbol ? `${symbol} after ${HORIZON} min` : "")),
      h("p", { class: "ends" }, h("a", { href: `/calendar?event=${encodeURIComponent(event.id)}` }, event.title),
        event.cluster ? h("span", { class: "tag" }, "clustered") : h("b", { class: move.tone, title: move.title || null }, move.text)),
      h("p", { class: "small soft" }, aboutLatest(event, zone, now, status), surprise ? h("span", { class: surprise.tone }, ` ${surprise.text}`) : null));
  }

  #row(event, next, { now, zone, symbol, reactions, calendar }) {
    const status = statusAt(event, now, calendar.actuals.on);
    const actual = actualOf(event, status);
    const surprise = surpriseOf(event);
    const has = event.has_figures || event.has_actual_source;
    const move = moveOf(reactionOf(reactions, event.id, symbol), HORIZON);
    const isClustered = event.cluster && status !== "upcoming";
    return h("tr", { class: event === next ? "next-row" : "", dataset: { id: event.id } },
      h("td", { class: "time" }, when(timeOf(event), now, zone)),
      h("td", { class: "impact-cell" }, impactMark(event.impact)),
      h("th", { scope: "row", class: "event" }, h("a", { href: `/calendar?event=${encodeURIComponent(event.id)}` }, event.title),
        event === next ? h("span", { class: "in", dataset: { until: String(timeOf(event)), before: "in " } }) : null),
      h("td", { class: `num actual ${actual.kind}`, title: actual.title || null }, actual.text),
      h("td", { class: "num soft forecast" }, has ? figureText(event.forecast) : ""),
      h("td", { class: "num soft previous", title: event.revised_from ? `Revised, first told as ${event.revised_from}` : null }, has ? figureText(event.previous) : ""),
      h("td", { class: `surprise ${surprise?.tone ?? "unknown"}`, title: surprise?.title ?? null }, surprise?.text ?? (has ? DASH : "")),
      h("td", { class: `num move ${isClustered ? "" : move.tone}`, title: isClustered ? "Others came in the same minute: see the calendar" : move.title || null },
        isClustered ? h("span", { class: "tag" }, "clustered") : move.text));
  }

  #drawHeadlines(now) {
    const { news } = this.#state;
    const rows = news?.headlines.slice(0, HEADLINES) ?? [];
    const zone = this.zone();
    const head = this.#part("headlines-covers");
    head.replaceChildren(h("span", {}, ...(rows.length ? [news.late_by_plan ? "24h late by plan, " : "", this.#since(news.fetched_at, "asked ", " ago")].filter(Boolean) : ["none yet"])));
    const panel = this.#part("headlines");
    panel.toggleAttribute("data-stale", rows.length > 0 && (!news.on || Boolean(news.problem)));
    if (!rows.length) {
      panel.replaceChildren(...nothing(news?.problem ?? "No headlines yet."), ...(news && !news.on ? [setupLink()] : []));
      return;
    }
    const field = news.lexicon === "finance" ? "finance" : "vader";
    panel.replaceChildren(...[news.problem ? h("p", { class: "reason warn-text" }, news.problem) : null, h("ol", { class: "headlines" }, rows.map((row) => {
      const url = safeUrl(row.url);
      const at = Date.parse(row.published);
      return h("li", {}, url ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, row.title) : h("span", {}, row.title),
        h("p", { class: "small muted ends" }, h("span", {}, when(at, now, zone), row.publisher ? ` ${row.publisher}` : ""),
          h("span", { class: tone(row.word[news.lexicon]) }, row[field] === null ? DASH : `${change(row[field])} ${row.word[news.lexicon] ?? ""}`)));
    }))].filter(Boolean));
  }
}
