"""Who is asking, out of every environment a server can hand over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.web.visitors import Visitor, networks, parse_host, read_visitor

PUBLIC = ("dash.example.org", "other.example:8443")
PROXIES = networks(("10.0.0.0/8", "127.0.0.9"))


def visit(**environ: Any) -> Visitor:
    base = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:5010", "wsgi.url_scheme": "http"}
    return read_visitor({**base, **environ}, PUBLIC, PROXIES)


@pytest.mark.parametrize(
    "peer, local",
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("::ffff:127.0.0.1", True),
     ("10.0.0.1", False), ("::ffff:10.0.0.1", False), ("", False), ("localhost", False),
     ("0.0.0.0", False), ("fe80::1%eth0", False)],
)  # fmt: skip
def test_local_is_a_loopback_peer(peer: str, local: bool) -> None:
    assert visit(REMOTE_ADDR=peer).local is local


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_HOST": "dash.example.org"},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_X_FORWARDED_FOR": ""},
        {"HTTP_VIA": "1.1 x"},
        {"REMOTE_ADDR": "127.0.0.9", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    ],
)
def test_a_public_name_or_a_proxy_is_never_local(environ: dict[str, str]) -> None:
    assert visit(**environ).local is False


@pytest.mark.parametrize(
    "peer, chain, address",
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.2.2.2", "203.0.113.9"),
        ("10.0.0.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"),
        ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "nonsense, 10.2.2.2", "10.2.2.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "[2001:db8::5]:443", "2001:db8::5"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
    ],
)
def test_only_a_declared_proxy_may_name_the_client(peer: str, chain: str, address: str) -> None:
    visitor = visit(REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=chain, HTTP_HOST="dash.example.org")

    assert visitor.address == address


@pytest.mark.parametrize(
    "environ, secure",
    [
        ({"wsgi.url_scheme": "https"}, True),
        ({"HTTP_X_FORWARDED_PROTO": "https"}, False),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_PROTO": "https"}, True),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_PROTO": "https, http"}, False),
    ],
)
def test_only_a_declared_proxy_may_speak_of_tls(environ: dict[str, str], secure: bool) -> None:
    assert visit(**environ).secure is secure


@pytest.mark.parametrize(
    "environ, known",
    [
        ({}, True),
        ({"HTTP_HOST": "DASH.example.org"}, True),
        ({"HTTP_HOST": "dash.example.org:1"}, True),
        ({"HTTP_HOST": "other.example:8443"}, True),
        ({"HTTP_HOST": "other.example"}, False),
        ({"HTTP_HOST": "x.dash.example.org"}, False),
        ({"HTTP_HOST": "dash.example.org."}, False),
        ({"HTTP_X_FORWARDED_HOST": "dash.example.org"}, False),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_HOST": "dash.example.org"}, True),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_HOST": "127.0.0.1"}, False),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_HOST": "dash.example.org, evil"}, False),
    ],
)
def test_known_hosts(environ: dict[str, str], known: bool) -> None:
    assert visit(**environ).known_host is known


@pytest.mark.parametrize(
    "origin, host, same",
    [
        (None, "127.0.0.1:5010", True),
        ("http://127.0.0.1:5010", "127.0.0.1:5010", True),
        ("HTTP://LOCALHOST:5010", "localhost:5010", True),
        ("https://dash.example.org", "dash.example.org", True),
        ("https://dash.example.org:443", "dash.example.org", True),
        ("https://dash.example.org", "dash.example.org:443", True),
        ("http://dash.example.org", "dash.example.org:443", False),
        ("http://localhost:5010", "127.0.0.1:5010", False),
        ("http://127.0.0.1:5011", "127.0.0.1:5010", False),
        ("null", "127.0.0.1:5010", False),
        ("", "127.0.0.1:5010", False),
        ("127.0.0.1:5010", "127.0.0.1:5010", False),
        ("http://127.0.0.1:5010@evil.example", "127.0.0.1:5010", False),
        ("http://127.0.0.1:5010.evil.example", "127.0.0.1:5010", False),
        ("http://127.0.0.1:5010/", "127.0.0.1:5010", False),
    ],
)
def test_origin_is_ours_or_not(origin: str | None, host: str, same: bool) -> None:
    given = {} if origin is None else {"HTTP_ORIGIN": origin}

    assert visit(HTTP_HOST=host, **given).same_origin is same


@pytest.mark.parametrize(
    "address, client",
    [("192.0.2.7", "192.0.2.7"), ("2001:db8::17", "2001:db8::/64"), ("::1", "::1"),
     ("", "unknown:"), ("unix socket", "unknown:unix socket")],
)  # fmt: skip
def test_limits_count_by_address_or_network(address: str, client: str) -> None:
    assert visit(REMOTE_ADDR=address).client == client


TEXT = st.text(st.characters(codec="latin-1"), max_size=30) | st.sampled_from(
    ["127.0.0.1", "localhost:5010", "dash.example.org", "[::1]:5010", "10.0.0.1", "https"]
)
NAMES = st.sampled_from(
    ["REMOTE_ADDR", "HTTP_HOST", "HTTP_ORIGIN", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST",
     "HTTP_X_FORWARDED_PROTO", "HTTP_VIA", "wsgi.url_scheme"]
)  # fmt: skip


@given(st.dictionaries(NAMES, TEXT, max_size=8))
@settings(max_examples=500, deadline=None)
def test_no_header_breaks_the_reading_or_opens_a_door(environ: dict[str, str]) -> None:
    visitor = visit(**environ)

    assert visitor.client
    if visitor.local:
        assert visitor.known_host
        assert not [name for name in environ if "FORWARDED" in name or name == "HTTP_VIA"]
    if visitor.known_host:
        assert visitor.host is not None
        name = parse_host(visitor.host)
        assert name is not None
        assert name[0] in ("127.0.0.1", "localhost", "[::1]", "dash.example.org", "other.example")
        assert ";" not in visitor.host
