// The tiles and lines in words; templates/_gex.html says the same for the first paint.

import { DASH, age, change, count, dayShort, fraction, gex, percent, price, ratio, strike, volume } from "../format.js";
import { GREEKS, exposure, total, unitFactor, unitWords } from "./series.js";

const known = (value) => value !== null && value !== undefined;
const MONTHS = { F: "Jan", G: "Feb", H: "Mar", J: "Apr", K: "May", M: "Jun", N: "Jul", Q: "Aug", U: "Sep", V: "Oct", X: "Nov", Z: "Dec" };

/** "/ESH7" as "ES Mar". */
export function contractName(name) {
  if (!name) return "";
  return `${name.slice(1, -2)} ${MONTHS[name.at(-2)] ?? name.slice(-2)}`;
}

/** 0DTE for today, else the day. */
export const whenText = (dte, expiry) => (dte === 0 ? "0DTE" : dayShort(expiry));

/** "+37.64 above, 0.63%". */
export function awayText(value, spot) {
  if (!known(value) || !known(spot)) return "";
  if (value === spot) return "at spot";
  return `${change(value - spot)} ${value > spot ? "above" : "below"}, ${price(Math.abs(((value - spot) / spot) * 100))}%`;
}

function flipReason(reason) {
  if (reason === "net_positive_everywhere") return "No flip: net gamma is positive everywhere in ±20%";
  if (reason === "net_negative_everywhere") return "No flip: net gamma is negative everywhere in ±20%";
  return reason || "not known yet";
}

function flipReading({ zero_gamma: zero, spot }) {
  const all = zero?.all;
  if (!known(all?.flip) || !known(spot)) return flipReason(all?.reason);
  const away = spot - all.flip;
  return `Spot ${price(Math.abs(away))} ${away >= 0 ? "above" : "below"}, ${price(Math.abs((away / spot) * 100))}%${all.degraded ? ", degraded" : ""}`;
}

function netReading(regime) {
  return { positive: "Positive: dealers damp moves", negative: "Negative: dealers amplify moves" }[regime] ?? "No regime: the net is not known";
}

function skewReading(rr) {
  if (!known(rr)) return "25Δ risk reversal not known";
  const word = rr > 0 ? "reversed" : rr > -0.01 ? "mild" : rr > -0.04 ? "normal" : "steep";
  return `Skew ${word}: 25Δ RR ${change(rr * 100)}`;
}

/** The first tile follows the exposure, its weight and the unit. */
function netTile(payload, view) {
  const { by, greek, unit } = view;
  const unitLabel = unit === "point" ? "point" : "1%";
  if (greek === "gex" && by === "oi") {
    const perPoint = unit === "point" && payload.unit !== "usd_per_point";
    const net = perPoint ? payload.totals?.net_per_point : payload.totals?.net;
    return { label: `Net GEX, $ per ${unitLabel}`, text: gex(net), value: net, reading: netReading(payload.regime), about: "net_gex" };
  }
  const perMove = greek === "gex" ? unitFactor(payload, greek, unit) : 1;
  const told = (by === "volume" ? payload.totals_volume : payload.totals)?.[{ gex: "net", dex: "dex_dealer", vanna: "vex", charm: "chex" }[greek]];
  const net = known(told) && perMove !== null ? told * perMove : total(exposure(payload, view));
  const { name, about } = GREEKS[greek];
  const label = greek === "gex" ? `Net GEX by volume, $ per ${unitLabel}` : `Net ${name.toLowerCase() === "dex" ? "DEX" : name.toLowerCase()}${by === "volume" ? " by volume" : ""}`;
  const reading = greek === "dex" && by === "oi" ? `dealers; holders ${gex(payload.totals?.dex_holders)}` : greek === "gex" ? "today’s contracts, not what is held" : unitWords(greek, unit);
  return { label, text: gex(net), value: net, reading, about: by === "volume" ? "volume" : about };
}

/** Id -> {label, text, reading, tone?, about?} of the nine tiles; elapsed are seconds since it came. */
export function tiles(payload, view, elapsed = 0) {
  const { spot } = payload;
  const pain = payload.max_pain?.[0];
  const move = payload.expected_move;
  const near = payload.term?.[0];
  const net = netTile(payload, view);
  const wall = (value, side) => ({ text: strike(value), reading: known(value) ? awayText(value, spot) : side === "call" ? "no call gamma at or above spot" : "no put gamma at or below spot" });
  const greeks = payload.ages?.greeks;
  return {
    net: { ...net, tone: !known(net.value) ? "" : net.value > 0 ? "up" : net.value < 0 ? "down" : "" },
    flip: { label: "Zero gamma", text: price(payload.zero_gamma?.all?.flip), reading: flipReading(payload) },
    call_wall: { label: "Call wall", ...wall(payload.call_wall, "call") },
    put_wall: { label: "Put wall", ...wall(payload.put_wall, "put") },
    max_pain: { label: `Max pain${pain ? `, ${whenText(pain.dte, pain.expiry)}` : ""}`, text: strike(pain?.strike), reading: known(pain?.strike) ? awayText(pain.strike, spot) : "no open interest" },
    move: {
      label: `Expected move${move ? `, ${payload.nearest?.dte === 0 ? "today" : dayShort(move.expiry)}` : ""}`,
      text: known(move?.straddle) ? `±${price(move.straddle)}` : DASH,
      reading: known(move?.straddle) ? `${price(move.low)} to ${price(move.high)}` : "no quotes at the money",
    },
    put_call: { label: "Put/call OI", text: ratio(payload.put_call?.oi), reading: payload.put_call ? `${payload.put_call.oi_word || "N/A"} · volume ${ratio(payload.put_call.volume)}` : "not known" },
    iv: { label: `ATM IV${near ? `, ${whenText(near.dte, near.expiry)}` : ""}`, text: fraction(near?.atm_iv), reading: skewReading(near?.rr25) },
    coverage: { label: "Coverage", text: fraction(payload.coverage), reading: `${volume(payload.used)} of ${volume(payload.contracts)} lines${known(greeks) ? ` · ${age(greeks + elapsed)}` : ""}` },
  };
}

const LEFT_OUT = { expired: "expired", no_iv: "without volatility", no_oi: "without open interest", stale: "stale", bad: "with bad data", non_standard: "not standard" };

/** Which part of the market the numbers are made from. */
export function scopeText({ scope, excluded }) {
  if (!scope) return "";
  const share = known(scope.oi_share) ? `${fraction(scope.oi_share)} of the chain’s OI` : "share of the chain’s OI unknown";
  const out = Object.entries(LEFT_OUT).filter(([key]) => excluded?.[key]).map(([key, words]) => `${count(excluded[key])} ${words}`);
  const text = `${scope.expiries} of ${known(scope.of) ? count(scope.of) : "unknown"} expiries, strikes ${strike(scope.strike_low)} to ${strike(scope.strike_high)}, ${share}`;
  return out.length ? `${text}; left out ${out.join(", ")}` : text;
}

/** The age of each input. */
export function agesText({ ages, spot_age: spot, spot_label: label }, elapsed = 0) {
  const plus = (value) => (known(value) ? age(value + elapsed) : DASH);
  const oldest = known(ages?.greeks_oldest) && ages.greeks_oldest > 60 ? ` (oldest ${plus(ages.greeks_oldest)})` : "";
  return `Spot ${label && label !== "last" ? `${label}, ` : ""}${plus(spot)}, Greeks ${plus(ages?.greeks)}${oldest}, quotes ${plus(ages?.quotes)}`;
}

/** What the rates are. */
export function footText(payload) {
  const rate = known(payload.rate) ? `r ${fraction(payload.rate)}${payload.rate_source ? ` (${payload.rate_source}${payload.rate_date ? `, ${dayShort(payload.rate_date)}` : ""})` : ""}, ` : "";
  const american = payload.american ? " American exercise, European gamma." : "";
  return `Dealers modelled long calls and short puts: a model, not an observation. ${rate}q ${fraction(payload.dividend_yield)}, forward by ${payload.forward_basis || "unknown"}.${american}`;
}

/** Head of the levels: the basis and its age. */
export function conversionText({ conversion }, elapsed = 0) {
  if (!conversion) return "";
  if (!known(conversion.value)) return conversion.note;
  const value = conversion.kind === "ratio" ? price(conversion.value, 5) : change(conversion.value);
  return `${contractName(conversion.contract)} ${conversion.kind} ${value}, ${known(conversion.age) ? `${age(conversion.age + elapsed)} old` : "age unknown"}${conversion.frozen ? ", frozen" : ""}`;
}

/** The two methods of other sites. */
export function methodsText({ zero_gamma: zero }) {
  if (!zero) return "";
  const found = (value) => (known(value) ? price(value) : "none");
  return `Other sites’ methods: first strike sign change ${found(zero.strike_sign)}, cumulative ${found(zero.cumulative)}. Neither is a gamma flip.`;
}

/** ▲ +25.66 +0.43% */
export function changeText(moved) {
  if (!known(moved?.value)) return "";
  return `${moved.value > 0 ? "▲ " : moved.value < 0 ? "▼ " : ""}${change(moved.value)} ${percent(moved.percent)}`;
}

export const oiDateText = (iso) => (iso ? `OI as of ${dayShort(iso)}, evening` : "");
