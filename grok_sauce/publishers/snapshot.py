"""Snapshot: the newest value of every topic and key, for pages that open now and for the API."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from grok_sauce.update import Update

# Topics whose keys all go to one room: whoever follows a table follows its rows.
# Every other topic has a room per key ("gex.levels:SPX:0dte").
SHARED: Final = frozenset(
    {
        "indicator.rows",
        "news.headline",
        "sentiment.index",
        "calendar.event",
        "fred.release",
        "event.reaction",
        "alert.state",
        "trade.signal",
        "forex.trade",
        "notice",
        "service.health",
    }
)


# Of these topics only so many rows are kept, the newest by their "seq"; keys that begin with
# "#" are no rows and always stay.
NEWEST: Final[Mapping[str, int]] = {"alert.state": 60}


def room_of(topic: str, key: str) -> str:
    """The room in which an update of this topic and key is told.

    >>> room_of("indicator.rows", "SPY"), room_of("gex.levels", "SPX:0dte")
    ('indicator.rows', 'gex.levels:SPX:0dte')
    """
    return topic if topic in SHARED else f"{topic}:{key}"


class Snapshot:
    """The latest of everything that was published; a publisher itself, the first in the list.

    epoch names this run of the process. seq(room) counts the beats in which the room
    changed, from 0, whether anybody listens or not. Payloads are handed out as they
    were published and must not be changed: the engine makes new ones, never edits.
    left(topic) names the rows that the newest beat of a topic in NEWEST pushed out.
    """

    def __init__(self, epoch: str | None = None) -> None:
        self.epoch = secrets.token_hex(6) if epoch is None else epoch
        self._lock = threading.Lock()
        self._topics: dict[str, dict[str, Any]] = {}
        self._seq: dict[str, int] = {}
        self._left: dict[str, tuple[str, ...]] = {}

    def publish(self, updates: Sequence[Update]) -> None:
        """Keep the payloads of one beat; None removes the key. Each room touched counts once."""
        touched = set()
        with self._lock:
            before = {topic: set(self._topics.get(topic, ())) for topic in NEWEST}
            for update in updates:
                touched.add(room_of(update.topic, update.key))
                values = self._topics.setdefault(update.topic, {})
                if update.payload is None:
                    values.pop(update.key, None)
                else:
                    values[update.key] = update.payload
            for topic in NEWEST.keys() & {update.topic for update in updates}:
                pushed = _push_out(self._topics[topic], NEWEST[topic])
                # A row too old to be kept is told as a change, and left nothing.
                self._left[topic] = tuple(key for key in pushed if key in before[topic])
            for room in touched:
                self._seq[room] = self._seq.get(room, 0) + 1

    def seq(self, room: str) -> int:
        """Beats in which the room changed so far; 0 before the first."""
        with self._lock:
            return self._seq.get(room, 0)

    def left(self, topic: str) -> tuple[str, ...]:
        """Keys of rows that the newest beat of this topic pushed out, oldest first."""
        with self._lock:
            return self._left.get(topic, ())

    def get(self, topic: str, key: str) -> Any:
        """The newest payload, None when there is none."""
        with self._lock:
            return self._topics.get(topic, {}).get(key)

    def read(self, topic: str, key: str = "") -> tuple[int, dict[str, Any]]:
        """The sequence number of a room and its payloads by key, of one and the same moment.

        For a shared topic all keys, otherwise only the key named.
        """
        with self._lock:
            values = self._topics.get(topic, {})
            seq = self._seq.get(room_of(topic, key), 0)
            if topic in SHARED:
                return seq, dict(values)
            return seq, {key: values[key]} if key in values else {}

    def everything(self) -> list[Update]:
        """The newest payload of every topic and key, of one and the same moment."""
        with self._lock:
            return [
                Update(topic, key, payload)
                for topic, values in self._topics.items()
                for key, payload in values.items()
            ]

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the indicator table in the user's order."""
        return ordered(self.read("indicator.rows")[1])

    def health(self) -> dict[str, Any] | None:
        """The newest health report, None before the first."""
        report: dict[str, Any] | None = self.get("service.health", "")
        return report


def is_row(key: str) -> bool:
    """Whether a key names a row; "#numbers" stands beside them."""
    return not key.startswith("#")


def newest_first(rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows by key as a list, the newest first (row["seq"]); what is no row is left out."""
    found = [row for key, row in rows.items() if is_row(key)]
    return sorted(found, key=lambda row: row["seq"], reverse=True)


def _push_out(values: dict[str, Any], most: int) -> tuple[str, ...]:
    """Remove the oldest rows beyond so many; their keys, oldest first."""
    rows = [key for key in values if is_row(key)]
    if len(rows) <= most:
        return ()
    rows.sort(key=lambda key: values[key]["seq"])
    left = tuple(rows[: len(rows) - most])
    for key in left:
        del values[key]
    return left


def ordered(rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows by symbol as a list in the user's order (row["order"])."""
    return sorted(rows.values(), key=lambda row: row["order"])
