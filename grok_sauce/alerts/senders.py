"""Doubts about a sender besides its token: its address, its client certificate."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Protocol

from grok_sauce.alerts.settings import AlertSettings

# One attribute of a subject as proxies write it (RFC 2253): its commas are escaped.
_ATTRIBUTE: Final = re.compile(r"\s*([A-Za-z0-9.]{1,32})\s*=\s*((?:\\.|[^\\,])*)")
MAX_SUBJECT: Final = 1024

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Seen(Protocol):
    """What is known of a request."""

    @property
    def address(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def trusted(self) -> bool: ...


class Senders:
    """The checks that are switched on, each to warn or to enforce."""

    def __init__(self, settings: AlertSettings) -> None:
        self._sources = settings.sources
        self._networks = tuple(ipaddress.ip_network(name) for name in settings.source_list)
        self._certificate = settings.client_cert
        self._header = settings.client_cert_header
        self._name = settings.client_cert_name

    def doubts(self, post: Seen) -> list[tuple[str, bool]]:
        """(what is wrong, is it enforced) of each check that the sender fails."""
        found = []
        if self._sources != "off" and not _is_listed(post.address, self._networks):
            found.append(("address not in the list", self._sources == "enforce"))
        if self._certificate != "off":
            # Anybody can write this header: only a trusted proxy's counts.
            subject = post.headers.get(self._header, "") if post.trusted else ""
            if common_name(subject) != self._name:
                found.append(("no client certificate", self._certificate == "enforce"))
        return found


def common_name(subject: str) -> str | None:
    """The CN of a certificate's subject; None when there is none, two, or it cannot be read.

    >>> common_name(r"CN=TradingView Webhooks,O=TradingView\\, Inc.,C=US")
    'TradingView Webhooks'
    >>> common_name(r"O=x\\,CN=TradingView Webhooks"), common_name("CN=a,CN=b")
    (None, None)
    """
    if not subject or len(subject) > MAX_SUBJECT:
        return None
    names = []
    at = 0
    while True:
        match = _ATTRIBUTE.match(subject, at)
        if match is None:
            return None
        if match[1].upper() == "CN":
            names.append(re.sub(r"\\(.)", r"\1", match[2].strip()))
        at = match.end()
        if at == len(subject):
            return names[0] if len(names) == 1 else None
        at += 1  # the comma


@lru_cache(maxsize=256)
def _is_listed(address: str, networks: tuple[_Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
