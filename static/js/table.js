// The live table: rows keyed by symbol, painted once a frame, only where they are seen.

import { ABSENT, CARD_COLUMNS, COLUMNS, GROUP_MARKS, rowClasses } from "./columns.js";
import { mayFlash } from "./display.js";
import { h } from "./dom.js";
import { DASH } from "./format.js";
import { compare } from "./layout.js";

const FLASH_MS = 1000;
const SORT_MS = 1000;
const BY_ID = new Map(COLUMNS.map((column) => [column.id, column]));

function symbolCell(row) {
  return h("th", { role: "rowheader", scope: "row", class: "symbol", dataset: { col: "symbol" } },
    h("span", { class: "group-mark" }), h("span", { class: "ticker" }, row.symbol),
    h("button", { type: "button", class: "row-menu", tabindex: "-1", "aria-label": `Menu of ${row.symbol}` }));
}

/** One row: its newest values, its element and its cells by column. */
class RowView {
  constructor(row, tr) {
    this.row = row;
    this.tr = tr ?? h("tr", { role: "row", tabindex: "-1", dataset: { symbol: row.symbol } });
    this.cells = new Map([...this.tr.children].map((cell) => [cell.dataset.col, cell]));
    this.seen = true;
    this.dirty = true;
    this.spark = null;
    this.flash = 0; // direction of the flash shown now
    this.flashUntil = 0;
    this.flashTimer = 0;
  }

  cell(id) {
    if (!this.cells.has(id)) {
      const column = BY_ID.get(id);
      this.cells.set(id, id === "symbol" ? symbolCell(this.row)
        : h("td", { role: "cell", class: `${id}${column.num ? " num" : ""}`, dataset: { col: id } }));
    }
    return this.cells.get(id);
  }

  notice(span) {
    let cell = this.cells.get("notice");
    if (!cell) {
      cell = h("td", { role: "cell", class: "notice", dataset: { col: "notice" } });
      this.cells.set("notice", cell);
    }
    cell.colSpan = Math.max(1, span);
    const { status, hint } = this.row;
    const key = `${status} ${hint}`;
    if (cell.dataset.key !== key) {
      cell.dataset.key = key;
      cell.replaceChildren(ABSENT[status]);
      if (hint) cell.append(" ", h("a", { href: `/setup?add=${encodeURIComponent(hint)}`, tabindex: "-1", dataset: { hint } }, `Use ${hint} instead`));
    }
    return cell;
  }

  /** Put the cells of these columns into the row, in order. */
  arrange(shown) {
    const absent = this.row.status in ABSENT;
    this.absent = absent;
    const cells = absent
      ? [this.cell("symbol"), ...(shown[1] === "price" ? [this.cell("price")] : []), this.notice(shown.length - (shown[1] === "price" ? 2 : 1))]
      : shown.map((id) => this.cell(id));
    const now = this.tr.children;
    if (cells.length !== now.length || cells.some((cell, index) => cell !== now[index])) this.tr.replaceChildren(...cells);
    this.shown = absent ? ["symbol", ...(shown[1] === "price" ? ["price"] : [])] : shown;
  }
}

export class LiveTable {
  #table;
  #body;
  #clock;
  #views = new Map();
  #shown = COLUMNS.filter((column) => !column.optional).map((column) => column.id);
  #frame = 0;
  #watcher;
  #pointerInside = false;
  #sortWanted = false;
  #changed = () => {};

  /** changed() is called after rows came, went or changed their status. */
  constructor(table, rows, clock, changed) {
    this.#table = table;
    this.#body = table.tBodies[0];
    this.#clock = clock;
    this.#changed = changed;
    this.sort = null; // {id, direction}
    this.group = "";
    this.hiddenRows = new Set();
    this.#watcher = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "120px" });
    const drawn = new Map([...this.#body.rows].map((tr) => [tr.dataset.symbol, tr]));
    for (const row of rows) this.#add(row, drawn.get(row.symbol));
    this.#body.addEventListener("pointerenter", (event) => { this.#pointerInside = event.pointerType === "mouse"; });
    this.#body.addEventListener("pointerleave", () => { this.#pointerInside = false; });
    this.#body.addEventListener("pointerover", (event) => this.#explain(event));
    setInterval(() => this.#everySecond(), SORT_MS);
  }

  /** All rows by symbol, newest values. */
  get rows() {
    return [...this.#views.values()].map((view) => view.row);
  }

  get body() {
    return this.#body;
  }

  row(symbol) {
    return this.#views.get(symbol)?.row ?? null;
  }

  element(symbol) {
    return this.#views.get(symbol)?.tr ?? null;
  }

  /** Elements of the rows in view, top to bottom. */
  get visible() {
    return [...this.#body.rows].filter((tr) => !tr.hidden);
  }

  #add(row, tr) {
    const view = new RowView(row, tr);
    this.#views.set(row.symbol, view);
    if (!tr) this.#body.append(view.tr);
    view.arrange(this.#shown);
    this.#watcher.observe(view.tr);
    return view;
  }

  #remove(symbol) {
    const view = this.#views.get(symbol);
    if (!view) return;
    this.#watcher.unobserve(view.tr);
    view.tr.remove();
    this.#views.delete(symbol);
  }

  /** Take {rows, removed} of the room; a whole state replaces everything and never flashes. */
  take({ rows, removed = [] }, whole) {
    if (whole) {
      const keep = new Set(rows.map((row) => row.symbol));
      for (const symbol of [...this.#views.keys()]) if (!keep.has(symbol)) this.#remove(symbol);
    }
    for (const symbol of removed) this.#remove(symbol);
    let told = whole || removed.length > 0;
    let isNew = false;
    for (const row of rows) {
      const view = this.#views.get(row.symbol);
      if (!view) {
        this.#add(row);
        told = isNew = true;
        continue;
      }
      const before = view.row;
      view.row = row;
      view.dirty = true;
      if (row.status in ABSENT !== view.absent) view.arrange(this.#shown);
      if (before.status !== row.status || before.group !== row.group) told = true;
      if (view.flash && (view.flash !== row.direction || row.stale)) this.#darken(view);
      if (!whole && before.price !== null && row.price !== null && before.price !== row.price) this.#flash(view);
    }
    if (told) {
      this.#changed();
      this.filter();
    }
    if (whole || isNew) this.resort();
    else if (this.sort) this.#sortWanted = true;
    this.#schedule();
  }

  /**
   * One flash a second and row, in the direction of the arrow: several ticks may lie between
   * two messages, so the last price against this one is not always the last tick.
   */
  #flash(view) {
    const now = performance.now();
    const { direction } = view.row;
    const cell = view.cells.get("price");
    if (!direction || !cell || !view.seen || document.hidden || now < view.flashUntil || !mayFlash()) return;
    clearTimeout(view.flashTimer);
    view.flash = direction;
    view.flashUntil = now + FLASH_MS;
    cell.classList.add(direction > 0 ? "tick-up" : "tick-down");
    view.flashTimer = setTimeout(() => this.#darken(view), FLASH_MS);
  }

  /** End a flash, in time or because the arrow has turned meanwhile. */
  #darken(view) {
    view.flash = 0;
    view.cells.get("price")?.classList.remove("tick-up", "tick-down");
  }

  #seen(entries) {
    for (const entry of entries) {
      const view = this.#views.get(entry.target.dataset.symbol);
      if (!view) continue;
      view.seen = entry.isIntersecting;
    }
    this.#schedule();
  }

  #schedule() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const now = this.#clock.now();
      for (const view of this.#views.values()) {
        if (view.dirty && view.seen && !view.tr.hidden) this.#paint(view, now);
      }
    });
  }

  #paint(view, now) {
    view.dirty = false;
    const { row, tr } = view;
    const classes = `${rowClasses(row)}${tr.classList.contains("selected") ? " selected" : ""}`;
    if (tr.className !== classes) tr.className = classes;
    if (tr.dataset.status !== row.status) tr.dataset.status = row.status;
    if (tr.dataset.group !== row.group) tr.dataset.group = row.group;
    for (const id of view.shown) this.#paintCell(view, id, now);
    if (view.absent) view.notice(this.#shown.length - view.shown.length);
  }

  #paintCell(view, id, now) {
    const { row } = view;
    const cell = view.cells.get(id);
    if (id === "symbol") {
      const group = cell.firstElementChild;
      group.textContent = GROUP_MARKS[row.group];
      group.setAttribute("aria-label", row.group);
      cell.title = row.name || row.symbol;
      return;
    }
    const column = BY_ID.get(id);
    if (column.paint) column.paint(cell, row, view);
    const text = column.text(row, now);
    if (!column.paint && cell.textContent !== text) cell.textContent = text;
    const unknown = text === DASH;
    const classes = [id, column.num && "num", column.classes?.(row, now), unknown && "unknown",
      cell.classList.contains("tick-up") && "tick-up", cell.classList.contains("tick-down") && "tick-down"].filter(Boolean).join(" ");
    if (cell.className !== classes) cell.className = classes;
    if (unknown || cell.hasAttribute("aria-label")) this.#reason(cell, unknown ? row.reasons?.[id] : "");
  }

  /** A dash carries the reason why it is one; "" takes it away. */
  #reason(cell, text) {
    if ((cell.title || "") === (text ?? "")) return;
    if (text) {
      cell.title = text;
      cell.setAttribute("aria-label", `unknown: ${text}`);
    } else {
      cell.removeAttribute("title");
      cell.removeAttribute("aria-label");
    }
  }

  /** The figures behind a number, worked out when the pointer comes to it, not with each tick. */
  #explain({ target }) {
    const cell = target.closest?.("td[data-col]");
    const view = cell && this.#views.get(cell.parentElement.dataset.symbol);
    const column = view && BY_ID.get(cell.dataset.col);
    if (!column?.title || cell.hasAttribute("aria-label")) return;
    const text = column.title(view.row);
    if (text) cell.title = text;
    else cell.removeAttribute("title");
  }

  #everySecond() {
    if (document.hidden) return;
    const now = this.#clock.now();
    for (const view of this.#views.values()) {
      if (view.seen && !view.tr.hidden && !view.absent && view.cells.has("age")) this.#paintCell(view, "age", now);
    }
    const isBusy = this.#pointerInside || this.#body.querySelector(":focus-visible") !== null;
    if (this.#sortWanted && !isBusy) this.resort();
  }

  /** Show these columns in this order. */
  arrange(shown) {
    this.#shown = shown;
    for (const view of this.#views.values()) {
      view.arrange(shown);
      view.dirty = true;
    }
    this.#schedule();
  }

  /** Put the rows in order now. */
  resort() {
    this.#sortWanted = false;
    const column = this.sort ? BY_ID.get(this.sort.id) : null;
    const now = this.#clock.now();
    const views = [...this.#views.values()];
    views.sort((one, other) => {
      const byColumn = column ? compare(column.value(one.row, now), column.value(other.row, now), this.sort.direction) : 0;
      return byColumn || (one.row.order ?? 0) - (other.row.order ?? 0);
    });
    const inPlace = [...this.#body.rows];
    if (views.every((view, index) => view.tr === inPlace[index])) return;
    const focused = this.#body.contains(document.activeElement) ? document.activeElement : null;
    this.#body.append(...views.map((view) => view.tr));
    focused?.focus();
  }

  /** Show only one group, without the rows hidden here. */
  filter() {
    for (const { tr, row } of this.#views.values()) {
      tr.hidden = (this.group !== "" && row.group !== this.group) || this.hiddenRows.has(row.symbol);
    }
    this.#schedule();
  }

  /** Rows as CSV values, in the order and columns shown. */
  values(ids) {
    const now = this.#clock.now();
    return this.visible.map((tr) => {
      const { row } = this.#views.get(tr.dataset.symbol);
      return ids.map((id) => BY_ID.get(id).value(row, now));
    });
  }
}

export { CARD_COLUMNS };
