// The drawer of one alert: its question first, then what happened, payloads last.

import { ApiError, get } from "../api.js";
import { display } from "../display.js";
import { announce, h } from "../dom.js";
import { DASH, age, count, date } from "../format.js";
import { sign, stateBadge } from "./rows.js";
import { flagText, isDead, reasonText, some, timeMs } from "./words.js";

const AGAIN_MS = 200; // several changes of one alert are one look
const FIXED = new Set(["held", "invalid", "released", "uncertain"]); // not replayed as they are
const shortKey = (key) => (key && key.length > 20 ? `${key.slice(0, 6)}…${key.slice(-4)}` : key);

const mayReplay = (row) => !FIXED.has(row.state) && row.action !== null;
const section = (title, ...content) => h("section", { class: "drawer-part" }, h("h3", {}, title), ...content);

function timeline(events, zone) {
  return h("ol", { class: "timeline" }, events.map((each) => h("li", { class: each.bad ? "bad" : "" },
    h("time", { title: `${date(each.at_ms, "utc")} ${timeMs(each.at_ms, "utc")} UTC` }, timeMs(each.at_ms, zone)), h("span", { class: "dot" }),
    h("span", { class: "what" }, each.text, each.who && each.who !== "router" ? h("span", { class: "muted" }, ` by ${each.who}`) : null),
    h("span", { class: "plus" }, each.plus_ms === null || each.plus_ms === undefined ? "" : each.plus_ms ? `+${count(each.plus_ms)}` : "0 ms"))));
}

function attempts(list, zone) {
  const isSplit = new Set(list.map((each) => each.leg)).size > 1;
  const head = [["#", ""], ["Target", ""], ["Status", ""], ["ms", "num"], ["Answer", ""]];
  return h("table", { class: "attempts" },
    h("thead", {}, h("tr", {}, head.map(([text, kind]) => h("th", { scope: "col", class: kind }, text)))),
    h("tbody", {}, list.map((each) => h("tr", { title: each.at_ms ? `${timeMs(each.at_ms, zone)}` : null },
      h("td", {}, count(each.n)), h("td", {}, each.target, isSplit ? h("span", { class: "muted" }, ` ${each.leg}`) : null),
      h("td", { class: each.http >= 200 && each.http < 300 ? "ok-text" : "err-text" }, each.status), h("td", { class: "num" }, count(each.ms)),
      h("td", { class: "answer", title: each.answer || null }, each.answer || DASH)))));
}

export class Drawer {
  #box;
  #asked = 0;
  #timer = 0;
  #typed = "";

  /** walk(step), place(id) -> text, close() and show(id) belong to the page. */
  constructor(box, { questions, walk, place, close, show }) {
    Object.assign(this, { questions, walk, place, close, show });
    this.#box = box;
    this.id = null;
    this.detail = null;
    this.problem = null;
  }

  /** Show an alert; null closes. */
  open(id, row = null) {
    if (id !== this.id) {
      this.#typed = "";
      this.detail = row ? { row } : null;
    }
    this.id = id;
    this.problem = null;
    this.#box.hidden = id === null;
    if (id === null) {
      this.detail = null;
      return;
    }
    this.draw();
    this.#box.scrollTop = 0;
    this.load();
  }

  /** Take a detail that the page came with. */
  take(detail) {
    this.detail = detail;
    this.draw();
  }

  /** The alert changed: show the row at once, the rest as soon as it is there. */
  changed(row) {
    if (this.detail) this.detail = { ...this.detail, row };
    this.draw();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.load(), AGAIN_MS);
  }

  async load() {
    const { id } = this;
    if (id === null) return;
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const detail = await get(`/api/alerts/${encodeURIComponent(id)}`);
      if (asked !== this.#asked || id !== this.id) return;
      this.problem = null;
      this.take(detail);
    } catch (problem) {
      if (asked !== this.#asked || id !== this.id) return;
      this.problem = problem instanceof ApiError && problem.status === 404 ? "This alert is not in the store any more." : problem.message;
      this.draw();
    }
  }

  draw() {
    const { detail, problem } = this;
    const focus = this.#box.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    const size = this.#box.querySelector('[data-focus="size"]');
    if (size) this.#typed = size.value;
    const parts = [this.#head(detail?.row)];
    if (problem) parts.push(h("p", { class: "drawer-part err-text", role: "alert" }, problem));
    if (detail?.row.question) parts.push(this.#question(detail.row));
    if (detail?.events) parts.push(...this.#history(detail));
    else if (!problem) parts.push(h("p", { class: "drawer-part muted" }, "…"));
    this.#box.replaceChildren(...parts);
    if (focus) this.#box.querySelector(`[data-focus="${focus}"]`)?.focus({ preventScroll: true });
  }

  #head(row) {
    const button = (name, label, text, run) => h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, dataset: { focus: name }, onclick: run }, text);
    return h("div", { class: "drawer-head" }, h("h2", {}, row?.ticker || "Alert"), h("span", { class: "soft" }, row?.sent_as ?? ""), row ? stateBadge(row) : null,
      h("span", { class: "place muted" }, this.place(this.id)),
      button("up", "Newer alert (k)", "▲", () => this.walk(-1)), button("down", "Older alert (j)", "▼", () => this.walk(1)), button("close", "Close", "×", () => this.close()));
  }

  #question(row) {
    const { question } = row;
    const { questions } = this;
    const write = (label, name, run, kind = "button") => h("button", { type: "button", class: kind, dataset: { write: "", focus: name }, onclick: run }, label);
    const titles = { arrived: "Did this order reach NinjaTrader?", size: "How many contracts does the new position have?", close: "The close was not delivered. Open anyway?" };
    const box = h("section", { class: "question", "aria-label": titles[question.kind] }, h("h3", {}, titles[question.kind] ?? "A decision is needed"), h("p", {}, question.text));
    if (question.kind === "arrived") {
      box.append(h("div", { class: "answers" }, write("It arrived", "arrived", () => questions.arrived(row), "button primary"), write("Send again…", "again", () => questions.sendAgain(row))));
    } else if (question.kind === "size") {
      box.append(this.#sizeForm(row));
    } else {
      box.append(h("div", { class: "answers" }, write("Send the open…", "again", () => questions.sendOpen(row))));
    }
    return box;
  }

  #sizeForm(row) {
    const error = h("p", { class: "field-error", id: "size-error", role: "alert" });
    const input = h("input", {
      class: "input", type: "number", min: "1", max: "10000", step: "1", inputmode: "numeric", "aria-label": `Size for port ${row.question.port}`,
      "aria-describedby": "size-error", value: this.#typed || (row.question.qty ? String(row.question.qty) : ""), dataset: { focus: "size" },
    });
    return h("form", {
      class: "answers", novalidate: true, onsubmit: async (event) => {
        event.preventDefault();
        const problem = await this.questions.sendSize(row, input.value);
        error.textContent = problem ?? "";
        input.setAttribute("aria-invalid", String(Boolean(problem)));
      },
    }, input, h("button", { type: "submit", class: "button primary", dataset: { write: "", focus: "send" } }, "Send"), error);
  }

  #history(detail) {
    const zone = display.time_zone;
    const { row, sent = [], events } = detail;
    const parts = [section("What happened", timeline(events, zone))];
    if (row.state === "held" || isDead(row) || mayReplay(row)) parts.push(this.#actions(detail));
    if (detail.attempts?.length) parts.push(section("Attempts", attempts(detail.attempts, zone)));
    for (const each of sent) {
      const leg = new Set(sent.map((one) => one.leg)).size > 1 ? `, ${each.leg}` : "";
      parts.push(section(`Sent to ${sent.length > 1 ? each.target : "the target"}${leg}`, h("pre", { class: "body", tabindex: "0" }, each.body)));
    }
    parts.push(section("Received body, secret masked", h("pre", { class: "body", tabindex: "0" }, detail.body)));
    if (detail.alert) parts.push(h("details", { class: "drawer-part" }, h("summary", {}, "As it was read"), h("pre", { class: "body" }, JSON.stringify(detail.alert, null, 1))));
    parts.push(this.#facts(detail));
    return parts;
  }

  #actions({ row, position }) {
    const { questions } = this;
    const button = (label, name, run) => h("button", { type: "button", class: "button", dataset: { write: "", focus: name }, onclick: run }, label);
    const where = position ? `${position.side}${position.qty ? `, ${some(position.qty, "contract")}` : ""}` : null;
    return h("div", { class: "drawer-part answers" },
      row.state === "held" ? button("Cancel", "cancel", () => questions.cancel(row)) : null,
      mayReplay(row) ? button("Replay…", "replay", () => questions.replay([row], where)) : null,
      isDead(row) && !row.acknowledged ? button("Acknowledge", "acknowledge", () => questions.acknowledge([row.id])) : null,
      row.acknowledged ? h("span", { class: "muted" }, "acknowledged") : null);
  }

  #facts(detail) {
    const { row, links = [], keys, position } = detail;
    const open = (link) => h("button", { type: "button", class: "link", onclick: () => this.show(link.id) }, `${link.kind.replaceAll("_", " ")} ${link.id}`);
    const lines = [
      ["Alert", `#${count(row.seq)} · ${timeMs(detail.wall_ms, "utc")} UTC · from ${detail.source ?? "unknown"}`],
      ["Token", detail.token ?? "none"],
      ["Dedupe keys", `exact ${shortKey(keys?.exact) ?? "none"} · semantic ${keys?.semantic ?? "none"}`],
    ];
    if (row.reason) lines.push(["Reason", reasonText(row.reason)]);
    if (row.flags?.length) lines.push(["Flags", row.flags.map(flagText).join(", ")]);
    if (row.strategies?.length) lines.push(["Strategies", row.strategies.join(", ")]);
    if (position) lines.push(["Position, as alerts said", `${position.side}${position.qty ? `, ${some(position.qty, "contract")}` : ""}${position.at_ms ? `, ${age((this.questions.wall() - position.at_ms) / 1000)} ago` : ""}`]);
    return h("section", { class: "drawer-part" }, h("dl", { class: "facts" }, lines.flatMap(([label, text]) => [h("dt", {}, label), h("dd", {}, text)]),
      links.length ? [h("dt", {}, "Links"), h("dd", {}, links.flatMap((each, at) => (at ? [", ", open(each)] : [open(each)])))] : []));
  }

  /** r: replay what is shown. */
  replay() {
    const { detail } = this;
    if (!detail?.row || !mayReplay(detail.row)) {
      announce("This alert cannot be replayed");
      return;
    }
    const { position } = detail;
    this.questions.replay([detail.row], position ? position.side : null);
  }
}

