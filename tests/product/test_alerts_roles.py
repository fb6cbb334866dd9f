"""The router in a process of its own beside a dashboard: either restarts, no alert notices."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from grok_sauce.simulator.listener import Listener
from tests.product import alerts_demo as demo
from tests.product.alerts_demo import Router
from tests.product.harness import Product, until


def lamp(dashboard: Product) -> dict[str, Any]:
    """What the dashboard says of the router."""
    return dict(dashboard.health().get("router") or {})


@pytest.mark.timeout(240)
def test_either_restarts_while_the_other_runs_and_no_alert_is_lost(
    launch: Callable[..., Router], start: Callable[..., Product]
) -> None:
    with Listener() as listener:
        ports = {"NQ": [listener.port], "ES": [listener.port]}
        router = launch(demo.tree(ports)).wait()
        dashboard = start("demo", ROUTER_URL=router.url).wait()
        tree = (router.data / "routing.json").read_bytes()
        stream = demo.Stream(router, demo.alerts(2000, list(ports)), 20)
        until(lambda: lamp(dashboard).get("mark") == "fresh", 30, "a green lamp")

        dashboard.stop(signal.SIGKILL)
        again = start("demo", ROUTER_URL=router.url).wait()
        until(lambda: lamp(again).get("mark") == "fresh", 30, "a green lamp")
        before = [one for one in stream.sent if one.ended]
        router.kill()
        until(lambda: lamp(again).get("mark") == "down", 30, "a red lamp")
        router.start().wait()
        until(lambda: lamp(again).get("mark") == "fresh", 30, "a green lamp")
        time.sleep(1)
        stream.stop()
        sent = stream.join()
        router.settle(60)

        assert before, "nothing was sent while the dashboard restarted"
        assert demo.refusals(before) == {}
        journals = {listener.port: listener.effects()}
        demo.check_everything(router, sent, journals, ports, 0.7)
        assert (router.data / "routing.json").read_bytes() == tree
        assert not list((again.folder / "data").glob("alerts.db*"))
        assert not (again.folder / "data" / "routing.json").exists()


def test_a_dashboard_with_a_router_elsewhere_takes_no_alert_itself(
    launch: Callable[..., Router], start: Callable[..., Product]
) -> None:
    router = launch(demo.tree({"NQ": [9060]}, delay_s=60)).wait()
    dashboard = start("demo", ROUTER_URL=router.url).wait()
    (one,) = demo.alerts(1, ["NQ"])

    poster = demo.Poster(dashboard.port, router.token)
    answer = poster.post(one.body)
    poster.close()

    assert answer.status is not None
    assert answer.status >= 400
    assert router.query("SELECT count(*) FROM alert") == [(0,)]


def test_everything_in_one_process_routes_too(launch: Callable[..., Router]) -> None:
    with Listener() as listener:
        router = launch(demo.tree({"NQ": [listener.port]}), role="all").wait()
        router.api("POST", "/api/alerts/dry", {"dry": False})
        (one,) = demo.alerts(1, ["NQ"])

        assert router.webhook(one.body).status == 200

        router.settle()
        assert [demo.act_of(effect) for effect in listener.effects()] == [(one.price, "open")]
        demo.end(router)


def test_the_demo_begins_dry_and_sends_nothing(launch: Callable[..., Router]) -> None:
    with Listener() as listener:
        router = launch(demo.tree({"NQ": [listener.port]}), role="all").wait()
        (one,) = demo.alerts(1, ["NQ"])

        alert = router.webhook(one.body).document["id"]

        router.settle()
        assert router.delivery(alert)["state"] == "skipped"
        assert router.delivery(alert)["reason"] == "dry_mode"
        assert listener.posts() == []
