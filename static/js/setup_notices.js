// The notices of /setup: targets with their tests, rules, quiet hours, the log of deliveries.

import { get, post } from "./api.js";
import { age, milliseconds, minute } from "./format.js";
import { display } from "./display.js";
import { h, mark, part, setText } from "./dom.js";
import { openMenu } from "./menu.js";
import { permission } from "./notices.js";

const POLL_MS = 5000;
const RULES = [
  ["orb", "Opening range", "Price breaks out of it", "opening range"],
  ["level", "Walls", "Price crosses a call or put wall", "walls"],
  ["flip", "Zero gamma", "Price crosses it", "zero gamma"],
  ["wall", "Wall shift", "A wall stands at another strike for a minute", "wall shift"],
  ["signal", "Signals", "The strategy signals, on paper", "signals"],
  ["event", "Events", "A US release or speech is near", "events"],
  ["source", "Sources", "One is down for half a minute, and when it is back", "sources"],
  ["router", "Alert router", "An alert needs somebody", "router"],
];
const KINDS = [...RULES.map(([kind, label, , short]) => [kind, label, short]), ["summary", "Daily summary", "summary"]];
const STATES = { ready: "fresh", off: "off", refused: "down", broken: "down", demo: "off", unset: "off" };
const BECAME = {
  held: ["off", "waits for a digest"], waiting: ["late", "waits"], sent: ["fresh", "sent"], failed: ["down", "not sent"],
  expired: ["down", "too old, given up"], gathered: ["fresh", "in a digest"],
};
const WHAT = { notice: "notice", digest: "digest", summary: "summary", test: "test" };

/** A number of a list, chosen; what is set but not in the list is added. */
function choose(draft, path, label, numbers, text) {
  const box = h("select", { class: "select", "aria-label": label, onchange: () => draft.set(path, Number(box.value)) });
  return {
    box,
    draw() {
      const now = draft.get(path);
      const all = [...new Set([...numbers, now])].sort((one, other) => one - other);
      if (box.options.length !== all.length) box.replaceChildren(...all.map((each) => h("option", { value: String(each) }, text(each))));
      box.value = String(now);
    },
  };
}

function flag(draft, path, label) {
  const box = h("input", { type: "checkbox", class: "switch", role: "switch", "aria-label": label, onchange: () => draft.set(path, box.checked) });
  return { box, draw() { box.checked = Boolean(draft.get(path)); } };
}

/** A time of day as 24 hours, whatever the browser's language. */
function time(draft, path, label, error) {
  const box = h("input", {
    class: "input time", "aria-label": label, inputmode: "numeric", maxlength: "5", autocomplete: "off", spellcheck: "false",
    onchange: () => {
      const [, hour, minutes] = /^([01]?\d|2[0-3])[:.]?([0-5]\d)$/.exec(box.value.trim()) ?? [];
      setText(error, hour === undefined ? "A time like 09:55." : "");
      if (hour === undefined) box.setAttribute("aria-invalid", "true");
      else { box.removeAttribute("aria-invalid"); draft.set(path, `${hour.padStart(2, "0")}:${minutes}`); box.value = draft.get(path); }
    },
  });
  return { box, draw() { if (box.getAttribute("aria-invalid") !== "true") box.value = draft.get(path); } };
}

const ago = (iso) => `${age(Math.max(0, Date.now() - Date.parse(iso)) / 1000)} ago`;

export class NoticeSettings {
  #draft;
  #root = document.getElementById("notices");
  #drawn = [];
  #targets = [];
  #busy = new Map(); // target -> words while its test runs, or what became of it

  constructor(draft) {
    this.#draft = draft;
    this.#buildRules();
    this.#buildLimits();
    draft.onChange(() => this.draw());
    this.draw();
    this.refresh();
    setInterval(() => { if (!document.hidden) this.refresh(); }, POLL_MS);
  }

  #take(field) {
    this.#drawn.push(field);
    return field.box;
  }

  #buildRules() {
    const draft = this.#draft;
    const more = {
      event: [
        this.#take(choose(draft, "notices.event_minutes", "Minutes before an event", [5, 10, 15, 30, 60], (each) => `${each} min before`)),
        this.#impact(),
      ],
      level: [this.#take(choose(draft, "notices.band", "How far past a level counts", [0.02, 0.05, 0.1, 0.25], (each) => `${each}% past it`))],
      flip: [h("span", { class: "help" }, "same distance")],
    };
    part(this.#root, "notice-rules").replaceChildren(...RULES.map(([rule, label, text]) => h("tr", { dataset: { field: `notices.rules.${rule}` } },
      h("td", {}, this.#take(flag(draft, `notices.rules.${rule}`, label))),
      h("td", {}, h("div", {}, label), h("div", { class: "help" }, text)),
      h("td", {}, h("div", { class: "when" }, more[rule] ?? [])))));
  }

  #impact() {
    const draft = this.#draft;
    const box = h("select", { class: "select", "aria-label": "Impact", onchange: () => draft.set("notices.event_impact", box.value) },
      h("option", { value: "high" }, "high impact"), h("option", { value: "medium" }, "medium and high"));
    return this.#take({ box, draw() { box.value = draft.get("notices.event_impact"); } });
  }

  #buildLimits() {
    const draft = this.#draft;
    const error = h("p", { class: "field-error", role: "alert", dataset: { error: "notices" } });
    const row = (field, name, ...parts) => h("div", { class: "notice-row", dataset: { field } }, name, h("div", { class: "when" }, parts));
    const line = (path, label) => h("label", { class: "inline-switch strong" }, this.#take(flag(draft, path, label)), label);
    part(this.#root, "notice-limits").replaceChildren(
      row("notices.quiet", line("notices.quiet.enabled", "Quiet hours"),
        h("span", {}, "from"), this.#take(time(draft, "notices.quiet.start", "Quiet from", error)), h("span", {}, "to"),
        this.#take(time(draft, "notices.quiet.end", "Quiet to", error)), h("span", {}, "New York"),
        h("label", {}, this.#check("notices.quiet.urgent"), "urgent ones pass")),
      row("notices.per_hour", h("span", { class: "strong" }, "At most"),
        this.#take(choose(draft, "notices.per_hour", "Notices an hour", [5, 10, 20, 50, 100], (each) => `${each} an hour`)), h("span", {}, "to a target, the rest as one digest"),
        this.#take(choose(draft, "notices.digest", "Minutes between digests", [15, 30, 60, 120], (each) => `every ${each} min`))),
      row("notices.cooldown", h("span", { class: "strong" }, "The same again"),
        this.#take(choose(draft, "notices.cooldown", "Minutes between two of the same", [5, 15, 30, 60], (each) => `after ${each} min`)), h("span", {}, "at the earliest")),
      row("notices.summary", line("notices.summary.enabled", "Daily summary"),
        h("span", {}, "at"), this.#take(time(draft, "notices.summary.time", "Time of the summary", error)), h("span", {}, "New York, on trading days"),
        h("button", { type: "button", class: "button", dataset: { write: "" }, onclick: (event) => this.#summaryMenu(event.currentTarget) }, "Send now…")),
      error,
    );
  }

  #check(path) {
    const box = h("input", { type: "checkbox", class: "check", onchange: () => this.#draft.set(path, box.checked) });
    return this.#take({ box, draw: () => { box.checked = Boolean(this.#draft.get(path)); } });
  }

  #summaryMenu(anchor) {
    const usable = this.#targets.filter((each) => !["unset", "broken"].includes(each.state));
    openMenu(anchor, usable.map((each) => ({ label: each.label, hint: each.detail, run: () => this.#test(each.name, "summary") })), "Send today's summary to");
  }

  /** Show the draft. */
  draw() {
    for (const field of this.#drawn) field.draw();
    this.#drawTargets();
  }

  /** Ask what became of things. */
  async refresh() {
    try {
      const answer = await get("/api/notices");
      this.#targets = answer.targets;
      this.#drawTargets();
      this.#drawLog(answer.deliveries);
      setText(part(this.#root, "notice-quiet"), answer.quiet ? "quiet hours now" : "");
    } catch (problem) {
      setText(part(this.#root, "notice-quiet"), problem.message);
    }
  }

  #drawTargets() {
    const body = part(this.#root, "notice-targets");
    const rows = this.#targets.map((each) => this.#target(each));
    const key = JSON.stringify([this.#targets.map(({ last, ...rest }) => [rest, Object.entries(last).map(([name, one]) => [name, one.seq])]),
      this.#draft.now.notices.off, this.#draft.now.notices.skip, [...this.#busy], permission()]);
    if (body.dataset.key === key) return; // the button under the pointer stays the same one
    const focus = body.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    body.dataset.key = key;
    body.replaceChildren(...rows);
    if (focus) body.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
  }

  #target(target) {
    const { name, label, detail, state, problem } = target;
    const isThere = !["unset", "broken"].includes(state);
    const isOn = isThere && !this.#draft.now.notices.off.includes(name);
    const box = h("input", {
      type: "checkbox", class: "switch", role: "switch", "aria-label": label, checked: isOn, disabled: !isThere, dataset: { key: `${name} on` },
      onchange: () => this.#toggle("off", name, !box.checked),
    });
    const events = h("button", { type: "button", class: "button", disabled: !isThere, dataset: { key: `${name} events` }, onclick: () => this.#eventsMenu(events, name) }, this.#eventsText(name));
    const test = h("button", {
      type: "button", class: "button", dataset: { write: "", key: `${name} test` }, disabled: !isThere || this.#busy.get(name)?.running,
      onclick: () => this.#test(name, "test"),
    }, this.#busy.get(name)?.running ? "Sending…" : "Send test");
    const why = name === "browser" ? browserText() : problem ?? detail;
    return h("tr", { dataset: { target: name } }, h("td", {}, box),
      h("td", {}, h("div", { class: isOn ? "" : "is-off" }, label), h("div", { class: state === "broken" || state === "refused" ? "help err-text" : "help" }, why, problem && detail ? ` ${detail}` : "")),
      h("td", {}, isThere ? events : null),
      h("td", {}, this.#said(target)), h("td", {}, isThere ? test : null));
  }

  #said({ name, state, waiting, held, last }) {
    const busy = this.#busy.get(name);
    if (busy && !busy.running) return h("div", { class: "now" }, mark(busy.ok ? "fresh" : "down"), h("span", { role: "status" }, busy.text));
    const lines = [];
    if (last.test) lines.push([last.test.state === "sent" ? "fresh" : "down", last.test.state === "sent" ? `test sent in ${milliseconds(last.test.seconds * 1000)}, ${ago(last.test.done)}` : `test: ${last.test.error}`]);
    if (last.sent && last.sent.seq !== last.test?.seq) lines.push(["fresh", `last sent ${ago(last.sent.done)}`]);
    if (waiting) lines.push(["late", `${waiting} on the way`]);
    if (held) lines.push(["off", `${held} held for a digest`]);
    if (!lines.length && !["unset", "broken"].includes(state)) lines.push([state === "ready" ? "off" : STATES[state], name === "browser" ? "" : "not tested"]);
    return lines.filter(([, text]) => text).map(([kind, text]) => h("div", { class: "now" }, mark(kind), h("span", {}, text)));
  }

  #toggle(list, entry, isIn) {
    const before = this.#draft.now.notices[list];
    this.#draft.set(`notices.${list}`, isIn ? [...before.filter((each) => each !== entry), entry] : before.filter((each) => each !== entry));
  }

  #wants(name, kind) {
    return !this.#draft.now.notices.skip.includes(`${name}:${kind}`);
  }

  #eventsText(name) {
    const wanted = KINDS.filter(([kind]) => this.#wants(name, kind));
    if (wanted.length === KINDS.length) return "everything";
    if (!wanted.length) return "nothing";
    return wanted.length > 3 ? `${wanted.length} of ${KINDS.length} kinds` : wanted.map(([, , short]) => short).join(", ");
  }

  #eventsMenu(anchor, name) {
    openMenu(anchor, KINDS.map(([kind, label]) => ({
      label, checked: this.#wants(name, kind), run: (checked) => this.#toggle("skip", `${name}:${kind}`, !checked),
    })), `What ${name} is sent`);
  }

  async #test(name, kind) {
    this.#busy.set(name, { running: true });
    this.#drawTargets();
    try {
      const { ok, text } = await post("/api/notices/test", { target: name, kind });
      this.#busy.set(name, { ok, text });
    } catch (problem) {
      this.#busy.set(name, { ok: false, text: problem.message });
    }
    this.#drawTargets();
    this.refresh();
  }

  #drawLog(deliveries) {
    const body = part(this.#root, "notice-log");
    setText(part(this.#root, "notice-log-count"), deliveries.length ? `${deliveries.length} newest` : "nothing was sent yet");
    const zone = display.time_zone;
    body.replaceChildren(...deliveries.map((each) => {
      const [kind, words] = BECAME[each.state] ?? ["off", each.state];
      const how = [words];
      if (each.seconds !== null && each.state === "sent") how.push(milliseconds(each.seconds * 1000));
      if (each.attempts > 1) how.push(`${each.attempts} attempts`);
      if (each.error) how.push(each.error);
      return h("tr", {}, h("td", {}, minute(Date.parse(each.made), zone)), h("td", {}, each.target),
        h("td", {}, h("span", { class: "soft" }, `${WHAT[each.kind] ?? each.kind} `), each.title),
        h("td", {}, h("div", { class: "now" }, mark(kind), h("span", {}, how.join(", ")))));
    }));
  }
}

function browserText() {
  return {
    granted: "List, toast, sound, and desktop notices while this tab is hidden.",
    denied: "List, toast and sound. Desktop notices are blocked for this address in the browser.",
    default: "List, toast and sound. Allow desktop notices at the bell in the header.",
    none: "List, toast and sound. Browsers allow desktop notices on localhost and over https.",
  }[permission()];
}
