// /butterfly: a butterfly priced live, two widths side by side, and candidates marked as quotes move.

import { ApiError, get, post, request } from "./api.js";
import { start } from "./app.js";
import { PayoffChart } from "./butterfly/chart.js";
import { Form } from "./butterfly/form.js";
import { behindRows, candidateName, candidateQuery, candidateRows, fillBehind, fillCandidates, fillLegs, fillWidths, legRows, widthRows } from "./butterfly/tables.js";
import { cents, expiryText, planText, widthText } from "./butterfly/words.js";
import { ask as confirm } from "./dialog.js";
import { display, onDisplay } from "./display.js";
import { announce, h, pageData, part, setText } from "./dom.js";
import { age, clock as clockText, day, dayShort, gex, percent, price, ratio, strike, zoneLabel } from "./format.js";
import { copyText, saveCsv, savePng } from "./gex/save.js";
import { openMenu } from "./menu.js";
import { remember, remembered } from "./store.js";
import { toast } from "./toast.js";
import { mayWrite } from "./writes.js";

const DRAW_MS = 250; // at most four pictures a second
const AGAIN_MS = 2000; // while there is nothing to follow yet
const FIELDS = ["symbol", "expiry", "root", "center", "width", "width_high", "compare", "side", "price", "quantity", "fees"];
const data = pageData("butterfly-data");
const main = document.getElementById("main");
const panel = (name) => main.querySelector(`[data-panel="${name}"]`);
const action = (name) => main.querySelector(`[data-action="${name}"]`);
const known = (value) => typeof value === "number" && Number.isFinite(value);

const state = { plan: data.plan, candidates: data.saved.candidates, problem: data.saved.problem, at: performance.now(), asked: 0, drawnAt: 0, timer: 0 };

const textOf = (query) => new URLSearchParams(FIELDS.filter((name) => (query[name] ?? "") !== "").map((name) => [name, query[name]]));
const apiUrl = (query) => `/api/butterfly?${textOf(query)}`;
const room = ({ symbol, key }) => ({ symbol, view: key ?? `symbol=${encodeURIComponent(symbol)}` });
const elapsed = () => ((performance.now() - state.at) / 1000) * app.clock.speed;

/* What comes in */
function take({ butterfly: plan }) {
  if (!plan || plan.key !== state.plan.key) return;
  state.plan = { ...state.plan, ...plan };
  state.at = performance.now();
  if (plan.candidates) state.candidates = plan.candidates;
  form.take(state.plan);
  schedule();
}

const app = start({
  follow: {
    page: "butterfly",
    event: "update_butterfly",
    url: apiUrl(data.plan.query),
    params: room(data.plan),
    take,
    mine: ({ butterfly: plan }) => !plan || plan.key === state.plan.key,
  },
});

/** Ask for the request with these changes; what is typed meanwhile goes before. */
async function change(changes, typed = null) {
  const query = { ...state.plan.query, ...changes };
  state.asked += 1;
  const asked = state.asked;
  if (changes.fees !== undefined) remember("butterfly.fees", changes.fees);
  try {
    const { butterfly: plan } = await get(apiUrl(query));
    if (asked !== state.asked) return;
    adopt(plan);
  } catch (problem) {
    if (asked !== state.asked || problem.name === "AbortError") return;
    if (problem instanceof ApiError && problem.status === 422) form.fail(problem.field ?? typed ?? "center", problem.message);
    else toast(problem.message, { kind: "warning" });
  }
}

/** All that is asked for stands in the address. */
function keepAddress() {
  history.replaceState(null, "", `${location.pathname}?${textOf(state.plan.query)}`);
}

/** Show another request from now on: its address, its room. */
function adopt(plan) {
  const before = state.plan;
  state.plan = { ...plan, strikes: plan.strikes ?? before.strikes };
  state.at = performance.now();
  keepAddress();
  document.title = `${plan.symbol} butterfly · Grok Sauce`;
  form.take(state.plan);
  if (plan.key !== before.key || plan.symbol !== before.symbol) app.connection.change("butterfly", { params: room(plan), url: apiUrl(plan.query) });
  schedule();
}

const form = new Form(part(main, "form"), change);
form.take(state.plan);
const chart = new PayoffChart(part(panel("payoff"), "chart"), (at) => {
  setText(part(panel("payoff"), "covers"), at === null ? "one package, before fees" : PayoffChart.words(state.plan, at));
});

/* Drawing */
function schedule() {
  if (state.timer || document.hidden) return;
  state.timer = setTimeout(() => {
    state.timer = 0;
    requestAnimationFrame(draw);
  }, Math.max(0, DRAW_MS - (performance.now() - state.drawnAt)));
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) schedule(); });

function draw() {
  state.drawnAt = performance.now();
  const { plan } = state;
  part(main, "page").dataset.state = plan.status.state;
  drawContext(plan);
  drawPayoff(plan);
  drawWidths(plan);
  drawLegs(plan);
  drawCandidates();
  drawAges();
}

function drawContext({ context, expiry }) {
  const items = [];
  const add = (name, text, tone = "") => items.push([name, text, tone]);
  add(`${context.rvol_symbol} RVOL`, ratio(context.rvol));
  const vix = context.vix_percent;
  add("VIX", price(context.vix), "");
  if (known(vix)) items.push(["", `${vix > 0 ? "▲ " : vix < 0 ? "▼ " : ""}${percent(vix)}`, vix > 0 ? "up" : vix < 0 ? "down" : "flat"]);
  add("Net GEX", gex(context.net_gex));
  const pain = context.max_pain.find((each) => expiry && each.expiry === expiry.day && each.root === expiry.root && each.settlement === expiry.settlement);
  add(expiry ? `Max pain ${dayShort(expiry.day)} ${expiry.settlement}` : "Max pain", strike(pain?.strike ?? null));
  add("Zero gamma", price(context.zero_gamma));
  const box = part(main, "context");
  const key = JSON.stringify(items);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  box.replaceChildren(...items.map(([name, text, tone]) => h("span", { class: name ? "fact" : "fact next-to" }, name, name ? " " : "", h("strong", { class: tone || (text === "–" ? "unknown" : "") }, text))));
}

const lineName = (query, name) => (name === "compared" ? strike(Number(query.compare)) : widthText(Number(query.width), Number(query.width_high)).replace("±", ""));

function drawLegend(plan) {
  const [chosen, compared] = plan.curve?.lines ?? [];
  const items = [
    ...(chosen?.expiry ? [["chosen", lineName(plan.query, "chosen")]] : []), ...(compared?.expiry ? [["compared", lineName(plan.query, "compared")]] : []),
    ...(chosen?.today ? [["today", `${lineName(plan.query, "chosen")} today`]] : []),
  ];
  const box = part(panel("payoff"), "legend");
  const key = items.flat().join();
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  box.replaceChildren(...items.map(([line, name]) => h("span", { class: "legend-item" }, h("span", { class: "bf-line", dataset: { line } }), name)));
}

function drawPayoff(plan) {
  const box = panel("payoff");
  const has = Boolean(plan.curve?.lines.some((each) => each.expiry));
  const nothing = part(box, "nothing");
  nothing.hidden = has;
  setText(nothing, has ? "" : plan.status.text);
  box.toggleAttribute("data-none", !has);
  chart.draw(plan);
  drawLegend(plan);
  const behind = part(box, "behind");
  if (!behind.hidden) fillBehind(behind.querySelector("table"), plan);
  const { chosen } = plan;
  part(box, "chart").setAttribute("aria-label", chosen && !chosen.refusal
    ? `Payoff of ${plan.symbol} ${chosen.strikes.map(strike).join(", ")}: break-evens ${price(chosen.break_even_low)} and ${price(chosen.break_even_high)}. Table has the numbers.`
    : "No payoff to draw");
}

function drawWidths(plan) {
  const box = panel("widths");
  for (const name of ["chosen", "compared"]) {
    const head = part(box, `head-${name}`);
    const shown = name === "chosen" ? plan.query.width : plan.compared && plan.query.compare;
    head.replaceChildren(...(shown ? [h("span", { class: "bf-line", dataset: { line: name } }), lineName(plan.query, name)] : []));
  }
  const { chosen } = plan;
  setText(part(box, "covers"), chosen ? `profit, loss after ${cents(chosen.fees)} fees` : "");
  const rows = part(box, "rows");
  if (chosen) fillWidths(rows, plan);
  else rows.replaceChildren();
  const words = [chosen?.refusal, plan.compared?.refusal && plan.compared.refusal !== chosen?.refusal ? `${lineName(plan.query, "compared")}: ${plan.compared.refusal}` : null].filter(Boolean);
  const foot = part(box, "foot");
  foot.hidden = !words.length;
  setText(foot, words.join(" "));
}

function drawLegs(plan) {
  const { chosen, expiry } = plan;
  const box = panel("legs");
  const places = [expiry ? `${expiry.root} ${day(expiry.day)} ${expiry.settlement}` : "", chosen?.side ?? "", plan.query.width ? `width ${lineName(plan.query, "chosen")}` : ""];
  setText(part(box, "covers"), places.filter(Boolean).join(", "));
  fillLegs(part(box, "rows"), chosen, elapsed());
}

function drawCandidates() {
  const box = panel("candidates");
  fillCandidates(part(box, "rows"), state.candidates, state.plan.query, elapsed(), display.time_zone, {
    open: (each) => change(candidateQuery(each)),
    menu: candidateMenu,
  });
  part(box, "none").hidden = state.candidates.length > 0;
  const problem = part(box, "problem");
  problem.hidden = !state.problem;
  setText(problem, state.problem ?? "");
}

/** What moves with the clock. */
function drawAges() {
  const { plan } = state;
  const gone = elapsed();
  form.tick(gone, app.clock.now());
  const oldest = plan.chosen?.oldest_quote;
  const words = [known(oldest) ? `oldest quote ${age(oldest + gone)}` : "", plan.oi_date ? `OI of ${day(plan.oi_date)}, evening` : ""];
  const box = part(panel("legs"), "ages");
  setText(box, words.filter(Boolean).join(" · "));
  box.className = known(oldest) && oldest + gone > 300 ? "warn-text" : "";
}
setInterval(() => {
  if (document.hidden) return;
  drawAges();
  fillLegs(part(panel("legs"), "rows"), state.plan.chosen, elapsed());
}, 1000);
setInterval(() => {
  if (!document.hidden && ["loading", "no_chain"].includes(state.plan.status.state)) change({});
}, AGAIN_MS);
onDisplay(() => {
  chart.theme();
  drawCandidates();
});
matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => chart.theme());

/* What can be done */
function candidateMenu(each, button) {
  openMenu(button, [
    { label: "Open in the form", run: () => change(candidateQuery(each)) },
    { label: "Copy as text", run: () => copyText(candidateText(each), "Candidate copied") },
    { label: "Delete", run: () => forget(each), disabled: !mayWrite() },
  ], `Menu of ${candidateName(each)}`);
}

function candidateText(each) {
  return `${candidateName(each)}, ${expiryText({ day: each.expiry, root: each.root, settlement: each.settlement })}, ${each.side} × ${each.quantity}: entry ${price(each.entry)}, ${each.settled ? "settled" : "mark"} ${price(each.mark)}, break-evens ${price(each.break_even_low)} to ${price(each.break_even_high)}\n`;
}

async function forget(each) {
  const yes = await confirm({
    title: `Delete ${candidateName(each)}?`,
    sentence: "Its entry price cannot be brought back. No position is changed.",
    rows: [["Entry", price(each.entry)], ["Mark", price(each.mark)]],
    risky: "Delete candidate",
    safe: "Keep",
  });
  if (!yes) return;
  try {
    const left = await request("DELETE", `/api/butterfly/candidates?id=${encodeURIComponent(each.id)}`);
    state.candidates = left.candidates;
    drawCandidates();
    announce("Candidate deleted");
  } catch (problem) {
    toast(problem.message, { kind: "warning" });
  }
}

action("save").addEventListener("click", async () => {
  try {
    const { candidate } = await post("/api/butterfly/candidates", Object.fromEntries(textOf(state.plan.query)));
    state.candidates = [candidate, ...state.candidates.filter((each) => each.id !== candidate.id)];
    drawCandidates();
    toast(`Saved ${candidateName(candidate)} at ${price(candidate.entry)}`);
  } catch (problem) {
    toast(`Not saved: ${problem.message}`, { kind: "warning" });
  }
});
action("copy").addEventListener("click", () => {
  const now = app.clock.now() ?? Date.parse(state.plan.as_of);
  copyText(planText(state.plan, `${clockText(now, display.time_zone)} ${zoneLabel(display.time_zone)}`), "Butterfly copied");
});
action("table").addEventListener("click", (event) => {
  const box = panel("payoff");
  const isOpen = part(box, "behind").hidden;
  part(box, "behind").hidden = !isOpen;
  part(box, "chart").hidden = isOpen;
  event.currentTarget.setAttribute("aria-pressed", String(isOpen));
  if (isOpen) fillBehind(part(box, "behind").querySelector("table"), state.plan);
});
const nameOf = () => `${state.plan.symbol.replaceAll("/", "")}-butterfly`;
const csvOf = (name, { heads, rows }) => saveCsv(`${nameOf()}-${name}`, state.plan.as_of, heads, rows);
action("payoff-csv").addEventListener("click", () => csvOf("payoff", behindRows(state.plan)));
action("widths-csv").addEventListener("click", () => csvOf("widths", widthRows(state.plan)));
action("legs-csv").addEventListener("click", () => csvOf("legs", legRows(state.plan.chosen)));
action("candidates-csv").addEventListener("click", () => csvOf("candidates", candidateRows(state.candidates)));
action("png").addEventListener("click", () => {
  const { plan } = state;
  savePng(nameOf(), plan.as_of, `${plan.symbol} ${strike(Number(plan.query.center))} ${widthText(Number(plan.query.width), Number(plan.query.width_high))}, ${plan.expiry ? expiryText(plan.expiry) : ""}`, chart.canvas());
});

draw();
const fees = new URLSearchParams(location.search).has("fees") ? null : remembered("butterfly.fees");
keepAddress();
if (fees) change({ fees });
