"""Lamps from real ports on loopback."""

from __future__ import annotations

import socket
import threading

import pytest

from grok_sauce.alerts.probe import Probe
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.targets import Target, TargetGuard
from grok_sauce.runtime.clock import ManualClock, RealClock


class Ports:
    def __init__(self, *ports: int) -> None:
        self.ports = list(ports)

    def targets(self) -> dict[str, Target]:
        return {
            f"localhost:{port}": Target(f"localhost:{port}", "localhost", port)
            for port in self.ports
        }


def probe_of(tree: Ports, own: int = 0, turned: list[int] | None = None) -> Probe:
    told = turned if turned is not None else []
    guard = TargetGuard(lambda: {own})
    return Probe(tree, guard, SteadyTime(RealClock()), changed=lambda: told.append(1))


def test_a_lamp_is_green_where_somebody_listens_and_red_where_nobody_does() -> None:
    with socket.create_server(("127.0.0.1", 0)) as up, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        there, gone = up.getsockname()[1], nobody.getsockname()[1]
        probe = probe_of(Ports(there, gone))

        probe.look(threading.Event())

    lamps = probe.lamps()
    assert lamps[f"localhost:{there}"]["lamp"] == "up"
    assert lamps[f"localhost:{gone}"]["lamp"] == "down"
    assert lamps[f"localhost:{gone}"]["lamp_text"] == "connection refused"


def test_nothing_is_sent_to_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        probe_of(Ports(server.getsockname()[1])).look(threading.Event())
        peer, _ = server.accept()
        with peer:
            peer.settimeout(5)
            assert peer.recv(10) == b""


def test_a_port_of_this_program_is_not_connected_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        probe = probe_of(Ports(port), own=port)
        probe.look(threading.Event())
        server.settimeout(0.05)
        with pytest.raises(TimeoutError):
            server.accept()

    assert probe.lamps()[f"localhost:{port}"]["lamp"] == "down"


def test_news_are_told_when_a_lamp_turns_only_and_a_port_taken_away_has_none() -> None:
    turned: list[int] = []
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    tree = Ports(port)
    probe = probe_of(tree, turned=turned)

    probe.look(threading.Event())
    probe.look(threading.Event())
    server.close()
    probe.look(threading.Event())
    tree.ports.clear()
    probe.look(threading.Event())

    assert len(turned) == 2  # green, then red
    assert probe.lamps() == {}


def test_a_breaker_turns_a_green_lamp_amber_with_the_time_of_the_next_attempt() -> None:
    clock = ManualClock(5000.0)
    time = SteadyTime(clock)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        broken = {f"localhost:{port}": time.now_ms() + 4000}
        probe = Probe(Ports(port), TargetGuard(set), time, breakers=lambda: broken)
        probe.look(threading.Event())
    clock._real += 60  # somebody set the clock

    lamp = probe.lamps()[f"localhost:{port}"]

    assert lamp["lamp"] == "breaker"
    assert lamp["next_probe_ms"] == time.wall_ms() + 4000
