"""Notices and their way out: what was told, what waits for a target, what became of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from grok_sauce.storage import database
from grok_sauce.values import dataclass

Kind = Literal["notice", "digest", "summary", "test"]
State = Literal["held", "waiting", "sent", "failed", "expired", "gathered"]

KEEP_DAYS: Final = 30.0
KEEP_ROWS: Final = 5_000  # of the outbox, whatever their age
DAY: Final = 86_400.0

MIGRATIONS: Final = (
    """
    CREATE TABLE notices (
        id TEXT PRIMARY KEY, at REAL NOT NULL, made REAL NOT NULL, rule TEXT NOT NULL,
        severity TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, symbol TEXT, link TEXT
    ) WITHOUT ROWID;
    CREATE INDEX notices_made ON notices (made);
    CREATE TABLE told (key TEXT PRIMARY KEY, made REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL, target TEXT NOT NULL,
        kind TEXT NOT NULL, notice TEXT, severity TEXT NOT NULL, title TEXT NOT NULL,
        text TEXT NOT NULL, made REAL NOT NULL, state TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, next_try REAL NOT NULL DEFAULT 0,
        done REAL, took REAL, error TEXT
    );
    CREATE INDEX outbox_waiting ON outbox (target, state, seq);
    """,
)


class NoticeRow(NamedTuple):
    """A notice as it is kept; at in market time, made in real time, Unix seconds."""

    id: str
    at: float
    made: float
    rule: str
    severity: str
    title: str
    text: str
    symbol: str | None
    link: str | None


class Message(NamedTuple):
    """One thing for one target; uid is the same at every attempt. Times are real, Unix seconds.

    notice is the id of the notice that a held or single message is.
    """

    target: str
    kind: Kind
    severity: str
    title: str
    text: str
    made: float
    notice: str | None = None
    state: State = "waiting"
    uid: str = ""
    attempts: int = 0
    next_try: float = 0.0
    done: float | None = None
    took: float | None = None
    error: str | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run takes over from the one before."""

    told: tuple[str, ...]
    recent: tuple[NoticeRow, ...]  # newest first


_FIELDS: Final = ", ".join(Message._fields)
_WRITTEN: Final = Message._fields[:-1]  # the number is the file's


class NoticeStore:
    """The file of notices. One caller at a time, on a native thread: nothing here logs."""

    def __init__(self, path: Path, now: float) -> None:
        """Open or make the file.

        Raises:
            StorageError: it cannot be used.
        """
        self._connection, self.set_aside = database.open_database(path, MIGRATIONS, now)

    def close(self) -> None:
        """No use after this."""
        self._connection.close()

    def load(self, recent: int) -> Kept:
        """Keys told so far, oldest first, and the newest notices."""
        told = self._connection.execute("SELECT key FROM told ORDER BY made, key")
        return Kept(tuple(key for (key,) in told), tuple(self.recent(recent)))

    def put(
        self,
        notices: Iterable[NoticeRow],
        keys: Iterable[str],
        messages: Iterable[Message],
        gathered: Sequence[int] = (),
        now: float = 0.0,
    ) -> None:
        """Keep notices, keys and messages, all or none; gathered: held ones that a digest has."""
        with database.transaction(self._connection):
            self._connection.executemany(
                "INSERT OR IGNORE INTO notices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", notices
            )
            self._connection.executemany(
                "INSERT OR IGNORE INTO told VALUES (?, ?)", ((key, now) for key in keys)
            )
            self._connection.executemany(
                f"INSERT INTO outbox ({', '.join(_WRITTEN)})"
                f" VALUES ({', '.join('?' * len(_WRITTEN))})",
                (
                    one._replace(uid=one.uid or secrets.token_hex(8))[: len(_WRITTEN)]
                    for one in messages
                ),
            )
            self._connection.executemany(
                "UPDATE outbox SET state = 'gathered', done = ? WHERE seq = ?",
                ((now, seq) for seq in gathered),
            )

    def next(self, target: str, now: float) -> Message | float | None:
        """The message to be sent now; else when to ask again; None when nothing waits."""
        row = self._connection.execute(
            f"SELECT {_FIELDS} FROM outbox WHERE target = ? AND state = 'waiting'"
            " ORDER BY next_try > ?, seq LIMIT 1",
            (target, now),
        ).fetchone()
        if row is None:
            return None
        message = Message(*row)
        if message.next_try <= now:
            return message
        (soonest,) = self._connection.execute(
            "SELECT min(next_try) FROM outbox WHERE target = ? AND state = 'waiting'", (target,)
        ).fetchone()
        return float(soonest)

    def settle(self, message: Message) -> None:
        """Write what became of an attempt: state, attempts, next_try, done, took, error."""
        with database.transaction(self._connection):
            self._connection.execute(
                "UPDATE outbox SET state = ?, attempts = ?, next_try = ?, done = ?, took = ?,"
                " error = ? WHERE seq = ?",
                (
                    *(message.state, message.attempts, message.next_try, message.done),
                    *(message.took, message.error, message.seq),
                ),
            )

    def held(self, target: str) -> list[tuple[int, NoticeRow]]:
        """What waits for this target's digest: (number of its message, notice), oldest first."""
        rows = self._connection.execute(
            "SELECT o.seq, n.* FROM outbox o JOIN notices n ON n.id = o.notice"
            " WHERE o.target = ? AND o.state = 'held' ORDER BY o.seq",
            (target,),
        )
        return [(seq, NoticeRow(*row)) for seq, *row in rows]

    def sent_since(self, target: str, start: float) -> list[float]:
        """When single notices for this target were made since a real time, ascending."""
        rows = self._connection.execute(
            "SELECT made FROM outbox WHERE target = ? AND kind = 'notice'"
            " AND state IN ('waiting', 'sent', 'failed') AND made > ? ORDER BY made",
            (target, start),
        )
        return [made for (made,) in rows]

    def recent(self, limit: int) -> list[NoticeRow]:
        """The newest notices, newest first."""
        rows = self._connection.execute(
            "SELECT * FROM notices ORDER BY made DESC, at DESC, id LIMIT ?", (limit,)
        )
        return [NoticeRow(*row) for row in rows]

    def log(self, limit: int) -> list[Message]:
        """The newest messages whatever became of them, newest first."""
        rows = self._connection.execute(
            f"SELECT {_FIELDS} FROM outbox ORDER BY seq DESC LIMIT ?", (limit,)
        )
        return [Message(*row) for row in rows]

    def last(self, target: str) -> dict[str, Message]:
        """A target's newest settled messages: "sent", "failed", "test", where there is one."""
        found = {}
        for name, clause in (
            ("sent", "state = 'sent'"),
            ("failed", "error IS NOT NULL"),
            ("test", "kind = 'test'"),
        ):
            row = self._connection.execute(
                f"SELECT {_FIELDS} FROM outbox WHERE target = ? AND done IS NOT NULL"
                f" AND {clause} ORDER BY seq DESC LIMIT 1",
                (target,),
            ).fetchone()
            if row is not None:
                found[name] = Message(*row)
        return found

    def waiting(self) -> dict[str, int]:
        """How many messages wait, by target."""
        rows = self._connection.execute(
            "SELECT target, count(*) FROM outbox WHERE state = 'waiting' GROUP BY target"
        )
        return dict(rows.fetchall())

    def expire(self, oldest: Sequence[tuple[str, float]], now: float) -> int:
        """Give up messages of a kind made before a real time; returns how many."""
        count = 0
        with database.transaction(self._connection):
            for kind, made in oldest:
                cursor = self._connection.execute(
                    "UPDATE outbox SET state = 'expired', done = ? WHERE state = 'waiting'"
                    " AND kind = ? AND made < ?",
                    (now, kind, made),
                )
                count += cursor.rowcount
        return count

    def prune(self, now: float) -> None:
        """Drop what is older than KEEP_DAYS, and settled messages beyond KEEP_ROWS."""
        edge = now - KEEP_DAYS * DAY
        with database.transaction(self._connection):
            for table in ("notices", "told"):
                self._connection.execute(f"DELETE FROM {table} WHERE made < ?", (edge,))
            self._connection.execute(
                "DELETE FROM outbox WHERE state NOT IN ('waiting', 'held') AND (made < ? OR"
                " seq <= (SELECT coalesce(max(seq), 0) FROM outbox) - ?)",
                (edge, KEEP_ROWS),
            )


def as_row(notice: Any, made: float) -> NoticeRow:
    """A notice of the rules (analytics.notices.Notice) as it is kept."""
    return NoticeRow(
        *(notice.id, notice.at, made, notice.rule, notice.severity),
        *(notice.title, notice.text, notice.symbol, notice.link),
    )
