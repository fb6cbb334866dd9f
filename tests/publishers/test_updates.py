"""What a feed writes to a real Redis: state, messages, Streams, and nothing once it is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from grok_sauce.errors import SourceError
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.publishers.updates import WAITING, UpdatesOut
from grok_sauce.redis_link import RedisEar, RedisLink, RedisSettings, connect
from grok_sauce.roles.wire import Beats, RoleSettings, State, read_message, read_state
from grok_sauce.runtime.clock import RealClock
from grok_sauce.runtime.fenced_lock import FencedLock
from grok_sauce.update import Update
from tests.redis_server import RedisServer

NAMES = RoleSettings("test")
CLOCK = RealClock()


@pytest.fixture(scope="module")
def redis_here() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def link(redis_here: RedisServer) -> Iterator[RedisLink]:
    redis_here.cli("FLUSHALL")
    found = connect(RedisSettings(redis_here.url), CLOCK)
    yield found
    found.close()


class Feed:
    """An owner with its snapshot and the worker under test."""

    def __init__(self, link: RedisLink, owner: str = "one") -> None:
        self.lock = FencedLock(link, NAMES.lock, owner, CLOCK, 60.0)
        assert self.lock.keep() is not None
        self.snapshot = Snapshot()
        self.out = UpdatesOut(
            link,
            NAMES,
            lambda: self.lock.fence,
            self.lock.lost,
            self.snapshot.everything,
            CLOCK,
        )

    def tell(self, *updates: Update) -> None:
        self.snapshot.publish(updates)
        self.out.publish(updates)

    def write(self) -> None:
        """What one round of the worker does."""
        fence = self.lock.fence
        assert fence is not None
        self.out._write(fence)


def row(symbol: str, price: float) -> Update:
    payload = {"symbol": symbol, "order": 0, "status": "live", "price": price}
    return Update("indicator.rows", symbol, payload)


def state_of(link: RedisLink) -> State:
    found = read_state(link.do("HGETALL", NAMES.state))
    assert found is not None
    return found


def heard(ear: RedisEar, count: int) -> list[Beats]:
    found: list[Beats] = []
    deadline = time.monotonic() + 10
    while len(found) < count and time.monotonic() < deadline:
        message = ear.read(0.1)
        if message is not None:
            found.append(read_message(message.body))
    return found


def stream(link: RedisLink, topic: str) -> list[Any]:
    """[topic, key, payload] of each entry."""
    entries = link.do("XRANGE", NAMES.stream(topic), "-", "+")
    found = []
    for _, fields in entries:
        pairs = (
            fields
            if isinstance(fields, dict)
            else dict(zip(fields[::2], fields[1::2], strict=True))
        )
        found.append(orjson.loads(pairs[b"update"]))
    return found


def test_what_was_there_before_the_first_message_is_in_the_state(link: RedisLink) -> None:
    feed = Feed(link)

    feed.tell(row("SPY", 1.0), row("QQQ", 2.0))
    feed.write()

    state = state_of(link)
    assert state.seq == 1
    assert {key: value["price"] for (_, key), value in state.values.items()} == {
        "SPY": 1.0,
        "QQQ": 2.0,
    }


def test_every_beat_is_told_in_order_with_the_next_number(link: RedisLink) -> None:
    feed = Feed(link)
    feed.write()
    ear = link.hear([NAMES.updates])

    for price in range(1, 6):
        feed.tell(row("SPY", float(price)))
        if price != 3:  # two beats in one message
            feed.write()
    told = heard(ear, 4)
    ear.close()

    assert [each.seq for each in told] == [2, 3, 4, 5]
    prices = [u.payload["price"] for each in told for beat in each.beats for u in beat]
    assert prices == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert [len(each.beats) for each in told] == [1, 1, 2, 1]


def test_a_key_that_is_gone_leaves_the_state(link: RedisLink) -> None:
    feed = Feed(link)
    feed.tell(row("SPY", 1.0), row("QQQ", 2.0))
    feed.write()

    feed.tell(Update("indicator.rows", "QQQ", None))
    feed.write()

    assert set(state_of(link).values) == {("indicator.rows", "SPY")}


def test_leftovers_of_an_owner_before_leave_the_state(link: RedisLink) -> None:
    old = Feed(link, "old")
    old.tell(row("GLD", 9.0))
    old.write()
    old.lock.release()
    new = Feed(link, "new")

    new.tell(row("SPY", 1.0))
    new.write()

    assert set(state_of(link).values) == {("indicator.rows", "SPY")}
    assert state_of(link).seq == 1


def test_an_owner_that_is_one_no_more_writes_nothing(link: RedisLink) -> None:
    old = Feed(link, "old")
    old.tell(row("SPY", 1.0))
    old.write()
    link.do("DEL", NAMES.lock)
    new = Feed(link, "new")
    new.tell(row("SPY", 2.0))
    new.write()
    ear = link.hear([NAMES.updates])

    old.tell(row("SPY", 3.0))
    old.write()

    assert heard_within(ear, 0.3) == []
    ear.close()
    assert state_of(link).values["indicator.rows", "SPY"]["price"] == 2.0
    assert old.lock.fence is None, "it has been told"


def heard_within(ear: RedisEar, seconds: float) -> list[Beats]:
    found, deadline = [], time.monotonic() + seconds
    while time.monotonic() < deadline:
        message = ear.read(0.05)
        if message is not None:
            found.append(read_message(message.body))
    return found


def test_after_an_outage_the_state_is_written_whole(
    link: RedisLink, redis_here: RedisServer
) -> None:
    feed = Feed(link)
    feed.tell(row("SPY", 1.0), row("QQQ", 2.0))
    feed.write()
    feed.tell(row("SPY", 3.0))
    redis_here.stop()
    with pytest.raises(SourceError):
        feed.write()
    feed.tell(row("SPY", 4.0))

    redis_here.start()
    feed.lock.keep()
    feed.write()

    state = state_of(link)
    assert {key: value["price"] for (_, key), value in state.values.items()} == {
        "SPY": 4.0,
        "QQQ": 2.0,
    }


def test_a_slow_redis_is_never_waited_for_and_costs_no_memory(link: RedisLink) -> None:
    feed = Feed(link)
    feed.write()

    for price in range(10 * WAITING):
        feed.tell(row("SPY", float(price)))

    assert feed.out.depth <= WAITING
    ear = link.hear([NAMES.updates])
    feed.write()
    (told,) = heard(ear, 1)
    ear.close()
    assert told.whole
    assert state_of(link).values["indicator.rows", "SPY"]["price"] == 10 * WAITING - 1


def test_signals_and_notices_of_an_outage_reach_their_streams_in_order_once(
    link: RedisLink, redis_here: RedisServer
) -> None:
    feed = Feed(link)
    feed.write()
    redis_here.stop()
    for number in range(3):
        feed.tell(Update("notice", "", {"id": number, "recent": [{"id": 0}]}))
        with pytest.raises(SourceError):
            feed.write()

    redis_here.start()
    feed.lock.keep()
    feed.write()
    feed.tell(Update("trade.signal", "", {"id": "s"}))
    feed.write()
    feed.write()

    assert [entry[2] for entry in stream(link, "notice")] == [{"id": 0}, {"id": 1}, {"id": 2}]
    assert stream(link, "trade.signal") == [["trade.signal", "", {"id": "s"}]]


def test_an_answer_that_was_lost_puts_nothing_into_a_stream_twice(link: RedisLink) -> None:
    feed = Feed(link)
    feed.write()
    real = link.do

    class Deaf:
        def do(self, *command: Any) -> Any:
            real(*command)
            raise SourceError("the answer came too late")

    feed.out._link = Deaf()
    feed.tell(Update("notice", "", {"id": 1}))
    with pytest.raises(SourceError):
        feed.write()
    feed.out._link = link
    feed.write()

    assert [entry[2]["id"] for entry in stream(link, "notice")] == [1]


def test_what_json_cannot_carry_keeps_nothing_else_back(link: RedisLink) -> None:
    feed = Feed(link)

    feed.tell(row("SPY", 1.0), Update("candle.close", "SPY", {"odd": object()}))
    feed.write()

    assert set(state_of(link).values) == {("indicator.rows", "SPY")}


def test_the_worker_writes_nothing_while_it_does_not_own_and_all_when_it_does(
    link: RedisLink, until: Callable[..., None]
) -> None:
    feed = Feed(link)
    feed.lock.lost()
    stop = threading.Event()
    worker = threading.Thread(target=feed.out.run, args=(stop,))
    worker.start()
    try:
        feed.tell(row("SPY", 1.0))
        time.sleep(0.3)  # that nothing happens shows only in time
        assert link.do("EXISTS", NAMES.state) == 0

        feed.lock.keep()

        until(lambda: link.do("EXISTS", NAMES.state) == 1)
        assert state_of(link).values["indicator.rows", "SPY"]["price"] == 1.0
    finally:
        stop.set()
        worker.join(5)


@pytest.fixture
def until() -> Callable[..., None]:
    def wait(look: Callable[[], bool], seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not look():
            assert time.monotonic() < deadline, "it did not come"
            time.sleep(0.02)

    return wait
