"""The ledger's smaller books: switches, audit, refused requests, targets, tokens."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from grok_sauce.alerts.books import SECURITY_AN_HOUR
from grok_sauce.alerts.ledger import Ledger, TokenRow
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import Store, StoreBusy
from grok_sauce.runtime.clock import ManualClock
from tests.alerts.ledger_kit import store_in

WALL = 1_797_449_527_000  # of the clock by hand


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = store_in(tmp_path)
    store.open()
    yield store
    store.close()


@pytest.fixture
def ledger(store: Store, clock: ManualClock) -> Ledger:
    return Ledger(store, SteadyTime(clock))


def settle(store: Store) -> None:
    """One more write: what nobody waits for is written with it."""
    store.write(lambda one: None)


def refused(store: Store) -> list[tuple[int, str, str, str]]:
    return store.read(
        lambda one: one.execute(
            "SELECT wall_ms, address, what, detail FROM security_log ORDER BY id"
        ).fetchall()
    )


def test_a_switch_is_set_changed_and_taken_away_and_every_time_audited(
    store: Store, ledger: Ledger
) -> None:
    ledger.switch("paused", "1", "jane")
    ledger.switch("daily_pause:Momentum", "2026-12-16", "jane")
    both = ledger.switches()
    ledger.switch("paused", None, "joe")

    audit = store.read(lambda one: one.execute("SELECT who, what, detail FROM audit").fetchall())
    assert both == {"paused": "1", "daily_pause:Momentum": "2026-12-16"}
    assert ledger.switches() == {"daily_pause:Momentum": "2026-12-16"}
    assert audit == [
        ("jane", "switch paused", "off -> 1"),
        ("jane", "switch daily_pause:Momentum", "off -> 2026-12-16"),
        ("joe", "switch paused", "1 -> off"),
    ]


def test_an_audit_row_says_who_did_what_and_when(store: Store, ledger: Ledger) -> None:
    ledger.audit("jane", "routing", "ES: delay 2 -> 3")

    rows = store.read(lambda one: one.execute("SELECT * FROM audit").fetchall())
    assert rows == [(1, WALL, "jane", "routing", "ES: delay 2 -> 3")]


def test_refused_requests_are_written_together_up_to_a_thousand_an_hour(
    store: Store, ledger: Ledger, clock: ManualClock
) -> None:
    commits = store.facts().commits
    for n in range(SECURITY_AN_HOUR + 234):
        ledger.security(f"203.0.113.{n % 250}", "no token", "x" * 5000)
    settle(store)
    first_hour = refused(store)
    clock.advance(3600)
    ledger.security("203.0.113.7", "too large")
    settle(store)

    assert store.facts().commits - commits <= 4
    assert len(first_hour) == SECURITY_AN_HOUR
    assert len(first_hour[0][3]) == 300
    assert [row[1:] for row in refused(store)[SECURITY_AN_HOUR:]] == [
        ("", "too many refused requests", "234 more in an hour, not written one by one"),
        ("203.0.113.7", "too large", ""),
    ]


def test_refused_requests_are_written_again_after_the_disk_was_full(
    store: Store, ledger: Ledger
) -> None:
    store.page_limit = store.read(lambda c: int(c.execute("PRAGMA page_count").fetchone()[0]))
    big = "INSERT INTO audit (wall_ms, who, what) VALUES (0, '', zeroblob(50000))"
    store.later(lambda c: c.execute(big))  # the round ends here, before the refused are written
    ledger.security("203.0.113.1", "while it was full")
    with pytest.raises(StoreBusy, match="disk is full"):
        settle(store)
    store.page_limit = None

    ledger.security("203.0.113.2", "later")
    settle(store)

    assert [row[1] for row in refused(store)] == ["203.0.113.1", "203.0.113.2"]


def test_nothing_that_refuses_a_request_can_fail_itself(store: Store, ledger: Ledger) -> None:
    store.close()

    ledger.security("203.0.113.1", "no token")
    ledger.token_used(1, WALL)


def test_tokens_are_kept_as_digests_with_their_scope(ledger: Ledger) -> None:
    every = ledger.token_add("first", "aa", None, None)
    some = ledger.token_add("second", "bb", ("NQ", "ES"), WALL + 5)

    assert ledger.tokens() == [
        TokenRow(every, "first", "aa", None, WALL, None, None),
        TokenRow(some, "second", "bb", ("NQ", "ES"), WALL, WALL + 5, None),
    ]
    with pytest.raises(sqlite3.IntegrityError):
        ledger.token_add("again", "aa", None, None)
    assert [ledger.token_delete(every), ledger.token_delete(every)] == [True, False]
    assert [row.id for row in ledger.tokens()] == [some]


def test_the_use_of_a_token_is_written_once_a_minute(store: Store, ledger: Ledger) -> None:
    id = ledger.token_add("first", "aa", None, None)
    seen = []
    for at in (WALL, WALL + 30_000, WALL + 59_999, WALL + 60_000):
        ledger.token_used(id, at)
        settle(store)
        seen.append(ledger.tokens()[0].used_ms)

    assert seen == [WALL, WALL, WALL, WALL + 60_000]


def test_a_targets_breaker_and_test_are_kept_side_by_side(store: Store, ledger: Ledger) -> None:
    ledger.target_test("localhost:9060", {"ok": True, "ms": 3.5})
    ledger.breaker("localhost:9060", {"open": True, "until": 5})
    ledger.breaker("localhost:9060", {"open": False})
    ledger.breaker("localhost:9061", {"open": True})

    (test,) = store.read(
        lambda one: one.execute(
            "SELECT test FROM target_state WHERE target = 'localhost:9060'"
        ).fetchone()
    )
    assert ledger.breakers() == {
        "localhost:9060": {"open": False},
        "localhost:9061": {"open": True},
    }
    assert test == '{"ok": true, "ms": 3.5}'
