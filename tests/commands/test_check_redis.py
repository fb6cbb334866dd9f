"""The doctor's line of Redis: not needed, there, gone, refused, without its package."""

from __future__ import annotations

import sys

import pytest

from grok_sauce.commands.check import line, redis
from grok_sauce.runtime.clock import RealClock
from tests.redis_server import RedisServer, free_port


def test_without_an_address_nothing_is_wrong() -> None:
    found = redis({}, RealClock())

    assert found.ok is None
    assert "nothing needs it" in line(found)


def test_a_server_is_named_with_its_version_and_without_its_password() -> None:
    with RedisServer(password="s3cret") as server:
        found = redis({"REDIS_URL": server.url}, RealClock())

        told = server.cli("INFO", "server")

    assert found.ok is True
    version = found.text.split("version ")[1].split(",")[0]
    assert f"redis_version:{version}" in told
    assert f"redis://127.0.0.1:{server.port}/0" in found.text
    assert "s3cret" not in line(found)


def test_one_that_is_not_there_fails_with_how_to_start_it() -> None:
    found = redis({"REDIS_URL": f"redis://127.0.0.1:{free_port()}"}, RealClock())

    assert found.ok is False
    assert "Connection refused" in found.text
    assert "apt install redis-server" in line(found)


def test_a_wrong_password_is_told() -> None:
    with RedisServer(password="right") as server:
        found = redis({"REDIS_URL": server.url.replace("right", "s3cret")}, RealClock())

    assert found.ok is False
    assert "another login" in found.text
    assert "s3cret" not in line(found)


def test_a_wrong_address_says_where_to_correct_it() -> None:
    found = redis({"REDIS_URL": "localhost:6379"}, RealClock())

    assert found.ok is False
    assert "correct REDIS_URL in .env" in line(found)


def test_the_missing_package_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)

    found = redis({"REDIS_URL": "redis://127.0.0.1"}, RealClock())

    assert found.ok is False
    assert "pip install -r requirements-redis.txt" in found.text
