// Cases for the scripts that touch no page; prints one JSON object {name: null or message}.
import assert from "node:assert/strict";

const base = process.argv[2];
const load = (name) => import(`${base}/${name}.js`);
const { Room } = await load("rooms");
const { Connection } = await load("socket");
const { columnWidths, compare, moved, repaired, shownColumns } = await load("layout");
const { cell, csv } = await load("csv");
const { changes, changedSections, merged } = await load("settings_diff");
const { MarketClock } = await load("clock");
const { sparkShape } = await load("spark");
const { axisOf, barsOf, columnsOf, exposure, placeOf, shownRange } = await load("gex/series");
const { placeLabels } = await load("gex/lines");
const { append, emptyDay, indexAt, matrix, niceMax, sessionOf } = await load("gex/history");
const { isView, neighbour, presets, readView, writeView } = await load("gex/view");
const { aside, contractFor, joined, plainText, platformString, targetLevels } = await load("gex/copy");
const { barOf, cellOf } = await load("gex/strip");
const { coversText, isSigned, underText, valueText } = await load("gex/studies");
const { COLUMNS } = await load("columns");
const { levelRows } = await load("gex/tables");
const { tiles } = await load("gex/words");

const listed = [0, 1, 2, 2, 9].map((dte, at) => ({ expiry: `2026-12-${16 + dte}`, root: at === 2 ? "SPX" : "SPXW", settlement: at === 2 ? "AM" : "PM", dte, subscribed: dte < 9 }));

// A clock whose timers run when told to, and a Socket.IO client that reports what a test wants.
function connectionAtRest() {
  const timers = new Set();
  let now = 0;
  const later = (fn, ms, again) => {
    const timer = { fn, at: now + ms, again: again ? ms : 0 };
    timers.add(timer);
    return timer;
  };
  const wait = (ms) => {
    const end = now + ms;
    for (;;) {
      const next = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      now = next.at;
      if (next.again) next.at += next.again;
      else timers.delete(next);
      next.fn();
    }
    now = end;
  };
  const kept = Object.fromEntries(["document", "window", "setTimeout", "setInterval", "clearTimeout", "clearInterval", "fetch"].map((name) => [name, globalThis[name]]));
  const clock = performance.now;
  Object.assign(globalThis, {
    document: { hidden: false, addEventListener() {}, querySelector: () => null },
    window: { addEventListener() {} },
    setTimeout: (fn, ms) => later(fn, ms, false),
    setInterval: (fn, ms) => later(fn, ms, true),
    clearTimeout: (timer) => timers.delete(timer),
    clearInterval: (timer) => timers.delete(timer),
    fetch: () => new Promise(() => {}),
  });
  performance.now = () => now;
  const socket = {
    connected: false,
    tries: 0,
    closed: 0,
    heard: {},
    on: (event, listener) => { socket.heard[event] = listener; },
    connect: () => { socket.tries += 1; },
    disconnect: () => { socket.closed += 1; },
  };
  const connection = new Connection(() => socket);
  connection.start();
  const restore = () => { Object.assign(globalThis, kept); performance.now = clock; };
  return { socket, wait, restore };
}

const columns = [{ id: "a" }, { id: "b" }, { id: "c", optional: true }, { id: "d", leaves: 1 }];
const natural = { a: 100, b: 100, c: 50, d: 80 };
const settings = () => ({ indicators: { positive: ["SPY"], neutral: [], negative: ["VIX"] }, gex: { expiries: 30, symbols: ["SPX"] } });

const cases = {
  "a connection that closes before its greeting is tried again": () => {
    const { socket, wait, restore } = connectionAtRest();
    try {
      socket.heard.disconnect("transport close");
      wait(2000);
      assert.equal(socket.tries, 2);
    } finally {
      restore();
    }
  },
  "a connection that is taken and never greeted is given up and tried again": () => {
    const { socket, wait, restore } = connectionAtRest();
    try {
      wait(16_000);
      assert.equal(socket.closed, 1);
      assert.equal(socket.tries, 2);
    } finally {
      restore();
    }
  },
  "a change before the snapshot waits and is applied when it is newer": () => {
    const room = new Room();
    assert.equal(room.receive({ epoch: "e", seq: 5 }), "wait");
    assert.equal(room.receive({ epoch: "e", seq: 6 }), "wait");
    assert.deepEqual(room.snapshot({ epoch: "e", seq: 5 }).map((each) => each.seq), [6]);
  },
  "a change that is not newer than the snapshot is dropped": () => {
    const room = new Room();
    room.snapshot({ epoch: "e", seq: 5 });
    assert.equal(room.receive({ epoch: "e", seq: 5 }), "drop");
    assert.equal(room.receive({ epoch: "e", seq: 4, full: true }), "drop");
  },
  "a gap asks for a snapshot, unless the message is whole": () => {
    const room = new Room();
    room.snapshot({ epoch: "e", seq: 5 });
    assert.equal(room.receive({ epoch: "e", seq: 9, full: true }), "apply");
    assert.equal(room.receive({ epoch: "e", seq: 11 }), "ask");
    assert.equal(room.receive({ epoch: "e", seq: 12 }), "wait");
  },
  "a new epoch asks for a snapshot, unless the message is whole": () => {
    const room = new Room();
    room.snapshot({ epoch: "e", seq: 5 });
    assert.equal(room.receive({ epoch: "f", seq: 1, full: true }), "apply");
    assert.equal(room.receive({ epoch: "g", seq: 2 }), "ask");
  },
  "messages in order are applied one by one": () => {
    const room = new Room();
    room.snapshot({ epoch: "e", seq: 5 });
    assert.deepEqual([6, 7, 8].map((seq) => room.receive({ epoch: "e", seq })), ["apply", "apply", "apply"]);
  },
  "a stored layout with foreign columns is repaired": () => {
    const layout = repaired({ order: ["d", "zz", "a", "d"], hidden: { a: true, b: true, zz: true }, widths: { b: 9999, d: "x" } }, columns);
    assert.deepEqual(layout, { order: ["a", "b", "c", "d"], hidden: { b: true }, widths: { b: 600 } });
  },
  "nonsense in the store gives the layout of a new browser": () => {
    for (const stored of [null, 7, "x", [], { order: 3, hidden: 4, widths: null }]) {
      assert.deepEqual(repaired(stored, columns).order, ["a", "b", "c", "d"]);
    }
  },
  "the first column keeps its place": () => {
    assert.deepEqual(moved(["a", "b", "d"], "b", -1), ["a", "b", "d"]);
    assert.deepEqual(moved(["a", "b", "d"], "a", 1), ["a", "b", "d"]);
    assert.deepEqual(moved(["a", "b", "d"], "d", -1), ["a", "d", "b"]);
  },
  "a column leaves where the table does not fit, not when it was asked for": () => {
    const layout = repaired(null, columns);
    assert.deepEqual(shownColumns(columns, layout, natural, 280), ["a", "b", "d"]);
    assert.deepEqual(shownColumns(columns, layout, natural, 279), ["a", "b"]);
    assert.deepEqual(shownColumns(columns, { ...layout, hidden: { d: false } }, natural, 100), ["a", "b", "d"]);
  },
  "columns fill the table exactly and keep the widths that were set": () => {
    const widths = columnWidths(["a", "b", "d"], { b: 150 }, natural, 500);
    assert.equal(widths.b, 150);
    assert.equal(widths.a + widths.b + widths.d, 500);
    assert.ok(widths.a >= 100 && widths.d >= 80);
    assert.deepEqual(columnWidths(["a", "b"], {}, natural, 50), { a: 100, b: 100 });
  },
  "unknown sorts last in both directions": () => {
    const sorted = (direction) => [null, 2, undefined, -1, NaN, 10].sort((one, other) => compare(one, other, direction));
    assert.deepEqual(sorted(1).slice(0, 3), [-1, 2, 10]);
    assert.deepEqual(sorted(-1).slice(0, 3), [10, 2, -1]);
  },
  "a formula in a text is disarmed, a negative number stays a number": () => {
    assert.equal(cell("=HYPERLINK(1)"), "'=HYPERLINK(1)");
    assert.equal(cell('a "b", c'), '"a ""b"", c"');
    assert.equal(csv(["x", "y"], [[-0.5, null]]), "x,y\r\n-0.5,\r\n");
  },
  "changes of settings are named in words": () => {
    const after = settings();
    after.indicators.positive.push("IWM");
    after.indicators.neutral.push(...after.indicators.negative.splice(0, 1));
    after.gex.expiries = 7;
    assert.deepEqual(changes(settings(), after).map(({ label, text }) => `${label} ${text}`), ["IWM added to positive", "VIX negative → neutral", "GEX expiries 30 → 7"]);
    assert.deepEqual(Object.keys(changedSections(settings(), after)), ["indicators", "gex"]);
    assert.deepEqual(changes(settings(), settings()), []);
  },
  "the clock runs at the speed of the market and ignores jitter": () => {
    const clock = new MarketClock();
    assert.equal(clock.now(0), null);
    clock.set({ market_ms: 1000000, speed: 10 }, 0);
    assert.equal(clock.now(500), 1005000);
    clock.set({ market_ms: 1010900, speed: 10 }, 1000);
    assert.equal(clock.now(1000), 1010000);
    clock.set({ market_ms: 2000000, speed: 10 }, 1000);
    assert.equal(clock.now(1000), 2000000);
  },
  "real time goes at its own speed, whatever the market's": () => {
    const clock = new MarketClock();
    assert.equal(clock.wall(0), null);
    clock.set({ market_ms: 1000000, wall_ms: 5000, speed: 24 }, 0);
    assert.equal(clock.wall(500), 5500);
    assert.equal(clock.now(500), 1012000);
  },
  "a new order is named beside other changes": () => {
    const before = settings();
    before.indicators.positive = ["SPY", "QQQ"];
    const after = structuredClone(before);
    after.indicators.positive = ["QQQ", "SPY", "IWM"];
    assert.deepEqual(changes(before, after).map(({ label, text }) => `${label} ${text}`), ["IWM added to positive", "positive new order"]);
  },
  "edits on top of a newer file touch nothing else": () => {
    const [base, mine, theirs] = [settings(), settings(), settings()];
    base.indicators.neutral = ["XLU"];
    mine.indicators.neutral = ["XLU", "GLD"];
    theirs.indicators.neutral = [];
    mine.gex.symbols = [];
    theirs.gex = { expiries: 7, symbols: ["SPX", "NDX"] };
    const result = merged(base, mine, theirs);
    assert.deepEqual(result.indicators, { positive: ["SPY"], neutral: ["GLD"], negative: ["VIX"] });
    assert.deepEqual(result.gex, { expiries: 7, symbols: ["NDX"] });
  },
  "a symbol moved on both sides stands once, where it was put here": () => {
    const [mine, theirs] = [settings(), settings()];
    mine.indicators = { positive: [], neutral: ["SPY"], negative: ["VIX"] };
    theirs.indicators = { positive: [], neutral: [], negative: ["VIX", "SPY"] };
    assert.deepEqual(merged(settings(), mine, theirs).indicators, { positive: [], neutral: ["SPY"], negative: ["VIX"] });
  },
  "every strike step has a place, also where nothing is listed": () => {
    assert.deepEqual(axisOf([100, 105, 110, 135]).places, [100, 105, 110, 115, 120, 125, 130, 135]);
    assert.deepEqual(axisOf([22, 22.5, 23.5]).places, [22, 22.5, 23, 23.5]);
    assert.deepEqual(axisOf([50]).places, [50]);
    assert.deepEqual(axisOf([]).places, []);
  },
  "a price between two strikes has a place between them, one outside has none": () => {
    const axis = axisOf([100, 105, 115]);
    assert.equal(placeOf(axis, 107.5), 1.5);
    assert.equal(placeOf(axis, 115), 3);
    assert.equal(placeOf(axis, 99), null);
    assert.equal(placeOf(axis, null), null);
  },
  "strikes are counted from spot on both sides": () => {
    assert.deepEqual(shownRange([1, 2, 3, 4, 5, 6], 3.5, 2), [1, 4]);
    assert.deepEqual(shownRange([1, 2, 3], 9, 2), [1, 2]);
    assert.deepEqual(shownRange([], 5, 2), [0, -1]);
  },
  "a put counts as the dealer holds it, and an unknown stays unknown": () => {
    const payload = { unit_factor: 60, columns: { strike: [1, 2, 3], call_gex: [6, null, 1], put_gex: [2, 5, null], call_dex: [3, 1, 1], put_dex: [-2, -1, -1] } };
    const gex = exposure(payload, { by: "oi", greek: "gex", unit: "pct" });
    assert.deepEqual([gex.call, gex.put, gex.net], [[6, null, 1], [-2, -5, null], [4, null, null]]);
    assert.deepEqual(exposure(payload, { by: "oi", greek: "gex", unit: "point" }).call, [0.1, null, 1 / 60]);
    assert.deepEqual(exposure(payload, { by: "oi", greek: "dex", unit: "point" }).net, [5, 2, 2]);
    assert.equal(exposure(payload, { by: "volume", greek: "gex", unit: "pct" }), null);
    assert.deepEqual(columnsOf({ strikes: [{ strike: 1, call_gex: 2 }] }), { strike: [1], call_gex: [2] });
  },
  "bars to the same side are stacked, so that neither hides the other": () => {
    const series = { strike: [1, 2], call: [4, 4], put: [-1, 3], net: [3, 7] };
    assert.deepEqual(barsOf(series, "sides"), [{ strike: 1, put: -1, call: 4 }, { strike: 2, put: 7, call: 4 }]);
    assert.deepEqual(barsOf(series, "gross").map((bar) => bar.call), [5, 7]);
    assert.deepEqual(barsOf({ strike: [1], call: [1], put: [-4], net: [-3] }, "abs"), [{ strike: 1, put: 3, call: null }]);
  },
  "labels never overlap: the other side, then the second lane, then none": () => {
    const spots = placeLabels([{ x: 100, width: 50 }, { x: 104, width: 50 }, { x: 105, width: 50 }, { x: 102, width: 50 }, { x: 103, width: 50 }], 0, 400);
    const boxes = spots.filter(Boolean).map(({ left, lane }) => [lane, left, left + 50]);
    for (const [index, [lane, from, to]] of boxes.entries()) {
      for (const [other, start, end] of boxes.slice(index + 1)) assert.ok(lane !== other || to <= start || end <= from);
    }
    assert.deepEqual(spots[0], { left: 104, lane: 0 });
    assert.equal(spots[1].lane, 0);
    assert.equal(spots.at(-1), null);
    assert.equal(placeLabels([{ x: 5, width: 300 }], 0, 200)[0], null);
  },
  "a change is against the newest minute at or before its time": () => {
    const minutes = [0, 1, 2, 7, 62].map((each) => each * 60000);
    const day = { minutes, net: [[1], [2], [null], [10], [20]] };
    assert.deepEqual(matrix(day, "five").map((row) => row[0]), [null, null, null, null, 10]);
    assert.deepEqual(matrix(day, "hour").at(-1), [null]);
    assert.deepEqual(matrix(day, "open").map((row) => row[0]), [0, 1, null, 9, 19]);
    assert.equal(indexAt(minutes, -1), -1);
    assert.equal(niceMax([[-4.2e9, null], [1]]), 5e9);
    assert.equal(niceMax([[null]]), 0);
  },
  "a new minute is added once and strikes that join are unknown before": () => {
    const day = emptyDay();
    const now = { at: 60000, strikes: [1, 2], net: [5, 6], spot: 1.5, flip: null, callWall: 2, putWall: 1 };
    append(day, now);
    append(day, { ...now, at: 119999, net: [7, 8] });
    append(day, { ...now, at: 120000, strikes: [2, 3], net: [9, 4] });
    assert.equal(append(day, { ...now, at: 60000 }), false);
    assert.deepEqual(day.minutes, [60000, 120000]);
    assert.deepEqual(day.strikes, [1, 2, 3]);
    assert.deepEqual(day.net, [[7, 8, null], [null, 9, 4]]);
  },
  "the session of a minute goes from 09:30 to 16:00 New York": () => {
    const { open, close } = sessionOf(1797449527000, "14:32");
    assert.equal(new Date(open).toISOString(), "2026-12-16T14:30:00.000Z");
    assert.equal(close - open, 390 * 60000);
  },
  "the address holds only what is not the default, and is read back the same": () => {
    const defaults = { view: "all", unit: "pct" };
    const view = readView("?view=2026-12-17,2026-12-23&greek=dex&unit=point&at=14:05&strikes=40&bars=nonsense", defaults);
    assert.deepEqual([view.greek, view.bars, view.strikes, view.at], ["dex", "sides", 40, "14:05"]);
    const query = writeView(view, defaults, "SPX");
    assert.equal(query, "?view=2026-12-17,2026-12-23&greek=dex&unit=point&strikes=40&at=14:05");
    assert.deepEqual(readView(query, defaults), view);
    assert.equal(writeView(readView("", defaults), defaults, "/ES"), "?symbol=/ES");
    assert.ok(!isView("2026-12-23,2026-12-17") && !isView("today") && isView("7d"));
  },
  "presets follow what is listed, and expiries are walked by day": () => {
    assert.deepEqual(presets(listed).map((each) => each.value), ["0dte", "2026-12-17", "2026-12-18", "7d", "30d", "all"]);
    assert.deepEqual(presets(listed.slice(1)).map((each) => each.value).slice(0, 2), ["2026-12-17", "2026-12-18"]);
    assert.equal(neighbour("0dte", listed, 1), "2026-12-17");
    assert.equal(neighbour("2026-12-17", listed, -1), "0dte");
    assert.equal(neighbour("2026-12-25", listed, 1), null);
    assert.equal(neighbour("7d", listed, 1), "0dte");
  },
  "a contract is named as each platform writes it, in the right decade": () => {
    assert.equal(contractFor("tradingview", "/ESH7", "2026-12-16T19:32:07Z"), "ESH2027");
    assert.equal(contractFor("ninjatrader", "/ESH7", "2026-12-16T19:32:07Z"), "ES 03-27");
    assert.equal(contractFor("ninjatrader", "/NQH0", "2029-12-16T19:32:07Z"), "NQ 03-30");
    assert.equal(contractFor("tradingview", "/ESZ6", "2026-12-16T19:32:07Z"), "ESZ2026");
  },
  "copied prices stand at the tick of the target; unknown ones are left out": () => {
    const levels = [{ key: "spot", value: 6012.36, future: 6043.5 }, { key: "zero_gamma", value: 5991.37, future: 6022.507 }, { key: "call_wall", value: 6050, future: null }];
    const payload = { symbol: "SPX", as_of: "2026-12-16T19:32:07.250Z", levels, conversion: { contract: "/ESH7", kind: "basis", value: 31.14, tick: 0.25 } };
    assert.equal(platformString(payload, "tradingview"), "GSL1;SPX;ESH2027;2026-12-16T19:32:07Z;zero_gamma=6022.50;spot=6043.50");
    assert.equal(platformString({ ...payload, conversion: null }, "ninjatrader"), "GSL1;SPX;SPX;2026-12-16T19:32:07Z;call_wall=6050.00;zero_gamma=5991.37;spot=6012.36");
  },
  "while the future has no price the symbol's own prices are copied, and that is said": () => {
    const levels = [{ key: "spot", label: "Spot", value: 6012.36, future: null }, { key: "call_wall", label: "Call wall", value: 6050, future: null }];
    const conversion = { contract: "/ESH7", kind: "basis", value: null, age: null, frozen: true, tick: 0.25, note: "No price of /ESH7 yet" };
    const payload = { symbol: "SPX", as_of: "2026-12-13T23:01:00Z", levels, conversion, scope: { strike_low: 5700, strike_high: 6300 } };
    assert.equal(joined(payload), null);
    for (const platform of ["tradingview", "ninjatrader"]) {
      assert.equal(platformString(payload, platform), "GSL1;SPX;SPX;2026-12-13T23:01:00Z;call_wall=6050.00;spot=6012.36");
    }
    assert.deepEqual(plainText(payload, "Sun 13 Dec 18:01:00 ET", "7 days").split("\n"), [
      "SPX levels, Sun 13 Dec 18:01:00 ET, 7 days, strikes 5,700 to 6,300, No price of /ESH7 yet",
      "Call wall    6,050.00", "Spot         6,012.36", "A model, not an observation. Not advice.",
    ]);
    assert.equal(aside(payload), ", No price of /ESH7 yet");
    assert.equal(aside({ conversion: null }), "");
  },
  "distances to the levels are columns that are off until switched on, in percent": () => {
    const row = { price: 597.27, decimals: 2, zero_gamma: 602.287, zero_gamma_distance: 0.84, call_wall_distance: null, put_wall_distance: -0.37 };
    const found = ["zero_gamma", "call_wall", "put_wall"].map((name) => COLUMNS.find(({ id }) => id === `${name}_distance`));
    assert.deepEqual(found.map((each) => each.text(row)), ["+0.84%", "–", "−0.37%"]);
    assert.deepEqual(found.map((each) => each.optional), [true, true, true]);
    assert.equal(found[0].title(row), "602.29 against 597.27");
    assert.equal(found[1].title(row), "");
  },
  "a future that has a price but not for each level copies those it has": () => {
    const levels = [{ key: "spot", value: 10, future: 11 }, { key: "call_wall", value: 12, future: null }];
    assert.deepEqual(targetLevels({ levels, conversion: { contract: "/ESH7", value: 1, tick: 0.25 } }).map((row) => row.key), ["spot"]);
    assert.deepEqual(targetLevels({ levels: [], conversion: null }), []);
  },
  "a secondary level at the place of a named one is a tag behind it": () => {
    const levels = [["resistance_1", 10], ["call_wall", 10], ["resistance_2", 9], ["max_gex", 9], ["spot", 8]].map(([key, value]) => ({ key, value, label: key }));
    assert.deepEqual(levelRows(levels).map((row) => [row.key, row.also.map((each) => each.tag)]), [["call_wall", ["R1"]], ["resistance_2", ["max"]], ["spot", []]]);
  },
  "symbols are compared per 1 percent on one scale": () => {
    const cell = cellOf({ unit: "usd_per_point", unit_factor: 60, totals: { net: -2 }, regime: "negative", spot: 100, zero_gamma: { all: { flip: 101 } } });
    assert.deepEqual([cell.net, cell.words, cell.away], [-120, "amplifies", "flip 1.00% above"]);
    assert.deepEqual(barOf(-60, 120), { left: 25, width: 25 });
    assert.equal(cellOf(null).known, false);
  },
  "a study's number has its sign, its decimals and a dash where nothing is known": () => {
    assert.equal(valueText(669.874, { digits: 1, signed: true }), "+669.9");
    assert.equal(valueText(-41.665, { digits: 1, signed: true }), "−41.7");
    assert.equal(valueText(-0.04, { digits: 1, signed: true }), "0.0");
    assert.equal(valueText(-12_499_440.2, { unit: "$ per point" }), "−12.5M");
    assert.equal(valueText(null, { digits: 1 }), "–");
    assert.equal(valueText("cannot tell", { unit: "" }), "cannot tell");
    assert.deepEqual(["share of 0 to 1", "contracts", "% per hour"].map((unit) => isSigned({ unit })), [false, false, true]);
  },
  "under a study stand its word, why it is unknown, and n": () => {
    assert.equal(underText({ word: "grows", reason: null, n: 1200, n_of: "contracts" }), "grows · n 1,200 contracts");
    assert.equal(underText({ word: null, reason: "No prints yet", n: 0, n_of: "contracts" }), "No prints yet · n 0 contracts");
    assert.equal(coversText({ contracts: 10, expiries: 1, future: null, as_of: "2026-12-16T19:32:07Z" }), "10 contracts of 1 expiry, no future to count in, 14:32:07 ET");
  },
  "a tile without its number says why": () => {
    const found = tiles({ zero_gamma: { all: { flip: null, reason: "net_positive_everywhere" } }, totals: {} }, { by: "oi", greek: "gex", unit: "pct" });
    assert.deepEqual([found.flip.text, found.flip.reading], ["–", "No flip: net gamma is positive everywhere in ±20%"]);
    assert.deepEqual([found.net.text, found.net.reading], ["–", "No regime: the net is not known"]);
    assert.equal(found.call_wall.reading, "no call gamma at or above spot");
    assert.equal(found.move.text, "–");
  },
  "a flat day draws a line, not a division by zero": () => {
    assert.ok(!JSON.stringify(sparkShape([[1, 5], [1, 5]], 5)).includes("NaN"));
    assert.equal(sparkShape([[0, 1], [10, 2]], null).base, null);
  },
};

const result = {};
for (const [name, run] of Object.entries(cases)) {
  try {
    run();
    result[name] = null;
  } catch (problem) {
    result[name] = String(problem.message);
  }
}
process.stdout.write(JSON.stringify(result));
