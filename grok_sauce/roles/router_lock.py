"""A router's queue has one owner over machines too, as far as Redis can tell."""

from __future__ import annotations

import hashlib
import logging
import platform
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from grok_sauce import settings as knobs
from grok_sauce.errors import GrokSauceError, SourceError
from grok_sauce.publishers.updates import UpdatesOut
from grok_sauce.redis_link import RedisSettings, connect
from grok_sauce.roles.wire import RoleSettings
from grok_sauce.router_half import RouterHalf
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.fenced_lock import FencedLock

log = logging.getLogger(__name__)

LEASE: Final = 30.0  # seconds
EVERY: Final = 5.0  # seconds between two renewals
TRY: Final = 1.0  # seconds between two tries of one that waits


class TakenOver(GrokSauceError):
    """Another router has the lock of this one's queue."""


class RouterLock:
    """A worker that keeps the lock. What it cannot do stops no alert.

    The owner's name is the folder's, so that a router that was killed has it back at once.
    """

    name = "router lock"
    longest_pause = EVERY

    def __init__(self, lock: FencedLock) -> None:
        self.lock = lock
        self._reached = True

    def wait(self, stop: threading.Event | None = None) -> None:
        """Until no other router has the queue, or Redis cannot say."""
        stop = stop or threading.Event()
        told = False
        while not stop.is_set():
            try:
                if self.lock.keep() is not None:
                    return
            except SourceError as problem:
                self._missed(problem)
                return
            if not told:
                log.warning("router: %s owns this queue; waiting", self.lock.holder)
                told = True
            stop.wait(TRY)

    def run(self, stop: threading.Event) -> None:
        """Keep it until stop is set, then give it back.

        Raises:
            TakenOver: another router has it; alerts go on all the same.
        """
        while not stop.is_set():
            try:
                if self.lock.keep() is None:
                    raise TakenOver(f"{self.lock.holder} has taken this queue over; stop one of us")
                if not self._reached:
                    log.info("router: the lock of the queue is kept again")
                self._reached = True
            except SourceError as problem:
                self._missed(problem)
            stop.wait(EVERY)
        try:
            self.lock.release()
        except SourceError as problem:
            log.info("router: %s", problem)

    def _missed(self, problem: SourceError) -> None:
        if self._reached:
            log.warning("router: the lock of the queue is not kept, alerts go on: %s", problem)
        self._reached = False


class AlertsTold(UpdatesOut):
    """UpdatesOut for which a Redis that is gone is no trouble of this process."""

    def run(self, stop: threading.Event) -> None:
        """Write until stop is set; what Streams want waits for Redis."""
        while not stop.is_set():
            try:
                super().run(stop)
            except SourceError as problem:
                log.debug("router: alerts are not told on Redis: %s", problem)
                stop.wait(EVERY)


def guarded(half: RouterHalf, environ: Mapping[str, str], data: Path, clock: Clock) -> RouterHalf:
    """half once its queue is free, with who keeps it so; as it is where there is no REDIS_URL.

    What becomes of each alert is told on Redis too, and kept in a Stream.
    """
    redis = knobs.read_env(RedisSettings, environ)
    if redis.url is None:
        return half
    try:
        link = connect(redis, clock, wait=1.0)
    except GrokSauceError as problem:  # the package is not there
        log.warning("router: no lock over machines: %s", problem)
        return half
    folder = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
    names = knobs.read_env(RoleSettings, environ).of_router
    lock = FencedLock(link, names.lock, f"{platform.node()} {folder}", clock, LEASE)
    keeper = RouterLock(lock)
    keeper.wait()
    told = AlertsTold(link, names, lambda: lock.fence, lock.lost, half.snapshot.everything, clock)
    half.publishers.append(told.publish)
    half.workers += [keeper, told]
    return half
