// The candles that are known: pages from the server, live ones from the room. No page in here.

import { STEPS } from "./view.js";

const sorted = (bars) => [...bars.values()].sort((one, other) => one.time - other.time);

/** Bars of one symbol, timeframe and choice of hours, oldest first. */
export class Candles {
  #bars = new Map();
  #starts = new Set();

  constructor(tf, hours) {
    this.tf = tf;
    this.hours = hours;
    this.step = STEPS[tf];
    this.list = []; // {time, open, high, low, close, volume, vwap, width, extended, starts}
    this.gaps = [];
    this.ahead = null;
    this.more = false;
    this.basis = null;
    this.loaded = null;
  }

  get last() {
    return this.list.at(-1) ?? null;
  }

  /** Take an answer of the server: a page of history, or the newest candles. */
  take(answer) {
    const averages = answer.vwap_regular && this.hours === "regular" ? answer.vwap_regular : answer.vwap;
    const before = this.list[0]?.time ?? Infinity;
    for (const time of answer.starts) this.#starts.add(time);
    answer.bars.forEach((bar, at) => this.#put(bar, averages[at], answer.extended[at]));
    // between two pages that only meet nothing is known
    const first = answer.bars[0]?.[0];
    this.gaps = [...this.gaps.filter(([from]) => first === undefined || from < first), ...answer.gaps]
      .sort((one, other) => one[0] - other[0]).filter(([from], at, all) => !at || all[at - 1][0] !== from);
    if (first === undefined || first <= before) this.more = answer.more;
    if (answer.first !== null) this.loaded = Math.min(this.loaded ?? Infinity, answer.first);
    this.ahead = answer.ahead;
    this.basis = answer.basis;
    this.#draw();
  }

  /**
   * Take a message of the room; true when it fits, false when candles in between are missing
   * and the server has to be asked.
   */
  push({ bars, extended, vwaps, vwap_regular: regular, loaded }) {
    if (!this.list.length) return bars.length === 0 && loaded === null;
    const own = bars.map((bar, at) => ({ bar, extended: extended[at], average: vwaps[at] }))
      .filter((each) => this.tf === "1d" || this.hours === "extended" || !each.extended);
    const last = this.last;
    const hasMissed = own.length > 0 && own.length === bars.length
      && (!last || (own[0].bar[0] > last.time && own[0].bar[0] - last.time > this.step));
    const hasHistory = loaded !== null && (this.loaded === null || loaded < this.loaded);
    if (loaded !== null) this.loaded = Math.min(this.loaded ?? Infinity, loaded);
    own.forEach(({ bar, extended: isOut, average }, at) => {
      let mean = average;
      if (regular !== null && this.hours === "regular") {
        const known = this.#bars.get(bar[0]);
        mean = at === own.length - 1 ? [regular.value, regular.upper1 - regular.value] : known && known.vwap !== null ? [known.vwap, known.width] : null;
      }
      this.#put(bar, mean, isOut);
    });
    this.#draw();
    return !(hasMissed || hasHistory);
  }

  #put([time, open, high, low, close, volume], average, extended) {
    this.#bars.set(time, { time, open, high, low, close, volume, vwap: average?.[0] ?? null, width: average?.[1] ?? null, extended, starts: false });
  }

  #draw() {
    this.list = sorted(this.#bars);
    for (const bar of this.list) bar.starts = this.#starts.has(bar.time);
  }

  /** The bar before another, null for the first. */
  before(bar) {
    const at = this.list.indexOf(bar);
    return at > 0 ? this.list[at - 1] : null;
  }

  /**
   * Every place of the axis in ms, ascending: the bars, holes where regular hours have none (a
   * session that is missing whole has no places), and what is left of the regular hours.
   */
  places() {
    const times = this.list.map((bar) => bar.time);
    const last = this.last;
    if (!last || this.tf === "1d") return times;
    const found = new Set(times);
    for (const [from, to] of this.gaps) {
      if (to - from >= 6 * 3600_000 || to <= times[0]) continue;
      for (let time = from; time < to; time += this.step) found.add(time);
    }
    if (this.ahead !== null && this.ahead - last.time < 12 * 3600_000) {
      for (let time = last.time + this.step; time < this.ahead; time += this.step) found.add(time);
    }
    return [...found].sort((one, other) => one - other);
  }
}

const offsets = new Map();

/** Minutes that a zone is ahead of UTC at a time. */
function offsetOf(ms, zone) {
  const hour = Math.floor(ms / 3600_000);
  const key = `${zone ?? ""} ${hour}`;
  if (!offsets.has(key)) {
    const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" });
    const part = Object.fromEntries(format.formatToParts(hour * 3600_000).map(({ type, value }) => [type, Number(value)]));
    offsets.set(key, Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute) - hour * 3600_000);
  }
  return offsets.get(key);
}

const ZONES = { new_york: "America/New_York", utc: "UTC", local: undefined };

/**
 * Unix ms as the seconds that the chart's axis counts: of the zone's wall clock, because the
 * axis takes its days from UTC. Markets are closed when clocks change.
 */
export function axisTime(ms, zone, tf) {
  if (tf === "1d") return ms / 1000;
  return (ms + offsetOf(ms, ZONES[zone] === undefined && zone !== "local" ? ZONES.new_york : ZONES[zone])) / 1000;
}
