"""Gamma exposure, one snapshot a minute: whole for a few sessions, its levels for a year.

A minute is written as three rows. `gex_minutes` holds spot, totals, flips and walls and stays
KEEP_DAYS; `gex_strikes` holds the net exposure of each strike as doubles, so that a day's heat
map is read without opening its payloads; `gex_payloads` holds the whole object of the page.
The last two stay KEEP_SESSIONS.

Measured with 150 strikes, 25 columns of random numbers (real ones repeat and deflate better)
and 390 minutes a session: a payload takes 20 kB, so one symbol 9.3 MB a session and six of
them 280 MB for five sessions; strikes alone are 0.8 MB a session, levels 65 kB, which is 110 MB
for six symbols and 400 days. Room that old minutes leave is used again; the file does not
shrink. A day's heat map is read in 12 ms, a minute is encoded in 8 ms.
"""

from __future__ import annotations

import sqlite3
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson

from grok_sauce.errors import BadPayload
from grok_sauce.market import sessions
from grok_sauce.storage import database
from grok_sauce.values import dataclass

MINUTE_MS: Final = 60_000
KEEP_SESSIONS: Final = 5  # of whole payloads and strikes, per symbol
KEEP_DAYS: Final = 400  # of levels
DIGITS: Final = 10  # of a kept payload's single numbers
DIGITS_IN_LISTS: Final = 7  # of its columns: finer than anything they are made from
UNKNOWN: Final = float("nan")  # a strike's net that is not known; None outside this module

_LEVELS: Final = (
    *("time", "as_of", "state", "source", "spot", "call_gex", "put_gex", "net_gex"),
    *("zero_gamma", "zero_gamma_0dte", "zero_gamma_ex_0dte", "call_wall", "put_wall"),
)


class Levels(NamedTuple):
    """One minute in short; levels in points, exposures in dollars per 1 %, None where unknown."""

    time: int  # start of the minute, Unix ms
    as_of: int  # when the numbers were true, Unix ms
    state: str  # "live", "stale" or "closed"
    source: str
    spot: float | None
    call_gex: float | None
    put_gex: float | None
    net_gex: float | None
    zero_gamma: float | None
    zero_gamma_0dte: float | None
    zero_gamma_ex_0dte: float | None
    call_wall: float | None
    put_wall: float | None


@dataclass(frozen=True, slots=True)
class GexMinute:
    """One minute as it is written."""

    symbol: str
    day: str  # the session it belongs to, ISO date in New York
    levels: Levels
    strikes: bytes
    net: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class GexDay:
    """The minutes of one session; per minute its strikes and their net, empty when not kept."""

    levels: list[Levels]
    strikes: list[Sequence[float]]
    net: list[Sequence[float | None]]


def encode(payload: Mapping[str, Any]) -> GexMinute:
    """A payload of topic "gex.levels" (per 1 %) as rows. Takes 8 ms: keep it off the loop.

    Raises:
        BadPayload: it does not have the documented shape.
    """
    try:
        as_of = datetime.fromisoformat(payload["as_of"]).timestamp()
        flips, totals, columns = payload["zero_gamma"], payload["totals"], payload["columns"]
        levels = Levels(
            int(as_of * 1000) // MINUTE_MS * MINUTE_MS,
            round(as_of * 1000),
            payload["status"]["state"],
            payload["source"],
            payload["spot"],
            totals["call"],
            totals["put"],
            totals["net"],
            _flip(flips["all"]),
            _flip(flips["zero_dte"]),
            _flip(flips["ex_zero_dte"]),
            payload["call_wall"],
            payload["put_wall"],
        )
        strikes = array("d", columns["strike"])
        net = array("d", (UNKNOWN if x is None else x for x in columns["net_gex"]))
        if len(strikes) != len(net):
            raise ValueError(f"{len(strikes)} strikes with {len(net)} values")
        return GexMinute(
            symbol=payload["symbol"],
            day=session_of(as_of),
            levels=levels,
            strikes=zlib.compress(_portable(strikes)),
            net=_portable(net),
            payload=zlib.compress(orjson.dumps(_short(payload))),
        )
    except (KeyError, TypeError, ValueError) as problem:
        kind = type(problem).__name__
        raise BadPayload(f"gex.levels: not a payload to keep ({kind}: {problem})") from None


def _flip(zero_gamma: Mapping[str, Any] | None) -> float | None:
    """None also where a view has no such expiries."""
    return None if zero_gamma is None else zero_gamma["flip"]


def session_of(unix: float) -> str:
    """The session a moment (market time, Unix seconds) is kept under, ISO date.

    On a weekend and at night the last one begun.
    """
    return sessions.session_date(unix).isoformat()


def write(connection: sqlite3.Connection, minutes: Iterable[GexMinute]) -> int:
    """Keep minutes in one transaction; the first told of a minute stays. Returns how many are new.

    Raises:
        sqlite3.Error: nothing of this call was kept (disk full, read-only, locked).
    """
    written = 0
    with database.transaction(connection):
        for minute in minutes:
            levels = minute.levels
            cursor = connection.execute(
                f"INSERT OR IGNORE INTO gex_minutes (symbol, day, {', '.join(_LEVELS)})"
                f" VALUES ({', '.join('?' * (len(_LEVELS) + 2))})",
                (minute.symbol, minute.day, *levels),
            )
            if not cursor.rowcount:
                continue
            written += 1
            connection.execute(
                "INSERT OR REPLACE INTO gex_strikes (symbol, day, time, strikes, net)"
                " VALUES (?, ?, ?, ?, ?)",
                (minute.symbol, minute.day, levels.time, minute.strikes, minute.net),
            )
            connection.execute(
                "INSERT OR REPLACE INTO gex_payloads (symbol, time, payload) VALUES (?, ?, ?)",
                (minute.symbol, levels.time, minute.payload),
            )
    return written


def prune(
    connection: sqlite3.Connection,
    keep_sessions: int = KEEP_SESSIONS,
    keep_days: int = KEEP_DAYS,
) -> int:
    """Drop what is older than each symbol's newest sessions, and levels older than keep_days.

    Sessions are counted back from the symbol's own newest, so that one that is no longer
    followed keeps its last ones until its levels go too. Returns how many minutes lost their
    payload for newer ones.
    """
    found = connection.execute("SELECT DISTINCT symbol FROM gex_minutes").fetchall()
    newest = connection.execute("SELECT MAX(day) FROM gex_minutes").fetchone()[0]
    dropped = 0
    with database.transaction(connection):
        if newest is not None:
            oldest = date.fromisoformat(newest) - timedelta(days=keep_days)
            start = int(sessions.instant(oldest, 0) * 1000)
            connection.execute("DELETE FROM gex_minutes WHERE day < ?", (oldest.isoformat(),))
            connection.execute("DELETE FROM gex_strikes WHERE day < ?", (oldest.isoformat(),))
            connection.execute("DELETE FROM gex_payloads WHERE time < ?", (start,))
        for (symbol,) in found:
            days = dates(connection, symbol)
            for day in days[:-keep_sessions]:
                connection.execute(
                    "DELETE FROM gex_payloads WHERE symbol = ? AND time IN"
                    " (SELECT time FROM gex_strikes WHERE symbol = ? AND day = ?)",
                    (symbol, symbol, day),
                )
                cursor = connection.execute(
                    "DELETE FROM gex_strikes WHERE symbol = ? AND day = ?", (symbol, day)
                )
                dropped += cursor.rowcount
    return dropped


def dates(connection: sqlite3.Connection, symbol: str) -> list[str]:
    """Sessions of which strikes and payloads are kept, ascending."""
    rows = connection.execute(
        "SELECT DISTINCT day FROM gex_strikes WHERE symbol = ? ORDER BY day", (symbol,)
    )
    return [day for (day,) in rows]


def read_day(connection: sqlite3.Connection, symbol: str, day: str) -> GexDay:
    """All minutes of a session, ascending; empty when none was kept."""
    start = sessions.instant(date.fromisoformat(day), 0) * 1000
    rows = connection.execute(
        f"SELECT {', '.join(f'm.{name}' for name in _LEVELS)}, s.strikes, s.net"
        " FROM gex_minutes m LEFT JOIN gex_strikes s"
        " ON s.symbol = m.symbol AND s.day = m.day AND s.time = m.time"
        # A session's minutes end before the next one begins, a long weekend later.
        " WHERE m.symbol = ? AND m.time >= ? AND m.time < ? AND m.day = ? ORDER BY m.time",
        (symbol, int(start), int(start) + 7 * 86_400_000, day),
    )
    found = GexDay([], [], [])
    axes: dict[bytes, list[float]] = {}  # the same strikes minute after minute
    for row in rows:
        packed, net = row[-2:]
        found.levels.append(Levels(*row[:-2]))
        if packed is None:
            found.strikes.append([])
            found.net.append([])
            continue
        if packed not in axes:
            axes[packed] = _doubles(zlib.decompress(packed))
        found.strikes.append(axes[packed])
        found.net.append([None if value != value else value for value in _doubles(net)])
    return found


def read_payload(connection: sqlite3.Connection, symbol: str, time_ms: int) -> Any:
    """The payload of the minute in which time_ms lies; None when it is not kept."""
    row = connection.execute(
        "SELECT payload FROM gex_payloads WHERE symbol = ? AND time = ?",
        (symbol, time_ms // MINUTE_MS * MINUTE_MS),
    ).fetchone()
    return None if row is None else orjson.loads(zlib.decompress(row[0]))


def read_last(connection: sqlite3.Connection, symbol: str, until_ms: int) -> Any:
    """The newest payload kept that is not after until_ms; None when there is none."""
    row = connection.execute(
        "SELECT payload FROM gex_payloads WHERE symbol = ? AND time <= ?"
        " ORDER BY time DESC LIMIT 1",
        (symbol, until_ms),
    ).fetchone()
    return None if row is None else orjson.loads(zlib.decompress(row[0]))


def payloads(
    connection: sqlite3.Connection, symbol: str, start: float, end: float
) -> Iterator[Any]:
    """Payloads kept of a symbol's minutes that start in [start, end), Unix seconds, ascending."""
    for (packed,) in connection.execute(
        "SELECT payload FROM gex_payloads WHERE symbol = ? AND time >= ? AND time < ?"
        " ORDER BY time",
        (symbol, int(start * 1000), int(end * 1000)),
    ):
        yield orjson.loads(zlib.decompress(packed))


def read_levels(
    connection: sqlite3.Connection, symbol: str, start_ms: int, end_ms: int
) -> list[Levels]:
    """Levels of the minutes that start in [start_ms, end_ms), ascending."""
    rows = connection.execute(
        f"SELECT {', '.join(_LEVELS)} FROM gex_minutes"
        " WHERE symbol = ? AND time >= ? AND time < ? ORDER BY time",
        (symbol, start_ms, end_ms),
    )
    return [Levels(*row) for row in rows]


def has_tables(connection: sqlite3.Connection) -> bool:
    """Whether this file has been brought to a version that knows these tables."""
    found = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'gex_payloads'"
    )
    return found.fetchone() is not None


def _short(value: Any, digits: int = DIGITS) -> Any:
    """A JSON value with its floats cut to so many significant digits, in lists to fewer."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, Mapping):
        return {key: _short(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(inner, DIGITS_IN_LISTS) for inner in value]
    return value


def _portable(values: array[float]) -> bytes:
    """Doubles in little-endian order, whatever machine wrote them."""
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()


def _doubles(data: bytes) -> list[float]:
    values = array("d", data)
    if sys.byteorder == "big":
        values.byteswap()
    return values.tolist()
