"""WebSocket frames out of a byte stream (RFC 6455 section 5), many messages a call."""

from __future__ import annotations

from typing import Final

from grok_sauce.errors import SourceError
from grok_sauce.values import dataclass

CAPACITY: Final = 262_144  # bytes read at once
_LEAST_FREE: Final = 65_536
_TEXT_WHOLE: Final = 0x81
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class BadFrame(SourceError):
    """The stream is not WebSocket any more; the connection cannot be used."""


@dataclass(frozen=True, slots=True)
class Control:
    """A ping, pong or close frame, opcode 0x9, 0xA, 0x8."""

    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        """The code of a close frame; 1005 when it carries none."""
        return int.from_bytes(self.payload[:2], "big") if len(self.payload) >= 2 else 1005

    @property
    def close_reason(self) -> str:
        """The reason of a close frame."""
        return self.payload[2:].decode("utf-8", "replace")


class FrameSplitter:
    """Read into space(), then received(count) returns the whole messages.

    Fragments are joined, masks taken off (a server should not mask, some gateways do).
    controls collects control frames in order; the caller answers and empties it. limit is
    the largest message (bytes).
    """

    def __init__(self, limit: int = 16 * 1024 * 1024) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._fragmented = False
        self._start = self._end = 0
        self._need = 0  # size of the frame that is not whole yet
        self._allocate(CAPACITY)
        self.controls: list[Control] = []

    def space(self) -> memoryview:
        """Where the next bytes go; never empty."""
        held = self._end - self._start
        if not held and len(self._data) > CAPACITY:
            self._allocate(CAPACITY)
            self._start = self._end = 0
        if len(self._data) - self._end < _LEAST_FREE or self._need > len(self._data) - self._start:
            old = self._data
            start = self._start
            if max(self._need, held) + _LEAST_FREE > len(old):
                self._allocate(max(self._need, held) + CAPACITY)
            self._data[:held] = old[start : start + held]
            self._start, self._end = 0, held
        return self._view[self._end :]

    def received(self, count: int) -> list[bytes]:
        """Messages completed by the `count` bytes just read into space().

        Raises:
            BadFrame: against the protocol, or larger than limit.
        """
        self._end += count
        data, view, start, end = self._data, self._view, self._start, self._end
        messages: list[bytes] = []
        self._need = 0
        while end - start >= 2:
            first, length = data[start], data[start + 1]
            begin = start + 2
            masked = length & 0x80
            length &= 0x7F
            if length == 126:
                begin += 2
                if end < begin:
                    break
                length = data[start + 2] << 8 | data[start + 3]
            elif length == 127:
                begin += 8
                if end < begin:
                    break
                length = int.from_bytes(view[start + 2 : begin], "big")
                if length > self._limit:
                    raise BadFrame(f"a WebSocket frame of {length} bytes")
            if masked:
                begin += 4
            stop = begin + length
            if stop > end:
                if first & 0x70:
                    self._unusual(first, b"", messages)  # no sense in waiting for the rest
                self._need = stop - start
                break
            payload = bytes(view[begin:stop])
            if masked:
                payload = unmask(payload, bytes(view[begin - 4 : begin]))
            if first == _TEXT_WHOLE and not self._fragmented:
                messages.append(payload)
            else:
                self._unusual(first, payload, messages)
            start = stop
        if start == end:
            start = end = 0
        self._start, self._end = start, end
        return messages

    def _unusual(self, first: int, payload: bytes, messages: list[bytes]) -> None:
        """Anything but a text message in one frame."""
        final, opcode = first & 0x80, first & 0x0F
        if first & 0x70:
            raise BadFrame("a WebSocket frame uses an extension that was not agreed")
        if opcode in (_CLOSE, _PING, _PONG):
            if not final or len(payload) > 125:
                raise BadFrame("a WebSocket control frame is cut or too long")
            self.controls.append(Control(opcode, payload))
            return
        if opcode not in (_CONTINUATION, _TEXT, _BINARY):
            raise BadFrame(f"a WebSocket frame of unknown kind {opcode}")
        if (opcode == _CONTINUATION) != self._fragmented:
            raise BadFrame("a WebSocket fragment out of place")
        self._parts.append(payload)
        self._size += len(payload) + 1  # an endless row of empty fragments ends too
        if self._size > self._limit:
            raise BadFrame(f"a WebSocket message of more than {self._limit} bytes")
        self._fragmented = not final
        if final:
            messages.append(b"".join(self._parts))
            self._parts.clear()
            self._size = 0

    def _allocate(self, size: int) -> None:
        self._data = bytearray(size)
        self._view = memoryview(self._data)


def unmask(payload: bytes, mask: bytes) -> bytes:
    """Take a mask off, or put it on.

    >>> unmask(unmask(b"Hello", b"abcd"), b"abcd")
    b'Hello'
    """
    length = len(payload)
    pattern = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")).to_bytes(length, "big")
