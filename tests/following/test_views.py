"""views: what somebody looks at is kept, for a while after they left, and never too much of it."""

from __future__ import annotations

import pytest

from grok_sauce.errors import SettingsError
from grok_sauce.following.views import LINGER, MOST, Kept, Views
from grok_sauce.runtime.clock import ManualClock


class Told:
    """Counts calls."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def views(clock: ManualClock, told: Told) -> Views:
    return Views(clock, told)


def test_a_watched_view_is_kept_however_long(views: Views, clock: ManualClock, told: Told) -> None:
    views.watch("gex", "SPX", "0dte")
    clock.advance(86_400)

    views.sweep()

    assert views.kept() == (Kept("gex", "SPX", "0dte", True),)
    assert told.times == 1


def test_a_view_lingers_five_minutes_after_the_last_one_left(
    views: Views, clock: ManualClock, told: Told
) -> None:
    views.watch("gex", "SPX", "0dte")
    views.unwatch("gex", "SPX", "0dte")
    clock.advance(LINGER - 1)
    views.sweep()
    lingering = views.kept()

    clock.advance(1)
    views.sweep()

    assert lingering == (Kept("gex", "SPX", "0dte", False),)
    assert views.kept() == ()
    assert told.times == 3


def test_who_comes_back_in_time_finds_it_kept(views: Views, clock: ManualClock) -> None:
    views.watch("gex", "SPX", "0dte")
    views.unwatch("gex", "SPX", "0dte")
    clock.advance(LINGER - 1)
    views.watch("gex", "SPX", "0dte")
    clock.advance(LINGER)
    views.sweep()

    assert views.kept() == (Kept("gex", "SPX", "0dte", True),)


def test_the_linger_is_real_time_whatever_the_market_clock_does(told: Told) -> None:
    clock = ManualClock(market=0.0, real=0.0, speed=60.0)
    views = Views(clock, told)
    views.touch("gex", "SPX", "all")
    clock.advance(LINGER - 1)

    views.sweep()

    assert len(views.kept()) == 1


def test_asking_once_does_not_unwatch_what_a_browser_watches(views: Views, told: Told) -> None:
    views.watch("gex", "SPX", "0dte")
    views.touch("gex", "SPX", "0dte")

    assert views.kept()[0].watched
    assert told.times == 1


def test_leaving_twice_or_what_nobody_watched_changes_nothing(views: Views, told: Told) -> None:
    views.unwatch("gex", "SPX", "0dte")
    views.touch("gex", "SPX", "0dte")
    views.unwatch("gex", "SPX", "0dte")

    assert told.times == 1


def test_a_new_view_takes_the_place_of_the_one_left_longest_ago(
    views: Views, clock: ManualClock
) -> None:
    for number in range(MOST):
        views.watch("gex", f"S{number}", "all")
    for number in (3, 5):
        clock.advance(1)
        views.unwatch("gex", f"S{number}", "all")

    views.watch("gex", "NEW", "all")

    symbols = [kept.symbol for kept in views.kept()]
    assert len(symbols) == MOST
    assert "S3" not in symbols
    assert "S5" in symbols
    assert "NEW" in symbols


def test_no_more_than_sixteen_can_be_watched_and_it_is_said(views: Views) -> None:
    for number in range(MOST):
        views.watch("gex", f"S{number}", "all")

    with pytest.raises(SettingsError, match="16 views are open"):
        views.watch("gex", "NEW", "all")

    assert len(views.kept()) == MOST
