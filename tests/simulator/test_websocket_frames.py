"""The server's side of RFC 6455, on bytes. Frames of section 5.7 are used as they stand there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.simulator import websocket
from grok_sauce.simulator.websocket import BINARY, CLOSE, PING, TEXT, Reader, Violation

MASK = bytes.fromhex("37fa213d")


def masked(opcode: int, payload: bytes, final: bool = True) -> bytes:
    """A client's frame, written the slow and obvious way."""
    size = len(payload)
    head = bytes([(0x80 if final else 0) | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return head + MASK + bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))


def test_masked_hello_of_the_rfc_is_read() -> None:
    messages = Reader().feed(bytes.fromhex("818537fa213d7f9f4d5158"))

    assert messages == [(TEXT, b"Hello")]


@pytest.mark.parametrize(
    "size, head", [(125, "827d"), (256, "827e0100"), (65536, "827f0000000000010000")]
)
def test_lengths_are_written_in_their_shortest_form(size: int, head: str) -> None:
    assert websocket.frame(BINARY, bytes(size))[: len(head) // 2].hex() == head


@given(
    st.lists(st.tuples(st.sampled_from([TEXT, BINARY, PING]), st.text(max_size=30)), max_size=5),
    st.integers(1, 9),
    st.integers(1, 7),
)
def test_messages_survive_any_fragmentation_and_any_cut_of_the_stream(
    said: list[tuple[int, str]], part: int, cut: int
) -> None:
    stream = b""
    for opcode, text in said:
        payload = text.encode()
        if opcode == PING:
            stream += masked(PING, payload)
            continue
        parts = [payload[n : n + part] for n in range(0, len(payload), part)] or [b""]
        for at, piece in enumerate(parts):
            stream += masked(opcode if at == 0 else 0, piece, final=at == len(parts) - 1)
    reader, heard = Reader(), []

    for at in range(0, len(stream), cut):
        heard += reader.feed(stream[at : at + cut])

    assert heard == [(opcode, text.encode()) for opcode, text in said]


def test_ping_between_fragments_is_delivered_at_once() -> None:
    reader = Reader()

    heard = reader.feed(masked(TEXT, b"Hel", final=False) + masked(PING, b"?"))
    heard += reader.feed(masked(0, b"lo"))

    assert heard == [(PING, b"?"), (TEXT, b"Hello")]


@pytest.mark.parametrize(
    "code, data",
    [
        (1002, bytes.fromhex("810548656c6c6f")),
        (1002, bytes([0x80 | 0x40 | TEXT]) + masked(TEXT, b"x")[1:]),
        (1002, masked(0x3, b"x")),
        (1002, masked(PING, bytes(126))),
        (1002, masked(PING, b"", final=False)),
        (1002, masked(0, b"x")),
        (1002, masked(TEXT, b"x", final=False) + masked(TEXT, b"y")),
        (1002, bytes([0x81, 0xFE, 0, 5]) + MASK + bytes(5)),
        (1002, bytes([0x81, 0xFF, 0x80]) + bytes(7) + MASK),
        (1007, masked(TEXT, b"\xff\xfe")),
        (1009, bytes([0x82, 0xFF]) + (101).to_bytes(8, "big")),
        (1009, masked(TEXT, bytes(60), final=False) + masked(0, bytes(60))),
    ],
    ids=[
        *("not masked", "reserved bit", "reserved opcode", "long ping", "fragmented ping"),
        *("continuation of nothing", "message in message", "length not shortest", "length bit 63"),
        *("not utf-8", "too long", "too long in parts"),
    ],
)
def test_breach_of_the_protocol_has_its_close_code(code: int, data: bytes) -> None:
    if code == 1009 and data[1] == 0xFF:
        data = bytes([0x82, 0xFF]) + (70_000).to_bytes(8, "big")

    with pytest.raises(Violation) as violation:
        Reader(limit=100).feed(data)

    assert violation.value.code == code


@given(st.binary(max_size=60))
def test_random_bytes_are_messages_or_a_violation_and_nothing_else(data: bytes) -> None:
    reader, code = Reader(), 1000
    messages: list[websocket.Message] = []

    try:
        messages = reader.feed(data)
    except Violation as violation:
        code = violation.code

    assert code in (1000, 1002, 1007, 1009)
    assert all(isinstance(message.payload, bytes) for message in messages)


@pytest.mark.parametrize(
    "payload", [b"\x03", b"\x03\xed", b"\x03\xee", b"\x00\x00", b"\x03\xe8\xff"]
)
def test_close_payload_that_may_not_be_sent_is_a_violation(payload: bytes) -> None:
    with pytest.raises(Violation):
        websocket.close_code(payload)


def test_close_frame_carries_code_and_a_reason_cut_to_a_control_frame() -> None:
    data = websocket.close_frame(1000, "é" * 100)

    assert data[0] == 0x80 | CLOSE
    assert data[1] <= 125
    assert data[2:4] == b"\x03\xe8"
    assert data[4:].decode() == "é" * 61


HEADERS = {
    "upgrade": "websocket",
    "connection": "keep-alive, Upgrade",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
    "sec-websocket-extensions": "permessage-deflate; client_max_window_bits",
}


def test_handshake_answers_the_key_and_declines_deflate() -> None:
    answer = websocket.handshake(HEADERS).decode()

    assert websocket.wants_upgrade(HEADERS)
    assert answer.startswith("HTTP/1.1 101 ")
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
    assert "xtensions" not in answer


@pytest.mark.parametrize(
    "change",
    [{"sec-websocket-version": "8"}, {"sec-websocket-key": "short"}, {"sec-websocket-key": ""}],
)
def test_wrong_handshake_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Violation):
        websocket.handshake({**HEADERS, **change})
