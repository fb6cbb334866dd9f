// /gex/<symbol>: exposures, levels and expiries of one underlying, live and through the day.

import { post } from "./api.js";
import { start } from "./app.js";
import { isDialogOpen } from "./dialog.js";
import { display, onDisplay } from "./display.js";
import { announce, isTyping, pageData, part, setText } from "./dom.js";
import { clock as clockText, date as dateText, strike as strikeText } from "./format.js";
import { BarsChart, model } from "./gex/bars.js";
import { Control, pageOf } from "./gex/control.js";
import { aside, joined, plainText, platformString, targetLevels } from "./gex/copy.js";
import { barsLegend, contractsText, drawAges, drawHead, drawLegend, drawMoment, drawNoTiles, drawTables, drawTiles, drawTitle, readoutText } from "./gex/drawing.js";
import { csvOf, drawBehind, nameOf } from "./gex/files.js";
import { explain, startHelp } from "./gex/help.js";
import { copyText, saveCsv, savePng } from "./gex/save.js";
import { GREEKS, exposure, unitFactor } from "./gex/series.js";
import { SidesChart, SmileChart } from "./gex/small.js";
import { drawState, hasNumbers } from "./gex/states.js";
import { Strip } from "./gex/strip.js";
import { Studies } from "./gex/studies.js";
import { Through } from "./gex/through.js";
import { neighbour, nextChoice, readView, viewWords, writeView } from "./gex/view.js";
import { contractName, footText } from "./gex/words.js";
import { openMenu } from "./menu.js";
import { toast } from "./toast.js";

const DRAW_MS = 250; // at most four pictures a second
const data = pageData("gex-data");
const { symbol } = data;
const defaults = { view: "all", unit: data.default_unit ?? "pct" };
const view = readView(location.search, defaults);
view.view = data.view;
view.unit = data.unit;

const main = document.getElementById("main");
const page = part(main, "page");
const panel = (name) => main.querySelector(`[data-chart="${name}"]`);
const bars = panel("bars");

const state = {
  live: data.payload, at: performance.now(), // the newest payload and when it came
  past: null, minute: null, // the payload of a minute of the day; minute alone while one is asked for
  paused: null, // {payload, at, since} while the picture is frozen
  waits: null, // why there is no payload yet
};

const isPast = () => state.minute !== null && state.past !== null;
const shown = () => (isPast() ? state.past : state.paused?.payload ?? state.live);

/** Seconds to add to the ages of the payload shown: its market time has gone on since. */
function elapsed() {
  return ((performance.now() - (state.paused?.at ?? state.at)) / 1000) * app.clock.speed;
}

const apiUrl = (name, chosen) => `/api/gex?${new URLSearchParams({ symbol: name, expiry: chosen })}`;

function take(message) {
  const payload = message.gex ?? (message.symbol ? message : null);
  if (!payload) {
    wait({ loading: true });
    return;
  }
  if (payload.view && payload.view !== view.view) return;
  Object.assign(state, { live: payload, at: performance.now(), waits: null });
  through.take(payload);
  control.take(payload.expiries);
  if (payload.totals) strip?.take(payload);
  if (state.minute === null && !state.paused) schedule();
}

function wait({ error, done, of }) {
  const known = { refused: "refused", loading: "loading", too_many_requests: "loading" }[error?.code];
  state.waits = error ? { state: known ?? "no_chain", text: error.message } : { state: "loading", text: "", loaded: done, of };
  if (!hasNumbers(shown())) schedule();
}

const app = start({
  follow: {
    page: "gex",
    event: "update_gex",
    params: { symbol, view: view.view },
    url: apiUrl(symbol, view.view),
    take,
    wait,
    mine: ({ gex }) => !gex || (gex.symbol === symbol && gex.view === view.view),
  },
  keys: [
    [["[", "]"], "Expiry before or after"],
    [["1", "…", "6"], "Expiry preset"],
    [["v"], "Next exposure: GEX, DEX, vanna, charm"],
    [["b"], "Next bars"],
    [["%"], "Per 1% or per point"],
    [[",", "."], "One minute back or on"],
    [["l"], "Back to live"],
    [["p"], "Pause the picture, go on"],
    [["Shift", "C"], "Copy levels"],
  ],
});

const keepAddress = () => history.replaceState(null, "", location.pathname + writeView(view, defaults, symbol) + location.hash);

const control = new Control(main, {
  symbol, symbols: data.symbols, view, change: changed,
  query: () => writeView({ ...view, at: null, date: null }, defaults, ""),
});
control.take(data.payload?.expiries);

/* Charts */
const chart = new BarsChart(part(bars, "chart"), (at) => {
  bars.toggleAttribute("data-reading", at !== null);
  if (at !== null && chart.model) setText(part(bars, "covers"), readoutText(chart.model, at));
  else drawTitle(bars, view, isLoading());
});
const smile = new SmileChart(part(panel("iv"), "chart"));
const sides = Object.fromEntries(["oi", "volume"].map((name) => [name, new SidesChart(part(panel(name), "chart"), name)]));
const through = new Through(panel("map"), symbol, view, (minute, payload) => {
  if (minute === null) state.past = null;
  else if (payload) state.past = payload;
  state.minute = minute;
  keepAddress();
  schedule();
});
const strip = data.symbols.length > 1
  ? new Strip(part(main, "strip"), data.symbols, symbol, (name) => `${apiUrl(name, "all")}&strikes=0`)
  : null;
new Studies(part(main, "studies"), symbol);

const isLoading = () => Boolean(state.live?.view) && state.live.view !== view.view && !isPast();

/** Net at the first minute in the unit shown, where it is the same exposure of the same view. */
function openLine(payload) {
  const { open, history: day } = through;
  if (!open || view.greek !== "gex" || view.by !== "oi" || !["sides", "net"].includes(view.bars) || !through.isToday) return null;
  if (day.view !== view.view) return null;
  const factor = unitFactor({ unit: "usd_per_1pct", unit_factor: payload.unit_factor }, "gex", view.unit);
  return factor === null ? null : new Map([...open].map(([strike, value]) => [strike, typeof value === "number" ? value * factor : null]));
}

function drawBars(payload) {
  const series = exposure(payload, view);
  drawTitle(bars, view, isLoading());
  bars.toggleAttribute("data-none", !series);
  if (!series) {
    setText(part(bars, "covers"), `${GREEKS[view.greek].name}${view.by === "volume" ? " by volume" : ""} is not in what the server sent.`);
    return;
  }
  const now = isPast() && state.live ? exposure(state.live, view) : null;
  const open = now ? null : openLine(payload);
  chart.draw(model({ payload, series, view, ghost: now, open }));
  drawLegend(part(bars, "legend"), barsLegend(view.bars, open !== null, now !== null));
  const { strike } = chart.model.shown;
  part(bars, "chart").setAttribute("aria-label", `${GREEKS[view.greek].title} of ${symbol}, strikes ${strikeText(strike[0])} to ${strikeText(strike.at(-1))}. Table has the numbers.`);
}

function drawSmall(payload) {
  const { names } = SmileChart.table(payload, view.strikes);
  drawLegend(part(panel("iv"), "legend"), names.map((name, at) => [["net", "accent", "dots"][at], name]));
  smile.draw(payload, view.strikes);
  const { put_call: all } = payload;
  setText(part(panel("oi"), "covers"), contractsText(all?.call_oi, all?.put_oi));
  setText(part(panel("volume"), "covers"), contractsText(all?.call_volume, all?.put_volume));
  for (const each of Object.values(sides)) each.draw(payload, view.strikes);
}

/* Drawing */
let drawnAt = 0;
let timer = 0;
let isDirty = false;

/** Draw soon: at most four times a second, and only for somebody who sees it. */
function schedule() {
  if (document.hidden) isDirty = true;
  if (document.hidden || timer) return;
  timer = setTimeout(() => {
    timer = 0;
    requestAnimationFrame(draw);
  }, Math.max(0, DRAW_MS - (performance.now() - drawnAt)));
}
document.addEventListener("visibilitychange", () => {
  if (document.hidden || !isDirty) return;
  isDirty = false;
  schedule();
});

function draw() {
  drawnAt = performance.now();
  const payload = shown();
  const numbers = hasNumbers(payload);
  drawHead(main, payload);
  drawMoment(main, { ...state, otherDay: !through.isToday, view, payload });
  page.dataset.state = (numbers ? payload.status?.state : (state.waits ?? payload?.status)?.state) ?? (numbers ? "live" : "loading");
  page.toggleAttribute("data-past", isPast());
  page.toggleAttribute("data-other", isLoading());
  page.toggleAttribute("data-numbers", numbers);
  if (!numbers) {
    drawNothing(payload);
    return;
  }
  part(bars, "state").hidden = true;
  drawTiles(page, payload, view, elapsed());
  drawBars(payload);
  drawTables(main, payload);
  drawSmall(payload);
  drawBehind(main, payload, view, through);
  tick();
  setText(part(page, "foot"), footText(payload));
}

/** What moves with the clock. */
function tick() {
  const payload = shown();
  if (!document.hidden && hasNumbers(payload)) drawAges(main, page, payload, view, isPast() ? null : elapsed());
}
setInterval(tick, 1000);

/** No numbers: the frame stays, the reason stands where the chart would be. */
function drawNothing(payload) {
  const status = state.waits ?? payload?.status ?? { state: "loading", text: "" };
  drawNoTiles(page, status.state === "loading" ? "not loaded yet" : "not calculated");
  const other = data.symbols.find((each) => each !== symbol);
  const { call_volume: calls, put_volume: puts } = payload?.put_call ?? {};
  drawState(bars, symbol, payload, status, [
    ...(status.state === "refused" ? [] : [{ label: "Try now", run: tryNow }]),
    ...((calls || puts) && view.by === "oi" ? [{ label: "Show GEX by volume", run: () => control.set("by", "volume") }] : []),
    ...(other ? [{ label: `Open ${other} instead`, href: pageOf(other, "") }] : []),
  ]);
}

async function tryNow() {
  try {
    await post("/gex/refresh?force=true");
    announce("Asked again");
  } catch (problem) {
    announce(problem.message);
  }
}

/* What the user does */
function changed(name) {
  keepAddress();
  if (name === "view") {
    state.paused = null;
    app.connection.change("gex", { params: { symbol, view: view.view }, url: apiUrl(symbol, view.view) });
    through.load();
    announce(`Expiries: ${viewWords(view.view)}`);
  } else if (name === "strikes" || name === "map") {
    through.draw();
  }
  schedule();
}

function pause() {
  if (state.paused) state.paused = null;
  else if (state.live) state.paused = { payload: state.live, at: state.at, since: app.clock.now() ?? Date.parse(state.live.as_of) };
  announce(state.paused ? "Paused" : "Goes on");
  schedule();
}

function copyMenu(anchor) {
  const payload = shown();
  if (!hasNumbers(payload)) return;
  if (!targetLevels(payload).length) {
    toast("Nothing copied: no level is known");
    return;
  }
  const future = joined(payload);
  const target = future ? contractName(future.contract) : symbol;
  const says = `prices of ${target}${aside(payload)}`;
  const at = Date.parse(payload.as_of);
  const time = `${dateText(at)} ${clockText(at)} ET`;
  openMenu(anchor, [
    { title: `Levels of ${time}` },
    { label: "Plain text", hint: "to read", run: () => copyText(plainText(payload, time, payload.view_label ?? viewWords(payload.view)), `Levels copied as text, ${future ? `${symbol} and ${target}` : says}`) },
    { label: "For TradingView", hint: target, run: () => copyText(platformString(payload, "tradingview"), `Levels for TradingView copied, ${says}`) },
    { label: "For NinjaTrader", hint: target, run: () => copyText(platformString(payload, "ninjatrader"), `Levels for NinjaTrader copied, ${says}`) },
  ], "Copy levels");
}

const CANVASES = { bars: () => chart.canvas(), iv: () => smile.canvas(), oi: () => sides.oi.canvas(), volume: () => sides.volume.canvas(), map: () => through.canvas };

const ACTIONS = {
  table: (button, box) => {
    const isOpen = box.toggleAttribute("data-open");
    for (const each of box.querySelectorAll('[data-action="table"]')) each.setAttribute("aria-pressed", String(isOpen));
    part(box, "table").hidden = !isOpen && box !== bars;
    if (hasNumbers(shown())) drawBehind(main, shown(), view, through);
  },
  csv: (button, box) => {
    const payload = shown();
    if (!hasNumbers(payload) && nameOf(box) !== "strip") return;
    const { heads, rows, file } = csvOf(nameOf(box), { symbol, payload, view, through, strip });
    saveCsv(file, payload?.as_of, heads, rows);
  },
  png: (button, box) => {
    const payload = shown();
    if (!hasNumbers(payload)) return;
    const name = nameOf(box);
    const words = [box.querySelector("h2").textContent.trim(), payload.view_label ?? viewWords(payload.view), `${clockText(Date.parse(payload.as_of))} ET`, payload.source];
    savePng(`${symbol}-${name}`, payload.as_of, `${symbol} ${words.join(", ")}`, CANVASES[name]());
  },
  guide: () => explain("reading", "How to read this page"),
  copy: (button) => copyMenu(button),
  pause,
  resume: pause,
  live: () => through.live(),
  "more-tiles": (button) => {
    const isOpen = part(page, "tiles").toggleAttribute("data-open");
    button.setAttribute("aria-expanded", String(isOpen));
    setText(button, isOpen ? "Fewer numbers" : "More numbers");
  },
};
main.addEventListener("click", (event) => {
  const button = event.target.closest("[data-action]");
  if (button) ACTIONS[button.dataset.action]?.(button, button.closest("section"));
});

const KEYS = {
  "[": () => control.set("view", neighbour(view.view, state.live?.expiries, -1)),
  "]": () => control.set("view", neighbour(view.view, state.live?.expiries, 1)),
  v: () => control.set("greek", nextChoice("greek", view.greek)),
  b: () => control.set("bars", nextChoice("bars", view.bars)),
  "%": () => { if (view.greek === "gex") control.set("unit", nextChoice("unit", view.unit)); },
  ",": () => through.step(-1),
  ".": () => through.step(1),
  l: () => through.live(),
  p: pause,
  C: () => copyMenu(main.querySelector('[data-action="copy"]')),
};
let isGoing = false; // "g" and a letter goes to a page
document.addEventListener("keydown", (event) => {
  const isSecond = isGoing;
  isGoing = event.key === "g";
  if (isSecond || !display.keys || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || isDialogOpen()) return;
  const preset = /^[1-6]$/.test(event.key) ? control.presets[Number(event.key) - 1] : null;
  if (preset) control.set("view", preset.value);
  else if (KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
});

/* The canvases do not read the style sheet */
function theme() {
  for (const each of [chart, smile, ...Object.values(sides), through]) each.theme();
}
onDisplay(theme);
matchMedia("(prefers-color-scheme: light)").addEventListener("change", theme);
new MutationObserver(theme).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "data-palette"] });

startHelp();
if (state.live?.totals) strip?.take(state.live);
if (state.live) through.take(state.live);
through.load();
draw();
