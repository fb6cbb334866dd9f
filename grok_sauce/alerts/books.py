"""What the ledger keeps beside alerts: switches, audit, refused requests, targets, tokens."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from grok_sauce.alerts import records
from grok_sauce.alerts.ledger_rows import set_target
from grok_sauce.alerts.records import TokenRow
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import Store, Write

T = TypeVar("T")

PATIENCE: Final = 10.0  # seconds; whoever moves a delivery must know whether it moved
HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
SECURITY_AN_HOUR: Final = 1000  # rows; beyond them requests are only counted
TEXT: Final = 300  # characters of a text that came from outside


class Books:
    """The smaller writes. Every method but security() and token_used() is durable on return."""

    def __init__(self, store: Store, time: SteadyTime) -> None:
        self._store = store
        self._time = time
        self._refused: deque[tuple[int, str, str, str]] = deque(maxlen=SECURITY_AN_HOUR)
        self._flushing: Write | None = None
        self._hour = 0
        self._in_hour = 0
        self._used: dict[int, int] = {}

    def _write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        return self._store.write(job, PATIENCE, withdraw=True)

    def switch(self, name: str, value: str | None, who: str) -> None:
        """Set a switch (paused, dry, daily_pause:<strategy>), or take it away with None."""
        wall = self._time.wall_ms()

        def job(connection: sqlite3.Connection) -> None:
            was = records.switches(connection).get(name)
            if value is None:
                connection.execute("DELETE FROM switch WHERE name = ?", (name,))
            else:
                connection.execute(
                    "INSERT INTO switch VALUES (?, ?)"
                    " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    (name, value),
                )
            _audit(connection, wall, who, f"switch {name}", f"{was or 'off'} -> {value or 'off'}")

        self._write(job)

    def switches(self) -> dict[str, str]:
        """The switches that are set; records.is_on reads one."""
        return self._store.read(records.switches)

    def audit(self, who: str, what: str, detail: str = "") -> None:
        """Who did what; detail says what was before and after."""
        wall = self._time.wall_ms()
        self._write(lambda connection: _audit(connection, wall, who, what, detail))

    def security(self, address: str, what: str, detail: str = "") -> None:
        """Note a refused request. Neither waits nor raises; at most 1,000 rows an hour.

        What is beyond them is counted, and the count is a row of the next hour.
        """
        wall = self._time.wall_ms()
        hour = self._time.now_ms() // HOUR_MS
        if hour != self._hour:
            more = self._in_hour - SECURITY_AN_HOUR
            self._hour, self._in_hour = hour, 0
            if more > 0:
                text = f"{more} more in an hour, not written one by one"
                self._refused.append((wall, "", "too many refused requests", text))
        self._in_hour += 1
        if self._in_hour > SECURITY_AN_HOUR:
            return
        self._refused.append((wall, address[:TEXT], what[:TEXT], detail[:TEXT]))
        if self._flushing is None or self._flushing.over:
            self._flushing = self._store.later(self._flush)

    def _flush(self, connection: sqlite3.Connection) -> None:
        """In the pool: all refused requests that were noted until now."""
        self._flushing = None  # what comes now may be too late for this one
        while self._refused:
            connection.execute(
                "INSERT INTO security_log (wall_ms, address, what, detail) VALUES (?, ?, ?, ?)",
                self._refused.popleft(),
            )

    def target_test(self, target: str, result: Mapping[str, Any]) -> None:
        """Keep how the last test of a target went."""
        self._write(lambda connection: set_target(connection, target, "test", result))

    def breaker(self, target: str, state: Mapping[str, Any]) -> None:
        """Keep the state of a target's breaker."""
        self._write(lambda connection: set_target(connection, target, "breaker", state))

    def breakers(self) -> dict[str, dict[str, Any]]:
        """What was kept of each target's breaker; {} where nothing was."""
        return self._store.read(records.breakers)

    def token_add(
        self, name: str, digest: str, tickers: Sequence[str] | None, expires_ms: int | None
    ) -> int:
        """Keep a token's digest (SHA-256, hex); tickers None: every ticker. Returns its id.

        Raises:
            sqlite3.IntegrityError: the digest is kept already.
        """
        scope = None if tickers is None else records.flags_text(tickers)
        row = (name, digest, scope, self._time.wall_ms(), expires_ms)

        def job(connection: sqlite3.Connection) -> int:
            cursor = connection.execute(
                "INSERT INTO auth_token (name, digest, tickers, created_ms, expires_ms)"
                " VALUES (?, ?, ?, ?, ?)",
                row,
            )
            return int(cursor.lastrowid or 0)

        return self._write(job)

    def token_delete(self, id: int) -> bool:
        """Forget a token; was there one?"""

        def job(connection: sqlite3.Connection) -> bool:
            return connection.execute("DELETE FROM auth_token WHERE id = ?", (id,)).rowcount > 0

        self._used.pop(id, None)
        return self._write(job)

    def token_used(self, id: int, ms: int) -> None:
        """Note that a token was used (ms); written once a minute, nobody waits for it."""
        if ms - self._used.get(id, -MINUTE_MS) < MINUTE_MS:
            return
        self._used[id] = ms
        self._store.later(
            lambda connection: connection.execute(
                "UPDATE auth_token SET used_ms = ? WHERE id = ?", (ms, id)
            )
        )

    def tokens(self) -> list[TokenRow]:
        """All tokens, oldest first."""
        return self._store.read(records.tokens)


def _audit(connection: sqlite3.Connection, wall: int, who: str, what: str, detail: str) -> None:
    connection.execute(
        "INSERT INTO audit (wall_ms, who, what, detail) VALUES (?, ?, ?, ?)",
        (wall, who, what, detail),
    )
