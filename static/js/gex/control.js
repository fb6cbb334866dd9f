// The control bar: symbol, expiries, weight, exposure, bars, unit, strikes.

import { announce, h, part } from "../dom.js";
import { openDialog } from "../dialog.js";
import { count, day } from "../format.js";
import { openMenu } from "../menu.js";
import { presets } from "./view.js";

const SYMBOL = /^(?:\/[A-Z0-9]{1,5}|[A-Z][A-Z0-9.]{0,9}(?:\/[A-Z]{1,3})?)$/;

/** The address of a symbol's page: a slash cannot stand in a path. */
export function pageOf(symbol, query) {
  if (!symbol.includes("/")) return `/gex/${symbol}${query}`;
  return `/gex?symbol=${encodeURIComponent(symbol)}${query ? `&${query.slice(1)}` : ""}`;
}

export class Control {
  #root;
  #bar;
  #view;
  #change;
  #expiries = [];
  #symbols;
  #symbol;
  #query;

  /** change(name) is called after view[name] was set; query() is the address's query of now. */
  constructor(root, { symbol, symbols, view, change, query }) {
    this.#root = root;
    const bar = part(root, "bar");
    this.#bar = bar;
    this.#view = view;
    this.#change = change;
    this.#symbol = symbol;
    this.#symbols = symbols;
    this.#query = query;
    bar.addEventListener("submit", (event) => event.preventDefault());
    root.addEventListener("click", (event) => this.#click(event));
    root.querySelector('select[data-choice="strikes"]').addEventListener("change", (event) => this.set("strikes", Number(event.target.value)));
    bar.querySelector('[data-action="symbol"]').addEventListener("click", (event) => this.#symbolMenu(event.currentTarget));
    this.draw();
  }

  #click(event) {
    const button = event.target.closest("button");
    const choice = button?.closest("[data-choice]");
    if (button?.dataset.action === "view") {
      const isOpen = this.#bar.toggleAttribute("data-open");
      button.setAttribute("aria-expanded", String(isOpen));
    } else if (button?.dataset.action === "expiries") {
      this.chooseExpiries();
    } else if (choice && button.value) {
      if (button.getAttribute("aria-disabled") === "true") announce(button.title);
      else this.set(choice.dataset.choice, button.value);
    }
  }

  /** Choose a value; nothing happens when it is chosen already. */
  set(name, value) {
    if (value === null || this.#view[name] === value) return;
    this.#view[name] = value;
    this.draw();
    this.#change(name);
  }

  get presets() {
    return presets(this.#expiries);
  }

  /** The expiries listed now. */
  take(expiries) {
    const key = (list) => list.map((each) => `${each.expiry}${each.root}${each.subscribed}`).join();
    if (!expiries || key(expiries) === key(this.#expiries)) return;
    this.#expiries = expiries;
    this.draw();
  }

  /** Show what is chosen. */
  draw() {
    this.#drawPresets();
    for (const group of this.#root.querySelectorAll("[data-choice]")) {
      const name = group.dataset.choice;
      if (!(name in this.#view) || name === "date") continue;
      if (group.tagName === "SELECT") group.value = String(this.#view[name]);
      else for (const button of group.querySelectorAll("button[value]")) button.setAttribute("aria-pressed", String(button.value === this.#view[name]));
    }
    const isGex = this.#view.greek === "gex";
    for (const button of this.#bar.querySelectorAll('[data-choice="unit"] button')) {
      if (isGex) button.removeAttribute("aria-disabled");
      else button.setAttribute("aria-disabled", "true");
      button.title = isGex ? (button.value === "pct" ? "Dollars for a move of 1%" : "Dollars for a move of one point") : "Only GEX is per move; this exposure has one unit";
    }
  }

  #drawPresets() {
    const group = this.#bar.querySelector('[data-choice="view"]');
    const wanted = this.presets;
    const { view } = this.#view;
    const isOther = !wanted.some((each) => each.value === view);
    const key = JSON.stringify([wanted.map((each) => each.value), isOther ? view : ""]);
    if (group.dataset.key === key) return;
    group.dataset.key = key;
    const other = isOther ? view.split(",") : [];
    const words = other.length === 1 ? day(other[0]) : `${other.length} expiries`;
    group.replaceChildren(
      ...wanted.map(({ value, text, title }) => h("button", { type: "button", value, "aria-pressed": String(value === view), title }, text)),
      h("button", { type: "button", "aria-pressed": String(isOther), title: "Choose expiries", "aria-label": isOther ? `Choose expiries, ${words}` : "Choose expiries", dataset: { action: "expiries" } }, isOther ? words : "…"),
    );
  }

  /** The dialog with all listed expiries. */
  chooseExpiries() {
    const chosen = new Set(this.#expiries.filter((each) => each.in_view).map((each) => each.expiry));
    const byDay = new Map();
    for (const each of this.#expiries) byDay.set(each.expiry, [...(byDay.get(each.expiry) ?? []), each]);
    const list = h("div", { class: "expiry-list" }, [...byDay].map(([iso, all]) => {
      const words = all.map((each) => `${each.root} ${each.settlement}`).join(", ");
      const tags = [all.some((each) => each.witching) ? "witching" : all.some((each) => each.monthly) ? "monthly" : "", all.some((each) => each.subscribed) ? "" : "not loaded yet"].filter(Boolean).join(", ");
      const box = h("input", { type: "checkbox", class: "check", value: iso });
      box.checked = chosen.has(iso);
      return h("label", {}, box, h("span", { class: "expiry-day" }, day(iso)), h("span", { class: "muted" }, all[0].dte === 0 ? "today" : `${all[0].dte}d`), h("span", { class: "soft" }, words), h("span", { class: "muted end" }, tags));
    }));
    const show = h("button", { type: "button", class: "button primary" }, "Show");
    const stay = h("button", { type: "button", class: "button" }, "Cancel");
    const draw = () => {
      const number = list.querySelectorAll("input:checked").length;
      show.textContent = number ? `Show ${count(number)} day${number === 1 ? "" : "s"}` : "Choose a day";
      show.disabled = !number || number > 40;
    };
    list.addEventListener("change", draw);
    draw();
    const dialog = openDialog("Expiries", [list, h("div", { class: "actions" }, show, stay)], { wide: true });
    stay.addEventListener("click", () => dialog.close(false));
    show.addEventListener("click", () => {
      const all = [...list.querySelectorAll("input:checked")].map((each) => each.value).sort();
      dialog.close(true);
      this.set("view", all.length === 1 && byDay.get(all[0])[0].dte === 0 ? "0dte" : all.join(","));
    });
    (list.querySelector("input:checked") ?? list.querySelector("input") ?? stay).focus();
  }

  #symbolMenu(anchor) {
    openMenu(anchor, [
      { title: "GEX symbols" },
      ...this.#symbols.map((symbol) => ({ label: symbol, hint: symbol === this.#symbol ? "shown" : "", href: pageOf(symbol, this.#query()) })),
      { separator: true },
      { label: "Another symbol…", run: () => this.askSymbol(), keepsFocus: true },
      { label: "Choose GEX symbols in Setup", href: "/setup#gex" },
    ], "Symbol");
  }

  /** Any symbol with listed options. */
  askSymbol() {
    const input = h("input", { class: "input", "aria-label": "Symbol", autocomplete: "off", spellcheck: "false", maxlength: "12", placeholder: "NVDA, /ES, BRK/B" });
    const error = h("p", { class: "field-error", role: "alert" });
    const open = h("button", { type: "button", class: "button primary" }, "Open");
    const stay = h("button", { type: "button", class: "button" }, "Cancel");
    const dialog = openDialog("Another symbol", [h("p", {}, "Any stock, ETF, index or future with listed options."), h("div", { class: "field" }, input), error, h("div", { class: "actions" }, open, stay)]);
    const go = () => {
      const symbol = input.value.trim().toUpperCase();
      if (SYMBOL.test(symbol)) location.assign(pageOf(symbol, this.#query()));
      else error.textContent = "A symbol is letters and digits, such as NVDA, /ES or BRK/B.";
    };
    open.addEventListener("click", go);
    stay.addEventListener("click", () => dialog.close(false));
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") go(); });
    input.focus();
  }
}
