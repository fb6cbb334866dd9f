"""Instruments, front months and chains as the broker's REST answers them (captured shapes)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.clients.tastytrade import (
    FutureRecord,
    Tastytrade,
    TastytradeSettings,
    front_month,
)
from grok_sauce.clients.tastytrade_futures import read_future
from grok_sauce.clients.tastytrade_tokens import Throttle
from grok_sauce.errors import BadPayload, SourceError, SourceRefused
from grok_sauce.http import Http
from grok_sauce.runtime.clock import ManualClock, RealClock

Broker = Any  # the class lives in conftest.py
NOW = 1797449527.0  # Wednesday 2026-12-16, 14:32:07 New York

SPY = {
    "id": 1,
    "symbol": "SPY",
    "instrument-type": "Equity",
    "description": "SPDR S&P 500 ETF Trust",
    "is-index": False,
    "is-etf": True,
    "active": True,
    "streamer-symbol": "SPY",
    "tick-sizes": [{"value": "0.0001", "threshold": "1.0"}, {"value": "0.01"}],
    "option-tick-sizes": [{"value": "0.01"}],
}
SPX = {"symbol": "SPX", "description": "S&P 500 INDEX", "is-index": True, "is-etf": False}


def es(code: str, streamer: str, expires: str, active: bool = False) -> dict[str, Any]:
    return {
        "symbol": f"/ES{code}",
        "product-code": "ES",
        "exchange": "CME",
        "streamer-exchange-code": "XCME",
        "streamer-symbol": streamer,
        "active-month": active,
        "next-active-month": False,
        "expiration-date": expires[:10],
        "expires-at": expires,
        "notional-multiplier": "50.0",
        "tick-size": "0.25",
        "future-product": {"code": "ES", "description": "E Mini S&P"},
    }


DECEMBER = es("Z6", "/ESZ26:XCME", "2026-12-18T14:30:00.000+00:00")
MARCH = es("H7", "/ESH27:XCME", "2027-03-19T13:30:00.000+00:00", active=True)


@pytest.fixture
def client(broker: Broker, clock: ManualClock, tmp_path: Path) -> Tastytrade:
    settings = TastytradeSettings("", "secret", "refresh", broker.url)
    throttle = Throttle(clock, wait=lambda seconds: None)
    return Tastytrade(settings, Http(RealClock()), clock, tmp_path, throttle)


def asked(broker: Broker) -> list[str]:
    """Paths of the questions after the login."""
    paths: list[str] = broker.paths()
    return paths


def test_an_etf_is_read_with_its_streamer_symbol_and_tick(
    broker: Broker, client: Tastytrade
) -> None:
    broker.gives("/instruments/equities/SPY", SPY)

    found = client.equity("SPY")

    assert found is not None
    assert (found.symbol, found.streamer, found.kind) == ("SPY", "SPY", "etf")
    assert (found.name, found.tick, found.has_options) == ("SPDR S&P 500 ETF Trust", 0.01, True)


def test_what_a_record_does_not_say_is_not_known(broker: Broker, client: Tastytrade) -> None:
    broker.gives("/instruments/equities/SPX", SPX)

    found = client.equity("SPX")

    assert found is not None
    assert (found.kind, found.streamer) == ("index", "SPX")
    assert found.tick is None
    assert found.has_options is None


def test_the_slash_of_a_share_class_is_escaped(broker: Broker, client: Tastytrade) -> None:
    broker.gives("/instruments/equities/BRK%2FB", {**SPY, "symbol": "BRK/B", "is-etf": False})

    found = client.equity("BRK/B")

    assert found is not None
    assert found.kind == "equity"
    assert asked(broker) == ["/instruments/equities/BRK%2FB"]


def test_an_unknown_symbol_is_told_as_such(broker: Broker, client: Tastytrade) -> None:
    found = client.resolve("NOSUCH", NOW)

    assert client.equity("NOSUCH") is None
    assert (found.symbol, found.problem) == ("NOSUCH", "unknown_symbol")


def test_the_dollar_index_is_not_offered_and_uup_is_hinted_at_without_asking(
    broker: Broker, client: Tastytrade
) -> None:
    found = client.resolve("DXY", NOW)

    assert (found.problem, found.hint) == ("not_offered", "UUP")
    assert broker.asked == []


def test_a_whole_table_is_resolved_in_one_question_for_shares_and_one_for_each_future(
    broker: Broker, client: Tastytrade
) -> None:
    broker.gives("/instruments/equities", {"items": [SPY, SPX]})
    broker.gives("/instruments/futures", {"items": [MARCH, DECEMBER]})

    found = client.resolve_all(["SPY", "SPX", "DXY", "NOSUCH", "/ES"], NOW)

    assert list(found) == ["SPY", "SPX", "DXY", "NOSUCH", "/ES"]
    assert [found[name].problem for name in found] == [
        None,
        None,
        "not_offered",
        "unknown_symbol",
        None,
    ]
    assert found["/ES"].streamer == "/ESH27:XCME"
    assert len(asked(broker)) == 2
    assert "symbol%5B%5D=SPY&symbol%5B%5D=SPX&symbol%5B%5D=NOSUCH" in asked(broker)[0]


def test_a_future_follows_the_active_month(broker: Broker, client: Tastytrade) -> None:
    broker.gives("/instruments/futures", {"items": [DECEMBER, MARCH]})

    found = client.resolve("/ES", NOW)

    assert (found.symbol, found.streamer, found.contract) == ("/ES", "/ESH27:XCME", "/ESH7")
    assert (found.kind, found.product, found.tick, found.multiplier) == ("future", "ES", 0.25, 50.0)
    assert asked(broker) == ["/instruments/futures?product-code%5B%5D=ES"]


def test_an_expired_active_month_is_never_followed() -> None:
    expired = read_future({**DECEMBER, "active-month": True})
    march = read_future({**MARCH, "active-month": False})
    june = read_future(es("M7", "/ESM27:XCME", "2027-06-18T13:30:00.000+00:00"))
    assert expired is not None
    assert march is not None
    assert june is not None

    after_the_end = expired.expires_at or 0.0

    assert front_month([june, expired, march], after_the_end) == march
    assert front_month([june, expired, march], after_the_end - 1) == expired
    assert front_month([expired], after_the_end) is None
    assert front_month([], NOW) is None


def test_a_record_with_a_date_only_runs_until_the_close_of_that_day() -> None:
    item = {key: value for key, value in DECEMBER.items() if key != "expires-at"}

    record = read_future(item)

    assert record is not None
    assert record.expires_at == 1797627600.0  # 2026-12-18 16:00 New York = 21:00 UTC


@given(
    st.lists(
        st.builds(
            FutureRecord,
            symbol=st.sampled_from(["/ESH7", "/ESM7", "/ESU7", "/ESZ7"]),
            streamer=st.just("x"),
            product=st.just("ES"),
            name=st.just(""),
            expires_at=st.none() | st.floats(NOW - 1e6, NOW + 1e8),
            active_month=st.booleans(),
            next_active_month=st.booleans(),
            tick=st.none(),
            multiplier=st.none(),
        ),
        max_size=6,
    )
)
def test_the_front_month_is_never_expired_and_there_is_one_while_any_runs(
    records: list[FutureRecord],
) -> None:
    front = front_month(records, NOW)

    running = [r for r in records if r.expires_at is None or r.expires_at > NOW]
    assert (front is None) == (running == [])
    assert front is None or front in running
    if front is not None and any(record.active_month for record in running):
        assert front.active_month


def test_months_are_not_asked_for_again_at_once(
    broker: Broker, client: Tastytrade, clock: ManualClock
) -> None:
    broker.gives("/instruments/futures", {"items": [DECEMBER, MARCH]})

    client.futures("ES")
    client.futures("/ES")
    soon = len(asked(broker))
    clock.advance(700)
    records = client.futures("ES")

    assert soon == 1
    assert len(asked(broker)) == 2
    assert [record.symbol for record in records] == ["/ESZ6", "/ESH7"]


def test_a_product_nobody_lists_is_unknown(broker: Broker, client: Tastytrade) -> None:
    broker.gives("/instruments/futures", {"items": []})

    assert client.resolve("/QQ", NOW).problem == "unknown_symbol"


def test_search_shows_what_the_broker_found(broker: Broker, client: Tastytrade) -> None:
    broker.gives(
        "/symbols/search/NVD",
        {
            "items": [
                {"symbol": "NVDA", "description": "NVIDIA CORP", "options": True},
                {"symbol": "NVDL", "description": None},
                {"symbol": 5},
                "odd",
            ]
        },
    )

    found = client.search(" NVD ")

    assert [(i.symbol, i.name, i.has_options) for i in found] == [
        ("NVDA", "NVIDIA CORP", True),
        ("NVDL", "", None),
    ]
    assert client.search("  ") == []


CHAIN = {"items": [{"root-symbol": "SPY", "expirations": []}]}


def test_a_chain_is_asked_for_once_a_day(
    broker: Broker, client: Tastytrade, clock: ManualClock
) -> None:
    broker.gives("/option-chains/SPY/nested", CHAIN)
    questions = []

    for hours in (0, 9, 9, 6.5, 1):  # 14:32, 23:32, 08:32 of the 17th, 15:02, 16:02
        clock.advance(hours * 3600)
        assert client.chain("SPY") == CHAIN
        questions.append(len(asked(broker)))

    assert questions == [1, 1, 2, 2, 2]


def test_a_chain_changes_at_midnight_and_at_eight(
    broker: Broker, client: Tastytrade, clock: ManualClock
) -> None:
    broker.gives("/option-chains/SPY/nested", CHAIN)
    questions = []

    for market in (NOW, NOW + 9.5 * 3600, NOW + 17.4 * 3600, NOW + 17.5 * 3600):
        clock.set_market(market)  # 14:32, 00:02, 07:56, 08:02
        client.chain("SPY")
        questions.append(len(asked(broker)))

    assert questions == [1, 2, 2, 3]


def test_every_caller_gets_a_chain_of_its_own(broker: Broker, client: Tastytrade) -> None:
    broker.gives("/option-chains/SPY/nested", CHAIN)

    client.chain("SPY")["items"].clear()

    assert client.chain("SPY") == CHAIN


def test_a_symbol_without_options_has_an_empty_chain(broker: Broker, client: Tastytrade) -> None:
    assert client.chain("NOOPT") == {"items": []}
    assert client.chain("/ES") == {"items": []}
    assert asked(broker) == ["/option-chains/NOOPT/nested", "/futures-option-chains/ES/nested"]


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.equity("SPY"),
        lambda client: client.equities(["SPY"]),
        lambda client: client.search("SP"),
        lambda client: client.futures("ES"),
        lambda client: client.chain("SPY"),
    ],
    ids=["equity", "equities", "search", "futures", "chain"],
)
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, "<html>", BadPayload),
        (200, [], BadPayload),
        (200, {"data": {"items": 5}}, None),
        (403, {"error": {"code": "forbidden"}}, SourceRefused),
        (429, {}, SourceError),
        (502, "<html>", SourceError),
    ],
    ids=["page", "list", "odd items", "forbidden", "too fast", "maintenance"],
)
def test_odd_answers_end_in_the_named_errors(
    call: Callable[[Tastytrade], Any],
    status: int,
    body: Any,
    error: type[Exception] | None,
    broker: Broker,
    client: Tastytrade,
) -> None:
    for path in (
        "/instruments/equities/SPY",
        "/instruments/equities",
        "/symbols/search/SP",
        "/instruments/futures",
        "/option-chains/SPY/nested",
    ):
        broker.answers["GET", path] = [(status, body)]

    if error is None:
        try:
            call(client)
        except BadPayload:
            return
        return
    with pytest.raises(error):
        call(client)
