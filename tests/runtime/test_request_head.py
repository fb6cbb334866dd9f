"""Heads of requests: what the standard library would read, and no more than that."""

from __future__ import annotations

import http.client
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.runtime.request_head import (
    MAX_HEADERS,
    MAX_LINE,
    BadHead,
    Head,
    read_head,
    refusal,
)

TOKEN = st.text("abcXYZ019-_!#$%&'*+.^`|~", min_size=1, max_size=12)
VALUE = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f\x85\xa0"),
    max_size=30,
)
FIELDS = st.lists(st.tuples(TOKEN, VALUE), max_size=12)


def read(head: bytes, body: bytes = b"", buffer: int = 65_536) -> tuple[Head, bytes]:
    """The head, and what is left for the body."""
    stream = io.BufferedReader(io.BytesIO(head + body), buffer)
    found = read_head(stream.readline(MAX_LINE), stream)
    return found, stream.read()


def status_of(head: bytes, buffer: int = 65_536) -> int:
    with pytest.raises(BadHead) as caught:
        read(head, buffer=buffer)
    assert refusal(caught.value).startswith(f"HTTP/1.1 {caught.value.status} ".encode())
    return caught.value.status


@given(FIELDS, st.binary(max_size=40), st.sampled_from([16, 64, 65_536]))
def test_fields_are_those_the_standard_library_reads(
    fields: list[tuple[str, str]], body: bytes, buffer: int
) -> None:
    raw = "".join(f"{name}: {value} \r\n" for name, value in fields).encode("latin-1") + b"\r\n"

    found, left = read(b"POST /x?y=1 HTTP/1.1\r\n" + raw, body, buffer)

    expected = http.client.parse_headers(io.BytesIO(raw))
    assert left == body
    assert [name for name, _ in found.headers._headers] == expected.keys()
    for name in expected:
        assert found.headers.get(name.upper()) == (expected.get(name) or "").strip()
    assert (found.command, found.path, found.version) == ("POST", "/x?y=1", "HTTP/1.1")


@given(FIELDS, st.integers(0, 400))
def test_a_head_that_breaks_off_is_refused(fields: list[tuple[str, str]], cut: int) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    whole = f"GET / HTTP/1.1\r\n{lines}\r\n".encode("latin-1")
    part = whole[: 16 + cut % (len(whole) - 16)] if len(whole) > 17 else whole[:16]

    assert status_of(part) == 400


@given(st.binary(max_size=300), st.sampled_from([16, 65_536]))
def test_garbage_is_read_or_refused_never_more(noise: bytes, buffer: int) -> None:
    try:
        found, _ = read(b"GET / HTTP/1.1\r\n" + noise + b"\r\n\r\n", buffer=buffer)
    except BadHead:
        return

    for name, value in found.headers._headers:
        assert name
        assert not {"\r", "\n", "\0"} & set(name + value)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /\r\n", 400),
        (b"GET  / HTTP/1.1\r\n", 400),
        (b"GET / HTTP/1.1 x\r\n", 400),
        (b"GET / HTTP/11\r\n", 400),
        (b"GET / http/1.1\r\n", 400),
        (b"GET /\x00 HTTP/1.1\r\n", 400),
        (b"G\tET / HTTP/1.1\r\n", 400),
        (b"\x16\x03\x01\x02\r\n", 400),
        (b"PRI * HTTP/2.0\r\n", 505),
    ],
)
def test_request_lines_that_are_no_http(line: bytes, status: int) -> None:
    assert status_of(line + b"\r\n") == status


@pytest.mark.parametrize(
    "field",
    [
        b"Content-Length: 1\r\nContent-Length: 1",
        b"Content-Length: 1\r\ncontent-length: 2",
        b"Host: a\r\nHost: b",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"X : 1",
        b"X: 1\r\n continued",
        b"no colon",
        b": no name",
        b"X: a\rb",
        b"X: a\0b",
        "N\u00e4me: x".encode("latin-1"),
    ],
)
def test_fields_on_which_readers_disagree_are_refused(field: bytes) -> None:
    assert status_of(b"POST / HTTP/1.1\r\n" + field + b"\r\n\r\n") == 400
    assert status_of(b"POST / HTTP/1.1\r\n" + field + b"\r\n\r\n", buffer=16) == 400


@pytest.mark.parametrize("buffer", [16, 1 << 20])
def test_too_much_is_refused(buffer: int) -> None:
    line = b"X: " + b"a" * MAX_LINE + b"\r\n"
    many = b"".join(b"X%d: 1\r\n" % n for n in range(MAX_HEADERS + 1))
    large = b"".join(b"X%d: %s\r\n" % (n, b"a" * 4000) for n in range(20))

    for fields in (line, many, large):
        assert status_of(b"GET / HTTP/1.1\r\n" + fields + b"\r\n", buffer=buffer) == 431


@pytest.mark.parametrize(
    ("version", "connection", "closes"),
    [
        ("1.1", None, False),
        ("1.1", "close", True),
        ("1.1", "Keep-Alive", False),
        ("1.0", None, True),
        ("1.0", "keep-alive", False),
    ],
)
def test_who_closes(version: str, connection: str | None, closes: bool) -> None:
    field = "" if connection is None else f"Connection: {connection}\r\n"

    found, _ = read(f"GET / HTTP/{version}\r\n{field}\r\n".encode())

    assert found.closes is closes


def test_two_slashes_lead_to_no_other_host_and_lines_may_end_without_cr() -> None:
    found, left = read(b"GET //evil/x HTTP/1.1\nHost: a\n\n", b"rest\r\n\r\n")

    assert found.path == "/evil/x"
    assert found.headers.get("host") == "a"
    assert left == b"rest\r\n\r\n"
