"""Who is asking: address, Host and Origin of a request, read from its WSGI environment alone."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from grok_sauce.values import dataclass

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
DEFAULT_PORTS: Final[Mapping[str, str]] = {"http": "80", "https": "443"}
# Proxies and tunnels add at least one of these; all that start with X-Forwarded count too.
FORWARDING: Final = frozenset(
    {
        "HTTP_FORWARDED",
        "HTTP_VIA",
        "HTTP_X_REAL_IP",
        "HTTP_X_CLIENT_IP",
        "HTTP_X_ORIGINAL_HOST",
        "HTTP_CF_CONNECTING_IP",
        "HTTP_CF_RAY",
        "HTTP_TRUE_CLIENT_IP",
    }
)
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?)(?::(\d{1,5}))?")

Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]


@dataclass(frozen=True, slots=True)
class Visitor:
    """One request's sender, as far as it can be believed."""

    address: str  # the client's, behind trusted proxies the one they name
    host: str | None  # the Host asked for, lower case; None when it is no Host at all
    known_host: bool  # a page may be served under it
    local: bool  # a program on this machine: loopback peer, loopback Host, nothing in between
    forwarded: bool  # a proxy or tunnel stands in between
    secure: bool  # the client speaks TLS
    same_origin: bool  # no Origin, or our own; never a sign of good will by itself

    @property
    def client(self) -> str:
        """The key for limits: one address, or one /64 network of IPv6."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return f"unknown:{self.address[:40]}"
        if isinstance(address, ipaddress.IPv6Address) and not address.is_loopback:
            return str(ipaddress.ip_network(f"{address}/64", strict=False))
        return f"via {address}" if self.forwarded else str(address)


def parse_host(text: str) -> tuple[str, str | None] | None:
    """Name and port of a Host header, lower case; None when it is not one.

    >>> parse_host("Localhost:5010"), parse_host("[::1]:5010"), parse_host("a b"), parse_host("")
    (('localhost', '5010'), ('[::1]', '5010'), None, None)
    """
    match = _HOST.fullmatch(text.lower())
    if match is None or len(text) > 255:
        return None
    return match.group(1), match.group(3)


def networks(names: Sequence[str]) -> Networks:
    """Addresses and networks as objects to look addresses up in."""
    return [ipaddress.ip_network(name) for name in names]


def read_visitor(
    environ: Mapping[str, Any], public_hosts: Sequence[str], proxies: Networks
) -> Visitor:
    """The sender of a request.

    Forwarding headers are believed only from a peer in proxies, and then the right-most
    address that is not itself a proxy counts: everything left of it can be made up.
    """
    peer = str(environ.get("REMOTE_ADDR") or "")
    forwarded = any(name in FORWARDING or name.startswith("HTTP_X_FORWARDED") for name in environ)
    trusted = forwarded and _within(peer, proxies)
    address, secure = peer, environ.get("wsgi.url_scheme") == "https"
    host_text = str(environ.get("HTTP_HOST") or "")
    if trusted:
        address = _client_behind(peer, str(environ.get("HTTP_X_FORWARDED_FOR") or ""), proxies)
        secure = secure or _last(environ, "HTTP_X_FORWARDED_PROTO") == "https"
        host_text = _last(environ, "HTTP_X_FORWARDED_HOST") or host_text
    host = parse_host(host_text)
    loopback_host = host is not None and host[0] in LOOPBACK_NAMES
    public = host is not None and _is_public(host, public_hosts)
    return Visitor(
        address=address,
        host=host_text.lower() if host is not None else None,
        known_host=public or (loopback_host and not forwarded),
        local=loopback_host and not forwarded and _is_loopback(peer),
        forwarded=forwarded and not trusted,
        secure=secure,
        same_origin=_same_origin(environ.get("HTTP_ORIGIN"), host),
    )


def _is_public(host: tuple[str, str | None], public_hosts: Sequence[str]) -> bool:
    for entry in public_hosts:
        name, port = parse_host(entry) or ("", None)
        if name == host[0] and port in (None, host[1]):
            return True
    return False


def _same_origin(origin: Any, host: tuple[str, str | None] | None) -> bool:
    if origin is None:
        return True
    scheme, mark, rest = str(origin).partition("://")
    named = parse_host(rest) if mark else None
    if named is None or host is None:
        return False
    default = DEFAULT_PORTS.get(scheme.lower())
    return named[0] == host[0] and (named[1] or default) == (host[1] or default)


def _client_behind(peer: str, chain: str, proxies: Networks) -> str:
    address = peer
    for entry in reversed([part.strip() for part in chain.split(",")]):
        text = entry.removeprefix("[").partition("]")[0] if entry.startswith("[") else entry
        try:
            address = str(ipaddress.ip_address(text))
        except ValueError:
            return address  # the last one that made sense
        if not _within(address, proxies):
            return address
    return address


def _last(environ: Mapping[str, Any], name: str) -> str:
    return str(environ.get(name) or "").rpartition(",")[2].strip()


def _within(address: str, proxies: Networks) -> bool:
    try:
        parsed = _plain(address)
    except ValueError:
        return False
    return any(parsed in network for network in proxies)


def _is_loopback(address: str) -> bool:
    try:
        return _plain(address).is_loopback
    except ValueError:
        return False


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address; an IPv4 one that came in over an IPv6 socket as what it is."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return mapped if mapped is not None else parsed
