// The header: mode, market clock, session, next event, sources and the router lamp.

import { age, ageShort, clock as clockText, count, countdown, date, minute, ratio, zoneLabel } from "./format.js";
import { h, mark, part, setText } from "./dom.js";
import { display } from "./display.js";
import { refreshTip, tip } from "./tips.js";

/** The words in the mode chip: LIVE, DEMO, DELAYED 15 MIN, REPLAY ×10, NO FEED. */
export function chipText({ name, detail }) {
  const short = (name === "DELAYED" || name === "REPLAY") && detail && detail.length <= 12;
  return short ? `${name} ${detail}` : name;
}

/** What stands behind a source's name: its age while it is heard, else its state in words. */
export function sourceText(source, elapsed) {
  const { mark: kind, age: at, state, detail } = source;
  if (kind === "fresh" && at !== null) return ageShort(at + elapsed);
  if (kind === "late" && at !== null) return `${ageShort(at + elapsed)}${state && !/live|fresh|late|stale/.test(state) ? `, ${state}` : ""}`;
  if (kind === "down" && at !== null) return age(at + elapsed);
  return state || detail || "unknown";
}

/** A moment of real time in words against now, both Unix milliseconds. */
function ago(ms, now) {
  return `${age(Math.max(0, now - ms) / 1000)} ago`;
}

/** Everything known of a source, one fact a line; now is real time, Unix milliseconds. */
export function sourceFacts(source, elapsed, now) {
  const lines = [`${source.label}: ${source.detail || source.state}`];
  lines.push(`Last message: ${source.age === null ? "none yet" : `${age(source.age + elapsed)} ago`}`);
  if (source.rate !== null && source.rate !== undefined) lines.push(`Rate: ${source.rate >= 10 ? count(source.rate) : ratio(source.rate)} a second`);
  lines.push(`Restarts: ${count(source.restarts)}`);
  lines.push(source.last_error
    ? `Last error: ${source.last_error}${source.last_error_at ? `, ${ago(source.last_error_at, now)}` : ""}`
    : "Last error: none");
  if (source.next_try) lines.push(`Next try: ${nextTry(source.next_try, now)}`);
  return lines.join("\n");
}

/** When a source is tried again, such as "in 0:04"; both are Unix milliseconds of real time. */
export function nextTry(ms, now) {
  return ms <= now ? "now" : `in ${countdown((ms - now) / 1000)}`;
}

/** Age of the freshest price source, for the folded sum. */
function freshest(sources, elapsed) {
  const ages = sources.filter((each) => each.mark === "fresh" && each.age !== null).map((each) => each.age);
  return ages.length ? ageShort(Math.min(...ages) + elapsed) : "";
}

export class Header {
  #root = document;
  #health = null;
  #at = 0;
  #lost = false;
  #elements = new Map();

  constructor(marketClock) {
    this.clock = marketClock;
  }

  /** Take a health report. */
  take(health) {
    this.#health = health;
    this.#at = performance.now();
    this.clock.set(health.clock, this.#at);
    this.draw();
  }

  get health() {
    return this.#health;
  }

  /** The browser lost this server, or has it back. */
  setLost(lost) {
    this.#lost = lost;
    this.draw();
  }

  /** Seconds since the report. Ages of sources are in real time, whatever the market's speed. */
  #elapsed() {
    return (performance.now() - this.#at) / 1000;
  }

  /** Draw everything; called with each report. */
  draw() {
    if (!this.#health) return;
    const { mode } = this.#health;
    for (const chip of this.#root.querySelectorAll('[data-part="chip"]')) {
      setText(chip, this.#lost ? "NO CONNECTION" : chipText(mode));
      chip.dataset.mode = this.#lost ? "NO CONNECTION" : mode.name;
      if (mode.detail && !this.#lost) chip.title = mode.detail;
      else chip.removeAttribute("title");
    }
    const line = document.getElementById("demo-line");
    if (line) {
      line.hidden = mode.name !== "DEMO";
      const seed = mode.seed === null || mode.seed === undefined ? "" : `, seed ${mode.seed}`;
      setText(part(line, "demo"), `Prices are simulated${seed}. No price on this page is real.`);
    }
    const note = document.getElementById("feed-note");
    if (note) {
      note.hidden = !this.#health.feed_note;
      setText(part(note, "feed-note"), this.#health.feed_note ?? "");
    }
    this.#drawRouter();
    this.#drawLoading();
    this.#drawSources();
    this.tick();
    this.#fold(part(this.#root, "sources"));
  }

  /** Draw what moves with the clock; called four times a second. */
  tick() {
    const now = this.clock.now();
    if (now === null) return;
    const zone = display.time_zone;
    for (const element of this.#root.querySelectorAll('[data-part="clock"]')) {
      setText(element, `${clockText(now, zone)} ${zoneLabel(zone)}`);
    }
    this.#drawSession(now);
    this.#drawNext(now, zone);
    this.#drawAges();
    refreshTip();
  }

  #drawSession(now) {
    const box = part(this.#root, "session");
    const { session } = this.#health;
    if (!box || !session) return;
    const left = session.ends_ms === null ? "" : countdown((session.ends_ms - now) / 1000);
    const key = `${session.label}|${session.next_label}`;
    if (box.dataset.key !== key) {
      box.dataset.key = key;
      box.replaceChildren(h("strong", {}, session.label));
      if (left) box.append(` · ${session.next_label} in `, h("b", {}));
      box.title = session.holiday ?? "";
    }
    setText(box.querySelector("b"), left);
  }

  #drawNext(now, zone) {
    const box = part(this.#root, "next");
    if (!box) return;
    const { next_event: event, session } = this.#health;
    box.hidden = !event && !session?.holiday;
    if (!event) {
      setText(box, session?.holiday ?? "");
      return;
    }
    if (!box.querySelector("b")) box.replaceChildren("Next ", h("strong", {}), " ", h("b", {}));
    const left = (event.at_ms - now) / 1000;
    const day = date(event.at_ms, zone);
    setText(box.querySelector("strong"), `${day === date(now, zone) ? "" : `${day.slice(0, 3)} `}${minute(event.at_ms, zone)} ${event.title}`);
    setText(box.querySelector("b"), left > 0 ? `in ${countdown(left)}` : "now");
  }

  /** Sources of the header: one that is switched off says so on /status only. */
  get #sources() {
    return this.#health.sources.filter((each) => each.state !== "off");
  }

  #drawSources() {
    const box = part(this.#root, "sources");
    if (!box) return;
    const sources = this.#sources;
    const names = sources.map((each) => each.name).join(" ");
    if (box.dataset.names !== names) {
      box.dataset.names = names;
      this.#elements.clear();
      box.replaceChildren(...sources.map((source) => this.#sourceElement(source)), this.#sumElement());
    }
    for (const source of sources) {
      const element = this.#elements.get(source.name);
      const kind = this.#lost ? "off" : source.mark;
      element.dataset.mark = kind;
      element.firstChild.dataset.mark = kind;
      setText(element.querySelector("strong"), source.label);
    }
  }

  /** Healthy sources become a sum where the line has no room for all. */
  #fold(box) {
    if (!box) return;
    delete box.dataset.fold;
    const next = part(this.#root, "next");
    const isCut = (element) => element.scrollWidth > element.clientWidth;
    if (innerWidth < 600 || isCut(box.parentElement) || isCut(next)) box.dataset.fold = "some";
  }

  #sourceElement(source) {
    const element = h("span", { class: "source", tabindex: "0", dataset: { name: source.name } },
      h("span", { class: "mark" }), h("strong", {}), " ", h("span", { dataset: { part: "age" } }));
    tip(element, () => {
      const now = this.#health.sources.find((each) => each.name === source.name);
      return now ? sourceFacts(now, this.#elapsed(), this.clock.wall()) : "";
    });
    this.#elements.set(source.name, element);
    return element;
  }

  #sumElement() {
    const element = h("span", { class: "sources-sum", tabindex: "0" }, h("span", { class: "mark" }), h("strong", {}), h("span", {}));
    tip(element, () => this.#sources
      .map((each) => `${each.label}: ${sourceText(each, this.#elapsed())}`).join("\n"));
    this.#elements.set("", element);
    return element;
  }

  #drawAges() {
    const elapsed = this.#elapsed();
    for (const source of this.#sources) {
      const element = this.#elements.get(source.name);
      if (element) setText(part(element, "age"), this.#lost ? "unknown" : sourceText(source, elapsed));
    }
    const sum = this.#elements.get("");
    if (!sum) return;
    this.#drawSum(sum, elapsed);
  }

  /** Healthy sources in one line; on a phone it stands for the sick ones too. */
  #drawSum(sum, elapsed) {
    const used = this.#sources.filter((each) => each.mark !== "off");
    const good = used.filter((each) => each.mark === "fresh");
    const isPhone = innerWidth < 600;
    const worst = used.some((each) => each.mark === "down") ? "down" : good.length < used.length ? "late" : "fresh";
    const shown = isPhone ? worst : "fresh";
    sum.hidden = !isPhone && !good.length && !this.#lost;
    sum.firstChild.dataset.mark = this.#lost || !used.length ? "off" : shown;
    const number = isPhone && good.length < used.length ? `${good.length} of ${used.length}` : String(good.length);
    setText(sum.children[1], `${number} source${number === "1" ? "" : "s"}`);
    setText(sum.children[2], this.#lost ? "unknown" : isPhone ? freshest(used, elapsed) : "ok");
  }

  /** The count at Alerts: only what needs a person, the same number as the lamp's. */
  #drawNeeds(needs) {
    for (const badge of this.#root.querySelectorAll('[data-part="needs"]')) {
      if (badge.hidden === !needs && badge.firstChild?.nodeValue === String(needs)) continue;
      badge.hidden = !needs;
      badge.replaceChildren(...(needs ? [String(needs), h("span", { class: "visually-hidden" }, needs === 1 ? " needs you" : " need you")] : []));
    }
  }

  /** How much of the table's history has come; gone when all of it has. */
  #drawLoading() {
    const box = part(this.#root, "loading");
    if (!box) return;
    const { loading } = this.#health;
    box.hidden = !loading || this.#lost;
    if (!loading) return;
    if (!box.querySelector("b")) box.replaceChildren("loading ", h("b", {}), " symbols", h("progress", { "aria-hidden": "true" }));
    setText(box.querySelector("b"), `${loading.done}/${loading.of}`);
    Object.assign(box.querySelector("progress"), { max: loading.of, value: loading.done });
  }

  #drawRouter() {
    this.#drawNeeds(this.#health.router?.needs ?? 0);
    const box = part(this.#root, "router");
    if (!box) return;
    const { router } = this.#health;
    box.hidden = !router;
    if (!router) return;
    const kind = this.#lost ? "off" : router.mark;
    box.dataset.mark = kind;
    const words = this.#lost ? "unknown" : router.text;
    const number = /\d+/.exec(words)?.[0] ?? "";
    box.title = `Alert router: ${words}`;
    box.replaceChildren(mark(kind), h("strong", {}, "Router"), innerWidth < 600 ? ` ${number}` : ` ${words}`);
  }
}
