// /calendar: the week's events, what they did to price, and a countdown to the next.

import { start } from "./app.js";
import { csv, download } from "./csv.js";
import { isDialogOpen } from "./dialog.js";
import { display, onDisplay } from "./display.js";
import { announce, h, isTyping, pageData, part, setText } from "./dom.js";
import { ageShort, clock as clockText, date, dayShort, zoneLabel } from "./format.js";
import { remember, remembered } from "./store.js";
import { toast } from "./toast.js";
import { pageOf } from "./chart/view.js";
import { drawEvent, drawNext, drawStatistics, tickNext } from "./calendar/side.js";
import { Table } from "./calendar/table.js";
import { HORIZONS, LEVELS, chosen, currencies, following, latest, reactionOf, statusAt, symbolsOf } from "./calendar/words.js";

const ZONES = { new_york: "New York time", utc: "UTC", local: "local time" };
const AFTER_MS = 75 * 60_000; // the last horizon and a little
const LEVEL_KEYS = { 1: "all", 2: "medium", 3: "high" };

const page = part(document, "page");
const data = pageData("calendar-data");
const query = new URLSearchParams(location.search);
const state = {
  payload: data.calendar,
  reactions: data.reactions,
  filter: { currency: data.currency, impact: data.impact },
  asked: query.get("event"), // the event the address names; null follows the newest
  symbol: query.get("symbol") ?? remembered("calendar-symbol"),
};
// What the address says goes before what this browser remembers.
const currency = String(query.get("currency") ?? remembered("calendar-currency", data.currency)).toUpperCase();
if (/^[A-Z]{3}$/.test(currency)) state.filter.currency = currency;
const impact = query.get("impact") ?? remembered("calendar-impact", data.impact);
if (impact in LEVELS) state.filter.impact = impact;
let ready = false;
let turn = null; // when the newest status goes over by the clock

const app = start({
  follow: [
    { page: "calendar", event: "update_events", url: "/api/calendar", take: ({ calendar }) => take("payload", calendar) },
    { page: "reactions", event: "update_reactions", url: "/api/reactions", take: ({ reactions }) => take("reactions", reactions) },
  ],
  keys: [
    [["↑", "↓", "Home", "End"], "Move between events"],
    [["Enter"], "Show the event’s numbers"],
    [["1", "2", "3"], "All impacts, medium and high, high"],
    [["c"], "Next currency"],
    [["n"], "Go to the next event"],
  ],
});
const body = part(page, "rows");
const table = new Table(body, (id) => { state.asked = id; keep(); draw(); });

function take(name, value) {
  state[name] = value ?? null;
  if (ready) draw();
}

const now = () => app.clock.now() ?? data.now_ms;
const shown = () => chosen(state.payload?.events ?? [], state.filter);

/** The event whose numbers stand beside the table: the one asked for, else the newest that has its actual or waits for it. */
function selected() {
  const events = state.payload?.events ?? [];
  const asked = events.find((event) => event.id === state.asked);
  if (asked) return asked;
  const list = shown();
  const over = latest(list, now(), list.length);
  return over.find((event) => event.actual !== null || statusAt(event, now(), state.payload.actuals.on) === "waiting")
    ?? over.find((event) => event.has_figures) ?? following(list, now());
}

function symbol() {
  const known = symbolsOf(state.reactions);
  return known.includes(state.symbol) ? state.symbol : known[0] ?? null;
}

/** The view in the address, and the choices in this browser. */
function keep() {
  const url = new URL(location.href);
  const { filter } = state;
  for (const [name, value, plain] of [["currency", filter.currency, "USD"], ["impact", filter.impact, "all"], ["event", state.asked, null], ["symbol", state.symbol, null]]) {
    if (value && value !== plain) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  history.replaceState(null, "", url);
  remember("calendar-currency", filter.currency);
  remember("calendar-impact", filter.impact);
  remember("calendar-symbol", state.symbol);
}

function options(select, values, value) {
  const wanted = values.map(([id]) => id).join(" ");
  if (select.dataset.ids !== wanted) {
    select.dataset.ids = wanted;
    select.replaceChildren(...values.map(([id, label]) => h("option", { value: id }, label)));
  }
  select.value = value ?? "";
}

function drawHead() {
  const { payload, filter } = state;
  const week = payload?.week ?? null;
  setText(part(page, "week"), week ? `week of ${dayShort(week.from)} ${week.from.slice(0, 4)}, ${ZONES[display.time_zone] ?? "New York time"}` : "no week yet");
  for (const button of page.querySelectorAll("[data-impact]")) button.setAttribute("aria-pressed", String(button.dataset.impact === filter.impact));
  const known = currencies(payload?.events ?? []);
  if (filter.currency !== "ALL" && !known.includes(filter.currency)) known.push(filter.currency);
  options(part(page, "currency"), [...known.map((each) => [each, each]), ["ALL", "All currencies"]], filter.currency);
  const symbols = symbolsOf(state.reactions);
  const pick = part(page, "symbol");
  pick.hidden = symbols.length === 0;
  options(pick, symbols.map((each) => [each, `Reaction in ${each}`]), symbol());
  const on = payload?.on ?? false;
  page.dataset.source = payload === null ? "unknown" : on ? "on" : "off";
  page.toggleAttribute("data-stale", Boolean(payload?.stale));
  const off = part(page, "off");
  off.hidden = on && (payload?.events.length ?? 0) > 0;
  if (!off.hidden) {
    setText(part(page, "off-title"), payload === null ? "The calendar has not answered yet" : on ? "No events yet" : "Forex Factory is off");
    setText(part(page, "off-text"), payload?.problem ?? (on ? "The week’s file has not arrived yet." : "The engine has not said anything of the calendar yet."));
  }
  const problem = part(page, "problem");
  problem.hidden = !on || !payload.problem || payload.events.length === 0;
  setText(problem, problem.hidden ? "" : payload.problem);
  part(page, "empty").hidden = !on || shown().length > 0 || payload.events.length === 0;
}

function drawFoot() {
  const { payload } = state;
  const age = (iso) => ageShort(Math.max(0, now() - Date.parse(iso)) / 1000);
  const told = payload?.fetched_at ? `Forecasts ${payload.source} ${age(payload.fetched_at)}` : "No forecasts";
  const actuals = !payload ? "" : !payload.actuals.on ? `, no actuals: ${payload.actuals.problem ?? "FRED is off."}`
    : payload.actuals.fetched_at ? `, actuals FRED ${age(payload.actuals.fetched_at)}` : ", actuals FRED, not asked yet";
  setText(part(page, "ages"), told + actuals);
  setText(part(page, "method"), `Reaction: last ${symbol() ?? "watched symbol’s"} trade before the time to the last one at or before each horizon`);
}

function draw() {
  const context = { ...state, symbol: symbol(), now: now(), zone: display.time_zone };
  const event = selected();
  context.selected = event?.id ?? null;
  drawHead();
  table.draw(context);
  drawNext(part(page, "next-events"), shown(), context.now, context.zone);
  setText(part(page, "next-zone"), ZONES[display.time_zone] ?? "New York time");
  drawEvent(part(page, "event"), event, context);
  drawStatistics(part(page, "statistics"), event, context);
  drawChart(event, context);
  drawFoot();
  turn = Math.min(...(state.payload?.events ?? []).filter((each) => each.status === "upcoming" && each.time !== null)
    .map((each) => Date.parse(each.time)).filter((at) => at > context.now), Infinity);
}

/** The way to the chart of the symbol at the event's time. */
function drawChart(event, { symbol: name, zone }) {
  const panel = part(page, "chart");
  const chart = app.data.pages.find((each) => each.name === "chart");
  panel.hidden = !chart || !event || name === null || event.time === null || Date.parse(event.time) > now();
  if (panel.hidden) return;
  const at = Date.parse(event.time);
  const link = part(panel, "link");
  const to = at + AFTER_MS < now() ? `&to=${new Date(at + AFTER_MS).toISOString().slice(0, 16)}Z` : "";
  link.href = pageOf(name, `?tf=1m&hours=extended${to}`);
  setText(link, `${name} at ${date(at, zone)} ${clockText(at, zone).slice(0, 5)}`);
}

function tick() {
  if (document.hidden) return;
  const at = now();
  if (at >= turn) draw(); // an event's time has come
  table.tick(at);
  tickNext(part(page, "next-events"), at);
  drawFoot();
}

function choose(name, value) {
  state.filter = { ...state.filter, [name]: value };
  keep();
  draw();
  announce(`${shown().length} events`);
}

function goToNext() {
  const event = following(shown(), now());
  const row = event && table.rows.find((each) => each.dataset.id === event.id);
  if (row) table.focus(row);
  else announce("Nothing more comes this week");
}

function save() {
  const name = symbol();
  const heads = ["Time (UTC)", "Day (New York)", "Currency", "Impact", "Event", "Actual", "Forecast", "Previous", "Previous, first told", "Surprise", "z", "Actual source",
    "Status", "Why no actual", "Moved from (UTC)", "Cluster", ...HORIZONS.map((each) => `${name ?? "Reaction"} +${each} min %`)];
  const lines = shown().map((event) => {
    const row = reactionOf(state.reactions, event.id, name);
    return [event.time, event.day, event.currency, event.impact, event.title, event.actual, event.forecast, event.previous, event.revised_from, event.surprise,
      state.reactions?.events?.[event.id]?.surprise_z ?? event.surprise_z, event.actual_source, statusAt(event, now(), state.payload.actuals.on), event.actual === null ? event.why : null,
      event.moved_from, event.cluster, ...HORIZONS.map((each) => row?.moves?.[each]?.percent ?? null)];
  });
  download(`calendar-${state.payload?.week?.from ?? "week"}.csv`, csv(heads, lines));
  announce("CSV saved");
  toast("CSV saved", { at: `${date(now())} ${clockText(now())} ${zoneLabel("new_york")}` });
}

page.addEventListener("click", (event) => {
  const button = event.target.closest("[data-impact], [data-action]");
  if (button?.dataset.impact) choose("impact", button.dataset.impact);
  else if (button?.dataset.action === "csv") save();
});
part(page, "currency").addEventListener("change", (event) => choose("currency", event.target.value));
part(page, "symbol").addEventListener("change", (event) => { state.symbol = event.target.value; keep(); draw(); });

let isGoing = false; // "g" and a letter goes to a page
document.addEventListener("keydown", (event) => {
  const isSecond = isGoing;
  isGoing = event.key === "g";
  if (isSecond || !display.keys || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || isDialogOpen()) return;
  if (event.key in LEVEL_KEYS) choose("impact", LEVEL_KEYS[event.key]);
  else if (event.key === "c") {
    const all = [...part(page, "currency").options].map((each) => each.value);
    choose("currency", all[(all.indexOf(state.filter.currency) + 1) % all.length]);
    announce(`${state.filter.currency === "ALL" ? "All currencies" : state.filter.currency}, ${shown().length} events`);
  } else if (event.key === "n") goToNext();
  else return;
  event.preventDefault();
});

onDisplay(draw);
ready = true;
queueMicrotask(draw);
setInterval(tick, 250);
