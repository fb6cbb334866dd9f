"""Event reactions against a twin that walks through single trades, and by hand on recorded bars."""

from __future__ import annotations

import csv
import gzip
from array import array
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from math import log, nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.analytics.event_reaction import (
    CLOSED,
    HALTED,
    HORIZONS,
    NO_BASE,
    NO_TRADE,
    Known,
    Reaction,
    gamma_since,
    reaction,
    row,
)
from grok_sauce.market.candles import Columns

MINUTE = 60_000
AT = 1797433200  # Wednesday 2026-12-16, 10:00 New York
AT_MS = AT * 1000
LATER = Known(0, AT_MS + 120 * MINUTE, AT_MS + 120 * MINUTE)

Bar = tuple[float, ...]  # Unix ms, open, high, low, close, volume, count
Trade = tuple[int, float, int]  # Unix ms, price, size


def columns(bars: Sequence[Bar]) -> Columns:
    rows = list(zip(*sorted(bars), strict=True)) or [()] * 7
    return Columns(*(array(code, values) for code, values in zip("qdddddq", rows, strict=True)))


def flat(minute: int, close: float, volume: float = 100.0, count: int = 5) -> Bar:
    """A bar `minute` minutes after the release, all four prices the same."""
    return AT_MS + minute * MINUTE, close, close, close, close, volume, count


def every_minute(first: int, last: int, step: float = 0.01) -> list[Bar]:
    return [flat(minute, 100 + step * minute) for minute in range(first, last)]


def bars_of(trades: Sequence[Trade]) -> Columns:
    """One-minute bars as a feed builds them; a minute without a trade has none."""
    minutes: dict[int, list[Trade]] = {}
    for trade in sorted(trades):
        minutes.setdefault(trade[0] // MINUTE * MINUTE, []).append(trade)
    bars: list[Bar] = []
    for start, own in minutes.items():
        prices = [price for _, price, _ in own]
        volume = float(sum(size for *_, size in own))
        ends = prices[0], max(prices), min(prices), prices[-1]
        bars.append((start, *ends, volume, len(own)))
    return columns(bars)


# ---- the twin: the reference's words over single trades -------------------------------------


def last_trade(trades: Sequence[Trade], until: int) -> float | None:
    """The last trade before an instant, None when it is older than 60 s."""
    found = None
    for time, price, _ in sorted(trades):
        if until - MINUTE <= time < until:
            found = price
    return found


def twin(trades: Sequence[Trade], closed: int) -> dict[str, object]:
    before = last_trade(trades, AT_MS)
    told: dict[str, object] = {"before": before}
    for horizon in HORIZONS:
        end = AT_MS + horizon * MINUTE
        price = last_trade(trades, end)
        if before is None or price is None or end > closed:
            told[str(horizon)] = "pending" if end > closed and before is not None else None
            continue
        window = [trade for trade in trades if AT_MS <= trade[0] < end]
        earlier = sum(t[2] for t in trades if AT_MS - horizon * MINUTE <= t[0] < AT_MS)
        told[str(horizon)] = (
            pytest.approx(price - before, abs=1e-6),
            pytest.approx(100 * (price - before) / before, abs=1e-6),
            pytest.approx(10_000 * log(price / before), abs=1e-4),
            pytest.approx(100 * (max(p for _, p, _ in window) / before - 1), abs=1e-6),
            pytest.approx(100 * (min(p for _, p, _ in window) / before - 1), abs=1e-6),
            pytest.approx(sum(t[2] for t in window) / earlier, abs=1e-4),
        )
    return told


def plain(found: Reaction) -> dict[str, object]:
    told: dict[str, object] = {"before": found.before}
    for horizon in HORIZONS:
        move = found.moves[horizon]
        if move is None:
            told[str(horizon)] = "pending" if horizon in found.pending else None
            continue
        told[str(horizon)] = (
            *(move.points, move.percent, move.bps, move.high, move.low, move.volume_ratio),
        )
    return told


# Around a release most minutes trade, some do not; no trade falls on the very second of a minute.
instants = st.builds(
    lambda minute, ms: AT_MS + minute * MINUTE + ms,
    st.integers(-61, 61) | st.sampled_from([-1, 0, 4, 14, 29, 59]),
    st.integers(1, MINUTE - 1),
)
some_trades = st.lists(
    st.tuples(instants, st.integers(5_000, 60_000).map(lambda c: c / 100), st.integers(1, 900)),
    max_size=120,
    unique_by=lambda trade: trade[0],
)
since_release = st.integers(0, 62)


@given(trades=some_trades, minutes=since_release)
def test_a_twin_over_single_trades_finds_the_same(trades: list[Trade], minutes: int) -> None:
    closed = AT_MS + minutes * MINUTE

    found = reaction(bars_of(trades), "etf", AT, Known(0, closed, closed))

    assert plain(found) == twin(trades, closed)


@given(trades=some_trades, minutes=since_release, wild=st.integers(1, 10_000))
def test_a_minute_that_is_not_closed_is_never_used(
    trades: list[Trade], minutes: int, wild: int
) -> None:
    closed = AT_MS + minutes * MINUTE
    known = Known(0, closed, closed)
    bars = bars_of(trades)
    over = [bar for bar in zip(*bars, strict=True) if bar[0] + MINUTE <= closed]
    other = [
        (start, *[float(wild)] * 5, 1)
        for start in range(closed, AT_MS + 61 * MINUTE, MINUTE)  # all that may still change
    ]

    found = reaction(bars, "etf", AT, known)

    assert reaction(columns(over), "etf", AT, known) == found
    assert reaction(columns([*over, *other]), "etf", AT, known) == found


@given(trades=some_trades, minutes=since_release, more=st.integers(0, 30))
def test_what_is_told_once_stays_as_time_passes(
    trades: list[Trade], minutes: int, more: int
) -> None:
    first, then = (AT_MS + m * MINUTE for m in (minutes, minutes + more))

    early = reaction(bars_of(trades), "etf", AT, Known(0, first, first))
    late = reaction(bars_of(trades), "etf", AT, Known(0, then, then))

    assert set(late.pending) <= set(early.pending)
    told = [h for h in HORIZONS if h not in early.pending]
    assert [early.moves[h] for h in told] == [late.moves[h] for h in told]
    assert (early.before, early.drift) == (late.before, late.drift)


@given(trades=some_trades, minutes=since_release)
def test_every_horizon_is_a_number_or_pending_or_has_its_reason(
    trades: list[Trade], minutes: int
) -> None:
    closed = AT_MS + minutes * MINUTE

    found = reaction(bars_of(trades), "etf", AT, Known(0, closed, closed))

    told = {h for h in HORIZONS if found.moves[h] is not None}
    assert sorted([*told, *found.pending, *found.reasons]) == list(HORIZONS)


# ---- single rules ---------------------------------------------------------------------------


def test_the_price_before_is_of_the_minute_before_and_says_which() -> None:
    found = reaction(columns(every_minute(-61, 61)), "etf", AT, LATER)

    assert found.before == 99.99
    assert found.before_at == AT_MS - MINUTE
    assert found.moves[1] is not None
    assert found.moves[1].price == 100.0  # the close of 10:00, not of 10:01
    assert found.drift == {
        15: pytest.approx(100 * (99.99 / 99.84 - 1), abs=1e-6),
        30: pytest.approx(100 * (99.99 / 99.69 - 1), abs=1e-6),
    }


def test_a_price_before_that_is_older_than_a_minute_is_refused() -> None:
    bars = [flat(-2, 100.0), *every_minute(0, 61)]

    found = reaction(columns(bars), "etf", AT, LATER)

    assert found.before is None
    assert found.note == "No trade in the minute before the release"
    assert set(found.moves.values()) == {None}
    assert (found.pending, found.reasons) == ((), dict.fromkeys(HORIZONS, NO_BASE))


def test_a_horizon_in_a_gap_is_none_and_the_others_stand() -> None:
    bars = [bar for bar in every_minute(-61, 61) if bar[0] != AT_MS + 14 * MINUTE]

    found = reaction(columns(bars), "etf", AT, LATER)

    assert found.moves[15] is None
    assert found.reasons == {15: NO_TRADE}
    assert [h for h in HORIZONS if found.moves[h] is not None] == [1, 5, 30, 60]


def test_a_missing_bar_is_no_gap_before_it_is_certain_that_none_will_come() -> None:
    bars = columns(every_minute(-61, 4))
    closed = AT_MS + 5 * MINUTE

    assert reaction(bars, "etf", AT, Known(0, closed, closed - MINUTE)).pending == (5, 15, 30, 60)
    assert reaction(bars, "etf", AT, Known(0, closed, closed)).pending == (15, 30, 60)


def test_a_minute_is_closed_at_the_instant_that_is_named_and_no_millisecond_before() -> None:
    bars = columns(every_minute(-61, 61))
    end = AT_MS + 5 * MINUTE

    assert reaction(bars, "etf", AT, Known(0, end - 1, end - 1)).pending == (5, 15, 30, 60)
    assert reaction(bars, "etf", AT, Known(0, end, end)).pending == (15, 30, 60)


def test_a_bar_without_a_print_is_no_price_but_an_index_without_volume_is() -> None:
    quiet = [bar for bar in every_minute(-61, 61) if bar[0] != AT_MS]

    for volume, count, expected in (
        (0.0, 0, None), (0.0, -1, None), (nan, 0, None),
        (nan, -1, 101.0), (nan, 7, 101.0), (0.0, 7, 101.0),
    ):  # fmt: skip
        found = reaction(columns([*quiet, flat(0, 101.0, volume, count)]), "etf", AT, LATER)
        move = found.moves[1]
        assert (move.price if move else None) == expected


def test_a_bar_without_a_print_is_not_among_highs_and_lows() -> None:
    bars = [bar for bar in every_minute(-61, 61) if bar[0] != AT_MS + MINUTE]

    found = reaction(columns([*bars, flat(1, 5.0, 0.0, 0)]), "etf", AT, LATER)

    assert found.moves[5] is not None
    assert found.moves[5].low > 0


@pytest.mark.parametrize(
    "kind, when, closed",
    [
        ("etf", "2026-12-16T08:30:00-05:00", []),
        ("etf", "2026-12-16T03:30:00-05:00", list(HORIZONS)),
        ("etf", "2026-12-16T19:30:00-05:00", [60]),
        ("etf", "2026-12-19T10:00:00-05:00", list(HORIZONS)),
        ("index", "2026-12-16T08:30:00-05:00", list(HORIZONS)),
        ("index", "2026-12-16T15:30:00-05:00", [60]),
        ("index", "2026-12-16T15:00:00-05:00", []),
        ("future", "2026-12-16T16:30:00-05:00", [60]),
        ("future", "2026-12-16T08:30:00-05:00", []),
        ("etf", "2026-11-27T16:30:00-05:00", [60]),  # half day: after-hours end at 17:00
    ],
)
def test_outside_the_kinds_hours_nothing_is_told(kind: str, when: str, closed: list[int]) -> None:
    at = datetime.fromisoformat(when).timestamp()
    bars = [(int(at * 1000) + m * MINUTE, *[100.0] * 4, 9.0, 1) for m in range(-61, 61)]
    known = Known(0, int(at * 1000) + 90 * MINUTE, int(at * 1000) + 90 * MINUTE)

    found = reaction(columns(bars), kind, at, known)  # type: ignore[arg-type]

    shut = [h for h in HORIZONS if found.reasons.get(h) in (CLOSED, NO_BASE)]
    assert shut == closed
    assert found.is_complete is (NO_BASE not in found.reasons.values())


def test_a_halt_is_named() -> None:
    bars = columns(every_minute(-61, 3))

    found = reaction(bars, "equity", AT, LATER, halted=AT + 185.0)

    assert found.reasons == dict.fromkeys((5, 15, 30, 60), HALTED)
    assert not found.is_complete


def test_before_the_minute_before_is_closed_everything_is_pending() -> None:
    bars = columns(every_minute(-61, 0))

    found = reaction(bars, "etf", AT, Known(0, AT_MS - MINUTE, AT_MS - MINUTE))

    assert found == Reaction(moves=dict.fromkeys(HORIZONS))
    assert found.pending == HORIZONS


def test_volume_is_compared_only_where_all_of_it_was_loaded() -> None:
    bars = columns(
        [flat(m, 100.0, volume=50.0) for m in range(-61, 0)]
        + [flat(m, 100.0, volume=150.0) for m in range(61)]
    )

    whole = reaction(bars, "etf", AT, LATER)
    short = reaction(bars, "etf", AT, replace(LATER, since=AT_MS - 5 * MINUTE))

    assert [whole.moves[h].volume_ratio for h in HORIZONS] == [3.0] * 5  # type: ignore[union-attr]
    assert [short.moves[h].volume_ratio for h in HORIZONS] == [  # type: ignore[union-attr]
        *(3.0, 3.0, None, None, None)
    ]


def test_an_unknown_volume_gives_no_ratio() -> None:
    bars = [flat(m, 100.0, volume=nan if m == 2 else 50.0) for m in range(-61, 61)]

    found = reaction(columns(bars), "etf", AT, LATER)

    assert [found.moves[h].volume_ratio for h in HORIZONS] == [  # type: ignore[union-attr]
        *(1.0, None, None, None, None)
    ]


def test_a_release_between_minutes_counts_from_the_minute_it_falls_into() -> None:
    bars = columns(every_minute(-61, 62))

    assert reaction(bars, "etf", AT + 20.5, LATER) == reaction(bars, "etf", AT, LATER)


def test_a_row_is_json_with_horizons_as_keys() -> None:
    found = row("SPY", reaction(columns(every_minute(-61, 20)), "etf", AT, Known(
        0, AT_MS + 15 * MINUTE, AT_MS + 15 * MINUTE
    )))  # fmt: skip

    assert list(found["moves"]) == ["1", "5", "15", "30", "60"]
    assert found["moves"]["30"] is None
    assert found["pending"] == [30, 60]
    assert found["before_at"] == "2026-12-16T14:59:00+00:00"
    assert set(found["moves"]["5"]) == {
        *("price", "points", "percent", "bps", "high", "low", "volume_ratio")
    }


@pytest.mark.parametrize(
    "when, since",
    [
        ("2026-12-16T14:00:00-05:00", "2026-12-16T13:45:00-05:00"),
        ("2026-12-16T08:30:00-05:00", "2026-12-15T15:45:00-05:00"),
        ("2026-12-16T18:00:00-05:00", "2026-12-16T15:45:00-05:00"),
        ("2026-12-14T08:30:00-05:00", "2026-12-11T15:45:00-05:00"),  # Monday: Friday's close
        ("2026-11-28T10:00:00-05:00", "2026-11-27T12:45:00-05:00"),  # after a half day
    ],
)
def test_an_exposure_counts_as_long_as_options_have_stood_still_since(
    when: str, since: str
) -> None:
    at = datetime.fromisoformat(when).timestamp()

    assert gamma_since(at) == datetime.fromisoformat(since).timestamp()


# ---- by hand on recorded bars -----------------------------------------------------------------


def recorded_bars(folder: Path) -> Columns:
    file = folder / "spy_1min_2013-10-04_to_11.csv.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return columns([
            (
                int(datetime.fromisoformat(line["time"]).timestamp()) * 1000,
                *(float(line[name]) for name in ("open", "high", "low", "close", "volume")),
                -1,
            )
            for line in csv.DictReader(lines)
        ])  # fmt: skip


@pytest.mark.recorded
def test_the_minutes_of_the_fed_on_9_october_2013_by_hand(recordings: Path) -> None:
    """The Federal Open Market Committee's minutes came on Wednesday, 14:00 New York.

    Closes read off the file: 13:59 165.88; 14:00 165.72, 14:04 165.95, 14:14 165.87, 14:29
    165.97, 14:59 166.15; 13:44 165.78, 13:29 165.85. Range of 14:00: 165.66 to 165.89.
    """
    bars = recorded_bars(recordings)
    at = datetime.fromisoformat("2013-10-09T14:00:00-04:00").timestamp()
    end = bars.times[-1]

    found = reaction(bars, "etf", at, Known(bars.times[0], end, end))

    assert (found.before, found.before_at) == (165.88, int(at * 1000) - MINUTE)
    moves = [found.moves[h] for h in HORIZONS]
    assert [m.points for m in moves if m] == [-0.16, 0.07, -0.01, 0.09, 0.27]
    assert [m.percent for m in moves if m] == [-0.096455, 0.042199, -0.006028, 0.054256, 0.162768]
    assert [m.bps for m in moves if m] == [-9.6502, 4.219, -0.6029, 5.4241, 16.2636]
    assert found.drift == {15: 0.060321, 30: 0.018089}
    assert moves[0] is not None
    assert (moves[0].high, moves[0].low) == (0.006028, -0.132626)
    assert moves[0].volume_ratio == pytest.approx(1443903 / 285263, abs=1e-4)


@pytest.mark.recorded
def test_jobless_claims_before_the_open_on_10_october_2013_by_hand(recordings: Path) -> None:
    """Thursday, 08:30 New York, in pre-market trading; closes read off the file.

    08:29 166.73; 08:30 166.71, 08:34 166.66, 08:44 166.78, 08:59 167.07, 09:29 167.28; 08:14
    166.97, 07:59 166.84.
    """
    bars = recorded_bars(recordings)
    at = datetime.fromisoformat("2013-10-10T08:30:00-04:00").timestamp()
    end = bars.times[-1]

    found = reaction(bars, "etf", at, Known(bars.times[0], end, end))

    moves = [found.moves[h] for h in HORIZONS]
    assert [m.points for m in moves if m] == [-0.02, -0.07, 0.05, 0.34, 0.55]
    assert [m.percent for m in moves if m] == [-0.011995, -0.041984, 0.029989, 0.203923, 0.329875]
    assert found.drift == {15: -0.143738, 30: -0.065931}


@pytest.mark.recorded
def test_a_minute_without_a_trade_in_the_recorded_file_is_told_as_such(recordings: Path) -> None:
    bars = recorded_bars(recordings)
    there = set(bars.times)
    dawn = datetime.fromisoformat("2013-10-04T04:07:00-04:00").timestamp()
    end = bars.times[-1]

    found = reaction(bars, "etf", dawn, Known(bars.times[0], end, end))

    start = int(dawn * 1000)
    for horizon in HORIZONS:
        has_bar = start + (horizon - 1) * MINUTE in there
        assert (found.moves[horizon] is not None) is has_bar
        assert found.reasons.get(horizon) == (None if has_bar else NO_TRADE)
    assert found.before == 167.65
