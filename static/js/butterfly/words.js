// The planner's numbers and sentences as text. No page in here.

import { DASH, MINUS, change, day, fraction, price, strike } from "../format.js";

const known = (value) => typeof value === "number" && Number.isFinite(value);
const sign = (value) => (value > 0 ? "+" : value < 0 ? MINUS : "");

/** A number without its sign, with so many decimals. */
function plain(value, decimals) {
  return Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Whole dollars: $1,460; signed: +$2,128. */
export function dollars(value, signed = false) {
  if (!known(value)) return DASH;
  const whole = Math.round(value);
  return `${signed ? sign(whole) : whole < 0 ? MINUS : ""}$${plain(whole, 0)}`;
}

/** A signed number with so many decimals; exactly 0 has no sign. */
export function signed(value, decimals) {
  if (!known(value)) return DASH;
  return sign(Number(value.toFixed(decimals))) + plain(value, decimals);
}

/** A price to a tenth of a point: 5,960.7. */
export const tenth = (value) => (known(value) ? plain(value, 1) : DASH);

/** Dollars and cents as typed fees: $6.88. */
export const cents = (value) => (known(value) ? `$${plain(value, 2)}` : DASH);

/** 5,985 / 6,010 / 6,035 */
export const strikesText = (strikes) => strikes.map(strike).join(" / ");

/** ±25, or −25 +40 where the wings differ. */
export function widthText(low, high) {
  return low === high || high === undefined ? `±${strike(low)}` : `${MINUS}${strike(low)} +${strike(high)}`;
}

/** An expiry as it is chosen: Fri 18 Dec, SPXW PM. */
export const expiryText = ({ day: iso, root, settlement }) => `${day(iso)} ${root} ${settlement}`;

/** Time left to a moment: 2d 01:27 left, 1:27:53 left. */
export function leftText(seconds) {
  if (!known(seconds)) return "";
  if (seconds <= 0) return "settled";
  const whole = Math.floor(seconds);
  const two = (value) => String(value).padStart(2, "0");
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor((whole % 86400) / 3600), Math.floor((whole % 3600) / 60)];
  return days ? `${days}d ${two(hours)}:${two(minutes)} left` : `${hours}:${two(minutes)}:${two(whole % 60)} left`;
}

/** Where spot is to a candidate's break-evens: inside, +6.36 beyond. */
export function placeText({ inside, beyond, settled }) {
  if (inside === null || inside === undefined) return settled ? "settled" : DASH;
  const words = inside ? "inside" : `${change(beyond)} beyond`;
  return settled ? `settled ${words}` : words;
}

/** The lines of the comparison: [name, function of one column that answers [text, after, tone]]. */
export const LINES = [
  ["Strikes", (each) => [strikesText(each.strikes)]],
  ["Debit, mid", (each) => [price(each.debit_mid), known(each.debit_mid_dollars) ? dollars(each.debit_mid_dollars) : ""]],
  ["Debit, natural", (each) => [price(each.debit_natural), known(each.debit_mid) && known(each.debit_natural) ? signed(each.debit_natural - each.debit_mid, 2) : ""]],
  ["Max profit", (each) => [dollars(each.max_profit, true), "", known(each.max_profit) ? (each.max_profit > 0 ? "up" : "down") : ""]],
  ["Max loss", (each) => [known(each.max_loss) ? dollars(-each.max_loss, true) : DASH, "", known(each.max_loss) ? "down" : ""]],
  ["Profit per $ at risk", (each) => [price(each.profit_per_risk)]],
  ["Break-even, low", (each) => [edge(each, "break_even_low")]],
  ["Break-even, high", (each) => [edge(each, "break_even_high")]],
  ["Spot to low", (each) => distance(each.spot_to_low)],
  ["Spot to high", (each) => distance(each.spot_to_high)],
  ["Probability, smile", (each) => [fraction(each.probability.smile), "", "strong", each.reasons["probability.smile"] ?? each.reasons["probability.clamped"]]],
  ["Probability, one IV", (each) => [fraction(each.probability.one_iv), "", "soft", each.reasons["probability.one_iv"]]],
  ["Delta · gamma", (each) => [known(each.package.delta) && !each.refusal ? `${signed(each.package.delta, 3)} · ${signed(each.package.gamma, 4)}` : DASH, "", "", each.reasons.greeks]],
  ["Theta, a day", (each) => [each.refusal ? DASH : signed(each.package.theta, 2), "", "", each.reasons.greeks]],
];

/** A break-even, or what stands for it where that side gains all the way. */
function edge(each, name) {
  if (known(each[name])) return price(each[name]);
  return known(each.max_profit) ? "none" : DASH;
}

function distance({ points, em }) {
  return [signed(points, 2), known(em) ? `${price(em)} EM` : ""];
}

/** The request and what it costs as text for a note or a message. */
export function planText(plan, time) {
  const { chosen, query } = plan;
  const head = `${plan.symbol} ${strike(Number(query.center))} ${widthText(Number(query.width), Number(query.width_high))} butterfly, ${plan.expiry ? expiryText(plan.expiry) : ""}`;
  if (!chosen || chosen.refusal) return `${head}\n${plan.status.text}\n`;
  const used = query.price === "natural" ? "natural" : "mid";
  const legs = chosen.legs.map((leg) => `  ${sign(leg.quantity)}${Math.abs(leg.quantity)} ${strike(leg.strike)} ${leg.right === "P" ? "put" : "call"}  bid ${price(leg.bid)} ask ${price(leg.ask)}`);
  const lines = LINES.slice(1).map(([name, pick]) => {
    const [text, after] = pick(chosen);
    return `${name}: ${text}${after ? ` (${after})` : ""}`;
  });
  return [
    head, ...legs,
    `Spot ${price(plan.spot)}, forward ${price(plan.forward)}, one sigma ±${price(plan.sigma)}`,
    `Worked out from the ${used}, ${query.quantity} package${query.quantity === "1" ? "" : "s"}, fees ${cents(chosen.fees)}`,
    ...lines,
    `${time}, ${plan.source}. Not advice.`, "",
  ].join("\n");
}
