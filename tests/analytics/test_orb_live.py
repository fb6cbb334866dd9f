"""analytics.orb_live: what is told of a day's opening ranges, whatever way its bars came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics import orb_live
from grok_sauce.analytics.indicator_orb import orb_fields
from grok_sauce.analytics.opening_range import Rules
from grok_sauce.analytics.orb_live import TOPIC, OrbWishes
from grok_sauce.market.batches import Batch
from grok_sauce.market.events import Bar
from grok_sauce.market.instruments import Instrument
from grok_sauce.market.sessions import new_york
from tests.minute_market import (
    SPY,
    Minutes,
    at,
    flat,
    minutes,
    ms,
    recorded_spy,
    slow_breaks,
)

ES = Instrument("/ES", "/ESZ26:XCME", "future", tick=0.25, product="ES", contract="/ESZ6")
CL = Instrument("/CL", "/CLF27:XNYM", "future", tick=0.01, product="CL", contract="/CLF7")
VIX = Instrument("VIX", "VIX", "index", tick=0.01)
DAY = "2026-12-16"
FIVE = OrbWishes(minutes=(5,))
# First breaks of the recorded week by day and minutes: side, minute of the bar (New York), its
# close, how it ended; read from the file by a script that knows nothing of this program.
WEEK: dict[str, Any] = {
    "07": {
        5: ["up 09:35 167.55 target"],
        15: ["up 09:46 167.69 close"],
        30: ["up 10:07 167.96 close"],
        60: ["up 10:31 168.36 close"],
    },
    "08": {
        5: ["down 09:36 167.28 stop", "up 09:55 167.56 stop"],
        15: ["up 09:55 167.56 stop", "down 10:48 166.97 target"],
        30: ["down 10:48 166.97 target"],
        60: ["down 10:48 166.97 target"],
    },
    "09": {
        5: ["down 09:41 165.51 target", "up 13:24 165.83 stop"],
        15: ["down 09:49 165.3 stop", "up 13:24 165.83 close"],
        30: ["down 10:53 165.07 stop", "up 13:24 165.83 close"],
        60: ["down 10:53 165.07 stop", "up 13:24 165.83 close"],
    },
    "10": {
        5: ["up 09:36 167.49 target"],
        15: ["up 09:53 167.79 target"],
        30: ["up 10:04 167.94 close"],
        60: ["up 10:37 168.03 close"],
    },
    "11": {
        5: ["up 09:36 168.97 target"],
        15: ["up 09:49 169.24 target"],
        30: ["up 10:01 169.57 close"],
        60: ["up 11:36 169.7 close"],
    },
}


class Beats:
    """The analytic run like the engine runs it: what it told stays, its cache too."""

    def __init__(self, market: Minutes, chosen: OrbWishes = FIVE) -> None:
        self.market = market
        self.chosen = chosen
        self.told: dict[str, Any] = {}

    def run(
        self,
        now: float,
        results: dict[str, Any] | None = None,
        links: frozenset[str] = frozenset(),
    ) -> dict[str, Any]:
        """Until all bars are taken in: one run takes a few hundred."""
        for _ in range(6):
            known = {TOPIC: self.told, **(results or {})}
            view = self.market.view(now, TOPIC, {"orb": self.chosen}, known, links)
            self.told = orb_live.compute(view)
        return self.told

    def one(self, now: float, symbol: str = "SPY", **more: Any) -> dict[str, Any]:
        """The one range of a symbol."""
        (only,) = self.run(now, **more)[symbol]["ranges"]
        found: dict[str, Any] = only
        return found


def market_of(*bars: Bar, instrument: Instrument = SPY) -> Minutes:
    """A market with the day before, and these bars of today."""
    market = Minutes(instrument)
    before = flat("2026-12-15 09:30", 390)
    market.put([*before, *bars], instrument.streamer)
    return market


def test_a_day_from_waiting_to_the_close() -> None:
    market = market_of()
    beats = Beats(market)
    states = [beats.one(at(f"{DAY} 09:29"))["state"]]
    for bar in minutes(f"{DAY} 09:30", *[(100, 101, 99, 100)] * 6, (100, 102, 100, 101.5)):
        market.put([bar], snapshot=False)
        states.append(beats.one(bar.time / 1000 + 61)["state"])

    states.append(beats.one(at(f"{DAY} 16:30"))["state"])

    assert states == ["waiting", *["forming"] * 4, "inside", "inside", "up", "up"]
    (only,) = beats.one(at(f"{DAY} 16:30"))["breaks"]
    assert only == {
        "side": "up",
        "at": "2026-12-16T14:37:00Z",
        "minute_ms": ms(f"{DAY} 09:36"),
        "price": 101.5,
        "level": 101.0,
        "entry": 101.5,
        "stop": 99.0,
        "target": 106.5,
        "outcome": "close",
        "outcome_at": "2026-12-16T21:00:00Z",
        "ambiguous": False,
    }


def test_the_payload_says_day_opening_rules_and_age() -> None:
    market = market_of(*minutes(f"{DAY} 09:30", *[(100, 101, 99, 100)] * 8))

    payload = Beats(market, OrbWishes(mode="touch", buffer_ticks=2)).run(at(f"{DAY} 09:38:30"))[
        "SPY"
    ]

    assert {name: payload[name] for name in payload if name != "ranges"} == {
        "symbol": "SPY",
        "day": DAY,
        "open_at": "2026-12-16T14:30:00Z",
        "open_label": "09:30 New York",
        "until": "2026-12-16T21:00:00Z",
        "as_of": "2026-12-16T14:38:00Z",
        "source": "LIVE",
        "mode": "touch",
        "rr_ratio": 2.0,
        "buffer": 0.02,
        "reason": None,
    }
    assert [each["minutes"] for each in payload["ranges"]] == [5, 15, 30, 60]
    assert [each["state"] for each in payload["ranges"]] == ["inside", *["forming"] * 3]


def test_nothing_at_the_open_is_late_and_the_range_starts_at_the_first_trade() -> None:
    market = market_of()
    beats = Beats(market)

    halted = beats.one(at(f"{DAY} 09:40"))
    market.put(minutes(f"{DAY} 09:47", *[(100, 101, 99, 100)] * 3), snapshot=False)
    forming = beats.one(at(f"{DAY} 09:50:30"))

    assert (halted["state"], halted["late"], halted["note"]) == (
        "late",
        True,
        "Nothing has traded yet",
    )
    assert (forming["state"], forming["late"]) == ("forming", True)
    assert (forming["from"], forming["to"]) == ("2026-12-16T14:47:00Z", "2026-12-16T14:52:00Z")
    assert forming["note"] == "The first trade came at 09:47, the range starts there"


def test_history_that_begins_after_the_open_gives_no_range() -> None:
    market = Minutes()
    market.put(minutes(f"{DAY} 10:40", *[(100, 101, 99, 100)] * 30))

    found = Beats(market).one(at(f"{DAY} 11:15"))

    assert (found["state"], found["high"]) == ("no_data", None)
    assert found["note"] == "Minute bars begin at 10:40 on 2026-12-16, after the opening"


def test_bars_played_back_are_no_market_that_has_not_opened() -> None:
    market = market_of()  # of yesterday, as kept on disk
    beats = Beats(market)
    market.state.apply(Batch("Link", ["dxlink"], ([True],), at(f"{DAY} 09:40")))
    links = frozenset({"dxlink"})

    before = beats.one(at(f"{DAY} 09:41"), links=links)
    market.put(minutes(f"{DAY} 09:30", *[(100, 101, 99, 100)] * 12))
    after = beats.one(at(f"{DAY} 09:42"), links=links)

    assert (before["state"], before["note"]) == ("no_data", orb_live.NOT_YET)
    assert (after["state"], after["late"]) == ("inside", False)


def test_without_candles_the_reason_is_told() -> None:
    payload = Beats(Minutes()).run(at(f"{DAY} 11:00"))["SPY"]

    assert payload["reason"] == orb_live.NO_CANDLES
    assert [each["state"] for each in payload["ranges"]] == ["no_data"]
    assert payload["as_of"] is None


def test_a_half_day_ends_at_one() -> None:
    market = Minutes()
    market.put([*flat("2026-11-25 09:30", 390), *flat("2026-11-27 09:30", 200)])
    market.put(minutes("2026-11-27 12:50", *[(100, 100.25, 99.75, 100)] * 9, (100, 102, 100, 101)))
    market.put(minutes("2026-11-27 13:00", (101, 130, 101, 130)), snapshot=False)

    payload = Beats(market).run(at("2026-11-27 13:05"))["SPY"]

    assert payload["until"] == "2026-11-27T18:00:00Z"
    (only,) = payload["ranges"][0]["breaks"]
    assert (only["at"], only["outcome"]) == ("2026-11-27T18:00:00Z", "close")


@pytest.mark.parametrize(
    ("instrument", "chosen", "opens"),
    [
        (ES, FIVE, "2026-12-16T14:30:00Z"),
        (CL, FIVE, "2026-12-16T14:00:00Z"),
        (ES, OrbWishes(minutes=(5,), futures="electronic"), "2026-12-15T23:00:00Z"),
        (CL, OrbWishes(minutes=(5,), opens=("CL=10:00",)), "2026-12-16T15:00:00Z"),
    ],
    ids=["/ES", "/CL", "/ES electronic", "/CL as set"],
)
def test_each_product_has_its_own_opening(
    instrument: Instrument, chosen: OrbWishes, opens: str
) -> None:
    market = Minutes(instrument)
    market.put(flat("2026-12-15 18:00", 20 * 60), instrument.streamer)

    payload = Beats(market, chosen).run(at(f"{DAY} 14:00"))[instrument.symbol]

    assert payload["open_at"] == opens
    assert payload["ranges"][0]["from"] == opens
    assert payload["ranges"][0]["state"] == "inside"


def test_a_sunday_evening_waits_for_monday_s_opening() -> None:
    market = Minutes(ES)
    market.put([*flat("2026-12-10 18:00", 23 * 60), *flat("2026-12-13 18:00", 45)], ES.streamer)

    payload = Beats(market).run(at("2026-12-13 18:45"))["/ES"]

    assert payload["day"] == "2026-12-14"
    assert payload["ranges"][0]["state"] == "waiting"


def test_an_index_has_a_range_and_no_volume() -> None:
    market = market_of(*flat(f"{DAY} 09:30", 30, 16.0, 0.0), instrument=VIX)

    found = Beats(market).one(at(f"{DAY} 10:05"), "VIX")

    assert (found["state"], found["high"], found["rvol"]) == ("inside", 16.25, None)


def test_the_volume_of_the_opening_is_set_against_the_same_minutes_before() -> None:
    days = [f"2026-12-{day:02d}" for day in (9, 10, 11, 14, 15)]
    market = Minutes()
    market.put(
        [
            *[bar for day in days for bar in flat(f"{day} 09:30", 60, volume=100.0)],
            *flat(f"{DAY} 09:30", 5, volume=150.0),
            *flat(f"{DAY} 09:35", 10, volume=9_000.0),
        ]
    )

    assert Beats(market).one(at(f"{DAY} 09:46"))["rvol"] == pytest.approx(1.5)


def test_two_sessions_before_are_too_few_for_a_mean() -> None:
    market = Minutes()
    market.put(
        [*flat("2026-12-14 09:30", 60), *flat("2026-12-15 09:30", 60), *flat(f"{DAY} 09:30", 9)]
    )

    assert Beats(market).one(at(f"{DAY} 09:46"))["rvol"] is None


def test_the_width_is_set_against_the_average_daily_range() -> None:
    market = market_of(*flat(f"{DAY} 09:30", 9))

    found = Beats(market).one(at(f"{DAY} 09:46"), results={"profile.levels": {"SPY": {"atr": 4.0}}})

    assert (found["width"], found["width_atr"]) == (0.5, 0.125)


def test_a_correction_of_a_bar_that_was_read_is_read_again() -> None:
    bars = minutes(f"{DAY} 09:30", *[(100, 101, 99, 100)] * 6, (100, 102, 100, 101.5))
    market = market_of(*bars)
    beats = Beats(market)
    assert beats.one(at(f"{DAY} 09:37:30"))["state"] == "up"

    market.put(minutes(f"{DAY} 09:36", (100, 102, 100, 100.5)), snapshot=False)

    assert beats.one(at(f"{DAY} 09:37:40"))["state"] == "inside"


def test_minutes_that_a_link_missed_are_read_when_they_come() -> None:
    early = minutes(f"{DAY} 09:30", *[(100, 101, 99, 100)] * 6)
    market = market_of(*early)
    market.put(minutes(f"{DAY} 09:50", (100, 101, 99, 100)), snapshot=False)
    beats = Beats(market)
    assert beats.one(at(f"{DAY} 09:51:30"))["state"] == "inside"

    market.put(minutes(f"{DAY} 09:36", *[(100, 102, 100, 101.5)] * 2, *[(101, 101, 99, 100)] * 13))

    (only,) = beats.one(at(f"{DAY} 09:51:30"))["breaks"]
    assert only["at"] == "2026-12-16T14:37:00Z"


def test_one_run_takes_in_a_bounded_number_of_bars() -> None:
    names = [Instrument(f"S{place}", f"S{place}", "etf", tick=0.01) for place in range(5)]
    market = Minutes(*names)
    for each in names:
        market.put([*flat("2026-12-15 09:30", 10), *flat(f"{DAY} 09:30", 300)], each.streamer)
    view = market.view(at(f"{DAY} 14:30"), TOPIC, {"orb": FIVE})

    first = orb_live.compute(view)

    assert sorted(first) == ["S0"]  # the others come with the next runs
    assert sorted(Beats(market).run(at(f"{DAY} 14:30"))) == ["S0", "S1", "S2", "S3", "S4"]


def test_a_symbol_of_an_open_chart_is_told_and_let_go() -> None:
    market = market_of(*flat(f"{DAY} 09:30", 9))
    nvda = Instrument("NVDA", "NVDA", "equity", tick=0.01)
    market.follow(nvda)
    market.put([*flat("2026-12-15 09:30", 10), *flat(f"{DAY} 09:30", 9)], "NVDA")
    beats = Beats(market)

    with_it = set(beats.run(at(f"{DAY} 09:46")))
    market.state.apply(Batch("Instrument", ["NVDA"], ([None],), 0.0))
    without = set(beats.run(at(f"{DAY} 09:47")))

    assert (with_it, without) == ({"SPY", "NVDA"}, {"SPY"})
    assert {key[1] for key in market.caches[TOPIC]} == {"SPY"}


def test_a_run_without_news_tells_the_very_same_payload() -> None:
    market = market_of(*flat(f"{DAY} 09:30", 9))
    beats = Beats(market)
    first = beats.run(at(f"{DAY} 09:46"))["SPY"]

    assert beats.run(at(f"{DAY} 09:46:10"))["SPY"] is first


# ---- the row of the table ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "word", "sentence"),
    [
        ([], "inside 15", "First 15 minutes from 09:30 New York: 99.00 to 101.00"),
        (
            [(100, 102, 100, 101.5), (101, 101, 98, 98.5)],
            "both 15",
            "First 15 minutes from 09:30 New York: 99.00 to 101.00. up at 09:46 at 101.50. "
            "down at 09:47 at 98.50",
        ),
        ([(100, 101, 98, 98.5)], "down 15", None),
    ],
)
def test_a_row_tells_of_fifteen_minutes(later: list[Any], word: str, sentence: str | None) -> None:
    bars = minutes(f"{DAY} 09:30", *[(100, 101, 99, 100)] * 15, *later)
    market = market_of(*bars)
    told = Beats(market, OrbWishes()).run(at(f"{DAY} 09:55"))
    reasons: dict[str, str] = {}

    found = orb_fields(market.view(0.0, results={TOPIC: told}), "SPY", 0.01, reasons)

    assert (found["orb"], reasons) == (word, {})
    if sentence is not None:
        assert found["orb_detail"] == sentence


def test_a_row_without_a_range_says_why() -> None:
    reasons: dict[str, str] = {}
    told = Beats(Minutes(), OrbWishes()).run(at(f"{DAY} 11:00"))

    found = orb_fields(Minutes().view(0.0, results={TOPIC: told}), "SPY", 0.01, reasons)

    assert found == {"orb": None, "orb_detail": None}
    assert reasons == dict.fromkeys(found, orb_live.NO_CANDLES)


# ---- a restart changes nothing ----------------------------------------------------------

moves = st.lists(st.integers(-3, 3), min_size=10, max_size=50)


@settings(max_examples=40)
@given(drawn=moves, mode=st.sampled_from(["close", "touch"]))
def test_a_restart_tells_what_the_whole_day_told(drawn: list[int], mode: str) -> None:
    chosen = OrbWishes(minutes=(5, 15), mode=mode)
    rows, price = [], 100
    for move in drawn:
        rows.append(
            (price, max(price, price + move) + 1, min(price, price + move) - 1, price + move)
        )
        price += move
    bars = minutes(f"{DAY} 09:30", *rows)
    live = market_of()
    beats = Beats(live, chosen)
    for bar in bars:
        live.put([bar], snapshot=False)
        beats.run(bar.time / 1000 + 30)  # half way through the minute
        beats.run(bar.time / 1000 + 61)
    now = bars[-1].time / 1000 + 61

    again = Beats(market_of(*bars), chosen).run(now)

    assert beats.run(now)["SPY"]["ranges"] == again["SPY"]["ranges"]


# ---- recorded bars ----------------------------------------------------------------------


@pytest.mark.recorded
def test_the_breaks_of_the_recorded_week(recordings: Path) -> None:
    """SPY, 7 to 11 October 2013, close mode, target twice the risk.

    Friday the 11th by hand, from the file: the bars 09:30 to 09:34 have the highs 168.96, 168.86,
    168.85, 168.91, 168.92 and the lows 168.83, 168.77, 168.81, 168.78, 168.83, so the range of
    five minutes is 168.96 to 168.77, 0.19 wide. 09:35 closes at 168.92, inside; 09:36 closes at
    168.97, above: an entry at 168.97 at 09:37 with the stop at 168.77 risks 0.20 and aims for
    169.37, which the bar of 09:56 reaches (high 169.41) before any low came down to 168.77.
    """
    market = Minutes()
    market.put(recorded_spy(recordings))
    listed = {}
    for day in ("07", "08", "09", "10", "11"):
        payload = Beats(market, OrbWishes()).run(at(f"2013-10-{day} 20:30"))["SPY"]
        listed[day] = {
            each["minutes"]: [
                f"{b['side']} {new_york(b['minute_ms'] / 1000):%H:%M} {b['price']} {b['outcome']}"
                for b in each["breaks"]
            ]
            for each in payload["ranges"]
        }

    assert listed == WEEK


@pytest.mark.recorded
@pytest.mark.parametrize("mode", ["close", "touch"])
def test_the_recorded_week_breaks_as_a_twin_says(recordings: Path, mode: str) -> None:
    bars = recorded_spy(recordings)
    market = Minutes()
    market.put(bars)
    chosen = OrbWishes(mode=mode)
    found, expected = {}, {}
    for day in ("07", "08", "09", "10", "11"):
        today = [
            bar
            for bar in bars
            if ms(f"2013-10-{day} 09:30") <= bar.time < ms(f"2013-10-{day} 16:00")
        ]
        for each in Beats(market, chosen).run(at(f"2013-10-{day} 20:30"))["SPY"]["ranges"]:
            key = (day, each["minutes"])
            found[key] = sorted(
                (b["side"], b["minute_ms"], b["price"], b["outcome"]) for b in each["breaks"]
            )
            twin = slow_breaks(today, Rules(mode, 2.0, 0.01), each["minutes"])
            expected[key] = [
                (side, minute, pytest.approx(price), outcome.replace("open", "close"))
                for side, minute, price, outcome in twin
            ]

    assert found == expected
    assert sum(map(len, found.values())) > 20
