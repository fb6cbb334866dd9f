"""Rate gates of the webhook: exact moving windows in bounded memory."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Final

from grok_sauce.alerts.settings import AlertSettings
from grok_sauce.runtime import concurrency

SENDER_WINDOW_S: Final = 10.0
MINUTE_S: Final = 60.0
DAY_S: Final = 86_400.0
MAX_ADDRESSES: Final = 10_000  # with 100 times each: a few megabytes
MAX_SENDERS: Final = 1000


class MovingWindows:
    """At most so many hits of a key within any span of so many seconds.

    rules are (limit, seconds) and all must hold; a refused hit does not count. Of more than
    max_keys keys the one longest out of use is forgotten. Not thread-safe.
    """

    def __init__(self, rules: tuple[tuple[int, float], ...], max_keys: int) -> None:
        self._rules = rules
        self._most = max(limit for limit, _ in rules)
        self._longest = max(seconds for _, seconds in rules)
        self._max_keys = max_keys
        self._hits: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        """Keys that are remembered."""
        return len(self._hits)

    def hit(self, key: Hashable, now: float) -> bool:
        """Take a place at monotonic time now (seconds, never going back); False: there is none.

        A hit exactly `seconds` old has left its window.
        """
        times = self._hits.get(key)
        if times is None:
            times = self._hits[key] = deque(maxlen=self._most)
            if len(self._hits) > self._max_keys:
                self._hits.popitem(last=False)
        self._hits.move_to_end(key)
        while times and times[0] <= now - self._longest:
            times.popleft()
        for limit, seconds in self._rules:
            # The hit `limit` places from the end decides: if it is inside, the window is full.
            if len(times) >= limit and times[-limit] > now - seconds:
                return False
        times.append(now)
        return True


class Limits:
    """Who may send how much. now() is monotonic seconds. Safe for many threads."""

    def __init__(self, settings: AlertSettings, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = concurrency.brief_lock()
        self._senders = MovingWindows(((settings.webhook_rate, SENDER_WINDOW_S),), MAX_SENDERS)
        self._unknown = MovingWindows(
            ((settings.unknown_per_minute, MINUTE_S), (settings.unknown_per_day, DAY_S)),
            MAX_ADDRESSES,
        )

    def sender(self, token_id: int | None) -> bool:
        """May this token send one more? None stands for all that sign instead."""
        with self._lock:
            return self._senders.hit(token_id, self._now())

    def unknown(self, address: str) -> bool:
        """May this address try once more without a valid token?

        An IPv6 address counts with its /64: one customer has all of that.
        """
        with self._lock:
            return self._unknown.hit(_network(address), self._now())


def _network(address: str) -> str:
    """The key of an address; what is none stands for itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), 64), strict=False))
