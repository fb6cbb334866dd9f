"""Breaker and retry times, with milliseconds handed in."""

from __future__ import annotations

import random

import pytest

from grok_sauce.alerts.breaker import Breaker
from grok_sauce.alerts.retries import delay_ms


def broken(now_ms: int = 0) -> Breaker:
    breaker = Breaker()
    for _ in range(5):
        breaker.ended("not_sent", now_ms)
    return breaker


def test_five_not_sent_in_a_row_open_it_for_five_seconds() -> None:
    breaker = Breaker()

    turned = [breaker.ended("not_sent", 100) for _ in range(5)]

    assert turned == [False] * 4 + [True]
    assert not breaker.lets_through(5099)
    assert breaker.lets_through(5100)
    assert breaker.next_probe_ms == 5100


def test_anything_else_in_between_begins_the_row_anew() -> None:
    breaker = Breaker()
    for kind in ("not_sent",) * 4 + ("ambiguous",) + ("not_sent",) * 4:
        breaker.ended(kind, 0)  # type: ignore[arg-type]

    assert not breaker.is_open


def test_seven_failures_of_the_last_ten_open_it() -> None:
    breaker = Breaker()
    for kind in ("delivered", "ambiguous", "not_accepted") * 3:
        breaker.ended(kind, 0)  # type: ignore[arg-type]
    assert not breaker.is_open  # 6 of 9, and fewer than ten

    breaker.ended("ambiguous", 0)

    assert breaker.is_open


def test_a_target_that_refuses_orders_is_there() -> None:
    breaker = Breaker()
    for _ in range(30):
        breaker.ended("refused", 0)

    assert not breaker.is_open


def test_half_open_lets_one_attempt_through() -> None:
    breaker = broken()

    deciding = breaker.started()

    assert deciding
    assert not breaker.lets_through(9000)


def test_an_attempt_that_was_not_made_lets_another_through() -> None:
    breaker = broken()
    breaker.gave_up(breaker.started())

    assert breaker.lets_through(5000)


def test_pauses_double_to_a_minute_and_success_ends_them() -> None:
    breaker = broken()
    pauses, now = [], 0
    for _ in range(6):
        now = breaker.next_probe_ms or 0
        breaker.ended("not_sent", now, breaker.started())
        pauses.append((breaker.next_probe_ms or 0) - now)

    turned = breaker.ended("delivered", now + 60_000, breaker.started())

    assert pauses == [10_000, 20_000, 40_000, 60_000, 60_000, 60_000]
    assert turned
    assert breaker.state() == {}
    assert breaker.lets_through(now)


def test_one_that_was_under_way_when_it_opened_changes_nothing() -> None:
    breaker = broken()
    breaker.started()

    breaker.ended("not_sent", 5000)

    assert breaker.next_probe_ms == 5000
    assert not breaker.lets_through(5000)  # the deciding one is still out


def test_its_state_survives_a_restart() -> None:
    again = Breaker(broken(1000).state())

    assert again.next_probe_ms == 6000
    again.ended("not_sent", 6000, again.started())
    assert again.next_probe_ms == 16_000


@pytest.mark.parametrize(
    ("attempt", "seconds"),
    [(1, 0.0), (2, 0.5), (3, 1.0), (4, 2.0), (5, 4.0), (6, 8.0), (7, 15.0), (8, 15.0), (59, 15.0)],
)
def test_retries_follow_the_schedule_within_a_fifth(attempt: int, seconds: float) -> None:
    found = [delay_ms(attempt, None, random.Random(seed)) for seed in range(200)]

    assert min(found) >= 0.8 * seconds * 1000 - 1
    assert max(found) <= 1.2 * seconds * 1000 + 1
    assert seconds == 0.0 or len(set(found)) > 50


@pytest.mark.parametrize(("wish", "least"), [(7.0, 7000), (300.0, 30_000), (0.0, 0)])
def test_a_wish_of_the_target_is_kept_up_to_half_a_minute(wish: float, least: int) -> None:
    assert delay_ms(1, wish, random.Random(1)) == least


def test_a_wish_never_makes_it_sooner_than_ours() -> None:
    assert delay_ms(7, 1.0, random.Random(1)) >= 12_000
