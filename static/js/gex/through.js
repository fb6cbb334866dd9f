// "Through the day": history, heatmap and slider of one symbol and view.

import { get } from "../api.js";
import { announce, part, setText } from "../dom.js";
import { axis, date as dateText, gex, minute as minuteText, strike as strikeText } from "../format.js";
import { HeatMap, drawScale } from "./heat.js";
import { append, emptyDay, indexAt, matrix, ofDay, sessionOf } from "./history.js";
import { columnsOf, shownRange, unitFactor } from "./series.js";
import { hasNumbers } from "./states.js";
import { viewWords } from "./view.js";

const MINUTE = 60000;
const SEEK_MS = 90;
const KEPT = 64;
const RELOAD_MS = 60000;
const KEPT_VIEW = "all"; // what is stored each minute

export class Through {
  #root;
  #symbol;
  #day = { ...emptyDay(), view: KEPT_VIEW };
  #view;
  #map;
  #at = null;
  #timer = 0;
  #asked = null;
  #loading = null;
  #cache = new Map();
  #seek;
  #live = null;
  #loadedAt = 0;
  #problem = "";

  /** seek(ms | null, payload) is called when another minute, or the live end, is to be shown. */
  constructor(root, symbol, view, seek) {
    this.#root = root;
    this.#symbol = symbol;
    this.#view = view;
    this.#seek = seek;
    this.slider = part(root, "slider");
    this.#map = new HeatMap(part(root, "canvas"), (found) => this.#hover(found), (ms) => this.go(ms));
    this.slider.addEventListener("input", () => this.go(this.session ? this.session.open + Number(this.slider.value) * MINUTE : null));
    root.querySelector('[data-action="back"]').addEventListener("click", () => this.step(-1));
    root.querySelector('[data-action="on"]').addEventListener("click", () => this.step(1));
    this.dates = root.querySelector('[data-choice="date"]');
    this.dates.addEventListener("change", () => { this.#view.date = this.dates.value; this.load(); });
  }

  get history() {
    return this.#day;
  }

  /** The minute shown, or null at the live end. */
  get at() {
    return this.#at;
  }

  get canvas() {
    return this.#map.canvas();
  }

  /** {open, close, midnight} of the day shown. */
  get session() {
    const [first] = this.#day.minutes;
    return first === undefined ? null : sessionOf(first, minuteText(first));
  }

  get isToday() {
    return !this.#view.date || !this.#day.dates?.length || this.#view.date === this.#day.dates.at(-1);
  }

  /** Does the newest payload say that it is live? */
  get #isLive() {
    return this.#live?.status?.state === "live";
  }

  /** Net at the first minute by strike, in $ per 1%. */
  get open() {
    const [first] = this.#day.net;
    return first ? new Map(this.#day.strikes.map((strike, at) => [strike, first[at]])) : null;
  }

  /** Ask for the day anew. */
  async load() {
    this.#loading?.abort();
    this.#loading = new AbortController();
    const query = new URLSearchParams({ symbol: this.#symbol });
    if (this.#view.date) query.set("date", this.#view.date);
    try {
      const answer = await get(`/api/history/gex?${query}`, { signal: this.#loading.signal });
      this.#day = { ...emptyDay(), view: KEPT_VIEW, ...answer };
      this.#problem = "";
      this.#loadedAt = performance.now();
      this.#cache.clear();
      if (this.#live) this.take(this.#live);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      this.#day = { ...emptyDay(), view: KEPT_VIEW };
      this.#problem = problem.status === 404 ? "" : problem.message;
      if (this.#live) this.take(this.#live);
    }
    this.#drawDates();
    this.#restore();
    this.draw();
  }

  /** A time in the address is shown once its day is there. */
  #restore() {
    const { at } = this.#view;
    const { session } = this;
    if (at && session) this.go(session.midnight + ofDay(at) * MINUTE);
    else if (!this.isToday && this.#day.minutes.length) this.go(this.#day.minutes.at(-1));
  }

  /** A live payload: its minute is added when it belongs to the day and the view shown. */
  take(payload) {
    const wasLive = this.#isLive;
    this.#live = payload;
    if (this.#isLive !== wasLive) this.#drawEnd();
    if (!this.isToday || !hasNumbers(payload) || !payload.as_of) return;
    if (this.#day.view !== payload.view) {
      // minutes are kept of one view: the stored ones are asked for again instead
      if (performance.now() - this.#loadedAt > RELOAD_MS) this.load();
      return;
    }
    const columns = columnsOf(payload);
    const factor = unitFactor(payload, "gex", "pct");
    if (!columns.net_gex || factor === null) return;
    const ms = Date.parse(payload.as_of);
    const last = this.#day.minutes.at(-1);
    const isNew = last === undefined || Math.floor(ms / MINUTE) * MINUTE > last;
    if (last !== undefined && !isNew && !this.#day.grown) return; // a stored minute stays as it was stored
    const added = append(this.#day, {
      at: ms, strikes: columns.strike, net: columns.net_gex.map((value) => (typeof value === "number" ? value * factor : null)),
      spot: payload.spot, flip: payload.zero_gamma?.all?.flip ?? null, callWall: payload.call_wall, putWall: payload.put_wall,
    });
    if (!added) return;
    this.#day.grown = true;
    if (isNew) this.draw();
  }

  /** Draw everything of this panel. */
  draw() {
    const { session } = this;
    const empty = part(this.#root, "map-empty");
    empty.hidden = Boolean(session);
    setText(empty, this.#problem || "No minute of this day is stored yet. One is added each minute while the machine runs.");
    this.slider.disabled = !session;
    setText(part(this.#root, "covers"), `${viewWords(this.#day.view)}, minute by minute${session && !this.isToday ? `, ${dateText(this.#day.minutes[0])}` : ""}`);
    if (session) {
      const spots = this.#day.spot.filter((each) => typeof each === "number");
      const middle = spots.length ? (Math.min(...spots) + Math.max(...spots)) / 2 : null;
      const rows = matrix(this.#day, this.#view.map);
      const range = shownRange(this.#day.strikes, middle, Math.max(8, Math.round(this.#view.strikes * 0.64)));
      this.#map.set({ history: this.#day, rows, ...session, strikes: range, at: this.#at });
      const top = this.#map.max;
      setText(part(this.#root, "low"), top ? axis(-top).replace(".0", "") : "");
      setText(part(this.#root, "high"), top ? axis(top).replace(".0", "") : "");
      this.#drawSlider(session);
    }
    drawScale(this.#root.querySelector('[data-part="scale"] canvas'));
    this.#drawEnd();
  }

  theme() {
    this.#map.theme();
    this.draw();
  }

  #drawSlider({ open, close }) {
    const last = this.#day.minutes.at(-1);
    const most = Math.round((close - open) / MINUTE);
    this.slider.max = String(most);
    const value = Math.max(0, Math.min(most, Math.round(((this.#at ?? last) - open) / MINUTE)));
    if (this.slider.value !== String(value)) this.slider.value = String(value);
    this.slider.style.setProperty("--fill", `${(value / most) * 100}%`);
    this.slider.style.setProperty("--live", `${(Math.min(most, (last - open) / MINUTE) / most) * 100}%`);
    this.slider.setAttribute("aria-valuetext", minuteText(this.#at ?? last));
  }

  #drawEnd() {
    const box = part(this.#root, "live-end");
    const last = this.#day.minutes.at(-1);
    const isEnd = this.#at === null && this.isToday;
    box.dataset.live = String(isEnd && this.#isLive);
    if (last === undefined) setText(box, "");
    else if (isEnd) setText(box, `At the ${this.#isLive ? "live end" : "newest minute"}, ${minuteText(last)}`);
    else if (this.#at === null) setText(box, `${minuteText(last)}, ${dateText(last)}`);
    else setText(box, `${minuteText(this.#at)}, history`);
  }

  #drawDates() {
    const dates = this.#day.dates ?? [];
    const label = this.dates.closest(".dates");
    label.hidden = dates.length < 2;
    if (this.dates.options.length !== dates.length) {
      this.dates.replaceChildren(...[...dates].reverse().map((each) => new Option(each, each)));
    }
    this.dates.value = this.#view.date ?? dates.at(-1) ?? "";
  }

  /** One stored minute back (-1) or on (1). */
  step(by) {
    const { minutes } = this.#day;
    if (!minutes.length) return;
    const at = this.#at === null ? minutes.length - 1 : indexAt(minutes, this.#at);
    const next = at + by;
    if (next >= minutes.length) this.live();
    else this.go(minutes[Math.max(0, next)]);
  }

  /** The live end, of today. */
  live() {
    const wasOld = !this.isToday;
    this.#view.date = null;
    this.#view.at = null;
    this.go(null);
    if (wasOld) this.load();
  }

  /** Show a minute; the newest one of today is the live end. */
  go(ms) {
    const { minutes } = this.#day;
    const index = ms === null ? -1 : Math.max(0, indexAt(minutes, ms));
    const isEnd = ms === null || !minutes.length || (this.isToday && index >= minutes.length - 1);
    this.#at = isEnd ? null : minutes[index];
    this.#view.at = isEnd ? null : minuteText(this.#at);
    this.#map.seek(this.#at);
    if (this.session) this.#drawSlider(this.session);
    this.#drawEnd();
    clearTimeout(this.#timer);
    this.#asked?.abort();
    if (isEnd) this.#seek(null, null);
    else this.#show(this.#at);
  }

  #show(ms) {
    const known = this.#cache.get(ms);
    if (known) {
      this.#seek(ms, known);
      return;
    }
    this.#seek(ms, null);
    this.#timer = setTimeout(() => this.#ask(ms), SEEK_MS);
  }

  async #ask(ms) {
    this.#asked = new AbortController();
    const query = new URLSearchParams({ symbol: this.#symbol, at: String(ms) });
    try {
      const answer = await get(`/api/history/gex?${query}`, { signal: this.#asked.signal });
      this.#cache.set(ms, answer);
      if (this.#cache.size > KEPT) this.#cache.delete(this.#cache.keys().next().value);
      if (this.#at === ms) this.#seek(ms, answer);
    } catch (problem) {
      if (problem.name !== "AbortError" && this.#at === ms) announce(`${minuteText(ms)} could not be read: ${problem.message}`);
    }
  }

  #hover(found) {
    if (!found) {
      this.#drawEnd();
      return;
    }
    const box = part(this.#root, "live-end");
    box.dataset.live = "false";
    setText(box, `${minuteText(found.at)}  ${strikeText(found.strike)}  ${gex(found.value)}`);
  }

  /** Heads and rows of the numbers behind the map, at the minute shown. */
  table() {
    const { minutes, strikes } = this.#day;
    const at = this.#at === null ? minutes.length - 1 : indexAt(minutes, this.#at);
    const rows = ["gex", "open", "hour", "five"].map((mode) => matrix(this.#day, mode)[at] ?? []);
    return { heads: ["Strike", "Net GEX", "Since open", "1h", "5 min"], rows: strikes.map((strike, index) => [strike, ...rows.map((row) => row[index] ?? null)]) };
  }

  /** The whole day: a line per minute, a column per strike. */
  grid() {
    const { minutes, strikes, net, spot, zero_gamma: flip } = this.#day;
    return {
      heads: ["Time", "Spot", "Zero gamma", ...strikes],
      rows: minutes.map((ms, at) => [new Date(ms).toISOString(), spot[at], flip[at], ...net[at]]),
    };
  }
}
