// Levels as text for other programs. The format is told in docs/levels-in-other-platforms.md.

import { change, price, strike, toTick } from "../format.js";

export const FORMAT = "GSL1";
const KEYS = ["call_wall", "call_wall_2", "resistance_1", "resistance_2", "resistance_3", "zero_gamma", "zero_gamma_0dte", "zero_gamma_ex_0dte",
  "max_pain", "absolute_gamma", "max_gex", "put_wall", "put_wall_2", "put_wall_oi", "support_1", "support_2", "support_3", "spot"];
const MONTHS = "FGHJKMNQUVXZ";

/** {product, month 1..12, year} of a contract such as /ESH7, the next such year from `now` (ISO). */
export function contractParts(contract, now) {
  const found = /^\/([A-Z0-9]+)([FGHJKMNQUVXZ])(\d)$/.exec(contract ?? "");
  if (!found) return null;
  const month = MONTHS.indexOf(found[2]) + 1;
  const from = new Date(now);
  let year = from.getUTCFullYear() - (from.getUTCFullYear() % 10) + Number(found[3]);
  while (year * 12 + month < from.getUTCFullYear() * 12 + from.getUTCMonth() + 1) year += 10;
  return { product: found[1], letter: found[2], month, year };
}

/** The contract as a platform writes it: TradingView ESH2027, NinjaTrader "ES 03-27". */
export function contractFor(platform, contract, now) {
  const parts = contractParts(contract, now);
  if (!parts) return null;
  if (platform === "ninjatrader") return `${parts.product} ${String(parts.month).padStart(2, "0")}-${String(parts.year).slice(-2)}`;
  return `${parts.product}${parts.letter}${parts.year}`;
}

/** The conversion to the future once it has a value, else null: then prices are the symbol's own. */
export function joined({ conversion }) {
  return typeof conversion?.value === "number" ? conversion : null;
}

/** [{key, label, value}] at the target's tick: of the future where one is joined, else of the symbol. */
export function targetLevels(payload) {
  const future = joined(payload);
  const size = future?.tick ?? 0.01;
  const byKey = new Map((payload.levels ?? []).map((row) => [row.key, row]));
  return KEYS.filter((key) => byKey.has(key)).map((key) => {
    const row = byKey.get(key);
    const value = future ? row.future : row.value;
    return { key, label: row.label, source: row.value, value: typeof value === "number" ? toTick(value, size) : null };
  }).filter((row) => row.value !== null);
}

/** As many decimals as the tick has. */
function plain(value, size) {
  const decimals = Math.max(2, (String(size).split(".")[1] ?? "").length);
  return value.toFixed(decimals);
}

/**
 * One line: GSL1;symbol;target;time;key=price;... Fields are divided by semicolons; time is UTC to
 * the second; prices have a point and no thousands.
 */
export function platformString(payload, platform) {
  const future = joined(payload);
  const size = future?.tick ?? 0.01;
  const target = future ? contractFor(platform, future.contract, payload.as_of) ?? future.contract : payload.symbol;
  const time = `${new Date(payload.as_of).toISOString().slice(0, 19)}Z`;
  const levels = targetLevels(payload).map((row) => `${row.key}=${plain(row.value, size)}`);
  return [FORMAT, payload.symbol, target, time, ...levels].join(";");
}

/** Why there are no prices of the future, for the end of a sentence; "" where none is expected. */
export function aside({ conversion }) {
  return conversion && typeof conversion.value !== "number" ? `, ${conversion.note || `no price of ${conversion.contract}`}` : "";
}

/** Lines for people: both prices, the basis and what it was made from. */
export function plainText(payload, time, words) {
  const { symbol } = payload;
  const conversion = joined(payload);
  const rows = [...(payload.levels ?? [])].sort((one, other) => other.value - one.value);
  const factor = conversion ? `, ${conversion.contract} ${conversion.kind} ${conversion.kind === "ratio" ? price(conversion.value, 5) : change(conversion.value)}${conversion.frozen ? " frozen" : ""}` : aside(payload);
  const width = Math.max(...rows.map((row) => row.label.length), 5);
  const lines = rows.map((row) => {
    const future = conversion && typeof row.future === "number" ? `  ${price(toTick(row.future, conversion.tick)).padStart(10)}` : "";
    return `${row.label.padEnd(width)}  ${price(row.value).padStart(10)}${future}`;
  });
  const head = `${symbol} levels, ${time}, ${words}, strikes ${strike(payload.scope?.strike_low)} to ${strike(payload.scope?.strike_high)}${factor}`;
  const titles = conversion ? [`${"".padEnd(width)}  ${symbol.padStart(10)}  ${conversion.contract.padStart(10)}`] : [];
  return [head, ...titles, ...lines, "A model, not an observation. Not advice."].join("\n");
}
