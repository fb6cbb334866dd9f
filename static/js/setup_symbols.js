// The three groups of symbols: add with a check, drag, move by keyboard, remove.

import { get } from "./api.js";
import { announce, h, mark, part } from "./dom.js";
import { price } from "./format.js";

const GROUPS = ["positive", "neutral", "negative"];
const LIMIT = 200;
const PAUSE_MS = 180;
const PROBLEMS = { not_offered: "not offered", no_entitlement: "no entitlement", unknown_symbol: "unknown", halted: "halted" };

const tidy = (text) => text.trim().toUpperCase();

function facts({ kind, has_options: options, last }) {
  return [
    kind && kind !== "unknown" ? kind : null,
    options === true ? "options" : options === false ? "no options" : null,
    last === null || last === undefined ? null : `last ${price(last)}`,
  ].filter(Boolean).join(" · ");
}

export class SymbolGroups {
  #draft;
  #root = document.getElementById("symbols");
  #states = new Map();
  #group = "positive";
  #options = [];
  #at = 0;
  #list = null;
  #timer = 0;
  #asked = null;

  constructor(draft) {
    this.#draft = draft;
    this.input = document.getElementById("add-symbol");
    this.error = document.getElementById("add-error");
    for (const list of this.#root.querySelectorAll("[data-group]")) this.#equip(list);
    this.#equipAdd();
    draft.onChange(() => this.draw());
    this.draw();
    this.#learn();
  }

  /** Statuses of the rows, to mark what the source does not offer. */
  async #learn() {
    try {
      const { rows } = await get("/api/indicator");
      for (const row of rows) this.#states.set(row.symbol, row.status);
      this.draw();
    } catch {
      // no marks then; the chips work without
    }
  }

  draw() {
    const { indicators } = this.#draft.now;
    const total = GROUPS.reduce((sum, group) => sum + indicators[group].length, 0);
    part(this.#root, "symbol-count").textContent = `${total} of ${LIMIT}`;
    for (const group of GROUPS) {
      this.#root.querySelector(`[data-count="${group}"]`).textContent = String(indicators[group].length);
      const list = this.#root.querySelector(`[data-group="${group}"]`);
      const key = indicators[group].map((symbol) => `${symbol}${this.#states.get(symbol) ?? ""}`).join();
      const drawn = [...list.children].map((chip) => `${chip.dataset.symbol}${chip.dataset.state ?? "?"}`).join();
      if (key !== drawn) list.replaceChildren(...indicators[group].map((symbol) => this.#chip(symbol, group)));
    }
  }

  #chip(symbol, group) {
    const state = this.#states.get(symbol) ?? "";
    const problem = PROBLEMS[state];
    return h("li", {
      class: "symbol-chip", tabindex: "0", dataset: { symbol, state },
      "aria-keyshortcuts": "Alt+ArrowLeft Alt+ArrowRight Alt+ArrowUp Alt+ArrowDown Delete",
      onkeydown: (event) => this.#key(event, symbol, group),
    }, problem ? mark("late") : null, h("span", {}, symbol), problem ? h("span", { class: "why" }, problem) : null,
    h("button", { type: "button", class: "remove", "aria-label": `Remove ${symbol} from ${group}`, onclick: () => this.remove(symbol) }));
  }

  #key(event, symbol, group) {
    if (event.key === "Delete" || event.key === "Backspace") {
      const next = event.currentTarget.nextElementSibling ?? event.currentTarget.previousElementSibling;
      const name = next?.dataset.symbol;
      this.remove(symbol);
      if (name) this.#focus(name);
    } else if (event.altKey && event.key.startsWith("Arrow")) {
      this.#move(symbol, group, event.key);
    } else {
      return;
    }
    event.preventDefault();
  }

  #focus(symbol) {
    this.#root.querySelector(`li[data-symbol="${CSS.escape(symbol)}"]`)?.focus();
  }

  #move(symbol, group, key) {
    const to = { ArrowUp: GROUPS[GROUPS.indexOf(group) - 1], ArrowDown: GROUPS[GROUPS.indexOf(group) + 1] }[key];
    const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (!to && !by) return;
    this.#draft.edit(({ indicators }) => {
      const at = indicators[group].indexOf(symbol);
      if (to) {
        indicators[group].splice(at, 1);
        indicators[to].push(symbol);
      } else if (indicators[group][at + by] !== undefined) {
        indicators[group].splice(at, 1);
        indicators[group].splice(at + by, 0, symbol);
      }
    });
    this.#focus(symbol);
    announce(to ? `${symbol} moved to ${to}` : `${symbol} is number ${this.#draft.now.indicators[group].indexOf(symbol) + 1} of ${group}`);
  }

  remove(symbol) {
    this.#draft.edit(({ indicators }) => {
      for (const group of GROUPS) indicators[group] = indicators[group].filter((each) => each !== symbol);
    });
    announce(`${symbol} removed`);
  }

  #equip(list) {
    if (!window.Sortable) return;
    new window.Sortable(list, {
      group: "symbols",
      animation: 0,
      filter: ".remove",
      preventOnFilter: false,
      ghostClass: "chip-dragged",
      delay: 120,
      delayOnTouchOnly: true,
      onEnd: () => this.#dropped(),
    });
  }

  #dropped() {
    this.#draft.edit(({ indicators }) => {
      for (const group of GROUPS) {
        const list = this.#root.querySelector(`[data-group="${group}"]`);
        indicators[group] = [...list.children].map((chip) => chip.dataset.symbol);
      }
    });
    for (const list of this.#root.querySelectorAll("[data-group]")) list.replaceChildren();
    this.draw();
  }

  #equipAdd() {
    const groups = part(this.#root, "add-group");
    groups.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.#pick(button.dataset.value);
    });
    part(this.#root, "add-button").addEventListener("click", () => this.#take());
    this.input.addEventListener("input", () => this.#typed());
    this.input.addEventListener("keydown", (event) => this.#inputKey(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.#close(), 150));
  }

  #pick(group) {
    this.#group = group;
    for (const each of part(this.#root, "add-group").children) each.setAttribute("aria-pressed", String(each.dataset.value === group));
  }

  /** Fill the field from the address (?add=UUP&group=negative). */
  offer(symbol, group) {
    if (GROUPS.includes(group)) this.#pick(group);
    this.input.value = symbol;
    this.input.focus();
    this.#typed();
  }

  #typed() {
    this.#fail("");
    clearTimeout(this.#timer);
    this.#asked?.abort();
    const words = tidy(this.input.value);
    if (!words) {
      this.#close();
      return;
    }
    this.#timer = setTimeout(() => this.#search(words), PAUSE_MS);
  }

  async #search(words) {
    this.#asked = new AbortController();
    try {
      const { results } = await get(`/api/symbols?q=${encodeURIComponent(words)}`, { signal: this.#asked.signal });
      if (tidy(this.input.value) === words && document.activeElement === this.input) this.#draw(results.slice(0, 8), words);
    } catch (problem) {
      if (problem.name !== "AbortError") this.#close();
    }
  }

  #draw(options, words) {
    this.#close();
    this.#options = options;
    this.#at = options.findIndex((each) => each.symbol === words);
    this.#list = h("div", { class: "listbox", role: "listbox", id: "add-list", "aria-label": "Symbols of the feed" });
    if (!options.length) this.#list.append(h("div", { class: "none" }, `The feed lists nothing that starts with ${words}.`));
    options.forEach((each, index) => this.#list.append(h("div", {
      role: "option", id: `add-${index}`, onpointerdown: (event) => { event.preventDefault(); this.#take(each.symbol); },
    }, h("span", { class: "name" }, each.symbol), h("span", { class: "grow" }, each.name ?? ""), h("span", { class: "end" }, facts(each)))));
    this.input.closest(".add").append(this.#list);
    this.input.setAttribute("aria-expanded", "true");
    this.#mark();
  }

  #mark() {
    [...(this.#list?.querySelectorAll('[role="option"]') ?? [])].forEach((each, index) => {
      each.setAttribute("aria-selected", String(index === this.#at));
      if (index === this.#at) this.input.setAttribute("aria-activedescendant", each.id);
    });
  }

  #close() {
    this.#list?.remove();
    this.#list = null;
    this.#options = [];
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  #inputKey(event) {
    const last = this.#options.length - 1;
    if (event.key === "ArrowDown") this.#at = this.#at >= last ? 0 : this.#at + 1;
    else if (event.key === "ArrowUp") this.#at = this.#at <= 0 ? last : this.#at - 1;
    else if (event.key === "Enter") this.#take(this.#options[this.#at]?.symbol);
    else if (event.key === "Escape" && this.#list) this.#close();
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.#mark();
  }

  #fail(text, again = null) {
    this.error.replaceChildren(...(text ? [text] : []));
    if (again) this.error.append(" ", h("button", { type: "button", class: "link", onclick: again }, "Add anyway"));
    if (text) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  async #take(picked) {
    const symbol = tidy(picked ?? this.input.value);
    clearTimeout(this.#timer);
    this.#asked?.abort();
    this.#close();
    if (!symbol) {
      this.input.focus();
      return;
    }
    const { indicators } = this.#draft.now;
    const has = GROUPS.find((group) => indicators[group].includes(symbol));
    if (has) {
      this.#fail(`${symbol} is in ${has} already.`);
      return;
    }
    if (GROUPS.reduce((sum, group) => sum + indicators[group].length, 0) >= LIMIT) {
      this.#fail(`${LIMIT} symbols are the limit. Remove one first.`);
      return;
    }
    await this.#check(symbol);
  }

  async #check(symbol) {
    const button = part(this.#root, "add-button");
    const add = () => this.#add(symbol);
    button.disabled = true;
    try {
      const answer = await get(`/api/symbols/check?symbol=${encodeURIComponent(symbol)}`);
      if (answer.ok) this.#add(answer.symbol ?? symbol);
      else this.#fail(answer.reason ?? `${symbol} was not found.`, add);
    } catch (problem) {
      this.#fail(`${symbol} could not be checked: ${problem.message}`, add);
    } finally {
      button.disabled = false;
    }
  }

  #add(symbol) {
    this.#draft.edit(({ indicators }) => indicators[this.#group].push(symbol));
    this.#fail("");
    this.input.value = "";
    this.input.focus();
    announce(`${symbol} added to ${this.#group}, not saved yet`);
  }
}
