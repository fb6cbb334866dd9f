// /strategies: the routing tree, its options, the webhook address and what is forwarded.

import { get } from "./api.js";
import { start } from "./app.js";
import { isDialogOpen } from "./dialog.js";
import { display } from "./display.js";
import { h, isTyping, mark, pageData, part, setText } from "./dom.js";
import { DASH, count } from "./format.js";
import { Edits } from "./strategies/edits.js";
import { Options } from "./strategies/options.js";
import { Transfer } from "./strategies/transfer.js";
import { Tree } from "./strategies/tree.js";
import { Webhook } from "./strategies/webhook.js";
import { covers } from "./strategies/words.js";

const LAMPS_MS = 10000; // ports are looked at so often
const SOON_MS = 1500; // several alerts of one moment are one look
const data = pageData("strategies-data");
const page = part(document, "strategies");
const state = { tree: data.tree, numbers: data.numbers, timer: 0, asked: 0, conflict: false };
const wall = () => app.clock.wall();

function take(message, isSnapshot) {
  if (message.numbers) {
    state.numbers = message.numbers;
    drawForwarding();
  }
  const changed = message.tree_changed && message.tree_changed !== state.tree?.revision;
  if (changed || isSnapshot || message.rows?.length) soon();
}

const app = start({
  follow: { page: "alerts", event: "update_alerts", url: "/api/alerts?limit=1", take },
  search: {},
  keys: [[["Enter"], "Options of the row"], [["F2"], "Rename"], [["Insert"], "Add below"], [["Delete"], "Delete, asks first"], [["←", "→"], "Fold, unfold, buttons of the row"]],
});

function soon() {
  if (data.absent) return;
  clearTimeout(state.timer);
  state.timer = setTimeout(reload, SOON_MS);
}

/** The tree as it is now; what is being typed stays. */
async function reload() {
  state.asked += 1;
  const asked = state.asked;
  try {
    const tree = await get("/api/routing");
    if (asked === state.asked) took(tree);
  } catch (problem) {
    if (problem.status) note("error", "The tree is not the newest.", problem.message, ["Try again", reload]);
  }
}

function took(tree) {
  state.asked += 1; // an answer on its way is older
  state.tree = tree;
  state.conflict = false;
  draw();
}

/** A line above the tree; null takes it away. */
function note(kind, strong = "", text = "", action = null) {
  const box = part(page, "notes");
  if (!kind) {
    box.replaceChildren();
    return;
  }
  box.replaceChildren(h("div", { class: "line", dataset: { kind }, role: kind === "error" ? "alert" : "status" }, mark(kind === "error" ? "down" : "late"),
    h("span", { class: "line-text" }, h("strong", {}, strong), ` ${text}`),
    action ? h("span", { class: "actions" }, h("button", { type: "button", class: "button", onclick: action[1] }, action[0])) : null));
}

function conflict(text) {
  state.conflict = true;
  note("warning", "Not saved: the routing was changed meanwhile.", text, ["Load the newest", reload]);
}

function draw() {
  const { tree } = state;
  if (!tree || !rows) return;
  if (tree.problem) note("error", "The last good routing is in use.", tree.problem);
  else if (!state.conflict) note(null);
  const words = part(page, "filter").value;
  const shown = rows.draw(tree, words);
  part(page, "empty").hidden = tree.strategies.length > 0;
  part(page, "tree").hidden = shown === 0;
  const none = part(page, "no-match");
  none.hidden = shown > 0 || tree.strategies.length === 0;
  setText(none, `No strategy, ticker or port contains “${words.trim()}”.`);
  setText(part(page, "covers"), covers(tree, state.numbers?.needs));
  if (options.key) options.refresh(find(options.key));
}

/** The node of a key, from the newest tree. */
function find(key) {
  const [name, ticker, id] = JSON.parse(key);
  const strategy = state.tree.strategies.find((each) => each.name === name);
  const below = strategy?.tickers.find((each) => each.name === ticker);
  const port = below?.ports.find((each) => each.id === id);
  if (!strategy || (ticker !== undefined && !below) || (id !== undefined && !port)) return null;
  return { key, level: id !== undefined ? 3 : ticker !== undefined ? 2 : 1, strategy, ticker: below, port, path: { strategy: name, ticker, port: id } };
}

function drawForwarding() {
  const { numbers, tree } = state;
  for (const cell of page.querySelectorAll("[data-sum]")) {
    const value = numbers?.today?.[cell.dataset.sum];
    const text = typeof value === "number" ? count(value) : DASH;
    setText(cell, text);
    cell.className = text === DASH ? "unknown" : cell.dataset.sum === "needs" && value ? "err-text" : "";
  }
  const said = numbers?.paused ? "paused" : numbers?.dry ? "dry mode" : "";
  part(page, "switches")?.replaceChildren(...(said ? [h("a", { href: "/alerts" }, said)] : []));
  if (tree) setText(part(page, "covers"), covers(tree, numbers?.needs));
}

/** Show a row's options and keep it in the address. */
function select(node, { focus = true } = {}) {
  if (options.isDirty && options.key !== node.key) {
    note("warning", "Unsaved options.", "Save or undo them first.");
    return;
  }
  options.show(node, { focus });
  rows.select(node.key);
  const query = new URLSearchParams(Object.entries(node.path).filter(([, value]) => value !== undefined));
  history.replaceState(null, "", `/strategies?${query}`);
  if (focus && innerWidth < 1360) part(page, "options").scrollIntoView({ block: "nearest" });
}

function closeOptions() {
  const key = rows.selected;
  rows.select(null);
  history.replaceState(null, "", "/strategies");
  if (key) rows.focus(key);
}

const edits = new Edits({ tree: () => state.tree, took, conflict, tested: (node, said) => rows.tested(node, said), numbers: () => state.numbers });
const body = part(page, "rows");
const rows = body ? new Tree(body, {
  wall,
  does: { select, mode: (...all) => edits.mode(...all), add: (node) => edits.add(node), rename: (node) => edits.rename(node), remove: (node) => edits.remove(node), test: (node) => edits.test(node), pause: (each) => edits.pause(each) },
}) : null;
const options = body ? new Options(page, {
  closed: closeOptions,
  pause: (each) => edits.pause(each),
  save: async (node, changes) => {
    const { strategy, ticker } = node.path;
    if (node.level === 1) await edits.send("set_strategy", { name: strategy, ...changes });
    else if (node.level === 2) await edits.send("set_ticker", { strategy, name: ticker, ...changes });
    else await edits.send("set_target", { id: node.port.id, ...changes });
    options.show(find(node.key));
  },
}) : null;

if (body) {
  const transfer = new Transfer({ tree: () => state.tree, edit: (...all) => edits.edit(...all), took, wall });
  for (const each of page.querySelectorAll('[data-action="add-strategy"]')) each.addEventListener("click", () => edits.add());
  for (const each of page.querySelectorAll('[data-action="import"]')) each.addEventListener("click", () => transfer.open());
  part(page, "filter").addEventListener("input", draw);
  new Webhook(page, { masked: `${data.tree?.webhook.path ?? "/webhook/"}${data.tree?.webhook.masked ?? "••••"}`, tokens: data.tokens, wall });
  draw();
  drawForwarding();
  const query = new URLSearchParams(location.search);
  const path = ["strategy", "ticker", "port"].map((name) => query.get(name)).filter((each) => each !== null);
  const node = state.tree && path.length ? find(JSON.stringify(path)) : null;
  if (node) select(node, { focus: false });
  setInterval(() => { if (!document.hidden && !isDialogOpen()) reload(); }, LAMPS_MS);
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || isDialogOpen() || event.defaultPrevented || !options?.key || document.querySelector(".menu")) return;
  if (options.isDirty || (display.keys && isTyping(event.target) && event.target.value)) return;
  options.show(null);
  closeOptions();
});
addEventListener("beforeunload", (event) => { if (options?.isDirty) event.preventDefault(); });
