"""Trades of an advisor on disk: once each, in order of arrival, no more than fit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grok_sauce.storage import database, forex
from grok_sauce.storage.forex import Trade, add, newest

NOW = 1_797_449_527.0
TRADE = Trade(10_001, "EURUSD", "buy", 1.0853, 1.0833, None, "open", 1_797_449_500_000)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    found = database.open_database(tmp_path / "forex.db", forex.MIGRATIONS, NOW).connection
    yield found
    found.close()


def test_a_trade_is_kept_as_it_came(connection: sqlite3.Connection) -> None:
    added = add(connection, TRADE, 5)

    found, total = newest(connection)
    assert added == "stored"
    assert [(kept.trade, kept.received) for kept in found] == [(TRADE, 5)]
    assert total == 1


def test_the_same_trade_twice_is_one_row(connection: sqlite3.Connection) -> None:
    answers = [add(connection, TRADE, at) for at in (5, 6, 7)]

    found, total = newest(connection)
    assert answers == ["stored", "duplicate", "duplicate"]
    assert (total, found[0].received) == (1, 5)


@pytest.mark.parametrize(
    "change", [{"entry": 1.1}, {"sl": None}, {"tp": 1.2}, {"symbol": "GBPUSD"}, {"type": "sell"}]
)
def test_other_values_under_the_same_key_change_nothing(
    connection: sqlite3.Connection, change: dict[str, object]
) -> None:
    add(connection, TRADE, 5)

    answer = add(connection, replace(TRADE, **change), 6)  # type: ignore[arg-type]

    assert answer == "conflict"
    assert [kept.trade for kept in newest(connection)[0]] == [TRADE]


@pytest.mark.parametrize("change", [{"status": "closed"}, {"time": 1}, {"ticket": 2}])
def test_each_part_of_the_key_makes_another_row(
    connection: sqlite3.Connection, change: dict[str, object]
) -> None:
    add(connection, TRADE, 5)
    other = replace(TRADE, **change)  # type: ignore[arg-type]

    answer = add(connection, other, 6)

    assert answer == "stored"
    assert [kept.trade for kept in newest(connection)[0]] == [other, TRADE]


def test_the_oldest_go_when_there_are_too_many(connection: sqlite3.Connection) -> None:
    for ticket in range(1, 8):
        add(connection, replace(TRADE, ticket=ticket), ticket, keep=3)

    found, total = newest(connection, 2)
    assert total == 3
    assert [kept.trade.ticket for kept in found] == [7, 6]
    assert [kept.trade.ticket for kept in newest(connection)[0]] == [7, 6, 5]
