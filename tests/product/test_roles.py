"""Past one process: a feed, two web roles and a Redis, and each of them killed or stopped once."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from grok_sauce.runtime.fenced_lock import LEASE
from tests.product.harness import ROOT, Product, until
from tests.product.roles_demo import TABLE, Crowd, Hearing, Roles, delays, gaps, read, strangers

TAKEN_OVER = 10.0  # seconds within which a standby must be the owner


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roles]:
    found = Roles(tmp_path_factory.mktemp("roles"))
    yield found
    found.close()


def mode(product: Product) -> str:
    """The chip; "" while it does not answer, for it may be starting again."""
    with contextlib.suppress(OSError):
        return str(product.health().get("mode", {}).get("name", ""))
    return ""


def statuses(product: Product) -> set[str]:
    return {row["status"] for row in product.rows().values()}


def dxlink(product: Product) -> str | None:
    """What a feed role says of its session with the price feed."""
    for source in product.health().get("sources", []):
        if source["name"] == "dxlink":
            return str(source["state"])
    return None


def follow(roles: Roles, each: int, least: int, seconds: float = 0.0) -> tuple[Crowd, Hearing]:
    """So many browsers on each web role, until each has so many messages and for so long."""
    hearing = Hearing(roles.redis)
    crowd = Crowd([roles.running[name].port for name in ("web1", "web2")], each)
    time.sleep(seconds)
    until(lambda: min(len(each.frames) for each in crowd.browsers) > least, 30, "messages")
    crowd.close()
    hearing.close()
    return crowd, hearing


@pytest.mark.timeout(240)
def test_every_browser_sees_every_update_whichever_process_it_is_on(roles: Roles) -> None:
    roles.whole()

    crowd, hearing = follow(roles, 10, 15)

    told = hearing.rows()
    seen = [found for browser in crowd.browsers if (found := read(browser.frames)) is not None]
    assert len(seen) == 20
    assert min(len(found.numbers) for found in seen) > 10
    assert [gaps(found) for found in seen if gaps(found)] == []
    assert len({found.epoch for found in seen}) == 2, "each process numbers for itself"
    assert not strangers(seen, told), "a web role told a row that the feed had not"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_hundred_browsers_on_two_processes_are_told_within_a_quarter_second(
    roles: Roles,
) -> None:
    roles.whole()

    crowd, hearing = follow(roles, 50, 50, 20.0)

    told = hearing.rows()
    seen = [found for browser in crowd.browsers if (found := read(browser.frames)) is not None]
    late = delays(seen, told)
    middle, slowest = late[len(late) // 2], late[len(late) * 99 // 100]
    sys.stdout.write(f"{len(late)} rows: p50 {middle:.1f} ms, p99 {slowest:.1f} ms\n")
    assert len(seen) == 100
    assert [gaps(found) for found in seen if gaps(found)] == []
    assert not strangers(seen, told)
    assert slowest < 250


@pytest.mark.timeout(240)
def test_a_web_process_that_is_killed_costs_the_others_nothing(roles: Roles) -> None:
    roles.whole()
    ports = [roles.running[name].port for name in ("web1", "web2")]
    crowd = Crowd(ports, 5)
    try:
        until(lambda: crowd.updates() > 50, 20, "updates")
        roles.kill("web1")
        moved = [browser for browser in crowd.browsers if browser.earlier or browser.sock is None]
        until(lambda: len([b for b in crowd.browsers if b.earlier]) == 5, 10, "five lost browsers")
        moved = [browser for browser in crowd.browsers if browser.earlier]
        until(lambda: all(len(browser.frames) > 5 for browser in moved), 20, "updates on the other")
    finally:
        crowd.close()

    stayed = [read(browser.frames) for browser in crowd.browsers if not browser.earlier]
    came = [read(browser.frames) for browser in moved]
    assert len(stayed) == len(came) == 5
    for found in [*stayed, *came]:
        assert found is not None
        assert gaps(found) == []
    assert {browser.port for browser in moved} == {ports[1]}
    roles.whole()


@pytest.mark.timeout(240)
def test_a_standby_takes_over_from_a_feed_that_was_killed(roles: Roles) -> None:
    roles.whole()
    first, second = roles.running["feed"], roles.feed("standby")
    assert (mode(first), mode(second)) == ("DEMO", "STANDBY")
    assert dxlink(second) is None, "a standby opens no session"
    web, hearing = roles.running["web1"], Hearing(roles.redis)
    until(lambda: hearing.told, 10, "what the first owner tells")

    roles.kill("feed")
    began = time.monotonic()
    until(lambda: mode(web) == "NO FEED", TAKEN_OVER, "the web role's notice of it")
    assert "live" not in statuses(web), "numbers of a dead feed look live"
    assert web.get("/health")[0] == 503
    until(lambda: len(hearing.tokens()) > 1, TAKEN_OVER, "the standby's first message")
    took = time.monotonic() - began

    until(web.live, 30, "live prices again")
    hearing.close()
    sys.stdout.write(f"taken over after {took:.1f} s\n")
    assert took < TAKEN_OVER
    assert hearing.tokens() == sorted(set(hearing.tokens())), "two owners spoke in turns"
    until(lambda: web.get("/health")[0] == 200, 30, "health")
    roles.left("standby")


@pytest.mark.timeout(240)
def test_an_owner_that_stood_still_finds_another_and_stands_by(roles: Roles) -> None:
    roles.whole()
    first, second = roles.running["feed"], roles.feed("standby", folder="elsewhere")
    hearing = Hearing(roles.redis)
    until(lambda: hearing.told, 10, "what the first owner tells")

    first.process.send_signal(signal.SIGSTOP)
    until(lambda: len(hearing.tokens()) > 1, TAKEN_OVER, "the other one's first message")
    first.process.send_signal(signal.SIGCONT)
    until(lambda: mode(first) == "STANDBY", 30, "the first one standing by")
    until(roles.running["web1"].live, 30, "live prices")
    hearing.close()

    assert mode(second) == "DEMO"
    assert hearing.tokens() == sorted(set(hearing.tokens())), "two owners spoke in turns"
    assert dxlink(first) is None, "it opened its session again"
    # Who took over goes on with the table of the owner before.
    told = json.loads((second.folder / "settings.json").read_text(encoding="utf-8"))
    assert told["indicators"]["positive"] == list(TABLE)
    roles.left("standby")


@pytest.mark.timeout(240)
def test_a_folder_that_another_process_still_has_is_left_alone(roles: Roles) -> None:
    roles.whole()
    first, second = roles.running["feed"], roles.feed("standby")

    first.process.send_signal(signal.SIGSTOP)
    until(lambda: "data folder" in json.dumps(second.health()["problems"]), 20, "the reason")
    assert dxlink(second) is None, "it began all the same"
    first.process.send_signal(signal.SIGCONT)
    until(roles.running["web1"].live, 60, "live prices again")

    until(lambda: sorted([mode(first), mode(second)]) == ["DEMO", "STANDBY"], 30, "one owner")
    roles.left("feed" if mode(first) == "DEMO" else "standby")


def outage(roles: Roles, seconds: float) -> None:
    """Redis stopped for so long and started empty: everything well again, nothing restarted."""
    roles.whole()
    running = {name: product.process.pid for name, product in roles.running.items()}
    feed, webs = roles.running["feed"], [roles.running["web1"], roles.running["web2"]]
    before = {name: row["order"] for name, row in webs[0].rows().items()}

    roles.redis.stop()
    began = time.monotonic()
    for web in webs:
        until(lambda web=web: mode(web) == "NO FEED", 10, "the notice")  # type: ignore[misc]
        report = web.health()
        assert "Redis" in report["problems"][0]
        assert "live" not in statuses(web)
        assert web.get("/indicator")[0] == 200, "pages open all the same"
        assert web.get("/api/settings")[0] == 503
    if seconds > 6:
        until(lambda: dxlink(feed) == "off", seconds, "the end of the session")
        # Its report says so once a second, whatever the machine is doing.
        assert time.monotonic() - began < LEASE + 3.0, "a session outlived its owner's lease"
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    roles.redis.start()

    for web in webs:
        until(web.live, 30, "live prices again")
        until(lambda web=web: web.get("/health")[0] == 200, 20, "health")  # type: ignore[misc]
        assert {name: row["order"] for name, row in web.rows().items()} == before
    assert running == {name: product.process.pid for name, product in roles.running.items()}
    assert all(product.process.poll() is None for product in roles.running.values())
    for product in (feed, *webs):
        assert "Traceback" not in product.text()


@pytest.mark.timeout(240)
def test_a_redis_that_stops_for_seconds_leaves_nothing_behind(roles: Roles) -> None:
    outage(roles, 3.0)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_redis_that_stops_for_half_a_minute_leaves_nothing_behind(roles: Roles) -> None:
    outage(roles, 30.0)


@pytest.mark.timeout(240)
def test_pages_and_settings_are_those_of_one_process(roles: Roles) -> None:
    roles.whole()
    one, two = roles.running["web1"], roles.running["web2"]

    settings = json.loads(one.get("/api/settings")[1])
    wanted = {**settings["settings"]["indicators"], "neutral": ["IWM"]}
    status, saved = two.send(
        "PUT",
        "/api/settings",
        {"revision": settings["revision"], "settings": {"indicators": wanted}},
    )
    stale = one.send("PUT", "/api/settings", {"revision": settings["revision"], "settings": {}})

    assert (status, saved["changes"]) == (200, ["IWM added to neutral"])
    assert stale[0] == 409
    until(lambda: one.rows().get("IWM", {}).get("status") == "live", 30, "the new row")
    kept = roles.running["feed"].folder / "settings.json"
    assert "IWM" in kept.read_text(encoding="utf-8")
    bad = {"indicators": {"neutral": 5}}
    wrong = two.send("PUT", "/api/settings", {"revision": saved["revision"], "settings": bad})
    assert (wrong[0], wrong[1]["error"]["field"]) == (422, "indicators.neutral")
    for path in ("/indicator", "/gex/SPY", "/chart/SPY", "/butterfly", "/news", "/calendar",
                 "/setup", "/status", "/forex", "/metrics", "/api/candles?symbol=SPY",
                 "/api/calendar", "/api/news", "/api/notices"):  # fmt: skip
        assert two.get(path, timeout=30)[0] == 200, path
    feed = roles.running["feed"]
    assert feed.get("/metrics")[0] == 200
    assert feed.get("/indicator")[0] == 404
    assert feed.get("/")[0] == 404


@pytest.mark.parametrize("role", ["feed", "web"])
def test_a_role_without_redis_ends_with_the_line_to_add(
    role: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("GROK_SAUCE_ENV_FILE", str(tmp_path / "none"))

    done = subprocess.run(
        [sys.executable, "-m", "grok_sauce.cli", "--role", role, "--port", "0",
         "--data", str(tmp_path), "--settings", str(tmp_path / "s.json")],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "REDIS_URL=redis://" in done.stderr
