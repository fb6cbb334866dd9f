// /status: the health report as tiles and tables, and as text to copy.

import { start } from "./app.js";
import { post } from "./api.js";
import { display, onDisplay } from "./display.js";
import { h, mark, part, setText, svg } from "./dom.js";
import { nextTry } from "./header.js";
import { DASH, age, clock as clockText, count, date, milliseconds, volume, zoneLabel } from "./format.js";
import { toast } from "./toast.js";
import { mayWrite } from "./writes.js";

const STALL_BAR_MS = 100;
const known = (value) => typeof value === "number" && Number.isFinite(value);
let report = null;
let at = 0;

const app = start({
  health: (fresh) => {
    report = fresh;
    at = performance.now();
    draw();
  },
});
onDisplay(() => report && draw());
setInterval(() => {
  if (!report || document.hidden) return;
  drawTiles();
  drawParts();
}, 1000);

/** Seconds since the report: what it says of parts is in real time. */
function elapsed() {
  return (performance.now() - at) / 1000;
}

/** Events a second as people say it: 1,904/s, 31/min, 4/h. */
function rate(value) {
  if (!known(value)) return DASH;
  if (value === 0) return "0";
  if (value >= 10) return `${count(value)}/s`;
  if (value >= 1) return `${value.toFixed(1)}/s`;
  if (value * 60 >= 1) return `${count(value * 60)}/min`;
  return `${count(Math.max(1, value * 3600))}/h`;
}

function duration(ms) {
  if (ms < 60000) return `${Math.max(0, Math.floor(ms / 1000))}s`;
  const minutes = Math.floor(ms / 60000);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  if (days) return `${days}d ${hours}h`;
  return hours ? `${hours}h ${String(minutes % 60).padStart(2, "0")}m` : `${minutes}m`;
}

const time = (ms) => clockText(ms, display.time_zone);

/** Up since is real time, which is not the market's in a demo or a replay. */
function upReading(up) {
  const now = app.clock.wall() ?? report.clock.wall_ms;
  const [day, today] = [date(up, display.time_zone), date(now, display.time_zone)];
  return `${duration(now - up)} ago${day === today ? "" : `, ${day}`}${isShifted() ? ", real time" : ""}`;
}

/** True when the market's clock is not the one on the wall. */
function isShifted() {
  const { market_ms: market, wall_ms: wall, speed } = report.clock;
  return speed !== 1 || Math.abs(market - wall) > 2000;
}

/** The tiles as {id: [metric, reading, tone]}; unknown is a dash. */
function tiles() {
  const { ok, problems, up_since_ms: up, feed_rate: feed, feed_peak: peak, tick_ms: tick, loop, sockets, clients, queues, memory_mb: memory } = report;
  const fullest = (queues ?? []).filter((each) => each.limit).sort((one, other) => other.depth / other.limit - one.depth / one.limit)[0];
  return {
    health: [ok ? "200" : "503", ok ? "required parts work" : problems.join(", ") || "a required part is down", ok ? "up" : "down"],
    up: known(up) ? [time(up), upReading(up)] : [DASH, ""],
    feed: known(feed) ? [`${count(feed)}/s`, known(peak) ? `peak ${count(peak)}` : ""] : [DASH, "no event yet"],
    tick: known(tick?.p50) ? [milliseconds(tick.p50), known(tick.p99) ? `p50, p99 ${milliseconds(tick.p99)}` : "p50"] : [DASH, "not measured"],
    loop: known(loop?.p99) ? [milliseconds(loop.p99), `longest ${milliseconds(loop.max)}`] : [DASH, "not measured"],
    clients: [count(clients?.length ?? null), known(sockets?.open) ? `${count(sockets.open)} socket${sockets.open === 1 ? "" : "s"} of ${count(sockets.limit)}` : ""],
    queue: fullest ? [`${Math.round((fullest.depth / fullest.limit) * 100)}%`, fullest.name] : [DASH, "no queue"],
    memory: known(memory) ? [`${count(memory)} MB`, "of this process"] : [DASH, ""],
  };
}

function drawTiles() {
  for (const [id, [metric, reading, tone = ""]] of Object.entries(tiles())) {
    const tile = document.querySelector(`[data-tile="${id}"]`);
    const [, value, note] = tile.children;
    setText(value, metric);
    value.className = `metric ${metric === DASH ? "unknown" : tone}`;
    setText(note, reading);
    note.title = reading;
  }
}

/** What a part says of its last error, or "none". */
function lastError({ last_error: text, last_error_at: when }) {
  return text ? `${when ? `${time(when)} ` : ""}${text}` : "none";
}

function nextTryText({ next_try: when }) {
  return known(when) ? nextTry(when, app.clock.wall()) : "";
}

function partRow(each, label, state) {
  const error = lastError(each);
  const row = h("tr", {}, h("td", {}, mark(each.mark)), h("td", { title: label }, label),
    h("td", { class: each.mark === "down" ? "bad" : each.mark === "off" ? "muted" : "soft", title: state }, state),
    h("td", { class: "num" }, age(known(each.age) ? each.age + elapsed() : null)), h("td", { class: known(each.rate) ? "num" : "num unknown" }, rate(each.rate)),
    h("td", { class: "num" }, count(each.restarts)), h("td", { class: `error${error === "none" ? " none" : ""}`, title: error }, error),
    h("td", { class: "next-try" }, nextTryText(each)));
  return row;
}

function retryButton(source) {
  return h("button", {
    type: "button", class: "link", disabled: !mayWrite(), title: mayWrite() ? null : "Not connected", onclick: async (event) => {
      event.target.disabled = true;
      try {
        await post(`/api/sources/${encodeURIComponent(source.name)}/retry`);
        toast(`${source.label} is asked again`);
      } catch (problem) {
        toast(`${source.label}: ${problem.message}`, { kind: "warning" });
      }
    },
  }, "Try now");
}

/** Replace the rows of a body, unless a button in it is being used. */
function fill(name, rows) {
  const body = part(document, name);
  if (body.contains(document.activeElement)) return;
  body.replaceChildren(...rows);
}

function drawParts() {
  fill("sources-rows", report.sources.map((each) => {
    const row = partRow(each, each.label, each.detail || each.state);
    if (each.mark === "down" || each.state === "backoff") row.lastElementChild.append(" ", retryButton(each));
    return row;
  }));
  fill("workers-rows", report.workers.map((each) => partRow(each, each.name, each.state)));
}

function drawCounts() {
  const of = (list, kind) => list.filter((each) => each.mark === kind).length;
  const sick = (list) => [["late", "late"], ["down", "down"]].map(([kind, word]) => (of(list, kind) ? `, ${of(list, kind)} ${word}` : "")).join("");
  const on = report.sources.length - of(report.sources, "off");
  const off = of(report.sources, "off");
  setText(part(document, "sources-count"), `${on} on${off ? `, ${off} off` : ""}${sick(report.sources)}`);
  const restarts = report.workers.reduce((sum, each) => sum + (each.restarts ?? 0), 0);
  setText(part(document, "workers-count"), `${report.workers.length} workers${sick(report.workers)}, ${count(restarts)} restart${restarts === 1 ? "" : "s"} since start`);
}

function drawErrors() {
  const errors = [...report.errors].sort((one, other) => other.at_ms - one.at_ms);
  fill("errors-rows", errors.map((each) => h("tr", {}, h("td", { class: "soft", title: date(each.at_ms, display.time_zone) }, time(each.at_ms)),
    h("td", { class: "soft" }, each.source), h("td", {}, each.text), h("td", { class: "num" }, count(each.count)))));
  setText(part(document, "errors-count"), errors.length ? `${errors.length} kind${errors.length === 1 ? "" : "s"}, newest first${isShifted() ? ", real time" : ""}` : "");
  part(document, "errors-empty").hidden = errors.length > 0;
}

function drawLoop() {
  const { loop } = report;
  const minutes = (loop?.minutes ?? []).filter(known);
  const box = part(document, "loop");
  if (minutes.length < 2) {
    box.replaceChildren(h("p", { class: "muted small" }, "One point a minute; the line begins with the second."));
  } else {
    const top = Math.max(STALL_BAR_MS * 1.1, ...minutes);
    const y = (value) => (52 - (value / top) * 52).toFixed(1);
    const step = 100 / (minutes.length - 1);
    const drawing = svg("svg", { viewBox: "0 0 100 52", preserveAspectRatio: "none", role: "img", "aria-label": `Worst stall of ${minutes.length} minutes, longest ${milliseconds(Math.max(...minutes))}` },
      svg("path", { class: "limit", d: `M0 ${y(STALL_BAR_MS)}H100` }),
      svg("path", { class: "stall", d: `M${minutes.map((value, index) => `${(index * step).toFixed(2)} ${y(value)}`).join("L")}` }));
    box.replaceChildren(drawing);
  }
  const foot = loop ? [["p50", loop.p50], ["p99", loop.p99], ["max", loop.max]].map(([name, value]) => h("span", {}, `${name} ${milliseconds(value)}`)) : [];
  part(document, "loop-foot").replaceChildren(...foot);
}

function drawQueues() {
  fill("queues-rows", report.queues.map(({ name, depth, limit }) => h("tr", {}, h("td", {}, name),
    h("td", {}, known(depth) && limit ? h("meter", { min: "0", max: String(limit), value: String(depth), low: String(limit / 2), high: String(limit), optimum: "0", "aria-label": `${name}: ${count(depth)} of ${count(limit)}` }) : null),
    h("td", {}, count(depth)), h("td", {}, limit ? `of ${limit >= 1e6 ? volume(limit) : count(limit)}` : ""))));
  part(document, "queues-empty").hidden = report.queues.length > 0;
}

function drawClients() {
  setText(part(document, "clients-count"), count(report.clients.length));
  fill("clients-rows", report.clients.map((each) => h("tr", {}, h("td", {}, each.page), h("td", {}, each.from),
    h("td", { class: "num" }, rate(each.sent)), h("td", { class: "num" }, count(each.skipped)))));
}

function draw() {
  drawTiles();
  drawCounts();
  drawParts();
  drawErrors();
  drawLoop();
  drawQueues();
  drawClients();
  part(document, "machine").replaceChildren(...report.machine.flatMap(([label, text]) => [h("dt", {}, label), h("dd", {}, text)]));
}

/** The page as text; addresses of clients are left out, secrets were never in the report. */
function reportText() {
  const now = app.clock.now() ?? report.clock.market_ms;
  const lines = [
    `Grok Sauce ${app.data.version}, status of ${date(now, display.time_zone)} ${time(now)} ${zoneLabel(display.time_zone)}`,
    `Mode: ${report.mode.name}${report.mode.detail ? `, ${report.mode.detail}` : ""}`,
    `Session: ${report.session.label}`, "",
    ...[...document.querySelectorAll("[data-tile]")].map((tile) => {
      const [label, metric, reading] = [...tile.children].map((each) => each.textContent);
      return `${label}: ${metric}${reading ? ` (${reading})` : ""}`;
    }), "",
    ...report.sources.map((each) => `Source ${each.label}: ${each.mark}, ${each.detail || each.state}, age ${age(each.age)}, rate ${rate(each.rate)}, restarts ${count(each.restarts)}, last error ${lastError(each)}`), "",
    ...report.workers.map((each) => `Worker ${each.name}: ${each.mark}, ${each.state}, age ${age(each.age)}, restarts ${count(each.restarts)}, last error ${lastError(each)}`), "",
    ...report.queues.map((each) => `Queue ${each.name}: ${count(each.depth)} of ${count(each.limit)}`), "",
    ...report.machine.map(([label, text]) => `${label}: ${text}`), "",
    ...report.errors.map((each) => `Error ${time(each.at_ms)} ${each.source}: ${each.text} (${count(each.count)})`),
  ];
  return `${lines.join("\n").replace(/\b(?:\d{1,3}\.){3}\d{1,3}(:\d+)?\b/g, "[address]")}\n`;
}

document.querySelector('[data-action="copy"]').addEventListener("click", async () => {
  if (!report) return;
  try {
    await navigator.clipboard.writeText(reportText());
    toast("Report copied");
  } catch {
    toast("The browser did not allow the copy", { kind: "warning" });
  }
});
