// /signals: the strategy's state, each candle's verdicts, paper trades, levels in force.

import { start } from "./app.js";
import { get, post } from "./api.js";
import { display, onDisplay } from "./display.js";
import { h, pageData, part, setText } from "./dom.js";
import { DASH, MINUS, age, change, countdown, date, minute, price } from "./format.js";
import { detail, verdictMark } from "./signals_detail.js";
import { toast } from "./toast.js";

const FEW = 30; // trades under which a mean says little
const OLDER = 100;
const RESULTS = { signal: "Signal, buy", rejected: "Rejected", no_cross: "no cross", no_levels: "no levels", no_pair: "no pair" };
const ENDS = { target: "target", stop: "stop", trail: "trail", end: "session end", rolled: "roll", expired: "not filled", gapped: "gap, cancelled" };
const POSTS = { waiting: "waits", taken: "taken", refused: "refused", late: "too late", void: "not sent" };
const PARAMETERS = [
  ["Target", (p) => p.target], ["Trail from", (p) => (p.trailing ? p.trail_trigger : "off")],
  ["Stop buffer", (p) => p.stop_buffer], ["Trail offset", (p) => (p.trailing ? p.trail_offset : "off")],
  ["Max risk", (p) => p.max_risk], ["Cooldown", (p) => `${p.cooldown} s`],
  ["Max LT below", (p) => p.max_lt_below], ["LT counted", (p) => `under ${p.lt_reference}`],
  ["LT unknown", (p) => (p.lt_missing === "closed" ? "no trade" : "let through")], ["Session", (p) => `${p.session_start}–${p.session_end}`],
  ["Levels at most", (p) => `${p.levels_max_age} h old`], ["Flat at end", (p) => (p.flat_at_end ? "yes" : "no")],
];

const data = pageData("signals-data");
const page = part(document, "page");
const url = (symbol) => `/api/signals?symbol=${encodeURIComponent(symbol)}`;
const view = { state: data?.state, which: "all", older: [], opened: new Map(), wanted: data?.evaluation ?? null };
const zone = () => display.time_zone;
const ms = (iso) => (iso ? Date.parse(iso) : null);
const when = (iso) => (iso ? `${date(ms(iso), zone())} ${minute(ms(iso), zone())}` : DASH);
const tone = (value) => (value > 0 ? "up" : value < 0 ? "down" : "flat");
const dollars = (value) => (value === null ? DASH : `${value < 0 ? MINUS : value > 0 ? "+" : ""}$${price(Math.abs(value))}`);

const app = start({
  follow: data && {
    page: "signals", event: "update_signals", url: url(data.state.symbol), params: { symbol: data.state.symbol },
    mine: (message) => message.signals?.symbol === view.state.symbol,
    take: ({ signals }) => { if (signals) { view.state = signals; draw(); } },
  },
});

/* Evaluations */
function cell(found, text, isRule = true) {
  const title = found.text === "not reached" ? "Not reached: no level was crossed" : found.text;
  return h("td", { title }, verdictMark(found), found.passed === null || !text ? null : h("span", { class: found.passed || !isRule ? "" : "failed" }, ` ${text}`));
}

const near = (found) => (found.value === null ? "" : `${change(found.value)}${found.passed ? "" : found.value < 0 ? ", was below" : " above"}`);
const below = (found) => (found.value === null ? "unknown" : found.passed ? `${found.value}` : `${found.value}, max ${found.limit}`);
const risk = (found) => (found.value === null ? "" : found.passed ? price(found.value) : `${price(found.value)}, max ${found.limit}`);

function resultOf(row) {
  if (row.mode === "live") return RESULTS[row.result] ?? row.result;
  const word = row.result === "signal" ? "would buy" : RESULTS[row.result] ?? row.result;
  return `${word}, ${row.mode === "off" ? "off" : "too late"}`;
}

function evaluationRow(row) {
  const isOpen = view.opened.has(row.seq);
  const toggle = h("button", { type: "button", class: "link expand", "aria-expanded": String(isOpen), "aria-label": `Evaluation of ${minute(ms(row.closed_at), zone())}`, onclick: () => toggleRow(row.seq) }, minute(ms(row.closed_at), zone()));
  const line = h("tr", { dataset: { seq: row.seq, result: row.result, mode: row.mode, crossed: String(row.crossed) }, title: row.reason },
    h("td", {}, toggle, h("span", { class: "muted small" }, ` ${date(ms(row.closed_at), zone()).split(" ")[0]}`)),
    h("td", { class: "num" }, price(row.close)),
    h("td", {}, row.level_label ? `${row.level_label}, ${price(row.level)}` : h("span", { class: "unknown" }, DASH)),
    cell(row.gate, ""), cell(row.session, ""), cell(row.cross, near(row.cross), false), cell(row.lt, below(row.lt)), cell(row.risk, risk(row.risk)),
    row.crossed ? cell(row.cooldown, "") : h("td", { class: "unknown", title: "Not reached" }, DASH),
    row.crossed ? cell(row.position, row.position.passed ? "" : row.position.text) : h("td", { class: "unknown", title: "Not reached" }, DASH),
    h("td", { class: "result" }, resultOf(row)));
  return isOpen ? [line, h("tr", { class: "opened" }, h("td", { colspan: "11" }, view.opened.get(row.seq) ?? "…"))] : [line];
}

async function toggleRow(seq) {
  const isOpen = view.opened.has(seq);
  view.opened.clear();
  if (!isOpen) {
    view.opened.set(seq, null);
    try {
      view.opened.set(seq, detail(await get(`/api/signals/evaluations/${seq}`), zone()));
    } catch (problem) {
      view.opened.set(seq, h("p", { class: "err-text" }, problem.message));
    }
  }
  const address = new URL(location.href);
  if (isOpen) address.searchParams.delete("evaluation");
  else { address.searchParams.set("evaluation", seq); address.searchParams.set("symbol", view.state.symbol); }
  history.replaceState(null, "", address);
  drawEvaluations();
  page.querySelector(`tr[data-seq="${seq}"] .expand`)?.focus();
}

const isWanted = (row) => view.which === "all" || (view.which === "crosses" ? row.crossed : row.result === "signal");

function drawEvaluations() {
  const { state } = view;
  const known = new Set(state.evaluations.map((each) => each.seq));
  const rows = [...state.evaluations, ...view.older.filter((each) => !known.has(each.seq))].filter(isWanted);
  const focused = document.activeElement?.closest?.("tr[data-seq]")?.dataset.seq;
  part(page, "evaluations").replaceChildren(...rows.flatMap(evaluationRow));
  if (focused) page.querySelector(`tr[data-seq="${CSS.escape(focused)}"] .expand`)?.focus();
  part(page, "no-evaluations").hidden = rows.length > 0;
  const [title, words] = part(page, "no-evaluations").children;
  setText(title, view.which === "all" ? "No candle was judged yet" : `No ${view.which} yet`);
  setText(words, view.which === "all" ? "The first comes with the next close of a 15-minute candle." : `Of ${state.counts.all} candles kept.`);
  for (const button of part(page, "which").children) {
    const { value } = button.dataset;
    setText(button, `${value[0].toUpperCase()}${value.slice(1)} ${state.counts[value]}`);
    button.setAttribute("aria-pressed", String(value === view.which));
  }
  part(page, "older").hidden = rows.length >= state.counts[view.which];
  setText(part(page, "covers"), `15-minute candles of ${state.contract ?? state.symbol}, closed only`);
}

/** The lines of whole evaluations, as the server makes them for the newest. */
function lineOf(each) {
  const test = each.tests.find((one) => one.result === "passed") ?? each.tests.find((one) => one.cross.passed)
    ?? [...each.tests].sort((a, b) => Math.abs(a.cross.value) - Math.abs(b.cross.value))[0];
  const blank = { passed: null, value: null, limit: null, text: "not reached" };
  return {
    ...each, ...each.verdicts, cross: test?.cross ?? blank, lt: test?.lt ?? blank, risk: test?.risk ?? blank,
    close: each.candle.close, level: test?.price ?? null, crossed: each.tests.some((one) => one.cross.passed),
    level_label: test ? test.name.replace("_", " ").replace(/^./, (first) => first.toUpperCase()) : null,
  };
}

async function older() {
  const shown = [...view.state.evaluations, ...view.older].map((each) => each.seq);
  const query = new URLSearchParams({ symbol: view.state.symbol, which: view.which, limit: OLDER, before: Math.min(...shown, Number.MAX_SAFE_INTEGER) });
  const found = view.which === "all" ? query : (query.delete("before"), query);
  try {
    const { evaluations } = await get(`/api/signals/evaluations?${found}`);
    const known = new Set(shown);
    view.older.push(...evaluations.filter((each) => !known.has(each.seq)).map(lineOf));
    view.older.sort((a, b) => b.seq - a.seq);
  } catch (problem) {
    setText(part(page, "error"), problem.message);
  }
  drawEvaluations();
}

/* Paper trades */
function routed(posts) {
  if (!posts.length) return h("td", { class: "unknown" }, DASH);
  return h("td", { title: posts.map((each) => `${each.kind}: ${POSTS[each.state] ?? each.state}. ${each.text}`).join("\n") },
    posts.map((each) => `${each.kind} ${POSTS[each.state] ?? each.state}`).join(", "));
}

function tradeRow(each) {
  const { end } = each;
  const open = view.state.open?.id === each.id ? view.state.open : null;
  const points = end?.points ?? open?.points ?? null;
  const by = end ? ENDS[end.reason] ?? end.reason : open?.kind === "position" ? "open" : open ? "order waits" : DASH;
  return h("tr", {},
    h("td", {}, when(each.time)), h("td", {}, `${each.level_label}, ${price(each.level)}`),
    h("td", { class: "num" }, price(each.price)), h("td", { class: "num" }, price(end?.entry ?? open?.entry ?? null)),
    h("td", { class: "num soft" }, price(open?.stop ?? each.stop)), h("td", { class: "num soft" }, price(each.target)), h("td", { class: "num soft" }, price(each.risk)),
    h("td", {}, end ? minute(ms(end.exited_at), zone()) : DASH), h("td", { class: "num" }, price(end?.exit ?? null)),
    h("td", {}, by, end?.ambiguous ? h("span", { class: "tag", title: "One bar held stop and target: the worse was taken" }, "ambiguous") : null),
    h("td", { class: `num strong ${points === null ? "unknown" : tone(points)}` }, change(points)),
    h("td", { class: `num ${end?.dollars ? tone(end.dollars) : "unknown"}` }, dollars(end?.dollars ?? null)),
    routed(each.posts),
    h("td", {}, each.seq === null ? null : h("button", { type: "button", class: "link", onclick: () => showEvaluation(each.seq) }, "Why")));
}

function drawTrades() {
  const { state } = view;
  part(page, "trades").replaceChildren(...state.signals.map(tradeRow));
  part(page, "no-trades").hidden = state.signals.length > 0;
  const { sums, terms, parameters } = state;
  const fee = terms ? 2 * parameters.commission * parameters.quantity : 0;
  setText(part(page, "terms"), terms ? `long only, ${parameters.quantity} ${terms.name}, $${price(fee)} fees a trade` : "");
  part(page, "sums").replaceChildren(...(sums.n ? [
    h("span", {}, `n ${sums.n} `), h("strong", { class: tone(sums.points) }, `${change(sums.points)} points `),
    h("strong", { class: tone(sums.dollars) }, `${dollars(sums.dollars)} `), h("span", {}, `mean ${change(sums.mean_points)} points, n ${sums.n}`),
  ] : []));
  const few = sums.n && sums.n < FEW ? ` ${sums.n} ${sums.n === 1 ? "trade is" : "trades are"} too few to judge by.` : "";
  setText(part(page, "few"), `Filled at the next open at or under the limit, else once traded through; one-minute data.${few}`);
}

async function showEvaluation(seq) {
  view.which = "all";
  if (!view.opened.has(seq)) {
    if (![...view.state.evaluations, ...view.older].some((each) => each.seq === seq)) {
      const found = await get(`/api/signals/evaluations/${seq}`).catch(() => null);
      if (found) view.older.push(lineOf(found));
      else toast("That evaluation is not kept any more");
    }
    await toggleRow(seq);
  }
  page.querySelector(`tr[data-seq="${seq}"]`)?.scrollIntoView({ block: "center" });
}

/* Levels and what goes with them */
function drawLevels() {
  const { levels, lt, last } = view.state;
  const far = (value) => (last ? change(value - last.price) : DASH);
  const spot = last ? [h("tr", { class: "spot-row" }, h("td", {}, view.state.contract ?? view.state.symbol), h("td", { class: "num strong" }, price(last.price)), h("td", {}))] : [];
  const rows = levels.rows.map((each) => [each.price, h("tr", {}, h("td", { dataset: { level: each.name } }, each.label), h("td", { class: "num strong" }, price(each.price)), h("td", { class: "num soft" }, far(each.price)))]);
  if (last) rows.push([last.price, spot[0]]);
  part(page, "levels").replaceChildren(...rows.sort((a, b) => b[0] - a[0]).map(([, row]) => row));
  part(page, "lt").replaceChildren(...lt.rows.map((each) => h("tr", {}, h("td", {}, price(each.price)), h("td", { class: "num soft" }, far(each.price)), h("td", { class: "num soft" }, String(each.lookback)))));
  for (const [name, found] of [["levels", levels], ["lt", lt]]) {
    part(page, `${name}-why`).hidden = !found.why;
    setText(part(page, `${name}-why`), found.why ? `${found.why[0].toUpperCase()}${found.why.slice(1)}.` : "");
  }
  setText(part(page, "lt-foot"), view.state.parameters.lt_missing === "open" ? "Unknown: a candle passes all the same" : `Unknown or older than ${view.state.parameters.lt_max_age ?? 2} candles: no trade`);
}

function drawAges() {
  const { levels, lt, next_close: next, state } = view.state;
  const now = app.clock.now();
  const old = (iso) => (iso && now ? age(Math.max(0, (now - ms(iso)) / 1000)) : "");
  setText(part(page, "levels-source"), levels.source ? `${levels.source}${levels.factor === null ? "" : ` × ${price(levels.factor, 4)}`}, ${old(levels.known_at)}` : "");
  setText(part(page, "lt-source"), lt.rows.length ? `${lt.rows.length} levels, ${old(lt.closed_at)}` : "");
  const left = next && now ? (ms(next) - now) / 1000 : null;
  setText(part(page, "next"), left === null || state === "refused" ? DASH : left > 0 ? `${minute(ms(next), zone())} in ${countdown(left)}` : `${minute(ms(next), zone())}, closing`);
}

/* The bar on top */
function drawBar() {
  const { state } = view;
  page.dataset.state = state.state;
  setText(part(page, "state"), state.state === "blocked" ? "Blocked" : state.text);
  for (const button of part(page, "switch").children) {
    button.setAttribute("aria-pressed", String((button.dataset.value === "enable") === state.enabled));
    button.disabled = state.state === "refused";
  }
  setText(part(page, "last-label"), `${state.contract ?? state.symbol}, ${state.last?.basis === "close" ? `closed ${minute(ms(state.last.at), zone())}` : "last"}`);
  setText(part(page, "last"), price(state.last?.price ?? null));
  setText(part(page, "today"), String(state.today.signals));
  const today = part(page, "today-points");
  today.className = state.today.n ? tone(state.today.points) : "unknown";
  setText(today, state.today.n ? `${change(state.today.points)} points, n ${state.today.n}` : DASH);
  drawNote();
  part(page, "parameters").replaceChildren(...(Object.keys(state.parameters).length ? PARAMETERS : []).flatMap(([name, of]) => [h("dt", {}, name), h("dd", {}, String(of(state.parameters)))]));
}

const INPUTS = { candles: "Candles", levels: "Levels", lt: "LT levels", storage: "Storage", feed: "Feed" };

function drawNote() {
  const { state } = view;
  const lines = state.blocked.map((each) => h("p", {}, h("span", { class: "mark", dataset: { mark: "down" } }), h("strong", {}, INPUTS[each.input] ?? each.input), ` ${each.text}`));
  if (state.state === "blocked") lines.unshift(h("p", {}, h("strong", {}, "No signal can come now."), " What is missing:"));
  else if (lines.length && state.state !== "refused") lines.unshift(h("p", {}, h("strong", {}, "Missing now:")));
  if (!state.enabled && state.state !== "refused") lines.unshift(h("p", {}, h("strong", {}, "Off."), " Candles are judged and shown as what would have been; nothing is told and no paper trade begins."));
  if (state.by_default) lines.unshift(h("p", {}, h("strong", {}, "On in the demo"), " until you use the switch; with live data it is off until you switch it on."));
  if (state.router.problem) lines.push(h("p", {}, h("span", { class: "mark", dataset: { mark: "late" } }), h("strong", {}, "Router"), ` ${state.router.problem}`));
  part(page, "note").hidden = lines.length === 0;
  part(page, "note").replaceChildren(...lines);
}

async function switchTo(value) {
  setText(part(page, "error"), "");
  const isOn = value === "enable";
  if (view.state.enabled === isOn) return;
  try {
    const answer = await post(`/strategy/${value}`);
    view.state = { ...view.state, enabled: answer.enabled, by_default: false };
    drawBar();
    toast(answer.enabled ? "Signals on: paper trades from the next close on" : "Signals off: nothing is told");
  } catch (problem) {
    setText(part(page, "error"), problem.message);
  }
}

function changeSymbol(symbol) {
  Object.assign(view, { older: [], which: "all" });
  view.opened.clear();
  history.replaceState(null, "", `/signals?symbol=${encodeURIComponent(symbol)}`);
  view.state = { ...view.state, symbol };
  app.connection.change("signals", { params: { symbol }, url: url(symbol) });
  part(page, "export").href = `/api/signals.csv?symbol=${encodeURIComponent(symbol)}`;
  part(page, "export-trades").href = `/api/signals.csv?what=trades&symbol=${encodeURIComponent(symbol)}`;
}

function draw() {
  drawBar();
  drawEvaluations();
  drawTrades();
  drawLevels();
  drawAges();
}

if (data) {
  for (const button of part(page, "which").children) button.addEventListener("click", () => { view.which = button.dataset.value; drawEvaluations(); });
  for (const button of part(page, "switch").children) button.addEventListener("click", () => switchTo(button.dataset.value));
  part(page, "older").addEventListener("click", older);
  part(page, "symbol").addEventListener("change", (event) => changeSymbol(event.target.value));
  onDisplay(() => { view.opened.clear(); draw(); });
  setInterval(() => { if (!document.hidden) drawAges(); }, 1000);
  draw();
  if (view.wanted !== null) void showEvaluation(view.wanted);
}
