"""The market half joined: what a press of "retry" reaches."""

from __future__ import annotations

from pathlib import Path

import pytest

from grok_sauce.desks.half_terms import Files, Process
from grok_sauce.errors import SettingsError
from grok_sauce.market_half import MarketHalf
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.runtime.worker import WorkerStatus


@pytest.fixture
def half(tmp_path: Path, clock: ManualClock) -> MarketHalf:
    """Built, not started."""
    files = Files(
        data=tmp_path / "data",
        settings=tmp_path / "settings.json",
        keep=tmp_path / "kept",
        env=tmp_path / "env",
    )
    secrets = {"CLIENT_SECRET": "demo", "REFRESH_TOKEN": "demo"}
    built = MarketHalf(files, secrets, clock, False, Process(dict, dict, str))
    built.supervisor.statuses["dxlink"] = WorkerStatus("dxlink")
    return built


def test_a_retry_of_the_feed_also_asks_for_the_symbols_records_again(
    half: MarketHalf, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One refusal of the broker stops both; nobody presses a button for the second.
    pressed: list[str] = []
    monkeypatch.setattr(half.supervisor, "retry", pressed.append)

    half.controls.do("source.retry", name="dxlink")

    assert pressed == ["dxlink", "watchlist", "chains"]


def test_a_source_that_is_not_there_is_named(half: MarketHalf) -> None:
    with pytest.raises(SettingsError, match="no source named nope"):
        half.controls.do("source.retry", name="nope")
