"""Shared by all tests: loopback only, and a clock set by hand."""

from __future__ import annotations

import pytest

from grok_sauce.runtime.clock import ManualClock

# Wednesday 2026-12-16, 14:32:07 New York.
NOW = 1797449527.0


def pytest_runtest_setup(item: pytest.Item) -> None:
    from pytest_socket import socket_allow_hosts

    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at Wednesday 2026-12-16, 14:32:07 New York."""
    return ManualClock(market=NOW, real=NOW)
