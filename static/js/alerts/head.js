// What stands above the list: the pause button, dry mode, metrics, guards and what is wrong.

import { display } from "../display.js";
import { h, part, setText } from "../dom.js";
import { DASH, clock, count, countdown } from "../format.js";
import { metrics, some } from "./words.js";

const ALARM = "The queue is long: alerts arrive faster than they can be delivered.";

export class Head {
  #page;
  #numbers = null;
  #at = 0;
  #key = "";

  constructor(page, { wall }) {
    this.#page = page;
    this.wall = wall;
    setInterval(() => { if (this.#numbers && !document.hidden) this.#drawMetrics(); }, 1000);
    new ResizeObserver(([entry]) => {
      document.documentElement.style.setProperty("--header", `${Math.round(entry.target.getBoundingClientRect().height)}px`);
    }).observe(document.querySelector("header.top"));
  }

  take(numbers) {
    this.#numbers = numbers;
    this.#at = performance.now();
    const pause = this.#page.querySelector('[data-action="pause"]');
    pause.disabled = false;
    pause.className = numbers.paused ? "button primary" : "button risky";
    setText(pause, numbers.paused ? `Resume, ${count(numbers.waiting ?? 0)} held` : "Pause forwarding");
    const dry = this.#page.querySelector('[data-action="dry"]');
    dry.disabled = false;
    dry.checked = Boolean(numbers.dry);
    setText(part(this.#page, "dry"), `Dry mode ${numbers.dry ? "on" : "off"}`);
    const dead = part(this.#page, "dead");
    dead.hidden = !numbers.dead;
    setText(dead, count(numbers.dead ?? 0));
    this.#drawMetrics();
    this.#drawNotes();
  }

  #drawMetrics() {
    const elapsed = (performance.now() - this.#at) / 1000;
    for (const [name, text] of Object.entries(metrics(this.#numbers, elapsed))) {
      const item = this.#page.querySelector(`[data-metric="${name}"]`);
      const value = item.querySelector("dd");
      setText(value, text);
      value.className = text === DASH ? "unknown" : name === "waiting" && this.#numbers.queue_alarm ? "warn-text" : "";
    }
  }

  /** Lines that stay as long as what they say: red first, each said once. */
  #drawNotes() {
    const { problems = [], guards = [], breakers = [], queue_alarm: alarm, paused } = this.#numbers;
    const now = this.wall() ?? 0;
    const open = breakers.map((each) => `${each.target} does not answer, next try ${each.next_probe_ms > now ? `at ${clock(each.next_probe_ms, display.time_zone)}, in ${countdown((each.next_probe_ms - now) / 1000)}` : "now"}.`);
    const lines = [
      ...problems.map((text) => ["error", text]),
      ...(paused ? [["warning", `Forwarding is paused: ${some(this.#numbers.waiting ?? 0, "alert")} held, none is dropped.`]] : []),
      ...(alarm ? [["warning", ALARM]] : []),
      ...[...open, ...guards].map((text) => ["warning", text]),
    ];
    const box = part(this.#page, "notes");
    const key = lines.map(([kind, text]) => `${kind} ${text.replace(/\d+/g, "")}`).join("\n");
    if (key === this.#key) {
      lines.forEach(([, text], at) => setText(box.children[at].lastElementChild, text));
      return;
    }
    this.#key = key;
    box.replaceChildren(...lines.map(([kind, text]) => h("div", { class: "line", dataset: { kind }, role: kind === "error" ? "alert" : "status" },
      h("span", { class: "mark", dataset: { mark: kind === "error" ? "down" : "late" } }), h("span", { class: "line-text" }, text))));
  }
}
