// The treegrid: strategies, tickers, ports. Rows stay where they are while their numbers move.

import { h, mark, setText } from "../dom.js";
import { DASH } from "../format.js";
import { openMenu } from "../menu.js";
import { remember, remembered } from "../store.js";
import { MODES, ago, filtered, holds, lampOf, lasted, optionsText, portsOf, testText } from "./words.js";

const write = { write: "" };
const button = (label, run, extra = {}) => h("button", { type: "button", class: "button", tabindex: "-1", ...extra, onclick: (event) => { event.stopPropagation(); run(event); } }, label);

/** The key of a row: its path. */
const keyOf = (...path) => JSON.stringify(path);

export class Tree {
  #body;
  #tree = null;
  #views = new Map(); // key -> {node, tr, said}
  #folded = new Set(remembered("strategies.folded", []));
  #words = "";
  #tests = new Map(); // path -> what the last test of this page said
  #stop = null;

  /** does: {select, mode, add, rename, remove, test, pause, decide}. */
  constructor(body, { does, wall }) {
    this.#body = body;
    this.does = does;
    this.wall = wall;
    this.selected = null;
    body.addEventListener("keydown", (event) => this.#key(event));
    body.addEventListener("click", (event) => this.#clicked(event));
    body.addEventListener("focusin", (event) => this.#rove(event.target.closest("tr")));
    body.addEventListener("contextmenu", (event) => {
      const view = this.#viewOf(event.target.closest("tr"));
      if (!view) return;
      event.preventDefault();
      this.#menu({ x: event.clientX, y: event.clientY }, view.node, view.tr);
    });
    setInterval(() => { if (!document.hidden) this.#ages(); }, 1000);
  }

  /** Show this tree; words filter it. Answers how many rows there are. */
  draw(tree, words = this.#words) {
    this.#tree = tree;
    this.#words = words;
    const nodes = this.#nodes();
    const keys = new Set(nodes.map((node) => node.key));
    const focused = document.activeElement?.closest?.("tr")?.dataset.key;
    for (const key of [...this.#views.keys()]) if (!keys.has(key)) this.#views.delete(key);
    const rows = nodes.map((node) => this.#row(node));
    if (rows.length !== this.#body.children.length || rows.some((row, at) => row !== this.#body.children[at])) {
      this.#body.replaceChildren(...rows);
      if (focused && keys.has(focused)) this.#views.get(focused).tr.focus({ preventScroll: true });
    }
    this.#rove(this.#views.get(this.#stop)?.tr ?? this.#body.rows[0]);
    this.#ages();
    return rows.length;
  }

  #nodes() {
    const nodes = [];
    const first = new Map();
    for (const { ticker, strategy, port } of portsOf(this.#tree)) if (!first.has(port.id)) first.set(port.id, keyOf(strategy.name, ticker.name, port.id));
    const open = (key) => this.#words.trim() !== "" || !this.#folded.has(key);
    for (const strategy of filtered(this.#tree, this.#words)) {
      const key = keyOf(strategy.name);
      nodes.push({ level: 1, key, strategy, path: { strategy: strategy.name }, value: strategy, isOpen: strategy.tickers.length ? open(key) : false, has: strategy.tickers.length > 0 });
      if (!open(key)) continue;
      for (const ticker of strategy.tickers) {
        const inner = keyOf(strategy.name, ticker.name);
        nodes.push({ level: 2, key: inner, strategy, ticker, path: { strategy: strategy.name, ticker: ticker.name }, value: ticker, isOpen: ticker.ports.length ? open(inner) : false, has: ticker.ports.length > 0, parent: key });
        if (!open(inner)) continue;
        for (const port of ticker.ports) {
          const last = keyOf(strategy.name, ticker.name, port.id);
          nodes.push({ level: 3, key: last, strategy, ticker, port, path: { strategy: strategy.name, ticker: ticker.name, port: port.id }, value: port, has: false, parent: inner, isRepeat: first.get(port.id) !== last });
        }
      }
    }
    return nodes;
  }

  /** The row of a node; its cells are made anew only when what they say changed. */
  #row(node) {
    const { last_alert_ms: a, last_delivery_ms: b, lag_ms: c, checked_ms: d, tickers: e, ports: f, ...rest } = node.value;
    const below = node.level === 1 ? holds(node.strategy) : "";
    const said = JSON.stringify([rest, below, node.isOpen, node.has, node.isRepeat, this.#tests.get(node.key)]);
    let view = this.#views.get(node.key);
    if (!view) {
      view = { tr: h("tr", { tabindex: "-1", "aria-level": String(node.level), dataset: { key: node.key } }), said: "" };
      this.#views.set(node.key, view);
    }
    view.node = node;
    const { tr } = view;
    tr.className = `level-${node.level}${this.selected === node.key ? " selected" : ""}`;
    tr.setAttribute("aria-selected", String(this.selected === node.key));
    if (node.level < 3) tr.setAttribute("aria-expanded", String(node.isOpen));
    if (view.said !== said) {
      const had = tr.contains(document.activeElement) ? document.activeElement.dataset.do : null;
      view.said = said;
      tr.replaceChildren(...[this.#strategy, this.#ticker, this.#port][node.level - 1].call(this, node));
      if (had) (tr.querySelector(`[data-do="${had}"]`) ?? tr).focus({ preventScroll: true });
    }
    return tr;
  }

  #twist(node) {
    return h("button", { type: "button", class: "twist", tabindex: "-1", "aria-label": node.isOpen ? "Fold" : "Unfold", disabled: !node.has, dataset: { do: "fold" } });
  }

  #numbers() {
    return [h("td", { class: "num", dataset: { age: "last_alert_ms", label: "Last alert" } }), h("td", { class: "num", dataset: { age: "last_delivery_ms", label: "Last delivery" } }), h("td", { class: "num lag", dataset: { age: "lag_ms", label: "Lag" } })];
  }

  #more(node) {
    return button("⋯", (event) => this.#menu(event.currentTarget, node), { class: "icon-button", "aria-label": `Menu of ${nameOf(node)}`, "aria-haspopup": "menu", dataset: { do: "menu" } });
  }

  #strategy(node) {
    const { strategy } = node;
    const modes = h("div", { class: "segments", role: "group", "aria-label": `Mode of ${strategy.name}` }, MODES.map(([value, text]) => h("button", {
      type: "button", tabindex: "-1", "aria-pressed": String(strategy.mode === value), dataset: { ...write, do: `mode-${value}` },
      onclick: (event) => { event.stopPropagation(); if (strategy.mode !== value) this.does.mode(strategy, value); },
    }, text)));
    const paused = strategy.paused_until_ms ? [mark("late"), ` paused until ${strategy.resume_at ?? "tomorrow"} ET`] : [];
    return [
      h("th", { scope: "row" }, this.#twist(node), h("span", { class: "name" }, strategy.name), " ", h("span", { class: "covers" }, holds(strategy))),
      h("td", { class: "mode" }, modes), h("td", { class: "lamp" }, paused), ...this.#numbers(),
      h("td", { class: "acts" }, button("Add ticker", () => this.does.add(node), { class: "button plain", dataset: { ...write, do: "add" } }), this.#more(node)),
    ];
  }

  #ticker(node) {
    const { ticker } = node;
    return [
      h("th", { scope: "row" }, this.#twist(node), h("span", { class: "name" }, ticker.name), ticker.gap ? [" ", h("span", { class: "flag notice", title: "The position of the last alerts does not fit: one was probably lost" }, "gap")] : null),
      h("td", { class: "soft options-text", title: optionsText(ticker) }, optionsText(ticker)), h("td", { class: "lamp" }, ticker.ports.length ? "" : h("span", { class: "muted" }, "no ports: sent nowhere")), ...this.#numbers(),
      h("td", { class: "acts" }, button("Add port", () => this.does.add(node), { class: "button plain", dataset: { ...write, do: "add" } }), this.#more(node)),
    ];
  }

  #port(node) {
    const { port } = node;
    const lamp = lampOf(port, node.isRepeat);
    const tested = this.#tests.get(node.key) ?? testText(port.test);
    const shown = node.isRepeat ? this.#tests.get(node.key) : tested;
    return [
      h("th", { scope: "row" }, h("span", { class: "name" }, port.host && port.host !== "localhost" ? port.id : String(port.port)), " ", h("span", { class: "covers" }, port.label ?? "")),
      h("td", { class: "soft" }, port.profile, port.idempotent ? h("span", { class: "muted" }, " · remembers ids") : null),
      h("td", { class: "lamp", dataset: { mark: lamp.mark }, title: port.also_in?.length ? `Also in ${port.also_in.join(", ")}` : lamp.text }, mark(lamp.mark), " ", lamp.text), ...this.#numbers(),
      h("td", { class: "acts" },
        shown ? h("span", { class: `tested ${shown.ok === null ? "muted" : shown.ok ? "ok-text" : "err-text"}`, role: "status", title: shown.text }, shown.ok === null ? null : mark(shown.ok ? "fresh" : "down"), " ", shown.text) : null,
        port.uncertain ? h("a", { class: "button primary", tabindex: "-1", href: `/alerts?tab=dead&target=${encodeURIComponent(port.id)}&state=uncertain`, dataset: { do: "decide" }, onclick: (event) => event.stopPropagation() }, "Decide") : null,
        node.isRepeat ? null : button("Send test", () => this.does.test(node), { dataset: { ...write, do: "test" } }), this.#more(node)),
    ];
  }

  /** What a test says beside its port, until the next one. */
  tested(node, said) {
    this.#tests.set(node.key, said);
    this.draw(this.#tree);
  }

  /** Fold or unfold a row. */
  fold(node, isFolded = node.isOpen) {
    if (isFolded) this.#folded.add(node.key);
    else this.#folded.delete(node.key);
    remember("strategies.folded", [...this.#folded]);
    this.draw(this.#tree);
  }

  #ages() {
    const wall = this.wall();
    for (const { node, tr } of this.#views.values()) {
      for (const cell of tr.querySelectorAll("[data-age]")) {
        const value = node.value[cell.dataset.age];
        const text = cell.dataset.age === "lag_ms" ? lasted(value) : ago(value, wall);
        setText(cell, text);
        cell.classList.toggle("unknown", text === "never" || text === DASH);
      }
    }
  }

  #viewOf(tr) {
    return tr ? this.#views.get(tr.dataset.key) : null;
  }

  select(key) {
    this.selected = key;
    for (const [each, view] of this.#views) {
      view.tr.classList.toggle("selected", each === key);
      view.tr.setAttribute("aria-selected", String(each === key));
    }
  }

  focus(key) {
    this.#views.get(key)?.tr.focus();
  }

  #clicked(event) {
    const view = this.#viewOf(event.target.closest("tr"));
    if (!view) return;
    if (event.target.closest(".twist")) this.fold(view.node);
    else if (!event.target.closest("button, a, input")) this.does.select(view.node);
  }

  /** One stop for the keyboard; the buttons of its row come after it. */
  #rove(stop) {
    if (!stop) return;
    this.#stop = stop.dataset.key;
    for (const { tr } of this.#views.values()) {
      const isStop = tr === stop;
      if (tr.tabIndex === 0 === isStop && tr.dataset.roved === String(isStop)) continue;
      tr.tabIndex = isStop ? 0 : -1;
      tr.dataset.roved = String(isStop);
    }
    for (const { tr } of this.#views.values()) for (const each of tr.querySelectorAll("button:not(.twist), a")) each.tabIndex = tr === stop ? 0 : -1;
  }

  #menu(anchor, node, back = null) {
    const { does } = this;
    const names = { 1: "strategy", 2: "ticker", 3: "port" };
    openMenu(anchor, [
      { label: node.level === 3 ? "Options" : `Options of this ${names[node.level]}`, hint: "Enter", run: () => does.select(node) },
      node.level < 3 ? { label: node.level === 1 ? "Add ticker" : "Add port", hint: "Insert", run: () => does.add(node) } : { label: "Send test", run: () => does.test(node) },
      node.level === 1 && node.strategy.daily_pause ? { label: node.strategy.paused_until_ms ? "Paused for the rest of the day" : "Pause opens for the rest of the day", disabled: Boolean(node.strategy.paused_until_ms), run: () => does.pause(node.strategy) } : null,
      { label: node.level === 3 ? "Rename label" : "Rename", hint: "F2", run: () => does.rename(node) },
      node.level < 3 ? null : { label: "Show its alerts", href: `/alerts?target=${encodeURIComponent(node.port.id)}` },
      node.level === 2 ? { label: "Show its alerts", href: `/alerts?ticker=${encodeURIComponent(node.ticker.name)}` } : null,
      node.level === 1 ? { label: "Show its alerts", href: `/alerts?strategy=${encodeURIComponent(node.strategy.name)}` } : null,
      { separator: true },
      { label: `Delete ${names[node.level]}…`, hint: "Delete", run: () => does.remove(node) },
    ], nameOf(node), back);
  }

  #key(event) {
    const tr = event.target.closest("tr");
    const view = this.#viewOf(tr);
    if (!view || event.ctrlKey || event.metaKey || event.altKey) return;
    const { node } = view;
    const rows = [...this.#body.rows];
    const go = (row) => { this.#rove(row); row.focus(); };
    if (event.target !== tr) {
      if (event.key !== "ArrowLeft" || event.target.closest(".segments button:not(:first-child)")) {
        if (!["ArrowUp", "ArrowDown", "ArrowRight", "ArrowLeft"].includes(event.key)) return;
        const stops = [...tr.querySelectorAll("button:not(:disabled), a")];
        const to = stops[stops.indexOf(event.target) + { ArrowRight: 1, ArrowLeft: -1 }[event.key]];
        if (to) to.focus();
        else if (event.key.startsWith("ArrowU") || event.key.startsWith("ArrowD")) go(rows[Math.max(0, Math.min(rows.length - 1, rows.indexOf(tr) + (event.key === "ArrowDown" ? 1 : -1)))]);
      } else go(tr);
      event.preventDefault();
      return;
    }
    const at = rows.indexOf(tr);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined) go(rows[Math.max(0, Math.min(rows.length - 1, to))]);
    else if (event.key === "ArrowRight" && node.has && !node.isOpen) this.fold(node, false);
    else if (event.key === "ArrowRight") tr.querySelector("button:not(.twist):not(:disabled), a")?.focus();
    else if (event.key === "ArrowLeft" && node.isOpen) this.fold(node, true);
    else if (event.key === "ArrowLeft") this.focus(node.parent);
    else if (event.key === "Enter") this.does.select(node);
    else if (event.key === "F2") this.does.rename(node);
    else if (event.key === "Delete") this.does.remove(node);
    else if (event.key === "Insert" && node.level < 3) this.does.add(node);
    else return;
    event.preventDefault();
  }
}

/** What a row is called. */
export function nameOf(node) {
  if (node.level === 3) return `port ${node.port.port}`;
  return node.level === 2 ? node.ticker.name : node.strategy.name;
}
