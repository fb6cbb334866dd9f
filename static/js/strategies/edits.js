// What changes the tree: add, rename, delete, modes, tests. Each change names the revision it saw.

import { ApiError, post } from "../api.js";
import { ask } from "../dialog.js";
import { announce } from "../dom.js";
import { count } from "../format.js";
import { remember, remembered } from "../store.js";
import { toast } from "../toast.js";
import { askFields } from "./form.js";
import { nameOf } from "./tree.js";
import { lossOf, testText } from "./words.js";

const portOf = (port) => (port.host && port.host !== "localhost" ? port.id : port.port);

export class Edits {
  /** tree() is the newest; took(tree) gets what an edit answers; conflict(text) when it changed meanwhile. */
  constructor({ tree, took, conflict, tested, numbers }) {
    Object.assign(this, { tree, took, conflict, tested, numbers });
  }

  /** One edit; throws what the fields must say, and tells of a conflict. */
  async send(op, params) {
    try {
      const tree = await post("/api/routing/edit", { revision: this.tree().revision, op, ...params });
      this.took(tree);
      return tree;
    } catch (problem) {
      if (problem instanceof ApiError && problem.status === 409) this.conflict(problem.message);
      throw problem;
    }
  }

  /** One edit without a field; answers whether it was done. */
  async edit(op, params) {
    try {
      await this.send(op, params);
      return true;
    } catch (problem) {
      if (problem.status !== 409) toast(problem.message, { kind: "warning" });
      return false;
    }
  }

  /** A strategy, or what comes below a row. */
  async add(node = null) {
    if (!node) {
      return askFields({
        title: "Add strategy", sentence: "It starts switched off: nothing is sent before you switch it on.", action: "Add strategy",
        fields: [{ name: "name", label: "Name", maxlength: "60" }],
        submit: (values) => this.send("add_strategy", values),
      });
    }
    const { strategy } = node.path;
    if (node.level === 1) {
      return askFields({
        title: `Add a ticker to “${strategy}”`, action: "Add ticker",
        fields: [{ name: "name", label: "Ticker", maxlength: "64", placeholder: "NQ_Long_5min", help: "Exactly as the alert says it, capitals count." }],
        submit: ({ name }) => this.send("add_ticker", { strategy, name }),
      });
    }
    const { ticker } = node.path;
    return askFields({
      title: `Add a port to ${ticker}`, action: "Add port",
      fields: [
        { name: "port", label: "Port", inputmode: "numeric", maxlength: "5", help: "Where the NinjaTrader listener listens on this machine, 1024 to 65535.", as: (text) => (/^\s*\d+\s*$/.test(text) ? Number(text) : text) },
        { name: "label", label: "Label", maxlength: "60", placeholder: "NT8 main" },
      ],
      submit: ({ port, label }) => this.send("add_port", { strategy, ticker, port, ...(label.trim() ? { label: label.trim() } : {}) }),
    });
  }

  async rename(node) {
    const { strategy } = node.path;
    if (node.level === 3) {
      return askFields({
        title: `Label of port ${node.port.port}`, action: "Rename", fields: [{ name: "name", label: "Label", value: node.port.label ?? "", maxlength: "60" }],
        submit: ({ name }) => this.send("set_target", { id: node.port.id, name: name.trim() || null }),
      });
    }
    const isTicker = node.level === 2;
    return askFields({
      title: `Rename “${nameOf(node)}”`, action: "Rename", sentence: isTicker ? "Alerts must carry the new name from now on; the old one becomes unrouted unless another strategy lists it." : "",
      fields: [{ name: "to", label: isTicker ? "Ticker" : "Name", value: nameOf(node), maxlength: isTicker ? "64" : "60" }],
      submit: ({ to }) => (isTicker ? this.send("rename_ticker", { strategy, name: node.path.ticker, to }) : this.send("rename_strategy", { name: strategy, to })),
    });
  }

  async remove(node) {
    const kind = ["", "strategy", "ticker", "port"][node.level];
    const { sentence, rows } = lossOf(this.tree(), node.path);
    const yes = await ask({ title: `Delete “${node.level === 3 ? node.port.port : nameOf(node)}”?`, sentence, rows, risky: `Delete ${kind}`, safe: "Keep it" });
    if (!yes) return;
    const { strategy, ticker } = node.path;
    const done = await (node.level === 1 ? this.edit("delete_strategy", { name: strategy })
      : node.level === 2 ? this.edit("delete_ticker", { strategy, name: ticker })
        : this.edit("delete_port", { strategy, ticker, port: portOf(node.port) }));
    if (done) announce(`${nameOf(node)} deleted`);
  }

  /** Live asks once for each strategy, and again while alerts wait. */
  async mode(strategy, mode) {
    if (mode === "live") {
      const waiting = strategy.tickers.flatMap((each) => each.ports).reduce((sum, port) => sum + (port.waiting ?? 0), 0);
      const asked = remembered("strategies.live", []);
      if ((waiting || !asked.includes(strategy.name)) && !await this.#goLive(strategy, waiting)) return;
      remember("strategies.live", [...new Set([...asked, strategy.name])].slice(-200));
    }
    if (await this.edit("set_strategy", { name: strategy.name, mode })) announce(`${strategy.name}: ${mode}`);
  }

  #goLive(strategy, waiting) {
    const now = strategy.mode === "dry" ? "Dry: recorded, not sent" : "Off: nothing is sent";
    const names = strategy.tickers.map((each) => each.name);
    const numbers = this.numbers();
    const above = numbers?.paused ? [["Forwarding", "paused, nothing is sent before it is resumed"]] : numbers?.dry ? [["Forwarding", "dry mode is on, nothing is sent"]] : [];
    return ask({
      title: `Switch “${strategy.name}” to Live?`, sentence: "Alerts will be forwarded to NinjaTrader from now on.",
      rows: [["Now", now], ["Tickers", names.length ? names.join(", ") : "none yet, so nothing is sent"], ["Held alerts", waiting ? `${count(waiting)}, sent when their window ends` : "0, nothing is sent at once"], ...above],
      risky: "Go live", safe: strategy.mode === "dry" ? "Stay in Dry" : "Stay off",
    });
  }

  /** A harmless order to one port; the answer stands beside it until the next test. */
  async test(node) {
    const { strategy, ticker } = node.path;
    this.tested(node, { ok: null, text: "Testing…" });
    try {
      this.tested(node, testText(await post("/api/routing/test", { strategy, ticker, port: node.port.port })));
    } catch (problem) {
      this.tested(node, { ok: false, text: problem.message });
    }
  }

  async pause(strategy) {
    try {
      this.took(await post("/api/routing/pause_today", { strategy: strategy.name }));
      toast(`Opens of ${strategy.name} are paused until ${strategy.resume_at ?? "18:00"} New York`);
    } catch (problem) {
      toast(problem.message, { kind: "warning" });
    }
  }
}
