// What a row of the log says, in words. No page in here.

import { DASH, age, ageShort, clock, count } from "../format.js";

const STATE_MARKS = { done: "fresh", released: "run", partial: "late", held: "off", duplicate: "off", cancelled: "off", skipped: "off" };
const TARGET_MARKS = { delivered: "fresh", sending: "run", retry_wait: "late", waiting: "off", held: "off", skipped: "off", cancelled: "off" };
const WORST = ["refused", "dead", "expired", "skipped"];
const FLAGS = { net_zero_pair: "net-zero pair" };
const REASONS = {
  net_zero_pair: "an open and a close of the same trade arrived inside one window",
  reversal_qty_unknown: "the size of the new position is not known",
  close_not_delivered: "the close before it was not delivered",
  strategy_off: "the strategy is off",
  dry: "dry mode",
  dry_mode: "dry mode",
  blocked_hours: "opens are blocked at this time of day",
  blocked_news: "opens are blocked around high-impact news",
  paused_today: "the strategy is paused for today",
};

const known = (value) => typeof value === "number" && Number.isFinite(value);
const plain = (word) => word.replaceAll("_", " ");

/** Unix milliseconds as 24 h time with milliseconds; only the router shows those. */
export function timeMs(ms, zone) {
  return known(ms) ? `${clock(ms, zone)}.${String(Math.floor(ms) % 1000).padStart(3, "0")}` : DASH;
}

/** A reason as words; one that is not known here keeps its own. */
export const reasonText = (reason) => (reason ? REASONS[reason] ?? plain(reason) : "");

/** The state a person reads: the worst delivery where the alert's own says less. */
export function stateOf(row) {
  const found = row.targets.map((each) => each.state);
  if (row.question || found.includes("uncertain")) return "uncertain";
  if (row.state === "failed") return WORST.find((each) => found.includes(each)) ?? "failed";
  if (row.state === "done" && found.length && found.every((each) => each === "skipped")) return "skipped";
  return row.state;
}

/** The mark of a state; red only while a person is needed. */
export function stateMark(row) {
  const kind = STATE_MARKS[stateOf(row)] ?? "down";
  return kind === "down" && row.needs === false ? "off" : kind;
}

/** One delivery as {mark, text, leg, tip}; two legs are named, the second without its port again. */
export function targetChip(each, row) {
  const before = row.targets[row.targets.indexOf(each) - 1];
  const legs = new Set(row.targets.map((one) => one.leg));
  const why = reasonText(each.reason);
  const tries = each.attempts > 1 ? `, ${each.attempts} attempts` : "";
  return {
    mark: TARGET_MARKS[each.state] ?? "down",
    text: legs.size > 1 && before?.target === each.target ? "" : String(each.port ?? each.target),
    leg: legs.size > 1 ? each.leg : "",
    tip: `${each.label || each.target}: ${plain(each.state)}${why ? `, ${why}` : ""}${tries}`,
  };
}

export const flagText = (flag) => FLAGS[flag] ?? plain(flag);

/** Amber flags ask for a look; grey ones only explain. */
export const isNotice = (flag) => !["net_zero_pair", "test"].includes(flag);

/** The last number of a row: what is left of its window, else how long it took. */
export function totalText(row, wall) {
  if (row.state === "held" && known(row.release_ms)) return known(wall) ? `hold ${age(Math.max(0, row.release_ms - wall) / 1000)}` : "hold";
  return known(row.total_ms) ? count(row.total_ms) : DASH;
}

/** Milliseconds as people say them: 31 ms, 2.04s. */
export function lasted(ms) {
  if (!known(ms)) return DASH;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)}s`;
}

/** Text of the metrics by name. */
export function metrics(numbers, elapsed = 0) {
  const { waiting, oldest_undelivered_s: oldest, received_hour: received, rejected_hour: rejected, delivered_p50_ms: half, delivered_p99_ms: most } = numbers ?? {};
  return {
    waiting: known(waiting) ? count(waiting) : DASH,
    oldest: known(oldest) ? ageShort(oldest + elapsed) : numbers ? "none" : DASH,
    received: known(received) ? `${count(received)} received` : DASH,
    rejected: known(rejected) ? count(rejected) : DASH,
    delivered: known(half) ? `${lasted(half)} / ${lasted(most)}` : DASH,
  };
}

/** The day of an alert in New York, YYYY-MM-DD. */
export function dayOf(ms) {
  return new Intl.DateTimeFormat("en-CA", { timeZone: "America/New_York", year: "numeric", month: "2-digit", day: "2-digit" }).format(ms);
}

const DEAD = new Set(["expired", "dead", "refused", "uncertain", "unrouted", "invalid"]);

/** True when an alert belongs to the dead letter. */
export function isDead(row) {
  return DEAD.has(row.state) || row.targets.some((each) => DEAD.has(each.state));
}

/** True when a row belongs to the list that is shown: its tab and its filters. */
export function fits(row, { tab = "log", strategy, ticker, target, state, day, q }) {
  if (tab === "dead" && !isDead(row)) return false;
  if (strategy && !row.strategies.includes(strategy)) return false;
  if (ticker && row.ticker !== ticker) return false;
  if (target && !row.targets.some((each) => each.target === target || String(each.port) === target)) return false;
  if (state && row.state !== state && stateOf(row) !== state && !row.targets.some((each) => each.state === state)) return false;
  if (day && dayOf(row.received_ms) !== day) return false;
  return !q || (row.trade_id ?? "").toLowerCase().includes(q.toLowerCase());
}

const LEG = /\b(close|open) (long|short)\b/g;

/** The legs of an alert, from its deliveries or from what it maps to. */
export function legsOf(row) {
  const made = [...new Set(row.targets.map((each) => each.leg))].filter(Boolean);
  if (made.length && row.state !== "held") return made;
  return [...(row.sent_as ?? "").matchAll(LEG)].map((found) => found[1]);
}

/**
 * What resuming does with the rows that wait: {closes, opens, expired, oldest (s)}.
 * fresh(ticker) answers {open, close} in seconds, or null where it is not known.
 */
export function resumePlan(rows, fresh, wall) {
  const plan = { closes: 0, opens: 0, expired: 0, oldest: null, unknown: 0 };
  const limits = (row) => fresh(row.ticker) ?? {};
  for (const row of rows) {
    const seconds = (wall - row.received_ms) / 1000;
    const waiting = row.targets.filter((each) => ["waiting", "retry_wait"].includes(each.state)).map((each) => each.leg);
    const { open, close } = limits(row);
    for (const leg of waiting.length ? waiting : legsOf(row)) {
      const limit = leg === "open" ? open : close;
      if (!known(limit)) plan.unknown += 1;
      if (known(limit) && seconds > limit) {
        plan.expired += 1;
        plan.oldest = Math.max(plan.oldest ?? 0, seconds);
      } else if (leg === "open") plan.opens += 1;
      else plan.closes += 1;
    }
  }
  return plan;
}

export const some = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;
