// The minutes of one day, and what changed between them. No page in here.

const MINUTE = 60000;

/** The index of the newest minute at or before ms, -1 when there is none. */
export function indexAt(minutes, ms) {
  let low = 0;
  let high = minutes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (minutes[middle] <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const LAGS = { open: null, hour: 60 * MINUTE, five: 5 * MINUTE };

/**
 * Values to draw, a row per minute: the net ("gex"), or its change since the open, an hour or
 * five minutes ago. Null where one of the two is unknown.
 */
export function matrix({ minutes, net }, mode) {
  if (mode === "gex") return net;
  return net.map((row, at) => {
    const base = mode === "open" ? 0 : indexAt(minutes, minutes[at] - LAGS[mode]);
    const before = base < 0 ? null : net[base];
    return row.map((value, index) => (before && isNumber(value) && isNumber(before[index]) ? value - before[index] : null));
  });
}

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** The end of the colours: the largest size of a day, rounded up to a short number. */
export function niceMax(rows) {
  let most = 0;
  for (const row of rows) for (const value of row) if (isNumber(value) && Math.abs(value) > most) most = Math.abs(value);
  if (!most) return 0;
  const digit = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((each) => each * digit >= most) * digit;
}

/** Add the net of a payload of a new minute; true when a minute was added or the last one renewed. */
export function append(history, { at, strikes, net, spot, flip, callWall, putWall }) {
  const minute = Math.floor(at / MINUTE) * MINUTE;
  const last = history.minutes.at(-1);
  if (last !== undefined && minute < last) return false;
  const index = new Map(strikes.map((strike, each) => [strike, each]));
  const fresh = strikes.filter((strike) => !history.strikes.includes(strike));
  if (fresh.length && !history.minutes.length) history.strikes = [...strikes];
  else if (fresh.length) widen(history, fresh);
  const row = history.strikes.map((strike) => (index.has(strike) ? net[index.get(strike)] : null));
  const values = { minutes: minute, net: row, spot, zero_gamma: flip, call_wall: callWall, put_wall: putWall };
  if (last === minute) {
    for (const [name, value] of Object.entries(values)) history[name][history.minutes.length - 1] = value;
    return true;
  }
  for (const [name, value] of Object.entries(values)) history[name].push(value);
  return true;
}

/** Strikes that were not followed before get unknown minutes. */
function widen(history, fresh) {
  const strikes = [...history.strikes, ...fresh].sort((one, other) => one - other);
  const from = strikes.map((strike) => history.strikes.indexOf(strike));
  history.net = history.net.map((row) => from.map((at) => (at < 0 ? null : row[at])));
  history.strikes = strikes;
}

/** An empty day. */
export const emptyDay = () => ({ date: null, minutes: [], strikes: [], net: [], spot: [], zero_gamma: [], call_wall: [], put_wall: [], dates: [] });

/** Minutes since midnight of a text such as 14:05. */
export const ofDay = (text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

/** {open, close} in ms of the session that a minute belongs to; its New York time is "HH:MM". */
export function sessionOf(ms, newYork) {
  const midnight = Math.floor(ms / MINUTE) * MINUTE - ofDay(newYork) * MINUTE;
  return { open: midnight + 570 * MINUTE, close: midnight + 960 * MINUTE, midnight };
}
