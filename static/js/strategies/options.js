// The side panel: options of what is chosen, saved together, errors at their field.

import { ApiError } from "../api.js";
import { h, part } from "../dom.js";
import { seconds } from "./words.js";

const yesNo = (value) => [["", value ? "usual: on" : "usual: off"], ["true", "On"], ["false", "Off"]];

/* Fields by level. usual(node) is what counts while the field is empty. */
const TICKER = [
  { name: "delay_s", label: "Hold window, seconds", kind: "number", step: "0.1", min: 0, max: 60, help: "Alerts that arrive within the window are sorted, closes first, then sent. 0 to 60." },
  { name: "group", label: "Group", kind: "text", max: 60, help: "Tickers of one group are ordered together." },
  { name: "fresh_open_s", label: "Open is fresh for, s", kind: "number", step: "1", min: 1, max: 86400, half: true },
  { name: "fresh_close_s", label: "Close is fresh for, s", kind: "number", step: "1", min: 1, max: 86400, half: true },
  { name: "ambiguous_policy", label: "When a target does not answer", kind: "choice", options: [["hold", "Ask me"], ["resend", "Send again"]], help: "“Send again” is safe only for a listener that remembers alert ids." },
  { name: "ambiguous_policy_close", label: "The same for a close", kind: "choice", options: [["hold", "Ask me"], ["resend", "Send again"]], help: "A second close of a flat position is normally harmless." },
  { name: "reversal_qty", label: "Size of a reversal", kind: "choice", options: [["ask", "Ask me for the new size"], ["same", "The alert’s size is the trade’s"], ["qty_minus_prev", "The alert’s size minus the old position"]], help: "A reversal order of TradingView carries old and new size in one." },
  { name: "gap_policy", label: "When an alert was probably lost", kind: "choice", options: [["warn", "Warn me"], ["block_open", "Stop opens, let closes pass"]] },
  { name: "net_zero_cancel", label: "Drop net-zero pairs", kind: "switch", help: "An open and a close of the same trade inside one window cancel each other." },
];
const TICKER_MORE = [
  { name: "mode", label: "Mode of this ticker alone", kind: "choice", options: [["off", "Off"], ["dry", "Dry"], ["live", "Live"]], none: "as the strategy" },
  { name: "gap_ms", label: "Pause between close and open, ms", kind: "number", step: "1", min: 0, max: 60000 },
  { name: "no_open_between", label: "No opens between, New York", kind: "spans", placeholder: "09:30-09:35, 15:55-16:00", help: "Closes always pass." },
  { name: "no_open_news_min", label: "No opens around high-impact news, minutes", kind: "number", step: "1", min: 0, max: 1440, help: "Before and after. 0 is off. Inactive while the calendar is unknown." },
];
const STRATEGY = [
  { name: "daily_pause", label: "Offer a pause for the rest of the day", kind: "switch", help: "One press then stops its opens; closes pass." },
  { name: "resume_at", label: "A daily pause ends at, New York", kind: "text", placeholder: "18:00", help: "“Pause opens for the rest of the day” resumes by itself then." },
  { name: "heartbeat_min", label: "Expect an alert every, minutes", kind: "number", step: "1", min: 1, max: 1440, help: "Silence in session hours turns amber. Empty: not watched." },
];
const PORT = [
  { name: "name", label: "Label", kind: "text", max: 60 },
  { name: "idempotent", label: "Listener remembers alert ids", kind: "switch", help: "Then an unanswered order is sent again by itself, and acted on once." },
  { name: "include_meta", label: "Send alert id, leg, trade_id and strategy too", kind: "switch", help: "The body then has more keys than the classic six." },
];
const KINDS = { 1: "strategy", 2: "ticker", 3: "port" };

const equal = (one, other) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);

export class Options {
  #panel;
  #form;
  #node = null;
  #fields = new Map();

  /** save(node, changes) sends what changed; pause(strategy) pauses it; closed() after the cross. */
  constructor(root, { save, pause, closed }) {
    Object.assign(this, { save, pause });
    this.#panel = part(root, "options");
    this.#form = part(root, "options-form");
    this.#form.addEventListener("submit", (event) => { event.preventDefault(); this.#submit(); });
    this.#form.addEventListener("input", () => this.#draw());
    this.#panel.querySelector('[data-action="close-options"]').addEventListener("click", () => { this.show(null); closed(); });
  }

  get isDirty() {
    return this.#node !== null && Object.keys(this.#changes()).length > 0;
  }

  get key() {
    return this.#node?.key ?? null;
  }

  /** Show a node; null closes. */
  show(node, { focus = false } = {}) {
    this.#node = node;
    this.#panel.hidden = node === null;
    if (!node) return;
    const name = { 1: node.strategy?.name, 2: node.ticker?.name, 3: node.port && `${node.port.port}` }[node.level];
    part(this.#panel, "options-name").textContent = name;
    part(this.#panel, "options-kind").textContent = KINDS[node.level];
    this.#build();
    if (focus) this.#form.querySelector("input, select")?.focus();
  }

  /** The tree is newer: take it unless something typed is not saved yet. */
  refresh(node) {
    if (!node) this.show(null);
    else if (!this.isDirty && !this.#form.contains(document.activeElement)) this.show(node);
    else this.#node = node;
  }

  /** What is set on the node itself, by field. */
  #set() {
    const { level, strategy, ticker, port } = this.#node;
    if (level === 1) return { daily_pause: strategy.daily_pause, resume_at: strategy.resume_at, heartbeat_min: strategy.heartbeat_min };
    if (level === 2) return ticker.options;
    return { name: port.label || null, idempotent: port.idempotent, include_meta: port.include_meta };
  }

  #build() {
    const { level } = this.#node;
    this.#fields.clear();
    const make = (fields) => fields.map((each) => this.#field(each));
    const foot = h("div", { class: "options-foot" }, h("button", { type: "submit", class: "button primary", dataset: { part: "save", write: "" } }, "Save"),
      h("button", { type: "button", class: "button", dataset: { part: "undo" }, onclick: () => this.show(this.#node) }, "Undo changes"), h("p", { class: "field-error", role: "alert", dataset: { part: "problem" } }));
    if (level === 1) this.#form.replaceChildren(...(this.#node.strategy.daily_pause ? [this.#pause()] : []), ...make(STRATEGY), foot);
    else if (level === 2) {
      const more = h("details", { class: "group" }, h("summary", {}, "More and guards"), h("div", { class: "more" }, make(TICKER_MORE)));
      more.open = TICKER_MORE.some((each) => this.#set()[each.name] !== undefined && this.#set()[each.name] !== null);
      this.#form.replaceChildren(...this.#pairs(make(TICKER)), more, foot);
    } else this.#form.replaceChildren(...make(PORT), foot);
    this.#draw();
  }

  #pause() {
    const { strategy } = this.#node;
    const until = strategy.paused_until_ms;
    return h("div", { class: "group" }, h("button", { type: "button", class: "button", disabled: Boolean(until), dataset: { write: "", part: "pause-today" }, onclick: () => this.pause(strategy) }, until ? "Paused for today" : "Pause opens for the rest of the day"),
      h("p", { class: "help" }, `Closes pass. Resumes by itself at ${strategy.resume_at ?? "18:00"} New York.`));
  }

  /** Two halves stand side by side. */
  #pairs(boxes) {
    const found = [];
    for (const box of boxes) {
      if (box.dataset.half && found.at(-1)?.dataset.pair && found.at(-1).children.length < 2) found.at(-1).append(box);
      else if (box.dataset.half) found.push(h("div", { class: "pair", dataset: { pair: "1" } }, box));
      else found.push(box);
    }
    return found;
  }

  #field(field) {
    const { name, label, kind, help, half } = field;
    const id = `option-${name}`;
    const set = this.#set()[name] ?? null;
    const usual = this.#node.level === 2 ? this.#node.ticker.effective[name] : null;
    const input = this.#input(field, id, set, usual);
    const error = h("p", { class: "field-error", id: `${id}-error`, dataset: { error: name } });
    const note = help ? h("p", { class: "help" }, help) : null;
    this.#fields.set(name, { field, input, error, before: this.#read(field, input) });
    const isSwitch = kind === "switch" && this.#node.level !== 2;
    return h("div", { class: "group", dataset: half ? { half: "1" } : {} },
      isSwitch ? h("label", { class: "switch-line" }, input, label) : [h("label", { class: "label", for: id }, label), input], error, note);
  }

  #input({ kind, options, none, min, max, step, placeholder }, id, set, usual) {
    const shared = { id, "aria-describedby": `${id}-error` };
    if (kind === "switch" && this.#node.level !== 2) return h("input", { ...shared, type: "checkbox", class: "switch", role: "switch", checked: Boolean(set) });
    if (kind === "choice" || kind === "switch") {
      const list = kind === "switch" ? yesNo(usual).slice(1) : options;
      const text = list.find(([value]) => value === String(usual))?.[1];
      const select = h("select", { ...shared, class: "select" }, h("option", { value: "" }, set === null && text && !none ? `${text} (usual)` : none ?? "As usual"), list.map(([value, words]) => h("option", { value }, words)));
      select.value = set === null ? "" : String(set);
      return select;
    }
    const value = set === null ? "" : kind === "spans" ? set.join(", ") : kind === "number" ? seconds(set) : set;
    const hint = set === null && usual !== null && usual !== undefined && usual !== "" && !Array.isArray(usual) ? `${seconds(usual) || usual} (usual)` : placeholder ?? "";
    return h("input", { ...shared, class: "input", type: "text", inputmode: kind === "number" ? "decimal" : null, value, placeholder: hint, autocomplete: "off", spellcheck: "false", maxlength: kind === "text" && max ? String(max) : "120", dataset: { min, max, step } });
  }

  /** A field as the server takes it; null takes the option away. */
  #read({ kind }, input) {
    if (input.type === "checkbox") return input.checked;
    const text = input.value.trim();
    if (text === "") return null;
    if (kind === "number") return Number.isFinite(Number(text)) ? Number(text) : text;
    if (kind === "switch") return text === "true";
    return kind === "spans" ? text.split(",").map((each) => each.trim()).filter(Boolean) : text;
  }

  #changes() {
    const changes = {};
    for (const [name, { field, input, before }] of this.#fields) {
      const now = this.#read(field, input);
      if (!equal(now, before)) changes[name] = now;
    }
    return changes;
  }

  #draw() {
    const isDirty = this.isDirty;
    for (const name of ["save", "undo"]) part(this.#form, name).disabled = !isDirty;
  }

  /** What is plainly wrong, before anybody is asked. */
  #wrong(changes) {
    for (const [name, value] of Object.entries(changes)) {
      const { field } = this.#fields.get(name);
      if (field.kind !== "number" || value === null) continue;
      if (typeof value !== "number" || value < field.min || value > field.max) return [name, `A number, ${field.min} to ${field.max.toLocaleString("en-US")}.`];
    }
    return null;
  }

  #fail(name, message) {
    const found = this.#fields.get(name);
    if (!found) {
      part(this.#form, "problem").textContent = message;
      return;
    }
    found.error.textContent = message;
    found.input.setAttribute("aria-invalid", "true");
    found.input.closest("details")?.setAttribute("open", "");
    found.input.focus();
  }

  async #submit() {
    const changes = this.#changes();
    part(this.#form, "problem").textContent = "";
    for (const { error, input } of this.#fields.values()) {
      error.textContent = "";
      input.removeAttribute("aria-invalid");
    }
    const wrong = this.#wrong(changes);
    if (wrong) {
      this.#fail(...wrong);
      return;
    }
    const button = part(this.#form, "save");
    button.disabled = true;
    try {
      await this.save(this.#node, changes);
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      this.#fail(problem.field?.split(".").at(-1), problem.message);
    }
    this.#draw();
  }
}
