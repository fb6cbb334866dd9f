"""The rules of the fast lane against everything a kernel, a queue and a reader may do."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from engineio.exceptions import SocketIsClosedError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from grok_sauce.publishers.broadcast import QUEUE, Manager
from grok_sauce.publishers.frames import Message
from grok_sauce.publishers.wire import Wire


class Lock:
    """One thread, so that waiting for it would be a bug of the test."""

    def __init__(self) -> None:
        self.held = False

    def acquire(self) -> None:
        assert not self.held
        self.held = True

    def release(self) -> None:
        self.held = False

    def locked(self) -> bool:
        return self.held

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class EngineSocket:
    """engineio.socket.Socket as far as the fast lane knows it."""

    def __init__(self) -> None:
        self.queue = Queue()
        self.upgraded = True
        self.closed = False

    def send(self, packet: Any) -> None:
        if self.closed:
            raise SocketIsClosedError
        self.queue.append(packet)

    def close(self, wait: bool, abort: bool) -> None:
        self.closed = True


class Queue(deque[Any]):
    def qsize(self) -> int:
        return len(self)


class Raw:
    def __init__(self) -> None:
        self.shut = False

    def setsockopt(self, *_: object) -> None:
        pass

    def shutdown(self, _: int) -> None:
        self.shut = True


class Lane:
    """A manager with one browser in one room, and what reached that browser."""

    def __init__(self) -> None:
        self.spawned: list[Callable[[], None]] = []
        self.now = 0.0
        self.manager = Manager(
            lambda: self.now,
            stuck=60.0,
            spawn=lambda f, *a, name: self.spawned.append(lambda: f(*a)),
        )
        self.engine = EngineSocket()
        ids = iter(["sid-1"])
        self.manager.server = SimpleNamespace(
            eio=SimpleNamespace(sockets={"e1": self.engine}, generate_id=lambda: next(ids))
        )
        self.client = self.manager.opened("e1", "127.0.0.1")
        sid = self.manager.connect(self.manager.pre_connect("e1", "/"), "/")
        self.manager.enter_room(sid, "/", "room")
        self.stream = b""
        self.takes: int | None = None  # bytes the kernel takes of the next frame; None: all
        self.raw = Raw()
        self.wire = Wire(None, self.raw, Lock(), self.write, lambda: self.now, packs=False)
        self.wire.direct = self.kernel
        self.manager._wired("e1", self.wire)
        self.seq = 0

    def write(self, data: bytes) -> None:
        self.stream += data

    def kernel(self, data: bytes, flags: int) -> int:
        if self.takes == 0:
            raise BlockingIOError
        taken = len(data) if self.takes is None else min(self.takes, len(data))
        self.stream += data[:taken]
        return taken

    def whole(self) -> Message:
        return Message("u", {"seq": self.seq, "full": True})

    def publish(self) -> None:
        self.seq += 1
        self.manager.broadcast("room", Message("u", {"seq": self.seq, "full": False}), self.whole)

    def engine_writes(self) -> None:
        """Engine.IO's writer takes a packet off the queue and sends it."""
        self.wire.send(self.engine.queue.popleft().encode())

    def told(self) -> list[dict[str, Any]]:
        """What the browser can read so far; a cut frame at the end is left out."""
        messages, at = [], 0
        while len(self.stream) - at >= 2:
            size = self.stream[at + 1]
            assert self.stream[at] == 0x81, "frames got mixed up"
            assert size < 126
            if len(self.stream) < at + 2 + size:
                break
            text = self.stream[at + 2 : at + 2 + size].decode()
            if text.startswith("42"):
                messages.append(json.loads(text[2:])[1])
            at += 2 + size
        return messages


class FastLane(RuleBasedStateMachine):
    """Publishing, a kernel that takes what it likes, pings and answers in between."""

    @initialize()
    def begin(self) -> None:
        self.lane = Lane()
        self.others = 0

    @rule(takes=st.none() | st.integers(0, 40))
    def publish(self, takes: int | None) -> None:
        self.lane.takes = takes
        self.lane.publish()

    @rule()
    def engine_has_something_to_say(self) -> None:
        self.lane.engine.send(SimpleNamespace(encode=lambda: "2"))
        self.others += 1

    @precondition(lambda self: self.lane.engine.queue and not self.lane.wire.lock.locked())
    @rule()
    def engine_writes(self) -> None:
        self.lane.engine_writes()

    @precondition(lambda self: self.lane.spawned)
    @rule()
    def the_rest_of_a_frame_goes_out(self) -> None:
        self.lane.spawned.pop(0)()

    @invariant()
    def nothing_piles_up(self) -> None:
        assert len(self.lane.client.owed) <= 1
        assert len(self.lane.engine.queue) <= self.others + 1
        assert len(self.lane.spawned) <= 1

    @invariant()
    def nothing_is_out_of_order_or_missing(self) -> None:
        last = 0
        for message in self.lane.told():
            assert message["seq"] > last
            assert message["seq"] == last + 1 or message["full"]
            last = message["seq"]

    def teardown(self) -> None:
        """Once it reads again, a browser ends with the newest state."""
        if not hasattr(self, "lane"):
            return
        for finish in self.lane.spawned:
            finish()
        while self.lane.engine.queue:
            self.lane.engine_writes()
        told = self.lane.told()
        assert (told[-1]["seq"] if told else 0) == self.lane.seq
        assert self.lane.client.sent == len(told)


TestFastLane = FastLane.TestCase
TestFastLane.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)


def test_a_frame_goes_straight_to_the_kernel_when_nothing_waits() -> None:
    lane = Lane()

    lane.publish()

    assert lane.told() == [{"seq": 1, "full": False}]
    assert not lane.engine.queue


@pytest.mark.parametrize("why", ["locked", "queued", "polling", "no wire", "under TLS"])
def test_it_waits_its_turn_when_something_is_ahead_of_it(why: str) -> None:
    lane = Lane()
    if why == "locked":
        lane.wire.lock.acquire()
    elif why == "queued":
        lane.engine.send("2")
    elif why == "polling":
        lane.engine.upgraded = False
    elif why == "no wire":
        lane.manager._unwired("e1", lane.wire)
    else:
        lane.wire.direct = None

    lane.publish()

    assert lane.stream == b""
    waiting = lane.engine.queue[-1]
    assert waiting.encode(b64=True) == '42["u",{"seq":1,"full":false}]'


def test_what_waits_becomes_the_newest_whole_state_when_more_happens() -> None:
    lane = Lane()
    lane.wire.lock.acquire()
    for _ in range(50):
        lane.publish()
    lane.wire.lock.release()

    lane.engine_writes()

    assert lane.told() == [{"seq": 50, "full": True}]
    assert not lane.engine.queue
    assert (lane.client.sent, lane.client.skipped) == (1, 49)


def test_a_browser_is_dropped_once_when_it_takes_nothing_for_long() -> None:
    lane = Lane()
    lane.takes = 5
    lane.publish()
    lane.publish()
    lane.wire.since = 0.0  # the rest of the first frame is being written since then

    lane.now = 59.0
    lane.publish()
    still_there = not lane.raw.shut
    lane.now = 61.0
    lane.publish()
    lane.publish()

    assert still_there
    assert lane.raw.shut
    assert lane.manager.dropped == 1


def test_an_event_that_is_no_state_is_never_skipped_but_its_backlog_has_an_end() -> None:
    lane = Lane()
    lane.manager.emit("notice", {"n": 1}, "/")
    lane.takes = 3
    lane.manager.emit("notice", {"n": 2}, "/")
    for n in range(QUEUE + 1):
        lane.manager.emit("notice", {"n": n + 3}, "/")
    kept = not lane.raw.shut
    lane.manager.emit("notice", {"n": 0}, "/")
    lane.spawned.pop()()
    for packet in lane.engine.queue:
        lane.wire.send(packet.encode())

    assert kept
    assert lane.raw.shut
    assert [message["n"] for message in lane.told()] == list(range(1, QUEUE + 4))


def test_the_count_of_a_closed_connection_is_kept() -> None:
    lane = Lane()
    lane.publish()

    lane.manager.closed("e1")

    assert (lane.manager.sent, lane.manager.clients) == (1, {})


def test_a_connection_that_closes_meanwhile_is_passed_over() -> None:
    lane = Lane()
    lane.engine.closed = True

    lane.publish()

    assert lane.client.owed == {}
    assert lane.stream == b""
