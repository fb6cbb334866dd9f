"""What the dxLink conversation is made of: settings, errors, events, what a step asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any, ClassVar, Final

import orjson

from grok_sauce import __version__
from grok_sauce.errors import SourceError
from grok_sauce.feeds.candle_snapshots import SnapshotDone
from grok_sauce.feeds.dxlink_decode import ACCEPT_FIELDS
from grok_sauce.market.batches import Batch
from grok_sauce.settings.environment import knob
from grok_sauce.values import dataclass

VERSION: Final = f"0.1-grok-sauce/{__version__}"
KEEPALIVE: Final = '{"type":"KEEPALIVE","channel":0}'


class TokenRejected(SourceError):
    """The server does not accept the quote token; only another one can help."""


class SessionNotFound(SourceError):
    """The server lost the session of a good token; the same token works a little later."""


@dataclass(frozen=True, slots=True)
class DxLinkSettings:
    """DXLINK_*: how to speak to the feed. Seconds unless said."""

    ENV: ClassVar[dict[str, str]] = {
        "aggregation": "DXLINK_AGGREGATION",
        "keepalive": "DXLINK_KEEPALIVE",
        "accept_keepalive": "DXLINK_ACCEPT_KEEPALIVE",
        "silence": "DXLINK_SILENCE",
    }

    # How long the server may gather changes of a symbol; 0 is as little as possible.
    aggregation: float = knob(0.1, low=0.0, high=60.0)
    # Send a sign of life when nothing was sent for so long.
    keepalive: float = knob(25.0, low=1.0, high=50.0)
    # The sign of life to ask of the server.
    accept_keepalive: float = knob(30.0, low=1.0, high=60.0)
    # No frame of any kind for so long: the link is dead.
    silence: float = knob(35.0, low=2.0, high=120.0)
    step: float = 10.0  # wait for an answer of the handshake
    promise: int = 60  # what the server may drop us after
    pause: float = 0.25  # between subscription messages
    entries_per_message: int = 500
    bytes_per_message: int = 8000


@dataclass(frozen=True, slots=True)
class Ready:
    """All channels are open and configured: data flows."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """The server accepted a new token on the running connection."""


@dataclass(frozen=True, slots=True)
class TooBig:
    """The server holds no more entries: at most `fits` of candles, or of everything else."""

    candles: bool
    fits: int


@dataclass(frozen=True, slots=True)
class ServerError:
    """An ERROR that changes nothing by itself; text is cut and free of control characters."""

    channel: int
    error: str
    text: str


Event = Ready | Renewed | TooBig | ServerError | SnapshotDone


@dataclass(slots=True)
class Output:
    """What one step asks for: texts to send in order, batches for the sink, events."""

    texts: list[str] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


def setup(settings: DxLinkSettings) -> str:
    """The client's first words."""
    return _text(
        type="SETUP",
        channel=0,
        version=VERSION,
        keepaliveTimeout=settings.promise,
        acceptKeepaliveTimeout=settings.accept_keepalive,
    )


def auth(token: str) -> str:
    """Shows the quote token. Never logged."""
    return _text(type="AUTH", channel=0, token=token)


def channel_request(number: int) -> str:
    """Opens a channel; AUTO chooses the right delivery for each kind."""
    return _text(
        type="CHANNEL_REQUEST", channel=number, service="FEED", parameters={"contract": "AUTO"}
    )


def feed_setup(number: int, kinds: Sequence[str], settings: DxLinkSettings) -> str:
    """Asks for flat arrays of our columns."""
    return _text(
        type="FEED_SETUP",
        channel=number,
        acceptAggregationPeriod=settings.aggregation,
        acceptDataFormat="COMPACT",
        acceptEventFields={kind: ACCEPT_FIELDS[kind] for kind in kinds},
    )


def _text(**members: Any) -> str:
    return orjson.dumps(members).decode()


def printable(value: object, most: int) -> str:
    """Text of the server fit for a log or a page: cut, one line, no control characters."""
    text = value if isinstance(value, str) else "" if value is None else str(value)[: most * 2]
    return "".join(c if c.isprintable() else " " for c in text[:most])
