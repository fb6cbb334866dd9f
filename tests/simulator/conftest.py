"""A small market that is moved by hand, sessions without a socket, servers on a free port."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from grok_sauce.runtime.clock import ManualClock, RealClock
from grok_sauce.simulator.desk import BarRow, Desk
from grok_sauce.simulator.dxlink_server import DxLinkSession, Limits
from grok_sauce.simulator.faults import Faults
from grok_sauce.simulator.server import Server
from grok_sauce.simulator.services import Services
from grok_sauce.simulator.tokens import Tokens

NAN = float("nan")
OPTION = ".SPXW261218C6000"


class FakeWorld:
    """Serves SPY, QQQ, an index and one option; moves only what a test moves."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.prices = {"SPY": 670.0, "QQQ": 600.0, "SPX": 6700.0}
        self.watching: set[tuple[str, str]] = set()
        self.moved: set[tuple[str, str]] = set()
        self.bars: dict[str, list[BarRow]] = {}

    def move(self, symbol: str, price: float, *kinds: str) -> None:
        """Set a price; the kinds (Quote and Trade unless named) changed by it."""
        self.prices[symbol] = price
        self.moved |= {(kind, symbol) for kind in kinds or ("Quote", "Trade")}
        self.moved |= {key for key in self.watching if key[1].startswith(symbol + "{")}

    def advance(self, now: float) -> set[tuple[str, str]]:
        self.now = now
        changed, self.moved = self.moved & self.watching, set()
        return changed

    def watch(self, kind: str, streamer: str) -> None:
        self.watching.add((kind, streamer))

    def unwatch(self, kind: str, streamer: str) -> None:
        self.watching.remove((kind, streamer))

    def event(self, kind: str, streamer: str) -> dict[str, Any] | None:
        if kind == "Greeks" and streamer == OPTION:
            return {
                "time": int(self.now * 1000),
                "price": 12.5,
                "volatility": 0.18,
                "delta": 0.5,
                "gamma": 0.001,
                "theta": -1.5,
                "rho": 0.2,
                "vega": NAN,
            }
        price = self.prices.get(streamer)
        if price is None:
            return None
        size = NAN if streamer == "SPX" else 100.0
        if kind == "Quote":
            return {
                "bidPrice": price - 0.01,
                "askPrice": price + 0.01,
                "bidSize": size,
                "askSize": size,
                "bidExchangeCode": "Q",
                "askExchangeCode": "Q",
            }
        if kind == "Trade":
            return {
                "price": price,
                "size": size,
                "dayVolume": 1e6 if size == size else NAN,
                "time": int(self.now * 1000),
                "dayId": 20803,
                "tickDirection": "UP",
                "extendedTradingHours": False,
                "exchangeCode": "Q",
            }
        if kind == "Summary":
            return {
                "dayId": 20803,
                "dayOpenPrice": price,
                "dayHighPrice": price,
                "dayLowPrice": price,
                "dayClosePrice": NAN,
                "openInterest": None,
            }
        if kind == "Underlying":
            return {"volatility": 0.17, "callVolume": 20.0, "putVolume": 30.0}
        return None

    def candles(
        self, base: str, period: str, tho: bool, from_ms: int, until: float
    ) -> list[BarRow]:
        return [bar for bar in self.bars.get(base, []) if bar[0] >= from_ms]

    def equity(self, symbol: str) -> dict[str, Any] | None:
        if symbol not in self.prices:
            return None
        return {
            "symbol": symbol,
            "instrument-type": "Equity",
            "streamer-symbol": symbol,
            "description": f"{symbol} of the fake market",
            "is-index": symbol == "SPX",
        }

    def equities(self, prefix: str) -> list[dict[str, Any]]:
        found = (self.equity(symbol) for symbol in self.prices if symbol.startswith(prefix))
        return [item for item in found if item]

    def futures(self, product: str) -> list[dict[str, Any]]:
        if product != "ES":
            return []
        return [
            {
                "symbol": f"/ES{month}6",
                "product-code": "ES",
                "streamer-symbol": f"/ES{month}26:XCME",
            }
            for month in "UZ"
        ]

    def chain(self, underlying: str) -> dict[str, Any] | None:
        if underlying != "SPX":
            return None
        return {"items": [{"underlying-symbol": "SPX", "root-symbol": "SPXW", "expirations": []}]}

    def market_data(self, kind: str, symbol: str) -> dict[str, Any] | None:
        known = symbol in self.prices and (kind == "index") == (symbol == "SPX")
        return {"symbol": symbol, "last": str(self.prices[symbol])} if known else None

    def session(self) -> dict[str, Any]:
        return {"state": "Open"}


class Talk:
    """One dxLink session without a socket: say dicts, get dicts."""

    def __init__(
        self,
        clock: ManualClock,
        faults: Faults | None = None,
        limits: Limits | None = None,
        world: FakeWorld | None = None,
    ) -> None:
        self.clock = clock
        self.world = world or FakeWorld(clock.market())
        self.faults = faults or Faults()
        self.desk = Desk(self.world, clock)
        self.tokens = Tokens(clock, self.faults)
        self.noted: list[tuple[str, float]] = []
        self.session = DxLinkSession(
            self.desk,
            self.tokens,
            self.faults,
            clock,
            limits or Limits(),
            lambda symbol, price: self.noted.append((symbol, price)),
        )

    def raw(self, text: str) -> list[dict[str, Any]]:
        """Everything the server answers to a text, snapshots included."""
        texts = self.session.receive(text)
        while self.session.busy:
            texts += self.session.pump()
        assert all(len(text.encode()) < 65_536 for text in texts)
        return [json.loads(text) for text in texts]

    def say(self, kind: str, channel: int = 0, **members: Any) -> list[dict[str, Any]]:
        return self.raw(json.dumps({"type": kind, "channel": channel, **members}))

    def beat(self, seconds: float = 0.05) -> list[dict[str, Any]]:
        """Let time pass and one beat happen."""
        self.clock.advance(seconds)
        self.session.note(self.desk.beat())
        return [json.loads(text) for text in self.session.tick()]

    def setup(self) -> list[dict[str, Any]]:
        return self.say(
            "SETUP", version="0.1-test/1", keepaliveTimeout=60, acceptKeepaliveTimeout=60
        )

    def authorize(self) -> None:
        self.setup()
        assert self.say("AUTH", token="demo")[0]["state"] == "AUTHORIZED"

    def feed(self, number: int = 1, contract: str = "AUTO", **setup: Any) -> list[dict[str, Any]]:
        """An authorised session with a configured channel."""
        self.authorize()
        self.say("CHANNEL_REQUEST", number, service="FEED", parameters={"contract": contract})
        return self.say("FEED_SETUP", number, **{"acceptDataFormat": "COMPACT", **setup})

    def add(self, kind: str, *symbols: str, channel: int = 1, **more: Any) -> list[dict[str, Any]]:
        entries = [{"type": kind, "symbol": symbol, **more} for symbol in symbols]
        return self.say("FEED_SUBSCRIPTION", channel, add=entries)


def data_of(messages: list[dict[str, Any]]) -> list[list[Any]]:
    """The data members of the FEED_DATA messages."""
    return [m["data"] for m in messages if m["type"] == "FEED_DATA"]


def error_of(messages: list[dict[str, Any]]) -> tuple[str, str]:
    """The one ERROR among messages: code and text."""
    (found,) = [m for m in messages if m["type"] == "ERROR"]
    return found["error"], found["message"]


def eventually(condition: Callable[[], Any], seconds: float = 5.0, what: str = "it") -> Any:
    """Wait on a condition, not on luck."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.01)
    return value


@pytest.fixture(scope="session")
def helpers() -> Any:
    """The names above, for tests that cannot import a conftest."""
    return _Helpers


class _Helpers:
    FakeWorld = FakeWorld
    Talk = Talk
    OPTION = OPTION
    data_of = staticmethod(data_of)
    error_of = staticmethod(error_of)
    eventually = staticmethod(eventually)


@pytest.fixture
def talk(clock: ManualClock) -> Talk:
    """A fresh connection to the fake market."""
    return Talk(clock)


class Running:
    """A server on a free port in front of the fake market, on real time."""

    def __init__(self, **options: Any) -> None:
        clock = RealClock()
        self.world = FakeWorld(clock.market() - 1.0)
        self.faults = Faults()
        self.services = Services(
            desk=Desk(self.world, clock),
            clock=clock,
            tokens=Tokens(clock, self.faults, options.pop("token_life", 900.0)),
            faults=self.faults,
            about={"anchor_market": 1.0, "anchor_real": 1.0, "speed": 1.0, "seed": 42},
            **options,
        )
        self.server = Server(self.services)
        self.server.start()

    @property
    def http(self) -> str:
        return f"http://{self.services.address}"

    @property
    def ws(self) -> str:
        return f"ws://{self.services.address}/realtime"


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    """Start servers; they end with the test."""
    servers: list[Running] = []

    def start(**options: Any) -> Running:
        servers.append(Running(**options))
        return servers[-1]

    yield start
    for one in servers:
        one.server.stop()
