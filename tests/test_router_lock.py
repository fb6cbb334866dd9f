"""The lock of a router's queue: one over machines, and never in the way of an alert."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.redis_link import RedisSettings, connect
from grok_sauce.router_half import RouterHalf
from grok_sauce.router_lock import RouterLock, TakenOver, guarded
from grok_sauce.runtime.clock import RealClock
from grok_sauce.runtime.fenced_lock import FencedLock
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
    worker = half.workers[-1]
    assert isinstance(worker, RouterLock)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))

    redis_here.stop()
    try:
        thread.start()
        thread.join(1.0)

        assert thread.is_alive()
    finally:
        stop.set()
        thread.join(10)
        redis_here.start()


def test_without_redis_there_is_no_lock(tmp_path: Path) -> None:
    half = RouterHalf(CLOCK, tmp_path / "settings.json", nothing, nothing)
    before = list(half.workers)

    assert guarded(half, {}, tmp_path, CLOCK).workers == before
