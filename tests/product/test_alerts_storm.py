"""Many alerts: the same one at once, bursts, steady streams, and the gates that protect us."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable

import pytest

from grok_sauce.simulator.listener import Listener
from tests.product import alerts_demo as demo
from tests.product.alerts_demo import Router
from tests.product.harness import MODES, until

SAME = {
    "ticker": "NQ",
    "action": "buy",
    "current_position": "flat",
    "new_pos": "long",
    "qty": "1",
    "price": "21500.25",
    "trade_id": "Open_Long_ID_1",
    "time": "2026-01-05T14:30:00Z",
}
TICKERS = [f"NQ_{n}min" for n in range(1, 17)]


@pytest.mark.parametrize("mode", MODES)
def test_fifty_identical_posts_at_once_are_one_alert(
    launch: Callable[..., Router], mode: str
) -> None:
    with Listener() as listener:
        router = launch(demo.tree({"NQ": [listener.port]}), mode=mode).wait()

        answers = demo.at_once(router, [SAME] * 50)

        router.settle()
        assert Counter((each.status, each.document["status"]) for each in answers) == {
            (200, "success"): 1,
            (200, "skipped"): 49,
        }
        assert len({each.document["id"] for each in answers}) == 1
        assert len(listener.posts()) == 1


def resent(launch: Callable[..., Router], pause: float) -> None:
    """The same alert four times, as TradingView repeats it."""
    with Listener() as listener:
        router = launch(demo.tree({"NQ": [listener.port]})).wait()
        said = []
        for n in range(4):
            time.sleep(pause if n else 0)
            said.append(router.webhook(SAME).document["status"])

        router.settle()
        assert said == ["success", "skipped", "skipped", "skipped"]
        assert len(listener.posts()) == 1


def test_a_resend_is_delivered_once(launch: Callable[..., Router]) -> None:
    resent(launch, 0.5)


@pytest.mark.slow
def test_tradingview_s_own_pattern_of_resends_is_delivered_once(
    launch: Callable[..., Router],
) -> None:
    resent(launch, 5.0)


def test_a_burst_of_three_hundred_in_a_second_is_taken_at_the_default_limits(
    launch: Callable[..., Router],
) -> None:
    with Listener() as listener:
        ports = {ticker: [listener.port] for ticker in TICKERS}
        router = launch(demo.tree(ports)).wait()
        made = demo.alerts(300, TICKERS)
        began = time.monotonic()

        sent = demo.post_all(router, made, rate=300, connections=16)

        took = max(one.ended for one in sent) - began
        router.settle(60)
        assert demo.refusals(sent) == {}
        assert took < 2.5 * slowness(router)
        demo.check_everything(router, sent, {listener.port: listener.effects()}, ports, 0.7)


def slowness(router: Router) -> float:
    """How many times slower than need be this machine is now: it may run other tests too."""
    began = time.monotonic()
    for n in range(20):
        assert router.webhook({**SAME, "ticker": "NOWHERE", "trade_id": f"X_{n}"}).status == 422
    return max(1.0, (time.monotonic() - began) / 20 / 0.02)


def steady(
    launch: Callable[..., Router], rate: float, seconds: float, **env: str
) -> tuple[Router, list[demo.Sent]]:
    """A stream at a rate; everything must be taken, delivered and in order."""
    with Listener() as first, Listener() as second:
        ports = {t: [(first, second)[n % 2].port] for n, t in enumerate(TICKERS)}
        router = launch(demo.tree(ports, delay_s=0.5), **env).wait()
        made = demo.alerts(int(rate * seconds), TICKERS)

        sent = demo.post_all(router, made, rate, connections=16, resend=False)

        refused = [
            (one.n, one.began - sent[0].began, one.answer) for one in sent if not one.accepted
        ]
        # A sender that stood still for two seconds and catches up is over the limit by right.
        steps = itertools.pairwise(sent)
        standstill = max((later.began - one.began for one, later in steps), default=0)
        assert refused == [], f"longest standstill of the sender: {standstill:.2f} s"
        router.settle(seconds=5 + 0.5)
        journals = {each.port: each.effects() for each in (first, second)}
        demo.check_everything(router, sent, journals, ports, 1.0)
        return router, sent


@pytest.mark.parametrize("mode", MODES)
def test_a_steady_stream_is_taken_and_delivered_in_order(
    launch: Callable[..., Router], mode: str
) -> None:
    _, sent = steady(launch, 50, 8, mode=mode)

    assert demo.percentile((one.ended - one.began for one in sent), 0.99) < 1.0


@pytest.mark.slow
@pytest.mark.endurance
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", MODES)
def test_fifty_a_second_for_ten_minutes_at_the_default_limits(
    launch: Callable[..., Router], mode: str
) -> None:
    _, sent = steady(launch, 50, 600, mode=mode)

    took = [one.ended - one.began for one in sent]
    print(f"accept p50 {demo.percentile(took, 0.5):.4f} p99 {demo.percentile(took, 0.99):.4f}")
    assert demo.percentile(took, 0.99) <= 0.1
    assert max(took) <= 1.0


@pytest.mark.slow
@pytest.mark.endurance
@pytest.mark.timeout(300)
def test_two_hundred_a_second_for_a_minute_with_the_limit_raised(
    launch: Callable[..., Router],
) -> None:
    raised = {"WEBHOOK_RATE": "4000"}
    _, sent = steady(launch, 200, 60, **raised)

    took = [one.ended - one.began for one in sent]
    print(f"{raised}: p50 {demo.percentile(took, 0.5):.4f} p99 {demo.percentile(took, 0.99):.4f}")
    assert demo.percentile(took, 0.99) <= 0.25


def test_the_six_hundred_and_first_in_ten_seconds_is_asked_to_come_again(
    launch: Callable[..., Router],
) -> None:
    router = launch(demo.tree({ticker: [9060] for ticker in TICKERS}, delay_s=60)).wait()
    made = demo.alerts(620, TICKERS)
    began = time.monotonic()

    sent = demo.post_all(router, made, rate=5000, connections=16, resend=False)

    assert time.monotonic() - began < 10, "too slow to reach the limit at all"
    assert demo.refusals(sent) == {503: 20}
    (refused, *_) = [one for one in sent if one.answer.status == 503]
    assert refused.answer.headers["retry-after"] == "5"
    assert router.query("SELECT count(*) FROM alert") == [(600,)]


def test_a_long_queue_raises_the_alarm_and_a_longer_one_is_closed(
    launch: Callable[..., Router],
) -> None:
    tree = demo.tree({ticker: [9060] for ticker in TICKERS}, delay_s=60)
    router = launch(tree, WEBHOOK_ALARM="20", WEBHOOK_HIGH_WATER="40").wait()
    made = demo.alerts(50, TICKERS)

    demo.post_all(router, made[:10], rate=200, connections=1, resend=False)
    calm = router.api("GET", "/api/alerts")["numbers"]
    sent = demo.post_all(router, made[10:], rate=200, connections=1, resend=False)

    assert calm["queue_alarm"] is False
    assert until(lambda: router.api("GET", "/api/alerts")["numbers"]["queue_alarm"], 5, "an alarm")
    assert demo.refusals(sent) == {503: 10}
    assert [one.answer.status for one in sent[-10:]] == [503] * 10
