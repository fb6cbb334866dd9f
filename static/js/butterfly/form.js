// The planner's form: applied as typed, filled from what the server answered.

import { h, part, setText } from "../dom.js";
import { fraction, percent, price, strike, age } from "../format.js";
import { expiryText, leftText, tenth } from "./words.js";

const TYPED_MS = 300;
const known = (value) => typeof value === "number" && Number.isFinite(value);

/** Fill a select only when its choices changed; the value is put back. */
function fill(select, choices, value) {
  const key = choices.map(([each, text]) => `${each}=${text}`).join("|");
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...choices.map(([each, text]) => h("option", { value: String(each) }, text)));
  }
  if (select.value !== String(value)) select.value = String(value);
}

/** The value itself is always among the choices, said to be unlisted where it is. */
function choicesOf(widths, value, first = []) {
  const listed = widths.map((each) => [each, strike(each)]);
  if (!value || widths.includes(value)) return [...first, ...listed];
  // without any choice the centre is to blame, which is said there
  return [...first, [value, listed.length ? `${strike(value)} unlisted` : strike(value)], ...listed];
}

export class Form {
  #root;
  #ask;
  #timer = 0;
  #plan = null;
  #lists = { symbols: [], expiries: [], strikes: [] };

  /** ask(changes, typed) is told what of the request is to be another: {center: "6010"}. */
  constructor(root, ask) {
    this.#root = root;
    this.#ask = ask;
    root.addEventListener("submit", (event) => event.preventDefault());
    for (const select of root.querySelectorAll("select[data-field]")) {
      select.addEventListener("change", () => this.#chosen(select));
    }
    for (const input of root.querySelectorAll("input[data-field]")) {
      input.addEventListener("input", () => {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#typed(input), TYPED_MS);
      });
      input.addEventListener("change", () => this.#typed(input));
      input.addEventListener("blur", () => this.#plan && this.#values());
      input.addEventListener("keydown", (event) => this.#stepped(event, input));
    }
    for (const group of root.querySelectorAll("[data-choice]")) this.#segments(group);
    for (const button of root.querySelectorAll("[data-step]")) {
      button.addEventListener("click", () => this.#step(Number(button.dataset.step)));
    }
    const view = root.querySelector('[data-action="view"]');
    view.addEventListener("click", () => {
      const isOpen = root.toggleAttribute("data-open");
      view.setAttribute("aria-expanded", String(isOpen));
    });
  }

  #chosen(select) {
    const { field } = select.dataset;
    if (field === "symbol") {
      // another product has other strikes and expiries: only the manner of pricing stays
      this.#ask({ symbol: select.value, expiry: "", root: "", center: "", width: "", width_high: "", compare: "" });
    } else if (field === "expiry") {
      const [expiry, root] = select.value.split(" ");
      this.#ask({ expiry, root });
    } else if (field === "width") {
      this.#ask({ width: select.value, width_high: select.value });
    } else {
      this.#ask({ [field]: select.value });
    }
  }

  #typed(input) {
    clearTimeout(this.#timer);
    const text = input.value.replaceAll(",", "").replace("$", "").trim();
    if (!text || text === this.#plan?.query[input.dataset.field]) return;
    this.#ask({ [input.dataset.field]: text }, input.dataset.field);
  }

  #stepped(event, input) {
    if (input.dataset.field !== "center" || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    this.#step(event.key === "ArrowUp" ? 1 : -1);
  }

  /** The listed strike before or after the centre. */
  #step(by) {
    const center = Number(this.#plan?.query.center);
    const { strikes } = this.#lists;
    const next = by > 0 ? strikes.find((each) => each > center) : strikes.findLast((each) => each < center);
    if (next === undefined) return;
    this.#field("center").value = strike(next);
    this.#ask({ center: String(next) });
  }

  #segments(group) {
    const buttons = [...group.querySelectorAll("button")];
    const take = (button) => this.#ask({ [group.dataset.choice]: button.value });
    for (const button of buttons) button.addEventListener("click", () => take(button));
    group.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const next = buttons[(buttons.indexOf(document.activeElement) + by + buttons.length) % buttons.length];
      next.focus();
      take(next);
    });
  }

  /** Show an error at its field, in words; the field keeps what was typed. */
  fail(field, message) {
    const slot = this.#root.querySelector(`[data-error="${field}"]`) ?? this.#root.querySelector('[data-error="center"]');
    slot.textContent = message;
    this.#root.querySelector(`[data-field="${field}"]`)?.setAttribute("aria-invalid", "true");
  }

  /** Take a plan: its lists are kept when a later one leaves them out. */
  take(plan) {
    this.#plan = plan;
    for (const name of Object.keys(this.#lists)) if (plan[name]) this.#lists[name] = plan[name];
    for (const slot of this.#root.querySelectorAll("[data-error]")) slot.textContent = "";
    for (const field of this.#root.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    this.#choices();
    this.#values();
    this.#facts();
    const center = Number(plan.query.center);
    const { strikes } = this.#lists;
    if (plan.chosen?.refusal && strikes.length && !strikes.includes(center)) this.fail("center", plan.chosen.refusal);
  }

  #field(name) {
    return this.#root.querySelector(`[data-field="${name}"]`);
  }

  #choices() {
    const { symbol, query, widths, widths_high: highs, expiry } = this.#plan;
    const { symbols, expiries } = this.#lists;
    fill(this.#field("symbol"), (symbols.includes(symbol) ? symbols : [symbol, ...symbols]).map((each) => [each, each]), symbol);
    const chosen = `${query.expiry ?? ""} ${query.root ?? ""}`.trim();
    const listed = expiries.map((each) => [`${each.day} ${each.root}`, expiryText(each)]);
    if (chosen && !listed.some(([value]) => value === chosen)) listed.unshift([chosen, expiry ? `${expiryText(expiry)}, settled` : `${chosen}, not listed`]);
    fill(this.#field("expiry"), listed, chosen);
    const [width, high, compare] = ["width", "width_high", "compare"].map((name) => Number(query[name] ?? 0));
    fill(this.#field("width"), choicesOf(widths, width), width);
    fill(this.#field("compare"), choicesOf(widths.filter((each) => each !== width), compare, [[0, "None"]]), compare);
    fill(this.#field("width_high"), choicesOf(highs, high), high);
    if (high !== width) part(this.#root, "wings").open = true;
    for (const group of this.#root.querySelectorAll("[data-choice]")) {
      for (const button of group.querySelectorAll("button")) {
        const isChosen = button.value === (query[group.dataset.choice] ?? group.querySelector("button").value);
        button.setAttribute("aria-checked", String(isChosen));
        button.tabIndex = isChosen ? 0 : -1;
      }
    }
  }

  /** Typed fields, except the one that is being typed into. */
  #values() {
    const { query } = this.#plan;
    const texts = { center: query.center === undefined ? "" : strike(Number(query.center)), quantity: query.quantity ?? "1", fees: query.fees === undefined ? "" : Number(query.fees).toFixed(2) };
    for (const [name, text] of Object.entries(texts)) {
      const input = this.#field(name);
      if (document.activeElement !== input && input.value !== text) input.value = text;
    }
  }

  #facts() {
    const plan = this.#plan;
    setText(part(this.#root, "spot"), price(plan.spot));
    const moved = plan.change_percent;
    const box = part(this.#root, "change");
    setText(box, known(moved) ? `${moved > 0 ? "▲ " : moved < 0 ? "▼ " : ""}${percent(moved)}` : "");
    box.className = `live-data ${moved > 0 ? "up" : moved < 0 ? "down" : "flat"}`;
    box.title = "Against the previous close";
    const note = part(this.#root, "note");
    note.hidden = !plan.note;
    setText(note, plan.note ?? "");
    setText(part(this.#root, "steps"), plan.steps ? `Listed strikes only, ${plan.steps}.` : "Listed strikes only.");
    setText(part(this.#root, "side-text"), plan.chosen?.side_text ?? "");
    const basis = { parity: "Forward by parity", rates: "Forward by rates", spot_frozen: "Forward, spot frozen" };
    setText(part(this.#root, "forward-label"), basis[plan.forward_basis] ?? "Forward");
    setText(part(this.#root, "forward"), price(plan.forward));
    setText(part(this.#root, "atm-iv"), fraction(plan.atm_iv));
    setText(part(this.#root, "straddle"), known(plan.straddle) ? `±${tenth(plan.straddle)}` : "–");
    setText(part(this.#root, "sigma"), known(plan.sigma) ? `±${tenth(plan.sigma)}` : "–");
    setText(part(this.#root, "summary"), `${plan.symbol} ${strike(Number(plan.query.center))} ±${strike(Number(plan.query.width))} · Change`);
    this.#presets(plan);
  }

  #presets({ presets, query }) {
    const box = part(this.#root, "presets");
    const shown = presets.filter((each) => known(each.strike));
    const key = shown.map((each) => `${each.name} ${each.strike}`).join();
    if (box.dataset.key !== key) {
      box.dataset.key = key;
      box.replaceChildren(...shown.map((each) => h("button", { type: "button", class: "button", dataset: { strike: String(each.strike) }, onclick: () => this.#ask({ center: String(each.strike) }) }, `${each.name} ${strike(each.strike)}`)));
    }
    for (const button of box.children) button.setAttribute("aria-pressed", String(Number(button.dataset.strike) === Number(query.center)));
    shown.forEach((each, at) => { box.children[at].title = `Nearest listed strike to ${price(each.level)}`; });
  }

  /** What moves with the clock: seconds since the plan came, market time now in ms. */
  tick(elapsed, now) {
    const plan = this.#plan;
    if (!plan) return;
    setText(part(this.#root, "spot-age"), known(plan.spot_age) ? age(plan.spot_age + elapsed) : "");
    setText(part(this.#root, "left"), plan.expiry && now !== null ? leftText((plan.expiry.settles_ms - now) / 1000) : "");
  }
}
