"""The reactions desk over a real state and file: horizons, restarts, gaps, edited calendars."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.desks.half_terms import Files, Process
from grok_sauce.desks.reactions import ReactionDesk, ReactionSettings, better, reaction_desk
from grok_sauce.desks.reactions_market import (
    LATE,
    EngineMarket,
    Kept,
    Seen,
    joined,
    known_of,
)
from grok_sauce.engine import Engine
from grok_sauce.market.batches import Batch
from grok_sauce.market.instruments import Instrument, provisional
from grok_sauce.market.state import MarketState
from grok_sauce.market_half import MarketHalf
from grok_sauce.publishers.reactions import ReactionKeeper
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.questions import Questions
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.runtime.concurrency import spawn
from grok_sauce.storage import gex_snapshots, reactions
from grok_sauce.storage.bars import BarStore
from grok_sauce.storage.gex_snapshots import GexMinute, Levels
from grok_sauce.update import Update

T = TypeVar("T")
AT = 1797433200  # Wednesday 2026-12-16, 10:00 New York
MINUTE = 60_000
HORIZONS = ("1", "5", "15", "30", "60")


class DirectEngine:
    """An engine whose thread is the caller's."""

    def __init__(self, state: MarketState) -> None:
        self.state = state
        self.source = "DEMO"
        self.noted: dict[str, Any] = {}

    def call(self, fn: Callable[[], T], timeout: float = 5.0) -> T:
        return fn()

    def set_settings(self, sections: dict[str, Any]) -> None:
        self.noted.update(sections)


def price(symbol: str, minute: int) -> float:
    """A path that is its own for each symbol and never the same twice in an hour."""
    base = {"SPY": 600.0, "QQQ": 500.0}.get(symbol, 100.0)
    return round(base + (minute % 7) * 0.11 - (minute % 11) * 0.07 + minute * 0.003, 4)


class Bench:
    """One machine as the desk sees it; start() is a start of the program on the same file."""

    def __init__(self, path: Path, at: float = AT - 120) -> None:
        self.path = path
        self.clock = ManualClock(market=at, real=at)
        self.table = ["SPY", "QQQ"]
        self.skipped: set[tuple[str, int]] = set()  # (symbol, minute) without a trade
        self.store = BarStore(path, at)
        self.environ: dict[str, str] = {}
        self.published: list[dict[str, Any]] = []
        self.calendar: dict[str, Any] | None = None
        self.start()

    def start(self, loaded_back: int = 90) -> None:
        """A new process: an empty state, which gets the history of so many minutes."""
        self.state = MarketState()
        self.engine = DirectEngine(self.state)
        self.keeper = ReactionKeeper()
        self.snapshot = Snapshot()
        self.desk = reaction_desk(
            self.engine,  # type: ignore[arg-type]
            self.path,
            self.keeper,
            self.snapshot,
            self.publish,
            lambda: self.table,
            self.clock,
            self.environ,
        )
        self.state.apply(Batch("Link", ["dxlink"], ([True],), self.clock.market()))
        if loaded_back:
            self.load(loaded_back)
        if self.calendar is not None:
            self.snapshot.publish([Update("calendar.event", "", self.calendar)])

    def publish(self, updates: Sequence[Update]) -> None:
        self.published += [update.payload for update in updates]
        self.snapshot.publish(updates)

    def rows(self, symbol: str, first: int, last: int) -> Batch:
        """Minutes [first, last) counted from AT, as the feed sends them."""
        found = []
        for minute in range(first, last):
            if (symbol, minute) not in self.skipped:
                p = price(symbol, minute)
                found.append((0, 0, AT * 1000 + minute * MINUTE, 3, p, p + 0.2, p - 0.3, p, 50.0))
        columns = tuple(map(list, zip(*found, strict=True))) or tuple([] for _ in range(9))
        return Batch("Candle", [f"{symbol}{{=m}}"] * len(found), columns, self.clock.market())

    def load(self, back: int) -> None:
        now = self.minute()
        for symbol in self.table:
            batch = self.rows(symbol, now - back, now + 1)
            snapshot = Batch("Candle", batch.symbols, batch.columns, batch.at, snapshot=True)
            self.take(snapshot)

    def minute(self) -> int:
        """The minute under way, from AT."""
        return int(self.clock.market() - AT) // 60

    def tick(self) -> None:
        """The bar under way, as it is now, and those before with their last content."""
        for symbol in self.table:
            self.take(self.rows(symbol, self.minute() - 3, self.minute() + 1))

    def take(self, batch: Batch) -> None:
        """The engine sees it, and History keeps the minutes that have ended."""
        self.state.apply(batch)
        now = self.clock.market() * 1000
        self.store.write(
            (symbol.partition("{")[0], time, o, h, low, c, volume, count)
            for symbol, (_, _, time, count, o, h, low, c, volume) in zip(
                batch.symbols, zip(*batch.columns, strict=True), strict=True
            )
            if time + MINUTE < now
        )

    def go(self, minutes: float, step: float = 60.0) -> None:
        """Let market time pass, a look after each step."""
        left = minutes * 60
        while left > 1e-9:
            self.clock.advance(min(step, left))
            left -= step
            self.tick()
            self.look()

    def look(self) -> None:
        self.desk.step()
        self.keeper.write(self.store.connection)

    def follow(self, *events: dict[str, Any], on: bool = True) -> None:
        self.calendar = {"on": on, "events": list(events), "next": None}
        self.snapshot.publish([Update("calendar.event", "", self.calendar)])

    def told(self, name: str = "cpi") -> dict[str, Any]:
        found: dict[str, Any] = self.snapshot.get("event.reaction", "")["events"][name]
        return found

    def row(self, symbol: str = "SPY", name: str = "cpi") -> dict[str, Any]:
        return next(row for row in self.told(name)["rows"] if row["symbol"] == symbol)

    def kept(self) -> list[reactions.EventRecord]:
        return list(reactions.read(self.store.connection, 0, 2**60))

    def statistics(self, title: str = "CPI m/m") -> dict[str, Any]:
        found = self.snapshot.get("event.reaction", "")["statistics"]
        entry: dict[str, Any] = next(each for each in found if each["title"] == title)
        return entry


def event(name: str = "cpi", at: float | None = AT, **values: Any) -> dict[str, Any]:
    time = None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
    return {
        "id": name,
        "title": "CPI m/m",
        "currency": "USD",
        "impact": "high",
        "time": time,
        "all_day": False,
        "cluster": None,
        "forecast_value": 0.3,
        "actual_value": None,
        "surprise": None,
        "unit": "%",
        **values,
    }


def percent(symbol: str, horizon: int) -> float:
    return round((price(symbol, horizon - 1) / price(symbol, -1) - 1) * 100, 6)


def measured(row: dict[str, Any]) -> dict[str, float | None]:
    return {h: move and move["percent"] for h, move in row["moves"].items()}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "history.db")
    yield made
    made.store.close()


# ---- horizons ---------------------------------------------------------------------------------


def test_each_horizon_is_told_when_its_minute_is_closed_and_not_before(bench: Bench) -> None:
    bench.follow(event())
    bench.look()

    assert bench.snapshot.get("event.reaction", "")["events"] == {}  # it has not been yet
    bench.clock.advance(120)  # 10:00:00: no bar of 10:00 yet, that of 09:59 may still change
    bench.state.apply(bench.rows("SPY", -2, 0))
    bench.look()
    assert bench.row()["pending"] == [1, 5, 15, 30, 60]
    assert bench.row()["before"] is None
    bench.go(0.1)
    assert bench.row()["before"] == price("SPY", -1)
    seen = []
    for _ in range(62):
        bench.go(1)
        row = bench.row()
        told = [int(h) for h, move in row["moves"].items() if move]
        assert sorted([*told, *row["pending"]]) == [1, 5, 15, 30, 60]
        assert all(h <= bench.minute() for h in told)
        seen.append(len(told))

    assert [seen.index(n) + 1 for n in (1, 2, 3, 4, 5)] == [1, 5, 15, 30, 60]
    for symbol in ("SPY", "QQQ"):
        assert measured(bench.row(symbol)) == {h: percent(symbol, int(h)) for h in HORIZONS}


def test_nothing_is_published_twice_while_nothing_changes(bench: Bench) -> None:
    bench.follow(event())
    bench.go(70)

    # The empty start, the release, the price before, and each of five horizons, at the most.
    assert len(bench.published) <= 8
    payloads = [{**each, "as_of": None} for each in bench.published]
    assert all(one != two for one, two in pairwise(payloads))


def test_a_bar_that_is_corrected_after_its_minute_corrects_what_was_told(bench: Bench) -> None:
    bench.follow(event())
    bench.go(7)
    fixed = bench.rows("SPY", 4, 5)
    fixed.columns[7][0] = 601.0
    fixed.columns[5][0] = 602.0

    bench.state.apply(fixed)
    bench.clock.advance(1)
    bench.look()

    assert bench.row()["moves"]["5"]["price"] == 601.0
    assert bench.kept()[0].rows["SPY"]["moves"]["5"]["price"] == 601.0


def test_a_gap_is_none_with_its_reason_and_is_filled_by_history_that_comes_late(
    bench: Bench,
) -> None:
    bench.skipped = {("SPY", 14)}
    bench.follow(event())
    bench.go(70)

    assert bench.row()["moves"]["15"] is None
    assert bench.row()["reasons"] == {"15": "No trade in the minute before"}
    assert bench.row("QQQ")["moves"]["15"] is not None
    bench.skipped = set()
    bench.load(120)
    bench.look()
    assert measured(bench.row()) == {h: percent("SPY", int(h)) for h in HORIZONS}
    assert bench.row()["reasons"] == {}


# ---- restarts ---------------------------------------------------------------------------------


def test_a_restart_in_the_middle_loses_nothing_and_doubles_nothing(bench: Bench) -> None:
    bench.follow(event(), event("claims", title="Unemployment Claims", surprise=-6000.0))
    bench.go(20)
    before = bench.told()

    bench.start()
    bench.look()

    assert bench.told() == before
    bench.go(50)
    assert measured(bench.row()) == {h: percent("SPY", int(h)) for h in HORIZONS}
    assert [record.id for record in bench.kept()] == ["claims", "cpi"]


def test_what_was_measured_stays_although_no_bars_come_back(bench: Bench) -> None:
    bench.follow(event())
    bench.go(20)
    before = bench.row()

    bench.start(loaded_back=0)
    bench.look()

    assert bench.row() == before
    bench.clock.advance(3 * 86_400)
    bench.load(5)
    bench.clock.advance(40)
    bench.look()
    assert [bench.row()["moves"][h] for h in ("1", "5", "15")] == [
        before["moves"][h] for h in ("1", "5", "15")
    ]
    assert [record.rows["SPY"] for record in bench.kept()] == [bench.row()]


def test_a_release_while_the_program_was_not_running_is_measured_from_history(
    bench: Bench,
) -> None:
    bench.clock.set_market(AT + 3 * 3600)
    bench.start(loaded_back=300)

    bench.follow(event())
    bench.look()

    assert measured(bench.row()) == {h: percent("SPY", int(h)) for h in HORIZONS}
    assert bench.row()["before_at"] == "2026-12-16T14:59:00+00:00"


def test_minutes_the_state_no_longer_has_come_from_the_file(bench: Bench) -> None:
    for symbol in ("SPY", "QQQ"):
        rows = zip(*bench.rows(symbol, -90, 90).columns, strict=True)
        bench.store.write(
            (symbol, time, o, h, low, c, volume, count)
            for _, _, time, count, o, h, low, c, volume in rows
        )
    bench.clock.set_market(AT + 3 * 86_400 + 3600)
    bench.start(loaded_back=30)

    bench.follow(event())
    bench.look()

    assert measured(bench.row()) == {h: percent("SPY", int(h)) for h in HORIZONS}
    assert bench.row()["moves"]["60"]["volume_ratio"] == 1.0


@settings(max_examples=6)
@given(
    stops=st.sets(st.integers(0, 38).map(lambda n: 2 * n), max_size=5),
    gaps=st.sets(st.tuples(st.sampled_from(["SPY", "QQQ"]), st.integers(-3, 62)), max_size=12),
    back=st.integers(70, 200),
)
def test_any_restarts_end_with_what_an_undisturbed_run_has(
    stops: set[int], gaps: set[tuple[str, int]], back: int
) -> None:
    ends = []
    for stopped in (set(), stops):
        with TemporaryDirectory() as folder:
            bench = Bench(Path(folder) / "history.db")
            bench.skipped = gaps
            bench.start(back)
            bench.follow(event(), event("ppi", AT + 600, title="PPI m/m"))
            for minute in range(100):
                bench.go(1)
                if minute in stopped:
                    bench.start(back)
            told = bench.snapshot.get("event.reaction", "")
            ends.append(({**told, "as_of": None}, bench.kept()))
            bench.store.close()

    straight, disturbed = ends

    # Loaded history differs in how far back it goes, volumes so long ago with it.
    assert disturbed == straight
    assert len(straight[1]) == 2


def test_a_file_that_cannot_be_read_stops_the_desk_before_it_writes_over_it(
    bench: Bench,
) -> None:
    bench.follow(event())
    bench.go(20)
    whole = bench.kept()
    bench.start()
    broken = bench.path.with_name("broken.db")
    broken.write_bytes(b"not a database, but long enough to be looked at" * 40)
    bench.desk._kept = Kept(broken)

    with pytest.raises(Exception, match="cannot be read"):
        bench.desk.step()

    assert bench.keeper.depth == 0
    assert bench.kept() == whole


# ---- the calendar -----------------------------------------------------------------------------


def test_an_event_that_moves_is_measured_at_its_new_time(bench: Bench) -> None:
    bench.follow(event())
    bench.go(70)
    assert bench.row()["pending"] == []

    bench.follow(event(at=AT + 4200))
    bench.go(24)

    assert bench.row()["before"] == price("SPY", 69)
    assert bench.row()["pending"] == [30, 60]
    assert bench.row()["moves"]["60"] is None
    assert len(bench.kept()) == 1


def test_an_event_that_is_withdrawn_before_its_time_is_forgotten(bench: Bench) -> None:
    bench.follow(event(), event("ppi", AT + 3600, title="PPI m/m"))
    bench.go(10)

    bench.follow(event())
    bench.go(90)

    assert [record.id for record in bench.kept()] == ["cpi"]
    assert set(bench.snapshot.get("event.reaction", "")["events"]) == {"cpi"}


def test_what_was_measured_stays_when_a_shorter_file_lacks_the_event(bench: Bench) -> None:
    bench.follow(event(), event("ppi", AT + 600, title="PPI m/m"))
    bench.go(20)

    bench.follow(event("ppi", AT + 600, title="PPI m/m"))
    bench.go(60)

    assert [record.id for record in bench.kept()] == ["cpi", "ppi"]
    assert measured(bench.kept()[0].rows["SPY"]) == {h: percent("SPY", int(h)) for h in HORIZONS}


def test_an_event_whose_time_is_open_again_has_no_reaction(bench: Bench) -> None:
    bench.follow(event(), event("ppi", AT + 600, title="PPI m/m"))
    bench.go(10)

    bench.follow(event(at=None), event("ppi", AT + 600, title="PPI m/m"))
    bench.go(10)

    assert [record.id for record in bench.kept()] == ["ppi"]


def test_a_calendar_that_is_switched_off_loses_nothing(bench: Bench) -> None:
    bench.follow(event())
    bench.go(10)

    bench.follow(on=False)
    bench.go(60)

    assert bench.snapshot.get("event.reaction", "")["events"] == {}
    assert measured(bench.kept()[0].rows["SPY"]) == {h: percent("SPY", int(h)) for h in HORIZONS}


def test_last_weeks_events_stay_when_the_new_file_has_the_same_titles(bench: Bench) -> None:
    bench.follow(event())
    bench.go(70)
    later = AT + 7 * 86_400

    bench.clock.set_market(later - 600)
    bench.follow(event(at=later))
    bench.look()

    assert [record.week for record in bench.kept()] == ["2026-12-13", "2026-12-20"]
    assert measured(bench.kept()[0].rows["SPY"]) == {h: percent("SPY", int(h)) for h in HORIZONS}


@pytest.mark.parametrize(
    "values",
    [
        {"at": None},
        {"impact": "holiday"},
        {"all_day": True},
        {"currency": "EUR"},
    ],
    ids=["no time", "holiday", "all day", "another currency"],
)
def test_what_is_no_us_release_at_a_minute_is_not_measured(
    bench: Bench, values: dict[str, Any]
) -> None:
    bench.follow(event(**values))
    bench.go(70)

    assert bench.snapshot.get("event.reaction", "")["events"] == {}
    assert bench.kept() == []


# ---- surprises and statistics -----------------------------------------------------------------


def past_releases(bench: Bench, surprises: Sequence[float | None], **values: Any) -> None:
    """CPI on the Wednesdays before, SPY up 0.1 % a horizon's minute where above expectation."""
    found = {}
    for n, surprise in enumerate(surprises, start=1):
        at = AT - n * 7 * 86_400
        sign = 0 if surprise is None else (surprise > 0) - (surprise < 0)
        moves = {h: {"percent": 0.1 * sign * n} for h in HORIZONS}
        record = reactions.EventRecord(
            week=(datetime(2026, 12, 13, tzinfo=UTC) - timedelta(weeks=n)).date().isoformat(),
            id="cpi",
            time=at * 1000,
            title="CPI m/m",
            currency="USD",
            impact="high",
            surprise=surprise,
            rows={
                symbol: {
                    "symbol": symbol,
                    "before": 1.0,
                    "before_at": None,
                    "drift_15": None,
                    "drift_30": None,
                    "moves": moves,
                    "pending": [],
                    "reasons": {},
                    "note": None,
                }
                for symbol in ("SPY", "QQQ")
            },
            **values,
        )
        found[record.key] = record
    reactions.write(bench.store.connection, found)


def test_z_needs_eight_past_releases_and_says_how_many_there_are(bench: Bench) -> None:
    past_releases(bench, [0.1, -0.1, 0.1, -0.1, 0.1, -0.1, 0.1])
    bench.start()
    bench.follow(event(surprise=0.2))
    bench.go(3)

    assert (bench.told()["surprise_z"], bench.told()["surprise_n"]) == (None, 7)
    past_releases(bench, [0.1, -0.1, 0.1, -0.1, 0.1, -0.1, 0.1, -0.1])
    bench.start()
    bench.look()
    # The reference's own kind of number: sd of eight +-0.1 with n - 1 is 0.1 sqrt(8/7).
    assert bench.told()["surprise_z"] == pytest.approx(0.2 / (0.1 * (8 / 7) ** 0.5), abs=1e-4)
    assert bench.told()["surprise_n"] == 8
    assert bench.told()["growth"] == 1
    assert bench.engine.noted == {"surprises": {"CPI m/m": (-0.1, 0.1) * 4}}


def test_statistics_name_their_n_and_group_by_the_surprise(bench: Bench) -> None:
    past_releases(bench, [0.1, -0.1, 0.0, None, 0.2])
    bench.start()
    bench.follow(event(at=AT + 86_400))
    bench.go(3)

    found = bench.statistics()

    assert (found["n"], found["of"], found["clustered"]) == (5, 5, 0)
    # +0.1, -0.2, 0, 0, +0.5 of weeks 1 to 5.
    assert found["by"]["5"] == {
        "n": 5,
        "mean": 0.08,
        "mean_abs": 0.16,
        "median_abs": 0.1,
        "up": 2,
        "up_share": 0.4,
    }
    assert {name: group["n"] for name, group in found["groups"].items()} == {
        "above": 2, "in_line": 1, "below": 1,
    }  # fmt: skip
    assert found["groups"]["above"]["by"]["5"] == {"n": 2, "mean": 0.3}
    assert found["groups"]["below"]["by"]["30"] == {"n": 1, "mean": -0.2}


def test_clustered_releases_are_left_out_and_counted(bench: Bench) -> None:
    past_releases(bench, [0.1, -0.1, 0.1], cluster="some minute")
    bench.start()
    bench.follow(event())
    bench.go(70)

    found = bench.statistics()

    assert (found["n"], found["of"], found["clustered"]) == (1, 4, 3)
    assert found["by"]["5"]["mean"] == percent("SPY", 5)


def test_releases_of_one_minute_are_measured_as_one_group(bench: Bench) -> None:
    minute = "2026-12-16T15:00Z.USD"
    bench.follow(
        event(cluster=minute, surprise=0.1),
        event("core", title="Core CPI m/m", cluster=minute, surprise=-0.1),
    )
    bench.go(70)

    group = bench.statistics("CPI m/m + Core CPI m/m")

    assert group["titles"] == ["CPI m/m", "Core CPI m/m"]
    assert (group["n"], group["of"], group["clustered"]) == (1, 1, 0)
    assert group["by"]["15"]["mean"] == percent("SPY", 15)
    assert [each["n"] for each in group["groups"].values()] == [0, 0, 0]  # whose surprise?
    assert bench.statistics()["n"] == 0
    assert bench.told()["cluster"] == bench.told("core")["cluster"] == minute


def test_regimes_are_told_apart(bench: Bench) -> None:
    past_releases(bench, [0.1, -0.1], gamma={"regime": "negative"})
    bench.start()
    bench.follow(event(at=AT + 86_400))
    bench.go(3)

    regimes = bench.statistics()["regimes"]

    assert regimes["negative"]["by"]["5"] == {"n": 2, "mean_abs": 0.15}
    assert regimes["positive"] == {"n": 0, "by": {h: {"n": 0, "mean_abs": None} for h in HORIZONS}}


def test_a_surprise_that_comes_later_is_kept_with_what_was_measured(bench: Bench) -> None:
    bench.follow(event())
    bench.go(10)

    bench.follow(event(actual_value=0.5, surprise=0.2))
    bench.go(1)

    (record,) = bench.kept()
    assert (record.actual, record.surprise) == (0.5, 0.2)
    assert record.rows["SPY"]["moves"]["5"]["percent"] == percent("SPY", 5)
    assert bench.told()["surprise"] == 0.2


# ---- gamma ------------------------------------------------------------------------------------


def exposure(symbol: str, at: float, net: float | None) -> GexMinute:
    levels = Levels(
        int(at) // 60 * MINUTE, round(at * 1000), "live", "DEMO", 6000.0, 1.0, 2.0, net, 5990.0,
        None, None, 6050.0, 5900.0,
    )  # fmt: skip
    return GexMinute(symbol, gex_snapshots.session_of(at), levels, b"", b"", b"")


def test_the_regime_is_of_the_last_exposure_before_the_release(bench: Bench) -> None:
    gex_snapshots.write(
        bench.store.connection,
        [
            exposure("SPY", AT - 125, 7e9),
            exposure("SPY", AT - 61, -3e9),
            exposure("SPY", AT + 1, 5e9),  # after it
            exposure("SPX", AT - 30, 9e9),
        ],
    )
    bench.follow(event())
    bench.go(4)

    assert bench.told()["gamma"] == {
        "symbol": "SPY",
        "regime": "negative",
        "net": -3e9,
        "flip": 5990.0,
        "spot": 6000.0,
        "as_of": "2026-12-16T14:58:59+00:00",
        "state": "live",
    }
    bench.start()
    bench.look()
    assert bench.told()["gamma"]["net"] == -3e9


def test_the_indexs_exposure_stands_in_and_an_old_one_does_not(bench: Bench) -> None:
    gex_snapshots.write(
        bench.store.connection,
        [exposure("SPY", AT - 901, 7e9), exposure("SPX", AT - 899, 2e9)],
    )
    bench.follow(event())
    bench.go(4)

    assert bench.told()["gamma"]["symbol"] == "SPX"


@pytest.mark.parametrize("net", [None, 0.0])
def test_an_exposure_of_nothing_has_no_regime(bench: Bench, net: float | None) -> None:
    gex_snapshots.write(bench.store.connection, [exposure("SPY", AT - 61, net)])
    bench.follow(event())
    bench.go(4)

    assert (bench.told()["gamma"]["regime"], bench.told()["gamma"]["net"]) == (None, net)


def test_without_a_kept_exposure_gamma_is_unknown(bench: Bench) -> None:
    bench.follow(event())
    bench.go(70)

    assert bench.told()["gamma"] is None


# ---- symbols ----------------------------------------------------------------------------------


def test_the_first_four_symbols_with_prices_are_measured(bench: Bench) -> None:
    bench.table = ["DXY", "SPY", "XLF", "QQQ", "GLD", "TLT"]
    bench.state.apply(
        Batch("Instrument", ["DXY"], ([_without_prices("DXY")],), bench.clock.market())
    )
    bench.look()

    assert bench.published[-1]["symbols"] == ["SPY", "XLF", "QQQ", "GLD"]


def _without_prices(symbol: str) -> Instrument:
    return replace(provisional(symbol), problem="not_offered", hint="UUP")


def test_wished_symbols_are_measured_as_far_as_they_are_in_the_table(bench: Bench) -> None:
    bench.environ = {"REACTIONS_SYMBOLS": "QQQ,NVDA,SPY"}
    bench.start()
    bench.follow(event())
    bench.go(4)

    assert bench.published[-1]["symbols"] == ["QQQ", "SPY"]
    assert [row["symbol"] for row in bench.told()["rows"]] == ["QQQ", "SPY"]
    assert bench.statistics()["symbol"] == "QQQ"


def test_a_symbol_that_comes_to_the_table_is_measured_for_the_week(bench: Bench) -> None:
    bench.follow(event())
    bench.go(70)

    bench.table = ["GLD", *bench.table]
    bench.load(200)
    bench.go(1)

    assert [row["symbol"] for row in bench.told()["rows"]] == ["GLD", "SPY", "QQQ"]
    assert bench.row("GLD")["pending"] == []
    assert set(bench.kept()[0].rows) == {"GLD", "SPY", "QQQ"}


# ---- how far minutes can be trusted -------------------------------------------------------------


NOW = AT + 600.0
NEWEST = (AT + 540) * 1000  # the bar of the ninth minute


def seen(newest: int | None = NEWEST, snapshot_at: float | None = AT - 50.0) -> Seen:
    return Seen(provisional("SPY"), (), 1, newest, snapshot_at)


def test_on_a_steady_live_feed_a_minute_is_closed_a_second_after_its_end() -> None:
    known = known_of(seen(), NOW, 1.0, False, True, AT - 100.0)

    assert known.closed == int((NOW - 1) * 1000)
    assert known.whole == NEWEST


def test_a_delayed_feed_closes_a_minute_with_the_next_bar_alone() -> None:
    known = known_of(seen((AT - 300) * 1000), NOW, 1.0, True, True, AT - 100.0)

    assert (known.closed, known.whole) == ((AT - 300) * 1000, (AT - 300) * 1000)


def test_a_minute_in_which_the_link_went_down_is_not_closed() -> None:
    down = known_of(seen(), NOW + 300, 1.0, False, False, AT + 570.0)
    back = known_of(seen(), NOW + 300, 1.0, False, True, AT + 800.0)
    loaded = known_of(seen(NEWEST, AT + 801.0), NOW + 300, 1.0, False, True, AT + 800.0)

    assert down.closed == (AT + 569) * 1000  # within the bar that is partly there
    assert (back.closed, back.whole) == (NEWEST, NEWEST)
    assert loaded.closed == int((NOW + 299) * 1000)


def test_a_quiet_symbol_has_no_trades_once_even_a_delayed_feed_would_have_told() -> None:
    quiet = seen((AT - 1800) * 1000)

    assert known_of(quiet, NOW, 1.0, False, True, AT - 9000.0).whole == int((NOW - LATE) * 1000)
    assert known_of(quiet, NOW, 1.0, False, False, AT - 9000.0).whole == (AT - 1800) * 1000


def test_with_a_lost_link_nothing_is_said_of_the_partial_minute(bench: Bench) -> None:
    bench.follow(event())
    bench.go(6.5)  # 10:04:30
    bench.state.apply(Batch("Link", ["dxlink"], ([False],), bench.clock.market()))
    for _ in range(10):
        bench.clock.advance(60)
        bench.look()

    assert bench.row()["pending"] == [5, 15, 30, 60]
    bench.state.apply(Batch("Link", ["dxlink"], ([True],), bench.clock.market()))
    bench.look()
    assert bench.row()["pending"] == [5, 15, 30, 60]
    bench.clock.advance(1)
    bench.load(60)
    bench.look()
    assert bench.row()["moves"]["5"]["price"] == price("SPY", 4)


# ---- small parts --------------------------------------------------------------------------------


def test_of_two_measurements_the_newer_stands_but_what_was_known_is_not_lost() -> None:
    move = {"percent": 1.0, "price": 5.05, "volume_ratio": 2.0}
    short = {**move, "volume_ratio": None}
    other = {**short, "price": 5.06}
    before = {
        "before": 5.0, "drift_15": 0.1, "drift_30": None, "moves": {"1": move, "5": None},
        "pending": [5], "reasons": {},
    }  # fmt: skip
    found = {
        "before": 5.0, "drift_15": None, "drift_30": 0.2, "moves": {"1": None, "5": move},
        "pending": [1], "reasons": {"1": "gone"},
    }  # fmt: skip

    assert better(before, found) == {
        "before": 5.0, "drift_15": 0.1, "drift_30": 0.2, "moves": {"1": move, "5": move},
        "pending": [], "reasons": {},
    }  # fmt: skip
    assert better(None, found) == found
    lost, corrected = ({**found, "moves": {"1": each, "5": None}} for each in (short, other))
    assert better(before, lost)["moves"]["1"] == move
    assert better(before, corrected)["moves"]["1"] == other
    assert better({**before, "before": None}, found) == found
    assert better(before, {**found, "before": None}) == before


def test_the_states_minutes_win_over_the_files(bench: Bench) -> None:
    engine = EngineMarket(bench.engine, bench.clock)  # type: ignore[arg-type]
    there = engine.see(["SPY"], [AT * 1000])["SPY"].minutes[0]
    time = there.times[3]
    old = bench.state.candles("SPY", "m")
    assert old is not None
    bar = old.bar(time)
    assert bar is not None
    found = joined(there, [replace(bar, close=1.0), replace(bar, time=time - 600 * MINUTE)])

    assert list(found.times) == [time - 600 * MINUTE, *there.times]
    assert found.closes[4] == there.closes[3]
    assert len(joined(there, [])) == len(there)


def test_the_history_of_an_event_is_answered_newest_first(bench: Bench) -> None:
    past_releases(bench, [0.1, None, -0.2])
    questions = Questions(spawn)
    bench.desk.register(questions)

    found = questions.ask("reactions.history", {"title": "CPI m/m"})

    assert [release["surprise"] for release in found["releases"]] == [0.1, None, -0.2]
    assert found["releases"][0]["time"] == "2026-12-09T15:00:00+00:00"
    assert questions.ask("reactions.history", {"title": "CPI y/y"})["releases"] == []


def test_changes_wait_while_the_disk_is_full(bench: Bench) -> None:
    bench.follow(event())
    for _ in range(20):
        bench.clock.advance(60)
        bench.tick()
        bench.desk.step()
    full = sqlite3.connect(f"file:{bench.path}?mode=ro", uri=True)

    with pytest.raises(sqlite3.OperationalError):
        bench.keeper.write(full)
    full.close()

    assert bench.keeper.depth == 1
    assert bench.keeper.write(bench.store.connection) == 1
    assert bench.kept()[0].rows["SPY"]["moves"]["15"] is not None
    assert (bench.keeper.depth, bench.keeper.dropped) == (0, 0)


def test_in_the_whole_program_a_release_reaches_the_disk_and_its_page(
    tmp_path: Path, clock: ManualClock
) -> None:
    files = Files(tmp_path / "data", tmp_path / "s.json", tmp_path / "kept", tmp_path / "env")
    secrets = {"CLIENT_SECRET": "demo", "REFRESH_TOKEN": "demo", "REACTIONS_SYMBOLS": "SPY"}
    half = MarketHalf(files, secrets, clock, False, Process(dict, dict, str))
    clock.set_market(AT + 7200)
    bench = Bench(tmp_path / "other.db", AT + 7200)
    batch = bench.rows("SPY", -90, 115)
    bench.store.close()
    half.engine.put(Batch("Candle", batch.symbols, batch.columns, AT + 7200.0, snapshot=True))
    half.snapshot.publish([Update("calendar.event", "", {"events": [event()]})])
    workers = [half.engine, half.reactions, half.history]
    stop = threading.Event()
    threads = [threading.Thread(target=each.run, args=(stop,), daemon=True) for each in workers]

    def kept() -> list[reactions.EventRecord]:
        return Kept(half.history.path).records(0, 2**60)

    for thread in threads:
        thread.start()
    pause = threading.Event()
    for _ in range(600):
        if kept() and kept()[0].rows:
            break
        pause.wait(0.05)
    stop.set()
    for thread in threads:
        thread.join(10)

    (record,) = kept()
    assert measured(record.rows["SPY"]) == {h: percent("SPY", int(h)) for h in HORIZONS}
    told = half.snapshot.get("event.reaction", "")["events"]["cpi"]["rows"]
    assert told == [record.rows["SPY"]]
    assert half.questions.ask("reactions.history", {"title": "CPI m/m"})["releases"][0]["id"] == (
        "cpi"
    )


def test_the_desk_runs_beside_a_real_engine(tmp_path: Path, clock: ManualClock) -> None:
    engine = Engine(MarketState(), (), lambda updates: None, clock, groups={"positive": ("SPY",)})
    told: list[Update] = []
    BarStore(tmp_path / "history.db", clock.real()).close()
    desk: ReactionDesk = reaction_desk(
        engine, tmp_path / "history.db", ReactionKeeper(), Snapshot(), told.extend,
        lambda: ["SPY"], clock, {},
    )  # fmt: skip
    stop = threading.Event()
    workers = [threading.Thread(target=each.run, args=(stop,)) for each in (engine, desk)]

    for worker in workers:
        worker.start()
    deadline = clock.monotonic() + 1
    while not told and clock.monotonic() < deadline:
        threading.Event().wait(0.01)
        clock.advance(0.001)
    stop.set()
    for worker in workers:
        worker.join(5)

    assert told[0].payload["symbols"] == ["SPY"]
    assert ReactionSettings().symbols == ()
