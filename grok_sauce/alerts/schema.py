"""The tables of alerts.db. Changed only by adding a migration at the end."""

from __future__ import annotations

from typing import Final

# *_ms: milliseconds UTC. Those called wall_ms are what the clock on the wall said, all others are
# steady (alerts.steady): order is by seq and id, never by time.
_FIRST: Final = """
CREATE TABLE alert (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    received_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    ticker TEXT,
    action TEXT,                -- buy, sell; NULL while invalid
    mapped TEXT,                -- "open long", "close short", "close short, open long"
    trade_id TEXT,
    trade_number INTEGER,
    current_position TEXT,
    new_pos TEXT,
    qty INTEGER,
    price REAL,
    prev_qty INTEGER,
    new_qty INTEGER,
    time_ms INTEGER,            -- the body's own time
    flags TEXT NOT NULL DEFAULT '[]',       -- JSON list
    strategies TEXT NOT NULL DEFAULT '[]',  -- JSON list: who listed the ticker on arrival
    grp TEXT,                   -- what it is ordered with: group or ticker
    release_ms INTEGER,         -- end of its hold window
    options TEXT,               -- JSON of ReleaseOptions
    source TEXT NOT NULL,       -- address
    token_id INTEGER,
    body TEXT NOT NULL,         -- as received, secrets masked
    exact_key TEXT,
    semantic_key TEXT,
    link_kind TEXT,             -- duplicate_of, pair, replay_of
    link_id TEXT,               -- alert.id
    finished_ms INTEGER,        -- when its last delivery settled
    acknowledged_ms INTEGER,
    test INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX alert_state ON alert(state);
CREATE INDEX alert_wall ON alert(wall_ms);
CREATE INDEX alert_ticker ON alert(ticker, seq);

-- Who came first under a key; an entry past until_ms counts no more.
CREATE TABLE seen (
    key TEXT PRIMARY KEY,
    alert_id TEXT NOT NULL,
    exact_key TEXT NOT NULL,
    until_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX seen_until ON seen(until_ms);

CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- also the place in its lane
    alert_seq INTEGER NOT NULL REFERENCES alert(seq),
    target TEXT NOT NULL,
    leg TEXT NOT NULL,
    side TEXT NOT NULL,
    qty INTEGER,
    state TEXT NOT NULL,
    reason TEXT,
    batch INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    key TEXT NOT NULL,
    body TEXT NOT NULL DEFAULT '',
    expires_ms INTEGER NOT NULL,
    not_before_ms INTEGER NOT NULL DEFAULT 0,
    gap_ms INTEGER NOT NULL,
    after_close INTEGER NOT NULL DEFAULT 0,
    dry INTEGER NOT NULL DEFAULT 0,
    idempotent INTEGER NOT NULL DEFAULT 0,
    policy TEXT NOT NULL DEFAULT 'hold',
    created_ms INTEGER NOT NULL,
    settled_ms INTEGER,
    UNIQUE (alert_seq, target, leg)
);
CREATE INDEX delivery_state ON delivery(state);
CREATE INDEX delivery_target ON delivery(target, id);

-- Every transition of alerts (delivery_id NULL) and deliveries, and every attempt.
CREATE TABLE delivery_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_seq INTEGER NOT NULL REFERENCES alert(seq),
    delivery_id INTEGER REFERENCES delivery(id),
    at_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    who TEXT NOT NULL,          -- "router", or who pressed the button
    was TEXT,
    now TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    attempt INTEGER,            -- number of the attempt this ends
    status INTEGER,             -- HTTP status
    ms REAL,
    answer TEXT                 -- first 300 characters
);
CREATE INDEX delivery_event_alert ON delivery_event(alert_seq, id);

CREATE TABLE target_state (
    target TEXT PRIMARY KEY,
    breaker TEXT NOT NULL DEFAULT '{}',     -- JSON
    delivered_ms INTEGER,
    test TEXT                               -- JSON of the last test
);

-- What the alerts themselves say of the position, per ticker.
CREATE TABLE position (
    ticker TEXT PRIMARY KEY,
    side TEXT NOT NULL,         -- long, short, flat
    qty INTEGER,
    opened_qty INTEGER,         -- size last delivered as an open
    wall_ms INTEGER NOT NULL
);

CREATE TABLE auth_token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,            -- SHA-256, hex
    tickers TEXT,                           -- JSON list; NULL: every ticker
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    used_ms INTEGER
);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    wall_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
);

-- Refused requests: what happened, never what they carried.
CREATE TABLE security_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    wall_ms INTEGER NOT NULL,
    address TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
);

CREATE TABLE switch (
    name TEXT PRIMARY KEY,      -- paused, dry, daily_pause:<strategy>
    value TEXT NOT NULL
) WITHOUT ROWID;
"""

# What the second shape of a body says beside the first one's fields: a JSON object.
_EXTRAS: Final = "ALTER TABLE alert ADD COLUMN extras TEXT"

MIGRATIONS: Final = (_FIRST, _EXTRAS)
"""Scripts in order; PRAGMA user_version counts those that ran."""
