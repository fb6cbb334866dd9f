"""Where alerts may go: every odd spelling of a host or port is refused."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.alerts.targets import Address, TargetGuard, is_allowed, split_target
from grok_sauce.errors import SettingsError

OWN = {5010, 5011}
EXTRA = ("nt-box", "nt.home.arpa", "192.168.1.20", "fd12:3456::20")


def four(address: str, port: int = 9060) -> Address:
    return socket.AF_INET, (address, port)


def six(address: str, port: int = 9060, scope: int = 0) -> Address:
    return socket.AF_INET6, (address, port, 0, scope)


class Names:
    """A resolver that knows what it is told, and counts who asked."""

    def __init__(self, **known: list[Address]) -> None:
        self.known = {name.replace("_", "-"): found for name, found in known.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[Address]:
        self.asked.append(host)
        if host not in self.known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.known[host]


def guard_of(resolve: Any = None, extra: tuple[str, ...] = EXTRA) -> TargetGuard:
    return TargetGuard(lambda: OWN, extra, resolve or Names())


# Hosts that lead, or might lead, somewhere nobody allowed. Each with a good port.
HOSTS = {
    "another host": "example.com",
    "a host that looks like localhost": "localhost.example.com",
    "localhost of a domain": "localhost.localdomain",
    "loopback by address": "127.0.0.1",
    "loopback, IPv6": "::1",
    "loopback, brackets": "[::1]",
    "upper case": "LOCALHOST",
    "trailing dot": "localhost.",
    "address with trailing dot": "127.0.0.1.",
    "blank before": " localhost",
    "blank after": "localhost ",
    "line break": "localhost\n",
    "NUL": "localhost\0",
    "tab inside": "local\thost",
    "nothing": "",
    "only a dot": ".",
    "decimal": "2130706433",
    "octal": "0177.0.0.1",
    "octal in one": "017700000001",
    "hex": "0x7f000001",
    "hex parts": "0x7f.0.0.1",
    "hex last part": "127.0.0.0x1",
    "short": "127.1",
    "shorter": "0",
    "leading zeros": "127.000.000.001",
    "userinfo": "user@localhost",
    "user and password": "user:pw@localhost",
    "userinfo with another host": "localhost@198.51.100.9",
    "percent-encoded": "%6cocalhost",
    "percent-encoded dot": "127%2e0%2e0%2e1",
    "full-width letters": "ｌｏｃａｌｈｏｓｔ",
    "circled letters": "ⓛocalhost",
    "full-width digits": "１２７.0.0.1",
    "ideographic full stop": "127。0。0。1",
    "Arabic digits": "١٢٧.٠.٠.١",
    "cyrillic look-alike": "lоcalhost",
    "soft hyphen": "local\u00adhost",
    "punycode": "xn--lcalhost-4ng",
    "path": "localhost/receive",
    "query": "localhost?x",
    "fragment": "localhost#x",
    "backslash": "localhost\\x",
    "scheme": "http://localhost",
    "underscore": "local_host",
    "any, IPv4": "0.0.0.0",
    "any, IPv6": "::",
    "link-local, cloud metadata": "169.254.169.254",
    "link-local, IPv6": "fe80::1",
    "link-local with zone": "fe80::1%eth0",
    "loopback with zone": "::1%lo",
    "zone, encoded": "fe80::1%25eth0",
    "metadata of a cloud, IPv6": "fd00:ec2::254",
    "metadata by name": "metadata.google.internal",
    "multicast": "224.0.0.1",
    "multicast, IPv6": "ff02::1",
    "broadcast": "255.255.255.255",
    "mapped loopback": "::ffff:127.0.0.1",
    "mapped metadata": "::ffff:169.254.169.254",
    "mapped in hex": "::ffff:7f00:1",
    "compatible": "::127.0.0.1",
    "translated": "64:ff9b::7f00:1",
    "6to4 of loopback": "2002:7f00:1::",
    "IPv6 written long": "0:0:0:0:0:0:0:1",
    "IPv6 upper case": "FD12:3456::20",
    "public address": "8.8.8.8",
    "carrier's shared network": "100.64.0.1",
    "private, not listed": "192.168.1.21",
    "IPv4 in brackets": "[192.168.1.20]",
    "future address": "[v1.fe80]",
    "a label too long": "a" * 64,
    "a name too long": "a." * 127 + "a",
    "a number": 2130706433,
    "a list": ["localhost"],
    "null": None,
}
# Ports that are none, or not for alerts.
PORTS = {
    "blank before": " 9060",
    "blank after": "9060 ",
    "line break": "9060\n",
    "plus": "+9060",
    "minus": "-9060",
    "underscore": "9_060",
    "Arabic digits": "٩٠٦٠",
    "full-width digits": "９０６０",
    "superscript": "906⁰",
    "hex": "0x2364",
    "octal": "0o21544",
    "leading zero": "09060",
    "exponent": "9.06e3",
    "fraction": "9060.0",
    "a fraction": 9060.5,
    "a float": 9060.0,
    "words": "http",
    "nothing": "",
    "null": None,
    "true": True,
    "a list": [9060],
    "comma": "9060,9061",
    "a host in it": "1@198.51.100.9:80",
    "path": "9060/receive",
    "zero": 0,
    "negative": -9060,
    "web": 80,
    "below 1024": 1023,
    "beyond the last": 65536,
    "wraps around": 65536 + 9060,
    "many digits": "9" * 400,
    "NFS": 2049,
    "MySQL": "3306",
    "remote desktop": 3389,
    "PostgreSQL": 5432,
    "VNC": 5900,
    "Redis": 6379,
    "IRC": 6667,
    "Elasticsearch": 9200,
    "memcached": 11211,
    "MongoDB": 27017,
}


class TestRefused:
    @pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
    def test_no_other_host_by_any_spelling(self, host: Any) -> None:
        names = Names()
        guard = guard_of(names)

        with pytest.raises(SettingsError) as parsed:
            guard.parse(host, 9060)
        with pytest.raises(SettingsError):
            guard.addresses(host, 9060)

        assert parsed.value.field in ("host", "port")
        assert names.asked == []

    @pytest.mark.parametrize("port", PORTS.values(), ids=PORTS)
    def test_no_other_port_by_any_spelling(self, port: Any) -> None:
        guard = guard_of()

        for attempt in (
            lambda: guard.check_port(port, "strategies.ports[0]"),
            lambda: guard.parse("localhost", port, "strategies.ports[0]"),
        ):
            with pytest.raises(SettingsError) as caught:
                attempt()

            assert caught.value.field == "strategies.ports[0]"
            assert str(caught.value).startswith("strategies.ports[0]")

    @pytest.mark.parametrize("port", [5010, "5011"])
    def test_no_port_of_this_program_on_any_host(self, port: Any) -> None:
        guard = guard_of(Names(nt_box=[four("10.0.0.5")]))

        for host in ("localhost", "nt-box"):
            with pytest.raises(SettingsError, match="a port of this program"):
                guard.addresses(host, port)

    def test_a_port_that_this_program_opens_later_is_refused_from_then_on(self) -> None:
        own: set[int] = set()
        guard = TargetGuard(lambda: own)
        guard.check_port(9060)

        own.add(9060)

        with pytest.raises(SettingsError, match="a port of this program"):
            guard.addresses("localhost", 9060)

    @pytest.mark.parametrize(
        "host", [host for host in HOSTS.values() if host not in EXTRA and isinstance(host, str)]
    )
    def test_an_extra_host_is_written_plainly_or_refused_at_the_start(self, host: str) -> None:
        plain = {
            "example.com", "localhost.example.com", "localhost.localdomain", "127.0.0.1", "::1",
            "[::1]", "metadata.google.internal", "192.168.1.21", "xn--lcalhost-4ng",
        }  # fmt: skip
        if host in plain:
            assert TargetGuard(lambda: OWN, (host,)).parse(host, 9060)
            return

        with pytest.raises(SettingsError) as caught:
            TargetGuard(lambda: OWN, (host,))

        assert caught.value.field == "TARGET_HOSTS"


class TestAllowed:
    def test_localhost_is_both_loopback_addresses_without_asking_anybody(self) -> None:
        names = Names(localhost=[four("198.51.100.9")])

        found = guard_of(names).addresses("localhost", 9060)

        assert found == [
            (socket.AF_INET, ("127.0.0.1", 9060)),
            (socket.AF_INET6, ("::1", 9060, 0, 0)),
        ]
        assert names.asked == []

    @pytest.mark.parametrize("port", [1024, 65535, "5001", "9060"])
    def test_ports_are_numbers_or_their_digits(self, port: Any) -> None:
        target = guard_of().parse("localhost", port)

        assert (target.id, target.port) == (f"localhost:{port}", int(port))

    def test_a_listed_host_goes_to_the_addresses_that_were_checked(self) -> None:
        names = Names(nt_box=[four("10.0.0.5"), six("fd12::5")])

        found = guard_of(names).addresses("nt-box", 9060)

        assert found == [four("10.0.0.5"), six("fd12::5")]
        assert names.asked == ["nt-box"]

    @pytest.mark.parametrize(
        "host, id", [(EXTRA[2], "192.168.1.20:9060"), (EXTRA[3], "[fd12:3456::20]:9060")]
    )
    def test_a_listed_address_is_a_target(self, host: str, id: str) -> None:
        guard = guard_of()

        assert guard.parse(host, 9060).id == id
        assert guard.check(split_target(id)).host == host

    @pytest.mark.parametrize(
        "bad",
        [
            four("198.51.100.9"), four("169.254.169.254"), four("0.0.0.0"), four("224.0.0.1"),
            four("255.255.255.255"), four("100.64.0.1"), six("fe80::1"), six("2001:db8::1"),
            six("::"), six("::ffff:127.0.0.1"), six("::ffff:169.254.169.254"),
            six("fd00:ec2::254"), six("fd12::5", scope=2), six("ff02::1"),
        ],
        ids=lambda found: found[1][0],
    )  # fmt: skip
    def test_one_address_outside_private_networks_refuses_the_name(self, bad: Address) -> None:
        names = Names(nt_box=[four("10.0.0.5"), bad])

        with pytest.raises(SettingsError, match="outside private networks") as caught:
            guard_of(names).addresses("nt-box", 9060)

        assert caught.value.field == "TARGET_HOSTS"

    def test_a_resolver_cannot_change_the_port(self) -> None:
        names = Names(nt_box=[four("10.0.0.5", 22)])

        assert guard_of(names).addresses("nt-box", 9060) == [four("10.0.0.5", 9060)]

    def test_a_name_nobody_knows_is_a_failure_to_try_again(self) -> None:
        with pytest.raises(OSError):
            guard_of().addresses("nt-box", 9060)
        with pytest.raises(OSError):
            guard_of(Names(nt_box=[])).addresses("nt-box", 9060)

    def test_any_other_family_is_refused(self) -> None:
        names = Names(nt_box=[(socket.AddressFamily(1), ("/tmp/socket",))])

        with pytest.raises(SettingsError):
            guard_of(names).addresses("nt-box", 9060)


def test_the_tables_are_long_enough() -> None:
    assert len(HOSTS) + len(PORTS) >= 40


@given(st.ip_addresses())
def test_allowed_are_loopback_and_private_networks_alone(address: Any) -> None:
    if is_allowed(str(address)):
        assert address.is_loopback or address.is_private
        assert not any((address.is_multicast, address.is_unspecified, address.is_link_local))


@given(st.text(max_size=30))
def test_text_is_refused_or_names_a_plain_target(text: str) -> None:
    try:
        target = split_target(text)
    except SettingsError:
        return

    assert target.id == f"localhost:{text}" or target.id == text
    assert 1024 <= target.port <= 65535
