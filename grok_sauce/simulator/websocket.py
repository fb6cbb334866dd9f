"""The server's side of RFC 6455: handshake, frames in, frames out; bytes only, no socket."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Final, NamedTuple

TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
_CONTINUATION: Final = 0x0

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
_CONTROL_LIMIT: Final = 125  # section 5.5
MESSAGE_LIMIT: Final = 4 * 1024 * 1024  # bytes of one message from a client


class Violation(Exception):
    """The client broke the protocol; code is the close code to answer with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Message(NamedTuple):
    """One whole message (fragments joined) or one control frame."""

    opcode: int
    payload: bytes


def accept_key(key: str) -> str:
    """The Sec-WebSocket-Accept value for a client's key (section 4.2.2).

    >>> accept_key("dGhlIHNhbXBsZSBub25jZQ==")
    's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
    """
    digest = hashlib.sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def wants_upgrade(headers: Mapping[str, str]) -> bool:
    """Whether a GET asks for a WebSocket. Header names are in lower case."""
    connection = headers.get("connection", "").lower()
    return headers.get("upgrade", "").lower() == "websocket" and "upgrade" in connection


def handshake(headers: Mapping[str, str]) -> bytes:
    """The 101 answer; offers of extensions (deflate) are declined by leaving them out.

    Raises:
        Violation: a version other than 13, or a key that is not 16 bytes in base64.
    """
    if headers.get("sec-websocket-version") != "13":
        raise Violation(1002, "only WebSocket version 13 is served")
    key = headers.get("sec-websocket-key", "")
    try:
        raw = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 16:
        raise Violation(1002, "Sec-WebSocket-Key must be 16 bytes in base64")
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n"
    ).encode("ascii")


def frame(opcode: int, payload: bytes) -> bytes:
    """One final frame from the server, never masked (section 5.1).

    >>> frame(TEXT, b"Hello").hex()
    '810548656c6c6f'
    """
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big")
    return head + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """A Close frame; the reason is cut to what a control frame holds."""
    text = reason.encode("utf-8")[: _CONTROL_LIMIT - 2].decode("utf-8", "ignore")
    return frame(CLOSE, code.to_bytes(2, "big") + text.encode("utf-8"))


def close_code(payload: bytes) -> int:
    """The code in a Close frame's payload; 1005 when there is none.

    Raises:
        Violation: a payload of one byte, a code that may not be sent, or a reason that
            is not UTF-8 (section 7.4).
    """
    if not payload:
        return 1005
    code = int.from_bytes(payload[:2], "big")
    legal = 1000 <= code <= 1014 and code not in (1004, 1005, 1006)
    if len(payload) == 1 or not (legal or 3000 <= code <= 4999):
        raise Violation(1002, "close code may not be sent")
    _utf8(payload[2:])
    return code


def _utf8(payload: bytes) -> None:
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError:
        raise Violation(1007, "text is not UTF-8") from None


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    """XOR with the repeated mask, as one big number: fast without a loop in Python."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return mixed.to_bytes(size, "big")


class Reader:
    """Bytes from the client in, messages out; keeps what is not complete yet."""

    def __init__(self, limit: int = MESSAGE_LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._opcode = 0  # of the fragmented message under way; 0 = none
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Message]:
        """What became complete with these bytes, in order.

        Raises:
            Violation: the client must be sent a Close with this code; feed no more after it.
        """
        self._buffer += data
        messages: list[Message] = []
        while (taken := self._take_frame()) is not None:
            message = self._join(*taken)
            if message is not None:
                messages.append(message)
        return messages

    def _take_frame(self) -> tuple[bool, int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        opcode, size, at = first & 0x0F, second & 0x7F, 2
        if first & 0x70:
            raise Violation(1002, "reserved bits are set but no extension was agreed")
        if not second & 0x80:
            raise Violation(1002, "frames from a client must be masked")
        if opcode not in (_CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise Violation(1002, f"opcode {opcode} is reserved")
        if opcode >= CLOSE and (size > _CONTROL_LIMIT or not first & 0x80):
            raise Violation(1002, "control frames are short and never fragmented")
        if size >= 126:
            wide = 2 if size == 126 else 8
            if len(buffer) < 2 + wide:
                return None
            size, at = int.from_bytes(buffer[2 : 2 + wide], "big"), 2 + wide
            if size < (126 if wide == 2 else 65536) or size >> 63:
                raise Violation(1002, "length is not in its shortest form")
        if size > self._limit - self._size:
            raise Violation(1009, f"message is longer than {self._limit} bytes")
        end = at + 4 + size
        if len(buffer) < end:
            return None
        payload = _unmasked(bytes(buffer[at + 4 : end]), bytes(buffer[at : at + 4]))
        del buffer[:end]
        return bool(first & 0x80), opcode, payload

    def _join(self, final: bool, opcode: int, payload: bytes) -> Message | None:
        if opcode >= CLOSE:
            return Message(opcode, payload)
        if opcode == _CONTINUATION and not self._opcode:
            raise Violation(1002, "continuation of nothing")
        if opcode != _CONTINUATION and self._opcode:
            raise Violation(1002, "new message inside a fragmented one")
        self._opcode = self._opcode or opcode
        self._parts.append(payload)
        self._size += len(payload)
        if not final:
            return None
        message = Message(self._opcode, b"".join(self._parts))
        self._opcode, self._size = 0, 0
        self._parts.clear()
        if message.opcode == TEXT:
            _utf8(message.payload)
        return message
