"""The tables of history.db, in the order they came: one file, one owner, one list of steps."""

from __future__ import annotations

from typing import Final

# A step that was released is never changed; another table family is another step at the end.
MIGRATIONS: Final = (
    # bars.py. symbol: the feed's name without "{=m}"; time: start of the minute, Unix ms.
    """
    CREATE TABLE bars (
        symbol TEXT NOT NULL,
        time INTEGER NOT NULL,
        open REAL NOT NULL,
        high REAL NOT NULL,
        low REAL NOT NULL,
        close REAL NOT NULL,
        volume REAL,
        count INTEGER,
        PRIMARY KEY (symbol, time)
    ) WITHOUT ROWID
    """,
    # gex_snapshots.py. symbol: the user's; time: start of the minute; day: its session in
    # New York; as_of: when the numbers were true, both Unix ms of market time. Dollars per 1 %.
    # strikes and net are doubles, deflated and plain; payload is deflated JSON.
    """
    CREATE TABLE gex_minutes (
        symbol TEXT NOT NULL,
        time INTEGER NOT NULL,
        day TEXT NOT NULL,
        as_of INTEGER NOT NULL,
        state TEXT NOT NULL,
        source TEXT NOT NULL,
        spot REAL,
        call_gex REAL,
        put_gex REAL,
        net_gex REAL,
        zero_gamma REAL,
        zero_gamma_0dte REAL,
        zero_gamma_ex_0dte REAL,
        call_wall REAL,
        put_wall REAL,
        PRIMARY KEY (symbol, time)
    ) WITHOUT ROWID;
    CREATE TABLE gex_strikes (
        symbol TEXT NOT NULL,
        day TEXT NOT NULL,
        time INTEGER NOT NULL,
        strikes BLOB NOT NULL,
        net BLOB NOT NULL,
        PRIMARY KEY (symbol, day, time)
    );
    CREATE TABLE gex_payloads (
        symbol TEXT NOT NULL,
        time INTEGER NOT NULL,
        payload BLOB NOT NULL,
        PRIMARY KEY (symbol, time)
    )
    """,
    # reactions.py. week: the Sunday of the event's week; time: of the release, Unix ms of market
    # time; gamma and rows: JSON.
    """
    CREATE TABLE event_reactions (
        week TEXT NOT NULL,
        id TEXT NOT NULL,
        time INTEGER NOT NULL,
        title TEXT NOT NULL,
        currency TEXT NOT NULL,
        impact TEXT NOT NULL,
        cluster TEXT,
        forecast REAL,
        actual REAL,
        surprise REAL,
        unit TEXT,
        gamma BLOB,
        rows BLOB NOT NULL,
        PRIMARY KEY (week, id)
    ) WITHOUT ROWID;
    CREATE INDEX event_reactions_time ON event_reactions (time);
    CREATE INDEX event_reactions_title ON event_reactions (title, currency, time)
    """,
)
