"""The page of alerts: the newest rows, the numbers beside them, and what left."""

from __future__ import annotations

from typing import Any

import pytest

from grok_sauce.publishers.pages import PAGES, Refusal, wanted
from grok_sauce.publishers.snapshot import NEWEST, Snapshot, newest_first
from grok_sauce.update import Update

MOST = NEWEST["alert.state"]


def alert(seq: int, **fields: Any) -> Update:
    return Update("alert.state", f"a{seq}", {"id": f"a{seq}", "seq": seq, **fields})


def kept(snapshot: Snapshot) -> list[int]:
    return [row["seq"] for row in newest_first(snapshot.read("alert.state")[1])]


def test_the_newest_sixty_rows_are_kept_newest_first() -> None:
    snapshot = Snapshot()

    for seq in range(1, MOST + 11):
        snapshot.publish([alert(seq)])

    assert kept(snapshot) == list(range(MOST + 10, 10, -1))
    assert snapshot.left("alert.state") == ("a10",)


def test_numbers_are_no_row_and_are_never_pushed_out() -> None:
    snapshot = Snapshot()
    snapshot.publish([Update("alert.state", "#numbers", {"waiting": 2})])

    snapshot.publish([alert(seq) for seq in range(1, MOST + 2)])

    assert snapshot.get("alert.state", "#numbers") == {"waiting": 2}
    assert len(kept(snapshot)) == MOST


def test_an_old_alert_that_changes_is_told_but_neither_kept_nor_called_gone() -> None:
    snapshot = Snapshot()
    snapshot.publish([alert(seq) for seq in range(100, 100 + MOST)])

    snapshot.publish([alert(7, state="held")])

    assert 7 not in kept(snapshot)
    assert snapshot.left("alert.state") == ()


def test_what_left_is_said_once() -> None:
    snapshot = Snapshot()
    snapshot.publish([alert(seq) for seq in range(1, MOST + 1)])
    snapshot.publish([alert(MOST + 1)])

    snapshot.publish([Update("alert.state", "#numbers", {})])

    assert snapshot.left("alert.state") == ()


def test_other_topics_keep_every_row() -> None:
    snapshot = Snapshot()

    snapshot.publish(
        [Update("indicator.rows", str(n), {"order": n, "seq": n}) for n in range(MOST + 9)]
    )

    assert len(snapshot.rows()) == MOST + 9


def test_the_page_takes_neither_symbol_nor_view() -> None:
    rooms = {page.name: page for page in PAGES}

    page, key = wanted(rooms, {"page": "alerts"})

    assert (page.topic, key) == ("alert.state", "")
    with pytest.raises(Refusal, match="takes no symbol"):
        wanted(rooms, {"page": "alerts", "symbol": "SPY"})


def test_a_browser_gets_rows_numbers_and_what_left(shared: Any, browse: Any) -> None:
    shared.post("/reset", {})
    shared.publish(
        [("alert.state", f"a{seq}", {"id": f"a{seq}", "seq": seq}) for seq in range(1, MOST + 1)],
        [("alert.state", "#numbers", {"waiting": 1})],
        [("alert.state", "#tree_changed", "r1")],
    )
    browser = browse(shared)

    answer = browser.subscribe("alerts")
    shared.publish([("alert.state", f"a{MOST + 1}", {"id": "new", "seq": MOST + 1})])
    name, added = browser.event()
    shared.publish(
        [("alert.state", "#numbers", {"waiting": 0}), ("alert.state", "#tree_changed", "r2")]
    )
    _, counted = browser.event()

    assert [row["seq"] for row in answer["rows"]] == list(range(MOST, 0, -1))
    assert (answer["numbers"], answer["tree_changed"]) == ({"waiting": 1}, "r1")
    assert name == "update_alerts"
    assert (added["rows"], added["removed"]) == ([{"id": "new", "seq": MOST + 1}], ["a1"])
    assert (added["numbers"], added["tree_changed"]) == ({"waiting": 1}, None)
    assert (counted["rows"], counted["removed"]) == ([], [])
    assert (counted["numbers"], counted["tree_changed"]) == ({"waiting": 0}, "r2")
