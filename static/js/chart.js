// /chart/<symbol>: candles with volume, VWAP, profile, opening range, GEX levels and events, live.

import { get } from "./api.js";
import { start } from "./app.js";
import { Candles } from "./chart/candles.js";
import { PriceChart, strongest } from "./chart/canvas.js";
import { eventMarks, eventsOf, gexLines, isNumber, ltLines, rangeOf, spanOf, spansOf } from "./chart/layers.js";
import { chooseSymbol } from "./chart/symbols.js";
import { drawLegend, drawPanels, fillReadout, missingOf } from "./chart/panels.js";
import { TIMEFRAMES, candlesUrl, pageOf, readView, writeView } from "./chart/view.js";
import { coverage, emptyWords, gapLabel, isGone, priceNote, statusLine } from "./chart/words.js";
import { isDialogOpen } from "./dialog.js";
import { display, onDisplay } from "./display.js";
import { announce, h, isTyping, pageData, part, setText } from "./dom.js";
import { age as ageText, change as changeText, clock as clockText, date as dateText, minute as minuteText, percent, price as priceText, volume } from "./format.js";
import { saveCsv, savePng } from "./gex/save.js";
import { remember, remembered } from "./store.js";
import { toast } from "./toast.js";

const data = pageData("chart-data");
const { symbol } = data;
const isFuture = symbol.startsWith("/");
const defaults = { tf: "5m", hours: isFuture ? "extended" : "regular" };
if (location.hash === "#last") {
  const last = remembered("chart-symbol");
  history.replaceState(null, "", location.pathname + location.search);
  if (last && last !== symbol && /^[A-Z0-9/.]{1,16}$/.test(last)) location.replace(pageOf(last, location.search));
}
remember("chart-symbol", symbol);

const view = readView(location.search, defaults);
view.tf = data.timeframe;
view.hours = data.hours;
const main = document.getElementById("main");
const page = part(main, "page");
const panel = (name) => main.querySelector(`[data-panel="${name}"]`);
const zone = () => display.time_zone;

const state = {
  head: data.candles, // price, state and GEX: what is newest
  problem: data.problem,
  profile: data.beside.profile?.value ?? null,
  orb: data.beside.orb?.value ?? null,
  lt: data.beside.lt?.value ?? null,
  calendar: data.beside.calendar?.value ?? null,
  reactions: data.beside.reactions?.value ?? null,
  asking: false,
  askedAt: -Infinity,
  hovered: null,
};
let candles = new Candles(view.tf, view.hours);
if (data.candles) candles.take(data.candles);

/** Seconds since the newest price, in market time. */
function gone() {
  const now = app.clock.now();
  return state.head?.as_of && now !== null ? Math.max(0, (now - Date.parse(state.head.as_of)) / 1000) : null;
}

/* Rooms */
let reloadTimer = 0;
const barRoom = () => ({ params: { symbol, view: view.tf }, url: `/api/candles?${new URLSearchParams({ symbol, tf: view.tf, hours: "extended", limit: "3" })}` });
const own = (message, name) => (name in message ? message[name] : message.symbol ? message : null);

function takeBar(message) {
  const chart = message.chart ?? (message.bars ? polled(message) : null);
  if (!chart || chart.timeframe !== view.tf || chart.symbol !== symbol) return;
  state.head = chart;
  if (!candles.push(chart)) reload();
  schedule();
}

/** The answer of the same over HTTP, in the room's words. */
function polled(answer) {
  return { ...answer, vwaps: answer.vwap, vwap: null, vwap_regular: null, loaded: answer.first };
}

const side = (name, event, url, params = {}) => ({
  page: name, event, url, params,
  take: (message) => {
    state[name] = own(message, name) ?? state[name];
    schedule();
  },
});

const app = start({
  follow: [
    { page: "chart", event: "update_chart", ...barRoom(), take: takeBar, mine: ({ chart }) => !chart || (chart.symbol === symbol && chart.timeframe === view.tf) },
    side("profile", "update_profile", `/api/profile?${new URLSearchParams({ symbol })}`, { symbol }),
    side("orb", "update_orb", `/api/orb?${new URLSearchParams({ symbol })}`, { symbol }),
    ...(isFuture ? [side("lt", "update_lt", `/lt/levels?${new URLSearchParams({ symbol })}`, { symbol })] : []),
    side("calendar", "update_events", "/api/calendar"),
    side("reactions", "update_reactions", "/api/reactions"),
  ],
  search: {
    symbols: () => data.symbols.map((each) => ({ symbol: each, name: "" })),
    open: (other) => { location.assign(pageOf(other)); return true; },
  },
  keys: [
    [["1", "…", "4"], "1, 5, 15 minutes, day"],
    [["e"], "Regular or extended hours"],
    [["w"], "VWAP"], [["p"], "Profile"], [["o"], "Opening range"], [["z"], "GEX"], [["t"], "Liquidity Triggers of a future"], [["v"], "Events"],
    [["←", "→"], "Back, on (with the chart in focus)"],
    [["+", "−"], "Nearer, farther"],
    [["l"], "Newest candle"],
    [["s"], "Another symbol"],
  ],
});

const keepAddress = () => history.replaceState(null, "", location.pathname + writeView(view, defaults, symbol) + location.hash);

/* History */
async function ask(options) {
  if (state.asking) return null;
  state.asking = true;
  state.askedAt = performance.now();
  const wanted = candles;
  try {
    const answer = await get(candlesUrl(symbol, view, options));
    if (wanted !== candles) return null;
    candles.take(answer);
    state.problem = null;
    if (!candles.list.length) Object.assign(state, { head: answer });
    return answer;
  } catch (problem) {
    state.problem = candles.list.length ? null : problem.message;
    return null;
  } finally {
    state.asking = false;
    schedule();
  }
}

/** All again: candles in between were missed, or history has come. At most every three seconds. */
function reload() {
  if (reloadTimer) return;
  reloadTimer = setTimeout(() => {
    reloadTimer = 0;
    if (state.asking) reload();
    else ask({ limit: Math.min(5000, Math.max(400, candles.list.length)) });
  }, Math.max(0, state.askedAt + 3000 - performance.now()));
}

/** Older candles, as far as there are any. */
async function older() {
  const first = candles.list[0];
  if (!first || !candles.more || state.asking) return;
  const before = candles.list.length;
  const answer = await ask({ to: first.time, limit: 600 });
  if (answer && candles.list.length === before) candles.more = false;
}

/** Another timeframe or other hours: other candles. */
async function change(name, value) {
  if (view[name] === value) return;
  view[name] = value;
  view.to = null;
  candles = new Candles(view.tf, view.hours);
  state.asking = false;
  keepAddress();
  drawControl();
  if (name === "tf") app.connection.change("chart", barRoom());
  announce(name === "tf" ? `${view.tf} candles` : `${view.hours} hours`);
  await ask({});
}

/* The chart */
const chart = new PriceChart(part(main, "chart"), {
  hover: (bar) => {
    if (state.hovered === bar) return;
    state.hovered = bar;
    drawReadout();
  },
  scrolled: ({ to, isNewest }) => {
    main.querySelector('[data-action="newest"]').hidden = isNewest;
    const stands = isNewest ? null : to;
    if (view.to === stands) return;
    view.to = stands;
    clearTimeout(scrollTimer);
    scrollTimer = setTimeout(keepAddress, 400);
  },
  reached: () => older(),
});
let scrollTimer = 0;

let timer = 0;
let isDirty = false;

/** Draw soon, and only for somebody who sees it. */
function schedule() {
  isDirty = true;
  if (document.hidden || timer) return;
  timer = setTimeout(() => {
    timer = 0;
    requestAnimationFrame(draw);
  }, 60);
}
document.addEventListener("visibilitychange", () => { if (!document.hidden && isDirty) schedule(); });

const decimals = () => state.head?.decimals ?? 2;
const context = () => ({ symbol, isFuture, state, view, candles, zone: zone(), decimals: decimals(), now: app.clock.now() });
const missing = (layer) => missingOf(layer, context());
const shownSpan = () => spanOf(state.profile, view.span);
function drawControl() {
  for (const group of main.querySelectorAll("[data-choice]")) {
    for (const button of group.querySelectorAll("button[value]")) button.setAttribute("aria-pressed", String(button.value === view[group.dataset.choice]));
  }
  for (const button of main.querySelectorAll('[data-choice="hours"] button')) {
    button.dataset.about ??= button.title;
    button.title = view.tf === "1d" ? "A day is one candle, of regular hours where a share has others." : button.dataset.about;
    if (view.tf === "1d") button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
  for (const button of main.querySelectorAll("[data-layer]")) {
    const why = missing(button.dataset.layer);
    button.dataset.about ??= button.title;
    const isOn = !view.hide.includes(button.dataset.layer);
    button.setAttribute("aria-pressed", String(isOn && !why));
    if (why) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
    const words = why ? `${why}.` : button.dataset.about;
    if (button.title !== words) button.title = words;
  }
  const select = main.querySelector('[data-choice="span"]');
  const spans = spansOf(state.profile);
  const key = spans.map(([name]) => name).join();
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...spans.map(([value, words]) => h("option", { value }, words)));
  }
  select.hidden = !spans.length;
  select.value = view.span;
}

function drawHead() {
  const { head } = state;
  if (!head) return;
  setText(part(main, "spot"), priceText(head.price, decimals()));
  const moved = head.change_close;
  const box = part(main, "change");
  setText(box, isNumber(moved) ? `${moved > 0 ? "▲ " : moved < 0 ? "▼ " : ""}${changeText(moved, decimals())} ${percent(head.change_close_percent)}` : "");
  box.className = `spot-change live-data ${moved > 0 ? "up" : moved < 0 ? "down" : "flat"}`;
  tick();
}

/** The line above the chart: {kind, strong, text} or null. */
function drawLine(line) {
  const box = part(main, "line");
  box.hidden = line === null;
  if (!line) return;
  box.dataset.kind = line.kind;
  const text = part(box, "line-text");
  const key = `${line.strong}|${line.text}`;
  if (text.dataset.key === key) return;
  text.dataset.key = key;
  text.replaceChildren(h("strong", {}, line.strong), line.text ? ` ${line.text}` : "");
}

/** What moves with the clock. */
function tick() {
  if (!state.head) return;
  const { gex } = state.head;
  const now = app.clock.now();
  const old = gex?.levels && now !== null ? ageText(Math.max(0, (now - Date.parse(gex.as_of)) / 1000)) : "";
  setText(part(panel("levels"), "covers"), gex?.levels ? `GEX ${(gex.label ?? "all expiries").toLowerCase()}, ${old}` : "");
  const { text, isLate } = priceNote(state.head, gone());
  const note = part(main, "note");
  setText(note, text);
  note.classList.toggle("warn-text", isLate);
  drawLine(isGone(state.head) ? null : statusLine(state.head, zone(), gone()));
}
setInterval(() => { if (!document.hidden) tick(); }, 1000);

const drawReadout = () => fillReadout(page, state.hovered, context());

function drawEmpty() {
  const box = part(main, "state");
  const isEmpty = !candles.list.length;
  page.toggleAttribute("data-bars", !isEmpty);
  box.hidden = !isEmpty;
  if (!isEmpty) return;
  const { title, text } = emptyWords(state.head, state.problem, view.tf);
  setText(part(box, "state-title"), title);
  setText(part(box, "state-text"), text);
  const hint = state.head?.hint;
  const actions = part(box, "state-actions");
  const key = `${hint ?? ""} ${state.problem ?? ""}`;
  if (actions.dataset.key === key) return;
  actions.dataset.key = key;
  actions.replaceChildren(
    ...(hint ? [h("a", { class: "button primary", href: pageOf(hint) }, `Open ${hint} instead`)] : []),
    h("button", { type: "button", class: "button", onclick: () => chooseSymbol(data.symbols, symbol, (other) => location.assign(pageOf(other))) }, "Another symbol"),
  );
}

function draw() {
  isDirty = false;
  page.dataset.status = state.head?.status ?? "waiting";
  drawHead();
  drawEmpty();
  drawControl();
  const range = rangeOf(state.orb, view.or);
  const span = shownSpan();
  const nodes = strongest(span);
  const events = eventsOf(state.calendar, symbol);
  if (candles.list.length) {
    chart.draw({
      key: `${view.tf} ${view.hours}`, candles, view, zone: zone(), decimals: decimals(), spot: state.head?.price ?? null,
      lines: [...(view.hide.includes("gex") ? [] : gexLines(state.head?.gex)), ...(view.hide.includes("lt") ? [] : ltLines(state.lt))], span, strongest: nodes, range,
      marks: (places) => eventMarks({ events, reactions: state.reactions, symbol, places, step: candles.step, zone: zone(), titles: innerWidth >= 600 }),
      gapLabel: (from, to) => gapLabel(from, to, zone()),
    });
  }
  drawReadout();
  drawPanels(main, context(), { range, span, nodes, choose: (minutes) => { view.or = minutes; keepAddress(); schedule(); } });
  drawLegend(part(main, "legend"), context());
  setText(main.querySelector('.chart-foot [data-part="covers"]'), coverage(candles, zone(), state.head?.source ?? ""));
  drawTable();
}

/* The numbers behind it */
function drawTable() {
  const box = part(main, "table");
  if (!part(main, "main").hasAttribute("data-open")) return;
  const digits = decimals();
  const body = part(box, "numbers");
  const rows = candles.list.slice(-400).reverse().map((bar) => h("tr", {},
    h("th", { scope: "row" }, view.tf === "1d" ? dateText(bar.time, "utc") : `${dateText(bar.time, zone())} ${minuteText(bar.time, zone())}`),
    ...["open", "high", "low", "close"].map((name) => h("td", { class: "num" }, priceText(bar[name], digits))),
    h("td", { class: "num" }, volume(bar.volume)),
    h("td", { class: "num" }, priceText(bar.vwap, digits)), h("td", { class: "num" }, priceText(bar.width, digits))));
  body.replaceChildren(...rows);
}

const stamp = () => state.head?.as_of ?? null;

const ACTIONS = {
  symbol: () => chooseSymbol(data.symbols, symbol, (other) => location.assign(pageOf(other, writeView({ ...view, to: null, hours: "", or: 15 }, { ...defaults, hours: "" }, "")))),
  table: (button) => {
    const isOpen = part(main, "main").toggleAttribute("data-open");
    button.setAttribute("aria-pressed", String(isOpen));
    drawTable();
  },
  csv: () => {
    location.assign(candlesUrl(symbol, view, { limit: Math.min(5000, Math.max(1, candles.list.length)), csv: true }));
    toast("CSV of the candles is saved");
  },
  png: () => {
    if (!candles.list.length) return;
    const words = { "1m": "1 min", "5m": "5 min", "15m": "15 min", "1d": "day" }[view.tf];
    const at = state.head?.as_of ? Date.parse(state.head.as_of) : candles.last.time;
    savePng(`${symbol.replaceAll("/", "")}-${view.tf}`, stamp(), `${symbol}  ${words}, ${view.tf === "1d" ? "" : `${view.hours} hours, `}${dateText(at)} ${clockText(at)} ET, ${state.head?.source ?? ""}`, chart.canvas());
  },
  newest: () => {
    view.to = null;
    chart.newest();
    keepAddress();
  },
  view: (button) => {
    const isOpen = part(main, "bar").toggleAttribute("data-open");
    button.setAttribute("aria-expanded", String(isOpen));
  },
  "levels-csv": () => {
    const rows = [...part(panel("levels"), "rows").rows].map((row) => [row.cells[0].textContent, Number(row.cells[1].textContent.replaceAll(",", ""))]);
    saveCsv(`${symbol.replaceAll("/", "")}-chart-levels`, stamp(), ["Level", symbol], rows);
  },
};

function toggle(layer) {
  const why = missing(layer);
  if (why) {
    announce(`${why}.`);
    return;
  }
  view.hide = view.hide.includes(layer) ? view.hide.filter((each) => each !== layer) : [...view.hide, layer];
  keepAddress();
  schedule();
}

part(main, "bar").addEventListener("submit", (event) => event.preventDefault());
main.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const choice = button.closest("[data-choice]");
  if (button.dataset.action) ACTIONS[button.dataset.action]?.(button);
  else if (button.dataset.layer) toggle(button.dataset.layer);
  else if (choice && button.value && button.getAttribute("aria-disabled") !== "true") change(choice.dataset.choice, button.value);
});
main.querySelector('[data-choice="span"]').addEventListener("change", (event) => {
  view.span = event.target.value;
  keepAddress();
  schedule();
});

const KEYS = {
  e: () => { if (view.tf !== "1d") change("hours", view.hours === "regular" ? "extended" : "regular"); },
  w: () => toggle("vwap"), p: () => toggle("profile"), o: () => toggle("or"), z: () => toggle("gex"), t: () => { if (isFuture) toggle("lt"); }, v: () => toggle("events"),
  l: ACTIONS.newest,
  s: ACTIONS.symbol,
  "+": () => chart.zoom(0.7), "=": () => chart.zoom(0.7), "-": () => chart.zoom(1.4),
};
let isGoing = false; // "g" and a letter goes to a page
document.addEventListener("keydown", (event) => {
  const isSecond = isGoing;
  isGoing = event.key === "g";
  if (isSecond || !display.keys || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || isDialogOpen()) return;
  const isOnChart = event.target === part(main, "chart") || event.target === document.body;
  if (/^[1-4]$/.test(event.key)) change("tf", TIMEFRAMES[Number(event.key) - 1]);
  else if (isOnChart && event.key === "ArrowLeft") chart.move(-20);
  else if (isOnChart && event.key === "ArrowRight") chart.move(20);
  else if (KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
});

/* The canvas does not read the style sheet */
const theme = () => { chart.theme(); };
onDisplay(() => { theme(); schedule(); });
matchMedia("(prefers-color-scheme: light)").addEventListener("change", theme);
new MutationObserver(theme).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "data-palette"] });

drawControl();
draw();

/** First the newest, then page after page until the place that the address names is there. */
async function open() {
  if (!candles.list.length) await ask({});
  for (let pages = 0; pages < 12 && view.to !== null && candles.more && candles.list[0].time > view.to; pages += 1) await older();
  if (view.to !== null) chart.newest();
}
open();
