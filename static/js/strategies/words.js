// What the routing tree says, in words. No page in here.

import { lasted, some } from "../alerts/words.js";
import { DASH, age, count, ratio } from "../format.js";

export { lasted, some };

const LAMPS = { up: "fresh", down: "down", breaker: "late", off: "off", unknown: "off" };
const LAMP_WORDS = { up: "listening", down: "down", breaker: "breaker open", off: "off", unknown: "not probed yet" };
export const MODES = [["off", "Off"], ["dry", "Dry"], ["live", "Live"]];
const known = (value) => typeof value === "number" && Number.isFinite(value);

/** How long ago, in whole seconds: 1s, 2m 03s, 1h 09m, 3d; never. */
export function ago(ms, wall) {
  if (!known(ms)) return "never";
  if (!known(wall)) return DASH;
  const seconds = Math.max(0, Math.floor((wall - ms) / 1000));
  if (seconds < 10) return `${seconds}s`;
  if (seconds >= 3600 && seconds < 86400) return `${Math.floor(seconds / 3600)}h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")}m`;
  return age(seconds);
}

/** Every port as {strategy, ticker, port}, in the order of the page. */
export function portsOf(tree) {
  return tree.strategies.flatMap((strategy) => strategy.tickers.flatMap((ticker) => ticker.ports.map((port) => ({ strategy, ticker, port }))));
}

/** The line beside the title: how many of each, and who needs somebody. */
export function covers(tree, needs) {
  const tickers = new Set(tree.strategies.flatMap((each) => each.tickers.map((one) => one.name)));
  const ports = new Set(portsOf(tree).map((each) => each.port.id));
  const strategies = tree.strategies.length;
  const parts = [`${count(strategies)} ${strategies === 1 ? "strategy" : "strategies"}`, some(tickers.size, "ticker"), some(ports.size, "port")];
  if (needs) parts.push(needs === 1 ? "1 alert needs you" : `${count(needs)} alerts need you`);
  return parts.join(" · ");
}

/** What a strategy holds: 2 tickers, 3 ports. */
export function holds(strategy) {
  if (!strategy.tickers.length) return "no tickers yet";
  const ports = new Set(strategy.tickers.flatMap((each) => each.ports.map((port) => port.id)));
  return `${some(strategy.tickers.length, "ticker")}, ${some(ports.size, "port")}`;
}

/** The options of a ticker that differ from the usual, and its window. */
export function optionsText({ effective, options }) {
  const parts = [];
  if (effective.group) parts.push(`group ${effective.group}`);
  parts.push(`hold ${known(effective.delay_s) ? `${Number.isInteger(effective.delay_s) && effective.delay_s === 0 ? 0 : effective.delay_s.toFixed(1)}s` : "?"}`);
  if (options.mode) parts.push({ off: "off", dry: "dry", live: "live" }[options.mode]);
  if (options.ambiguous_policy === "resend") parts.push("timeout: send again");
  if (options.reversal_qty && options.reversal_qty !== "ask") parts.push(`reversal ${options.reversal_qty.replaceAll("_", " ")}`);
  if (effective.gap_policy === "block_open") parts.push("gaps block opens");
  if (effective.no_open_between?.length) parts.push(`no opens ${effective.no_open_between.join(", ")}`);
  if (effective.no_open_news_min) parts.push(`no opens ${effective.no_open_news_min} min around news`);
  if (effective.net_zero_cancel === false) parts.push("keeps net-zero pairs");
  return parts.join(" · ");
}

/** The lamp of a port as {mark, text}; the second line of a port says that it is one. */
export function lampOf(port, isRepeat) {
  if (port.uncertain) return { mark: "down", text: `${count(port.uncertain)} uncertain` };
  if (isRepeat) return { mark: "late", text: "same port as above" };
  return { mark: LAMPS[port.lamp] ?? "off", text: port.lamp_text || LAMP_WORDS[port.lamp] || port.lamp };
}

/** A test as {ok, text}: 200 in 12 ms. */
export function testText(test) {
  if (!test) return null;
  const words = test.text || (test.ok ? "answered" : "no answer");
  return { ok: test.ok, text: known(test.ms) && !/\bms\b/.test(words) ? `${words} in ${lasted(test.ms)}` : words };
}

/** True when a name, a ticker, a port or its label contains the words. */
export function matches(words, ...texts) {
  const wanted = words.trim().toLowerCase();
  return !wanted || texts.some((each) => String(each ?? "").toLowerCase().includes(wanted));
}

/** The tree as the filter leaves it: a strategy that matches keeps everything below it. */
export function filtered(tree, words) {
  if (!words.trim()) return tree.strategies;
  const strategies = [];
  for (const strategy of tree.strategies) {
    if (matches(words, strategy.name)) {
      strategies.push(strategy);
      continue;
    }
    const tickers = strategy.tickers.map((ticker) => (matches(words, ticker.name) ? ticker
      : { ...ticker, ports: ticker.ports.filter((port) => matches(words, port.port, port.label)) }))
      .filter((ticker) => ticker.ports.length || matches(words, ticker.name));
    if (tickers.length) strategies.push({ ...strategy, tickers });
  }
  return strategies;
}

/** What goes when this goes, as lines of the dialog: {sentence, rows}. */
export function lossOf(tree, { strategy, ticker, port }) {
  const all = portsOf(tree);
  const gone = all.filter((each) => each.strategy.name === strategy
    && (ticker === undefined || each.ticker.name === ticker) && (port === undefined || each.port.id === port));
  const left = all.filter((each) => !gone.includes(each));
  const tickers = ticker !== undefined ? [ticker] : tree.strategies.find((each) => each.name === strategy).tickers.map((each) => each.name);
  const unrouted = tickers.filter((name) => !left.some((each) => each.ticker.name === name));
  const ids = [...new Set(gone.map((each) => each.port.id))];
  const waiting = gone.reduce((sum, each) => sum + (each.port.waiting ?? 0), 0);
  const sentence = `${unrouted.length ? `New alerts for ${unrouted.join(", ")} become unrouted. ` : tickers.length ? "Alerts for these tickers go on to the other ports. " : ""}Stored alerts stay in the log.`;
  const rows = [];
  if (port === undefined) {
    rows.push(["Goes with it", [ticker === undefined && tickers.length ? `${some(tickers.length, "ticker")} ${tickers.join(", ")}` : "", ids.length ? `${some(ids.length, "port")} ${ids.map(portName).join(", ")}` : ""].filter(Boolean).join(", ") || "nothing"]);
  }
  for (const id of ids.slice(0, 6)) {
    const others = [...new Set(left.filter((each) => each.port.id === id).map((each) => (each.ticker.name === ticker ? each.strategy.name : each.ticker.name)))];
    rows.push([`Port ${portName(id)}`, others.length ? `stays in ${others.join(", ")}` : "used nowhere else"]);
  }
  rows.push(["Waiting alerts", count(waiting)], ["Undo", "the last versions, under Import"]);
  return { sentence, rows };
}

/** A target's id without the usual host. */
export const portName = (id) => String(id).replace(/^localhost:/, "");

/** A number of seconds as it is typed. */
export const seconds = (value) => (known(value) ? (Number.isInteger(value) ? String(value) : ratio(value).replace(/0$/, "")) : "");
