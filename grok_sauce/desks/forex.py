"""The exchange with an expert advisor: its settings and news out, its trades in and kept."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from grok_sauce.controls import Controls
from grok_sauce.desks.forex_blackout import blackout, currencies_of
from grok_sauce.market.times import iso
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.questions import Questions
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.settings.forex import ZONE, Forex, in_hours
from grok_sauce.storage import database, forex
from grok_sauce.storage.database import StorageError
from grok_sauce.storage.forex import KeptTrade, Trade
from grok_sauce.update import Update

log = logging.getLogger(__name__)

TOPIC: Final = "forex.trade"
CALENDAR: Final = "calendar.event"
SHOWN: Final = 50  # trades of which every page hears
MOST: Final = 1_000  # trades in one JSON answer


class ForexDesk:
    """Answers "forex.advice", "forex.blackout" and "forex.trades"; does "forex.trade".

    The only writer of the file at path, which is made with the first trade. A trade is on the
    disk before "forex.trade" answers.
    """

    def __init__(
        self,
        path: Path,
        settings: Callable[[], Forex],
        snapshot: Snapshot,
        publish: Callable[[Sequence[Update]], None],
        clock: Clock,
    ) -> None:
        self._path = path
        self._settings = settings
        self._snapshot = snapshot
        self._publish = publish
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._set_aside: Path | None = None

    def register(self, controls: Controls, questions: Questions) -> None:
        """Answer what pages and advisors ask."""
        controls.register("forex.trade", self.take)
        questions.register("forex.trades", self.trades)
        questions.register("forex.advice", self.advice)
        questions.register("forex.blackout", self.blackout)

    # ---- out ------------------------------------------------------------------------------

    def advice(self) -> dict[str, Any]:
        """The hours as they are now: {time_zone, utc_offset_minutes, in_hours, as_of}.

        Market time. The offset is that of this moment, summer time included.
        """
        now = self._clock.market()
        local = datetime.fromtimestamp(now, ZoneInfo(ZONE))
        offset = local.utcoffset()
        return {
            "time_zone": ZONE,
            "utc_offset_minutes": 0 if offset is None else int(offset.total_seconds() // 60),
            "in_hours": in_hours(self._settings(), local.hour),
            "as_of": iso(now),
        }

    def blackout(self, symbol: str = "") -> dict[str, Any]:
        """High-impact news for a broker's symbol; without one for every currency."""
        wished = self._settings()
        return blackout(
            self._snapshot.get(CALENDAR, ""),
            self._clock.market(),
            wished.news_before,
            wished.news_after,
            currencies_of(symbol),
        )

    def trades(self, limit: int | None = SHOWN) -> dict[str, Any]:
        """{total, keep, trades}: the newest by arrival; limit None: all that are kept.

        Raises:
            StorageError: the file cannot be read.
        """
        with self._lock:
            found = concurrency.offload(self._read, limit)
        self._say_set_aside()
        return found

    # ---- in -------------------------------------------------------------------------------

    def take(self, trade: Mapping[str, Any]) -> str:
        """Keep a trade, fields as storage.forex.Trade: "stored", "duplicate" or "conflict".

        Raises:
            StorageError: it was not kept.
        """
        with self._lock:
            added, told = concurrency.offload(
                self._write, Trade(**trade), int(self._clock.real() * 1000)
            )
        self._say_set_aside()
        if told is not None:
            self._publish([Update(TOPIC, "", told)])
        return added

    def _say_set_aside(self) -> None:
        aside, self._set_aside = self._set_aside, None
        if aside is not None:
            log.warning("%s was damaged: kept as %s, a new one begun", self._path.name, aside.name)

    # ---- on a native thread -----------------------------------------------------------------

    def _write(self, trade: Trade, received: int) -> tuple[str, dict[str, Any] | None]:
        try:
            connection = self._open()
            added = forex.add(connection, trade, received)
            return added, self._told(connection, SHOWN) if added == "stored" else None
        except sqlite3.Error as problem:
            raise StorageError(f"the trade was not kept: {problem}") from None

    def _read(self, limit: int | None) -> dict[str, Any]:
        if self._connection is None and not self._path.exists():
            return {"total": 0, "keep": forex.KEEP, "trades": []}
        try:
            return self._told(self._open(), limit)
        except sqlite3.Error as problem:
            raise StorageError(f"the trades cannot be read: {problem}") from None

    def _told(self, connection: sqlite3.Connection, limit: int | None) -> dict[str, Any]:
        found, total = forex.newest(connection, -1 if limit is None else min(limit, MOST))
        return {"total": total, "keep": forex.KEEP, "trades": [shown(each) for each in found]}

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            opened = database.open_database(self._path, forex.MIGRATIONS, self._clock.real())
            # What is answered with "stored" must outlive a power cut.
            opened.connection.execute("PRAGMA synchronous=FULL")
            self._connection, self._set_aside = opened.connection, opened.set_aside
        return self._connection


def shown(kept: KeptTrade) -> dict[str, Any]:
    """A trade as JSON: times ISO-8601 UTC, no stop or target is None."""
    trade = kept.trade
    plain = ("ticket", "symbol", "type", "entry", "sl", "tp", "status")
    return {
        "seq": kept.seq,
        **{name: getattr(trade, name) for name in plain},
        "time": iso(trade.time / 1000),
        "received": iso(kept.received / 1000),
    }
