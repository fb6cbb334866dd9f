"""What the TradingView conversation is made of: settings, errors, events, what a step asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any, ClassVar, Final

from grok_sauce.errors import SourceError
from grok_sauce.feeds.tradingview_wants import LIQUIDITY, Want, symbol_of, timeframe_of
from grok_sauce.market.batches import FIELDS, Batch
from grok_sauce.settings.environment import knob
from grok_sauce.values import dataclass

SOURCE: Final = "TradingView"

# Words in a refusal that mean: this token has lost, or never had, the paid rights.
_NO_RIGHTS: Final = ("study_not_auth", "maximum number of studies")


class ProtocolRefused(SourceError):
    """protocol_error: the server understands or accepts no more of this connection."""


class SessionRefused(SourceError):
    """critical_error that is about no chart of ours: the connection is of no more use."""


class NotAnswered(SourceError):
    """The server took what was asked and said nothing to it."""


class FellSilent(SourceError):
    """Not even a heartbeat for longer than the silence deadline."""


@dataclass(frozen=True, slots=True)
class TradingViewSettings:
    """TRADINGVIEW_*, LT_*: what to follow and how to speak. Seconds unless said.

    Raises:
        SettingsError: a symbol or timeframe does not exist.
    """

    ENV: ClassVar[dict[str, str]] = {
        "url": "TRADINGVIEW_SOCKET",
        "user_agent": "TRADINGVIEW_USER_AGENT",
        "symbols": "TRADINGVIEW_SYMBOLS",
        "lt_symbol": "LT_SYMBOL",
        "lt_timeframe": "LT_TIMEFRAME",
        "lt_script": "TRADINGVIEW_LT_SCRIPT",
        "lt_version": "TRADINGVIEW_LT_VERSION",
        "ping": "TRADINGVIEW_PING",
        "silence": "TRADINGVIEW_SILENCE",
    }

    url: str = knob("wss://data.tradingview.com/socket.io/websocket", url=True)
    user_agent: str = knob("")  # empty: our own name
    symbols: tuple[str, ...] = knob(("CME_MINI:NQ1!", "CME_MINI:ES1!"))
    lt_symbol: str | None = knob("CME_MINI:NQ1!")  # None: no levels
    lt_timeframe: str = knob("15m")
    lt_script: str = knob("PUB;93e43ec4c20f420fac2b70f0f2b286cf")
    lt_version: str = knob("1")
    # Our own heartbeat: the server cuts who only echoes, after about a minute.
    ping: float = knob(10.0, low=1.0, high=30.0)
    silence: float = knob(45.0, low=2.0, high=300.0)
    bars: int = 700  # asked for at the start; the longest level looks back 610
    hello: float = 3.0  # wait for the server's first word
    answer: float = 30.0  # wait for anything about what was asked
    spacing: float = 1.0  # between two things asked: quick succession is punished
    settle: float = 3.0  # between a series and its study
    retry: float = 60.0  # until a chart that failed is opened again; doubles
    resolve: float = 1800.0  # between two questions which contract is in front
    late: float = 600.0  # a last price older than this in session counts as delayed

    def __post_init__(self) -> None:
        names = tuple(symbol_of(name, "TRADINGVIEW_SYMBOLS") for name in self.symbols)
        object.__setattr__(self, "symbols", tuple(dict.fromkeys(names)))
        if self.lt_symbol is not None:
            object.__setattr__(self, "lt_symbol", symbol_of(self.lt_symbol, "LT_SYMBOL"))
        object.__setattr__(self, "lt_timeframe", timeframe_of(self.lt_timeframe, "LT_TIMEFRAME"))

    @property
    def wants(self) -> frozenset[Want]:
        """What the settings ask for: minute bars of each symbol, and the levels."""
        found = {Want(symbol, "1m") for symbol in self.symbols}
        if self.lt_symbol is not None:
            found.add(Want(self.lt_symbol, self.lt_timeframe, LIQUIDITY))
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Ready:
    """The server answers what was asked: data flows."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something asked for is not given; the rest goes on.

    name is the message ("symbol_error", "series_error", "study_error", "critical_error",
    "quote_error", "no_answer"), what it is about, text cut and free of control characters.
    lost_rights: the words say that the token does not have the rights it needs.
    """

    name: str
    what: str
    text: str
    lost_rights: bool = False

    def __str__(self) -> str:
        return f"{self.what}: {self.name}: {self.text}".rstrip(": ")


@dataclass(frozen=True, slots=True)
class Delayed:
    """Prices of a symbol are behind the market; seconds: by how much, None when not told."""

    symbol: str
    seconds: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The history of a chart is here."""

    symbol: str
    timeframe: str
    bars: int
    contract: str | None


@dataclass(frozen=True, slots=True)
class Rolled:
    """A symbol stands for another contract now; its levels were taken back."""

    symbol: str
    before: str | None
    contract: str


@dataclass(slots=True)
class Output:
    """What one step asks for: texts to send, batches to hand over, events to act on."""

    texts: list[str] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)

    def add(self, other: Output) -> None:
        """Join another step's output behind this one."""
        self.texts += other.texts
        self.batches += other.batches
        self.events += other.events


def refusal(name: str, what: str, parts: Sequence[Any]) -> Refusal:
    """A Refusal in the server's words, as far as they are fit to be shown."""
    text = words(parts)
    low = text.lower()
    return Refusal(name, what, text, any(phrase in low for phrase in _NO_RIGHTS))


def words(parts: Sequence[Any]) -> str:
    """What the server said, one line of at most 160 characters; keys of the protocol left out.

    >>> words(["cs_abcdefghijkl", "sds_sym_1", "invalid symbol"]), words([{"error": "no"}])
    ('invalid symbol', 'no')
    """
    said: list[str] = []
    for part in parts:
        if isinstance(part, dict):
            part = part.get("error") or part.get("message") or part.get("reason")
        if isinstance(part, str) and not part.startswith(("cs_", "qs_", "sds_", "method:")):
            said.append(part)
    text = "".join(letter if letter.isprintable() else " " for letter in "; ".join(said))
    return text if len(text) <= 160 else text[:159] + "…"


def table(kind: str, symbol: str, rows: Sequence[Sequence[Any]], at: float, whole: bool) -> Batch:
    """A batch of one symbol from rows in the order of FIELDS[kind]."""
    columns = tuple(zip(*rows, strict=True)) if rows else ((),) * len(FIELDS[kind])
    return Batch(kind, [symbol] * len(rows), columns, at, whole)
