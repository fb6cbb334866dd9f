"""TradingView's frames: `~m~LENGTH~m~PAYLOAD`, several in one message or one cut anywhere."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

LIMIT: Final = 16 * 1024 * 1024  # characters of one frame
_HEAD: Final = re.compile(r"~m~([0-9]{1,9})~m~", re.ASCII)
_PART: Final = re.compile(r"~(?:m(?:~(?:[0-9]{1,9}(?:~(?:m)?)?)?)?)?\Z", re.ASCII)
_HEARTBEAT: Final = re.compile(r"~h~([0-9]{1,12})", re.ASCII)


def units(text: str) -> int:
    """Length as JavaScript counts it: a character beyond the first 65,536 counts twice.

    >>> units("lp"), units("\\u20ac"), units("\\U0001f4c8")
    (2, 1, 2)
    """
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def framed(payload: str) -> str:
    """One frame.

    >>> framed("~h~1")
    '~m~4~m~~h~1'
    """
    return f"~m~{units(payload)}~m~{payload}"


def message(method: str, *args: Any) -> str:
    """A frame that calls a method.

    >>> message("quote_create_session", "qs_a")
    '~m~41~m~{"m":"quote_create_session","p":["qs_a"]}'
    """
    return framed(orjson.dumps({"m": method, "p": list(args)}).decode())


def ping(count: int) -> str:
    """A heartbeat, ours or the server's echoed."""
    return framed(f"~h~{count}")


def heartbeat(payload: str) -> int | None:
    """The number of a heartbeat; None for any other payload."""
    match = _HEARTBEAT.fullmatch(payload)
    return None if match is None else int(match[1])


class Unframer:
    """Text in, payloads out, in order; the rest of a cut frame is held until it comes.

    complaints collects what was wrong, in words; the caller reads and empties it. A length
    that does not fit costs its frame at most: reading goes on at the next head.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._held = ""
        self.complaints: list[str] = []

    def feed(self, text: str) -> list[str]:
        """The payloads that are whole with this text."""
        if self._held and _HEAD.match(text):
            self.complaints.append("a frame ended before its length")
            self._held = ""
        data, self._held = self._held + text, ""
        payloads: list[str] = []
        at = 0
        while at < len(data):
            at = self._step(data, at, payloads)
        if len(self._held) > self._limit + 32:
            self.complaints.append(f"a frame of more than {self._limit} characters")
            self._held = ""
        return payloads

    def _step(self, data: str, at: int, payloads: list[str]) -> int:
        """Take one frame, or skip to the next; where to go on."""
        head = _HEAD.match(data, at)
        if head is None:
            if _PART.match(data, at):
                self._held = data[at:]
                return len(data)
            self.complaints.append("text that is no frame")
            return self._next(data, at)
        size, begin = int(head[1]), head.end()
        if size > self._limit:
            self.complaints.append(f"a frame of {size} characters")
            return self._next(data, begin)
        end = _end(data, begin, size)
        following = _HEAD.search(data, begin)  # no payload holds one: text in JSON has no need
        if following is not None and (end is None or following.start() < end):
            end = following.start()
            self.complaints.append("a frame shorter than its length")
        elif end is None:
            self._held = data[at:]
            return len(data)
        elif not data.startswith("~m~"[: len(data) - end], end):
            end = len(data) if following is None else following.start()
            self.complaints.append("a frame longer than its length")
        payloads.append(data[begin:end])
        return end

    def _next(self, data: str, at: int) -> int:
        """Start of the next head; what may be the beginning of one is held."""
        following = _HEAD.search(data, at)
        if following is not None:
            return following.start()
        part = _PART.search(data, at)
        if part is not None:
            self._held = data[part.start() :]
        return len(data)


def _end(data: str, begin: int, size: int) -> int | None:
    """Where size units from begin end; None when there are not so many yet."""
    plain = begin + size
    part = data[begin:plain]
    if part.isascii() or max(part) <= "\uffff":
        return plain if plain <= len(data) else None
    left = size
    for place in range(begin, len(data)):
        if left <= 0:
            return place
        left -= 2 if data[place] > "\uffff" else 1
    return len(data) if left <= 0 else None
