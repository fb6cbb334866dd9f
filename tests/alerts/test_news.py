"""What pages are told of the router: changed rows, those that left, numbers when they changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from grok_sauce.alerts.news import KEPT, NUMBERS, TREE, News
from grok_sauce.update import Update


class Reports:
    """Alerts that exist, by number; every look at the numbers is counted."""

    def __init__(self, alerts: int) -> None:
        self.alerts = alerts
        self.waiting = 0

    def rows(self, seqs: Sequence[int]) -> list[dict[str, Any]]:
        return [{"id": f"a{seq}", "seq": seq} for seq in seqs]

    def newest(self, count: int) -> list[dict[str, Any]]:
        first = max(1, self.alerts - count + 1)
        return self.rows(range(self.alerts, first - 1, -1))

    def numbers(self) -> dict[str, Any]:
        return {"waiting": self.waiting}


class Heard:
    """What was published, by key; None stands for a key that left."""

    def __init__(self) -> None:
        self.beats: list[dict[str, Any]] = []
        self.came = threading.Event()

    def publish(self, updates: Sequence[Update]) -> None:
        self.beats.append({update.key: update.payload for update in updates})
        self.came.set()

    def next(self) -> dict[str, Any]:
        assert self.came.wait(5), "nothing was told"
        self.came.clear()
        return self.beats[-1]


@pytest.fixture
def running() -> Iterator[Any]:
    stop = threading.Event()
    threads = []

    def start(reports: Reports) -> tuple[News, Heard]:
        heard = Heard()
        news = News(reports, heard.publish, lambda: "r1")
        threads.append(threading.Thread(target=news.run, args=(stop,), daemon=True))
        threads[-1].start()
        return news, heard

    yield start
    stop.set()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def test_the_newest_alerts_and_the_numbers_are_told_at_the_start(running: Any) -> None:
    _, heard = running(Reports(100))

    told = heard.next()

    assert set(told) == {f"a{seq}" for seq in range(41, 101)} | {NUMBERS, TREE}
    assert told[NUMBERS] == {"waiting": 0}
    assert told[TREE] == "r1"


def test_a_new_alert_takes_the_place_of_the_oldest(running: Any) -> None:
    news, heard = running(Reports(KEPT))
    heard.next()

    news.changed([KEPT + 1])

    assert heard.next() == {f"a{KEPT + 1}": {"id": f"a{KEPT + 1}", "seq": KEPT + 1}, "a1": None}


def test_a_storm_tells_no_more_than_pages_keep(running: Any) -> None:
    news, heard = running(Reports(0))
    heard.next()

    news.changed(range(1, 501))

    assert set(heard.next()) == {f"a{seq}" for seq in range(441, 501)}


def test_an_old_alert_that_changed_does_not_come_back(running: Any) -> None:
    reports = Reports(100)
    news, heard = running(reports)
    heard.next()

    reports.waiting = 1  # so that there is something to hear
    news.changed([3])

    assert heard.next() == {NUMBERS: {"waiting": 1}}
