"""kill -9 again and again: what was acknowledged acts exactly once, in order."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.simulator.listener import Listener
from tests.product import alerts_demo as demo
from tests.product.alerts_demo import Router

RATE = 40.0  # alerts a second
DELAY = 0.3  # seconds of the hold window
TICKERS = [f"NQ_{n}min" for n in range(1, 17)]


def soak(launch: Callable[..., Router], kills: int, seed: int, **options: Any) -> None:
    """A stream of alerts under which the router is killed at random moments."""
    chance = random.Random(seed)
    with contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(Listener(errors=0.1, seed=seed + n)) for n in range(2))
        ports = {
            ticker: [[first.port], [second.port], [first.port, second.port]][n % 3]
            for n, ticker in enumerate(TICKERS)
        }
        router = launch(demo.tree(ports, delay_s=DELAY, fresh_open_s=600), **options).wait()
        made = demo.alerts(int(RATE * 10 * (kills + 1)), TICKERS, seed)
        stream = demo.Stream(router, made, RATE)
        for _ in range(kills):
            if chance.random() < 0.85:
                router.wait()
                time.sleep(chance.uniform(0.1, 1.3))
            else:  # before it answers, when it ties up loose ends
                time.sleep(chance.uniform(0.1, 0.9))
            router.kill()
            router.start()
        router.wait()
        time.sleep(1.0)
        stream.stop()
        sent = stream.join()
        router.settle(90)
        journals = {each.port: each.effects() for each in (first, second)}
        demo.end(router)

        accepted = sum(one.accepted for one in sent)
        demo.check_everything(router, sent, journals, ports, DELAY + 0.5)
        assert accepted > 10 * kills, f"only {accepted} alerts were accepted"
        assert any(one.answer.status is None for one in sent), "no kill hit the stream"
        states = router.query("SELECT DISTINCT state FROM delivery")
        assert states == [("delivered",)]
        repeats = [post for each in (first, second) for post in each.posts() if not post.acted]
        assert repeats, "nothing was ever tried again"
        print(f"{kills} kills, {accepted} accepted, {len(repeats)} repeats, all acted once")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("mode", "kills"), [("eventlet", 45), ("threading", 15)])
def test_sixty_kills_lose_nothing_double_nothing_and_turn_nothing_round(
    launch: Callable[..., Router], mode: str, kills: int
) -> None:
    soak(launch, kills, seed=kills, mode=mode)


@pytest.mark.slow
@pytest.mark.endurance
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", [1, 2])
def test_two_hundred_kills(launch: Callable[..., Router], seed: int) -> None:
    soak(launch, 200, seed=seed)


def test_a_restart_between_the_legs_of_a_reversal_repeats_neither(
    launch: Callable[..., Router], tmp_path: Path
) -> None:
    with Listener() as listener:
        router = launch(demo.tree({"NQ": [listener.port]}, delay_s=0.1, gap_ms=4000)).wait()
        answer = router.webhook(
            {"ticker": "NQ", "action": "buy", "current_position": "short", "new_pos": "long",
             "qty": 3, "prev_qty": 1, "new_qty": 2, "price": 1}
        )  # fmt: skip
        demo.until(listener.effects, 5, "the close")

        router.kill()
        time.sleep(0.2)
        between = [effect.body["action"] for effect in listener.effects()]
        router.start().wait()
        router.settle(20)

        assert between == ["close"]
        assert [
            (effect.body["action"], effect.body["direction"], effect.body["qty"])
            for effect in listener.effects()
        ] == [("close", "short", 1), ("open", "long", 2)]
        assert [effect.key for effect in listener.effects()] == [
            f"{answer.document['id']}-localhost:{listener.port}-{leg}" for leg in ("close", "open")
        ]
        assert len(listener.posts()) == 2


def test_an_alert_that_was_held_when_it_died_is_delivered_by_the_next(
    launch: Callable[..., Router],
) -> None:
    with Listener() as listener:
        router = launch(demo.tree({"NQ": [listener.port]}, delay_s=2.0)).wait()
        (one,) = demo.alerts(1, ["NQ"])
        one.answer = router.webhook(one.body)
        router.kill()
        assert listener.posts() == []

        router.start().wait()
        router.settle(20)

        assert [demo.act_of(effect) for effect in listener.effects()] == [(one.price, "open")]
        assert demo.damaged(router.database) == []


def test_a_stop_is_clean_and_what_is_held_waits_for_the_next_start(
    launch: Callable[..., Router],
) -> None:
    with Listener() as listener:
        router = launch(demo.tree({"NQ": [listener.port]}, delay_s=30.0)).wait()
        (one,) = demo.alerts(1, ["NQ"])
        assert router.webhook(one.body).status == 200

        demo.end(router)

        assert router.query("SELECT state FROM alert") == [("held",)]
        assert demo.damaged(router.database) == []
        assert "Traceback" not in router.text()
