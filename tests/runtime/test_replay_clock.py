"""A recording's time: it moves when it is moved, at the pace that was asked for."""

from __future__ import annotations

import pytest

from grok_sauce.runtime.clock import ReplayClock

START, END = 1000.0, 1600.0


class Steered(ReplayClock):
    """With real seconds set by hand."""

    now = 50.0

    def monotonic(self) -> float:
        return self.now


def test_time_stands_until_it_is_moved_and_never_goes_back() -> None:
    clock = Steered(START, END)

    clock.now += 100
    assert clock.market() == START
    clock.reach(START + 5)
    clock.reach(START + 3)

    assert clock.market() == START + 5


def test_the_wait_is_what_is_left_at_the_speed_asked_for() -> None:
    clock = Steered(START, END, rate=10.0)

    assert clock.wait(START + 20) == pytest.approx(2.0)
    clock.now += 1.5
    assert clock.wait(START + 20) == pytest.approx(0.5)
    clock.now += 0.5
    assert clock.wait(START + 20) == 0.0


def test_at_the_highest_speed_nothing_is_waited_for() -> None:
    assert Steered(START, END, rate=None).wait(END) == 0.0


def test_a_pause_waits_for_ever_and_play_goes_on_from_there() -> None:
    clock = Steered(START, END, rate=10.0)
    clock.wait(START + 20)
    clock.pause()

    assert clock.wait(START + 20) is None
    clock.now += 500
    clock.play()

    assert clock.wait(START + 20) == pytest.approx(2.0)


def test_another_speed_counts_from_where_it_stands() -> None:
    clock = Steered(START, END, rate=1.0)
    clock.wait(START + 1)
    clock.now += 10
    clock.reach(START + 10)
    clock.set_rate(60.0)

    assert clock.wait(START + 70) == pytest.approx(1.0)
    assert clock.speed == 60.0


def test_time_that_was_lost_is_not_run_after() -> None:
    clock = Steered(START, END, rate=1.0)
    clock.wait(START + 1)
    clock.now += 100  # the machine was too slow for a minute and a half
    assert clock.wait(START + 1) == 0.0
    clock.reach(START + 1)

    assert clock.wait(START + 2) == pytest.approx(1.0)


@pytest.mark.parametrize("paused", [True, False])
def test_a_goal_is_run_to_and_then_it_plays_or_stands_as_before(paused: bool) -> None:
    clock = Steered(START, END, rate=2.0)
    if paused:
        clock.pause()
    clock.seek(START + 100)

    assert clock.wait(START + 100) == 0.0
    clock.reach(START + 98)
    after = clock.wait(START + 104)

    assert clock.market() == START + 100
    assert after is None if paused else after == pytest.approx(2.0)
    assert clock.goal is None


def test_a_pause_on_the_way_to_a_goal_ends_it_there() -> None:
    clock = Steered(START, END)
    clock.seek(START + 100)
    clock.pause()

    assert clock.wait(START + 50) is None


def test_a_goal_behind_the_end_is_the_end() -> None:
    clock = Steered(START, END)

    clock.seek(END + 500)

    assert clock.goal == END


def test_the_speed_reached_is_measured() -> None:
    clock = Steered(START, END, rate=None)
    assert (clock.reached(), clock.speed) == (None, 1.0)
    for _ in range(5):
        clock.now += 0.1
        clock.reach(clock.market() + 4)

    assert clock.reached() == pytest.approx(40.0)
    assert clock.speed == pytest.approx(40.0)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_speed_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError):
        Steered(START, END).set_rate(rate)
