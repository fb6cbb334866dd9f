// The signal strategy's options of /setup, in groups, each with its unit and its own error.

import { h, part, setText } from "./dom.js";

const WATCHED = ["/NQ", "/MNQ", "/ES", "/MES", "/RTY", "/M2K", "/YM", "/MYM"];
const flag = (name, label, help) => ({ name, label, help, kind: "switch" });
const pick = (name, label, options, help) => ({ name, label, options, help, kind: "pick" });
const points = (name, label, help) => ({ name, label, unit: "points", min: 0.01, max: 100000, step: 0.01, help, kind: "number" });
const number = (name, label, unit, min, max, step, help) => ({ name, label, unit, min, max, step, help, kind: "number" });
const time = (name, label) => ({ name, label, unit: "New York", kind: "time" });

export const GROUPS = [
  ["Switch", [
    flag("enabled", "Tell signals", "Off: candles are judged and shown as what would have been"),
    { name: "symbols", label: "Watched futures", kind: "symbols", help: "1 to 4 of /NQ /MNQ /ES /MES /RTY /M2K /YM /MYM" },
  ]],
  ["Order and exits", [
    points("target", "Target", "above the entry"), points("stop_buffer", "Stop buffer", "below the candle's low"), points("max_risk", "Risk at most", "entry to stop"),
    flag("trailing", "Trailing stop"), points("trail_trigger", "Trail from a gain of"), points("trail_offset", "Trail behind the high by"),
    number("limit_candles", "Limit good for", "candles", 1, 96, 1), pick("bracket", "Stop and target hang on", [["signal", "the signal"], ["fill", "the fill"]]),
    flag("flat_at_end", "Flat at the session's end"),
  ]],
  ["Levels and LT filter", [
    number("max_lt_below", "LT levels below at most", "", 0, 50, 1), pick("lt_reference", "LT levels counted below", [["entry", "the entry"], ["level", "the level"]]),
    pick("lt_missing", "LT levels unknown", [["closed", "no trade"], ["open", "let through"]]), number("lt_max_age", "LT levels good for", "candles", 0, 96, 1),
    number("levels_max_age", "GEX levels good for", "hours", 0.25, 1000, 0.25), pick("score", "Strength of a strike", [["default", "put gamma"], ["legacy", "legacy"]]),
  ]],
  ["When", [
    time("session_start", "Session from"), time("session_end", "Session to"), number("last_minutes", "No entry in the last", "min", 0, 240, 1),
    number("cooldown", "Between two signals", "s", 0, 86400, 1), flag("one_position", "One position at a time"),
  ]],
  ["Paper", [
    pick("contract", "Contract", ["NQ", "MNQ", "ES", "MES", "RTY", "M2K", "YM", "MYM"].map((each) => [each, each])), number("quantity", "Quantity", "contracts", 1, 1000, 1),
    number("commission", "Commission", "$ a side", 0, 1000, 0.01), number("slippage_ticks", "Slippage of stops", "ticks", 0, 1000, 1),
  ]],
  ["Alert router", [
    flag("to_router", "Send signals to the router", "Each signal opens there, the end of its paper trade closes; off by default"),
    { name: "router_ticker", label: "Ticker there", kind: "text", help: "The name to add to a strategy on the page Strategies", max: 64 },
  ]],
];

const TICKER = /^[A-Za-z0-9_.:!/ -]{1,64}$/;

/** What is wrong with a typed value, or "". */
export function problemOf(option, text) {
  if (option.kind === "number") {
    const value = Number(text);
    const isWhole = option.step === 1;
    const isGood = text.trim() !== "" && Number.isFinite(value) && (!isWhole || Number.isInteger(value)) && value >= option.min && value <= option.max;
    return isGood ? "" : `${option.label}: a ${isWhole ? "whole " : ""}number from ${option.min} to ${option.max.toLocaleString("en-US")}${option.unit ? ` ${option.unit}` : ""}.`;
  }
  if (option.kind === "time") return /^([01]\d|2[0-3]):[0-5]\d$/.test(text) ? "" : `${option.label}: a time like 18:00.`;
  if (option.kind === "text") return TICKER.test(text) ? "" : `${option.label}: 1 to 64 letters, digits, spaces or _.:!/-`;
  const names = symbolsOf(text);
  const wrong = names.find((each) => !WATCHED.includes(each));
  if (wrong) return `${option.label}: ${wrong} is none of ${WATCHED.join(" ")}.`;
  return names.length >= 1 && names.length <= 4 && new Set(names).size === names.length ? "" : `${option.label}: 1 to 4 different ones.`;
}

const symbolsOf = (text) => text.toUpperCase().split(/[\s,]+/).filter(Boolean).map((each) => (each.startsWith("/") ? each : `/${each}`));
const valueOf = (option, text) => (option.kind === "number" ? Number(text) : option.kind === "symbols" ? symbolsOf(text) : text);
const shown = (value) => (Array.isArray(value) ? value.join(", ") : String(value ?? ""));

/** Fields of section `strategy`; draft as in draft.js. */
export class StrategySettings {
  #draft;
  #fields = [];

  constructor(draft) {
    const root = document.querySelector('[data-part="strategy-form"]');
    if (!root) return;
    this.#draft = draft;
    root.replaceChildren(...GROUPS.map(([title, options]) => h("fieldset", { class: "strategy-group" }, h("legend", {}, title),
      h("div", { class: "gex-form" }, options.map((option) => this.#field(option))))));
    draft.onChange(() => this.#draw());
    this.#draw();
  }

  #field(option) {
    const path = `strategy.${option.name}`;
    const id = `strategy-${option.name}`;
    const error = h("p", { class: "field-error", id: `${id}-error`, dataset: { error: path } });
    const help = option.help ? h("p", { class: "help" }, option.help) : null;
    const input = option.kind === "pick" ? this.#pick(option, path, id) : option.kind === "switch" ? this.#switch(option, path, id) : this.#input(option, path, id, error);
    this.#fields.push({ option, path, input });
    const label = h("label", { class: "label", for: id }, option.label);
    const box = option.kind === "switch" ? h("span", { class: "with-switch" }, input, label) : [label, option.unit ? h("span", { class: "with-unit" }, input, h("span", { class: "muted small" }, option.unit)) : input];
    return h("div", { class: option.kind === "symbols" || option.kind === "text" ? "field grow" : "field", dataset: { field: path } }, box, help, error);
  }

  #switch(option, path, id) {
    const input = h("input", { type: "checkbox", class: "switch", role: "switch", id });
    input.addEventListener("change", () => this.#draft.set(path, input.checked));
    return input;
  }

  #pick(option, path, id) {
    const input = h("select", { class: "select", id }, option.options.map(([value, text]) => h("option", { value }, text)));
    input.addEventListener("change", () => this.#draft.set(path, input.value));
    return input;
  }

  #input(option, path, id, error) {
    const isNumber = option.kind === "number";
    const input = h("input", {
      class: isNumber || option.kind === "time" ? "input number" : "input", id, type: isNumber ? "number" : "text", inputmode: isNumber ? (option.step === 1 ? "numeric" : "decimal") : null,
      min: option.min?.toString(), max: isNumber ? option.max.toString() : null, step: option.step?.toString(), maxlength: option.kind === "text" ? "64" : "40",
      autocomplete: "off", spellcheck: "false", "aria-describedby": error.id,
    });
    input.addEventListener("change", () => {
      const problem = problemOf(option, input.value);
      setText(error, problem);
      if (problem) input.setAttribute("aria-invalid", "true");
      else {
        input.removeAttribute("aria-invalid");
        this.#draft.set(path, valueOf(option, input.value));
      }
    });
    return input;
  }

  #draw() {
    for (const { option, path, input } of this.#fields) {
      const value = this.#draft.get(path);
      if (option.kind === "switch") input.checked = Boolean(value);
      else if (input.getAttribute("aria-invalid") !== "true") input.value = shown(value);
    }
    const on = this.#draft.get("strategy.enabled");
    setText(part(document, "strategy-state"), on ? "on" : "off");
  }
}
