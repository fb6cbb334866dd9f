"""GET /api/reactions and /api/history/reactions: as the file says, whatever is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from grok_sauce.analytics.event_reaction import HORIZONS, Move, Reaction, row
from grok_sauce.desks.reactions_book import Book
from grok_sauce.storage.reactions import EventRecord
from grok_sauce.update import Update
from grok_sauce.web.app import OPENAPI

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]
FILE: dict[str, Any] = json.loads(OPENAPI.read_text("utf-8"))
AT_MS = 1797433200000


def check(path: str, answer: Any) -> None:
    """An answer against what the file says of it."""
    found = FILE["paths"][path]["get"]["responses"][str(answer.status_code)]
    schema = found["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": FILE["components"]})
    assert [error.message for error in validator.iter_errors(answer.get_json())] == []


def payload() -> dict[str, Any]:
    """What the desk publishes, made by its own book."""
    move = Move(600.5, 0.5, 0.083333, 8.33, 0.1, -0.05, 1.4)
    partial = Reaction(
        600.0,
        AT_MS - 60_000,
        {15: 0.02, 30: None},
        {**dict.fromkeys(HORIZONS), 1: move},
        (15, 30, 60),
        {5: "No trade in the minute before"},
    )
    calendar = {
        "events": [
            {
                "id": "2026-12-13.USD.cpi-m-m.1",
                "title": "CPI m/m",
                "currency": "USD",
                "impact": "high",
                "time": "2026-12-16T15:00:00Z",
                "all_day": False,
                "cluster": None,
                "surprise": 0.1,
                "unit": "%",
            }
        ]
    }
    book = Book()
    (record,), _ = book.follow(calendar)
    gamma = {
        **{"symbol": "SPX", "regime": "negative", "net": -1e9, "flip": 5990.0, "spot": None},
        **{"as_of": "2026-12-16T14:59:00+00:00", "state": "live"},
    }
    rows = {"SPY": row("SPY", partial), "QQQ": row("QQQ", Reaction())}
    book.put(
        EventRecord(
            record.week, record.id, record.time, record.title, record.currency, record.impact,
            surprise=0.1, unit="%", gamma=gamma, rows=rows,
        )
    )  # fmt: skip
    return {
        "source": "DEMO",
        "as_of": "2026-12-16T15:10:00+00:00",
        "horizons": list(HORIZONS),
        "symbols": ["SPY", "QQQ"],
        "events": book.events(AT_MS + 600_000, ["SPY", "QQQ"]),
        "statistics": book.statistics(AT_MS + 600_000, "SPY"),
    }


def test_before_the_first_there_is_null(make_site: Make, browse: Browse) -> None:
    answer = browse(make_site().app).open("/api/reactions")

    assert answer.get_json()["reactions"] is None
    check("/api/reactions", answer)


def test_the_weeks_reactions_are_answered_as_documented(make_site: Make, browse: Browse) -> None:
    site = make_site()
    told = payload()
    site.snapshot.publish([Update("event.reaction", "", told)])

    answer = browse(site.app).open("/api/reactions")

    assert answer.get_json()["reactions"] == told
    assert answer.get_json()["seq"] == 1
    check("/api/reactions", answer)


@pytest.mark.parametrize(
    "query, status",
    [
        ("?title=CPI%20m/m", 200),
        ("?title=OPEC%20Meetings&currency=all", 200),
        ("", 422),
        ("?title=%20", 422),
        ("?title=" + "x" * 121, 422),
        ("?title=CPI&currency=dollars", 422),
        ("?title=CPI&currency=U5D", 422),
    ],
)
def test_the_history_of_an_event_answers_as_documented(
    make_site: Make, browse: Browse, query: str, status: int
) -> None:
    answer = browse(make_site().app).open("/api/history/reactions" + query)

    assert answer.status_code == status
    check("/api/history/reactions", answer)
