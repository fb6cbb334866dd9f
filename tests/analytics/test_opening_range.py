"""analytics.opening_range: the worked example, a slow twin, and what must always hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.analytics.opening_range import (
    MINUTE_MS,
    Break,
    OpeningRange,
    Rules,
    finish,
    step,
)
from grok_sauce.market.events import Bar
from tests.minute_market import minutes, ms, slow_breaks

OPEN = "2026-12-16 09:30"
# 09:30 to 09:34 of the written definitions (open, high, low, close).
FIRST_FIVE = (
    (5955, 5961, 5952, 5958),
    (5958, 5963, 5957, 5962),
    (5962, 5964, 5959, 5960),
    (5960, 5961, 5955, 5957),
    (5957, 5960, 5956, 5959),
)
TOUCH = Rules(mode="touch", tick=0.25)
CLOSE = Rules(tick=0.25)


def range_of(bars: list[Bar], rules: Rules = CLOSE, count: int = 5) -> OpeningRange:
    """The range of the first minutes after all bars."""
    found = OpeningRange(count, ms(OPEN), ms("2026-12-16 16:00"), rules)
    for bar in bars:
        found = step(found, bar)
    return found


def test_the_worked_range_is_5964_to_5952() -> None:
    found = range_of(minutes(OPEN, *FIRST_FIVE))

    assert (found.high, found.low, found.width) == (5964, 5952, 12)
    assert found.state(found.armed_at) == "inside"
    assert found.armed_at == ms("2026-12-16 09:35")


def test_a_close_beyond_is_a_break_and_a_touch_is_none() -> None:
    later = [(5960, 5966, 5959, 5964), (5964, 5966, 5963, 5965)]

    found = range_of(minutes(OPEN, *FIRST_FIVE, *later))

    assert found.breaks == (
        Break(
            side="up",
            at=ms("2026-12-16 09:37"),
            minute=ms("2026-12-16 09:36"),
            price=5965,
            level=5964,
            stop=5952,
            target=5965 + 2 * 13,
        ),
    )
    assert found.state(found.armed_at) == "up"


def test_in_touch_mode_the_first_trade_beyond_is_the_break() -> None:
    found = range_of(minutes(OPEN, *FIRST_FIVE, (5960, 5966, 5959, 5961)), TOUCH)

    assert [(each.side, each.at, each.price) for each in found.breaks] == [
        ("up", ms("2026-12-16 09:35"), 5964.25)
    ]


def test_a_bar_that_opens_beyond_breaks_at_its_open() -> None:
    found = range_of(minutes(OPEN, *FIRST_FIVE, (5950, 5951, 5949, 5950)), TOUCH)

    assert [(each.side, each.price, each.stop, each.target) for each in found.breaks] == [
        ("down", 5950, 5964, 5950 - 2 * 14)
    ]


def test_both_sides_in_one_bar_are_reported_as_both_and_the_stops_are_assumed() -> None:
    found = range_of(minutes(OPEN, *FIRST_FIVE, (5960, 5970, 5950, 5960)), TOUCH)

    assert found.state(found.armed_at) == "both"
    assert [(each.side, each.outcome, each.ambiguous) for each in found.breaks] == [
        ("up", "stop", True),
        ("down", "stop", True),
    ]


def test_a_side_breaks_once_a_day() -> None:
    out, back = (5964, 5966, 5963, 5965), (5965, 5966, 5960, 5960)

    found = range_of(minutes(OPEN, *FIRST_FIVE, out, back, out, back, out))

    assert [each.at for each in found.breaks] == [ms("2026-12-16 09:36")]


def test_a_buffer_has_to_be_passed_too() -> None:
    bars = minutes(OPEN, *FIRST_FIVE, (5964, 5966, 5963, 5965), (5965, 5967, 5964, 5966.25))

    found = range_of(bars, replace(CLOSE, buffer=2.0))

    assert [each.price for each in found.breaks] == [5966.25]


@pytest.mark.parametrize(
    ("later", "outcome"),
    [
        ([(5965, 5992, 5964, 5990)], ("target", "09:36", False)),
        ([(5965, 5970, 5952, 5960)], ("stop", "09:36", False)),
        ([(5965, 5999, 5950, 5960)], ("stop", "09:36", True)),
        ([(5965, 5980, 5960, 5970), (5970, 5991, 5969, 5990)], ("target", "09:37", False)),
    ],
    ids=["target", "stop", "one bar holds both: the stop", "later"],
)
def test_a_break_ends_at_its_target_or_its_stop(
    later: list[tuple[float, ...]], outcome: tuple[str, str, bool]
) -> None:
    # Entry 5965 with the stop at 5952 aims for 5991.
    found = range_of(minutes(OPEN, *FIRST_FIVE, (5964, 5966, 5963, 5965), *later))

    (only,) = found.breaks
    assert only.target == 5991
    assert (only.outcome, only.outcome_at, only.ambiguous) == (
        outcome[0],
        ms(f"2026-12-16 {outcome[1]}"),
        outcome[2],
    )


def test_what_is_open_at_the_end_ends_with_the_session() -> None:
    found = finish(range_of(minutes(OPEN, *FIRST_FIVE, (5964, 5966, 5963, 5965))))

    assert [(each.outcome, each.outcome_at) for each in found.breaks] == [
        ("close", ms("2026-12-16 16:00"))
    ]
    assert found.state(ms("2026-12-16 17:00")) == "up"


def test_bars_of_the_auction_and_after_it_break_nothing() -> None:
    found = range_of(
        [*minutes(OPEN, *FIRST_FIVE), *minutes("2026-12-16 16:00", (5980, 5981, 5979, 5980))]
    )

    assert found.breaks == ()


def test_a_late_first_trade_moves_the_range_and_is_marked() -> None:
    found = range_of(minutes("2026-12-16 09:42", *FIRST_FIVE, (5964, 5966, 5963, 5965)))

    assert found.is_late
    assert found.start == ms("2026-12-16 09:42")
    assert found.armed_at == ms("2026-12-16 09:47")
    assert [each.at for each in found.breaks] == [ms("2026-12-16 09:48")]


def test_less_than_half_of_the_minutes_is_no_range() -> None:
    bars = minutes(OPEN, FIRST_FIVE[0], (), (), FIRST_FIVE[3])
    bars += minutes("2026-12-16 09:40", (6000, 6001, 5999, 6000))

    found = range_of(bars)

    assert found.state(ms("2026-12-16 09:41")) == "no_data"
    assert found.problem == "Only 2 of 5 minutes have bars"
    assert found.breaks == ()


def test_half_of_the_minutes_is_a_range() -> None:
    bars = minutes(OPEN, FIRST_FIVE[0], (), FIRST_FIVE[2], (), FIRST_FIVE[4])

    assert range_of(bars).state(ms("2026-12-16 09:41")) == "inside"


def test_one_price_is_no_range() -> None:
    found = range_of(minutes(OPEN, *[(50, 50, 50, 50)] * 5, (51, 51, 51, 51)))

    assert found.problem == "All of it traded at one price"
    assert (found.state(found.armed_at), found.breaks) == ("no_data", ())


def test_states_on_the_way() -> None:
    empty = range_of([])
    forming = range_of(minutes(OPEN, *FIRST_FIVE[:2]))
    opens = ms(OPEN)

    assert empty.state(opens - 1) == "waiting"
    assert empty.state(opens) == "forming"
    assert empty.state(opens + MINUTE_MS) == "late"
    assert finish(empty).state(opens) == "forming"
    assert finish(empty).state(ms("2026-12-16 16:01")) == "no_data"
    assert forming.state(opens + 2 * MINUTE_MS) == "forming"


def test_a_bar_under_way_touches_but_does_not_close() -> None:
    bars = minutes(OPEN, *FIRST_FIVE)
    (under_way,) = minutes("2026-12-16 09:35", (5960, 5966, 5959, 5965))

    assert step(range_of(bars), under_way, is_closed=False).breaks == ()
    assert len(step(range_of(bars, TOUCH), under_way, is_closed=False).breaks) == 1


# ---- what must always hold --------------------------------------------------------------

walks = st.lists(
    st.tuples(st.integers(-4, 4), st.integers(0, 4), st.integers(0, 4), st.booleans()),
    max_size=60,
)
rules = st.builds(
    Rules,
    mode=st.sampled_from(["close", "touch"]),
    rr_ratio=st.sampled_from([0.5, 1.0, 2.0]),
    tick=st.just(1.0),
    buffer=st.sampled_from([0.0, 1.0]),
)


def walk(drawn: list[tuple[int, int, int, bool]]) -> list[Bar]:
    """Bars from the open on, the close of one the open of the next; some minutes are missing."""
    price, bars = 100, []
    for place, (move, above, below, is_there) in enumerate(drawn):
        opening, price = price, price + move
        if is_there:
            high, low = max(opening, price) + above, min(opening, price) - below
            time = ms(OPEN) + place * MINUTE_MS
            bars.append(Bar(time, opening, high, low, price, 1.0, None))
    return bars


@given(drawn=walks, chosen=rules, count=st.sampled_from([1, 5, 15]))
def test_breaks_are_those_of_a_twin_that_reads_the_day_anew(
    drawn: list[tuple[int, int, int, bool]], chosen: Rules, count: int
) -> None:
    bars = walk(drawn)

    found = range_of(bars, chosen, count)

    assert sorted(
        (each.side, each.minute, each.price, each.outcome or "open") for each in found.breaks
    ) == slow_breaks(bars, chosen, count)


@given(drawn=walks, chosen=rules, count=st.sampled_from([1, 5, 15]))
def test_each_side_breaks_at_most_once_and_never_changes_its_entry(
    drawn: list[tuple[int, int, int, bool]], chosen: Rules, count: int
) -> None:
    found = range_of([], chosen, count)
    seen: dict[str, tuple[int, float]] = {}

    for bar in walk(drawn):
        found = step(found, bar)
        sides = [each.side for each in found.breaks]
        assert len(sides) == len(set(sides))
        for each in found.breaks:
            assert seen.setdefault(each.side, (each.minute, each.price)) == (
                each.minute,
                each.price,
            )
            assert found.low is not None
            assert found.high is not None
            assert {each.level, each.stop} == {found.low, found.high}
            assert each.minute >= found.armed_at
    assert seen.keys() == {each.side for each in found.breaks}


@given(drawn=walks, chosen=rules)
def test_a_mirrored_day_breaks_the_other_way(
    drawn: list[tuple[int, int, int, bool]], chosen: Rules
) -> None:
    bars = walk(drawn)
    mirrored = [
        Bar(bar.time, 200 - bar.open, 200 - bar.low, 200 - bar.high, 200 - bar.close, 1.0, None)
        for bar in bars
    ]
    other = {"up": "down", "down": "up"}

    one, two = range_of(bars, chosen), range_of(mirrored, chosen)

    assert sorted((other[each.side], each.minute, 200 - each.price) for each in one.breaks) == (
        sorted((each.side, each.minute, each.price) for each in two.breaks)
    )
    assert sorted(str(each.outcome) for each in one.breaks) == (
        sorted(str(each.outcome) for each in two.breaks)
    )
