// What a person decides: did it arrive, send again, which size, replay, pause, dry mode.

import { ApiError, get, post } from "../api.js";
import { ask, openDialog } from "../dialog.js";
import { display } from "../display.js";
import { h } from "../dom.js";
import { age, clock, count, countdown, price } from "../format.js";
import { toast } from "../toast.js";
import { legsOf, resumePlan, some, stateOf } from "./words.js";

const TREE_MS = 15000;
const known = (value) => typeof value === "number" && Number.isFinite(value);
const portOf = (target) => String(target ?? "").replace(/^.*:/, "");

export class Questions {
  #tree = null;
  #treeAt = -Infinity;
  #open = null; // {id, delivery, dialog, rows, late}

  /** wall() is the server's real time; row(id) the newest row; done(id) after a decision. */
  constructor({ wall, row, done }) {
    Object.assign(this, { wall, row, done });
    setInterval(() => this.#open?.draw(), 1000);
  }

  /** The routing tree, or null where it cannot be had: it only adds words. */
  async routing() {
    if (performance.now() - this.#treeAt < TREE_MS) return this.#tree;
    this.#tree = await get("/api/routing").catch(() => null);
    this.#treeAt = performance.now();
    return this.#tree;
  }

  #tickers(name) {
    return (this.#tree?.strategies ?? []).flatMap((each) => each.tickers).filter((each) => each.name === name);
  }

  /** Seconds an open and a close stay fresh, or null. */
  #fresh(name) {
    const options = this.#tickers(name)[0]?.effective;
    return options ? { open: Number(options.fresh_open_s), close: Number(options.fresh_close_s) } : null;
  }

  /** Whether a listener remembers ids, in words. */
  #remembers(name, port) {
    const ports = this.#tickers(name).flatMap((each) => each.ports).filter((each) => String(each.port) === String(port));
    return ports.length ? (ports.some((each) => !each.idempotent) ? "no" : "yes") : "unknown";
  }

  #freshText(row, leg) {
    const limit = this.#fresh(row.ticker)?.[leg];
    if (!known(limit)) return row.question?.late ? "no longer" : "unknown";
    const until = row.received_ms + limit * 1000;
    const left = (until - this.wall()) / 1000;
    const at = clock(until, display.time_zone);
    return left > 0 ? `${at}, in ${left < 60 ? `${Math.ceil(left)} s` : countdown(left)}` : `${at}, ${age(-left)} ago`;
  }

  /** A row that just changed: an open dialog about it may be settled. */
  took(row) {
    const open = this.#open;
    if (!open || open.id !== row.id) return;
    if (open.isOver(row)) {
      open.dialog.settle(`Settled meanwhile: ${stateOf(row)}.`);
      this.#open = null;
    } else open.draw();
  }

  /** A dialog about one alert whose lines keep up with it. */
  async #about(row, words, isOver) {
    const rows = () => words.rows(this.row(row.id) ?? row);
    const dialog = ask({ ...words, rows: rows() });
    const open = { id: row.id, dialog, isOver, draw: () => dialog.update(rows()) };
    this.#open = open;
    const yes = await dialog;
    if (this.#open === open) this.#open = null;
    return yes;
  }

  /** Send a decision; a server that wants the late order confirmed is asked again with the tick. */
  async #decide(row, body) {
    try {
      await post(`/api/alerts/${encodeURIComponent(row.id)}/decide`, body);
      this.done(row.id);
      return null;
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      if (problem.field === "confirm_late" && !body.confirm_late) {
        const yes = await ask({
          title: `Send ${row.ticker} although it is late?`, sentence: problem.message,
          rows: [["Received", `${clock(row.received_ms, display.time_zone)}, ${age((this.wall() - row.received_ms) / 1000)} ago`]],
          risky: "Send it", safe: "Do not send", tick: "The price may have moved: send it anyway",
        });
        return yes ? this.#decide(row, { ...body, confirm_late: true }) : null;
      }
      if (problem.field !== "qty") toast(problem.message, { kind: "warning" });
      return problem;
    }
  }

  /** A person saw the order at NinjaTrader. */
  arrived(row) {
    return this.#decide(row, { delivery: row.question.delivery, decision: "arrived" });
  }

  /** Send an order that may be there already. */
  async sendAgain(row) {
    await this.routing();
    const { question } = row;
    const leg = row.targets.find((each) => each.delivery === question.delivery)?.leg ?? "open";
    const size = question.qty ?? row.qty;
    const isOpen = leg === "open";
    const late = question.late;
    const yes = await this.#about(row, {
      title: `Send ${row.ticker} ${row.sent_as} again?`,
      sentence: isOpen ? `${question.text} If it did arrive, this opens a second position.` : `${question.text} A second close of a flat position is normally harmless.`,
      rows: (now) => [
        ["Order", `${row.action} ${known(size) ? count(size) : "?"} ${row.ticker}${known(row.price) ? ` at ${price(row.price)}` : ""}`],
        [isOpen ? "Exposure if both arrive" : "Closed if both arrive", known(size) ? `${some(size * 2, "contract")}, ${count(size)} of them unwanted` : "unknown: the size is not known"],
        ["Alert is fresh until", this.#freshText(now, leg)],
        ["Listener remembers ids", this.#remembers(row.ticker, question.port)],
      ],
      risky: "Send again", safe: "Do not send",
      tick: late ? "I looked at NinjaTrader: it is not there. Send it although it is late" : "I looked at NinjaTrader: it is not there",
    }, (now) => now.question?.delivery !== question.delivery);
    if (yes) await this.#decide(row, { delivery: question.delivery, decision: "send", confirm_late: Boolean(late) });
  }

  /** Send an open that was held: its size is known now. Answers a sentence for the field, or null. */
  async sendSize(row, text) {
    const size = Number(text);
    if (!Number.isInteger(size) || size < 1 || size > 10000 || !String(text).trim()) return "A whole number, 1 to 10,000.";
    const problem = await this.#decide(row, { delivery: row.question.delivery, decision: "send", qty: size });
    return problem?.field === "qty" ? problem.message : null;
  }

  /** Send an open whose close was not delivered. */
  async sendOpen(row) {
    await this.routing();
    const { question } = row;
    const size = question.qty ?? row.qty;
    const yes = await this.#about(row, {
      title: `Open ${row.ticker} although its close was not delivered?`,
      sentence: `${question.text} If the old position is still there, this opens another one beside it.`,
      rows: (now) => [
        ["Order", `${row.action} ${known(size) ? count(size) : "?"} ${row.ticker}${known(row.price) ? ` at ${price(row.price)}` : ""}`],
        ["Port", portOf(question.port)],
        ["Alert is fresh until", this.#freshText(now, "open")],
      ],
      risky: "Send the open", safe: "Do not send",
      tick: question.late ? "I looked at NinjaTrader: the old position is closed. Send it although it is late" : "I looked at NinjaTrader: the old position is closed",
    }, (now) => now.question?.delivery !== question.delivery);
    if (yes) await this.#decide(row, { delivery: question.delivery, decision: "send", qty: known(question.qty) ? question.qty : undefined, confirm_late: Boolean(question.late) });
  }

  /** Take a held alert out of its window; it can be replayed. */
  async cancel(row) {
    try {
      await post(`/api/alerts/${encodeURIComponent(row.id)}/cancel`);
      this.done(row.id);
      toast(`${row.ticker} ${row.sent_as} cancelled`);
    } catch (problem) {
      toast(problem.message, { kind: "warning" });
    }
  }

  async acknowledge(ids) {
    try {
      await post("/api/alerts/acknowledge", { ids });
      toast(`${some(ids.length, "alert")} acknowledged`);
      for (const id of ids) this.done(id);
    } catch (problem) {
      toast(problem.message, { kind: "warning" });
    }
  }

  /** Replay these alerts, or all failed ones of a span of time; asks for the way. */
  async replay(rows, position = null) {
    await this.routing();
    const oldest = Math.max(...rows.map((row) => (this.wall() - row.received_ms) / 1000));
    const isLate = rows.some((row) => legsOf(row).some((leg) => (this.wall() - row.received_ms) / 1000 > (this.#fresh(row.ticker)?.[leg] ?? Infinity)));
    const [first] = rows;
    const one = rows.length === 1;
    const remembers = new Set(rows.flatMap((row) => row.targets.map((each) => this.#remembers(row.ticker, each.port))));
    const lines = [
      [one ? "Order" : "Orders", one ? `${first.sent_as || first.action || "unknown"}${known(first.qty) ? `, ${some(first.qty, "contract")}` : ""}` : rows.slice(0, 3).map((row) => `${row.ticker} ${row.sent_as ?? ""}`).join(", ") + (rows.length > 3 ? ` and ${rows.length - 3} more` : "")],
      [one ? "Age" : "Oldest", age(oldest)],
      ["State now", one ? stateOf(first) : [...new Set(rows.map(stateOf))].join(", ")],
      ...(one ? [["Position, as alerts said", position ?? "unknown"]] : []),
      ["Listener remembers ids", remembers.size === 1 ? [...remembers][0] : remembers.size ? "some do" : "unknown"],
    ];
    const title = one ? `Replay ${first.ticker ?? "this alert"} ${first.sent_as ?? ""}`.trimEnd() + "?" : `Replay ${rows.length} alerts?`;
    await this.#replayDialog(title, lines, isLate, { ids: rows.map((row) => row.id) });
  }

  async #replayDialog(title, lines, isLate, what) {
    const late = h("input", { type: "checkbox", class: "check" });
    const again = h("input", { type: "checkbox", class: "check" });
    const lateLine = h("label", { class: "tick", hidden: !isLate }, late, h("span", {}, "Send although it is older than its freshness limit"));
    const againLine = h("label", { class: "tick", hidden: true }, again, h("span", {}, "I looked at NinjaTrader: it is not there"));
    const help = h("p", { class: "help" });
    const problem = h("p", { class: "field-error", role: "alert" });
    const radio = (value, text) => h("label", { class: "tick" }, h("input", { type: "radio", name: "mode", value, class: "check", checked: value === "same", onchange: () => draw() }), h("span", {}, text));
    const modes = h("fieldset", { class: "modes" }, h("legend", { class: "visually-hidden" }, "Way of the replay"),
      radio("same", "Same key: a listener that remembers ids acts once"), radio("as_new", "As a new order: every listener acts again"));
    const go = h("button", { type: "button", class: "button risky" }, "Replay");
    const stay = h("button", { type: "button", class: "button" }, "Do not send");
    const list = h("dl", { class: "consequences" }, lines.map(([label, text]) => h("div", {}, h("dt", {}, label), h("dd", {}, text))));
    const dialog = openDialog(title, [list, modes, help, againLine, lateLine, problem, h("div", { class: "actions" }, go, stay)], { role: "alertdialog" });
    const mode = () => modes.querySelector("input:checked").value;
    const draw = () => {
      const isNew = mode() === "as_new";
      againLine.hidden = !isNew;
      go.textContent = isNew ? "Send as new" : "Replay";
      help.textContent = isNew ? "A new key goes out: an order that is there already would be doubled." : "Safe to repeat where the listener remembers ids; elsewhere it is sent like new.";
      go.disabled = (isNew && !again.checked) || (!lateLine.hidden && !late.checked);
    };
    for (const box of [late, again]) box.addEventListener("change", draw);
    stay.addEventListener("click", () => dialog.close(false));
    go.addEventListener("click", async () => {
      go.disabled = true;
      try {
        const answer = await post("/api/alerts/replay", { ...what, mode: mode(), confirm_late: late.checked });
        dialog.close(true);
        this.#replayed(answer);
      } catch (error) {
        if (error.field === "confirm_late") lateLine.hidden = false;
        problem.textContent = error.message;
        draw();
      }
    });
    draw();
    stay.focus();
    await dialog.done;
  }

  #replayed({ replayed, refused = [] }) {
    const no = refused.length ? `, ${refused.length} refused: ${refused[0].reason}` : "";
    toast(`${some(replayed ?? 0, "alert")} replayed${no}`, { kind: refused.length ? "warning" : "info" });
    this.done(null);
  }

  /** Replay all that failed between two moments for one target. */
  async replaySpan(targets) {
    const now = this.wall();
    const local = (ms) => new Date(ms - new Date(ms).getTimezoneOffset() * 60000).toISOString().slice(0, 16);
    const from = h("input", { class: "input", type: "datetime-local", id: "span-from", value: local(now - 3600000) });
    const to = h("input", { class: "input", type: "datetime-local", id: "span-to", value: local(now) });
    const target = h("select", { class: "select", id: "span-target" }, h("option", { value: "" }, "every target"), targets.map((each) => h("option", { value: each }, each)));
    const problem = h("p", { class: "field-error", role: "alert" });
    const go = h("button", { type: "button", class: "button risky" }, "Continue…");
    const stay = h("button", { type: "button", class: "button" }, "Do not send");
    const field = (label, control) => h("div", { class: "field" }, h("label", { class: "label", for: control.id }, label), control);
    const dialog = openDialog("Replay what failed between two moments?", [
      h("p", {}, "Times of this computer. Alerts that were delivered stay as they are."),
      h("div", { class: "span-fields" }, field("From", from), field("To", to), field("Target", target)), problem,
      h("div", { class: "actions" }, go, stay),
    ], { role: "alertdialog" });
    stay.addEventListener("click", () => dialog.close(false));
    go.addEventListener("click", () => {
      const [start, end] = [Date.parse(from.value), Date.parse(to.value)];
      if (!known(start) || !known(end) || start >= end) {
        problem.textContent = "From must be before To.";
        return;
      }
      dialog.close({ from_ms: start, to_ms: end, target: target.value });
    });
    stay.focus();
    const span = await dialog.done;
    if (!span) return;
    const lines = [["From", new Date(span.from_ms).toLocaleString("en-GB")], ["To", new Date(span.to_ms).toLocaleString("en-GB")], ["Target", span.target || "every target"]];
    await this.#replayDialog("Replay all that failed in this span?", lines, true, { between: { from_ms: span.from_ms, to_ms: span.to_ms }, ...(span.target ? { target: span.target } : {}) });
  }

  /** Stop or go on forwarding; stopping never asks. */
  async pause(numbers) {
    if (!numbers.paused) return this.#switch("/api/alerts/pause", { paused: true }, "Forwarding is paused: alerts are held");
    const plan = await this.#resumePlan();
    const sent = plan ? plan.closes + plan.opens : null;
    const yes = await ask({
      title: `Resume, ${count(numbers.waiting)} held?`,
      sentence: "Closes are sent first. Opens past their freshness limit expire.",
      rows: [
        ["Sent now", plan ? (sent ? [plan.closes && some(plan.closes, "close"), plan.opens && some(plan.opens, "open")].filter(Boolean).join(", ") : "nothing") : "unknown"],
        ["Expire", plan ? (plan.expired ? `${some(plan.expired, "order")}, oldest ${age(plan.oldest)}` : "none") : "unknown"],
        ...(plan?.unknown ? [["Limit not known for", some(plan.unknown, "order")]] : []),
        ["Undo", "none, orders are sent"],
      ],
      risky: sent ? `Resume and send ${count(sent)}${plan.partial ? " or more" : ""}` : "Resume", safe: "Stay paused",
    });
    return yes ? this.#switch("/api/alerts/pause", { paused: false }, "Forwarding goes on") : false;
  }

  async #resumePlan() {
    const [held, released] = await Promise.all(["held", "released"].map((state) => get(`/api/alerts?state=${state}&limit=50`).catch(() => null)));
    if (!held || !released) return null;
    await this.routing();
    const plan = resumePlan([...held.rows, ...released.rows], (name) => this.#fresh(name), this.wall());
    return { ...plan, partial: Boolean(held.more || released.more) };
  }

  /** Dry mode; leaving it asks, because orders go out from then on. */
  async dry(numbers) {
    if (numbers.dry) {
      const yes = await ask({
        title: "Switch dry mode off?", sentence: "Alerts will be forwarded to NinjaTrader from now on.",
        rows: [["Now", "Dry: recorded, not sent"], ["Waiting alerts", known(numbers.waiting) ? count(numbers.waiting) : "unknown"], ["Forwarding", numbers.paused ? "paused, nothing is sent before it is resumed" : "on"]],
        risky: "Forward orders", safe: "Stay in dry mode",
      });
      if (!yes) return false;
    }
    return this.#switch("/api/alerts/dry", { dry: !numbers.dry }, numbers.dry ? "Orders are forwarded" : "Dry mode: orders are recorded, not sent");
  }

  async #switch(url, body, words) {
    try {
      await post(url, body);
      toast(words);
      this.done(null);
      return true;
    } catch (problem) {
      toast(problem.message, { kind: "warning" });
      return false;
    }
  }
}
