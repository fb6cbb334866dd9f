"""analytics.profile_live and profile_work: which spans a symbol gets, from which bars, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from math import floor, sqrt
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.analytics import profile_bare, profile_live, profile_work
from grok_sauce.analytics.profile_live import TOPIC, ProfileWishes
from grok_sauce.analytics.profile_spans import session_of, spans_of
from grok_sauce.analytics.vwap import typical, vwap
from grok_sauce.market.batches import Batch
from grok_sauce.market.events import Bar
from grok_sauce.market.instruments import Instrument
from grok_sauce.market.sessions import NEW_YORK, new_york
from tests.minute_market import SPY, Minutes, at, flat, minutes, ms, recorded_spy

ES = Instrument("/ES", "/ESZ26:XCME", "future", tick=0.25, product="ES", contract="/ESZ6")
VIX = Instrument("VIX", "VIX", "index", tick=0.01)
DXY = Instrument("DXY", "DXY", "index", problem="not_offered", hint="UUP")
# Wednesday 16 December 2026, and the sessions before it.
DAY = "2026-12-16"
BEFORE = [f"2026-12-{day:02d}" for day in (7, 8, 9, 10, 11, 14, 15)]


class Runs:
    """The analytic as the engine runs it, answers at once."""

    def __init__(self, market: Minutes, chosen: ProfileWishes | None = None) -> None:
        self.market = market
        self.settings = {"profile": chosen or ProfileWishes()}
        self.told: Mapping[str, Any] = {}
        self.worked: list[str] = []

    def run(self, now: float) -> bool:
        """One run; was anything due?"""
        view = self.market.view(now, TOPIC, self.settings, {TOPIC: self.told})
        work = profile_live.freeze(view)
        if work is None:
            return False
        self.worked = [item.symbol for item in work.items]
        self.told = profile_live.compute(work)
        return True

    def of(self, now: float, symbol: str = "SPY") -> dict[str, Any]:
        self.run(now)
        found: dict[str, Any] = self.told[symbol]
        return found


def two_weeks(*today: Bar) -> Minutes:
    """The week before, this week's Monday and Tuesday, and these bars of today."""
    market = Minutes()
    older = [bar for day in BEFORE for bar in flat(f"{day} 09:30", 391)]
    market.put([*older, *today])
    return market


# ---- spans ------------------------------------------------------------------------------


def test_a_share_s_week_is_its_regular_sessions_and_their_auctions() -> None:
    day, week, prior, second = spans_of("etf", date(2026, 12, 16), "regular", 2)

    assert [span.name for span in (day, week, prior, second)] == [
        "day",
        "week",
        "prior_week",
        "week-2",
    ]
    assert (day.start, day.close, day.end) == (
        ms(f"{DAY} 09:30"),
        ms(f"{DAY} 16:00"),
        ms(f"{DAY} 16:01"),
    )
    assert (week.start, week.close) == (ms("2026-12-14 09:30"), ms("2026-12-18 16:00"))
    assert (prior.start, prior.close) == (ms("2026-12-07 09:30"), ms("2026-12-11 16:00"))


def test_a_future_s_week_starts_on_sunday_at_six() -> None:
    day, week, prior = spans_of("future", date(2026, 12, 14), "regular", 1)

    assert (day.start, day.end) == (ms("2026-12-13 18:00"), ms("2026-12-14 17:00"))
    assert (week.start, week.end) == (ms("2026-12-13 18:00"), ms("2026-12-18 17:00"))
    assert prior.start == ms("2026-12-06 18:00")
    assert new_york(week.start / 1000).strftime("%A") == "Sunday"


def test_holidays_and_half_days_shorten_the_week() -> None:
    _, week = spans_of("etf", date(2026, 11, 27), "regular", 0)

    assert [session.day.day for session in week.sessions] == [23, 24, 25, 27]
    assert [session.minutes for session in week.sessions] == [390, 390, 390, 210]


def test_extended_hours_begin_at_four() -> None:
    session = session_of("etf", date(2026, 12, 16), "extended")

    assert session is not None
    assert (session.start, session.end) == (ms(f"{DAY} 04:00"), ms(f"{DAY} 20:00"))
    index = session_of("index", date(2026, 12, 16), "extended")
    assert index is not None
    assert index.start == ms(f"{DAY} 09:30")


# ---- what is told -----------------------------------------------------------------------


def test_day_and_weeks_of_a_share() -> None:
    market = two_weeks(*flat(f"{DAY} 09:30", 60, 101.0, 300.0))

    payload = Runs(market).of(at(f"{DAY} 10:30:30"))

    assert {name: payload[name] for name in payload if name not in ("spans", "reasons")} == {
        "symbol": "SPY",
        "as_of": "2026-12-16T15:30:00Z",
        "source": "LIVE",
        "unit": "shares",
        "tick": 0.01,
        "bin": 0.01,
        "atr": 0.5,
        "atr_sessions": 7,
        "hours": "regular",
        "value_area": 70,
    }
    day, week, prior = (payload["spans"][name] for name in ("day", "week", "prior_week"))
    assert (day["volume"], day["bars"], day["missing_bars"]) == (18_000, 60, 0)
    assert (week["volume"], week["bars"], week["minutes"]) == (18_000 + 2 * 39_100, 842, 840)
    assert (prior["volume"], prior["bars"], prior["missing_bars"]) == (5 * 39_100, 1955, 0)
    assert [span["developing"] for span in (day, week, prior)] == [True, True, False]
    assert (prior["from"], prior["to"]) == ("2026-12-07T14:30:00Z", "2026-12-11T21:00:00Z")
    assert prior["val"] <= prior["poc"] <= prior["vah"]
    assert sum(volume for _, volume in week["bins"]) == pytest.approx(week["volume"], abs=1)
    assert payload["reasons"] == {
        "week-2": "Minute bars begin on 2026-12-07, this span on 2026-11-30"
    }


def test_minutes_without_a_bar_or_without_its_volume_are_counted() -> None:
    today = [bar for bar in flat(f"{DAY} 09:30", 60) if bar.time != ms(f"{DAY} 09:40")]
    today[20] = replace(today[20], volume=None)

    day = Runs(two_weeks(*today)).of(at(f"{DAY} 10:30:30"))["spans"]["day"]

    assert (day["minutes"], day["bars"], day["missing_bars"]) == (60, 59, 2)
    assert day["volume"] == 5_800


def test_the_bar_under_way_waits_for_its_end() -> None:
    day = Runs(two_weeks(*flat(f"{DAY} 09:30", 61))).of(at(f"{DAY} 10:30:30"))["spans"]["day"]

    assert day["bars"] == 60


def test_pre_market_bars_stay_out_unless_they_are_asked_for() -> None:
    market = two_weeks(*flat(f"{DAY} 08:00", 90), *flat(f"{DAY} 09:30", 30))
    now = at(f"{DAY} 10:00:30")

    regular = Runs(market).of(now)["spans"]["day"]
    market.caches.clear()
    extended = Runs(market, ProfileWishes(hours="extended")).of(now)["spans"]["day"]

    assert (regular["bars"], extended["bars"]) == (30, 120)


def test_before_the_open_the_day_says_when_and_the_finished_weeks_stand() -> None:
    payload = Runs(two_weeks()).of(at(f"{DAY} 08:00"))

    assert payload["spans"]["day"] is None
    assert payload["reasons"]["day"] == "It opens at 14:30 UTC on 2026-12-16"
    assert payload["spans"]["week"]["bars"] == 2 * 391


def test_on_saturday_the_week_is_over() -> None:
    market = two_weeks(*[bar for day in (16, 17, 18) for bar in flat(f"2026-12-{day} 09:30", 391)])

    payload = Runs(market).of(at("2026-12-19 12:00"))

    week = payload["spans"]["week"]
    assert (week["developing"], week["bars"], week["missing_bars"]) == (False, 1955, 0)
    assert payload["spans"]["day"]["from"] == "2026-12-18T14:30:00Z"


def test_a_week_whose_start_is_not_loaded_is_no_week() -> None:
    market = Minutes()
    market.put([*flat("2026-12-15 09:30", 391), *flat(f"{DAY} 09:30", 60)])

    payload = Runs(market).of(at(f"{DAY} 10:31"))

    assert payload["spans"]["week"] is None
    assert payload["reasons"]["week"] == "Minute bars begin on 2026-12-15, this span on 2026-12-14"
    assert payload["spans"]["day"]["bars"] == 60


def test_regular_minutes_that_reach_further_back_fill_the_weeks_before() -> None:
    whole = [bar for day in BEFORE for bar in flat(f"{day} 09:30", 391)]
    regular, late = Minutes(), whole[-500:]  # the plain series begins inside Monday's session
    regular.put([*late, *flat(f"{DAY} 09:30", 60)])
    before = Runs(regular).of(at(f"{DAY} 10:30:30"))
    regular.put(whole[:-300], period="m,tho=true")
    regular.caches.clear()

    after = Runs(regular).of(at(f"{DAY} 10:30:30"))

    expected = Runs(two_weeks(*flat(f"{DAY} 09:30", 60))).of(at(f"{DAY} 10:30:30"))
    assert before["spans"]["prior_week"] is None
    assert after == expected
    assert (after["spans"]["prior_week"]["bars"], after["atr_sessions"]) == (5 * 391, 7)


def test_regular_minutes_that_come_later_are_taken_at_once_and_kept() -> None:
    market = Minutes()
    market.put([*flat("2026-12-14 04:00", 960), *flat(f"{DAY} 09:30", 60)])
    runs = Runs(market)
    runs.run(at(f"{DAY} 10:30:10"))

    market.put(flat("2026-12-07 09:30", 391), period="m,tho=true")
    assert runs.run(at(f"{DAY} 10:30:20"))
    market.put(flat(f"{DAY} 10:30", 1), snapshot=False)
    payload = runs.of(at(f"{DAY} 10:31:10"))

    assert payload["spans"]["prior_week"]["bars"] == 391
    assert payload["spans"]["day"]["bars"] == 61


def test_a_thin_share_that_trades_first_at_noon_has_its_week() -> None:
    market = Minutes()
    market.put(
        [*flat("2026-12-14 12:00", 5), *flat("2026-12-15 11:00", 5), *flat(f"{DAY} 09:50", 2)]
    )

    week = Runs(market).of(at(f"{DAY} 10:31"))["spans"]["week"]

    assert (week["bars"], week["missing_bars"]) == (12, 390 + 390 + 60 - 12)


@pytest.mark.parametrize(
    ("instrument", "volume", "reason"),
    [
        (VIX, 0.0, profile_bare.INDEX),
        (SPY, 0.0, profile_work.NO_VOLUME),
        (SPY, None, profile_work.NO_VOLUME),
        (DXY, None, "Not offered by this source"),
    ],
    ids=["index", "zero", "unknown", "not offered"],
)
def test_without_volume_there_is_no_profile_but_a_reason(
    instrument: Instrument, volume: float | None, reason: str
) -> None:
    market = Minutes(instrument)
    bars = [bar for day in [*BEFORE, DAY] for bar in flat(f"{day} 09:30", 60)]
    if instrument is not DXY:
        market.put([replace(bar, volume=volume) for bar in bars], instrument.streamer)

    payload = Runs(market).of(at(f"{DAY} 10:31"), instrument.symbol)

    assert set(payload["spans"].values()) == {None}
    assert payload["reasons"]["day"] == payload["reasons"]["week"] == reason
    assert payload["reasons"].keys() == payload["spans"].keys()


def test_before_any_candle_the_reason_is_that() -> None:
    payload = Runs(Minutes()).of(at(f"{DAY} 10:31"))

    assert set(payload["reasons"].values()) == {profile_bare.NO_BARS}
    assert (payload["as_of"], payload["bin"]) == (None, None)


def test_a_future_counts_contracts_of_all_hours_since_sunday() -> None:
    market = Minutes(ES)
    week = [*flat("2026-12-13 18:00", 23 * 60, 6000.0), *flat("2026-12-14 18:00", 60, 6000.0)]
    market.put([*flat("2026-12-10 18:00", 23 * 60, 6000.0), *week], ES.streamer)

    payload = Runs(market).of(at("2026-12-14 19:00:30"), "/ES")

    assert (payload["unit"], payload["hours"], payload["tick"]) == ("contracts", "session", 0.25)
    span = payload["spans"]["week"]
    assert (span["bars"], span["missing_bars"]) == (24 * 60, 0)
    assert span["from"] == "2026-12-13T23:00:00Z"
    assert payload["spans"]["day"]["bars"] == 60


def test_wrong_prices_give_a_reason_and_no_million_bins() -> None:
    wild = minutes(f"{DAY} 09:40", (1e6, 1e6, 1e6, 1e6))

    payload = Runs(two_weeks(*flat(f"{DAY} 09:30", 10), *wild)).of(at(f"{DAY} 09:42"))

    assert payload["spans"]["day"] is None
    assert "cannot be right" in payload["reasons"]["day"]
    assert payload["spans"]["prior_week"] is not None


# ---- when it is worked out --------------------------------------------------------------


def test_a_symbol_is_due_once_a_minute_and_when_its_newest_closed_bar_is_corrected() -> None:
    market = two_weeks(*flat(f"{DAY} 09:30", 30))
    runs = Runs(market)
    due = [runs.run(at(f"{DAY} 10:00:10"))]
    due.append(runs.run(at(f"{DAY} 10:00:20")))
    market.put(flat(f"{DAY} 10:00", 1), snapshot=False)
    due.append(runs.run(at(f"{DAY} 10:00:40")))  # it is still forming
    due.append(runs.run(at(f"{DAY} 10:01:02")))
    market.put(flat(f"{DAY} 10:00", 1, volume=999.0), snapshot=False)
    due.append(runs.run(at(f"{DAY} 10:01:03")))
    due.append(runs.run(at(f"{DAY} 10:01:04")))

    assert due == [True, False, False, True, True, False]
    assert runs.told["SPY"]["spans"]["day"]["volume"] == 30 * 100 + 999


def test_finished_weeks_are_kept_until_their_bars_or_the_day_change() -> None:
    market = two_weeks(*flat(f"{DAY} 09:30", 30))
    runs = Runs(market)
    first = runs.of(at(f"{DAY} 10:00:10"))["spans"]["prior_week"]
    later = runs.of(at(f"{DAY} 10:05:10"))["spans"]["prior_week"]

    market.put(flat("2026-12-08 09:30", 1, volume=1e6), snapshot=False)
    market.put(
        [*flat("2026-12-07 09:20", 10), *flat("2026-12-07 09:30", 1, volume=1e6)], snapshot=False
    )
    corrected = runs.of(at(f"{DAY} 10:06:10"))["spans"]["prior_week"]

    assert later is first
    assert corrected["volume"] == first["volume"] + 2 * (1e6 - 100)


def test_other_settings_are_taken_at_once() -> None:
    market = two_weeks(*flat(f"{DAY} 09:30", 30))
    runs = Runs(market)
    now = at(f"{DAY} 10:00:10")
    before = runs.of(now)["spans"]["week"]

    runs.settings = {"profile": ProfileWishes(value_area=90, weeks=1)}
    after = runs.of(now)

    assert before["value_area_share"] < 0.9 <= after["spans"]["week"]["value_area_share"]
    assert sorted(after["spans"]) == ["day", "prior_week", "week"]


def test_one_run_takes_some_symbols_and_the_next_the_rest() -> None:
    names = [
        Instrument(f"S{n}", f"S{n}", "etf", tick=0.01) for n in range(profile_live.AT_ONCE + 3)
    ]
    market = Minutes(*names)
    for each in names:
        market.put(flat(f"{DAY} 09:30", 5), each.streamer)
    runs = Runs(market)

    worked = []
    while runs.run(at(f"{DAY} 09:40:10")):
        worked.append(list(runs.worked))

    # At the start weeks are copied too, so that fewer go at once than of a closed minute.
    assert [len(each) for each in worked] == [4, 4, 4, 3]
    assert sorted(each for some in worked for each in some) == sorted(runs.told)
    assert len(runs.told) == len(names)
    assert runs.run(at(f"{DAY} 09:41:10"))
    assert len(runs.worked) == profile_live.AT_ONCE


def test_a_chart_s_symbol_comes_first_and_goes_with_it() -> None:
    market = two_weeks(*flat(f"{DAY} 09:30", 30))
    market.follow(Instrument("NVDA", "NVDA", "equity", tick=0.01))
    market.put(flat(f"{DAY} 09:30", 30), "NVDA")
    runs = Runs(market)
    runs.run(at(f"{DAY} 10:00:10"))
    assert runs.worked == ["NVDA", "SPY"]

    market.state.apply(Batch("Instrument", ["NVDA"], ([None],), 0.0))
    assert runs.run(at(f"{DAY} 10:00:20"))

    assert set(runs.told) == {"SPY"}


def test_a_failed_run_is_done_again() -> None:
    market = two_weeks(*flat(f"{DAY} 09:30", 30))
    view = market.view(at(f"{DAY} 10:00:10"), TOPIC)

    lost = profile_live.freeze(view)  # and never computed
    again = profile_live.freeze(view)

    assert lost is not None
    assert again is not None
    assert [item.symbol for item in again.items] == ["SPY"]


# ---- recorded bars against slow twins ---------------------------------------------------


def slow_profile(bars: list[Bar], tick: int, wide: int) -> dict[str, Any]:
    """POC, VAH, VAL, nodes and volume, in prices as whole cents, price by price."""
    bins: dict[int, float] = {}
    for bar in bars:
        assert bar.volume is not None
        low, high = round(bar.low * 100), round(bar.high * 100)
        for price in range(low, high + 1, tick):
            place = price // wide
            bins[place] = bins.get(place, 0.0) + bar.volume / (high - low + 1)
    places = list(range(min(bins), max(bins) + 1))
    volumes = [bins.get(place, 0.0) for place in places]
    poc = volumes.index(max(volumes))
    low, high, held = poc, poc, volumes[poc]
    while held < 0.7 * sum(volumes):
        above, below = volumes[high + 1 : high + 3], volumes[max(0, low - 2) : low]
        if above and (not below or sum(above) >= sum(below)):
            high, held = high + len(above), held + sum(above)
        else:
            low, held = low - len(below), held + sum(below)
    edged = [volumes[0]] * 2 + volumes + [volumes[-1]] * 2
    smooth = [
        sum(weight * edged[n + k] for k, weight in enumerate((1, 2, 3, 2, 1))) / 9
        for n in range(len(volumes))
    ]
    least = max(smooth) / 10

    def hills(values: list[float]) -> list[int]:
        found = []
        for n in range(1, len(values) - 1):
            if not values[n - 1] < values[n] > values[n + 1]:
                continue
            bases = []
            for side in (values[:n][::-1], values[n + 1 :]):
                base = values[n]
                for value in side:
                    if value > values[n]:
                        break
                    base = min(base, value)
                bases.append(base)
            if values[n] - max(bases) >= least:
                found.append(n)
        return found

    hvn = hills(smooth)
    lvn = [n for n in hills([-value for value in smooth]) if hvn[0] < n < hvn[-1]]

    def middle(n: int) -> float:
        return (places[n] * wide + (wide - tick) / 2) / 100

    return {
        "poc": middle(poc),
        "val": places[low] * wide / 100,
        "vah": (places[high] * wide + wide - tick) / 100,
        "hvn": [middle(n) for n in hvn],
        "lvn": [middle(n) for n in lvn],
        "volume": sum(volumes),
    }


def regular(bars: list[Bar], first: int, last: int) -> list[Bar]:
    """Bars of October days from 09:30 to the auction's at 16:00."""
    found = []
    for bar in bars:
        moment = datetime.fromtimestamp(bar.time / 1000, UTC).astimezone(NEW_YORK)
        if first <= moment.day <= last and time(9, 30) <= moment.time() <= time(16, 0):
            found.append(bar)
    return found


@pytest.mark.recorded
@pytest.mark.parametrize(
    ("span", "now", "first", "last"),
    [
        ("week", "2013-10-11 20:30", 7, 11),
        ("week", "2013-10-09 12:00:30", 7, 9),
        ("day", "2013-10-11 20:30", 11, 11),
        ("day", "2013-10-08 16:30", 8, 8),
        ("prior_week", "2013-10-14 12:00", 7, 11),
    ],
)
def test_the_recorded_week_s_profile_is_a_slow_twin_s(
    recordings: Path, span: str, now: str, first: int, last: int
) -> None:
    market = Minutes()
    bars = recorded_spy(recordings)
    market.put(bars)

    payload = Runs(market).of(at(now))

    wide = round(payload["bin"] * 100)
    known = [bar for bar in regular(bars, first, last) if bar.time + 60_000 <= at(now) * 1000]
    expected = slow_profile(known, 1, wide)
    found = payload["spans"][span]
    assert (found["poc"], found["val"], found["vah"]) == pytest.approx(
        (expected["poc"], expected["val"], expected["vah"]), abs=1e-9
    )
    assert found["volume"] == pytest.approx(expected["volume"]) == sum(b.volume or 0 for b in known)
    assert [node["price"] for node in found["hvn"]] == pytest.approx(expected["hvn"])
    assert [node["price"] for node in found["lvn"]] == pytest.approx(expected["lvn"])
    assert found["bars"] == len(known)


@pytest.mark.recorded
def test_the_recorded_bin_is_a_hundredth_of_the_range(recordings: Path) -> None:
    """By hand for Friday the 11th: regular highs, lows and last prices of the five sessions before.

    They are read from the file; the true range of each day but the first reaches to the close
    before. Their mean is about 2.12, a hundredth of it in whole cents is 0.02.
    """
    bars = recorded_spy(recordings)
    market = Minutes()
    market.put(bars)
    ranges, close = [], None
    for day in (4, 7, 8, 9, 10):
        own = regular(bars, day, day)
        high, low = max(bar.high for bar in own), min(bar.low for bar in own)
        if close is not None:
            high, low = max(high, close), min(low, close)
        ranges.append(high - low)
        close = own[-1].close

    payload = Runs(market).of(at("2013-10-11 12:00"))

    assert payload["atr_sessions"] == 5
    assert payload["atr"] == pytest.approx(sum(ranges) / 5)
    assert payload["bin"] == floor(payload["atr"] + 0.5) / 100 == 0.02


@pytest.mark.recorded
def test_the_recorded_week_s_vwap_is_a_slow_twin_s(recordings: Path) -> None:
    bars = recorded_spy(recordings)
    for day in range(7, 12):
        own = regular(bars, day, day)
        points = [((bar.high + bar.low + bar.close) / 3, bar.volume or 0.0) for bar in own]
        weight = sum(volume for _, volume in points)
        mean = sum(price * volume for price, volume in points) / weight
        deviation = sqrt(sum(volume * (price - mean) ** 2 for price, volume in points) / weight)

        found = vwap((typical(bar.high, bar.low, bar.close), bar.volume) for bar in own)

        assert found is not None
        assert (found.price, found.deviation) == pytest.approx((mean, deviation), rel=1e-9)
        assert found.volume == weight


@pytest.mark.parametrize("instrument", [SPY, ES, VIX, DXY], ids=lambda each: each.symbol)
def test_a_symbol_without_bars_is_told_the_same_with_and_without_arrays(
    instrument: Instrument,
) -> None:
    market = Minutes(instrument)
    work = profile_live.freeze(market.view(at(f"{DAY} 10:00"), TOPIC, {}, {}))
    assert work is not None

    for item in work.items:
        assert profile_bare.bare(item) == profile_work.payload(item)[0]
        bare, whole = profile_bare.bare(item), profile_work.payload(item)[0]
        assert list(bare["spans"]) == list(whole["spans"])
