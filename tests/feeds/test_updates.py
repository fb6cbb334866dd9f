"""Taking in another process's updates: from a real Redis, whatever is missed or lies in between."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.errors import BadPayload, SourceError
from grok_sauce.feeds.updates import NOT_THERE, SILENT, UpdatesFeed
from grok_sauce.redis_link import RedisLink, RedisSettings, connect
from grok_sauce.roles.wire import (
    Entry,
    RoleSettings,
    State,
    encoded,
    field_of,
    head,
    message,
    read_message,
    read_state,
)
from grok_sauce.runtime.clock import ManualClock, RealClock
from grok_sauce.update import Update
from tests.redis_server import RedisServer

NAMES = RoleSettings("test")


@pytest.fixture(scope="module")
def redis_here() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def link(redis_here: RedisServer) -> Iterator[RedisLink]:
    redis_here.cli("FLUSHALL")
    found = connect(RedisSettings(redis_here.url), RealClock())
    yield found
    found.close()


def row(symbol: str, price: float) -> Entry:
    payload = {"symbol": symbol, "order": 0, "status": "live", "price": price}
    return Entry("indicator.rows", symbol, encoded(payload))


class Web:
    """Who follows: its table, and what it was told in which order."""

    def __init__(self, link: RedisLink) -> None:
        self.clock = ManualClock(1e9)
        self.table: dict[str, float] = {}
        self.said: list[str] = []
        self.reason: str | None = None
        self.feed = UpdatesFeed(link, NAMES, self.whole, self.take, self.lost, self.clock)
        self.stop = threading.Event()
        self.problem: BaseException | None = None
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        try:
            self.feed.run(self.stop)
        except SourceError as problem:
            self.problem = problem

    def whole(self, state: State) -> None:
        self.said.append("whole")
        self.table = {key: value["price"] for (_, key), value in state.values.items()}

    def take(self, beat: Sequence[Update]) -> None:
        self.said.append("beat")
        self.table |= {update.key: update.payload["price"] for update in beat}

    def lost(self, reason: str) -> None:
        self.said.append("lost")
        self.reason = reason


class Feed:
    """Somebody who tells, as publishers.updates does, and may forget or lie."""

    def __init__(self, link: RedisLink, token: int = 7) -> None:
        self.link, self.token, self.seq = link, token, 0

    def tell(self, *entries: Entry, heard: bool = True, whole: bool = False) -> None:
        self.seq += 1
        commands: list[Any] = [
            ("HSET", NAMES.state, field_of(each.topic, each.key), each.body) for each in entries
        ]
        commands.append(("HSET", NAMES.state, "", head(self.token, self.seq, 0)))
        if heard:
            body = message(self.token, self.seq, 0, [entries], whole)
            commands.append(("PUBLISH", NAMES.updates, body))
        self.link.send(commands, transaction=True)


@pytest.fixture
def web(link: RedisLink) -> Iterator[Web]:
    found = Web(link)
    yield found
    found.stop.set()
    if found.thread.is_alive():
        found.thread.join(5)


def until(look: Callable[[], bool], what: str = "it") -> None:
    deadline = time.monotonic() + 10
    while not look():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)


def test_a_late_comer_has_the_state_and_then_every_beat(link: RedisLink, web: Web) -> None:
    feed = Feed(link)
    feed.tell(row("SPY", 1.0), row("QQQ", 2.0))
    web.thread.start()
    until(lambda: "lost" in web.said, "the first look")

    feed.tell(row("SPY", 3.0))
    until(lambda: web.feed.is_up, "the feed")
    feed.tell(row("SPY", 4.0))
    until(lambda: web.table.get("SPY") == 4.0, "the beat")

    assert web.table == {"SPY": 4.0, "QQQ": 2.0}
    assert web.said == ["whole", "lost", "whole", "beat"]
    assert web.feed.status.state == "live"


def test_a_state_that_nobody_renews_is_shown_but_never_as_live(link: RedisLink, web: Web) -> None:
    Feed(link).tell(row("SPY", 1.0))

    web.thread.start()
    until(lambda: web.reason is not None, "the reason")

    assert web.table == {"SPY": 1.0}
    assert not web.feed.is_up
    assert web.feed.status.state != "live"


def test_without_a_feed_it_says_that_there_is_none(link: RedisLink, web: Web) -> None:
    web.thread.start()
    until(lambda: web.reason is not None, "the reason")

    assert web.reason == NOT_THERE


def test_a_missing_message_is_noticed_and_the_state_read_again(link: RedisLink, web: Web) -> None:
    feed = Feed(link)
    web.thread.start()
    until(lambda: web.reason is not None, "the first look")
    feed.tell(row("SPY", 1.0))
    until(lambda: web.feed.is_up, "the feed")

    feed.tell(row("QQQ", 2.0), heard=False)
    feed.tell(row("SPY", 3.0))
    until(lambda: web.table.get("SPY") == 3.0, "the beat")

    assert web.table == {"SPY": 3.0, "QQQ": 2.0}
    assert web.said[-1] == "whole"


def test_an_owner_with_a_lower_token_is_not_believed(link: RedisLink, web: Web) -> None:
    new, old = Feed(link, token=8), Feed(link, token=7)
    web.thread.start()
    until(lambda: web.reason is not None, "the first look")
    new.tell(row("SPY", 2.0))
    until(lambda: web.feed.is_up, "the feed")

    body = message(old.token, 500, 0, [[row("SPY", 99.0)]])
    link.do("PUBLISH", NAMES.updates, body)
    until(lambda: web.feed.ignored == 1, "the old owner's message")

    assert web.table == {"SPY": 2.0}


def test_a_new_owner_is_followed_from_its_first_message(link: RedisLink, web: Web) -> None:
    old, new = Feed(link, token=7), Feed(link, token=8)
    web.thread.start()
    until(lambda: web.reason is not None, "the first look")
    old.tell(row("SPY", 1.0))
    until(lambda: web.feed.is_up, "the feed")

    new.tell(row("SPY", 2.0), whole=True)
    until(lambda: web.feed.token == 8, "the new owner")
    new.tell(row("SPY", 3.0))
    until(lambda: web.table.get("SPY") == 3.0, "its beat")

    assert web.feed.seq == 2


def test_silence_is_told_once_and_the_next_message_ends_it(link: RedisLink, web: Web) -> None:
    feed = Feed(link)
    web.thread.start()
    until(lambda: web.reason is not None, "the first look")
    feed.tell(row("SPY", 1.0))
    until(lambda: web.feed.is_up, "the feed")
    before = web.said.count("lost")

    web.clock.advance(SILENT + 0.1)
    until(lambda: not web.feed.is_up, "the silence")
    time.sleep(0.5)  # that it is said once shows only in time
    said = web.said.count("lost") - before
    feed.tell(row("SPY", 2.0))
    until(lambda: web.feed.is_up, "the feed again")

    assert said == 1
    assert web.table == {"SPY": 2.0}


def test_a_redis_that_goes_away_is_told_at_once(
    link: RedisLink, web: Web, redis_here: RedisServer
) -> None:
    feed = Feed(link)
    web.thread.start()
    until(lambda: web.reason is not None, "the first look")
    feed.tell(row("SPY", 1.0))
    until(lambda: web.feed.is_up, "the feed")

    redis_here.stop()
    try:
        until(lambda: web.problem is not None, "the problem")

        assert "Redis" in str(web.reason)
        assert web.said[-1] == "lost"
    finally:
        redis_here.start()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b'{"token":1,"seq":2}',
        b'{"token":"1","seq":2,"t":3,"beats":[]}',
        b'{"token":1,"seq":-2,"t":3,"beats":[]}',
        b'{"token":1,"seq":2,"t":3,"beats":{}}',
        b'{"token":1,"seq":2,"t":3,"beats":[1]}',
    ],
)
def test_what_is_no_message_is_refused_by_name(body: bytes) -> None:
    with pytest.raises(BadPayload, match="Redis"):
        read_message(body)


def test_updates_without_their_shape_are_left_out_and_counted() -> None:
    beat = [
        Entry("indicator.rows", "SPY", b'{"price":1}'),
        Entry("indicator.rows", "QQQ", b"[]"),
        Entry("no.topic", "", b"{}"),
        Entry("notice", "", b"{}"),
        Entry("indicator.rows", "GLD", None),
    ]

    found = read_message(message(1, 1, 0, [beat]))

    assert [(each.topic, each.key, each.payload) for each in found.beats[0]] == [
        ("notice", "", {}),
        ("indicator.rows", "GLD", None),
    ]
    assert found.refused == 3


VALUES = st.none() | st.booleans() | st.integers(-3, 2**70) | st.text(max_size=4)
JUNK = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner)
)
NEARLY = st.fixed_dictionaries(
    {name: st.just(1) | VALUES for name in ("token", "seq", "t")}
    | {"beats": st.lists(st.lists(JUNK | st.tuples(st.text(max_size=4), JUNK, JUNK))) | JUNK}
)


@given(st.binary(max_size=200) | NEARLY.map(lambda found: json.dumps(found).encode()))
def test_whatever_comes_is_read_whole_or_refused(body: bytes) -> None:
    try:
        found = read_message(body)
    except BadPayload:  # and no other error
        return

    assert min(found.token, found.seq, found.refused) >= 0
    assert all(
        isinstance(each.topic, str) and isinstance(each.key, str)
        for beat in found.beats
        for each in beat
    )


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.dictionaries(st.text(max_size=3), st.integers(-9, 9), max_size=3),
        max_size=5,
    )
)
def test_a_state_comes_back_as_it_was_written(values: dict[str, dict[str, int]]) -> None:
    fields = {field_of("notice", key): encoded(value) for key, value in values.items()}

    found = read_state({**fields, b"": head(3, 4, 5)})

    assert found is not None
    assert found.values == {("notice", key): value for key, value in values.items()}
    assert (found.token, found.seq) == (3, 4)
