// Net GEX of several symbols on one scale, asked for one after the other.

import { get } from "../api.js";
import { h, setText } from "../dom.js";
import { DASH, age, gex, price } from "../format.js";

const EVERY_MS = 5000;

/** What a cell says of a payload. */
export function cellOf(payload) {
  const net = payload?.totals?.net ?? null;
  const scaled = net !== null && payload.unit === "usd_per_point" && payload.unit_factor ? net * payload.unit_factor : net;
  const flip = payload?.zero_gamma?.all?.flip ?? null;
  const spot = payload?.spot ?? null;
  const away = flip !== null && spot ? ((spot - flip) / spot) * 100 : null;
  const words = { positive: "damps", negative: "amplifies" }[payload?.regime] ?? "unknown";
  return { net: scaled, words, away: away === null ? "no flip in ±20%" : `flip ${price(Math.abs(away))}% ${away >= 0 ? "below" : "above"}`, known: scaled !== null };
}

/** Where the bar of a value stands in percent of the cell: {left, width}. */
export function barOf(value, most) {
  const size = most ? Math.min(1, Math.abs(value) / most) * 50 : 0;
  return { left: value < 0 ? 50 - size : 50, width: size };
}

export class Strip {
  #cells = new Map();
  #found = new Map();
  #box;
  #query;

  /** query(symbol) answers the address to ask; the own symbol is given by take(). */
  constructor(root, symbols, own, query) {
    this.#box = root.querySelector('[data-part="cells"]');
    this.#query = query;
    this.own = own;
    this.symbols = symbols;
    for (const symbol of symbols) {
      const link = h("a", { href: symbol.includes("/") ? `/gex?symbol=${encodeURIComponent(symbol)}` : `/gex/${symbol}` },
        h("span", { class: "strip-head" }, h("strong", {}, symbol), h("span", { class: "strip-net" }, DASH)),
        h("span", { class: "strip-bar" }, h("span", { class: "bar" })),
        h("span", { class: "strip-words" }, "not loaded yet"));
      if (symbol === own) link.setAttribute("aria-current", "page");
      this.#cells.set(symbol, link);
      this.#box.append(h("li", {}, link));
    }
    this.#run();
  }

  /** The payload of this page's own symbol is known already, when it is of all expiries. */
  take(payload) {
    if (!this.#cells.has(this.own) || payload.view !== "all") return;
    this.#found.set(this.own, { ...cellOf(payload), at: performance.now() });
    this.#draw();
  }

  /** Heads and rows as a file. */
  table() {
    return { heads: ["Symbol", "Net GEX, $ per 1%", "Dealers", "Zero gamma"], rows: this.symbols.map((symbol) => { const { net = null, words = null, away = null } = this.#found.get(symbol) ?? {}; return [symbol, net, words, away]; }) };
  }

  async #run() {
    for (;;) {
      for (const symbol of this.symbols) {
        const age = performance.now() - (this.#found.get(symbol)?.at ?? -Infinity);
        if (!document.hidden && age > EVERY_MS / 2) await this.#ask(symbol);
        await new Promise((done) => setTimeout(done, this.#found.has(symbol) ? EVERY_MS / this.symbols.length : 100));
      }
    }
  }

  async #ask(symbol) {
    try {
      this.#found.set(symbol, { ...cellOf(await get(this.#query(symbol))), at: performance.now() });
    } catch (problem) {
      if (!this.#found.has(symbol)) this.#found.set(symbol, { net: null, known: false, words: "", away: problem.status === 0 ? "not connected" : problem.message, at: null });
    }
    this.#draw();
  }

  #draw() {
    const most = Math.max(0, ...[...this.#found.values()].map(({ net }) => Math.abs(net ?? 0)));
    for (const [symbol, link] of this.#cells) {
      const found = this.#found.get(symbol);
      if (!found) continue;
      const [net, bar, words] = [link.querySelector(".strip-net"), link.querySelector(".bar"), link.querySelector(".strip-words")];
      setText(net, gex(found.net));
      net.className = `strip-net ${found.net > 0 ? "up" : found.net < 0 ? "down" : "unknown"}`;
      const place = barOf(found.net ?? 0, most);
      bar.className = `bar ${found.net < 0 ? "put" : "call"}`;
      bar.style.setProperty("left", `${place.left}%`);
      bar.style.setProperty("width", `${place.width}%`);
      setText(words, found.known ? `${found.words}, ${found.away}` : found.away);
      link.title = found.at === null ? "" : `${age((performance.now() - found.at) / 1000)} old`;
    }
  }
}
