// "Symbol or page": pages and rows at once, other symbols from the feed after a pause.

import { get } from "./api.js";
import { h } from "./dom.js";
import { price } from "./format.js";

const PAUSE_MS = 200;

export class Search {
  #box = document.getElementById("search");
  #pages;
  #symbols;
  #open;
  #list = null;
  #options = [];
  #at = 0;
  #timer = 0;
  #asked = null;

  /** symbols() lists what the table holds; open(symbol) shows a row, false when there is none. */
  constructor(pages, { symbols = () => [], open = () => false } = {}) {
    this.#pages = pages;
    this.#symbols = symbols;
    this.#open = open;
    if (!this.#box) return;
    this.input = this.#box.querySelector("input");
    this.input.addEventListener("input", () => this.#typed());
    this.input.addEventListener("focus", () => this.#typed());
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
  }

  focus() {
    this.input?.focus();
    this.input?.select();
  }

  /** Close the list; true when it was open. */
  close() {
    if (!this.#list) return false;
    this.#list.remove();
    this.#list = null;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    return true;
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#asked?.abort();
    const words = this.input.value.trim();
    const known = this.#known(words);
    this.#draw(known, words);
    if (!words || !/^[A-Za-z0-9/.^ ]{1,20}$/.test(words)) return;
    this.#timer = setTimeout(() => this.#ask(words, known), PAUSE_MS);
  }

  #known(words) {
    const lower = words.toLowerCase();
    const pages = this.#pages
      .filter((each) => each.label.toLowerCase().startsWith(lower))
      .map((each) => ({ name: each.label, text: "", end: "page", run: () => location.assign(each.path) }));
    const rows = words
      ? this.#symbols().filter((each) => each.symbol.toLowerCase().startsWith(lower))
        .map((each) => this.#row(each))
      : [];
    return [...rows, ...pages].slice(0, 9);
  }

  #row({ symbol, name }) {
    return { name: symbol, text: name ?? "", end: "in the table", run: () => this.#show(symbol) };
  }

  #show(symbol) {
    if (!this.#open(symbol)) location.assign(`/indicator?symbol=${encodeURIComponent(symbol)}`);
  }

  async #ask(words, known) {
    this.#asked = new AbortController();
    try {
      const { results } = await get(`/api/symbols?q=${encodeURIComponent(words)}`, { signal: this.#asked.signal });
      const have = new Set(known.map((each) => each.name));
      const rows = new Map(this.#symbols().map((each) => [each.symbol, each]));
      const more = results.filter((each) => !have.has(each.symbol)).slice(0, 6).map((each) => (rows.has(each.symbol) ? this.#row(rows.get(each.symbol)) : {
        name: each.symbol,
        text: each.name ?? "",
        end: each.last === null || each.last === undefined ? "add in Setup" : `${price(each.last)}, add in Setup`,
        run: () => location.assign(`/setup?add=${encodeURIComponent(each.symbol)}`),
      }));
      if (this.input.value.trim() === words && this.#list) this.#draw([...known, ...more], words);
    } catch {
      // the list keeps what is known here; a search never raises an alarm
    }
  }

  #draw(options, words) {
    this.close();
    if (document.activeElement !== this.input || (!words && !options.length)) return;
    this.#options = options;
    this.#at = 0;
    this.#list = h("div", { class: "listbox", role: "listbox", id: "search-list", "aria-label": "Symbols and pages" });
    if (!options.length) this.#list.append(h("div", { class: "none" }, `Nothing is called “${words}” here.`));
    options.forEach((option, index) => {
      this.#list.append(h("div", {
        role: "option", id: `search-${index}`,
        onpointerdown: (event) => { event.preventDefault(); this.#take(index); },
      }, h("span", { class: "name" }, option.name), h("span", { class: "grow" }, option.text), h("span", { class: "end" }, option.end)));
    });
    this.#box.append(this.#list);
    this.#list.style.setProperty("right", "0");
    this.#list.style.setProperty("top", "34px");
    this.input.setAttribute("aria-expanded", "true");
    this.#mark();
  }

  #mark() {
    [...this.#list.querySelectorAll('[role="option"]')].forEach((each, index) => {
      each.setAttribute("aria-selected", String(index === this.#at));
      if (index === this.#at) {
        each.scrollIntoView({ block: "nearest" });
        this.input.setAttribute("aria-activedescendant", each.id);
      }
    });
  }

  #take(index) {
    const option = this.#options[index];
    if (!option) return;
    this.input.value = "";
    this.close();
    this.input.blur();
    option.run();
  }

  #key(event) {
    const last = this.#options.length - 1;
    if (event.key === "ArrowDown" && this.#list) this.#at = this.#at >= last ? 0 : this.#at + 1;
    else if (event.key === "ArrowUp" && this.#list) this.#at = this.#at <= 0 ? last : this.#at - 1;
    else if (event.key === "Enter") this.#take(this.#at);
    else if (event.key === "Escape") {
      event.stopPropagation();
      if (this.input.value) this.input.value = "";
      else this.input.blur();
      this.close();
      return;
    } else return;
    event.preventDefault();
    if (this.#list) this.#mark();
  }
}
