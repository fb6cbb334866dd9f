"""Targets, disk and store fail; every alert ends in a state with a name, and none acts twice."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.simulator.listener import Listener
from tests.product import alerts_demo as demo
from tests.product.alerts_demo import Router
from tests.product.harness import MODES, ROOT, until

REVERSAL = {
    "ticker": "NQ", "action": "buy", "current_position": "short", "new_pos": "long",
    "qty": 3, "prev_qty": 1, "new_qty": 2, "price": 21500.25,
}  # fmt: skip


def opening(ticker: str = "NQ", n: int = 1) -> dict[str, Any]:
    return {
        "ticker": ticker, "action": "buy", "current_position": "flat", "new_pos": "long",
        "qty": 1, "price": n, "trade_id": f"Open_Long_ID_{n}",
    }  # fmt: skip


def closing(ticker: str = "NQ", n: int = 2) -> dict[str, Any]:
    return {
        "ticker": ticker, "action": "sell", "current_position": "long", "new_pos": "flat",
        "qty": 1, "price": n, "trade_id": f"Close_Long_ID_{n}",
    }  # fmt: skip


def state(router: Router, alert: str, leg: str | None = None) -> str | None:
    found: str | None = router.delivery(alert, leg)["state"]
    return found


def settled(router: Router, alert: str, *states: str, leg: str | None = None) -> dict[str, Any]:
    """The delivery once it is in one of these states."""
    until(lambda: state(router, alert, leg) in states, 30, f"{alert} {states}")
    return router.delivery(alert, leg)


# --- targets -----------------------------------------------------------------------------


def latencies(launch: Callable[..., Router], hang: bool, folder: str) -> list[float]:
    """Seconds from the answer to the effect at nine of ten targets; the tenth may hang."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(Listener()) for _ in range(10)]
        if hang:
            listeners[9].faults.update({"hang": "before"})
        ports = {f"T{n}": [each.port] for n, each in enumerate(listeners)}
        router = launch(
            demo.tree(ports, delay_s=1.0, gap_ms=0, idempotent=False), folder=folder
        ).wait()
        made = demo.alerts(200, list(ports), seed=5, reversals=0)
        sent = demo.post_all(router, made, rate=20)
        until(lambda: sum(len(each.effects()) for each in listeners[:9])
              >= sum(one.ticker != "T9" for one in sent), 30, "all other effects")  # fmt: skip
        offset = time.time() - time.monotonic()
        acted = {
            demo.act_of(effect)[0]: effect.at - offset
            for each in listeners[:9] for effect in each.effects()
        }  # fmt: skip
        return [acted[one.price] - one.ended for one in sent if one.ticker != "T9"]


def test_one_hanging_target_of_ten_does_not_hold_up_the_others(
    launch: Callable[..., Router],
) -> None:
    calm = latencies(launch, hang=False, folder="calm")
    beside = latencies(launch, hang=True, folder="hung")

    assert demo.percentile(beside, 0.5) <= 1.2 * demo.percentile(calm, 0.5)
    assert max(beside) < max(calm) + 2.5  # who waited for the hanging one would wait 5 s


@pytest.mark.slow
@pytest.mark.endurance
@pytest.mark.timeout(400)
def test_the_others_slowest_hundredth_stays_within_a_fifth(launch: Callable[..., Router]) -> None:
    tries = []
    for n in range(3):  # other programs on the machine disturb one side or the other
        calm = demo.percentile(latencies(launch, hang=False, folder=f"calm{n}"), 0.99)
        beside = demo.percentile(latencies(launch, hang=True, folder=f"hung{n}"), 0.99)
        tries.append(beside / calm)

    print(f"p99 beside a hanging target, as a share of without: {tries}")
    assert min(tries) <= 1.2


@pytest.mark.parametrize(
    "fault", [{"reset": "before"}, {"reset": "after"}, {"status": 500}], ids=str
)
def test_an_unknown_outcome_is_asked_about_and_not_sent_again(
    launch: Callable[..., Router], fault: dict[str, Any]
) -> None:
    with Listener(**fault) as listener:
        tree = demo.tree({"NQ": [listener.port]}, idempotent=False)
        router = launch(tree).wait()
        alert = router.webhook(opening()).document["id"]

        found = settled(router, alert, "uncertain")

        time.sleep(2.0)  # a second POST would have come by now
        assert len(listener.posts()) == 1
        assert state(router, alert) == "uncertain"
        row = router.api("GET", "/api/alerts?tab=dead")["rows"][0]
        assert (row["id"], row["needs"], row["question"]["kind"]) == (alert, True, "arrived")
        assert row["question"]["delivery"] == found["id"]


@pytest.mark.parametrize(("decision", "posts"), [("arrived", 1), ("send", 2)])
def test_a_person_decides_what_became_of_it(
    launch: Callable[..., Router], decision: str, posts: int
) -> None:
    with Listener(reset="after", count=1) as listener:
        router = launch(demo.tree({"NQ": [listener.port]}, idempotent=False)).wait()
        alert = router.webhook(opening()).document["id"]
        found = settled(router, alert, "uncertain")

        body = {"delivery": found["id"], "decision": decision}
        router.api("POST", f"/api/alerts/{alert}/decide", body)

        settled(router, alert, "delivered")
        assert len(listener.posts()) == posts
        assert len({post.key for post in listener.posts()}) == 1
        assert len(listener.effects()) == 1
        assert demo.damaged(router.database) == []


def test_a_target_that_dies_after_reading_leaves_it_uncertain(
    launch: Callable[..., Router],
) -> None:
    command = [sys.executable, "-m", "grok_sauce.simulator.listener", "--fault", "hang=before"]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        port = json.loads(child.stdout.readline())["port"]
        router = launch(demo.tree({"NQ": [port]}, idempotent=False, delay_s=0)).wait()
        alert = router.webhook(opening()).document["id"]
        settled(router, alert, "sending")
        time.sleep(0.3)  # its bytes are read by now
        child.kill()
        child.wait(5)

        settled(router, alert, "uncertain")
        with Listener(port) as listener:
            time.sleep(2.0)
            assert listener.posts() == []
    finally:
        child.kill()
        child.communicate()


def down_and_up(launch: Callable[..., Router], fresh: float, down: float, then: float) -> None:
    """A target is down from the start for `down` seconds; the old open is `fresh` seconds good."""
    listener = Listener()
    port = listener.port
    listener.stop()
    tree = demo.tree({"OLD": [port], "YOUNG": [port], "CLOSE": [port]}, idempotent=False)
    tree["strategies"][demo.STRATEGY]["tickers"]["OLD"]["fresh_open_s"] = fresh
    router = launch(tree).wait()
    began = time.monotonic()
    old = router.webhook(opening("OLD", 1)).document["id"]
    closes = [router.webhook(closing("CLOSE", n)).document["id"] for n in (2, 3, 4)]
    time.sleep(max(0.0, then - (time.monotonic() - began)))
    young = router.webhook(opening("YOUNG", 5)).document["id"]
    time.sleep(max(0.0, down - (time.monotonic() - began)))

    with listener:
        router.settle(90)

        acted = [effect.body["price"] for effect in listener.effects()]
        assert sorted(acted) == [2, 3, 4, 5]
        assert [price for price in acted if price < 5] == [2, 3, 4]
        assert state(router, old) == "expired"
        assert {state(router, each) for each in (*closes, young)} == {"delivered"}
        rows = {row["id"]: row for row in router.api("GET", "/api/alerts?tab=dead")["rows"]}
        assert list(rows) == [old]
        assert rows[old]["needs"]
        assert demo.damaged(router.database) == []


def test_a_target_that_comes_back_gets_what_is_still_fresh_in_order(
    launch: Callable[..., Router],
) -> None:
    down_and_up(launch, fresh=4, down=8, then=5)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_target_that_was_down_for_more_than_a_minute(launch: Callable[..., Router]) -> None:
    down_and_up(launch, fresh=60, down=75, then=45)


@pytest.mark.parametrize("mode", MODES)
def test_a_listener_on_the_other_loopback_is_reached_under_its_host(
    launch: Callable[..., Router], mode: str
) -> None:
    with Listener(host="::1") as listener:
        router = launch(demo.tree({"NQ": [listener.port]}, delay_s=0), mode=mode).wait()

        alert = router.webhook(REVERSAL).document["id"]

        router.settle()
        assert {state(router, alert, leg) for leg in ("close", "open")} == {"delivered"}
        hosts = {post.headers["host"] for post in listener.posts()}
        assert hosts == {f"localhost:{listener.port}"}


def test_a_refused_close_leaves_the_open_with_a_person(launch: Callable[..., Router]) -> None:
    with Listener(status=400, count=1) as listener:
        router = launch(demo.tree({"NQ": [listener.port]}, delay_s=0)).wait()

        alert = router.webhook(REVERSAL).document["id"]

        assert settled(router, alert, "refused", leg="close")["attempts"] == 1
        found = settled(router, alert, "uncertain", leg="open")
        assert found["reason"] == "close_not_delivered"
        assert listener.effects() == []
        body = {"delivery": found["id"], "decision": "send"}
        router.api("POST", f"/api/alerts/{alert}/decide", body)
        settled(router, alert, "delivered", leg="open")
        assert [effect.key for effect in listener.effects()] == [found["key"]]


def test_a_reversal_without_sizes_sends_the_close_and_asks_for_the_open(
    launch: Callable[..., Router],
) -> None:
    bare = {key: value for key, value in REVERSAL.items() if key not in ("prev_qty", "new_qty")}
    with Listener() as listener:
        router = launch(demo.tree({"NQ": [listener.port]}, delay_s=0)).wait()

        alert = router.webhook(bare).document["id"]

        found = settled(router, alert, "uncertain", leg="open")
        assert found["reason"] == "reversal_qty_unknown"
        settled(router, alert, "delivered", leg="close")
        body = {"delivery": found["id"], "decision": "send", "qty": 2}
        router.api("POST", f"/api/alerts/{alert}/decide", body)
        settled(router, alert, "delivered", leg="open")
        assert [(each.body["action"], each.body["qty"]) for each in listener.effects()] == [
            ("close", 3),
            ("open", 2),
        ]
        assert listener.effects()[1].key == found["key"]


def test_retry_after_is_honoured(launch: Callable[..., Router]) -> None:
    with Listener(status=503, retry_after=3, count=1) as listener:
        router = launch(demo.tree({"NQ": [listener.port]}, idempotent=False, delay_s=0)).wait()

        alert = router.webhook(opening()).document["id"]

        settled(router, alert, "delivered")
        first, second = listener.posts()
        assert second.at - first.at >= 2.9
        assert first.key == second.key


def test_a_pause_holds_over_a_kill_and_drops_nothing(launch: Callable[..., Router]) -> None:
    with Listener() as listener:
        router = launch(demo.tree({"NQ": [listener.port]}, delay_s=0)).wait()
        router.api("POST", "/api/alerts/pause", {"paused": True})
        assert router.webhook(opening()).status == 200
        router.kill()
        router.start().wait()
        time.sleep(1.0)
        held = len(listener.posts())

        router.api("POST", "/api/alerts/pause", {"paused": False})

        router.settle()
        assert held == 0
        assert len(listener.effects()) == 1


def test_after_a_pause_alerts_of_different_windows_keep_their_order(
    launch: Callable[..., Router],
) -> None:
    with Listener() as listener:
        router = launch(demo.tree({"NQ": [listener.port]}, delay_s=0.5)).wait()
        router.api("POST", "/api/alerts/pause", {"paused": True})
        for body in (opening(n=1), closing(n=2), opening(n=3)):
            assert router.webhook(body).status == 200
            time.sleep(1.0)  # its window has ended

        router.api("POST", "/api/alerts/pause", {"paused": False})

        router.settle()
        assert [effect.body["price"] for effect in listener.effects()] == [1, 2, 3]


@pytest.mark.parametrize("mode", MODES)
def test_a_stop_while_a_target_hangs_takes_five_seconds_at_most(
    launch: Callable[..., Router], mode: str
) -> None:
    with Listener(hang="before") as listener:
        router = launch(
            demo.tree({"NQ": [listener.port]}, idempotent=False, delay_s=0), mode=mode
        ).wait()
        alert = router.webhook(opening()).document["id"]
        settled(router, alert, "sending")

        demo.end(router)
        router.start().wait()

        settled(router, alert, "uncertain")
        assert len(listener.posts()) == 1


# --- store and disk ----------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_stalled_store_asks_for_a_resend_which_acts_once(
    launch: Callable[..., Router], mode: str
) -> None:
    with Listener() as listener:
        router = launch(demo.tree({"NQ": [listener.port]}), mode=mode).wait()
        other = sqlite3.connect(router.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        first = router.webhook(opening())
        took = time.monotonic() - began
        other.execute("ROLLBACK")
        other.close()

        second = until(
            lambda: a if (a := router.webhook(opening())).status == 200 else None, 10, "a 200"
        )
        router.settle()

        assert first.status == 503
        assert first.headers["retry-after"] == "5"
        assert 0.5 < took < 2.0
        assert second.document["status"] in ("success", "skipped")
        assert [effect.body["price"] for effect in listener.effects()] == [1]
        assert len(listener.posts()) == 1


def banner(router: Router) -> list[str]:
    """The red sentences of every page."""
    found: list[str] = router.api("GET", "/api/alerts")["numbers"]["problems"]
    return found


def allow(router: Router, size: int) -> None:
    """How large the router's files may grow from now on: a full disk, and space again."""
    resource.prlimit(router.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.parametrize("mode", MODES)
def test_a_full_disk_is_answered_503_and_ends_by_itself(
    launch: Callable[..., Router], mode: str
) -> None:
    with Listener() as listener:
        router = launch(demo.tree({"NQ": [listener.port]}), mode=mode).wait()
        assert router.webhook(opening(n=1)).status == 200
        router.settle()

        allow(router, 1024)
        full = router.webhook(opening(n=2))
        until(lambda: banner(router), 10, "a red line")
        health = until(lambda: router.get("/health")[0] == 503, 10, "a bad health")
        allow(router, resource.RLIM_INFINITY)

        again = until(
            lambda: a if (a := router.webhook(opening(n=2))).status == 200 else None, 20, "a 200"
        )
        until(lambda: not banner(router), 20, "the end of the red line")
        router.settle()
        assert (full.status, health) == (503, True)
        assert again.status == 200
        until(lambda: router.get("/health")[0] == 200, 10, "a good health")
        assert sorted(effect.body["price"] for effect in listener.effects()) == [1, 2]
        assert demo.damaged(router.database) == []


def test_a_folder_that_may_not_be_written_is_said_at_the_start(
    launch: Callable[..., Router], tmp_path: Path
) -> None:
    router = launch(demo.tree({"NQ": [9060]}), ordinary=True).wait()
    demo.end(router)
    for file in router.data.iterdir():
        file.chmod(0o444)
    router.data.chmod(0o555)
    try:
        router.start()
        code = router.process.wait(timeout=30)
    finally:
        router.data.chmod(0o755)

    assert code == 1
    assert "cannot be written" in router.text()
    assert "Traceback" not in router.text()


def test_a_folder_that_turns_read_only_loses_nothing_that_was_acknowledged(
    launch: Callable[..., Router],
) -> None:
    with Listener() as listener:
        router = launch(demo.tree({"NQ": [listener.port]}, delay_s=0), ordinary=True).wait()
        files = [file for file in router.data.iterdir() if file.is_file()]
        for file in files:
            file.chmod(0o444)
        router.data.chmod(0o555)
        try:
            during = [router.webhook(opening(n=n)) for n in range(1, 6)]
        finally:
            router.data.chmod(0o755)
            for file in files:
                file.chmod(0o600)
        after = router.webhook(opening(n=6))
        router.settle()

        assert {each.status for each in during} <= {200, 503}
        assert after.status == 200
        promised = [n for n, each in enumerate(during, 1) if each.status == 200] + [6]
        assert sorted(effect.body["price"] for effect in listener.effects()) == promised


def test_a_second_router_on_the_same_folder_is_refused(launch: Callable[..., Router]) -> None:
    router = launch(demo.tree({"NQ": [9060]})).wait()

    second = Router(router.folder, None)
    code = second.process.wait(timeout=30)

    assert code == 1
    assert "another process uses" in router.text()
    until(lambda: router.get("/health")[0] == 200, 10, "a good health of the first")


def test_a_broken_routing_file_leaves_the_last_good_one_in_use(
    launch: Callable[..., Router],
) -> None:
    with Listener() as listener:
        router = launch(demo.tree({"NQ": [listener.port]}, delay_s=0)).wait()
        demo.end(router)
        (router.data / "routing.json").write_text('{"strategies": {', encoding="utf-8")

        router.start().wait()

        assert router.webhook(opening()).status == 200
        router.settle()
        assert len(listener.effects()) == 1
        assert any("routing.json" in line for line in banner(router))


def test_a_damaged_database_is_set_aside_and_said(launch: Callable[..., Router]) -> None:
    router = launch(demo.tree({"NQ": [9060]}, delay_s=60)).wait()
    assert router.webhook(opening()).status == 200
    demo.end(router)
    with router.database.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(40_000))

    router.start().wait()

    assert router.webhook(opening()).status == 200
    assert any("alerts" in line for line in banner(router))
    assert len([file for file in router.data.iterdir() if "alerts" in file.name]) > 1


def test_seed_s_own_example_is_delivered_as_it_always_was(launch: Callable[..., Router]) -> None:
    payload = (
        b'{"ticker":"AAPL","trade_id":"Open_Long_ID_123","action":"buy","current_position":"short",'
        b'"qty":10,"price":150.25,"time":"2024-01-04T15:30:00Z"}'
    )
    with Listener() as listener:
        config = {
            "strategies": {
                "MomentumStrategy": {
                    "accounts": {},
                    "tickers": {
                        "AAPL": {"ports": [listener.port]},
                        "TSLA": {"ports": [5001, 5002]},
                    },
                }
            }
        }
        router = launch(config).wait()
        tree = router.api("GET", "/api/routing")
        router.api(
            "POST",
            "/api/routing/edit",
            {"revision": tree["revision"], "op": "set_strategy", "name": "MomentumStrategy",
             "mode": "live"},
        )  # fmt: skip

        answer = router.webhook(payload)

        router.settle()
        assert answer.document["message"] == "Alert queued"
        assert [effect.body for effect in listener.effects()] == [
            {
                "ticker": "AAPL", "action": "close", "direction": "short", "qty": 10,
                "price": 150.25, "time": "01/04/2024 10:30:00 AM",
            }
        ]  # fmt: skip


def test_a_foreign_host_reaches_the_webhook_and_no_page(launch: Callable[..., Router]) -> None:
    router = launch(demo.tree({"NQ": [9060]}, delay_s=60)).wait()

    alert = router.webhook(opening(), host="alerts.example.org")
    connection = http.client.HTTPConnection("127.0.0.1", router.port, timeout=5)
    connection.request("GET", "/alerts", headers={"Host": "alerts.example.org"})
    page = connection.getresponse().status
    connection.close()

    assert alert.status == 200
    assert 400 <= page < 500
