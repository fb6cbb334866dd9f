"""What a feed role and its web roles call things in Redis, and how what they say is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import orjson

from grok_sauce.errors import BadPayload, SettingsError
from grok_sauce.redis_link import RedisSettings
from grok_sauce.settings import knob, read_env
from grok_sauce.update import TOPICS, Update
from grok_sauce.values import dataclass

# Of these every update is kept in a Stream, to be read by whoever was away.
STREAMED: Final = frozenset({"trade.signal", "notice", "alert.state"})
# What web roles are told besides updates: settings.json in force, and how market time runs.
SETTINGS: Final = "@settings"
CLOCK: Final = "@clock"
# What pages take for granted in a payload: without it an update is not let in.
NEEDS: Final[Mapping[str, frozenset[str]]] = {
    "indicator.rows": frozenset({"symbol", "order", "status", "price"}),
    "service.health": frozenset({"ok", "problems", "mode", "sources", "clock"}),
    "gex.levels": frozenset({"status"}),
    "calendar.event": frozenset({"events", "next"}),
    SETTINGS: frozenset({"document"}),
}
_KNOWN: Final = frozenset({*TOPICS, SETTINGS, CLOCK})
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,40}", re.ASCII)
_META: Final = b""  # the field of the state that says of when it is


@dataclass(frozen=True, slots=True)
class RoleSettings:
    """What processes that belong together share besides REDIS_URL.

    Raises:
        SettingsError: the name holds something else than letters, digits, dots and dashes.
    """

    ENV: ClassVar[dict[str, str]] = {"name": "FEED_NAME"}

    name: str = knob("grok-sauce")

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise SettingsError(
                "FEED_NAME must be 1 to 40 letters, digits, dots or dashes", "FEED_NAME"
            )

    @property
    def lock(self) -> str:
        """Who owns the feed; beside it the newest fencing token that was given out."""
        return f"{self.name}:feed:lock"

    @property
    def state(self) -> str:
        """The hash of the latest payload by topic and key."""
        return f"{self.name}:feed:state"

    @property
    def updates(self) -> str:
        """The channel on which beats are told."""
        return f"{self.name}:feed:updates"

    @property
    def streamed(self) -> str:
        """How far the Streams were written, so that nothing is written twice."""
        return f"{self.name}:feed:streamed"

    @property
    def requests(self) -> str:
        """The channel on which web roles do and ask."""
        return f"{self.name}:feed:requests"

    @property
    def of_router(self) -> RoleSettings:
        """The same for what a router on its own tells."""
        return RoleSettings(f"{self.name[:33]}.router")

    def answers(self, role: str) -> str:
        """The channel on which one web role is answered."""
        return f"{self.name}:web:{role}:answers"

    def stream(self, topic: str) -> str:
        """The Stream of a topic."""
        return f"{self.name}:stream:{topic}"


def redis_of(environ: Mapping[str, str], role: str) -> RedisSettings:
    """Where the Redis is that joins this role to the others.

    Raises:
        SettingsError: REDIS_URL is not set, or not an address.
    """
    found = read_env(RedisSettings, environ)
    if found.url is None:
        raise SettingsError(
            f"--role {role} needs a Redis server: add REDIS_URL=redis://127.0.0.1:6379/0 to .env",
            "REDIS_URL",
        )
    return found


class Entry(NamedTuple):
    """An update with its payload encoded, None where the key is gone."""

    topic: str
    key: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Beats:
    """One message of the feed: what changed, beat by beat; whole: read the state again.

    token is the owner's fencing token, seq counts the messages of that owner from 1.
    """

    token: int
    seq: int
    wall_ms: int
    beats: tuple[tuple[Update, ...], ...]
    whole: bool
    refused: int  # updates that had not the shape they must have


@dataclass(frozen=True, slots=True)
class State:
    """The latest of everything, as it was after message seq of the owner token."""

    token: int
    seq: int
    wall_ms: int
    values: dict[tuple[str, str], Any]
    refused: int


def encoded(value: Any) -> bytes:
    """A payload as JSON, NaN as null.

    Raises:
        TypeError: it holds something JSON cannot carry.
    """
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def decoded(body: bytes) -> Any:
    """What was encoded.

    Raises:
        BadPayload: it is not JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadPayload("Redis: a message of ours is not JSON") from None


def field_of(topic: str, key: str) -> bytes:
    """Where the state keeps a topic's key."""
    return f"{topic}\n{key}".encode()


def head(token: int, seq: int, wall_ms: int) -> bytes:
    """What stands in the state beside its values."""
    return b'{"token":%d,"seq":%d,"t":%d}' % (token, seq, wall_ms)


def message(
    token: int, seq: int, wall_ms: int, beats: Iterable[Sequence[Entry]], whole: bool = False
) -> bytes:
    """A message of the feed, joined from payloads that are encoded already.

    >>> message(7, 1, 0, [[Entry("notice", "", b"{}")]])
    b'{"token":7,"seq":1,"t":0,"whole":false,"beats":[[["notice","",{}]]]}'
    """
    told = b",".join(
        b"[%s]"
        % b",".join(
            b"[%s,%s,%s]"
            % (
                orjson.dumps(entry.topic),
                orjson.dumps(entry.key),
                b"null" if entry.body is None else entry.body,
            )
            for entry in beat
        )
        for beat in beats
    )
    said = b"true" if whole else b"false"
    return b'{"token":%d,"seq":%d,"t":%d,"whole":%s,"beats":[%s]}' % (
        token,
        seq,
        wall_ms,
        said,
        told,
    )


def read_message(body: bytes) -> Beats:
    """A message of the feed, checked.

    Raises:
        BadPayload: it is none. A single update without the shape it must have is left out.
    """
    found = decoded(body)
    token, seq, wall = _head(found)
    beats = found.get("beats")
    if not isinstance(beats, list) or not all(isinstance(beat, list) for beat in beats):
        raise BadPayload("Redis: a message of the feed has no beats")
    told, refused = [], 0
    for beat in beats:
        updates = [update for update in map(_update, beat) if update is not None]
        refused += len(beat) - len(updates)
        told.append(tuple(updates))
    return Beats(token, seq, wall, tuple(told), found.get("whole") is True, refused)


def read_state(fields: Mapping[bytes, bytes]) -> State | None:
    """The state that a feed keeps; None where there is none.

    Raises:
        BadPayload: it does not say of when it is.
    """
    if _META not in fields:
        return None
    token, seq, wall = _head(decoded(fields[_META]))
    values: dict[tuple[str, str], Any] = {}
    refused = 0
    for field, body in fields.items():
        if field == _META:
            continue
        topic, _, key = field.decode("utf-8", "replace").partition("\n")
        payload = decoded(body)
        if is_sound(topic, payload) and payload is not None:
            values[topic, key] = payload
        else:
            refused += 1
    return State(token, seq, wall, values, refused)


def is_sound(topic: str, payload: Any) -> bool:
    """Has a payload what readers of its topic take for granted? None is a key that is gone."""
    if topic not in _KNOWN:
        return False
    if payload is None:
        return True
    return isinstance(payload, dict) and NEEDS.get(topic, frozenset()) <= payload.keys()


def _head(found: Any) -> tuple[int, int, int]:
    if not isinstance(found, dict):
        raise BadPayload("Redis: a message of the feed is no object")
    values = [found.get(name) for name in ("token", "seq", "t")]
    if not all(type(value) is int and value >= 0 for value in values):
        raise BadPayload("Redis: a message of the feed has no number or no token")
    token, seq, wall = values
    return token, seq, wall  # type: ignore[return-value]


def _update(item: Any) -> Update | None:
    if not isinstance(item, list) or len(item) != 3:
        return None
    topic, key, payload = item
    if not isinstance(topic, str) or not isinstance(key, str) or not is_sound(topic, payload):
        return None
    return Update(topic, key, payload)
