"""What pages are told of the router: changed rows, those that left, numbers when they changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from grok_sauce.alerts import news as news_module
from grok_sauce.alerts.news import LEFT, MOST, NUMBERS, TREE, News
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


def test_what_changed_is_told_old_ones_too(running: Any) -> None:
    news, heard = running(Reports(100))
    heard.next()

    news.changed([101, 3])

    assert heard.next() == {f"a{seq}": {"id": f"a{seq}", "seq": seq} for seq in (3, 101)}


def test_of_a_storm_the_newest_are_told_first(running: Any) -> None:
    news, heard = running(Reports(0))
    heard.next()

    news.changed(range(1, 2 * MOST))

    assert set(heard.next()) == {f"a{seq}" for seq in range(MOST, 2 * MOST)}
    assert set(heard.next()) == {f"a{seq}" for seq in range(1, MOST)}


def test_of_a_longer_storm_the_oldest_are_left_out(
    running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news_module, "STORM_BEAT", 0.01)
    news, heard = running(Reports(0))
    heard.next()

    news.changed(range(1, 2 * (MOST + LEFT)))
    told: set[str] = set()
    while len(told) < MOST + LEFT:
        told |= set(heard.next())

    assert told == {f"a{seq}" for seq in range(MOST + LEFT, 2 * (MOST + LEFT))}


def test_numbers_are_told_when_they_changed(running: Any) -> None:
    reports = Reports(0)
    news, heard = running(reports)
    heard.next()

    reports.waiting = 1
    news.changed([])

    assert heard.next() == {NUMBERS: {"waiting": 1}}
    assert news.latest == {"waiting": 1}
