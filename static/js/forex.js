// /forex: the advisor's settings, its token, the news that keep it quiet, what it told.

import { start } from "./app.js";
import { get, post, put } from "./api.js";
import { ask } from "./dialog.js";
import { display, onDisplay } from "./display.js";
import { h, pageData, part, setText } from "./dom.js";
import { clock as clockText, date, day as dayText, minute } from "./format.js";
import { copyText } from "./gex/save.js";
import { toast } from "./toast.js";

const NEWS_MS = 30_000;
const CONFLICT = 409;
const ZONES = { new_york: "New York time", utc: "UTC", local: "local time" };

const data = pageData("forex-data");
const page = part(document, "page");
const form = part(page, "form");
const state = { trades: data.trades, blackout: data.blackout, saved: data.settings, revision: data.revision };
let ready = false;

const app = start({
  follow: { page: "forex", event: "update_forex", url: "/api/forex/trades", take: ({ forex }) => takeTrades(forex) },
});

const zone = () => display.time_zone;
const when = (iso) => (iso ? `${date(Date.parse(iso), zone())} ${clockText(Date.parse(iso), zone())}` : "–");
const price = (value) => (value === null ? "–" : String(value));

/* Trades */
function takeTrades(forex) {
  if (!forex) return; // nothing was told since the start: the page has what is kept
  state.trades = forex;
  if (ready) drawTrades();
}

function drawTrades() {
  const { trades } = state;
  part(page, "empty").hidden = !trades || trades.trades.length > 0;
  if (!trades) return;
  part(page, "problem").hidden = true;
  setText(part(page, "count"), `${trades.total.toLocaleString("en-US")} kept${trades.total > trades.trades.length ? `, newest ${trades.trades.length}` : ""}, ${ZONES[zone()] ?? zone()}`);
  part(page, "rows").replaceChildren(...trades.trades.map((each) => h("tr", {},
    h("td", {}, when(each.time)), h("td", { class: "num" }, String(each.ticket)), h("td", {}, each.symbol),
    h("td", {}, each.type.replace("_", " ")), h("td", {}, each.status),
    h("td", { class: "num" }, price(each.entry)), h("td", { class: "num" }, price(each.sl)), h("td", { class: "num" }, price(each.tp)),
    h("td", {}, when(each.received)))));
}

/* News */
function event(currency, title, words) {
  return h("p", { class: "forex-event" }, h("b", {}, currency), ` ${title} `, h("span", { class: "soft" }, words));
}

function drawNews() {
  const { blackout } = state;
  const words = blackout.active === null ? "News: not known" : blackout.active ? "Nothing is opened now" : "Free of news";
  const spans = blackout.events.slice(0, 5).map((each) => event(each.currency, each.title,
    `${dayText(each.time.slice(0, 10))} ${minute(Date.parse(each.time), zone())}, quiet ${minute(Date.parse(each.starts), zone())} to ${minute(Date.parse(each.ends), zone())}`));
  part(page, "blackout").replaceChildren(
    h("p", { class: "forex-state" }, h("strong", {}, words), blackout.until ? h("span", { class: "soft" }, ` until ${clockText(Date.parse(blackout.until), zone())}`) : null),
    ...(blackout.reason ? [h("p", { class: "reason" }, blackout.reason)] : []),
    ...spans,
    ...blackout.unscheduled.slice(0, 3).map((each) => event(each.currency, each.title, `${each.day ? dayText(each.day) : "this week"}, no time given`)),
  );
}

async function lookAtNews() {
  if (document.hidden) return;
  try {
    state.blackout = await get("/api/forex/blackout");
  } catch {
    state.blackout = { ...state.blackout, active: null, until: null, reason: "Not connected: what is shown may be old." };
  }
  drawNews();
}

/* Settings */
const inputs = () => [...form.querySelectorAll("[data-field]")];

function show(settings) {
  for (const input of inputs()) input.value = String(settings[input.dataset.field]);
}

/** What is typed, and the fields that hold no number within their bounds. */
function typed() {
  const values = {};
  const wrong = [];
  for (const input of inputs()) {
    const { low, high, step } = data.knobs.find((knob) => knob.name === input.dataset.field);
    const value = Number(input.value);
    const isGood = input.value !== "" && Number.isFinite(value) && value >= low && value <= high && (step !== 1 || Number.isInteger(value));
    values[input.dataset.field] = value;
    fieldError(input.dataset.field, isGood ? "" : `A ${step === 1 ? "whole " : ""}number from ${low} to ${high}.`);
    if (!isGood) wrong.push(input);
  }
  return { values, wrong };
}

function fieldError(name, text) {
  const error = form.querySelector(`[data-error="${CSS.escape(name)}"]`);
  if (!error) return false;
  setText(error, text);
  const input = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  return true;
}

function drawForm() {
  const { values, wrong } = typed();
  const changed = Object.keys(values).filter((name) => values[name] !== state.saved[name]).length;
  part(form, "save").disabled = changed === 0 || wrong.length > 0;
  part(form, "undo").disabled = changed === 0 && wrong.length === 0;
  setText(part(form, "changed"), changed ? `${changed} unsaved` : "");
}

async function save(event) {
  event.preventDefault();
  const { values, wrong } = typed();
  if (wrong.length) {
    wrong[0].focus();
    return;
  }
  const button = part(form, "save");
  button.disabled = true;
  setText(part(form, "save-error"), "");
  try {
    const answer = await put("/api/settings", { revision: state.revision, settings: { forex: values } });
    Object.assign(state, { saved: answer.settings.forex, revision: answer.revision });
    show(state.saved);
    toast("Settings saved: the advisor reads them at its next look");
    void lookAtNews();
  } catch (problem) {
    if (problem.status === CONFLICT) await adopt();
    else if (!problem.field || !fieldError(problem.field.replace("forex.", ""), problem.message)) setText(part(form, "save-error"), `Not saved: ${problem.message}`);
    button.disabled = false;
    return;
  }
  drawForm();
}

/** The file changed meanwhile: take its revision, keep what is typed, and say so. */
async function adopt() {
  const theirs = await get("/api/settings").catch(() => null);
  if (theirs) Object.assign(state, { saved: theirs.settings.forex, revision: theirs.revision });
  setText(part(form, "save-error"), "Not saved: the settings changed meanwhile. Save again to keep what stands here.");
}

/* Token */
async function copyToken() {
  setText(part(page, "token-error"), "");
  try {
    const { token } = await post("/api/forex/token/reveal");
    await copyText(token, "Token copied");
  } catch (problem) {
    setText(part(page, "token-error"), problem.message);
  }
}

async function newToken() {
  const isSure = await ask({
    title: "Make a new token?", sentence: "Advisors that send the old one are refused from then on.",
    rows: [["Header", data.header]], risky: "Make a new token", safe: "Keep the token",
  });
  if (!isSure) return;
  setText(part(page, "token-error"), "");
  try {
    const { masked, token } = await post("/api/forex/token");
    setText(part(page, "token"), masked);
    await copyText(token, "New token made and copied");
  } catch (problem) {
    setText(part(page, "token-error"), problem.message);
  }
}

form.addEventListener("input", drawForm);
form.addEventListener("submit", save);
part(form, "undo").addEventListener("click", () => { show(state.saved); drawForm(); });
page.querySelector('[data-action="copy-token"]').addEventListener("click", copyToken);
page.querySelector('[data-action="new-token"]')?.addEventListener("click", newToken);
setText(part(page, "origin"), location.origin);
addEventListener("beforeunload", (event) => { if (!part(form, "undo").disabled) event.preventDefault(); });
onDisplay(() => { drawTrades(); drawNews(); });
app.connection.onState(() => { if (app.connection.phase === "live") void lookAtNews(); });
setInterval(lookAtNews, NEWS_MS);
ready = true;
drawTrades();
drawNews();
drawForm();
