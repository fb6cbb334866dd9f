// The rows of the log: newest on top, put in without moving what is under the pointer.

import { h, setText } from "../dom.js";
import { DASH, date } from "../format.js";
import { flagText, isNotice, reasonText, stateMark, stateOf, targetChip, timeMs, totalText } from "./words.js";

const PAGE = 50;
const STILL_MS = 3000; // a pointer at rest does not aim at anything

const unknown = () => h("span", { class: "unknown" }, DASH);
export const sign = (kind) => h("span", { class: "mark", dataset: { mark: kind } });

/** The badge of a row's state. */
export function stateBadge(row) {
  const kind = stateMark(row);
  return h("span", { class: "state", dataset: { mark: kind }, title: reasonText(row.reason) || null }, sign(kind), stateOf(row));
}

function chips(row) {
  if (!row.targets.length) return [unknown()];
  return row.targets.map((each) => {
    const { mark, text, leg, tip } = targetChip(each, row);
    return h("span", { class: "target", title: tip }, sign(mark), text, leg ? h("span", { class: "leg" }, text ? ` ${leg}` : leg) : null);
  });
}

/** The size of an open that waits for it, asked for in the row itself. */
function sizeForm(row, send) {
  const { port } = row.question;
  const input = h("input", {
    class: "input", type: "number", min: "1", max: "10000", step: "1", inputmode: "numeric", required: true,
    value: row.question.qty ? String(row.question.qty) : "", placeholder: "size", "aria-label": `Size of the open for port ${port}`,
  });
  return h("form", {
    class: "size", novalidate: true, onclick: (event) => event.stopPropagation(),
    onsubmit: (event) => { event.preventDefault(); send(row, input); },
  }, input, h("button", { type: "submit", class: "button", dataset: { write: "" } }, "Send"));
}

export class Rows {
  #body;
  #views = new Map(); // id -> {row, tr}
  #pending = new Map();
  #aimed = -Infinity;
  #inside = false;

  /** open(id) shows an alert; send(row, input) sends a size; told() after rows changed. */
  constructor(body, { open, send, told, address, zone, wall }) {
    Object.assign(this, { open, send, told, address, zone, wall });
    this.#body = body;
    this.selected = null;
    this.ticked = new Set();
    this.canTick = false;
    body.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "mouse") return;
      this.#inside = true;
      this.#aimed = performance.now();
    });
    body.addEventListener("pointerleave", () => { this.#inside = false; this.release(); });
    body.addEventListener("click", (event) => this.#clicked(event));
    body.addEventListener("keydown", (event) => this.#key(event));
    setInterval(() => this.#tick(), 250);
  }

  /** Rows in order, newest first. */
  get all() {
    return [...this.#views.values()].map((view) => view.row).sort((one, other) => other.seq - one.seq);
  }

  get waiting() {
    return this.#pending.size;
  }

  row(id) {
    return this.#views.get(id)?.row ?? this.#pending.get(id) ?? null;
  }

  element(id) {
    return this.#views.get(id)?.tr ?? null;
  }

  /** Show these rows and no others; `anew` draws them all again. */
  fill(rows, { anew = false } = {}) {
    this.#pending.clear();
    const wanted = new Set(rows.map((row) => row.id));
    for (const [id, view] of this.#views) {
      if (wanted.has(id) && !anew) continue;
      view.tr.remove();
      this.#views.delete(id);
      if (!wanted.has(id)) this.ticked.delete(id);
    }
    if (!this.#views.size) this.#body.replaceChildren(); // the server's rows
    for (const row of [...rows].sort((one, other) => one.seq - other.seq)) {
      const view = this.#views.get(row.id);
      if (view) this.#change(view, row);
      else this.#insert(row);
    }
    this.#rove();
    this.told();
  }

  /** The same, but what is under the pointer stays there: new rows wait, old ones go later. */
  sync(rows) {
    if (this.#aims()) this.merge(rows, () => true);
    else this.fill(rows);
  }

  /** Put rows in: known ones change in place, new ones come on top, or wait for the pointer. */
  merge(rows, mayAdd) {
    for (const row of [...rows].sort((one, other) => one.seq - other.seq)) {
      const view = this.#views.get(row.id);
      if (view) this.#change(view, row);
      else if (mayAdd(row)) this.#pending.set(row.id, row);
    }
    if (!this.#aims()) this.release();
    else this.told();
  }

  /** Show the rows that waited. */
  release() {
    for (const row of [...this.#pending.values()].sort((one, other) => one.seq - other.seq)) this.#insert(row);
    this.#pending.clear();
    while (this.#views.size > PAGE) {
      const last = this.#body.lastElementChild;
      if (!last || last.dataset.id === this.selected) break;
      this.#views.delete(last.dataset.id);
      last.remove();
    }
    this.#rove();
    this.told();
  }

  #aims() {
    return this.#inside && performance.now() - this.#aimed < STILL_MS;
  }

  #insert(row) {
    const tr = this.#draw(row);
    this.#views.set(row.id, { row, tr });
    const before = [...this.#body.children].find((each) => (this.#views.get(each.dataset.id)?.row.seq ?? -1) < row.seq);
    this.#body.insertBefore(tr, before ?? null);
  }

  #change(view, row) {
    if (JSON.stringify(row) === JSON.stringify(view.row)) return;
    const typing = view.tr.querySelector(".size")?.contains(document.activeElement);
    if (typing && row.question?.delivery === view.row.question?.delivery) {
      view.row = row;
      return;
    }
    const had = view.tr.contains(document.activeElement);
    const fresh = this.#draw(row);
    fresh.tabIndex = view.tr.tabIndex;
    view.row = row;
    view.tr.replaceChildren(...fresh.children); // the row itself stays under the pointer and the focus
    view.tr.className = fresh.className;
    if (had && !view.tr.contains(document.activeElement)) view.tr.focus({ preventScroll: true });
  }

  #draw(row) {
    const zone = this.zone();
    const isChosen = row.id === this.selected;
    const cells = [
      h("th", { scope: "row", class: "when" },
        this.canTick ? h("input", { type: "checkbox", class: "check", checked: this.ticked.has(row.id), tabindex: "-1", "aria-label": `Select ${row.ticker ?? "alert"} ${timeMs(row.received_ms, zone)}`, dataset: { tick: row.id } }) : null,
        h("a", { href: this.address({ alert: row.id }), tabindex: "-1", title: `${date(row.received_ms, "utc")} ${timeMs(row.received_ms, "utc")} UTC` }, timeMs(row.received_ms, zone))),
      h("td", { class: "ticker", title: row.strategies?.length ? row.strategies.join(", ") : null }, row.ticker || DASH),
      h("td", { class: "action" }, h("span", { class: "soft" }, `${row.action || DASH} →`), ` ${row.sent_as || DASH}`),
      h("td", { class: "trade soft", title: row.trade_id }, row.trade_id || DASH),
      h("td", { class: "state-cell" }, stateBadge(row)),
      h("td", { class: "targets" }, chips(row)),
      h("td", { class: "num tries" }, row.tries ? String(row.tries) : unknown()),
      h("td", { class: "num total" }, this.#total(row)),
      h("td", { class: "flags" }, row.question?.kind === "size" ? sizeForm(row, this.send)
        : (row.flags ?? []).map((each) => h("span", { class: isNotice(each) ? "flag notice" : "flag", dataset: { flag: each } }, flagText(each)))),
    ];
    return h("tr", { class: `${isChosen ? "selected" : ""}${row.question ? " asks" : ""}`.trim(), tabindex: "-1", "aria-selected": String(isChosen), dataset: { id: row.id } }, cells);
  }

  #total(row) {
    const text = totalText(row, this.wall());
    if (text === DASH) return unknown();
    return row.state === "held" ? h("span", { class: "muted", dataset: { hold: "" } }, text) : text;
  }

  #tick() {
    if (document.hidden) return;
    if (this.#pending.size && !this.#aims()) this.release();
    for (const each of this.#body.querySelectorAll("[data-hold]")) {
      const view = this.#views.get(each.closest("tr").dataset.id);
      if (view) setText(each, totalText(view.row, this.wall()));
    }
  }

  /** One stop for the keyboard: the chosen row, else the first. */
  #rove() {
    const all = [...this.#body.rows];
    const stop = this.#body.contains(document.activeElement) ? document.activeElement.closest("tr")
      : this.element(this.selected) ?? all[0];
    for (const tr of all) tr.tabIndex = tr === stop ? 0 : -1;
  }

  /** Mark one alert as chosen; null marks none. */
  select(id, { focus = false } = {}) {
    this.selected = id;
    for (const tr of this.#body.rows) {
      const isChosen = tr.dataset.id === id;
      tr.classList.toggle("selected", isChosen);
      tr.setAttribute("aria-selected", String(isChosen));
    }
    this.#rove();
    if (focus) this.element(id)?.focus({ preventScroll: true });
    this.element(id)?.scrollIntoView({ block: "nearest" });
  }

  /** The row the keyboard is on, else the chosen one. */
  get current() {
    const at = document.activeElement?.closest?.("tr[data-id]");
    return at && this.#body.contains(at) ? at.dataset.id : this.selected;
  }

  #clicked(event) {
    if (event.target.closest(".size")) return;
    const tick = event.target.closest("[data-tick]");
    if (tick) {
      if (tick.checked) this.ticked.add(tick.dataset.tick);
      else this.ticked.delete(tick.dataset.tick);
      this.told();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const tr = event.target.closest("tr[data-id]");
    if (!tr) return;
    event.preventDefault();
    this.open(tr.dataset.id);
  }

  #key(event) {
    const tr = event.target.closest("tr[data-id]");
    if (!tr || event.target !== tr) return;
    const all = [...this.#body.rows];
    const at = all.indexOf(tr);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      const next = all[Math.max(0, Math.min(all.length - 1, to))];
      tr.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    } else if (event.key === "Enter") this.open(tr.dataset.id);
    else if (event.key === " " && this.canTick) {
      tr.querySelector("[data-tick]").click();
    } else return;
    event.preventDefault();
  }
}
