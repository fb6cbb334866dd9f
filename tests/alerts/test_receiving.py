"""Many alerts in one round come to the same as one by one, and a bad one fails alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.alerts import rounds
from grok_sauce.alerts.ledger_values import NewAlert
from grok_sauce.alerts.receiving import receive_all
from grok_sauce.alerts.schema import MIGRATIONS
from tests.alerts.ledger_kit import a_new, an_alert

TABLES = ("alert", "seen", "position", "delivery_event", "sqlite_sequence")


def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for script in MIGRATIONS:
        connection.executescript(script)
    return connection


def contents(connection: sqlite3.Connection) -> dict[str, list[Any]]:
    return {
        table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
        for table in TABLES
    }


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(database()) as opened:
        yield opened


@st.composite
def arrivals(draw: st.DrawFn) -> list[NewAlert]:
    """Alerts whose keys, tickers and positions often meet."""
    news = []
    now = 1_000_000
    for number in range(draw(st.integers(1, 40))):
        now += draw(st.sampled_from([0, 1, 400, 130_000]))
        ticker = draw(st.sampled_from(["NQ", "ES1!", "é"]))
        state = draw(st.sampled_from(["held", "held", "held", "unrouted", "invalid"]))
        alert = an_alert(
            ticker,
            action=draw(st.sampled_from(["buy", "sell"])),
            current_position=draw(st.sampled_from(["", "flat", "long", "short"])),
            new_pos=draw(st.sampled_from([None, "flat", "long", "short"])),
            prev_qty=draw(st.none() | st.integers(0, 3)),
            new_qty=draw(st.none() | st.integers(0, 3)),
            flags=draw(st.sampled_from([(), ("bad_time",)])),
        )
        keys = {
            "exact_key": draw(st.sampled_from(["e1", "e2", "e3", f"e:{number}"])),
            "semantic_key": draw(st.sampled_from([None, "s1", "s2"])),
        }
        news.append(
            a_new(
                f"a{number}",
                now,
                state=state,
                reason={"invalid": "qty: wrong", "unrouted": "no_route"}.get(state),
                alert=None if state == "invalid" else alert,
                test=draw(st.booleans()),
                gap_policy=draw(st.sampled_from(["warn", "block_open"])),
                **({} if state == "invalid" else keys),
            )
        )
    return news


@given(arrivals(), st.data())
def test_rounds_of_any_size_come_to_the_same(news: list[NewAlert], data: st.DataObject) -> None:
    with closing(database()) as single, closing(database()) as several:
        one_by_one = [receive_all(single, [new])[0] for new in news]

        together = []
        left = list(news)
        while left:
            size = data.draw(st.integers(1, len(left)))
            together += receive_all(several, left[:size])
            left = left[size:]

        assert together == one_by_one
        assert contents(several) == contents(single)


def test_a_round_takes_as_many_statements_for_one_alert_as_for_many(
    connection: sqlite3.Connection,
) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)

    receive_all(connection, [a_new("a", exact_key="a", semantic_key="s")])
    single, statements[:] = len(statements), []
    receive_all(connection, [a_new(f"b{n}", exact_key=f"b{n}") for n in range(64)])

    assert len(statements) == single == 7


def test_alerts_that_wait_together_are_stored_together_and_answered_each(
    connection: sqlite3.Connection,
) -> None:
    asked: list[int] = []

    def receive(connection: sqlite3.Connection, news: Sequence[NewAlert]) -> Sequence[Any]:
        asked.append(len(news))
        return receive_all(connection, news)

    jobs = [rounds.Together(receive, a_new(f"a{n}")) for n in range(3)]

    result = rounds.commit(connection, [*jobs, rounds.touch, jobs[0]])

    assert asked == [3, 1]
    assert [answer.value.id for answer in result.answers[:3]] == ["a0", "a1", "a2"]
    assert result.answers[3].error is None
    # The same id a second time: that write fails, and only that.
    assert isinstance(result.answers[4].error, sqlite3.IntegrityError)


def test_one_that_cannot_be_stored_does_not_take_its_neighbours_along(
    connection: sqlite3.Connection,
) -> None:
    receive_all(connection, [a_new("taken")])
    jobs = [rounds.Together(receive_all, a_new(id)) for id in ("a", "taken", "b")]

    result = rounds.commit(connection, jobs)

    errors = [answer.error for answer in result.answers]
    assert [type(error) for error in errors] == [
        type(None),
        sqlite3.IntegrityError,
        type(None),
    ]
    ids = [id for (id,) in connection.execute("SELECT id FROM alert ORDER BY seq")]
    assert ids == ["taken", "a", "b"]
    assert not connection.in_transaction
