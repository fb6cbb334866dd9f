"""The lock of a router's queue: one over machines, and never in the way of an alert."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.publishers.updates import UpdatesOut
from grok_sauce.redis_link import RedisSettings, connect
from grok_sauce.roles.router_lock import RouterLock, TakenOver, guarded
from grok_sauce.roles.wire import RoleSettings
from grok_sauce.router_half import RouterHalf
from grok_sauce.runtime.clock import RealClock
from grok_sauce.runtime.fenced_lock import FencedLock
from grok_sauce.update import Update
from tests.redis_server import RedisServer, free_port

CLOCK = RealClock()


@pytest.fixture(scope="module")
def redis_here() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def keeper(redis_here: RedisServer) -> Callable[[str], RouterLock]:
    redis_here.cli("FLUSHALL")
    link = connect(RedisSettings(redis_here.url), CLOCK)
    return lambda owner: RouterLock(FencedLock(link, "t:router:lock", owner, CLOCK, 30.0))


def test_a_second_router_waits_until_the_first_lets_go(
    keeper: Callable[[str], RouterLock],
) -> None:
    first, second = keeper("one"), keeper("two")
    first.wait()
    waiting = threading.Thread(target=second.wait)
    waiting.start()
    waiting.join(0.5)
    waited = waiting.is_alive()

    first.lock.release()
    waiting.join(5)

    assert waited
    assert not waiting.is_alive()
    assert second.lock.fence is not None


def test_a_router_that_was_killed_has_its_own_queue_back_at_once(
    keeper: Callable[[str], RouterLock],
) -> None:
    keeper("one").wait()
    began = time.monotonic()

    keeper("one").wait()

    assert time.monotonic() - began < 1


def test_one_that_was_taken_over_says_so(keeper: Callable[[str], RouterLock]) -> None:
    first, second = keeper("one"), keeper("two")
    first.wait()
    first.lock.release()
    second.wait()

    with pytest.raises(TakenOver, match="two"):
        first.run(threading.Event())


def nothing() -> dict[str, Any]:
    return {}


def test_a_redis_that_is_gone_keeps_no_router_from_starting(tmp_path: Path) -> None:
    half = RouterHalf(CLOCK, tmp_path / "settings.json", nothing, nothing)
    began = time.monotonic()

    found = guarded(half, {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"}, tmp_path, CLOCK)

    assert found is half
    assert time.monotonic() - began < 3


def test_a_redis_that_goes_away_ends_no_worker(redis_here: RedisServer, tmp_path: Path) -> None:
    redis_here.cli("FLUSHALL")
    half = RouterHalf(CLOCK, tmp_path / "settings.json", nothing, nothing)
    guarded(half, {"REDIS_URL": redis_here.url}, tmp_path, CLOCK)
    workers = [each for each in half.workers if isinstance(each, (RouterLock, UpdatesOut))]
    stop = threading.Event()
    threads = [threading.Thread(target=worker.run, args=(stop,)) for worker in workers]

    redis_here.stop()
    try:
        for thread in threads:
            thread.start()
        half.publish([Update("alert.state", "a1", {"seq": 1})])
        time.sleep(1.0)  # that nothing ends shows only in time

        assert [thread.is_alive() for thread in threads] == [True, True]
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
        redis_here.start()


def test_without_redis_there_is_no_lock(tmp_path: Path) -> None:
    half = RouterHalf(CLOCK, tmp_path / "settings.json", nothing, nothing)
    before = list(half.workers)

    assert guarded(half, {}, tmp_path, CLOCK).workers == before


def test_what_becomes_of_an_alert_is_kept_in_a_stream(
    redis_here: RedisServer, tmp_path: Path
) -> None:
    redis_here.cli("FLUSHALL")
    half = RouterHalf(CLOCK, tmp_path / "settings.json", nothing, nothing)
    guarded(half, {"REDIS_URL": redis_here.url}, tmp_path, CLOCK)
    half.publish([Update("alert.state", "a1", {"seq": 1, "state": "held"})])
    half.publish(
        [
            Update("alert.state", "a1", {"seq": 1, "state": "delivered"}),
            Update("alert.state", "#numbers", {"held": 0}),
        ]
    )
    stop = threading.Event()
    (worker,) = [each for each in half.workers if isinstance(each, UpdatesOut)]
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    name = RoleSettings().of_router.stream("alert.state")
    deadline = time.monotonic() + 10
    while redis_here.cli("XLEN", name) != "2" and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    thread.join(5)

    told = redis_here.cli("XRANGE", name, "-", "+")
    assert told.index("held") < told.index("delivered")
    assert "#numbers" not in told
