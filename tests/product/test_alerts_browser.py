"""Alerts and strategies in a real browser on a real router, as a trader works with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from grok_sauce.simulator.listener import Listener
from tests.product import alerts_demo as demo
from tests.product.alerts_demo import Router
from tests.product.browser import Open
from tests.product.harness import until

pytestmark = pytest.mark.timeout(120)


def opening(ticker: str, n: int) -> dict[str, Any]:
    return {
        "ticker": ticker, "action": "buy", "current_position": "flat", "new_pos": "long",
        "qty": 1, "price": n, "trade_id": f"Open_Long_ID_{n}",
    }  # fmt: skip


def row(page: Any, alert: str) -> Any:
    return page.locator(f'tr[data-id="{alert}"]')


def state_of(page: Any, alert: str) -> str:
    return str(row(page, alert).inner_text()).lower()


def test_an_alert_appears_moves_and_opens_and_waits_for_a_dead_port(
    launch: Callable[..., Router], open_tab: Open
) -> None:
    with Listener() as listener, open_tab() as tab:
        page = tab.page
        port = listener.port
        router = launch(demo.tree({"NQ": [port]}, delay_s=0.5)).wait()
        page.goto(f"{router.url}/alerts")

        first = router.webhook(opening("NQ", 1)).document["id"]
        row(page, first).wait_for(timeout=5000)
        until(lambda: "done" in state_of(page, first), 10, "the delivery on the page")
        row(page, first).click()
        drawer = page.locator('[data-part="drawer"]')
        drawer.locator(".timeline").wait_for()
        told = drawer.inner_text()
        page.keyboard.press("Escape")

        listener.stop()
        second = router.webhook(opening("NQ", 2)).document["id"]
        row(page, second).wait_for(timeout=5000)
        until(
            lambda: (
                router.delivery(second)["state"] == "retry_wait"
                and "released" in state_of(page, second)
            ),
            10,
            "the page to say that it waits",
        )
        strategies = page.context.new_page()
        strategies.goto(f"{router.url}/strategies")
        lamp = strategies.locator(f'tr[data-key*="localhost:{port}"] [data-mark]')
        until(lambda: lamp.first.get_attribute("data-mark") == "down", 15, "a red lamp")
        listener.start()
        until(lambda: "done" in state_of(page, second), 40, "the delivery when it is back")
        until(lambda: lamp.first.get_attribute("data-mark") != "down", 40, "the lamp to turn")

    assert "open long" in told.lower()
    assert str(port) in told
    assert [effect.body["price"] for effect in listener.effects()] == [1, 2]
    assert tab.errors == []


def test_pause_resume_and_replay(launch: Callable[..., Router], open_tab: Open) -> None:
    with Listener() as listener, open_tab() as tab:
        page = tab.page
        router = launch(demo.tree({"NQ": [listener.port]}, delay_s=0.2)).wait()
        page.goto(f"{router.url}/alerts")

        page.get_by_role("button", name="Pause forwarding").click()
        resume = page.get_by_role("button", name="Resume")
        resume.wait_for()
        alert = router.webhook(opening("NQ", 1)).document["id"]
        row(page, alert).wait_for(timeout=5000)
        page.wait_for_timeout(1500)  # long past its window: what is paused stays
        paused = len(listener.effects())
        page.get_by_role("button", name="Resume, 1 held").wait_for(timeout=10_000)
        resume.click()
        page.get_by_role("alertdialog").get_by_role("button", name="Resume and send").click()
        until(lambda: "done" in state_of(page, alert), 15, "the delivery after the pause")

        row(page, alert).click()
        page.locator('[data-part="drawer"] .timeline').wait_for()
        page.keyboard.press("r")
        dialog = page.get_by_role("alertdialog")
        dialog.get_by_text("As a new order").click()
        dialog.get_by_text("I looked at NinjaTrader").click()
        dialog.locator(".button.risky").click()
        until(lambda: len(listener.effects()) == 2, 15, "the replayed order")

    assert paused == 0
    one, again = listener.effects()
    assert one.body == again.body
    assert one.key != again.key


def test_a_reversal_without_sizes_asks_and_is_sent_by_one_click(
    launch: Callable[..., Router], open_tab: Open
) -> None:
    reversal = {
        "ticker": "NQ", "action": "buy", "current_position": "short", "new_pos": "long",
        "qty": 3, "price": 7, "trade_id": "Reverse_ID_7",
    }  # fmt: skip
    with Listener() as listener, open_tab() as tab:
        page = tab.page
        router = launch(demo.tree({"NQ": [listener.port]}, delay_s=0.2)).wait()
        page.goto(f"{router.url}/alerts")

        alert = router.webhook(reversal).document["id"]
        form = row(page, alert).locator("form")
        form.wait_for(timeout=10_000)
        until(lambda: len(listener.effects()) == 1, 10, "the close")
        form.get_by_role("spinbutton").fill("2")
        form.get_by_role("button", name="Send").click()
        until(lambda: len(listener.effects()) == 2, 15, "the open")
        until(lambda: "done" in state_of(page, alert), 10, "the end on the page")

    legs = [(e.body["action"], e.body["direction"], e.body["qty"]) for e in listener.effects()]
    assert legs == [("close", "short", 3), ("open", "long", 2)]


@pytest.mark.parametrize("way", ["mouse", "keyboard"])
def test_strategy_ticker_and_port_are_added_and_deleted(
    launch: Callable[..., Router], open_tab: Open, way: str
) -> None:
    with open_tab() as tab:
        page = tab.page
        router = launch({"strategies": {}, "routing": {}}).wait()
        page.goto(f"{router.url}/strategies")
        dialog = page.locator(".dialog")

        def line(*path: str) -> Any:
            return page.locator(f"tr[data-key='{json.dumps(path, separators=(',', ':'))}']")

        def add(*path: str, text: str) -> None:
            if not path:
                page.locator('[data-action="add-strategy"]:visible').first.click()
            elif way == "keyboard":
                line(*path).focus()
                page.keyboard.press("Insert")
            else:
                name = "Add ticker" if len(path) == 1 else "Add port"
                line(*path).get_by_role("button", name=name).click()
            dialog.wait_for()
            page.keyboard.insert_text(text)
            page.keyboard.press("Enter")
            dialog.wait_for(state="detached")

        def delete(*path: str) -> None:
            if way == "keyboard":
                line(*path).focus()
                page.keyboard.press("Delete")
            else:
                line(*path).get_by_role("button", name="Menu of").click()
                page.get_by_role("menuitem", name="Delete").click()
            page.locator(".dialog .button.danger, .dialog .button.risky").last.click()
            dialog.wait_for(state="detached")
            line(*path).wait_for(state="detached")

        add(text="Momentum")
        line("Momentum").wait_for()
        add("Momentum", text="NQ")
        line("Momentum", "NQ").wait_for()
        add("Momentum", "NQ", text="9060")
        line("Momentum", "NQ", "localhost:9060").wait_for()
        kept = router.api("GET", "/api/routing/export")
        delete("Momentum", "NQ", "localhost:9060")
        delete("Momentum", "NQ")
        delete("Momentum")
        left = router.api("GET", "/api/routing/export")

    assert kept["strategies"]["Momentum"]["tickers"]["NQ"]["ports"] == [9060]
    assert kept["strategies"]["Momentum"]["mode"] == "off"
    assert left["strategies"] == {}
    assert tab.errors == []
