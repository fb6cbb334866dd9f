"""The chart desk over a real engine and a feed that is not there."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grok_sauce.analytics import ANALYTICS
from grok_sauce.desks.chart import ChartDesk
from grok_sauce.desks.chart_follow import Doors
from grok_sauce.engine import Engine
from grok_sauce.errors import SourceError
from grok_sauce.feeds.subscriptions import VIEW, Subscription
from grok_sauce.following.views import LINGER, Views
from grok_sauce.market import sessions
from grok_sauce.market.batches import Batch
from grok_sauce.market.instruments import Instrument, provisional
from grok_sauce.market.state import MarketState
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.storage.bars import BarStore
from grok_sauce.update import Update

TODAY = date(2026, 12, 16)
MINUTE = 60_000


def at(hour: int, minute: int = 0, day: date = TODAY) -> int:
    return round(sessions.instant(day, hour, minute) * 1000)


def candles(
    symbol: str, starts: Sequence[int], close: float = 600.0, snapshot: bool = True
) -> Batch:
    """Minutes (or days) of one price, 100 shares each."""
    count = len(starts)
    prices = [close] * count
    columns = (
        [0] * count, list(starts), list(starts), [1] * count,
        prices, [close + 1] * count, [close - 1] * count, prices, [100.0] * count,
    )  # fmt: skip
    return Batch("Candle", [symbol] * count, columns, 0.0, snapshot=snapshot)


def minutes(start: int, count: int) -> list[int]:
    return [start + place * MINUTE for place in range(count)]


class Feed:
    """What was wanted, and what the broker knows."""

    def __init__(self) -> None:
        self.wanted: dict[str, tuple[Sequence[Subscription], int]] = {}
        self.told: list[Update] = []
        self.looked_up: list[str] = []
        self.known: dict[str, Instrument] = {}
        self.is_down = False
        self.answered = threading.Event()

    def want(self, owner: str, subscriptions: Sequence[Subscription], priority: int) -> None:
        self.wanted[owner] = (subscriptions, priority)

    def resolve(self, symbols: Sequence[str]) -> dict[str, Instrument]:
        self.looked_up += symbols
        self.answered.set()
        if self.is_down:
            raise SourceError("the broker does not answer")
        return {symbol: self.known.get(symbol) or provisional(symbol) for symbol in symbols}

    def symbols(self, kind: str) -> list[str]:
        found, _ = self.wanted.get("charts", ((), 0))
        return [each.symbol for each in found if each.kind == kind]


@pytest.fixture
def desk(tmp_path: Path, clock: ManualClock) -> Any:
    feed = Feed()
    snapshot = Snapshot("e")
    engine = Engine(
        MarketState(), ANALYTICS, snapshot.publish, clock, groups={"positive": ("SPY",)},
        source="DEMO",
    )  # fmt: skip
    views = Views(clock)
    doors = Doors(
        feed.want, feed.resolve, lambda updates: feed.told.extend(updates), lambda: ("SPY",),
        lambda: ("SPX",), tmp_path / "history.db",
    )  # fmt: skip
    made = ChartDesk(engine, views, snapshot, clock, doors)
    stop = threading.Event()
    worker = threading.Thread(target=engine.run, args=(stop,), daemon=True)
    worker.start()
    site = SimpleNamespace(
        desk=made, engine=engine, feed=feed, views=views, snapshot=snapshot, clock=clock,
        bars=tmp_path / "history.db",
    )  # fmt: skip
    yield site
    stop.set()
    worker.join(5)


def give(desk: Any, *batches: Batch) -> None:
    """Put them in and wait until the engine has them."""
    for batch in batches:
        desk.engine.put(batch)
    before = desk.engine.metrics()["beats"]
    deadline = threading.Event()
    for _ in range(200):
        if desk.engine.metrics()["beats"] > before + 1:
            return
        deadline.wait(0.02)
    raise AssertionError("the engine does not beat")


def until(condition: Any) -> None:
    pause = threading.Event()
    for _ in range(200):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it never happened")


def test_an_answer_has_the_newest_candles_with_their_vwap_and_says_what_they_are(desk: Any) -> None:
    give(desk, candles("SPY{=m}", minutes(at(9, 30), 300)))

    found = desk.desk.candles("spy", "5m", limit=10)

    assert found["symbol"] == "SPY"
    assert [bar[0] for bar in found["bars"]] == [
        at(14, 25) - 5 * MINUTE * n for n in range(9, -1, -1)
    ]
    assert found["bars"][-1][1:] == [600.0, 601.0, 599.0, 600.0, 500.0]
    assert found["vwap"][-1] == [600.0, 0.0]
    assert found["basis"] == "minutes"
    assert found["source"] == "DEMO"
    assert found["ahead"] == at(16, 0)
    assert found["gex"]["text"] == "No GEX of SPY is kept. Choose GEX symbols in Setup."


def test_candles_of_the_disk_come_before_those_of_memory(desk: Any) -> None:
    earlier = date(2026, 12, 14)
    store = BarStore(desk.bars, 0.0)
    rows = [
        ("SPY", time, 590.0, 591.0, 589.0, 590.0, 10.0, 1)
        for time in minutes(at(9, 30, earlier), 390)
    ]
    store.write(rows)
    store.close()
    give(desk, candles("SPY{=m}", minutes(at(9, 30), 60)))

    found = desk.desk.candles("SPY", "15m", limit=100)
    older = desk.desk.candles("SPY", "15m", end=at(9, 30, earlier) + 30 * MINUTE, limit=100)

    assert len(found["bars"]) == 26 + 4
    assert found["bars"][0][4] == 590.0
    assert found["starts"] == [at(9, 30)]
    assert found["gaps"][0] == (at(9, 30, date(2026, 12, 15)), at(16, 0, date(2026, 12, 15)))
    assert len(older["bars"]) == 2


def test_paging_back_gives_each_candle_once(desk: Any) -> None:
    give(
        desk,
        candles(
            "SPY{=m}", [*minutes(at(9, 30, date(2026, 12, 15)), 390), *minutes(at(9, 30), 300)]
        ),
    )
    pages: list[int] = []
    end = None
    for _ in range(20):
        found = (
            desk.desk.opened("SPY", "5m", limit=25)
            if end is None
            else desk.desk.candles("SPY", "5m", end=end, limit=25)
        )
        if not found["bars"]:
            break
        pages = [bar[0] for bar in found["bars"]] + pages
        end = found["bars"][0][0]
        if end == at(9, 30, date(2026, 12, 15)):
            break

    assert pages == sorted(set(pages))
    assert len(pages) == 78 + 60


def test_a_symbol_beside_the_table_is_looked_up_subscribed_and_let_go_later(desk: Any) -> None:
    desk.feed.known["NVDA"] = Instrument("NVDA", "NVDA", "equity", "NVIDIA")

    desk.views.watch("chart", "NVDA", "5m")
    desk.desk.step()
    until(lambda: desk.engine.state.instruments.get("NVDA"))
    desk.desk.step()
    watched = set(desk.feed.symbols("Candle")), set(desk.feed.symbols("Quote"))
    desk.views.unwatch("chart", "NVDA", "5m")
    desk.clock.advance(LINGER - 1)
    desk.views.sweep()
    desk.desk.step()
    lingering = desk.feed.symbols("Quote")
    desk.clock.advance(2)
    desk.views.sweep()
    desk.desk.step()
    until(lambda: "NVDA" not in desk.engine.state.instruments)

    assert watched == ({"NVDA{=m}"}, {"NVDA"})
    assert desk.feed.wanted["charts"][1] == VIEW
    assert lingering == ["NVDA"]
    assert desk.feed.symbols("Quote") == []
    assert desk.feed.looked_up == ["NVDA"]


def test_a_broker_that_does_not_answer_is_asked_again_and_the_share_goes_ahead(desk: Any) -> None:
    desk.feed.is_down = True

    desk.views.watch("chart", "NVDA", "5m")
    desk.desk.step()
    until(desk.feed.answered.is_set)
    desk.desk.step()
    subscribed = desk.feed.symbols("Quote")
    desk.clock.advance(20)
    desk.desk.step()
    until(lambda: len(desk.feed.looked_up) == 2)

    assert subscribed == ["NVDA"]


def test_a_future_waits_for_its_front_month(desk: Any) -> None:
    desk.feed.is_down = True
    desk.views.watch("chart", "/ES", "5m")

    desk.desk.step()
    until(desk.feed.answered.is_set)
    desk.desk.step()

    assert desk.feed.symbols("Quote") == []


def test_days_are_asked_of_the_feed_only_by_who_looks_at_them(desk: Any) -> None:
    desk.views.watch("chart", "SPY", "5m")
    desk.desk.step()
    before = desk.feed.symbols("Candle")
    desk.views.watch("chart", "SPY", "1d")
    desk.desk.step()

    assert before == ["SPY{=m}"]
    assert desk.feed.symbols("Candle") == ["SPY{=m}", "SPY{=d,tho=true}"]


def test_daily_bars_of_the_feed_win_over_days_put_together(desk: Any) -> None:
    day = 86_400_000
    stamp = sessions.day_id(TODAY) * day
    give(desk, candles("SPY{=m}", minutes(at(9, 30), 300)))
    together = desk.desk.opened("SPY", "1d")
    give(desk, candles("SPY{=d,tho=true}", [stamp - day, stamp], 610.0))

    found = desk.desk.candles("SPY", "1d")

    assert (together["basis"], len(together["bars"])) == ("aggregated", 1)
    assert together["bars"][0] == [stamp, 600.0, 601.0, 599.0, 600.0, 30_000.0]
    assert found["basis"] == "daily"
    assert [bar[0] for bar in found["bars"]] == [stamp - day, stamp]


def test_a_watched_chart_is_told_of_each_change_and_of_nothing_else(desk: Any) -> None:
    give(desk, candles("SPY{=m}", minutes(at(9, 30), 300)))
    desk.views.watch("chart", "SPY", "5m")

    desk.desk.step()
    desk.desk.step()
    first = list(desk.feed.told)
    give(desk, candles("SPY{=m}", [at(14, 30)], 605.0, snapshot=False))
    desk.desk.step()
    second = desk.feed.told[len(first) :]

    assert [(each.topic, each.key) for each in first] == [("chart.bar", "SPY:5m")]
    assert len(first[0].payload["bars"]) == 3
    assert second[-1].payload["bars"][-1] == [at(14, 30), 605.0, 606.0, 604.0, 605.0, 100.0]
    vwap = second[-1].payload["vwap"]
    # 300 minutes at 600 and one at 605, 100 shares each
    assert vwap["value"] == pytest.approx(600 + 5 / 301)
    assert vwap["upper2"] - vwap["value"] == pytest.approx(2 * (vwap["upper1"] - vwap["value"]))


def test_a_chart_that_nobody_watches_any_more_leaves_the_snapshot(desk: Any) -> None:
    give(desk, candles("SPY{=m}", minutes(at(9, 30), 30)))
    desk.views.watch("chart", "SPY", "5m")
    desk.desk.step()
    desk.views.unwatch("chart", "SPY", "5m")

    desk.desk.step()

    assert desk.feed.told[-1] == Update("chart.bar", "SPY:5m", None)


def test_what_is_no_timeframe_or_no_symbol_is_nobodys_room(desk: Any) -> None:
    desk.views.watch("chart", "SPY", "7m")
    desk.views.watch("chart", "spy", "5m")

    desk.desk.step()

    assert desk.feed.told == []
    assert desk.feed.symbols("Candle") == []


def test_older_minutes_are_wanted_once_somebody_scrolls_to_where_they_end(desk: Any) -> None:
    give(desk, candles("SPY{=m}", minutes(at(9, 30), 300)))
    desk.views.watch("chart", "SPY", "5m")
    desk.desk.step()
    before = next(each for each in desk.feed.wanted["charts"][0] if each.kind == "Candle")

    def answer() -> None:
        until(lambda: _since(desk) < (before.from_time or 0))
        desk.engine.put(
            candles(
                "SPY{=m}", [*minutes(at(9, 30, date(2026, 12, 2)), 60), *minutes(at(9, 30), 300)]
            )
        )

    stop = threading.Event()
    stepper = threading.Thread(
        target=lambda: [desk.desk.step() for _ in iter(lambda: stop.wait(0.05), True)]
    )
    feeder = threading.Thread(target=answer)
    stepper.start()
    feeder.start()
    ticking = threading.Thread(
        target=lambda: [desk.clock.advance(0.05) for _ in iter(lambda: stop.wait(0.05), True)]
    )
    ticking.start()
    found = desk.desk.candles("SPY", "5m", end=at(9, 30), limit=50)
    stop.set()
    for thread in (stepper, feeder, ticking):
        thread.join(5)

    assert [bar[0] for bar in found["bars"]][:1] == [at(9, 30, date(2026, 12, 2))]
    assert found["more"] is False


def _since(desk: Any) -> int:
    found = [each for each in desk.feed.wanted["charts"][0] if each.kind == "Candle"]
    return found[0].from_time or 0 if found else 1 << 62


def test_a_symbol_that_is_not_offered_says_so_at_once(desk: Any) -> None:
    desk.feed.known["DXY"] = Instrument("DXY", "DXY", "index", problem="not_offered", hint="UUP")
    give(desk, Batch("Instrument", ["DXY"], ([desk.feed.known["DXY"]],), 0.0))

    found = desk.desk.candles("DXY", "5m")

    assert found["status"] == "not_offered"
    assert found["bars"] == []
    assert found["hint"] == "UUP"


def test_the_file_of_bars_that_cannot_be_read_costs_nothing_but_the_past(desk: Any) -> None:
    desk.bars.write_bytes(b"this is no database" * 100)
    give(desk, candles("SPY{=m}", minutes(at(9, 30), 60)))

    found = desk.desk.candles("SPY", "5m", limit=5)

    assert len(found["bars"]) == 5
