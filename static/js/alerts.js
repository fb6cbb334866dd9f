// /alerts: the log live, the dead letter, one alert in the drawer, and the switches above.

import { Drawer } from "./alerts/drawer.js";
import { Head } from "./alerts/head.js";
import { Questions } from "./alerts/questions.js";
import { Rows } from "./alerts/rows.js";
import { drawLines } from "./alerts/security.js";
import { fits, some, timeMs } from "./alerts/words.js";
import { get } from "./api.js";
import { start } from "./app.js";
import { isDialogOpen } from "./dialog.js";
import { display, onDisplay } from "./display.js";
import { announce, h, isTyping, pageData, part, setText } from "./dom.js";
import { count, day as dayText, zoneLabel } from "./format.js";
import { toast } from "./toast.js";

const FILTERS = ["strategy", "ticker", "target", "state", "day", "q"];
const TYPED_MS = 300;
const data = pageData("alerts-data");
const page = part(document, "alerts");
const query = Object.fromEntries(new URLSearchParams(location.search));
const tab = page.dataset.tab;
const action = (name) => page.querySelector(`[data-action="${name}"]`);
const state = { log: data.log, numbers: data.log?.numbers ?? null, seen: 0, timer: 0, asked: 0 };

/** The address of this list with changes; empty values leave it. */
function address(changes = {}, path = "/alerts") {
  const all = { tab: tab === "log" ? "" : tab, ...Object.fromEntries([...FILTERS, "before", "alert"].map((name) => [name, query[name] ?? ""])), ...changes };
  const text = new URLSearchParams(Object.entries(all).filter(([, value]) => value)).toString();
  return text ? `${path}?${text}` : path;
}
const listUrl = () => address({ tab, alert: "", limit: "50" }, "/api/alerts");
const wall = () => app.clock.wall();
const filters = () => ({ ...Object.fromEntries(FILTERS.map((name) => [name, query[name]])), day: query.day || state.log?.day, tab });

function take(message, isSnapshot) {
  if (message.numbers) {
    state.numbers = message.numbers;
    head.take(message.numbers);
  }
  if (!rows) return;
  const fresh = (message.rows ?? []).filter((row) => JSON.stringify(row) !== JSON.stringify(rows.row(row.id)));
  const isList = typeof message.total === "number"; // asked for over HTTP: with its filters
  const added = fresh.filter((row) => !rows.row(row.id) && !query.before && fits(row, filters()));
  if (state.log && isList) Object.assign(state.log, { total: message.total, more: message.more });
  else if (state.log && !isSnapshot) state.log.total += added.length;
  if (isList) rows.sync(message.rows);
  else rows.merge(fresh, (row) => !query.before && fits(row, filters()) && belongs(row));
  for (const row of fresh) {
    questions.took(row);
    if (row.id === drawer.id) drawer.changed(row);
  }
  if (isSnapshot && !isList && state.seen > 0) reload({ gently: true }); // rows may have changed while nobody told
  state.seen += 1;
}

/** An older row that changes does not belong to the newest page. */
function belongs(row) {
  const last = rows.all.at(-1);
  return !state.log?.more || !last || row.seq > last.seq;
}

const app = start({
  follow: { page: "alerts", event: "update_alerts", url: listUrl(), take },
  keys: [[["j"], "Next alert"], [["k"], "Alert before"], [["Enter"], "Open the row"], [["r"], "Replay the alert, asks first"]],
});
const head = new Head(page, { wall });
const questions = new Questions({ wall, row: (id) => rows?.row(id) ?? null, done: (id) => { if (id && id === drawer.id) drawer.load(); reload(); } });
const body = part(page, "rows");
const rows = body ? new Rows(body, { open: (id) => show(id), send: sendSize, told: drawCount, address, zone: () => display.time_zone, wall }) : null;
const drawer = new Drawer(part(page, "drawer"), { questions, walk, place, close: () => show(null), show });

/** Ask for the list of the address again. */
async function reload({ gently = false } = {}) {
  if (!rows) {
    if (!data.absent) loadLines();
    return;
  }
  state.asked += 1;
  const asked = state.asked;
  try {
    const log = await get(listUrl());
    if (asked !== state.asked) return;
    state.log = log;
    state.numbers = log.numbers ?? state.numbers;
    if (state.numbers) head.take(state.numbers);
    if (gently) rows.sync(log.rows);
    else rows.fill(log.rows);
    part(page, "error")?.remove();
    drawList();
  } catch (problem) {
    if (asked !== state.asked || problem.name === "AbortError") return;
    failed(problem);
  }
}

/** One line above the list: what failed and how to try again. */
function failed(problem) {
  part(page, "error")?.remove();
  const line = h("div", { class: "line", dataset: { kind: "error", part: "error" }, role: "alert" }, h("span", { class: "mark", dataset: { mark: "down" } }),
    h("span", { class: "line-text" }, h("strong", {}, "The list is not the newest."), ` ${problem.message}`),
    h("span", { class: "actions" }, h("button", { type: "button", class: "button", onclick: () => reload() }, "Try again")));
  page.querySelector(".alert-list").prepend(line);
}

async function loadLines() {
  try {
    drawLines(page, (await get(`/api/alerts/${tab}`)).rows);
  } catch (problem) {
    toast(problem.message, { kind: "warning" });
  }
}

/* The list around its rows */
function drawList() {
  const { log } = state;
  part(page, "export").href = address({ tab, before: "", alert: "" }, "/api/alerts.csv");
  const older = part(page, "older");
  older.hidden = !log?.more;
  const last = log?.rows.at(-1);
  if (last) older.href = address({ before: String(last.seq), alert: "" });
  const newest = part(page, "newest");
  newest.hidden = !query.before;
  newest.href = address({ before: "", alert: "" });
  setText(part(page, "day"), log?.day ? dayText(log.day) : "Any day");
  setText(part(page, "zone"), `Received, ${zoneLabel(display.time_zone)}`);
  drawCount();
}

function drawCount() {
  if (!rows) return;
  const shown = rows.all.length;
  const total = Math.max(shown, state.log?.total ?? shown);
  const when = state.log?.day ? (query.day ? ` on ${dayText(state.log.day)}` : " today") : "";
  const range = query.before ? `${count(shown)} older ones of ${count(total)}` : `${shown ? "1 to " : ""}${count(shown)} of ${count(total)}`;
  setText(part(page, "count"), `${range}${when}`);
  part(page, "empty").hidden = shown > 0;
  body.closest("table").hidden = shown === 0;
  const fresh = part(page, "new-rows");
  fresh.hidden = rows.waiting === 0;
  setText(fresh, rows.waiting ? `${count(rows.waiting)} new, put in when the pointer rests` : "");
  drawBulk();
}

function drawBulk() {
  const box = part(page, "bulk");
  if (!box) return;
  box.hidden = false;
  const number = rows.ticked.size;
  setText(part(page, "bulk-count"), number ? `${some(number, "alert")} selected` : "Nothing selected");
  for (const name of ["replay-selected", "acknowledge-selected"]) action(name).disabled = number === 0;
}

const ticked = () => rows.all.filter((row) => rows.ticked.has(row.id));

function equipBulk() {
  if (!part(page, "bulk")) return;
  rows.canTick = true;
  action("replay-selected").addEventListener("click", () => questions.replay(ticked()));
  action("acknowledge-selected").addEventListener("click", () => {
    questions.acknowledge([...rows.ticked]);
    rows.ticked.clear();
  });
  action("select-all").addEventListener("click", () => {
    const all = rows.all.length === rows.ticked.size;
    rows.ticked = new Set(all ? [] : rows.all.map((row) => row.id));
    for (const box of body.querySelectorAll("[data-tick]")) box.checked = !all;
    drawCount();
  });
  action("replay-span").addEventListener("click", () => questions.replaySpan(state.log?.filters?.targets ?? []));
}

/* One alert */
function place(id) {
  const at = rows?.all.findIndex((row) => row.id === id) ?? -1;
  return at < 0 || query.before ? "" : `${count(at + 1)} of ${count(Math.max(rows.all.length, state.log?.total ?? 0))}`;
}

/** Show an alert in the drawer and in the address; null closes it. */
function show(id, { push = false } = {}) {
  const before = drawer.id;
  query.alert = id ?? "";
  history[push ? "pushState" : "replaceState"](null, "", address());
  page.toggleAttribute("data-open", id !== null);
  drawer.open(id, rows?.row(id));
  rows?.select(id, { focus: id === null && before !== null });
  if (id === null && before !== null) rows?.element(before)?.focus({ preventScroll: true });
}

function walk(step) {
  const all = rows?.all ?? [];
  if (!all.length) return;
  const at = all.findIndex((row) => row.id === rows.current);
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))];
  if (drawer.id !== null) show(next.id);
  else rows.select(next.id);
  rows.element(next.id)?.focus({ preventScroll: true });
  announce(`${timeMs(next.received_ms, display.time_zone)} ${next.ticker ?? ""} ${next.sent_as ?? ""}`);
}

async function sendSize(row, input) {
  const problem = await questions.sendSize(row, input.value);
  input.setAttribute("aria-invalid", String(Boolean(problem)));
  if (problem) toast(problem, { kind: "warning" });
}

document.addEventListener("keydown", (event) => {
  if (!display.keys || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || isDialogOpen() || event.defaultPrevented) return;
  if (event.key === "j") walk(1);
  else if (event.key === "k") walk(-1);
  else if (event.key === "r" && rows?.current) {
    if (drawer.id !== rows.current) show(rows.current);
    drawer.replay();
  } else if (event.key === "Escape" && drawer.id !== null && !document.querySelector(".menu")) show(null);
  else return;
  event.preventDefault();
});

/* Filters: applied as they are chosen, all in the address */
function applyFilters() {
  for (const field of page.querySelectorAll("[data-filter]")) query[field.dataset.filter] = field.value.trim();
  query.before = "";
  history.replaceState(null, "", address());
  drawFold();
  action("clear-filters").hidden = !FILTERS.some((name) => query[name]);
  app.connection.change("alerts", { params: {}, url: listUrl() });
  state.seen = 0;
  reload();
}

/** What the folded filters are set to. */
function drawFold() {
  const set = FILTERS.filter((name) => query[name]).map((name) => (name === "day" ? dayText(query.day) : query[name].replace("localhost:", "")));
  setText(action("fold-filters"), set.length ? `Filters: ${set.join(", ")}` : "Filters");
}

function equipFilters() {
  const form = part(page, "filters");
  if (!form) return;
  form.addEventListener("submit", (event) => { event.preventDefault(); applyFilters(); });
  form.addEventListener("change", (event) => { if (event.target.dataset.filter !== "q") applyFilters(); });
  form.addEventListener("input", (event) => {
    if (event.target.dataset.filter !== "q") return;
    clearTimeout(state.timer);
    state.timer = setTimeout(applyFilters, TYPED_MS);
  });
  action("clear-filters").addEventListener("click", () => {
    for (const field of form.querySelectorAll("[data-filter]")) field.value = "";
    applyFilters();
  });
  const fold = action("fold-filters"); // a phone shows them when asked to
  fold.hidden = false;
  form.dataset.folded = "";
  fold.addEventListener("click", () => {
    const isOpen = form.toggleAttribute("data-folded") === false;
    fold.setAttribute("aria-expanded", String(isOpen));
  });
  drawFold();
  form.querySelector('[name="day"]').addEventListener("click", (event) => event.target.showPicker?.());
}

/* Start */
action("pause").addEventListener("click", () => state.numbers && questions.pause(state.numbers));
action("dry").addEventListener("click", async (event) => {
  event.preventDefault(); // the switch follows what the server says
  if (state.numbers) await questions.dry(state.numbers);
});
equipFilters();
if (rows) {
  equipBulk();
  if (state.log) rows.fill(state.log.rows);
  drawList();
}
if (data.lines) drawLines(page, data.lines);
if (state.numbers) head.take(state.numbers);
if (query.alert) {
  show(query.alert);
  if (data.detail) drawer.take(data.detail);
}
onDisplay(() => {
  if (rows) {
    rows.fill(rows.all, { anew: true });
    rows.select(drawer.id);
    drawList();
  }
  if (drawer.id) drawer.draw();
});
