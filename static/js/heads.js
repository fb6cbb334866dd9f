// The head of the live table: sort, drag, resize, hide, by pointer and by keyboard.

import { CARD_COLUMNS, COLUMNS } from "./columns.js";
import { announce, h } from "./dom.js";
import { clamp, columnWidths, isShown, moved, repaired, shownColumns } from "./layout.js";
import { openMenu } from "./menu.js";
import { remember, remembered } from "./store.js";

const STEP = 8;
const BY_ID = new Map(COLUMNS.map((column) => [column.id, column]));
const DEFAULT = repaired(null, COLUMNS);

export class Heads {
  #table;
  #live;
  #wrap;
  #row;
  #cols;
  #heads = new Map();
  #layout = repaired(remembered("columns"), COLUMNS);
  #natural = {};
  #shown = [];
  #stop = null;
  #phone = matchMedia("(max-width: 599px)");
  #changed;

  /** changed() is called when the layout or the sort was changed by the user. */
  constructor(table, live, changed) {
    this.#table = table;
    this.#live = live;
    this.#wrap = table.parentElement;
    this.#row = table.tHead.rows[0];
    this.#cols = table.querySelector("colgroup");
    this.#changed = changed;
    for (const th of [...this.#row.cells]) this.#heads.set(th.dataset.col, this.#equip(th));
    this.#measure();
    document.fonts?.ready.then(() => { this.#measure(); this.arrange(); });
    new ResizeObserver(() => this.arrange()).observe(this.#wrap);
    this.#phone.addEventListener("change", () => this.arrange());
    this.#sortable();
  }

  /** True when the columns are not the ones of a new browser. */
  get isChanged() {
    return JSON.stringify(this.#layout) !== JSON.stringify(DEFAULT);
  }

  get shown() {
    return this.#shown;
  }

  get isPhone() {
    return this.#phone.matches;
  }

  #measure() {
    const context = document.createElement("canvas").getContext("2d");
    const family = getComputedStyle(document.body).fontFamily;
    const width = (text, font) => {
      context.font = `${font} ${family}`;
      return context.measureText(text).width;
    };
    COLUMNS.forEach((column, index) => {
      const edge = index === 0 || column.id === "age" ? 4 : 0;
      const head = width(column.label, "600 11px") + 11; // with the arrow of a sorted column
      const body = width(column.sample, column.bold ? "600 13px" : "400 13px") + (column.extra ?? 0);
      this.#natural[column.id] = Math.ceil(Math.max(head, body) + 14 + edge);
    });
  }

  /** Lay the table out for the width it has. */
  arrange() {
    const available = this.#wrap.clientWidth;
    if (!available) return;
    const shown = this.isPhone ? CARD_COLUMNS : shownColumns(COLUMNS, this.#layout, this.#natural, available);
    if (shown.join() !== this.#shown.join()) {
      this.#shown = shown;
      this.#row.replaceChildren(...shown.map((id) => this.#head(id)));
      this.#cols.replaceChildren(...shown.map((id) => h("col", { dataset: { col: id } })));
      this.#live.arrange(shown);
    }
    const widths = columnWidths(shown, this.#layout.widths, this.#natural, available);
    for (const col of this.#cols.children) col.style.setProperty("width", `${widths[col.dataset.col]}px`);
    const total = shown.reduce((sum, id) => sum + widths[id], 0);
    this.#table.style.setProperty("width", this.isPhone ? "100%" : `${Math.max(total, Object.keys(this.#layout.widths).length ? 0 : available)}px`);
    this.#widths = widths;
    this.drawSort();
  }

  #widths = {};

  #head(id) {
    if (!this.#heads.has(id)) {
      const column = BY_ID.get(id);
      const th = h("th", { role: "columnheader", scope: "col", class: column.num ? "num" : "", dataset: { col: id } },
        h("button", { type: "button", class: "head" }, column.label));
      this.#heads.set(id, this.#equip(th));
    }
    return this.#heads.get(id);
  }

  #equip(th) {
    const { col: id } = th.dataset;
    const column = BY_ID.get(id);
    const button = th.querySelector("button");
    if (column.about) button.title = column.about;
    button.tabIndex = -1; // the table is one stop: the rows lead here with an arrow
    button.addEventListener("focus", () => { this.#stop = id; });
    button.setAttribute("aria-keyshortcuts", "Alt+ArrowLeft Alt+ArrowRight Shift+ArrowLeft Shift+ArrowRight Delete");
    button.addEventListener("click", () => this.sortBy(id));
    button.addEventListener("keydown", (event) => this.#key(event, id));
    if (id !== "symbol") th.prepend(h("span", { class: "grip", "aria-hidden": "true" }));
    const zone = h("span", { class: "resize", "aria-hidden": "true" });
    zone.addEventListener("pointerdown", (event) => this.#resize(event, id, th));
    zone.addEventListener("dblclick", () => this.fit(id));
    zone.addEventListener("click", (event) => event.stopPropagation());
    th.append(zone);
    return th;
  }

  /** Give the keyboard to the head it was on last, else to the first one. */
  focus(id = this.#stop) {
    const at = this.#shown.includes(id) ? id : this.#shown[0];
    this.#stop = at;
    this.#heads.get(at).querySelector("button").focus();
  }

  #key(event, id) {
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const { label } = BY_ID.get(id);
    const isPlain = !event.altKey && !event.shiftKey && !event.ctrlKey && !event.metaKey;
    const to = { ArrowLeft: this.#shown.indexOf(id) - 1, ArrowRight: this.#shown.indexOf(id) + 1, Home: 0, End: this.#shown.length - 1 }[event.key];
    if (isPlain && to !== undefined) {
      if (this.#shown[to]) this.focus(this.#shown[to]);
      event.preventDefault();
      return;
    }
    if (isPlain && event.key === "ArrowDown") {
      const row = this.#live.body.querySelector('tr[tabindex="0"]');
      row?.focus();
      event.preventDefault();
      return;
    }
    if (side && event.altKey) {
      this.move(id, side);
    } else if (side && event.shiftKey) {
      this.#freeze(id);
      this.#setWidth(id, this.#widths[id] + side * STEP);
      this.#keep();
      announce(`${label} is ${this.#layout.widths[id]} pixels wide`);
    } else if (event.key === "Delete" && id !== "symbol") {
      const next = this.#shown[this.#shown.indexOf(id) + 1] ?? this.#shown.at(-2);
      this.show(id, false);
      this.#heads.get(next)?.querySelector("button").focus();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Move a column by places among the shown ones. */
  move(id, by) {
    const { label } = BY_ID.get(id);
    const shown = moved(this.#shown, id, by);
    if (shown === this.#shown) {
      announce(`${label} stays`);
      return;
    }
    this.#reorder(shown);
    this.#heads.get(id).querySelector("button").focus();
    announce(`${label} is column ${shown.indexOf(id) + 1} of ${shown.length}`);
  }

  /** Take an order of the shown columns; those not shown keep their place behind their neighbour. */
  #reorder(shown) {
    const rest = this.#layout.order.filter((id) => !shown.includes(id));
    const order = [...shown];
    for (const id of rest) {
      const before = this.#layout.order.slice(0, this.#layout.order.indexOf(id)).reverse().find((each) => order.includes(each));
      order.splice(order.indexOf(before) + 1, 0, id);
    }
    this.#layout.order = order;
    this.#keep();
  }

  /**
   * Columns left of a resized edge keep their width, so that the edge stays under the pointer;
   * those on the show stay there, also the ones that leave a narrow table by themselves.
   */
  #freeze(id) {
    for (const column of COLUMNS.filter((each) => each.leaves && !this.#shown.includes(each.id))) {
      this.#layout.hidden[column.id] ??= true;
    }
    for (const each of this.#shown.slice(0, this.#shown.indexOf(id) + 1)) this.#layout.widths[each] ??= this.#widths[each];
  }

  #setWidth(id, width) {
    this.#layout.widths[id] = clamp(width);
    this.arrange();
  }

  #resize(event, id, th) {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    const from = event.clientX;
    const width = this.#widths[id];
    let isMoved = false;
    th.classList.add("resizing");
    document.body.classList.add("is-resizing");
    const move = ({ clientX }) => {
      if (!isMoved && Math.abs(clientX - from) < 2) return;
      if (!isMoved) this.#freeze(id);
      isMoved = true;
      this.#setWidth(id, width + clientX - from);
    };
    const end = () => {
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", end);
      document.removeEventListener("pointercancel", end);
      th.classList.remove("resizing");
      document.body.classList.remove("is-resizing");
      if (isMoved) this.#keep();
    };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", end);
    document.addEventListener("pointercancel", end);
  }

  /** As wide as the widest text in the column now. */
  fit(id) {
    const context = document.createElement("canvas").getContext("2d");
    const cells = [...this.#live.body.querySelectorAll(`[data-col="${id}"]`)];
    const widths = cells.map((cell) => {
      const style = getComputedStyle(cell);
      context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
      return context.measureText(cell.textContent).width + (BY_ID.get(id).extra ?? 0);
    });
    const head = this.#heads.get(id).querySelector("button");
    context.font = `600 11px ${getComputedStyle(head).fontFamily}`;
    this.#freeze(id);
    this.#setWidth(id, Math.max(context.measureText(BY_ID.get(id).label).width + 14, ...widths) + 22);
    this.#keep();
  }

  #sortable() {
    if (!window.Sortable) return;
    new window.Sortable(this.#row, {
      draggable: "th",
      filter: '.resize, th[data-col="symbol"]',
      preventOnFilter: false,
      ghostClass: "col-dragged",
      direction: "horizontal",
      animation: 0,
      forceFallback: true,
      fallbackTolerance: 4,
      delay: 150,
      delayOnTouchOnly: true,
      onMove: ({ related }) => related.dataset.col !== "symbol",
      onChange: () => this.#dragged(false),
      onEnd: () => this.#dragged(true),
    });
  }

  #dragged(isOver) {
    const shown = [...this.#row.cells].map((th) => th.dataset.col).filter((id) => this.#heads.has(id));
    if (shown.join() !== this.#shown.join()) this.#reorder(shown);
    if (isOver) this.#keep();
  }

  #keep() {
    remember("columns", this.isChanged ? this.#layout : null);
    this.arrange();
    this.#changed();
  }

  /** Show or hide a column. */
  show(id, isOn) {
    const column = BY_ID.get(id);
    if (isOn === !column.optional && !column.leaves) delete this.#layout.hidden[id];
    else this.#layout.hidden[id] = !isOn;
    this.#keep();
    announce(`${column.label} ${isOn ? "shown" : "hidden"}`);
  }

  /** Columns and order of a new browser. */
  reset() {
    this.#layout = repaired(null, COLUMNS);
    this.#live.sort = null;
    this.#live.resort();
    this.#keep();
    announce("Columns reset");
  }

  /** The menu behind "Columns". */
  menu(anchor, rest = []) {
    openMenu(anchor, [
      { title: "Columns" },
      ...this.#layout.order.filter((id) => id !== "symbol").map((id) => ({
        label: BY_ID.get(id).label,
        checked: this.#shown.includes(id) || (this.isPhone && isShown(BY_ID.get(id), this.#layout.hidden)),
        run: (isOn) => this.show(id, isOn),
      })),
      ...rest,
    ], "Columns");
  }

  /** Sort by a column, again to reverse; numbers start with the largest, text with A. */
  sortBy(id, direction = null) {
    const column = BY_ID.get(id);
    if (column.unsorted) return;
    const { sort } = this.#live;
    const first = column.num ? -1 : 1;
    this.#live.sort = { id, direction: direction ?? (sort?.id === id ? -sort.direction : first) };
    this.#live.resort();
    this.drawSort();
    this.#changed();
    announce(`Sorted by ${column.label}, ${this.#live.sort.direction > 0 ? "ascending" : "descending"}`);
  }

  /** Show the sort in the heads. */
  drawSort() {
    const { sort } = this.#live;
    for (const [id, th] of this.#heads) {
      if (sort?.id === id) th.setAttribute("aria-sort", sort.direction > 0 ? "ascending" : "descending");
      else th.removeAttribute("aria-sort");
    }
  }
}
