// The symbol switcher: the table's symbols at once, others from the feed after a pause.

import { get } from "../api.js";
import { openDialog } from "../dialog.js";
import { h } from "../dom.js";
import { price } from "../format.js";

const PAUSE_MS = 200;
const LIMIT = 12;

/** Open it; go(symbol) is called with what was chosen. */
export function chooseSymbol(symbols, current, go) {
  const input = h("input", { class: "input", type: "text", role: "combobox", "aria-label": "Symbol", "aria-expanded": "true", "aria-controls": "symbol-list", autocomplete: "off", spellcheck: "false", maxlength: "16", placeholder: "SPY, NVDA, /ES, BRK/B" });
  const list = h("div", { class: "symbol-list", role: "listbox", id: "symbol-list", "aria-label": "Symbols" });
  const error = h("p", { class: "field-error", role: "alert" });
  const dialog = openDialog("Symbol", [h("div", { class: "field" }, input), error, list]);
  let options = [];
  let at = 0;
  let timer = 0;
  let asked = null;

  const take = (option) => {
    dialog.close(true);
    go(option.symbol);
  };
  const mark = () => [...list.children].forEach((each, index) => {
    each.setAttribute("aria-selected", String(index === at));
    if (index === at) {
      each.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", each.id);
    }
  });
  const draw = (found) => {
    options = found;
    at = 0;
    error.textContent = "";
    list.replaceChildren(...found.map((option, index) => h("div", {
      role: "option", id: `symbol-${index}`, onpointerdown: (event) => { event.preventDefault(); take(option); },
    }, h("span", { class: "name" }, option.symbol), h("span", { class: "grow" }, option.name ?? ""), h("span", { class: "end" }, option.end ?? ""))));
    mark();
  };
  const known = (words) => symbols.filter((each) => each.startsWith(words)).map((symbol) => ({ symbol, end: symbol === current ? "shown" : "in the table" }));
  const ask = async (words) => {
    asked = new AbortController();
    try {
      const { results } = await get(`/api/symbols?q=${encodeURIComponent(words)}`, { signal: asked.signal });
      if (input.value.trim().toUpperCase() !== words) return;
      const own = known(words);
      const names = new Map(results.map((each) => [each.symbol, each]));
      const more = results.filter((each) => !own.some((other) => other.symbol === each.symbol));
      draw([...own.map((each) => ({ ...each, name: names.get(each.symbol)?.name })), ...more.map((each) => ({ symbol: each.symbol, name: each.name, end: typeof each.last === "number" ? price(each.last) : "" }))].slice(0, LIMIT));
      if (!options.length) error.textContent = `No symbol begins with ${words}.`;
    } catch (problem) {
      if (problem.name !== "AbortError") error.textContent = problem.message;
    }
  };
  input.addEventListener("input", () => {
    const words = input.value.trim().toUpperCase();
    clearTimeout(timer);
    asked?.abort();
    draw(known(words).slice(0, words ? LIMIT : undefined));
    if (/^[A-Z0-9/.^]{1,16}$/.test(words)) timer = setTimeout(() => ask(words), PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    const words = input.value.trim().toUpperCase();
    if (event.key === "ArrowDown") at = Math.min(options.length - 1, at + 1);
    else if (event.key === "ArrowUp") at = Math.max(0, at - 1);
    else if (event.key === "Enter") {
      const exact = options.find((each) => each.symbol === words);
      if (exact ?? options[at]) take(exact ?? options[at]);
      else if (/^\/?[A-Z0-9.]+(\/[A-Z]+)?$/.test(words)) take({ symbol: words });
    } else return;
    event.preventDefault();
    mark();
  });
  draw(known(""));
  input.focus();
}
