"""Market time and real time are two things."""

from __future__ import annotations

import pytest

from grok_sauce.runtime.clock import ManualClock, RealClock, SharedClock, as_datetime


def test_shared_clock_runs_at_its_speed_from_its_anchor() -> None:
    real = RealClock().real()
    clock = SharedClock(anchor_market=1_000_000.0, anchor_real=real - 10, speed=24)

    assert clock.market() == pytest.approx(1_000_240, abs=24)
    assert SharedClock(**clock.anchor()).market() == pytest.approx(clock.market(), abs=5)


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_speed_that_stops_or_turns_time_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        SharedClock(0, 0, speed)


def test_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(market=100.0, real=5.0, speed=24)

    clock.advance(10)

    assert (clock.market(), clock.real()) == (340.0, 15.0)
    assert as_datetime(0).isoformat() == "1970-01-01T00:00:00+00:00"
