"""How much one browser, one address and all together may ask of the sockets."""

from __future__ import annotations

import ipaddress

from grok_sauce.values import dataclass


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Caps of the live connections; 0 switches none of them off, it refuses everything."""

    sockets: int = 4000  # open at once, all addresses together
    per_address: int = 64  # open at once from one address; loopback is not counted
    rooms: int = 50  # that one connection follows
    events: float = 20.0  # a second from one connection, and as many at once
    message: int = 8 * 1024  # bytes of one message from a browser
    ping_interval: float = 25.0  # seconds; with ping_timeout how soon a dead browser is noticed
    ping_timeout: float = 20.0  # seconds
    stuck: float = 60.0  # seconds without taking what is being written, then it is dropped


class Bucket:
    """A connection's allowance of events: `rate` a second, `rate` at once.

    refused counts what went over since the allowance was last full.
    """

    __slots__ = ("_at", "_left", "_rate", "refused")

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._left = rate
        self._at = now
        self.refused = 0

    def take(self, now: float) -> bool:
        """May one more event pass? now: monotonic seconds.

        >>> bucket = Bucket(2.0, now=0.0)
        >>> [bucket.take(0.0), bucket.take(0.0), bucket.take(0.0), bucket.take(0.5)]
        [True, True, False, True]
        """
        self._left = min(self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left >= self._rate:
            self.refused = 0
        if self._left < 1.0:
            self.refused += 1
            return False
        self._left -= 1.0
        return True


def is_loopback(address: str) -> bool:
    """Is this this machine itself?

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("::ffff:127.0.0.1")
    (True, True, True)
    >>> is_loopback("192.0.2.7"), is_loopback("")
    (False, False)
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return found.is_loopback or (mapped is not None and mapped.is_loopback)
