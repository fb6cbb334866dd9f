// /indicator: the live table and what stands beside it.

import { start } from "./app.js";
import { get, put } from "./api.js";
import { ABSENT, COLUMNS } from "./columns.js";
import { csv, download } from "./csv.js";
import { display, onDisplay } from "./display.js";
import { announce, h, pageData, part, setText } from "./dom.js";
import { clock as clockText, date } from "./format.js";
import { Heads } from "./heads.js";
import { ROOMS, Side } from "./indicator_side.js";
import { openMenu } from "./menu.js";
import { remember, remembered } from "./store.js";
import { LiveTable } from "./table.js";
import { toast } from "./toast.js";
import { mayWrite } from "./writes.js";

const GROUPS = ["positive", "neutral", "negative"];
const CARD_SORTS = ["change_percent", "change_close_percent", "rvol", "volume", "max_pain", "dte", "symbol", "price", "age"];
const FRESH = ["live", "aging"];
const PRESS_MS = 500;

const element = document.getElementById("table");
const { rows } = pageData("table-data");
const pending = [];
let live = null;
let heads = null;
const beside = new Side(document.querySelector(".indicator-grid"), pageData("side-data"), { clock: () => app?.clock.now() ?? null, zone: () => display.time_zone });

const app = start({
  follow: [
    {
      page: "indicator",
      event: "update_indicator",
      url: "/api/indicator",
      take: (message, whole) => (live ? live.take(message, whole) : pending.push([message, whole])),
    },
    ...ROOMS.map(({ page, event, url, field }) => ({ page, event, url, take: (message) => beside.take(field, message[field]) })),
  ],
  health: () => beside.tick(),
  search: { symbols: () => live?.rows ?? [], open: (symbol) => select(symbol) },
  keys: [
    [["↑", "↓", "Home", "End"], "Move between rows; ↑ from the first one goes to the heads"],
    [["Enter"], "Menu of the row; on a head: sort"],
    [["←", "→"], "Move between heads"],
    [["Alt", "←", "→"], "On a head: move the column"],
    [["Shift", "←", "→"], "On a head: column width by 8 px"],
    [["Delete"], "On a head: hide the column"],
  ],
});

live = new LiveTable(element, rows, app.clock, drawCounts);
heads = new Heads(element, live, keepView);
for (const [message, whole] of pending) live.take(message, whole);
openView();
drawCounts();
live.take({ rows: live.rows }, true);
heads.arrange();

/** Sort, group and row from the address; the sort else as it was left. */
function openView() {
  const query = new URLSearchParams(location.search);
  const sort = query.get("sort") ?? remembered("sort") ?? "";
  const id = sort.replace(/^-/, "");
  const column = COLUMNS.find((each) => each.id === id && !each.unsorted);
  if (column) live.sort = { id, direction: sort.startsWith("-") ? -1 : 1 };
  live.hiddenRows = new Set(remembered("hidden-rows", []));
  const group = query.get("group");
  live.group = GROUPS.includes(group) ? group : "";
  const pill = part(document, "sort");
  pill.append(h("option", { value: "" }, "My order"));
  for (const each of CARD_SORTS) pill.append(h("option", { value: each }, COLUMNS.find((one) => one.id === each).label));
  if (query.get("symbol")) requestAnimationFrame(() => select(query.get("symbol")));
  drawView();
}

/** Write sort and group into the address, remember the sort. */
function keepView() {
  const sort = live.sort ? `${live.sort.direction < 0 ? "-" : ""}${live.sort.id}` : null;
  remember("sort", sort);
  const url = new URL(location.href);
  for (const [name, value] of [["sort", sort], ["group", live.group]]) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  history.replaceState(null, "", url);
  drawView();
}

function drawView() {
  document.querySelector('[data-action="reset"]').hidden = !heads.isChanged && !live.sort;
  for (const button of document.querySelectorAll("[data-filter]")) {
    button.setAttribute("aria-pressed", String(button.dataset.filter === live.group));
  }
  part(document, "sort").value = live.sort && CARD_SORTS.includes(live.sort.id) ? live.sort.id : "";
  live.filter();
  heads.drawSort();
}

function drawCounts() {
  const all = live?.rows ?? rows;
  const some = (word, count) => (count ? ` · ${count} ${word}` : "");
  const having = (...states) => all.filter((row) => states.includes(row.status)).length;
  const hidden = live ? all.filter((row) => live.hiddenRows.has(row.symbol)).length : 0;
  setText(part(document, "count"), `${all.length} symbol${all.length === 1 ? "" : "s"}`
    + some("fresh", having(...FRESH)) + some("closed", having("closed")) + some("halted", having("halted"))
    + some("stale", having("stale", "link_down")) + some("waiting", having("waiting"))
    + some("not offered", having("not_offered", "no_entitlement", "unknown_symbol")) + some("hidden", hidden));
  setText(part(document, "all"), String(all.length));
  for (const group of GROUPS) setText(part(document, group), String(all.filter((row) => row.group === group).length));
  document.getElementById("no-rows").hidden = all.length > 0;
  if (live) queueMicrotask(holdStop); // rows are filtered after they are counted
}

/** Mark and show a row; false when the table has none of that name. */
function select(symbol) {
  const tr = live.element(symbol) ?? live.element(symbol.toUpperCase());
  if (!tr) return false;
  if (tr.hidden) {
    live.group = "";
    live.hiddenRows.delete(tr.dataset.symbol);
    remember("hidden-rows", [...live.hiddenRows]);
    keepView();
    drawCounts();
  }
  live.body.querySelector(".selected")?.classList.remove("selected");
  tr.classList.add("selected");
  focusRow(tr);
  return true;
}

/** The table is one stop of Tab: one row at a time can be reached. */
function focusRow(tr) {
  for (const each of live.body.querySelectorAll('tr[tabindex="0"]')) each.tabIndex = -1;
  tr.tabIndex = 0;
  tr.focus();
  tr.scrollIntoView({ block: "nearest" });
}

/** Tab finds the table whatever rows were filtered, hidden or removed. */
function holdStop() {
  const stop = live.body.querySelector('tr[tabindex="0"]');
  if (stop && !stop.hidden) return;
  if (stop) stop.tabIndex = -1;
  if (live.visible[0]) live.visible[0].tabIndex = 0;
}

async function moveToGroup(symbol, group) {
  try {
    const { settings, revision } = await get("/api/settings");
    const indicators = Object.fromEntries(GROUPS.map((each) => [each, settings.indicators[each].filter((one) => one !== symbol)]));
    indicators[group].push(symbol);
    await put("/api/settings", { revision, settings: { indicators } });
    toast(`${symbol} moved to ${group}`);
  } catch (problem) {
    toast(`${symbol} was not moved: ${problem.message}`, { kind: "warning" });
  }
}

function rowText(symbol) {
  const tr = live.element(symbol);
  return [...tr.children].map((cell) => cell.textContent.trim()).filter(Boolean).join("\t");
}

async function copyRow(symbol) {
  try {
    await navigator.clipboard.writeText(rowText(symbol));
    toast(`${symbol} copied`);
  } catch {
    toast("The browser did not allow the copy", { kind: "warning" });
  }
}

function hideRow(symbol) {
  live.hiddenRows.add(symbol);
  remember("hidden-rows", [...live.hiddenRows]);
  live.filter();
  drawCounts();
  toast(`${symbol} hidden in this browser`, { action: { label: "Undo", run: () => showRows([symbol]) } });
}

function showRows(symbols) {
  for (const symbol of symbols) live.hiddenRows.delete(symbol);
  remember("hidden-rows", [...live.hiddenRows]);
  live.filter();
  drawCounts();
}

/** A page of one symbol: a slash cannot stand in a path. */
const addressOf = ({ path }, symbol) => (symbol.includes("/") ? `${path}?symbol=${encodeURIComponent(symbol)}` : `${path}/${encodeURIComponent(symbol)}`);

function rowMenu(symbol, at) {
  const row = live.row(symbol);
  const page = (name) => app.data.pages.find((each) => each.name === name);
  const link = (name, label) => (page(name) ? { label, href: addressOf(page(name), symbol) } : null);
  const links = [link("gex", "Open GEX"), link("chart", "Open chart")].filter(Boolean);
  const groups = GROUPS.filter((each) => each !== row.group).map((group) => ({
    label: `Move to ${group}`, run: () => moveToGroup(symbol, group), ...(mayWrite() ? {} : { disabled: true, hint: "Not connected" }),
  }));
  const way = row.status in ABSENT && row.hint ? [{ label: `Use ${row.hint} instead`, run: () => takeHint(row.hint) }] : [];
  openMenu(at, [
    { title: row.name && row.name !== symbol ? `${symbol}, ${row.name}` : symbol },
    ...links, ...way, ...(links.length + way.length ? [{ separator: true }] : []),
    { label: "Copy row", run: () => copyRow(symbol) },
    ...groups,
    { separator: true },
    { label: "Hide", run: () => hideRow(symbol) },
  ], `Row ${symbol}`, live.element(symbol));
}

/** The way out of a symbol that is not offered: its stand-in in the table, else in setup. */
function takeHint(hint) {
  if (!select(hint)) location.assign(`/setup?add=${encodeURIComponent(hint)}`);
}

function openRow(symbol, tr) {
  const chart = app.data.pages.find((each) => each.name === "chart");
  if (chart) location.assign(addressOf(chart, symbol));
  else rowMenu(symbol, tr.querySelector(".row-menu"));
}

const rowOf = (target) => target.closest("tr[data-symbol]");

live.body.addEventListener("contextmenu", (event) => {
  const tr = rowOf(event.target);
  if (!tr) return;
  event.preventDefault();
  rowMenu(tr.dataset.symbol, event.clientX || event.clientY ? { x: event.clientX, y: event.clientY } : tr.querySelector(".row-menu"));
});

live.body.addEventListener("click", (event) => {
  const tr = rowOf(event.target);
  if (!tr) return;
  const link = event.target.closest("a[data-hint]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    takeHint(link.dataset.hint);
  } else if (event.target.closest(".row-menu")) {
    rowMenu(tr.dataset.symbol, event.target);
  } else if (heads.isPhone && !link && app.data.pages.some((each) => each.name === "chart")) {
    openRow(tr.dataset.symbol, tr);
  }
});

let press = 0;
live.body.addEventListener("touchstart", (event) => {
  const tr = rowOf(event.target);
  const [touch] = event.touches;
  clearTimeout(press);
  if (tr) press = setTimeout(() => rowMenu(tr.dataset.symbol, { x: touch.clientX, y: touch.clientY }), PRESS_MS);
}, { passive: true });
for (const name of ["touchend", "touchmove", "touchcancel"]) live.body.addEventListener(name, () => clearTimeout(press), { passive: true });

live.body.addEventListener("keydown", (event) => {
  const tr = rowOf(event.target);
  if (!tr || event.target !== tr) return;
  const all = live.visible;
  const at = all.indexOf(tr);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (event.key === "ArrowUp" && at === 0) heads.focus();
  else if (to !== undefined) focusRow(all[Math.max(0, Math.min(all.length - 1, to))]);
  else if (event.key === "Enter") openRow(tr.dataset.symbol, tr);
  else return;
  event.preventDefault();
});
holdStop();

document.querySelector('[data-action="reset"]').addEventListener("click", () => heads.reset());
document.querySelector('[data-action="columns"]').addEventListener("click", (event) => {
  const hidden = [...live.hiddenRows].filter((symbol) => live.row(symbol));
  heads.menu(event.currentTarget, hidden.length
    ? [{ separator: true }, { label: `Show ${hidden.length} hidden row${hidden.length === 1 ? "" : "s"}`, run: () => showRows(hidden) }]
    : []);
});
document.querySelector('[data-action="csv"]').addEventListener("click", () => {
  const ids = heads.shown.filter((id) => !COLUMNS.find((column) => column.id === id).noCsv);
  const labels = ids.map((id) => COLUMNS.find((column) => column.id === id).label);
  const now = app.clock.now();
  const extra = live.visible.map((tr) => live.row(tr.dataset.symbol)).map((row) => [row.group, row.status, row.source, row.as_of]);
  const lines = live.values(ids).map((values, index) => [...values, ...extra[index]]);
  const stamp = now === null ? "now" : new Date(now).toISOString().slice(0, 19).replaceAll(":", "");
  download(`indicator-${stamp}.csv`, csv([...labels, "Group", "Status", "Source", "As of"], lines));
  announce("CSV saved");
  toast("CSV saved", { at: now === null ? "" : `${date(now)} ${clockText(now)}` });
});
for (const button of document.querySelectorAll("[data-filter]")) {
  button.addEventListener("click", () => { live.group = button.dataset.filter; keepView(); holdStop(); });
}
part(document, "sort").addEventListener("change", (event) => {
  if (event.target.value) heads.sortBy(event.target.value);
  else {
    live.sort = null;
    live.resort();
    keepView();
  }
});

/* Between 600 and 1359 pixels the side column is one panel with tabs. */
const side = document.querySelector(".side");
const tabs = [...side.querySelectorAll('[role="tab"]')];
function showTab(tab) {
  side.dataset.tabbed = "";
  for (const each of tabs) {
    const isShown = each === tab;
    each.setAttribute("aria-selected", String(isShown));
    each.tabIndex = isShown ? 0 : -1;
    document.getElementById(each.getAttribute("aria-controls")).toggleAttribute("data-shown", isShown);
  }
}
for (const tab of tabs) {
  tab.addEventListener("click", () => showTab(tab));
  tab.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length];
    showTab(next);
    next.focus();
  });
}
showTab(tabs[0]);

onDisplay(() => beside.draw());
queueMicrotask(() => beside.draw());
setInterval(() => { if (!document.hidden) beside.tick(); }, 250);
