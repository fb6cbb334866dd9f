// The week's table: a row an event, a raised row a day, one reaction row a cluster.

import { h, setText } from "../dom.js";
import { date, DASH } from "../format.js";
import {
  HORIZONS, IMPACTS, actualOf, chosen, dayNote, days, figureText, following, inText, moveOf, movedText, reactionOf, sourceText, statusAt, surpriseOf, timeOf, timeText,
} from "./words.js";

const COLUMNS = 13; // without the currency's

/** Impact as bars and word. */
export function impactMark(impact) {
  const [word, bars] = IMPACTS[impact];
  return h("span", { class: "impact", dataset: { bars: String(bars) } },
    h("span", { class: "impact-bars", "aria-hidden": "true" }, h("i"), h("i"), h("i")), word);
}

/** A cell whose text has a tone and a reason. */
export function cell(className, { text, tone = "", title = "" }) {
  const label = text === DASH && title ? `unknown: ${title}` : null;
  return h("td", { class: `${className} ${tone}`.trim(), title: title || null, "aria-label": label }, text);
}

function figure(text, event, name) {
  if (!event.has_figures && !event.has_actual_source) return h("td", { class: `num figure ${name}` });
  const revised = name === "previous" && event.revised_from ? event.revised_from : null;
  return h("td", { class: `num figure ${name}${text ? "" : " unknown"}`, title: revised ? `Revised, first told as ${revised}` : null },
    figureText(text), revised ? h("sup", { class: "revised" }, "r", h("span", { class: "visually-hidden" }, `evised from ${revised}`)) : null);
}

export class Table {
  #body;
  #onSelect;

  /** open(id) is called when a row is chosen. */
  constructor(body, open) {
    this.#body = body;
    this.#onSelect = open;
    body.addEventListener("click", (event) => {
      const row = event.target.closest("tr[data-id]");
      if (row && !event.target.closest("a")) this.#onSelect(row.dataset.id);
    });
    body.addEventListener("keydown", (event) => this.#move(event));
  }

  get rows() {
    return [...this.#body.querySelectorAll("tr[data-id]")];
  }

  /** Draw everything anew: {payload, reactions, filter, symbol, selected, now, zone}. */
  draw(state) {
    const { payload, filter, zone, now, selected } = state;
    const focused = document.activeElement?.closest?.("tr[data-id]")?.dataset.id ?? null;
    const events = chosen(payload?.events ?? [], filter);
    const next = following(events, now);
    const rows = [];
    for (const each of days(events, zone, now)) {
      const isToday = each.label === date(now, zone);
      rows.push(h("tr", { class: "day" }, h("th", { scope: "colgroup", colSpan: COLUMNS + (filter.currency === "ALL" ? 1 : 0) },
        h("strong", {}, isToday ? `${each.label}, today` : each.label), " ", h("span", {}, dayNote(each, isToday)))));
      each.events.forEach((event, at) => {
        rows.push(this.#row(event, next, state));
        if (this.#endsCluster(each.events, at, now)) rows.push(this.#clusterRow(event, each.events, state));
      });
    }
    this.#body.replaceChildren(...rows);
    this.#body.closest("table").classList.toggle("all-currencies", filter.currency === "ALL");
    this.#holdStop(focused ?? selected, focused !== null);
    this.tick(now);
  }

  #row(event, next, state) {
    const { payload, reactions, symbol, selected, now, zone } = state;
    const status = statusAt(event, now, payload.actuals.on);
    const isNext = next !== null && event.time !== null && timeOf(event) === timeOf(next) && event.impact !== "holiday";
    const surprise = surpriseOf(event, reactions?.events?.[event.id]?.surprise_z);
    const actual = actualOf(event, status);
    const classes = [isNext ? "next-row" : "", event.id === selected ? "selected" : "", event.impact === "holiday" ? "holiday-row" : ""];
    return h("tr", { class: classes.join(" ").trim(), tabindex: "-1", "aria-selected": event.id === selected ? "true" : null, dataset: { id: event.id, status } },
      h("td", { class: "time" }, timeText(event, zone)),
      h("td", {}, impactMark(event.impact)),
      h("td", { class: "currency" }, event.currency),
      h("th", { scope: "row", class: "event", title: status === "waiting" ? `${event.title}: released, waiting for the actual` : event.title }, h("span", { class: "title" }, event.title), this.#tags(event, status, isNext, state)),
      cell(`num actual figure ${actual.kind}`, actual),
      figure(event.forecast, event, "forecast"),
      figure(event.previous, event, "previous"),
      surprise ? cell("surprise", { ...surprise, tone: surprise.tone }) : h("td", { class: "surprise unknown" }, event.has_figures ? DASH : ""),
      ...this.#moves(event, status, reactionOf(reactions, event.id, symbol)),
      h("td", { class: "told soft" }, sourceText(event, status)));
  }

  #tags(event, status, isNext, { now, zone }) {
    const tags = [];
    if (isNext) tags.push(h("span", { class: "in", dataset: { at: String(timeOf(event)) } }, inText(event, now) ?? ""));
    if (status === "waiting") tags.push(h("span", { class: "in" }, "released, waiting for the actual"));
    const moved = movedText(event, zone);
    if (moved) tags.push(h("span", { class: "tag moved" }, moved));
    if (event.actual_revised) tags.push(h("span", { class: "tag" }, `now ${event.actual_revised}`));
    return tags;
  }

  #moves(event, status, row) {
    if (event.impact === "holiday") return [h("td", { colSpan: HORIZONS.length, class: "moves" })];
    if (event.cluster) {
      const words = status === "upcoming" ? "will cluster, one reaction for all" : "clustered, measured together below";
      return [h("td", { colSpan: HORIZONS.length, class: "moves soft num" }, words)];
    }
    return HORIZONS.map((horizon) => cell("num move", moveOf(row, horizon)));
  }

  /** Whether the last event shown of a cluster that has passed stands here. */
  #endsCluster(events, at, now) {
    const { cluster } = events[at];
    if (!cluster || timeOf(events[at]) > now) return false;
    return !events.slice(at + 1).some((event) => event.cluster === cluster);
  }

  #clusterRow(event, shown, { payload, reactions, symbol, zone }) {
    const all = payload.events.filter((each) => each.cluster === event.cluster);
    const hidden = all.length - shown.filter((each) => each.cluster === event.cluster).length;
    const row = all.map((each) => reactionOf(reactions, each.id, symbol)).find((each) => each !== null) ?? null;
    return h("tr", { class: "cluster-row" },
      h("td", { class: "time soft" }, timeText(event, zone)), h("td"), h("td", { class: "currency" }),
      h("td", { colSpan: 5, class: "soft" }, h("span", { class: "tag" }, "clustered"), ` ${all.length} in the same minute, one reaction${hidden ? `; ${hidden} not shown` : ""}`),
      ...HORIZONS.map((horizon) => cell("num move", moveOf(row, horizon))), h("td"));
  }

  /** Count down. */
  tick(now) {
    for (const element of this.#body.querySelectorAll(".in[data-at]")) {
      setText(element, inText({ time: new Date(Number(element.dataset.at)).toISOString() }, now) ?? "now");
    }
  }

  /** Mark a row without drawing the others anew. */
  #holdStop(id, focus) {
    const { rows } = this;
    const stop = rows.find((row) => row.dataset.id === id) ?? rows[0];
    if (!stop) return;
    stop.tabIndex = 0;
    if (focus && stop.dataset.id === id) stop.focus({ preventScroll: true });
  }

  #move(event) {
    const { rows } = this;
    const at = rows.indexOf(event.target.closest("tr[data-id]"));
    if (at < 0 || event.target !== rows[at]) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined) this.focus(rows[Math.max(0, Math.min(rows.length - 1, to))]);
    else if (event.key === "Enter" || event.key === " ") this.#onSelect(rows[at].dataset.id);
    else return;
    event.preventDefault();
  }

  /** Make a row the table's one stop and go there. */
  focus(row) {
    for (const each of this.rows) each.tabIndex = -1;
    row.tabIndex = 0;
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  }
}
