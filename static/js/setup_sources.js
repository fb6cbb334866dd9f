// The sources of /setup: a switch, when it is asked, and what it says now.

import { h, mark } from "./dom.js";
import { sourceText } from "./header.js";

const MINUTES = { news: [15, 20, 30, 60], fred: [5, 10, 30, 60] };
const HOURS = ["04:00", "05:00", "06:00", "07:00", "08:00", "18:00", "20:00"];

const SOURCES = [
  { name: "news", label: "NewsAPI headlines", text: "Headlines and their sentiment. Free plan: 24h late, 100 requests a day." },
  { name: "fred", label: "FRED releases", text: "Actual values of US releases." },
  { name: "forex_factory", label: "Forex Factory calendar", text: "Forecasts for the week. One file, read once a day." },
  { name: "tradingview", label: "TradingView prices", text: "Candles of futures and Liquidity Trigger levels. Unofficial interface, may stop working and may break their terms." },
  { name: "cboe", label: "Cboe chains", text: "Whole chains, 15 min late: the share of open interest followed, and a stand-in where the broker has no chain." },
];

export class Sources {
  #draft;
  #absent;
  #body = document.querySelector('[data-part="sources-table"]');
  #rows = new Map();

  constructor(draft, absent) {
    this.#draft = draft;
    this.#absent = absent;
    for (const source of SOURCES) this.#body.append(this.#row(source));
    draft.onChange(() => this.draw());
    this.draw();
  }

  #row(source) {
    const path = `sources.${source.name}`;
    const box = h("input", {
      type: "checkbox", class: "switch", role: "switch", "aria-label": source.label, disabled: source.name in this.#absent,
      onchange: () => this.#draft.set(`${path}.enabled`, box.checked),
    });
    const when = h("div", { class: "when" }, this.#when(source, path));
    const now = h("div", { class: "now" });
    const error = h("p", { class: "field-error", dataset: { error: path } });
    this.#rows.set(source.name, { box, when, now });
    return h("tr", { dataset: { field: path } }, h("td", {}, box),
      h("td", {}, h("div", {}, source.label), h("div", { class: "help" }, source.text), error), h("td", {}, when), h("td", {}, now));
  }

  #when({ name }, path) {
    if (name === "news") return [this.#interval(name, path), this.#lexicon(path)];
    if (name in MINUTES) return [this.#interval(name, path)];
    if (name === "forex_factory") return this.#daily(path);
    return [name === "tradingview" ? "while it is on" : "every 5 min in the session"];
  }

  #interval(name, path) {
    const now = this.#draft.get(`${path}.interval`) / 60;
    const choices = [...new Set([...MINUTES[name], now])].sort((one, other) => one - other);
    return h("select", {
      class: "select", "aria-label": "Interval", dataset: { path: `${path}.interval`, scale: "60" },
      onchange: (event) => this.#draft.set(`${path}.interval`, Number(event.target.value) * 60),
    }, choices.map((each) => h("option", { value: String(each) }, `every ${each} min`)));
  }

  /** Whose score the master sentiment is; both are always shown. */
  #lexicon(path) {
    return h("select", {
      class: "select", "aria-label": "Master sentiment by", title: "Which score the master sentiment is: VADER as it is, or its rules over finance words",
      dataset: { path: `${path}.lexicon` }, onchange: (event) => this.#draft.set(`${path}.lexicon`, event.target.value),
    }, h("option", { value: "plain" }, "plain VADER"), h("option", { value: "finance" }, "finance words"));
  }

  #daily(path) {
    const now = this.#draft.get(`${path}.time`);
    const times = [...new Set([...HOURS, now])].sort();
    const zone = { "America/Chicago": "Chicago", "America/New_York": "New York" }[this.#draft.get(`${path}.zone`)] ?? this.#draft.get(`${path}.zone`);
    const refresh = h("input", {
      type: "checkbox", class: "check", dataset: { path: `${path}.refresh` },
      onchange: () => this.#draft.set(`${path}.refresh`, refresh.checked),
    });
    return [
      h("select", {
        class: "select", "aria-label": "Time of day", dataset: { path: `${path}.time` },
        onchange: (event) => this.#draft.set(`${path}.time`, event.target.value),
      }, times.map((each) => h("option", { value: each }, `${each} ${zone}`))),
      h("label", {}, refresh, "and every 5 min"),
    ];
  }

  /** Show the draft. */
  draw() {
    for (const [name, { box, when }] of this.#rows) {
      box.checked = Boolean(this.#draft.get(`sources.${name}.enabled`));
      for (const field of when.querySelectorAll("[data-path]")) {
        const value = this.#draft.get(field.dataset.path);
        if (field.type === "checkbox") field.checked = Boolean(value);
        else field.value = String(field.dataset.scale ? value / Number(field.dataset.scale) : value);
        field.disabled = !box.checked || name in this.#absent;
      }
    }
    if (this.health) this.report(this.health);
    else for (const name of this.#rows.keys()) this.#say(name, "off", this.#absent[name] ?? "not known yet");
  }

  #say(name, kind, text) {
    const { now } = this.#rows.get(name);
    if (now.dataset.key === kind + text) return;
    now.dataset.key = kind + text;
    now.replaceChildren(mark(kind), h("span", {}, text));
  }

  /** Show what the sources say of themselves. */
  report(health) {
    this.health = health;
    for (const name of this.#rows.keys()) {
      const source = health.sources.find((each) => each.name === name);
      if (name in this.#absent) this.#say(name, "off", this.#absent[name]);
      else if (source) this.#say(name, source.mark, source.mark === "fresh" ? `${sourceText(source, 0)} ago` : source.detail || source.state);
      else this.#say(name, "off", this.#draft.get(`sources.${name}.enabled`) ? "not running" : "off");
    }
  }
}
