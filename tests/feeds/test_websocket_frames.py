"""The frame splitter against RFC 6455 and every way a stream can be cut."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.feeds.websocket_frames import BadFrame, Control, FrameSplitter, unmask


def read(splitter: FrameSplitter, data: bytes, piece: int = 10**9) -> list[bytes]:
    """Feed a stream in pieces; the messages that came out."""
    messages = []
    while data:
        space = splitter.space()
        count = min(len(space), len(data), piece)
        space[:count] = data[:count]
        messages += splitter.received(count)
        data = data[count:]
    return messages


Frame = Callable[..., bytes]


def test_the_example_of_the_rfc_is_read() -> None:
    hello = bytes((0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F))  # RFC 6455 5.7
    masked = bytes((0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58))
    fragments = bytes((0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F))

    assert read(FrameSplitter(), hello + masked + fragments) == [b"Hello"] * 3


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 300_000, 1_000_000])
def test_sizes_of_all_three_length_forms_are_read(size: int, as_frame: Frame) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)

    messages = read(FrameSplitter(), as_frame(payload[:size]) * 2 + as_frame(b"end"))

    assert messages == [payload[:size], payload[:size], b"end"]


def test_control_frames_between_fragments_are_told_apart(as_frame: Frame) -> None:
    splitter = FrameSplitter()
    close = struct.pack("!H", 1001) + b"Bye"

    messages = read(
        splitter,
        as_frame(b"one", 0x01)
        + as_frame(b"ping", 0x89)
        + as_frame(b"two", 0x80)
        + as_frame(close, 0x88),
    )

    assert messages == [b"onetwo"]
    assert splitter.controls == [Control(0x9, b"ping"), Control(0x8, close)]
    assert splitter.controls[1].close_code == 1001
    assert splitter.controls[1].close_reason == "Bye"
    assert Control(0x8, b"").close_code == 1005


@pytest.mark.parametrize(
    "stream",
    [
        bytes((0xC1, 0)),
        bytes((0x83, 0)),
        bytes((0x09, 0)),
        bytes((0x89, 126, 0, 126)) + bytes(126),
        bytes((0x80, 0)),
        bytes((0x01, 1, 65, 0x81, 1, 65)),
        bytes((0x81, 127)) + (1 << 40).to_bytes(8, "big"),
    ],
    ids=[
        "extension bit",
        "unknown kind",
        "cut control frame",
        "long control frame",
        "continuation of nothing",
        "new message within one",
        "a frame of a terabyte",
    ],
)
def test_what_is_no_websocket_ends_the_connection(stream: bytes) -> None:
    with pytest.raises(BadFrame):
        read(FrameSplitter(), stream)


def test_an_endless_message_ends_at_the_limit(as_frame: Frame) -> None:
    splitter = FrameSplitter(limit=1000)
    read(splitter, as_frame(b"x", 0x01))

    with pytest.raises(BadFrame):
        read(splitter, as_frame(b"", 0x00) * 1001)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.binary(max_size=400), min_size=1, max_size=12),
    st.integers(1, 97),
    st.lists(st.integers(0, 3), min_size=12, max_size=12),
)
def test_however_the_stream_is_cut_the_messages_are_the_same(
    payloads: list[bytes], piece: int, forms: list[int]
) -> None:
    def frame(payload: bytes, first: int, mask: bool = False) -> bytes:
        size = len(payload)
        bit = 0x80 if mask else 0
        head = (
            bytes((first, size | bit))
            if size < 126
            else struct.pack("!BBH", first, 126 | bit, size)
        )
        return head + b"abcd" + unmask(payload, b"abcd") if mask else head + payload

    stream = b""
    for payload, form in zip(payloads, forms, strict=False):
        if form == 0:
            stream += frame(payload, 0x81)
        elif form == 1:
            stream += frame(payload, 0x81, mask=True)
        else:
            cut = len(payload) // 2
            stream += frame(payload[:cut], 0x01) + frame(b"", 0x8A) + frame(payload[cut:], 0x80)

    assert read(FrameSplitter(), stream, piece) == payloads


def test_a_large_message_does_not_keep_its_buffer(as_frame: Frame) -> None:
    splitter = FrameSplitter()

    read(splitter, as_frame(bytes(2_000_000)))

    assert len(splitter.space()) <= 262_144
