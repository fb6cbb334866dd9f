// What a payload writes into the page, part by part; nothing is decided here.

import { display } from "../display.js";
import { h, part, setText } from "../dom.js";
import { axis, clock as clockText, date as dateText, fraction, gex, minute as minuteText, price, strike as strikeText, volume } from "../format.js";
import { GREEKS, columnsOf, unitWords } from "./series.js";
import { drawLine, stateLine } from "./states.js";
import { fillExpiries, fillLevels, fillTop } from "./tables.js";
import { viewWords } from "./view.js";
import { agesText, changeText, contractName, conversionText, methodsText, oiDateText, scopeText, tiles } from "./words.js";

/** Price, change and what the price is; the implied one stands beside it, never in its place. */
export function drawHead(main, payload) {
  setText(part(main, "spot"), price(payload?.spot));
  const box = part(main, "change");
  const moved = payload?.change?.value;
  setText(box, changeText(payload?.change));
  box.className = `spot-change live-data ${moved > 0 ? "up" : moved < 0 ? "down" : "flat"}`;
  const note = part(main, "note");
  const other = payload?.spot_alternative;
  const label = payload?.spot_label && payload.spot_label !== "last" ? payload.spot_label : "";
  const implied = other ? `${price(other.value)} by ${contractName(other.basis.split(":")[1]) || other.basis}` : "";
  setText(note, [label, implied].filter(Boolean).join(", "));
  if (other) note.title = `Implied by ${other.basis}; the numbers are made from ${price(payload.spot)}.`;
  else note.removeAttribute("title");
}

/** Live, of the past or paused: {minute, past, otherDay, paused, view, payload}. */
export function drawMoment(main, { minute, past, otherDay, paused, view, payload }) {
  const chip = part(main, "history-chip");
  chip.hidden = minute === null;
  main.querySelector('[data-action="live"]').hidden = minute === null;
  if (minute !== null) {
    const other = past?.view && past.view !== view.view ? `, ${viewWords(past.view)}` : "";
    setText(chip, `${minuteText(minute)}${otherDay ? ` ${dateText(minute)}` : ""}, history${past ? other : " …"}`);
  }
  main.querySelector('[data-action="pause"]').setAttribute("aria-pressed", String(Boolean(paused)));
  if (paused && minute === null) {
    drawLine(main, { kind: "info", strong: `Paused since ${clockText(paused.since, display.time_zone)}.`, text: "The picture stands still while you read; numbers go on arriving." }, true);
  } else {
    drawLine(main, minute === null ? stateLine(payload) : null);
  }
}

export function drawTiles(page, payload, view, gone) {
  const found = tiles(payload, view, gone);
  for (const box of page.querySelectorAll("[data-tile]")) {
    const { label, text, reading, tone = "", about } = found[box.dataset.tile];
    setText(part(box, "label"), label);
    const metric = part(box, "metric");
    setText(metric, text);
    metric.className = `metric${text === "–" ? " unknown" : tone ? ` ${tone}` : ""}`;
    setText(part(box, "reading"), reading);
    if (about) box.querySelector(".about").dataset.about = about;
  }
}

/** Dashes with the reason below. */
export function drawNoTiles(page, reading) {
  for (const box of page.querySelectorAll("[data-tile]")) {
    const metric = part(box, "metric");
    setText(metric, "–");
    metric.className = "metric unknown";
    setText(part(box, "reading"), reading);
  }
}

export function drawTables(main, payload) {
  const levels = main.querySelector('[data-panel="levels"]');
  fillLevels(part(levels, "rows"), payload);
  setText(part(levels, "future"), contractName(payload.conversion?.contract));
  setText(part(levels, "methods"), methodsText(payload));
  const expiries = main.querySelector('[data-panel="expiries"]');
  fillExpiries(part(expiries, "rows"), payload);
  setText(part(expiries, "oi-date"), oiDateText(payload.oi_date));
  for (const box of main.querySelectorAll("[data-top]")) {
    const name = box.dataset.top;
    fillTop(part(box, "rows"), name, payload.tops?.[name] ?? [], payload.spot);
    if (name === "put_call") setText(part(box, "covers"), `call OI of ${volume(payload.tops?.put_call_floor)} or more`);
  }
}

/** What moves with the clock; gone are the seconds since the payload came, null in the past. */
export function drawAges(main, page, payload, view, gone) {
  const isPast = gone === null;
  setText(part(main.querySelector('[data-panel="levels"]'), "covers"), conversionText(payload, gone ?? 0));
  setText(part(page.querySelector('[data-tile="coverage"]'), "reading"), tiles(payload, view, gone ?? 0).coverage.reading);
  const scope = part(main, "scope");
  const texts = [`${payload.view_label ?? viewWords(payload.view)}: ${scopeText(payload)}`, isPast ? `${payload.source} of ${clockText(Date.parse(payload.as_of))} ET` : agesText(payload, gone)];
  while (scope.children.length < texts.length) scope.append(h("span"));
  texts.forEach((text, at) => setText(scope.children[at], text));
}

const LEGENDS = {
  sides: [["call", "Calls"], ["put", "Puts"], ["net", "Net"]],
  net: [["call", "Positive"], ["put", "Negative"]],
  abs: [["call", "Positive"], ["put", "Negative"]],
  gross: [["flat", "Calls and puts"], ["net", "Net"]],
};

/** Names beside strokes: items [[line, name]]. */
export function drawLegend(box, items) {
  const key = items.map(([line, name]) => `${line} ${name}`).join();
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  box.replaceChildren(...items.map(([line, name]) => h("span", { class: "legend-item" }, h("span", { class: "key-line", dataset: { line } }), name)));
}

/** The legend of the bars. */
export function barsLegend(kind, hasOpen, hasGhost) {
  return [...LEGENDS[kind], ...(hasOpen ? [["open", "Net at open"]] : []), ...(hasGhost ? [["ghost", "Now"]] : [])];
}

/** Title and unit of the bars. */
export function drawTitle(bars, view, loading) {
  const by = view.by === "volume" ? ", by volume" : "";
  setText(part(bars, "covers"), loading ? `loading ${viewWords(view.view)}…` : `${unitWords(view.greek, view.unit)}${by} · dealers long calls, short puts`);
  const head = bars.querySelector("h2 .about");
  setText(part(head, "title"), GREEKS[view.greek].title);
  head.dataset.about = GREEKS[view.greek].about;
}

/** The strike under the pointer in words. */
export function readoutText({ shown: { strike, call, put, net }, payload }, at) {
  const columns = columnsOf(payload);
  const index = columns.strike.indexOf(strike[at]);
  const pick = (name) => columns[name]?.[index];
  return `${strikeText(strike[at])}  calls ${gex(call[at])}, puts ${gex(put[at])}, net ${gex(net[at])}  ·  OI ${volume(pick("call_oi"))} / ${volume(pick("put_oi"))}  ·  IV ${fraction(pick("call_iv") ?? pick("put_iv"))}`;
}

/** How many contracts a chart is about. */
export function contractsText(calls, puts) {
  return `${axis(calls, false)} calls, ${axis(puts, false)} puts`;
}
