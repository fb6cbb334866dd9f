// The webhook address and the tokens that may send to it.

import { get, post, request } from "../api.js";
import { ask, openDialog } from "../dialog.js";
import { announce, h, part } from "../dom.js";
import { date } from "../format.js";
import { toast } from "../toast.js";
import { askFields } from "./form.js";
import { ago } from "./words.js";

const DAY_MS = 86400000;

/** Copy text; answers whether the browser allowed it. */
async function copy(text, words) {
  try {
    await navigator.clipboard.writeText(text);
    toast(words);
    announce(words);
    return true;
  } catch {
    toast("The browser did not allow the copy", { kind: "warning" });
    return false;
  }
}

export class Webhook {
  #root;
  #tokens;
  #shown = false;

  constructor(root, { masked, tokens, wall }) {
    this.#root = root;
    this.masked = masked;
    this.wall = wall;
    this.#tokens = tokens;
    const action = (name, run) => root.querySelector(`[data-action="${name}"]`).addEventListener("click", run);
    action("copy-address", () => this.#reveal((address) => copy(address, "Webhook address copied")));
    action("show-address", () => this.#toggle());
    action("new-token", () => this.#add());
    this.draw();
    setInterval(() => { if (!document.hidden) this.draw(); }, 10000);
    if (!tokens) this.load();
  }

  async load() {
    this.#tokens = await get("/api/tokens").catch(() => this.#tokens);
    this.draw();
  }

  async #reveal(then) {
    const error = part(this.#root, "address-error");
    error.textContent = "";
    try {
      const { path } = await post("/api/tokens/reveal");
      await then(location.origin + path);
    } catch (problem) {
      error.textContent = problem.status === 404 ? "The first token is not kept in clear any more. Make a new one." : problem.message;
    }
  }

  #toggle() {
    const line = part(this.#root, "address");
    const button = this.#root.querySelector('[data-action="show-address"]');
    const set = (isShown, text) => {
      this.#shown = isShown;
      line.textContent = text;
      button.setAttribute("aria-pressed", String(isShown));
      button.textContent = isShown ? "Hide" : "Show";
    };
    if (this.#shown) set(false, location.origin + this.masked);
    else this.#reveal((address) => set(true, address));
  }

  draw() {
    const body = part(this.#root, "tokens");
    const rows = this.#tokens?.rows ?? [];
    if (body.contains(document.activeElement)) return;
    body.replaceChildren(...rows.map((each) => h("tr", {},
      h("td", { title: each.tickers ? `Only for ${each.tickers.join(", ")}` : "For every ticker" }, each.name, each.tickers ? h("span", { class: "muted" }, ` ${each.tickers.join(", ")}`) : null, each.expires_ms ? h("span", { class: each.expires_ms < this.wall() ? "err-text" : "muted" }, ` until ${date(each.expires_ms, "utc")}`) : null),
      h("td", { class: each.used_ms ? "" : "unknown" }, ago(each.used_ms, this.wall())),
      h("td", { class: "num" }, h("button", { type: "button", class: "link quiet", dataset: { write: "" }, "aria-label": `Delete token ${each.name}`, onclick: () => this.#remove(each) }, "Delete")))));
    body.closest("table").hidden = rows.length === 0;
  }

  async #add() {
    const made = await askFields({
      title: "New token", sentence: "Each sender gets its own; delete an old one when it is no longer used.", action: "Make token",
      fields: [
        { name: "name", label: "Name", placeholder: "TradingView", maxlength: "64" },
        { name: "tickers", label: "Only for these tickers", placeholder: "every ticker", help: "Separated by commas. Empty: every ticker.", as: (text) => text.split(",").map((each) => each.trim()).filter(Boolean) },
        { name: "expires_ms", label: "Expires after, days", placeholder: "never", inputmode: "numeric", as: (text) => (text.trim() === "" ? null : Math.round(this.wall() + Number(text) * DAY_MS)) },
      ],
      submit: ({ name, tickers, expires_ms: expires }) => post("/api/tokens", { name, ...(tickers.length ? { tickers } : {}), ...(expires === null ? {} : { expires_ms: expires }) }),
    });
    if (!made) return;
    this.load();
    const address = location.origin + made.path;
    const close = h("button", { type: "button", class: "button" }, "Close");
    const take = h("button", { type: "button", class: "button primary", onclick: () => copy(address, "Webhook address copied") }, "Copy address");
    const dialog = openDialog("The new address", [h("p", {}, "It is shown this once and not kept in clear."), h("p", { class: "mono address" }, address), h("div", { class: "actions" }, take, close)], { wide: true });
    close.addEventListener("click", () => dialog.close(true));
    take.focus();
    await dialog.done;
  }

  async #remove(token) {
    const yes = await ask({
      title: `Delete the token “${token.name}”?`, sentence: "What is sent with it is refused from now on, and TradingView does not send it again.",
      rows: [["Last used", ago(token.used_ms, this.wall())], ["For", token.tickers ? token.tickers.join(", ") : "every ticker"], ["Other tokens", String((this.#tokens?.rows.length ?? 1) - 1)], ["Undo", "none, make a new one"]],
      risky: "Delete token", safe: "Keep it",
    });
    if (!yes) return;
    try {
      this.#tokens = await request("DELETE", "/api/tokens", { id: token.id });
      this.draw();
      toast(`Token ${token.name} deleted`);
    } catch (problem) {
      toast(problem.message, { kind: "warning" });
    }
  }
}
