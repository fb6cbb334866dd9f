// Columns of a payload as the series that charts draw. No page in here.

export const GREEKS = {
  gex: { key: "gex", name: "GEX", title: "Gamma exposure by strike", about: "net_gex" },
  dex: { key: "dex", name: "DEX", title: "Delta exposure by strike", about: "dex" },
  vanna: { key: "vex", name: "Vanna", title: "Vanna exposure by strike", about: "vanna" },
  charm: { key: "chex", name: "Charm", title: "Charm exposure by strike", about: "charm" },
};

/** The unit of an exposure in words. */
export function unitWords(greek, unit) {
  if (greek === "gex") return unit === "point" ? "$ per 1-point move" : "$ per 1% move";
  return { dex: "$ of the underlying", vanna: "$ of delta per volatility point", charm: "$ of delta per calendar day" }[greek];
}

/** Columns by strike of a payload; the API answers rows instead. */
export function columnsOf(payload) {
  if (payload?.columns) return payload.columns;
  const rows = payload?.strikes;
  if (!Array.isArray(rows) || !rows.length) return { strike: [] };
  const found = {};
  for (const name of Object.keys(rows[0])) found[name] = rows.map((row) => row[name]);
  return found;
}

/** What values in $ per 1% are multiplied by for the unit asked. */
export function unitFactor(payload, greek, unit) {
  if (greek !== "gex") return 1;
  const given = payload.unit === "usd_per_point" ? "point" : "pct";
  if (given === unit) return 1;
  if (!payload.unit_factor) return null;
  return unit === "point" ? 1 / payload.unit_factor : payload.unit_factor;
}

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const minus = (value) => (isNumber(value) ? -value : null);
const sum = (one, other) => (isNumber(one) && isNumber(other) ? one + other : null);

/**
 * {strike, call, put, net}: equal lengths, in the unit asked, null where unknown; null when the
 * payload does not carry this exposure. A put counts as the dealer holds it: short.
 */
export function exposure(payload, { by, greek, unit }) {
  const columns = columnsOf(payload);
  const tail = by === "volume" ? "_volume" : "";
  const { key } = GREEKS[greek];
  const calls = columns[`call_${key}${tail}`];
  const puts = columns[`put_${key}${tail}`];
  const factor = unitFactor(payload, greek, unit);
  if (!calls || !puts || factor === null) return null;
  const scaled = (value) => (isNumber(value) ? value * factor : null);
  const call = calls.map(scaled);
  const put = puts.map((value) => minus(scaled(value)));
  return { strike: columns.strike, call, put, net: call.map((value, at) => sum(value, put[at])) };
}

/** The net of all strikes, null when nothing is known. */
export function total(series) {
  const known = series?.net.filter(isNumber) ?? [];
  return known.length ? known.reduce((all, each) => all + each, 0) : null;
}

/** First and last index of the strikes shown: `each` on both sides of spot. */
export function shownRange(strikes, spot, each) {
  if (!strikes.length) return [0, -1];
  const above = isNumber(spot) ? strikes.findIndex((strike) => strike >= spot) : Math.floor(strikes.length / 2);
  const middle = above < 0 ? strikes.length : above;
  return [Math.max(0, middle - each), Math.min(strikes.length, middle + each) - 1];
}

const gcd = (one, other) => (other ? gcd(other, one % other) : one);

/**
 * Places for strikes on an axis that spaces by index: {first, step, places}. Every step has
 * a place, also where nothing is listed, so that the axis does not bend where steps change.
 */
export function axisOf(strikes) {
  const whole = strikes.map((strike) => Math.round(strike * 1000));
  let step = 0;
  for (let at = 1; at < whole.length; at += 1) step = gcd(whole[at] - whole[at - 1], step);
  if (!step || (whole.at(-1) - whole[0]) / step > 2000) return { first: strikes[0] ?? 0, step: 0, places: [...strikes] };
  const places = [];
  for (let at = whole[0]; at <= whole.at(-1); at += step) places.push(at / 1000);
  return { first: whole[0] / 1000, step: step / 1000, places };
}

/** The place of a price on such an axis as a fraction of an index, null outside of it. */
export function placeOf(axis, price) {
  const { places, step, first } = axis;
  if (!isNumber(price) || !places.length || price < places[0] || price > places.at(-1)) return null;
  if (step) return (price - first) / step;
  const at = places.findIndex((each) => each >= price);
  if (at === 0) return 0;
  return at - 1 + (price - places[at - 1]) / (places[at] - places[at - 1]);
}

/**
 * Two bars of one strike as heights from zero: [behind, front]. Bars to different sides stand
 * alone; to the same side they are stacked, so that neither hides the other.
 */
export function stacked(call, put) {
  if (!isNumber(call) || !isNumber(put) || call * put <= 0) return [put, call];
  return [call + put, call];
}

/** Heights and sides of the bars: [{strike, put, call}] with the put bar drawn first. */
export function barsOf(series, kind) {
  return series.strike.map((strike, at) => {
    const [call, put, net] = [series.call[at], series.put[at], series.net[at]];
    if (kind === "sides") {
      const [behind, front] = stacked(call, put);
      return { strike, put: behind, call: front };
    }
    if (kind === "gross") {
      return { strike, put: null, call: isNumber(call) && isNumber(put) ? Math.abs(call) + Math.abs(put) : null };
    }
    const height = kind === "abs" && isNumber(net) ? Math.abs(net) : net;
    return net < 0 ? { strike, put: height, call: null } : { strike, put: null, call: height };
  });
}
