"""Message: a Socket.IO event, encoded, framed and packed once for any number of browsers."""

from __future__ import annotations

import struct
import zlib
from typing import Any, Final

import orjson

TEXT: Final = 0x81  # RFC 6455 5.2: whole message (FIN), text
PACKED: Final = 0xC1  # the same with RSV1: compressed, RFC 7692 6
# Below this many bytes a frame fits one network packet anyway and packing is wasted.
PACK_FROM: Final = 1024


def frame(body: bytes, first: int = TEXT) -> bytes:
    """A whole WebSocket message from a server: header and unmasked body (RFC 6455 5.2).

    >>> frame(b"2")
    b'\\x81\\x012'
    >>> frame(bytes(126))[:4], len(frame(bytes(65536)))
    (b'\\x81~\\x00~', 65546)
    """
    size = len(body)
    if size < 126:
        return bytes((first, size)) + body
    if size < 65536:
        return struct.pack("!BBH", first, 126, size) + body
    return struct.pack("!BBQ", first, 127, size) + body


def packed_frame(body: bytes) -> bytes | None:
    """The frame compressed without context (RFC 7692 7.2.1), None when that gains nothing.

    Level 1: of a table of 1.8 kB it leaves 470 bytes in 8 us; higher levels cost more
    than they save.
    """
    if len(body) < PACK_FROM:
        return None
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed = (packer.compress(body) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
    return frame(packed, PACKED) if len(packed) < len(body) * 0.9 else None


class Message:
    """An event with its data as it goes out; each form is made on first use and then shared.

    body is the Engine.IO message packet with the Socket.IO event inside (UTF-8). NaN and
    infinities become null: they are not JSON and the page would fail to read the whole.

    Raises:
        TypeError: data holds something JSON cannot carry, bytes among it.
    """

    __slots__ = ("_packed", "_plain", "body")

    def __init__(self, event: str, data: Any, namespace: str = "/") -> None:
        where = b"" if namespace == "/" else namespace.encode() + b","
        args = [event, *data] if isinstance(data, tuple) else [event, data]
        if data is None:
            args = [event]
        self.body = b"42" + where + orjson.dumps(args, option=orjson.OPT_SERIALIZE_NUMPY)
        self._plain: bytes | None = None
        self._packed: bytes | None = None

    @property
    def plain(self) -> bytes:
        """The frame for those that did not agree on compression."""
        if self._plain is None:
            self._plain = frame(self.body)
        return self._plain

    @property
    def packed(self) -> bytes:
        """The compressed frame, or the plain one where compressing gains nothing."""
        if self._packed is None:
            self._packed = packed_frame(self.body) or self.plain
        return self._packed

    @property
    def text(self) -> str:
        """The packet as text, for long polling."""
        return self.body.decode()
