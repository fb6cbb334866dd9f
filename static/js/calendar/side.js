// Beside the table: what is next, the chosen event, and what its title did before.

import { h, part, setText, svg } from "../dom.js";
import { DASH, change, countdown, date, minute, percent, price } from "../format.js";
import { HORIZONS, SMALL, aboutNext, amount, moveOf, movedText, reactionOf, statisticsOf, statusAt, surpriseOf, timeOf } from "./words.js";

const SIDES = [["above", "▲ above"], ["in_line", "= in line"], ["below", "▼ below"]];

/** The next two moments: name, about, countdown. */
export function drawNext(box, events, now, zone) {
  const coming = events.filter((event) => event.impact !== "holiday" && event.time !== null && timeOf(event) > now);
  const first = coming[0] ?? null;
  const second = first ? coming.find((event) => timeOf(event) > timeOf(first)) ?? null : null;
  const same = first ? coming.filter((event) => timeOf(event) === timeOf(first)).length - 1 : 0;
  if (!first) {
    box.replaceChildren(h("p", { class: "reason" }, "Nothing more comes this week in what is shown."));
    return;
  }
  box.replaceChildren(...[first, second].filter(Boolean).map((event, at) => h("div", { class: `next-event${at ? "" : " first"}` },
    h("div", {}, h("strong", {}, event.title), at === 0 && same ? h("span", { class: "soft" }, ` and ${same} more`) : null,
      h("p", { class: "soft" }, aboutNext(event, zone, now))),
    h("b", { dataset: { at: String(timeOf(event)) } }, countdown((timeOf(event) - now) / 1000)))));
}

/** Count down in a box that drawNext filled. */
export function tickNext(box, now) {
  for (const element of box.querySelectorAll("b[data-at]")) {
    const left = (Number(element.dataset.at) - now) / 1000;
    setText(element, left > 0 ? countdown(left) : "now");
  }
}

function fact(name, value, tone = "", title = null) {
  return h("div", { title }, h("dt", {}, name), h("dd", { class: tone }, value));
}

/** The chosen event: surprise, its scale, and one symbol's reaction. */
export function drawEvent(panel, event, { payload, reactions, symbol, now, zone }) {
  panel.hidden = event === null;
  if (!event) return;
  const own = reactions?.events?.[event.id] ?? null;
  const at = timeOf(event);
  const label = at === null ? null : date(at, zone) === date(now, zone) ? "today" : date(at, zone);
  setText(part(panel, "title"), event.title);
  setText(part(panel, "when"), at === null ? "no time" : `${label} ${minute(at, zone)}`);
  const surprise = surpriseOf(event, own?.surprise_z);
  const z = own?.surprise_z ?? event.surprise_z;
  const known = own?.surprise_n ?? event.past_surprises;
  const zTitle = z === null ? `z needs 8 past releases, ${known ?? 0} known` : null;
  part(panel, "facts").replaceChildren(
    fact("Surprise", surprise ? `${surprise.mark} ${surprise.size}` : DASH, surprise?.tone ?? "unknown", surprise?.title ?? null),
    fact("SD of surprise", own?.surprise_sd ? amount(own.surprise_sd, event).replace("+", "") : DASH, own?.surprise_sd ? "" : "unknown", zTitle),
    fact("z", z === null || z === undefined ? DASH : change(z), z === null ? "unknown" : "", zTitle),
    fact("Growth sign", event.growth === null ? DASH : event.growth > 0 ? "+1" : "−1", event.growth === null ? "unknown" : "", "+1: more of it is good for growth"),
  );
  drawReaction(part(panel, "reaction"), event, reactionOf(reactions, event.id, symbol), symbol);
  part(panel, "notes").replaceChildren(...notes(event, own, { payload, reactions, symbol, now, zone, zTitle }).map((text) => h("p", {}, text)));
}

/** A bar from the middle: right for up, left for down. */
function bar(share) {
  const width = Math.max(1, Math.abs(share) * 38);
  return svg("svg", { viewBox: "0 0 80 10", width: 80, height: 10, class: "move-bar", "aria-hidden": "true" },
    svg("rect", { x: share < 0 ? 40 - width : 40, y: 2, width, height: 6, class: share < 0 ? "put" : "call" }),
    svg("line", { x1: 40, x2: 40, y1: 0, y2: 10 }));
}

function drawReaction(box, event, row, symbol) {
  box.hidden = event.impact === "holiday" || symbol === null;
  if (box.hidden) return;
  const moves = HORIZONS.map((horizon) => row?.moves?.[horizon] ?? null);
  const largest = Math.max(...moves.map((move) => Math.abs(move?.percent ?? 0)), 1e-9);
  box.replaceChildren(
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, symbol), ...["Reaction", "Points", "", "bp"].map((each) => h("th", { scope: "col", class: "num" }, each)))),
    h("tbody", { class: "live-data" }, HORIZONS.map((horizon, at) => {
      const move = moves[at];
      const said = moveOf(row, horizon);
      return h("tr", {}, h("th", { scope: "row" }, `+${horizon} min`),
        h("td", { class: `num ${said.tone}`, title: said.title || null }, said.text),
        h("td", { class: "num" }, move ? change(move.points) : DASH),
        h("td", { class: "bar-cell" }, move ? bar(move.percent / largest) : null),
        h("td", { class: "num" }, move ? change(move.bps).replace(/(\.\d)\d$/, "$1") : DASH));
    })),
  );
}

function notes(event, own, { payload, reactions, symbol, now, zone, zTitle }) {
  const row = reactionOf(reactions, event.id, symbol);
  const status = statusAt(event, now, payload.actuals.on);
  const found = [];
  if (status === "waiting") found.push("Released, waiting for the actual. It comes from FRED as soon as it has it.");
  if (event.why && ["waiting", "no_source"].includes(status)) found.push(`${event.why[0].toUpperCase()}${event.why.slice(1).replace(/\.$/, "")}.`);
  if (event.revised_from) found.push(`Previous ${event.previous}, first told as ${event.revised_from}.`);
  if (event.actual_revised) found.push(`Released as ${event.actual}, revised to ${event.actual_revised} since.`);
  const moved = movedText(event, zone);
  if (moved) found.push(`${moved[0].toUpperCase()}${moved.slice(1)}.`);
  if (event.cluster) found.push("Others came in the same minute: the reaction is nobody’s alone.");
  if (row?.drift_15 !== null && row?.drift_15 !== undefined) found.push(`${symbol} ${percent(Math.round(row.drift_15 * 100) / 100 || 0)} in the 15 minutes before, ${price(row.before)} just before.`);
  if (row?.note) found.push(`${row.note}.`);
  if (own?.gamma) found.push(`${own.gamma.symbol} gamma before: ${own.gamma.regime ?? "unknown"}${own.gamma.flip === null ? "" : `, zero gamma ${price(own.gamma.flip)}`}${own.gamma.spot === null ? "" : `, spot ${price(own.gamma.spot)}`}.`);
  if (event.surprise !== null && zTitle) found.push(`${zTitle}.`);
  if (event.currency !== "USD" && event.currency !== "All" && !row) found.push("Reactions are measured for US releases only.");
  return found;
}

/** What releases of this title did before, with n and what was left out. */
export function drawStatistics(panel, event, { payload, reactions }) {
  const group = event?.cluster ? payload.events.filter((each) => each.cluster === event.cluster) : [];
  const row = event ? statisticsOf(reactions, event, group) : null;
  panel.hidden = !row;
  if (!row) return;
  setText(part(panel, "n"), `n ${row.n}${row.of === undefined ? "" : ` of ${row.of}`}${row.clustered ? `, ${row.clustered} clustered left out` : ""}`);
  const enough = (one) => (one?.n ?? 0) >= SMALL;
  const mean = (one) => (enough(one) ? percent(one.mean) : DASH);
  const size = (one) => (enough(one) ? percent(one.mean_abs).replace("+", "") : DASH);
  const tone = (one) => (enough(one) && one.mean > 0 ? "up" : enough(one) && one.mean < 0 ? "down" : "unknown");
  const cells = (by, text, className) => HORIZONS.map((horizon) => h("td", { class: `num ${className(by?.[horizon])}`, title: by?.[horizon] ? `n ${by[horizon].n}` : null }, text(by?.[horizon])));
  const plain = () => "";
  part(panel, "rows").replaceChildren(
    ...SIDES.map(([name, label]) => h("tr", {}, h("th", { scope: "row", class: { above: "up", below: "down" }[name] ?? "soft" }, label),
      h("td", { class: "num" }, String(row.groups?.[name]?.n ?? 0)), ...cells(row.groups?.[name]?.by, mean, tone))),
    h("tr", { class: "sum" }, h("th", { scope: "row" }, "Size, all"), h("td", { class: "num" }, String(row.n)), ...cells(row.by, size, plain)),
    h("tr", {}, h("th", { scope: "row", class: "soft" }, "Up, of all"), h("td"), ...cells(row.by, (one) => (one?.n ? String(one.up ?? Math.round(one.up_share * one.n)) : DASH), () => "soft")),
  );
  setText(part(panel, "whose"), row.titles?.length > 1 ? `Together: ${row.titles.join(", ")}. ` : "");
}
