"""What the routes of the embedded market share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from grok_sauce.runtime.clock import Clock
from grok_sauce.simulator.calls import Calls
from grok_sauce.simulator.desk import Desk
from grok_sauce.simulator.dxlink_server import DxLinkSession, Limits
from grok_sauce.simulator.faults import Faults
from grok_sauce.simulator.http1 import Request, Response
from grok_sauce.simulator.peer import Session
from grok_sauce.simulator.receiver import Receiver
from grok_sauce.simulator.tokens import Tokens
from grok_sauce.simulator.tradingview_server import TradingViewLimits, TradingViewSession
from grok_sauce.values import dataclass


@dataclass(slots=True)
class Services:
    """One simulator's parts. address is "127.0.0.1:8765" once it listens.

    level is what the quote token says: "api" (real time) or "demo" (delayed).
    about are the facts that GET /clock and the first line of output repeat. receiver plays a
    NinjaTrader listener at /receive.
    """

    desk: Desk
    clock: Clock
    tokens: Tokens
    faults: Faults
    limits: Limits = field(default_factory=Limits)
    prices: Callable[[str, float], None] = lambda symbol, price: None
    level: str = "api"
    address: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    connections: Callable[[], int] = lambda: 0
    receiver: Receiver = field(init=False)
    news_calls: Calls = field(default_factory=Calls)
    tradingview: TradingViewLimits = field(default_factory=TradingViewLimits)

    def __post_init__(self) -> None:
        self.receiver = Receiver(self.clock)

    @property
    def listener(self) -> str:
        """Host and port under which /receive answers: like Windows' listeners, no other name."""
        return f"localhost:{self.address.rpartition(':')[2]}"

    @property
    def dxlink_url(self) -> str:
        """The streamer's address; a delayed one lives on its own path."""
        return f"ws://{self.address}/{'realtime' if self.level == 'api' else 'delayed'}"

    @property
    def tradingview_url(self) -> str:
        """The address of TradingView's socket."""
        return f"ws://{self.address}/socket.io/websocket"


Guard = Callable[[Services, Request], "Response | None"]  # a refusal, or None to let pass
Answer = Callable[[Services, Request], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table of addresses: /fixed/parts/{placeholder}."""

    method: str
    path: str
    answer: Answer
    guard: Guard
    control: bool = False  # of the simulator itself: never faulty


Opener = Callable[[Services], Session]


def open_dxlink(services: Services) -> Session:
    """A dxLink session for a new WebSocket."""
    return DxLinkSession(
        services.desk,
        services.tokens,
        services.faults,
        services.clock,
        services.limits,
        services.prices,
    )


def open_tradingview(services: Services) -> Session:
    """A TradingView session for a new WebSocket."""
    return TradingViewSession(
        services.desk, services.tokens, services.faults, services.clock, services.tradingview
    )
