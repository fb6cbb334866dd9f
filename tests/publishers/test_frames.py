"""Frames, read back by wsproto: an implementation of the WebSocket protocol that is not ours."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import ConnectionState
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol

from grok_sauce.publishers.frames import PACK_FROM, Message, frame, packed_frame

assert ConnectionState.OPEN  # wsproto is the real one


def read_by_wsproto(data: bytes, deflate: bool = False) -> str:
    """The text of one frame, as a browser's end of wsproto reads it."""
    extensions = []
    if deflate:
        agreed = PerMessageDeflate(server_no_context_takeover=True)
        agreed.finalize("permessage-deflate; server_no_context_takeover")
        extensions.append(agreed)
    protocol = FrameProtocol(client=True, extensions=extensions)
    protocol.receive_bytes(data)
    parts = list(protocol.received_frames())
    assert parts
    assert parts[-1].message_finished
    return "".join(part.payload for part in parts)


@given(st.text(max_size=300) | st.integers(100, 140).map("x".__mul__))
def test_a_plain_frame_is_read_by_others(text: str) -> None:
    assert read_by_wsproto(frame(text.encode())) == text


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 200_000])
def test_each_of_the_three_lengths_of_a_header_is_read_by_others(size: int) -> None:
    assert read_by_wsproto(frame(b"x" * size)) == "x" * size


@given(st.text(min_size=1, max_size=40).map(lambda text: text * (PACK_FROM // len(text) + 1)))
def test_a_packed_frame_is_smaller_and_read_by_others(text: str) -> None:
    packed = packed_frame(text.encode())

    assert packed is not None
    assert len(packed) < len(text.encode())
    assert read_by_wsproto(packed, deflate=True) == text


def test_what_packing_does_not_shrink_stays_plain() -> None:
    noise = "".join(chr(33 + (n * n * 7919) % 89) for n in range(3 * PACK_FROM)).encode()
    short = Message("update", {"a": 1})

    assert packed_frame(b"{}") is None
    assert short.packed is short.plain
    assert packed_frame(noise) is None or len(packed_frame(noise) or b"") < len(noise)


def test_a_message_is_a_socketio_event_in_an_engineio_packet() -> None:
    message = Message("update_indicator", {"rows": [1, None, "Ü"]})

    assert message.text == '42["update_indicator",{"rows":[1,null,"Ü"]}]'
    assert read_by_wsproto(message.plain) == message.text
    assert message.plain is message.plain
    assert Message("x", None).text == '42["x"]'
    assert Message("x", (1, 2)).text == '42["x",1,2]'
    assert Message("x", 1, "/other").text == '42/other,["x",1]'


def test_numbers_that_json_cannot_say_become_null() -> None:
    message = Message("x", [math.nan, math.inf, -math.inf, np.float64(1.5)])

    assert json.loads(message.text[2:]) == ["x", [None, None, None, 1.5]]


def test_binary_data_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="bytes"):
        Message("x", {"file": b"\x00"})
