"""dxFeed's public demonstration feed: an address without a token, symbols without records."""

from __future__ import annotations

import pytest

from grok_sauce.clients.dxfeed_demo import DxfeedDemo, DxfeedDemoSettings
from grok_sauce.clients.tastytrade import read_chain
from grok_sauce.errors import SourceRefused
from grok_sauce.feeds.dxlink_tokens import TokenKeeper, is_delayed
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings import read_env

NOW = 1_797_449_527.0


@pytest.fixture
def demo() -> DxfeedDemo:
    return DxfeedDemo(DxfeedDemoSettings())


def test_its_address_is_the_published_one_and_can_be_another(demo: DxfeedDemo) -> None:
    other = read_env(DxfeedDemoSettings, {"DXFEED_DEMO_URL": "ws://127.0.0.1:8765/realtime"})

    assert demo.quote_token().url == "wss://demo.dxfeed.com/dxlink-ws"
    assert DxfeedDemo(other).quote_token().url == "ws://127.0.0.1:8765/realtime"


def test_nothing_is_shown_to_it_and_its_quotes_count_as_late(demo: DxfeedDemo) -> None:
    token = demo.quote_token()

    assert token.token == ""
    assert is_delayed(token)


def test_there_is_nothing_to_renew_however_long_it_runs(
    demo: DxfeedDemo, clock: ManualClock
) -> None:
    keeper = TokenKeeper(demo, clock)
    keeper.take()

    for _ in range(10):
        clock.advance(86_400)
        assert keeper.renewed() is None
    assert keeper.failure is None


def test_turned_away_twice_it_stops_and_says_what_to_take_out(
    demo: DxfeedDemo, clock: ManualClock
) -> None:
    keeper = TokenKeeper(demo, clock)
    keeper.take()
    keeper.rejected(SourceRefused("dxLink: not authorized"))

    with pytest.raises(SourceRefused, match=r"take FEED out of \.env"):
        keeper.take()


@pytest.mark.parametrize(
    ("symbol", "streamer", "kind"),
    [("SPX", "SPX", "index"), ("SPY", "SPY", "etf"), ("BRK/B", "BRK/B", None)],
)
def test_a_share_or_index_goes_as_it_is_written(
    demo: DxfeedDemo, symbol: str, streamer: str, kind: str | None
) -> None:
    found = demo.resolve(symbol, NOW)

    assert (found.streamer, found.problem) == (streamer, None)
    assert kind in (None, found.kind)


def test_futures_are_not_offered_and_a_fund_can_stand_in(demo: DxfeedDemo) -> None:
    found = demo.resolve_all(["/ES", "/CL", "DXY"], NOW)

    assert {name: (each.problem, each.hint) for name, each in found.items()} == {
        "/ES": ("not_offered", "SPY"),
        "/CL": ("not_offered", None),
        "DXY": ("not_offered", "UUP"),
    }


def test_a_search_answers_what_is_known_beforehand(demo: DxfeedDemo) -> None:
    assert "SPY" in [each.symbol for each in demo.search(" sp ")]
    assert demo.search("") == []
    assert demo.search("ZZZZ") == []


def test_there_are_no_chains(demo: DxfeedDemo) -> None:
    assert demo.chain("SPX") == {"items": []}
    assert read_chain("SPX", demo.chain_body("SPX")).expiries == ()
