// An evaluation opened: its candle, what it was judged with, each filter's answer in words.

import { h } from "./dom.js";
import { DASH, age, change, clock, price } from "./format.js";

const NAMES = { gate: "Candle gate", session: "Session", cooldown: "Cooldown", position: "Flat", cross: "Cross", lt: "LT levels", risk: "Risk" };
const RESULTS = { passed: "passed: it counts", rejected: "rejected", later: "passed too, after the one that counts", no_cross: "not crossed" };
const WORDS = { put_wall: "Put wall", support_1: "Support 1", support_2: "Support 2", support_3: "Support 3" };

export const labelOf = (name) => WORDS[name] ?? name;
const ageText = (seconds) => (seconds === null || seconds === undefined ? DASH : age(Math.max(0, seconds)));

/** ✓, ✕ or a dash with its word for those who do not see it. */
export function verdictMark({ passed }) {
  if (passed === null) return h("span", { class: "unknown", role: "img", "aria-label": "not reached" }, DASH);
  return h("span", { class: passed ? "passed" : "failed", role: "img", "aria-label": passed ? "passed" : "failed" }, passed ? "✓" : "✕");
}

function line(name, found) {
  return h("tr", {}, h("td", {}, NAMES[name] ?? name), h("td", {}, verdictMark(found)), h("td", {}, found.text));
}

function facts(rows) {
  return h("dl", { class: "facts" }, rows.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]));
}

function tested(test) {
  return [
    h("tr", { class: "level-row" }, h("th", { scope: "row", colspan: "3" }, `${labelOf(test.name)} ${price(test.price)}: ${RESULTS[test.result] ?? test.result}`)),
    ...["cross", "lt", "risk"].map((name) => line(name, test[name])),
  ];
}

/** The whole of an evaluation as /api/signals/evaluations/<seq> gives it. */
export function detail(found, zone) {
  const { candle, levels, lt, signal } = found;
  const verdicts = h("table", { class: "verdicts" }, h("tbody", {},
    Object.entries(found.verdicts).map(([name, each]) => line(name, each)), found.tests.flatMap(tested)));
  const prices = (lt?.prices ?? []).filter((each) => each !== null).sort((a, b) => b - a);
  return h("div", { class: "evaluation-detail" },
    h("div", {}, h("h3", {}, "Verdicts"), verdicts),
    h("div", {}, h("h3", {}, "Made with"), facts([
      ["Candle", `O ${price(candle.open)}  H ${price(candle.high)}  L ${price(candle.low)}  C ${price(candle.close)}`],
      ["Before", found.previous ? `closed ${price(found.previous.close)}` : "none"],
      ["Levels", levels ? `${levels.source}, ${ageText(found.levels_age)} old at the close` : "none known"],
      ...(levels?.levels ?? []).map(([name, value]) => [labelOf(name), value === null ? DASH : `${price(value)} (${change(candle.close - value)})`]),
      ["Factor", found.factor === null ? DASH : `${found.factor}, ${ageText(found.factor_age)} old`],
      ["LT list", lt ? `${prices.map((each) => price(each)).join(", ") || "empty"}; ${ageText(found.lt_age)} old` : "none known"],
      ["Result", found.reason],
      ...(signal ? [["Order", `buy ${signal.quantity} ${signal.symbol} at ${price(signal.price)}, stop ${price(signal.stop_loss)}, target ${price(signal.take_profit)}, good until ${clock(Date.parse(signal.expires_at), zone)}`]] : []),
      ...(found.mode === "off" ? [["Told", "no: the strategy was off"]] : found.mode === "late" ? [["Told", "no: the candle came too late to act on"]] : []),
    ])));
}
