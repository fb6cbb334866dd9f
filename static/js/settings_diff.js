// What differs between two settings, in words.

const GROUPS = ["positive", "neutral", "negative"];
const NAMES = {
  "sources.news.enabled": "NewsAPI headlines", "sources.news.interval": "News interval",
  "sources.fred.enabled": "FRED releases", "sources.fred.interval": "FRED interval",
  "sources.forex_factory.enabled": "Forex Factory calendar", "sources.forex_factory.time": "Forex Factory time",
  "sources.forex_factory.zone": "Forex Factory zone", "sources.forex_factory.refresh": "Forex Factory refresh",
  "sources.tradingview.enabled": "TradingView prices", "sources.cboe.enabled": "Cboe chains",
  "gex.symbols": "GEX symbols", "gex.strikes_each_side": "GEX strikes each side", "gex.expiries": "GEX expiries", "gex.unit": "GEX unit",
  "orb.minutes": "Opening ranges", "orb.mode": "A break is", "orb.rr_ratio": "Reward to risk", "orb.buffer_ticks": "Ticks beyond the range",
  "orb.futures": "Futures open", "orb.opens": "Own opens", "profile.hours": "Hours of the volume profile",
  "profile.value_area": "Value area, %", "profile.weeks": "Weeks of the volume profile",
  "notices.rules.orb": "Opening range notices", "notices.rules.level": "Wall notices", "notices.rules.flip": "Zero gamma notices",
  "notices.rules.wall": "Wall shift notices", "notices.rules.signal": "Signal notices",
  "strategy.enabled": "Tell signals", "strategy.symbols": "Watched futures", "strategy.target": "Target, points", "strategy.stop_buffer": "Stop buffer, points",
  "strategy.max_risk": "Risk at most, points", "strategy.max_lt_below": "LT levels below at most", "strategy.lt_reference": "LT levels counted below the",
  "strategy.lt_missing": "LT filter when unknown", "strategy.lt_max_age": "LT levels good for, candles", "strategy.levels_max_age": "GEX levels good for, hours",
  "strategy.trailing": "Trailing stop", "strategy.trail_trigger": "Trail from a gain, points", "strategy.trail_offset": "Trail behind the high, points",
  "strategy.cooldown": "Seconds between two signals", "strategy.one_position": "One position at a time", "strategy.session_start": "Session from, New York",
  "strategy.session_end": "Session to, New York", "strategy.last_minutes": "No entry in the last minutes", "strategy.flat_at_end": "Flat at the session's end",
  "strategy.limit_candles": "Limit good for, candles", "strategy.bracket": "Stop and target hang on the", "strategy.score": "Strength of a strike",
  "strategy.contract": "Paper contract", "strategy.quantity": "Paper quantity", "strategy.commission": "Commission, $ a side",
  "strategy.slippage_ticks": "Slippage of stops, ticks", "strategy.to_router": "Signals to the router", "strategy.router_ticker": "Ticker in the router",
  "notices.rules.event": "Event notices", "notices.rules.source": "Source notices",
  "notices.rules.router": "Router notices", "notices.event_minutes": "Minutes before events", "notices.event_impact": "Impact of events",
  "notices.band": "Percent past a level", "notices.cooldown": "Minutes before the same again", "notices.per_hour": "Notices an hour",
  "notices.digest": "Minutes between digests", "notices.quiet.enabled": "Quiet hours", "notices.quiet.start": "Quiet from",
  "notices.quiet.end": "Quiet to", "notices.quiet.urgent": "Urgent in quiet hours", "notices.summary.enabled": "Daily summary",
  "notices.summary.time": "Time of the summary", "notices.off": "Targets off", "notices.skip": "Not sent",
  "forex.fast_ema": "EA fast EMA", "forex.slow_ema": "EA slow EMA", "forex.rsi_period": "EA RSI period", "forex.lot_size": "EA lot size",
  "forex.stop_loss": "EA stop loss, pips", "forex.take_profit": "EA take profit, pips", "forex.max_daily_loss": "EA loss a day, %",
  "forex.start_hour": "EA trades from, Chicago", "forex.end_hour": "EA trades until, Chicago",
  "forex.news_before": "EA quiet before news, min", "forex.news_after": "EA quiet after news, min",
  "display.theme": "Theme", "display.palette": "Palette", "display.time_zone": "Times shown in",
  "display.flash": "Flash cells", "display.keys": "Single keys",
};
const WORDS = {
  pct: "per 1%", point: "per point", system: "follow system", standard: "green and red", cb: "blue and orange",
  close: "a close", touch: "a touch", pit: "with their pit", electronic: "at 18:00", regular: "regular hours", extended: "all hours",
  new_york: "New York", utc: "UTC", true: "on", false: "off",
};

function isPlain(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function word(path, value) {
  if (value === undefined || value === null) return "not set";
  if (path.endsWith(".interval")) return value % 60 ? `${value} s` : `${value / 60} min`;
  if (Array.isArray(value)) return value.length ? value.join(" ") : "none";
  return WORDS[String(value)] ?? (isPlain(value) ? JSON.stringify(value) : String(value));
}

function groupOf(indicators, symbol) {
  return GROUPS.find((group) => indicators[group].includes(symbol));
}

function symbolChanges(before, after) {
  const all = (indicators) => GROUPS.flatMap((group) => indicators[group]);
  const had = all(before);
  const has = all(after);
  const changes = [];
  for (const symbol of has) {
    const group = groupOf(after, symbol);
    if (!had.includes(symbol)) changes.push({ label: symbol, text: `added to ${group}` });
    else if (groupOf(before, symbol) !== group) changes.push({ label: symbol, text: `${groupOf(before, symbol)} → ${group}` });
  }
  for (const symbol of had) if (!has.includes(symbol)) changes.push({ label: symbol, text: `removed from ${groupOf(before, symbol)}` });
  const common = (from, group, other) => from[group].filter((symbol) => other[group].includes(symbol)).join();
  for (const group of GROUPS) {
    if (common(before, group, after) !== common(after, group, before)) changes.push({ label: group, text: "new order" });
  }
  return changes;
}

function listChange(path, before, after) {
  const added = after.filter((each) => !before.includes(each));
  const gone = before.filter((each) => !after.includes(each));
  const text = [...added.map((each) => `${each} added`), ...gone.map((each) => `${each} removed`)].join(", ");
  return { label: NAMES[path] ?? path, text: text || "new order" };
}

function walk(before, after, path, changes) {
  for (const key of new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])) {
    const here = path ? `${path}.${key}` : key;
    const [one, other] = [before?.[key], after?.[key]];
    if (here === "indicators" || JSON.stringify(one) === JSON.stringify(other)) continue;
    if (isPlain(one) && isPlain(other)) walk(one, other, here, changes);
    else if (Array.isArray(one) && Array.isArray(other)) changes.push(listChange(here, one, other));
    else changes.push({ label: NAMES[here] ?? here, text: `${word(here, one)} → ${word(here, other)}` });
  }
}

/** Changes as {label, text}: "IWM" "added to positive", "GEX expiries" "30 → 7". */
export function changes(before, after) {
  const found = symbolChanges(before.indicators, after.indicators);
  walk(before, after, "", found);
  return found;
}

/** A list as edited here, on top of a newer one: my additions stay, my removals go. */
function mergedList(base, mine, theirs) {
  if (JSON.stringify(theirs) === JSON.stringify(base)) return [...mine];
  const list = theirs.filter((each) => mine.includes(each) || !base.includes(each));
  mine.forEach((each, index) => {
    if (!base.includes(each) && !list.includes(each)) list.splice(index, 0, each);
  });
  return list;
}

function mergedValue(base, mine, theirs) {
  if (JSON.stringify(mine) === JSON.stringify(base)) return structuredClone(theirs);
  if (isPlain(mine) && isPlain(theirs)) {
    const names = new Set([...Object.keys(theirs), ...Object.keys(mine)]);
    return Object.fromEntries([...names].map((name) => [name, mergedValue(base?.[name], mine[name], theirs[name])])
      .filter(([, value]) => value !== undefined));
  }
  if (Array.isArray(mine) && Array.isArray(theirs) && Array.isArray(base)) return mergedList(base, mine, theirs);
  return structuredClone(mine);
}

/** Settings edited here on top of newer saved ones: what was not touched here is theirs. */
export function merged(base, mine, theirs) {
  const result = mergedValue(base, mine, theirs);
  const moved = (symbol) => groupOf(mine.indicators, symbol) !== groupOf(base.indicators, symbol);
  for (const group of GROUPS) {
    // a symbol moved on both sides stands once, where it was put here
    result.indicators[group] = result.indicators[group].filter((symbol) => {
      const places = GROUPS.filter((each) => result.indicators[each].includes(symbol));
      return places.length === 1 || (moved(symbol) ? groupOf(mine.indicators, symbol) : places[0]) === group;
    });
  }
  return result;
}

/** The sections that differ, whole, as PUT /api/settings takes them. */
export function changedSections(before, after) {
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])));
}
