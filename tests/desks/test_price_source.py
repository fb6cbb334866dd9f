"""FEED: the account, the embedded market, or dxFeed's public feed that is late on every page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.clients.dxfeed_demo import DxfeedDemo
from grok_sauce.clients.tastytrade import Tastytrade, TastytradeSettings
from grok_sauce.desks.gex_signal import NoLevels, SignalLevels
from grok_sauce.desks.half_terms import Files, Process
from grok_sauce.desks.price_source import LATE, NOTE, STILL_PUBLIC, PriceSource, price_source
from grok_sauce.errors import SettingsError
from grok_sauce.http import Http
from grok_sauce.market_half import MarketHalf
from grok_sauce.questions import Questions
from grok_sauce.runtime.clock import ManualClock, SharedClock
from grok_sauce.runtime.concurrency import spawn
from grok_sauce.simulator.desk import Desk
from grok_sauce.simulator.dxlink_server import Limits
from grok_sauce.simulator.faults import Faults
from grok_sauce.simulator.market import World
from grok_sauce.simulator.server import Server
from grok_sauce.simulator.services import Services
from grok_sauce.simulator.tokens import Tokens

PUBLIC = {"FEED": "dxfeed-demo"}
OPEN = 1_797_449_527.0  # Wednesday 2026-12-16, 14:32:07 New York


def source(clock: ManualClock, environ: dict[str, str], demo: bool = False) -> PriceSource:
    return price_source(
        environ, TastytradeSettings(), Http(clock), clock, None, demo, lambda batch: None
    )


class TestChoice:
    @pytest.mark.parametrize("environ", [{}, {"FEED": ""}, {"FEED": "account"}])
    def test_the_account_s_feed_is_the_usual_one(
        self, clock: ManualClock, environ: dict[str, str]
    ) -> None:
        found = source(clock, environ)

        assert isinstance(found.broker, Tastytrade)
        assert (found.note, found.no_signals, found.status.label) == (None, None, "dxLink")

    def test_the_public_one_is_only_taken_by_name(self, clock: ManualClock) -> None:
        found = source(clock, PUBLIC)

        assert isinstance(found.broker, DxfeedDemo)
        assert found.status.label == "dxFeed demo"
        assert found.note == NOTE

    def test_the_embedded_market_makes_no_outbound_connection_whatever_feed_says(
        self, clock: ManualClock
    ) -> None:
        found = source(clock, PUBLIC, demo=True)

        assert isinstance(found.broker, Tastytrade)
        assert (found.is_public, found.status.label) == (False, "Simulated feed")

    def test_a_word_it_does_not_know_is_refused(self, clock: ManualClock) -> None:
        with pytest.raises(SettingsError, match="FEED"):
            source(clock, {"FEED": "dxfeed"})


class TestWords:
    @pytest.mark.parametrize(
        ("state", "chip"),
        [
            ("connecting", ("NO FEED", "")),
            ("live", ("DELAYED", LATE)),
            ("stale", ("DELAYED", LATE)),
            ("backoff", ("NO FEED", "")),
        ],
    )
    def test_its_chip_never_says_live(
        self, clock: ManualClock, state: Any, chip: tuple[str, str]
    ) -> None:
        found = source(clock, PUBLIC)
        found.status.state = state

        assert found.chip() == chip
        assert found.is_late

    def test_an_account_s_chip_follows_the_level_of_its_token(self, clock: ManualClock) -> None:
        found = source(clock, {})
        found.status.state = "live"

        chips = []
        for level in ("LIVE", "DELAYED"):
            found.status.facts["level"] = level
            chips.append(found.chip())

        assert chips == [("LIVE", ""), ("DELAYED", "")]

    def test_credentials_saved_meanwhile_say_what_still_stands_in_the_way(
        self, clock: ManualClock
    ) -> None:
        started: list[str] = []

        def again() -> str:
            started.append("again")
            return "Saved."

        assert source(clock, PUBLIC).use_live(again) == STILL_PUBLIC
        assert started == []
        assert source(clock, {}).use_live(again) == "Saved."

    def test_it_asks_for_a_table_and_no_more(self, clock: ManualClock) -> None:
        plan = source(clock, PUBLIC).feed._limits

        assert plan.entries <= 1000
        assert plan.candles + plan.backfill <= 100

    def test_no_signal_is_made_of_it(self, clock: ManualClock) -> None:
        found = source(clock, PUBLIC)
        told = {"status": {"state": "live"}}
        levels = SignalLevels(
            "SPY", lambda topic, key: told, Questions(spawn), clock.real, found.no_signals
        )

        with pytest.raises(NoLevels, match="no input to signals"):
            levels.levels()
        with pytest.raises(NoLevels, match="no input to signals"):
            levels.refresh(force=True)


def eventually(condition: Callable[[], Any], seconds: float) -> Any:
    """What condition() answers once it is true."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.05)
    return found


@pytest.fixture
def running(tmp_path: Path) -> Iterator[MarketHalf]:
    """A market half on the embedded market's dxLink, which asks for no token."""
    clock = SharedClock(OPEN, SharedClock(0.0, 0.0).real())
    faults = Faults()
    services = Services(
        desk=Desk(World(7, OPEN), clock),
        clock=clock,
        tokens=Tokens(clock, faults, 900.0),
        faults=faults,
        limits=Limits(sign_in=False),
        about={**clock.anchor(), "seed": 7},
    )
    server = Server(services)
    server.start()
    files = Files(
        tmp_path / "data", tmp_path / "settings.json", tmp_path / "kept", tmp_path / "env"
    )
    environ = {
        **PUBLIC,
        "DXFEED_DEMO_URL": services.dxlink_url,
        "CBOE_API_BASE": f"http://{services.address}",
        "CBOE_API_FALLBACK": f"http://{services.address}",
        "TASTY_API_BASE": "http://127.0.0.1:9",  # nobody there: it is never asked
    }
    half = MarketHalf(files, environ, clock, False, Process(dict, dict, str))
    half.start()
    yield half
    assert half.close(20.0) == []
    server.stop()


def test_a_table_without_an_account_is_delayed_in_every_row_and_says_so(
    running: MarketHalf,
) -> None:
    def filled() -> bool:
        row = running.snapshot.get("indicator.rows", "SPY")
        return row is not None and row["price"] is not None

    def feed() -> dict[str, Any]:
        sources = (running.snapshot.health() or {"sources": []})["sources"]
        return next((each for each in sources if each["name"] == "dxlink"), {"state": ""})

    eventually(filled, 15)
    eventually(lambda: feed()["state"] == "live", 15)

    rows, report = running.snapshot.rows(), running.snapshot.health()
    assert report is not None
    assert {row["source"] for row in rows} == {"DELAYED"}
    assert running.chip() == ("DELAYED", LATE)
    assert report["feed_note"] == NOTE
    assert feed()["label"] == "dxFeed demo"
    assert "no account" in feed()["detail"]
    assert running.questions.ask("gex.e80").reason.endswith("no input to signals")
    (dxy,) = [row for row in rows if row["symbol"] == "DXY"]
    assert dxy["status"] == "not_offered"
