// Numbers as text. Unknown (null, NaN) is an en dash, minus is U+2212, digits round half away
// from zero. grok_sauce/web/format.py says the same; tests/web/format_vectors.json holds both.

export const DASH = "–";
export const MINUS = "−";

const UNITS = [[1, ""], [1e3, "K"], [1e6, "M"], [1e9, "B"], [1e12, "T"]];
const ZONE_NAMES = { new_york: "America/New_York", utc: "UTC", local: undefined };
const clocks = new Map();

// No market has a number of sixteen digits: such a one is noise and shown as unknown.
const known = (value) => typeof value === "number" && Math.abs(value) < 1e15;
const sign = (value) => (value > 0 ? "+" : value < 0 ? MINUS : "");

function fixed(value, decimals) {
  const [whole, part] = Math.abs(value).toFixed(decimals).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return part ? `${grouped}.${part}` : grouped;
}

const number = (text) => Number(text.replaceAll(",", ""));

/** A price with the decimals of its tick, at least two. */
export function price(value, decimals = 2) {
  if (!known(value)) return DASH;
  return (value < 0 ? MINUS : "") + fixed(value, Math.max(2, decimals || 2));
}

/** A strike without forced decimals. */
export function strike(value) {
  if (!known(value)) return DASH;
  return fixed(value, 3).replace(/\.?0+$/, "");
}

/** A difference of prices, always signed except exactly zero. */
export function change(value, decimals = 2) {
  if (!known(value)) return DASH;
  return sign(value) + fixed(value, Math.max(2, decimals || 2));
}

/** A change in percent (0.43 means 0.43 %). */
export function percent(value) {
  return known(value) ? `${sign(value)}${fixed(value, 2)}%` : DASH;
}

/** A share or a volatility in percent, unsigned. */
export function share(value) {
  return known(value) ? `${value < 0 ? MINUS : ""}${fixed(value, 1)}%` : DASH;
}

/** A ratio such as RVOL. */
export function ratio(value) {
  return price(value, 2);
}

function scaledDigits(scaled) {
  for (const [decimals, limit] of [[2, 10], [1, 100]]) {
    const text = fixed(scaled, decimals);
    if (number(text) < limit) return text;
  }
  return fixed(scaled, 0).replaceAll(",", "");
}

function threeDigits(size) {
  let text = "";
  for (const [scale, unit] of UNITS) {
    text = (unit ? scaledDigits(size / scale) : fixed(size, 0)) + unit;
    if (text.replace(".", "").length <= 3 + unit.length && !text.includes(",")) break;
  }
  return text;
}

/** Shares or contracts: whole below 100,000, else three digits and a unit. */
export function volume(value) {
  if (!known(value)) return DASH;
  return Math.abs(value) < 99999.5 ? fixed(value, 0) : threeDigits(Math.abs(value));
}

/** Dollars of gamma exposure, signed: two decimals from a billion on, else three digits. */
export function gex(value) {
  if (!known(value)) return DASH;
  let text = threeDigits(Math.abs(value));
  for (const [scale, unit] of UNITS.slice(3)) {
    if (text.endsWith(unit)) text = fixed(Math.abs(value) / scale, 2) + unit;
  }
  return text === "0" ? text : sign(value) + text;
}

const two = (value) => String(value).padStart(2, "0");

/** How old something is, in seconds: tenths below ten, never rounded up. */
export function age(seconds) {
  if (!known(seconds)) return DASH;
  if (seconds < 10) {
    const tenths = Math.max(0, Math.floor(seconds * 10));
    return `${Math.floor(tenths / 10)}.${tenths % 10}s`;
  }
  const whole = Math.floor(seconds);
  if (whole >= 60 && whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  return ageShort(seconds);
}

/** The same in one unit, for the header. */
export function ageShort(seconds) {
  if (!known(seconds)) return DASH;
  if (seconds < 10) return age(seconds);
  const whole = Math.floor(seconds);
  if (whole >= 172800) return `${Math.floor(whole / 86400)}d`;
  if (whole >= 3600) return `${Math.floor(whole / 3600)}h`;
  if (whole >= 60) return `${Math.floor(whole / 60)}m`;
  return `${whole}s`;
}

/** Time left in seconds, rounded up so that clock plus countdown is the moment itself. */
export function countdown(seconds) {
  if (!known(seconds)) return DASH;
  const whole = Math.max(0, Math.ceil(seconds));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor((whole % 86400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const tail = two(whole % 60);
  if (days) return `${days}d ${hours}:${two(minutes)}:${tail}`;
  return hours ? `${hours}:${two(minutes)}:${tail}` : `${minutes}:${tail}`;
}

function formatter(zone, kind, options) {
  const key = `${zone} ${kind}`;
  if (!clocks.has(key)) {
    const timeZone = zone in ZONE_NAMES ? ZONE_NAMES[zone] : ZONE_NAMES.new_york;
    clocks.set(key, new Intl.DateTimeFormat("en-GB", { ...options, timeZone }));
  }
  return clocks.get(key);
}

const HOURS = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

/** Unix milliseconds as 24 h time with seconds. */
export function clock(ms, zone = "new_york") {
  return known(ms) ? formatter(zone, "clock", HOURS).format(Math.floor(ms / 1000) * 1000) : DASH;
}

/** Unix milliseconds as 24 h time without seconds. */
export function minute(ms, zone = "new_york") {
  return clock(ms, zone).slice(0, 5);
}

/** Unix milliseconds as a day, such as Tue 15 Dec. */
export function date(ms, zone = "new_york") {
  if (!known(ms)) return DASH;
  const parts = formatter(zone, "date", { weekday: "short", day: "numeric", month: "short" })
    .formatToParts(ms);
  const part = (type) => parts.find((each) => each.type === type).value;
  return `${part("weekday")} ${part("day")} ${part("month").slice(0, 3)}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** A calendar day without its weekday, such as 16 Dec; it belongs to no zone. */
export function dayShort(iso) {
  const when = /^\d{4}-\d{2}-\d{2}$/.test(iso ?? "") ? new Date(`${iso}T00:00:00Z`) : null;
  if (!when || !known(when.getTime())) return DASH;
  return `${when.getUTCDate()} ${MONTHS[when.getUTCMonth()]}`;
}

/** The same with its weekday, such as Wed 16 Dec. */
export function day(iso) {
  const short = dayShort(iso);
  return short === DASH ? DASH : `${WEEKDAYS[new Date(`${iso}T00:00:00Z`).getUTCDay()]} ${short}`;
}

/** A fraction of one as a share in percent. */
export function fraction(value) {
  return known(value) ? share(value * 100) : DASH;
}

/** How far a strike is from spot, signed; whole points where spot has four digits or more. */
export function offset(value, spot) {
  if (!known(value) || !known(spot)) return DASH;
  const text = fixed(value, Math.abs(spot) >= 1000 ? 0 : 2);
  return text === "0" ? text : sign(value) + text;
}

/** A move either way; one decimal where spot has four digits or more. */
export function move(value, spot) {
  return known(value) && known(spot) ? `±${fixed(value, Math.abs(spot) >= 1000 ? 1 : 2)}` : DASH;
}

/** The nearest price an instrument can have; half a tick goes up. */
export function toTick(value, size) {
  return known(value) && size > 0 ? Math.floor(value / size + 0.5) * size : value;
}

/** A price at the tick of the instrument it is meant for. */
export function tick(value, size) {
  return price(toTick(value, size));
}

/** Dollars or contracts on an axis: one decimal and a unit, signed when `signed`. */
export function axis(value, signed = true) {
  if (!known(value)) return DASH;
  const size = Math.abs(value);
  const [scale, unit] = UNITS.filter(([each]) => size >= each).at(-1) ?? UNITS[0];
  if (!size) return "0";
  const decimals = unit && (size / scale) < 100 && (signed || size % scale) ? 1 : 0;
  return (signed ? sign(value) : "") + fixed(size / scale, decimals) + unit;
}

/** What stands behind a time: ET, UTC, or nothing for the zone of this machine. */
export function zoneLabel(zone) {
  return { utc: "UTC", local: "local" }[zone] ?? "ET";
}

/** A sentiment score, the word after the number. */
export function score(value, word = "") {
  return known(value) ? `${change(value)} ${word}`.trimEnd() : DASH;
}

/** A small count with commas, or a dash. */
export function count(value) {
  return known(value) ? (value < 0 ? MINUS : "") + fixed(value, 0) : DASH;
}

/** Milliseconds of work: tenths below ten. */
export function milliseconds(value) {
  return known(value) ? `${fixed(value, value < 10 && value % 1 ? 1 : 0)} ms` : DASH;
}
