"""analytics.indicator: every number of a row, its age, and why it is missing."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.analytics import indicator
from grok_sauce.analytics.indicator import Row
from grok_sauce.analytics.indicator_options import EXPIRY_FIELDS, GEX_FIELDS
from grok_sauce.analytics.view import View
from grok_sauce.market import sessions
from grok_sauce.market.batches import FIELDS, Batch
from grok_sauce.market.instruments import Instrument
from grok_sauce.market.products import Kind
from grok_sauce.market.state import MarketState

ANSWERS = Path(__file__).resolve().parents[1] / "answers"
NAN = "NaN"
TODAY = date(2026, 12, 16)  # a Wednesday
GROUPS = {"positive": ("SPY",), "neutral": ("GLD",), "negative": ("VIX",)}
COLUMNS = (
    "symbol name group kind price price_basis decimals direction bid ask spread open prev_close "
    "change_price change_percent change_close change_close_percent volume rvol rvol_day avg_volume "
    "day_high day_low vwap_distance gap_percent max_pain dte witching net_gex zero_gamma call_wall "
    "put_wall zero_gamma_distance call_wall_distance put_wall_distance orb orb_detail spark color "
    "text_color as_of age stale status hint source expiry reasons order"
)


def moment(text: str, day: date = TODAY) -> float:
    """A New York wall time as Unix seconds."""
    parsed = datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=sessions.NEW_YORK)
    return parsed.timestamp()


def number_of(day: date) -> int:
    return (day - date(1970, 1, 1)).days


class Desk:
    """A state, a clock hand, and short ways to feed the one and read rows at the other."""

    def __init__(self, now: float, groups: dict[str, tuple[str, ...]] | None = None) -> None:
        self.state = MarketState()
        self.now = now
        self.groups = groups or GROUPS
        self.cache: dict[Any, Any] = {}

    def feed(self, kind: str, symbol: str, *values: Any, at: float | None = None) -> None:
        columns = tuple([value] for value in values)
        self.state.apply(Batch(kind, [symbol], columns, self.now if at is None else at))

    def trade(
        self,
        symbol: str,
        price: Any,
        volume: Any = NAN,
        day: date | None = TODAY,
        kind: str = "Trade",
        at: float | None = None,
    ) -> None:
        when = self.now if at is None else at
        number = None if day is None else number_of(day)
        self.feed(kind, symbol, price, volume, int(when * 1000), number, at=when)

    def summary(
        self, symbol: str, opening: Any, prev_close: Any, day: date = TODAY, close: Any = NAN
    ) -> None:
        self.feed(
            "Summary", symbol, number_of(day), opening, 610.0, 590.0, close, prev_close, 5e7, 0
        )

    def bars(self, symbol: str, bars: Sequence[tuple[int, float, Any]]) -> None:
        """(start ms, close, volume) as a snapshot."""
        rows = [(0, time << 22, time, 1, p, p, p, p, volume) for time, p, volume in bars]
        assert len(rows[0]) == len(FIELDS["Candle"])
        columns = tuple(list(column) for column in zip(*rows, strict=True))
        name = f"{symbol}{{=m}}"
        self.state.apply(Batch("Candle", [name] * len(rows), columns, self.now, snapshot=True))

    def sessions_of(self, symbol: str, days: int, volume: float, before_open: float = 0.0) -> None:
        """So many earlier sessions with the same volume in each of the 391 minutes."""
        bars = []
        for day in sessions.sessions_before(sessions.session_date(self.now), days):
            opening = int(sessions.regular(day)[0] * 1000)
            if before_open:
                start = int(sessions.extended(day)[0] * 1000)
                bars += [(start + 60_000 * n, 600.0, before_open) for n in range(330)]
            bars += [(opening + 60_000 * n, 600.0, volume) for n in range(391)]
        self.bars(symbol, bars)

    def instrument(self, symbol: str, kind: Kind, **more: Any) -> None:
        streamer = more.pop("streamer", symbol)
        self.feed("Instrument", symbol, Instrument(symbol, streamer, kind, **more))

    def rows(self, *links: str, source: str = "LIVE") -> dict[str, Row]:
        symbols = tuple(symbol for group in self.groups.values() for symbol in group)
        view = View(
            self.state,
            self.now,
            self.groups,
            symbols,
            source=source,
            links=frozenset(links),
            cache=self.cache,
        )
        return indicator.compute(view)

    def row(self, symbol: str = "SPY", *links: str) -> Row:
        return self.rows(*links)[symbol]


@pytest.fixture
def desk() -> Desk:
    """14:32:07 in New York, a market in session, nothing received yet."""
    return Desk(moment("14:32:07"))


# ---- shape ------------------------------------------------------------------------------


def test_a_row_has_the_agreed_fields_and_is_json(desk: Desk) -> None:
    row = desk.row()

    assert set(row) == set(COLUMNS.split())
    assert json.loads(json.dumps(row, allow_nan=False)) == row


def test_before_anything_came_all_is_unknown_with_a_reason_and_waiting(desk: Desk) -> None:
    row = desk.row()

    unknown = {name for name, value in row.items() if value is None} - {"hint"}
    assert unknown == set(row["reasons"])
    assert all(row["reasons"].values())
    assert {"price", "volume", "rvol", "open", "change_percent", "max_pain", "age"} <= unknown
    assert (row["status"], row["stale"], row["spark"]) == ("waiting", False, [])


def test_every_null_of_a_full_row_has_a_reason_and_nothing_known_has_one(desk: Desk) -> None:
    desk.sessions_of("SPY", 5, 1000.0)
    desk.feed("Quote", "SPY", 600.40, 600.44)
    desk.trade("SPY", 600.42, 4.0e5)
    desk.summary("SPY", 597.85, 597.0)

    row = desk.row()

    assert {n for n, v in row.items() if v is None} - {"hint"} == set(row["reasons"])
    assert set(row["reasons"]) == {
        *("max_pain", *EXPIRY_FIELDS, *GEX_FIELDS),
        *("orb", "orb_detail", "vwap_distance"),
    }


def test_rows_keep_the_users_order_groups_and_colours(desk: Desk) -> None:
    rows = desk.rows()

    assert [(row["symbol"], row["order"]) for row in rows.values()] == [
        ("SPY", 0),
        ("GLD", 1),
        ("VIX", 2),
    ]
    assert [row["text_color"] for row in rows.values()] == ["orange", "lightblue", "pink"]


# ---- price and changes ------------------------------------------------------------------


def test_both_changes_are_against_their_own_reference(desk: Desk) -> None:
    # The definition's example: previous close 600, open 603, last 606.
    desk.trade("SPY", 606.0)
    desk.summary("SPY", 603.0, 600.0)

    row = desk.row()

    assert row["change_price"] == pytest.approx(3.0)
    assert row["change_percent"] == pytest.approx(0.4975, abs=5e-5)
    assert row["change_close"] == pytest.approx(6.0)
    assert row["change_close_percent"] == pytest.approx(1.0)
    assert row["gap_percent"] == pytest.approx(0.5)
    assert (row["color"], row["price_basis"]) == ("darkgreen", "trade")


@pytest.mark.parametrize("last, color", [(606.0, "darkgreen"), (600.0, "darkred"), (603.0, "gray")])
def test_the_row_is_tinted_by_the_change_from_the_open(desk: Desk, last: float, color: str) -> None:
    desk.trade("SPY", last)
    desk.summary("SPY", 603.0, 590.0)

    assert desk.row()["color"] == color


@pytest.mark.parametrize("nothing", [0, 0.0, NAN, "Infinity", None, -1.0])
def test_no_price_is_made_of_what_is_none(desk: Desk, nothing: Any) -> None:
    desk.trade("SPY", nothing)
    desk.feed("Quote", "SPY", nothing, nothing)
    desk.summary("SPY", nothing, nothing)

    row = desk.row()

    for name in ("price", "bid", "ask", "spread", "open", "prev_close"):
        assert row[name] is None, name
        assert row["reasons"][name]
    for name in ("change_price", "change_percent", "change_close", "change_close_percent"):
        assert row[name] is None, name
    assert row["color"] is None


def test_one_reference_never_stands_in_for_the_other(desk: Desk) -> None:
    desk.trade("SPY", 606.0)
    desk.summary("SPY", NAN, 600.0)

    row = desk.row()

    assert (row["change_price"], row["change_percent"]) == (None, None)
    assert row["change_close"] == pytest.approx(6.0)
    assert row["reasons"]["change_percent"] == "Not opened yet today"


@pytest.mark.parametrize(
    ("opening", "prev_close", "gap"),
    [
        (603.0, 600.0, 0.5),
        (598.2, 600.0, -0.3),
        (600.0, 600.0, 0.0),
        (92.05, 92.0, 0.0543478),  # TLT just over the 0.05 % that a gap trader asks for
    ],
    ids=["up", "down", "none", "small"],
)
def test_the_overnight_gap_is_the_open_against_the_close_before(
    desk: Desk, opening: float, prev_close: float, gap: float
) -> None:
    desk.trade("SPY", 590.0)  # where it went since does not change the gap
    desk.summary("SPY", opening, prev_close)

    row = desk.row()

    assert row["gap_percent"] == pytest.approx(gap, abs=1e-7)
    assert "gap_percent" not in row["reasons"]


@pytest.mark.parametrize(
    ("opening", "prev_close", "why"),
    [
        (NAN, 600.0, "Not opened yet today"),
        (603.0, NAN, "The source gives no previous close"),
        (603.0, 0.0, "The source gives no previous close"),
    ],
    ids=["before the open", "no close", "a close of nothing"],
)
def test_an_unknown_gap_says_why(desk: Desk, opening: Any, prev_close: Any, why: str) -> None:
    desk.trade("SPY", 604.0)  # the pre-market's price makes no gap
    desk.summary("SPY", opening, prev_close)

    row = desk.row()

    assert row["gap_percent"] is None
    assert row["reasons"]["gap_percent"] == why


def test_yesterdays_gap_is_not_todays() -> None:
    desk = Desk(moment("08:00"))
    desk.summary("SPY", 603.0, 600.0, day=date(2026, 12, 15), close=604.0)

    row = desk.row()

    assert row["gap_percent"] is None
    assert row["prev_close"] == 604.0
    assert row["reasons"]["gap_percent"] == "Nothing received for today yet"


def test_a_quote_never_makes_an_open(desk: Desk) -> None:
    desk.feed("Quote", "SPY", 600.0, 600.2)

    row = desk.row()

    assert (row["price"], row["price_basis"]) == (pytest.approx(600.1), "mid")
    assert (row["open"], row["change_percent"]) == (None, None)


def test_a_quote_does_not_overwrite_the_price_of_a_fresh_trade(desk: Desk) -> None:
    desk.trade("SPY", 600.0)
    desk.feed("Quote", "SPY", 601.0, 601.2)

    row = desk.row()

    assert (row["price"], row["price_basis"], row["bid"]) == (600.0, "trade", 601.0)


# ---- volume and RVOL --------------------------------------------------------------------


def test_rvol_is_not_stuck_at_zero(desk: Desk) -> None:
    desk.sessions_of("SPY", 5, 1000.0)
    minutes = (desk.now - moment("09:30:00")) / 60
    desk.trade("SPY", 600.0, 1000.0 * minutes * 1.25)

    row = desk.row()

    assert row["rvol"] == pytest.approx(1.25)
    assert row["rvol_day"] == pytest.approx(1.25 * minutes / 391)
    assert row["avg_volume"] == pytest.approx(391_000.0)
    assert row["volume"] == pytest.approx(1000.0 * minutes * 1.25)


def test_one_loaded_session_is_not_enough_and_it_says_so(desk: Desk) -> None:
    desk.sessions_of("SPY", 1, 1000.0)
    desk.trade("SPY", 600.0, 5e6)

    row = desk.row()

    assert (row["rvol"], row["rvol_day"], row["avg_volume"]) == (None, None, None)
    assert row["reasons"]["rvol"] == "RVOL needs 3 sessions, 1 loaded"
    assert row["volume"] == 5e6


def test_an_index_has_neither_volume_nor_rvol(desk: Desk) -> None:
    desk.instrument("VIX", "index")
    desk.trade("VIX", 18.31, NAN)

    row = desk.row("VIX")

    for name in ("volume", "rvol", "rvol_day", "avg_volume", "vwap_distance"):
        assert row[name] is None
        assert row["reasons"][name] == "An index has no volume"


def test_the_pre_market_is_compared_with_pre_markets() -> None:
    desk = Desk(moment("07:00:00"))
    desk.sessions_of("SPY", 5, 100_000.0, before_open=10.0)
    desk.trade("SPY", 600.0, 9e7, day=date(2026, 12, 15), at=moment("15:59:00", date(2026, 12, 15)))
    desk.trade("SPY", 601.0, 3600.0, kind="TradeETH")

    row = desk.row()

    assert (row["price"], row["price_basis"]) == (601.0, "extended")
    assert row["volume"] == 3600.0
    assert row["rvol"] == pytest.approx(2.0)  # 180 minutes of 10 a minute are usual
    assert row["rvol_day"] == pytest.approx(3600 / 3300)
    assert row["avg_volume"] == pytest.approx(391 * 100_000.0)
    assert row["reasons"]["vwap_distance"] == "VWAP starts with the regular session"


def test_after_hours_the_regular_session_stays_what_is_compared() -> None:
    desk = Desk(moment("18:00:00"))
    desk.sessions_of("SPY", 5, 1000.0)
    desk.trade("SPY", 600.0, 782_000.0, at=moment("16:00:30"))
    desk.trade("SPY", 601.0, 5555.0, kind="TradeETH")

    row = desk.row()

    assert (row["price_basis"], row["volume"]) == ("extended", 782_000.0)
    assert row["rvol_day"] == pytest.approx(2.0)


def test_a_trade_that_arrives_after_the_close_is_measured_against_the_whole_session() -> None:
    desk = Desk(moment("18:00:00"))
    desk.sessions_of("SPY", 5, 1000.0)
    desk.trade("SPY", 600.0, 782_000.0)

    row = desk.row()

    assert row["rvol"] == row["rvol_day"] == pytest.approx(2.0)


def test_a_futures_day_begins_at_six_in_the_evening() -> None:
    wednesday_evening = moment("18:30:00")
    desk = Desk(wednesday_evening, {"positive": ("/ES",)})
    desk.instrument("/ES", "future", streamer="/ESZ26:XCME", tick=0.25)
    thursday = date(2026, 12, 17)
    bars = []
    for day in sessions.sessions_before(thursday, 4):
        start = int(sessions.hours("future", day)[0] * 1000)  # type: ignore[index]
        bars += [(start + 60_000 * n, 6000.0, 100.0) for n in range(1380)]
    desk.bars("/ESZ26:XCME", bars)
    desk.trade("/ESZ26:XCME", 6001.0, 6000.0, day=thursday)

    row = desk.row("/ES")

    assert row["volume"] == 6000.0
    assert row["rvol"] == pytest.approx(2.0)  # 30 minutes of 100
    assert row["avg_volume"] == pytest.approx(138_000.0)
    assert row["status"] == "live"


def test_days_on_which_a_contract_was_the_back_month_are_left_out() -> None:
    # The days before a roll are thin, with holes: in the mean they would make today look busy.
    desk = Desk(moment("12:00:00"), {"positive": ("/VX",)})
    desk.instrument("/VX", "future", streamer="/VXZ26:XCBF")
    bars = []
    for number, day in enumerate(sessions.sessions_before(TODAY, 5)):
        start = int(sessions.hours("future", day)[0] * 1000)  # type: ignore[index]
        step, volume = (45, 1.0) if number < 2 else (1, 80.0)
        bars += [(start + 60_000 * n, 18.0, volume) for n in range(0, 1380, step)]
    desk.bars("/VXZ26:XCBF", bars)

    assert desk.row("/VX")["avg_volume"] == 1380 * 80.0


@pytest.mark.parametrize("monday", [date(2026, 3, 9), date(2026, 11, 2)], ids=["forward", "back"])
def test_in_the_week_the_clocks_change_the_same_wall_time_is_compared(monday: date) -> None:
    desk = Desk(moment("10:15:00", monday))
    bars = []
    for day in sessions.sessions_before(monday, 5):
        opening = int(moment("09:30:00", day) * 1000)
        bars += [(opening + 60_000 * n, 600.0, float(n + 1)) for n in range(391)]
    desk.bars("SPY", bars)
    desk.trade("SPY", 600.0, sum(range(1, 46)) * 3.0, day=monday)

    assert desk.row()["rvol"] == pytest.approx(3.0)


def test_committed_bars_give_the_committed_answers() -> None:
    answers = json.loads((ANSWERS / "minute_bars.json").read_text())
    text = gzip.decompress((ANSWERS / "minute_bars.csv.gz").read_bytes()).decode()
    today = date.fromisoformat(answers["today"])
    everything = [
        (int(datetime.fromisoformat(bar["time"]).timestamp() * 1000), bar)
        for bar in csv.DictReader(io.StringIO(text))
    ]
    for answer in answers["moments"]:
        desk = Desk(moment(answer["time"], today))
        known = [
            (0, n, time, 1, *(float(bar[f]) for f in ("open", "high", "low", "close", "volume")))
            for n, (time, bar) in enumerate(everything)
            if time + 60_000 <= desk.now * 1000
        ]
        columns = tuple(list(column) for column in zip(*known, strict=True))
        desk.state.apply(Batch("Candle", ["SPY{=m}"] * len(known), columns, desk.now, True))
        is_pre = answer["time"] < "09:30"
        kind = "TradeETH" if is_pre else "Trade"
        desk.trade("SPY", 196.63, answer["volume"], day=today, kind=kind)

        row = desk.row()

        assert row["rvol"] == pytest.approx(answer["rvol"], rel=1e-12), answer["time"]
        assert row["rvol_day"] == pytest.approx(answer["rvol_day"], rel=1e-12), answer["time"]
        if is_pre or answer["vwap"] is None:
            assert row["vwap_distance"] is None
        else:
            away = (196.63 / answer["vwap"] - 1) * 100
            assert row["vwap_distance"] == pytest.approx(away, abs=1e-9), answer["time"]


# ---- the roll of the day ----------------------------------------------------------------


def test_yesterdays_numbers_are_gone_at_midnight_though_nothing_came() -> None:
    desk = Desk(moment("15:59:50"))
    desk.sessions_of("SPY", 5, 1000.0)
    desk.trade("SPY", 600.0, 5e6)
    desk.summary("SPY", 597.0, 596.0)
    assert desk.row()["volume"] == 5e6

    desk.now = moment("01:00:00", date(2026, 12, 17))
    row = desk.row()

    assert row["price"] == 600.0
    for name in ("volume", "rvol", "rvol_day", "open", "day_high", "day_low", "change_percent"):
        assert row[name] is None, name
    assert row["spark"] == []
    assert row["reasons"]["open"] == "Nothing received for today yet"


def test_yesterdays_own_close_is_the_previous_close_until_the_new_day_is_told() -> None:
    desk = Desk(moment("17:00:00"))
    desk.trade("SPY", 600.0, 5e3, kind="TradeETH")
    desk.summary("SPY", 597.0, 596.0, close=599.0)

    desk.now = moment("05:00:00", date(2026, 12, 17))
    row = desk.row()

    assert row["prev_close"] == 599.0
    assert row["change_close"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("kind", "wall", "told"),
    [("index", "03:30:00", False), ("index", "09:29:00", True), ("etf", "09:29:00", True)],
)
def test_yesterdays_close_against_itself_is_no_change_of_today(
    kind: Kind, wall: str, told: bool
) -> None:
    desk = Desk(moment(wall))
    desk.instrument("SPY", kind)
    yesterday = date(2026, 12, 15)
    desk.trade("SPY", 600.0, day=yesterday, at=moment("16:00:59", yesterday))
    if told:
        desk.summary("SPY", NAN, 600.0)
    else:
        desk.summary("SPY", 598.0, 590.0, day=yesterday, close=600.0)

    row = desk.row()

    assert (row["price"], row["prev_close"]) == (600.0, 600.0)
    assert (row["change_close"], row["change_close_percent"]) == (None, None)
    assert row["reasons"]["change_close_percent"] == "No price of today yet"


def test_what_traded_after_yesterdays_close_is_a_change_from_it() -> None:
    desk = Desk(moment("03:30:00"))
    yesterday = date(2026, 12, 15)
    desk.trade("SPY", 600.0, day=yesterday, at=moment("16:00:59", yesterday))
    desk.trade("SPY", 603.0, day=yesterday, kind="TradeETH", at=moment("19:59:00", yesterday))
    desk.summary("SPY", 598.0, 590.0, day=yesterday, close=600.0)

    row = desk.row()

    assert (row["change_close"], row["change_close_percent"]) == (3.0, 0.5)


def test_an_old_day_volume_that_arrives_again_is_not_todays(desk: Desk) -> None:
    desk.sessions_of("SPY", 5, 1000.0)
    desk.trade("SPY", 600.0, 5e6, day=date(2026, 12, 15))

    row = desk.row()

    assert (row["volume"], row["rvol"], row["rvol_day"]) == (None, None, None)
    assert row["reasons"]["volume"] == "No regular trade today yet"


def test_a_trade_without_a_day_is_dated_by_its_own_time(desk: Desk) -> None:
    desk.trade("SPY", 600.0, 7.0, day=None)
    assert desk.row()["volume"] == 7.0

    desk.trade("SPY", 600.0, 7.0, day=None, at=moment("15:00:00", date(2026, 12, 15)))
    assert desk.row()["volume"] is None


def test_on_a_weekend_friday_stays_to_be_read_and_is_closed_not_stale() -> None:
    friday, saturday = date(2026, 12, 18), date(2026, 12, 19)
    desk = Desk(moment("16:00:10", friday))
    desk.trade("SPY", 600.0, 5e6, day=friday)
    desk.summary("SPY", 597.0, 596.0, day=friday)

    desk.now = moment("12:00:00", saturday)
    row = desk.row()

    assert (row["status"], row["stale"]) == ("closed", False)
    assert (row["volume"], row["open"]) == (5e6, 597.0)
    assert row["as_of"] == "2026-12-18T21:00:10.000Z"


# ---- age and status ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "seconds, status, stale",
    [
        (59.9, "live", False),
        (60.0, "aging", False),
        (299.9, "aging", False),
        (300.0, "stale", True),
    ],
)
def test_a_silent_symbol_ages_and_then_is_stale(
    desk: Desk, seconds: float, status: str, stale: bool
) -> None:
    desk.trade("SPY", 600.0)
    desk.now += seconds

    row = desk.row()

    assert (row["status"], row["stale"]) == (status, stale)
    assert row["age"] == pytest.approx(seconds)
    assert row["as_of"] == "2026-12-16T19:32:07.000Z"


def test_a_link_that_went_down_makes_every_row_stale_at_once(desk: Desk) -> None:
    desk.trade("SPY", 600.0)
    desk.feed("Link", "dxLink", True)
    assert desk.row("SPY", "dxLink")["status"] == "live"

    desk.feed("Link", "dxLink", False)
    row = desk.row("SPY", "dxLink")

    assert (row["status"], row["stale"], row["price"]) == ("link_down", True, 600.0)


def test_a_link_that_came_back_lets_fresh_rows_live_again(desk: Desk) -> None:
    desk.feed("Link", "dxLink", False)
    desk.feed("Link", "dxLink", True)
    desk.trade("SPY", 600.0)

    assert desk.row("SPY", "dxLink")["status"] == "live"


@pytest.mark.parametrize(
    "text, kind, status",
    [
        ("05:00:00", "etf", "aging"),
        ("19:00:00", "etf", "aging"),
        ("21:00:00", "etf", "closed"),
        ("08:00:00", "index", "closed"),
        ("18:30:00", "future", "aging"),
        ("17:30:00", "future", "closed"),
    ],
)
def test_each_kind_is_closed_in_its_own_hours(text: str, kind: Kind, status: str) -> None:
    desk = Desk(moment(text), {"positive": ("X",)})
    desk.instrument("X", kind)
    desk.trade("X", 50.0, at=desk.now - 100)

    row = desk.row("X")

    assert (row["status"], row["stale"]) == (status, False)


def test_a_halted_symbol_says_halted_not_stale(desk: Desk) -> None:
    desk.trade("SPY", 600.0)
    desk.feed("Profile", "SPY", "SPDR S&P 500", "HALTED", "News", 0, 0)
    desk.now += 1000

    row = desk.row()

    assert (row["status"], row["stale"]) == ("halted", False)


@pytest.mark.parametrize("problem", ["not_offered", "no_entitlement", "unknown_symbol"])
def test_a_symbol_no_price_can_come_for_says_why(desk: Desk, problem: Any) -> None:
    desk.instrument("SPY", "index", problem=problem, hint="UUP")
    desk.feed("Link", "dxLink", False)

    row = desk.row("SPY", "dxLink")

    assert (row["status"], row["hint"], row["stale"]) == (problem, "UUP", False)
    assert row["reasons"]["price"] == indicator.PROBLEMS[problem]


def test_a_trade_of_long_ago_that_arrives_now_keeps_its_own_time() -> None:
    saturday = date(2026, 12, 19)
    desk = Desk(moment("12:00:00", saturday))
    old = moment("19:59:00", date(2026, 12, 18))
    desk.feed("TradeETH", "SPY", 601.0, 100.0, int(old * 1000), number_of(date(2026, 12, 18)))
    desk.feed("Quote", "SPY", 600.0, 602.0)

    row = desk.row()

    assert row["as_of"] == "2026-12-19T00:59:00.000Z"
    assert row["status"] == "closed"


# ---- the rest ---------------------------------------------------------------------------


def test_the_sparkline_is_todays_session_in_at_most_sixty_points(desk: Desk) -> None:
    opening = int(moment("09:30:00") * 1000)
    minutes = range(-60, 302)
    desk.bars("SPY", [(opening + 60_000 * n, 600.0 + n, 10.0) for n in minutes])

    spark = desk.row()["spark"]

    assert 40 <= len(spark) <= 60
    assert spark[0] == [opening + 60_000 * 6, 606.0]
    assert spark[-1] == [opening + 60_000 * 301, 901.0]
    assert [time for time, _ in spark] == sorted(time for time, _ in spark)


def test_the_forming_minute_moves_vwap_but_not_the_sparkline(desk: Desk) -> None:
    opening = int(moment("09:30:00") * 1000)
    forming = int(moment("14:32:00") * 1000)
    desk.trade("SPY", 600.0)
    desk.bars("SPY", [(opening, 500.0, 10.0), (forming, 700.0, 10.0)])

    row = desk.row()

    assert row["vwap_distance"] == pytest.approx(0.0)
    assert row["spark"] == [[opening, 500.0]]


def test_a_correction_of_the_last_closed_minute_is_seen(desk: Desk) -> None:
    opening = int(moment("09:30:00") * 1000)
    desk.trade("SPY", 600.0)
    desk.bars("SPY", [(opening, 500.0, 10.0)])
    assert desk.row()["vwap_distance"] == pytest.approx(20.0)

    desk.feed("Candle", "SPY{=m}", 0, 1, opening, 1, 600.0, 600.0, 600.0, 600.0, 10.0)

    assert desk.row()["vwap_distance"] == pytest.approx(0.0)


def test_history_that_is_loaded_later_replaces_the_reason_with_a_number(desk: Desk) -> None:
    desk.trade("SPY", 600.0, 5e6)
    desk.sessions_of("SPY", 2, 1000.0)
    assert desk.row()["rvol"] is None

    desk.sessions_of("SPY", 5, 1000.0)

    assert desk.row()["rvol"] is not None


def test_decimals_follow_the_tick(desk: Desk) -> None:
    desk.groups = {"positive": ("/ZN", "SPY", "PENNY")}
    desk.instrument("/ZN", "future", tick=0.015625)
    desk.instrument("PENNY", "equity")
    desk.trade("PENNY", 0.4212)

    rows = desk.rows()

    assert [rows[s]["decimals"] for s in ("/ZN", "SPY", "PENNY")] == [6, 2, 4]


def test_only_the_rows_asked_for_are_worked_out(desk: Desk) -> None:
    view = View(desk.state, desk.now, GROUPS, ("GLD",), all=False)

    rows = indicator.rows(view)

    assert [(row["symbol"], row["order"]) for row in rows] == [("GLD", 1)]


def test_differences_carry_no_dust_of_binary_fractions(desk: Desk) -> None:
    desk.trade("SPY", 600.42)
    desk.feed("Quote", "SPY", 600.40, 600.42)
    desk.summary("SPY", 600.40, 597.85)

    row = desk.row()

    assert (row["spread"], row["change_price"], row["change_close"]) == (0.02, 0.02, 2.57)
