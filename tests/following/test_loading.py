"""Whether the header says that history is being loaded, and when it stops saying so."""

from __future__ import annotations

import pytest

from grok_sauce.following.loading import PATIENCE, Loading
from grok_sauce.runtime.clock import ManualClock


class Start:
    """A feed at its start: three symbols wanted, none there."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.wanted = ["SPY{=m}", "QQQ{=m}", "VIX{=m}"]
        self.arrived: dict[str, object] = {}
        self.is_live = True
        self.loading = Loading(
            lambda: self.wanted, self.arrived, lambda: self.is_live, clock.monotonic
        )

    def come(self, *symbols: str) -> None:
        self.arrived.update(dict.fromkeys(symbols))


@pytest.fixture
def start(clock: ManualClock) -> Start:
    return Start(clock)


def test_symbols_are_counted_as_their_history_comes(start: Start) -> None:
    told = [start.loading.report()]
    for symbol in start.wanted:
        start.come(symbol)
        told.append(start.loading.report())

    assert told == [{"done": 0, "of": 3}, {"done": 1, "of": 3}, {"done": 2, "of": 3}, None]


def test_nothing_is_loading_while_the_feed_is_down(start: Start) -> None:
    start.is_live = False

    assert start.loading.report() is None


def test_a_symbol_without_history_does_not_load_for_ever(start: Start) -> None:
    start.come("SPY{=m}", "QQQ{=m}")
    start.loading.report()

    start.clock.advance(PATIENCE - 0.1)
    before = start.loading.report()
    start.clock.advance(0.2)

    assert before == {"done": 2, "of": 3}
    assert start.loading.report() is None


def test_progress_renews_the_patience(start: Start) -> None:
    start.loading.report()
    start.clock.advance(PATIENCE - 1)
    start.come("SPY{=m}")
    start.loading.report()

    start.clock.advance(PATIENCE - 1)

    assert start.loading.report() == {"done": 1, "of": 3}


def test_a_symbol_that_is_added_later_is_loading_again(start: Start) -> None:
    start.come(*start.wanted)
    start.loading.report()

    start.wanted = [*start.wanted, "NVDA{=m}"]

    assert start.loading.report() == {"done": 3, "of": 4}


def test_what_came_and_is_wanted_no_more_is_not_counted(start: Start) -> None:
    start.come("SPY{=m}", "GLD{=m}")

    assert start.loading.report() == {"done": 1, "of": 3}


def test_without_symbols_nothing_is_loading(start: Start) -> None:
    start.wanted = []

    assert start.loading.report() is None
