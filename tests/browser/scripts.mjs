// Cases for the scripts that touch no page; prints one JSON object {name: null or message}.
import assert from "node:assert/strict";

const base = process.argv[2];
const load = (name) => import(`${base}/${name}.js`);
const { Room } = await load("rooms");
const { columnWidths, compare, moved, repaired, shownColumns } = await load("layout");
const { cell, csv } = await load("csv");
const { changes, changedSections, merged } = await load("settings_diff");
const { MarketClock } = await load("clock");
const { sparkShape } = await load("spark");

const columns = [{ id: "a" }, { id: "b" }, { id: "c", optional: true }, { id: "d", leaves: 1 }];
const natural = { a: 100, b: 100, c: 50, d: 80 };
const settings = () => ({ indicators: { positive: ["SPY"], neutral: [], negative: ["VIX"] }, gex: { expiries: 30, symbols: ["SPX"] } });

const cases = {
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
