"""Where alerts may be sent: ports of this machine, hosts of a written list, checked addresses."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final

from grok_sauce.errors import SettingsError
from grok_sauce.settings.readers import shown
from grok_sauce.values import dataclass

LOCALHOST: Final = "localhost"
LOW_PORT: Final = 1024
HIGH_PORT: Final = 65535
MAX_TARGETS: Final = 200
# Databases, file shares, remote desktops: nothing there understands an alert.
DENIED_PORTS: Final = frozenset(
    {2049, 3306, 3389, 5432, 5900, 6379, 6667, 9200, 11211, 27017}
)  # fmt: skip
# Addresses of cloud machines that tell secrets, inside networks that are otherwise allowed.
METADATA: Final = frozenset(
    ipaddress.ip_address(text) for text in ("fd00:ec2::254", "fd20:ce::254", "169.254.169.254")
)
ALLOWED: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)

Address = tuple[socket.AddressFamily, tuple[Any, ...]]  # what socket.connect takes
Resolve = Callable[[str, int], list[Address]]

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*", re.ASCII)
_PORT: Final = re.compile(r"[1-9][0-9]{3,4}", re.ASCII)
# A last label of digits, or 0x..., is read as an address by some resolvers: 127.1, 0x7f000001.
_NUMERIC: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """A host and port that may be sent to. id is "localhost:9060", and what its URL says."""

    id: str
    host: str
    port: int


def read_port(value: object, field: str = "port") -> int:
    """A port of a target: a whole number or its digits; nothing else that merely looks like it.

    Raises:
        SettingsError: out of 1024 to 65535, or of a service that is no listener of alerts.
    """
    if isinstance(value, str) and _PORT.fullmatch(value):
        value = int(value)
    words = f"{field} must be a port from {LOW_PORT} to {HIGH_PORT}, not {shown(value)}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise SettingsError(words, field)
    if not LOW_PORT <= value <= HIGH_PORT:
        raise SettingsError(words, field)
    if value in DENIED_PORTS:
        raise SettingsError(
            f"{field}: {value} is the port of a database or system service, not of a listener",
            field,
        )
    return value


def read_host(value: object, field: str = "host") -> str:
    """A host in its one plain spelling: localhost, a lower-case name, or an allowed address.

    Raises:
        SettingsError: any other spelling, or an address that is never allowed.
    """
    refused = SettingsError(
        f"{field} must be a plain host name or an address of a private network, not {shown(value)}",
        field,
    )
    if not isinstance(value, str) or not value.isascii():
        raise refused
    bracketed = value.startswith("[") and value.endswith("]")
    text = value[1:-1] if bracketed else value
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        if not bracketed and _NAME.fullmatch(text) and not _NUMERIC.fullmatch(text):
            return text
        raise refused from None
    is_odd = str(address) != text or (bracketed and address.version == 4)
    if is_odd or not is_allowed(text):
        raise refused
    return text


def is_allowed(address: str) -> bool:
    """Loopback and private networks; never link-local, metadata, multicast or a mapped address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and (found.scope_id or found.ipv4_mapped):
        return False
    if found in METADATA:
        return False
    return any(found.version == net.version and found in net for net in ALLOWED)


def split_target(value: object, field: str = "port") -> Target:
    """An entry of a list of ports: 9060, "9060", or "host:port" for a host of TARGET_HOSTS.

    Only the spelling is judged here; whether the host is on the list, TargetGuard says.
    """
    if isinstance(value, str) and ":" in value:
        host_text, _, port_text = value.rpartition(":")
        return _target(read_host(host_text, field), read_port(port_text, field))
    return _target(LOCALHOST, read_port(value, field))


def _target(host: str, port: int) -> Target:
    name = f"[{host}]" if ":" in host else host
    return Target(f"{name}:{port}", host, port)


def system_resolve(host: str, port: int) -> list[Address]:
    """What the system's resolver says, in its order. Raises OSError when it knows nothing."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


class TargetGuard:
    """Decides what may be sent to and hands out only addresses it has checked.

    own_ports() are the ports this program listens on: an alert sent there would come back.
    extra_hosts come from a file of the machine's owner, never from a page.

    Raises:
        SettingsError: an extra host that is written oddly or is an address never allowed.
    """

    def __init__(
        self,
        own_ports: Callable[[], set[int]],
        extra_hosts: Iterable[str] = (),
        resolve: Resolve = system_resolve,
    ) -> None:
        self._own_ports = own_ports
        self._resolve = resolve
        self._hosts = frozenset(read_host(host, "TARGET_HOSTS") for host in extra_hosts)

    def check_port(self, port: object, field: str = "port") -> int:
        """The port, when this program does not listen on it itself.

        Raises:
            SettingsError: with the field.
        """
        found = read_port(port, field)
        if found in self._own_ports():
            raise SettingsError(
                f"{field}: {found} is a port of this program; alerts would come back to it", field
            )
        return found

    def check(self, target: Target, field: str = "port") -> Target:
        """A target whose host is on the list. Own ports are refused on every host."""
        if target.host != LOCALHOST and target.host not in self._hosts:
            raise SettingsError(
                f"{field}: host {shown(target.host)} is not localhost and not in TARGET_HOSTS "
                f"of .env",
                field,
            )
        self.check_port(target.port, field)
        return target

    def parse(self, host: object, port: object, field: str = "port") -> Target:
        """A host and a port as somebody wrote them, as a target that may be sent to.

        Raises:
            SettingsError: with the field.
        """
        return self.check(_target(read_host(host, field), read_port(port, field)), field)

    def addresses(self, host: str, port: int) -> list[Address]:
        """Where to connect, in order; connect to these and look nothing up again.

        localhost is 127.0.0.1, then ::1, whatever a hosts file says.

        Raises:
            SettingsError: not a target, or its name leads anywhere outside private networks.
            OSError: the name cannot be resolved now.
        """
        target = self.parse(host, port)
        if target.host == LOCALHOST:
            return [
                (socket.AF_INET, ("127.0.0.1", target.port)),
                (socket.AF_INET6, ("::1", target.port, 0, 0)),
            ]
        found = self._resolve(target.host, target.port)
        for family, address in found:
            if family not in (socket.AF_INET, socket.AF_INET6) or not _is_plain(address):
                raise SettingsError(
                    f"{target.host} leads to {shown(str(address[0]))}, outside private networks; "
                    f"nothing is sent there",
                    "TARGET_HOSTS",
                )
        if not found:
            raise OSError(f"no address is known for {target.host}")
        return [(family, (address[0], target.port, *address[2:])) for family, address in found]


def _is_plain(address: tuple[Any, ...]) -> bool:
    """An allowed address without a scope."""
    scope = address[3] if len(address) > 3 else 0
    return scope == 0 and is_allowed(str(address[0]))
