"""Requests out of a byte stream, however it is cut; refusals of what is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.simulator.http1 import BadRequest, Stream, json_response, match

TWO = (
    b"POST /a%2Fb?x=1&x=2&y= HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
    b"GET /c HTTP/1.1\r\nHost: h\r\n\r\nrest"
)


def cut(data: bytes, size: int) -> Callable[[int], bytes]:
    """A socket that hands out at most size bytes at a time."""
    parts = iter([data[at : at + size] for at in range(0, len(data), size)])
    return lambda wanted: next(parts, b"")


@given(st.integers(1, len(TWO)))
def test_requests_are_read_however_the_stream_is_cut(size: int) -> None:
    stream = Stream(cut(TWO, size))

    first, second = stream.request("127.0.0.1"), stream.request("127.0.0.1")

    assert first is not None
    assert (first.method, first.path, first.body) == ("POST", "/a%2Fb", b"hello")
    assert first.values("x") == ["1", "2"]
    assert first.values("y") == [""]
    assert second is not None
    assert second.path == "/c"
    assert b"rest".startswith(stream.rest())


def test_closing_between_requests_is_no_error() -> None:
    assert Stream(lambda size: b"").request("127.0.0.1") is None


@pytest.mark.parametrize(
    "data, status",
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nshort", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 200_000, 431),
    ],
)
def test_what_is_no_request_is_refused_with_its_status(data: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as refusal:
        Stream(cut(data, 4096)).request("127.0.0.1")

    assert refusal.value.status == status


@given(st.binary(max_size=80))
def test_random_bytes_never_break_the_parser(data: bytes) -> None:
    stream, status = Stream(cut(data, 7)), 400
    request = None

    try:
        request = stream.request("127.0.0.1")
    except BadRequest as refusal:
        status = refusal.status

    assert request is None or request.method
    assert 400 <= status < 500


def test_symbol_with_a_slash_is_one_placeholder() -> None:
    assert match("/x/{symbol}/y", "/x/BRK%2FB/y") == {"symbol": "BRK/B"}
    assert match("/x/{symbol}", "/x/BRK/B") is None
    assert match("/x/{symbol}", "/x/") is None


def test_nan_never_leaves_as_json() -> None:
    with pytest.raises(ValueError):
        json_response(200, {"price": float("nan")})
