"""check --symbols: what counts as delivered, which six options are tried, words and numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from grok_sauce.commands import check
from grok_sauce.desks import symbol_test
from grok_sauce.desks.connection_test import near_options
from grok_sauce.desks.symbol_test import Delivered, live_symbols
from grok_sauce.feeds.subscriptions import Subscription
from grok_sauce.market.batches import FIELDS, Batch
from grok_sauce.market.instruments import Instrument, provisional
from grok_sauce.market.state import MarketState
from grok_sauce.runtime.clock import ManualClock

NOW = 1797449527.0  # Wednesday 2026-12-16, 14:32:07 New York


def expiration(day: str, settlement: str = "PM", root: str = "X") -> dict[str, Any]:
    """One expiration of a nested chain with seven strikes around 100."""
    return {
        "expiration-date": day,
        "settlement-type": settlement,
        "strikes": [
            {
                "strike-price": f"{strike}.0",
                "call-streamer-symbol": f".{root}{day}C{strike}",
                "put-streamer-symbol": f".{root}{day}P{strike}",
            }
            for strike in (90, 95, 99, 100, 101, 105, 110)
        ],
    }


def chain_of(*expirations: dict[str, Any], kind: str = "Standard") -> dict[str, Any]:
    return {"items": [{"option-chain-type": kind, "expirations": list(expirations)}]}


class TestNearOptions:
    def test_three_strikes_around_the_price_make_six(self) -> None:
        found = near_options(chain_of(expiration("2026-12-18")), 100.2, NOW, 6)

        assert sorted(found) == sorted(
            f".X2026-12-18{side}{strike}" for strike in (99, 100, 101) for side in "CP"
        )

    @pytest.mark.parametrize(
        "hour, expected",
        [(0.0, "2026-12-16"), (1.4, "2026-12-16"), (1.5, "2026-12-17")],
        ids=["14:32", "15:56", "16:02"],
    )
    def test_todays_expiry_counts_until_it_has_settled(self, hour: float, expected: str) -> None:
        chain = chain_of(expiration("2026-12-17"), expiration("2026-12-16"))

        found = near_options(chain, 100.0, NOW + 3600 * hour, 6)

        assert {name[2:12] for name in found} == {expected}

    def test_of_one_day_the_morning_settlement_is_gone_first(self) -> None:
        day = "2026-12-18"
        chain = chain_of(expiration(day, "PM", "W"), expiration(day, "AM", "M"))
        morning = NOW + 2 * 86_400 - 6 * 3600  # 08:32 of that day

        before = near_options(chain, 100.0, morning, 6)
        after = near_options(chain, 100.0, morning + 3600, 6)

        assert ({name[1] for name in before}, {name[1] for name in after}) == ({"M"}, {"W"})

    @pytest.mark.parametrize(
        "chain",
        [
            {},
            {"items": []},
            chain_of(expiration("2026-12-15")),
            chain_of(expiration("soon")),
            chain_of(expiration("2026-12-18"), kind="Non-standard"),
        ],
        ids=["empty", "no roots", "settled", "no date", "adjusted"],
    )
    def test_where_nothing_usual_is_ahead_nothing_is_tried(self, chain: dict[str, Any]) -> None:
        assert near_options(chain, 100.0, NOW, 6) == []


class Feed:
    """A listener that delivers what the test says, once it is wanted."""

    def __init__(self, events: Sequence[tuple[str, str, dict[str, float]]]) -> None:
        self.state = MarketState()
        self.problem = None
        self._events = events

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def want(self, subscriptions: Sequence[Subscription]) -> None:
        wanted = {(subscription.kind, subscription.symbol) for subscription in subscriptions}
        for kind, symbol, values in self._events:
            if (kind, symbol) in wanted:
                row = tuple([values.get(name)] for name in FIELDS[kind])
                self.state.apply(Batch(kind, [symbol], row, NOW))

    def wait(self, arrived: Callable[[], bool]) -> bool:
        return arrived()


class Broker:
    """Knows SPX, an index with options, and SPY, an ETF with none here."""

    def __init__(self, known: dict[str, Instrument], chain: dict[str, Any]) -> None:
        self._known, self._chain = known, chain

    def resolve_all(self, symbols: Sequence[str], now: float) -> dict[str, Instrument]:
        return {symbol: self._known[symbol] for symbol in symbols}

    def chain(self, underlying: str) -> dict[str, Any]:
        return self._chain if underlying == "SPX" else {"items": []}


OPTIONS = [f".X2026-12-18{side}{strike}" for strike in (99, 100, 101) for side in "CP"]
TRADE = ("Trade", "SPX", {"price": 100.0})
QUOTE = ("Quote", "SPX", {"bidPrice": 99.5, "askPrice": 100.51})


def delivered(kinds: Sequence[str], options: Sequence[str] = OPTIONS) -> list[Any]:
    """Events of these kinds for these options."""
    values = {
        "Quote": {"bidPrice": 1.0, "askPrice": 1.1},
        "Greeks": {"gamma": 0.01},
        "Summary": {"openInterest": 5.0},
    }
    return [(kind, option, values[kind]) for kind in kinds for option in options]


@pytest.fixture
def try_symbols(
    monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> Callable[..., list[Delivered]]:
    """try_symbols(events, symbols, chain) -> what live_symbols says."""

    def run(
        events: Sequence[Any],
        symbols: Sequence[str] = ("SPX",),
        chain: dict[str, Any] | None = None,
    ) -> list[Delivered]:
        monkeypatch.setattr(symbol_test, "Listener", lambda *_: Feed(events))
        known = {name: provisional(name) for name in ("SPX", "SPY")}
        usual = chain_of(expiration("2026-12-18"))
        broker: Any = Broker(known, usual if chain is None else chain)
        return live_symbols(broker, symbols, clock)

    return run


ALL = ("Quote", "Greeks", "Summary")


def test_a_symbol_that_delivers_everything_passes_with_its_numbers(
    try_symbols: Callable[..., list[Delivered]],
) -> None:
    (found,) = try_symbols([TRADE, QUOTE, *delivered(ALL)])

    assert (found.ok, found.cure) == (True, "")
    assert found.text == (
        "bid 99.50, ask 100.51, middle 100.005; option quotes 6/6, Greeks 6/6, Summary 6/6"
    )
    assert found.counts == {
        "bid": 99.5, "ask": 100.51, "mid": 100.005, "last": 100.0,
        "quotes": 6, "greeks": 6, "summaries": 6, "options": 6,
    }  # fmt: skip


@pytest.mark.parametrize(
    "lacking, counts",
    [("Quote", (5, 6, 6)), ("Greeks", (6, 5, 6)), ("Summary", (6, 6, 5))],
)
def test_one_event_missing_fails_and_is_counted(
    try_symbols: Callable[..., list[Delivered]], lacking: str, counts: tuple[int, int, int]
) -> None:
    events = [TRADE, QUOTE, *delivered([kind for kind in ALL if kind != lacking])]
    events += delivered([lacking], OPTIONS[:5])

    (found,) = try_symbols(events)

    assert found.ok is False
    assert found.counts is not None
    assert tuple(found.counts[name] for name in ("quotes", "greeks", "summaries")) == counts
    assert "try again while the market is open" in found.cure


def test_an_index_without_a_quote_is_tried_by_its_last_price(
    try_symbols: Callable[..., list[Delivered]],
) -> None:
    (found,) = try_symbols([TRADE, *delivered(ALL)])

    assert found.ok is True
    assert found.text.startswith("no bid and ask, as some indices; last 100.00; option quotes 6/6")
    assert found.counts is not None
    assert (found.counts["bid"], found.counts["mid"]) == (None, None)


def test_an_etf_without_a_quote_fails_though_it_traded(
    try_symbols: Callable[..., list[Delivered]],
) -> None:
    (found,) = try_symbols([("Trade", "SPY", {"price": 600.0})], ["SPY"])

    assert found.ok is False
    assert "no quote within" in found.text


def test_a_quote_with_one_side_is_none(try_symbols: Callable[..., list[Delivered]]) -> None:
    (found,) = try_symbols([("Quote", "SPY", {"bidPrice": 600.0})], ["SPY"])

    assert found.ok is False
    assert found.counts == {"bid": 600.0, "ask": None, "mid": None, "last": None}


class TestCommand:
    @pytest.fixture
    def run(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
    ) -> Callable[..., tuple[int, str]]:
        """run(found, *flags) -> exit code and what was printed, with a broker that signs in."""
        env = tmp_path / "env"
        env.write_text("CLIENT_SECRET=demo\nREFRESH_TOKEN=demo\n")
        env.chmod(0o600)
        monkeypatch.setenv("GROK_SAUCE_ENV_FILE", str(env))
        token = SimpleNamespace(expires_at=0.0, level="api")
        client = SimpleNamespace(access_token=lambda: token, quote_token=lambda: token)
        monkeypatch.setattr("grok_sauce.clients.tastytrade.Tastytrade", lambda *_: client)
        monkeypatch.setattr(check, "clock_skew", lambda *_: check.Finding("Clock", True, "0 s"))
        monkeypatch.setattr(check, "packages", lambda: check.Finding("Packages", True, "all"))
        monkeypatch.setattr(check, "port_free", lambda *_: check.Finding("Port", True, "free"))

        def command(found: Delivered, *flags: bool) -> tuple[int, str]:
            monkeypatch.setattr(symbol_test, "live_symbols", lambda *_: [found])
            args = SimpleNamespace(
                host="127.0.0.1", port=0, data=tmp_path, settings=tmp_path / "settings.json",
                symbols=found.symbol, json=bool(flags),
            )  # fmt: skip
            code = check.run(args)  # type: ignore[arg-type]
            return code, capsys.readouterr().out

        return command

    def test_json_carries_the_counts(self, run: Callable[..., tuple[int, str]]) -> None:
        counts = {"bid": 1.0, "quotes": 6, "options": 6}

        code, out = run(Delivered("SPX", True, "bid 1.00", counts=counts), True)

        lines = {line["name"]: line for line in json.loads(out)["checks"]}
        assert code == 0
        assert lines["Symbol SPX"]["counts"] == counts
        assert lines["Python"]["counts"] is None

    def test_a_failing_symbol_makes_the_command_fail_and_tells_the_cure(
        self, run: Callable[..., tuple[int, str]]
    ) -> None:
        code, out = run(Delivered("SPX", False, "option quotes 5/6", "try again"))

        assert code == 1
        assert "FAIL Symbol SPX: option quotes 5/6\n     → try again" in out
