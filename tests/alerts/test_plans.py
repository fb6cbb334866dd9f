"""What a released alert becomes: bodies, keys, freshness, policies, and what is not sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from grok_sauce.alerts.ledger_values import PlannedLeg
from grok_sauce.alerts.model import HeldAlert, ReleaseOptions
from grok_sauce.alerts.plans import Rules, plan
from tests.alerts.send_kit import Blocks, Tree, alert, reversal, route, target


def planned(
    value: Any = None,
    *targets: Any,
    opened: int | None = None,
    blocked: bool = False,
    guards: Blocks | None = None,
    dry: bool = False,
    **options: Any,
) -> tuple[PlannedLeg, ...]:
    tree = Tree(route("NQ", *(targets or (target(),))))
    held = HeldAlert(
        7, "A7", value or alert(), "NQ", 1_704_382_200_000, 0, ReleaseOptions(**options)
    )
    rules = Rules(tree, guards or Blocks(), dry)
    (only,) = plan([held], {7} if blocked else set(), {"NQ": opened}, rules)
    assert only.seq == 7
    return only.legs


def test_a_leg_carries_body_key_and_freshness() -> None:
    (leg,) = planned(alert(price=150.25, time_ms=1_704_382_200_000), fresh_open_s=30)

    assert json.loads(leg.body) == {
        "ticker": "NQ",
        "action": "open",
        "direction": "long",
        "qty": 1,
        "price": 150.25,
        "time": "01/04/2024 10:30:00 AM",
    }
    assert leg.key == "A7-localhost:9060-open"
    assert leg.expires_ms == 1_704_382_200_000 + 30_000
    assert (leg.state, leg.after_close, leg.policy) == ("waiting", False, "hold")


def test_the_legs_of_a_reversal_go_to_every_target_and_only_the_open_waits() -> None:
    legs = planned(reversal(), target(9060), target(9061))

    found = [(leg.destination.port, leg.leg.kind, leg.leg.qty, leg.after_close) for leg in legs]
    assert found == [
        (9060, "close", 1, False),
        (9061, "close", 1, False),
        (9060, "open", 2, True),
        (9061, "open", 2, True),
    ]


@pytest.mark.parametrize(
    ("options", "opened", "sizes"),
    [
        ({}, 1, [(3, "waiting"), (None, "uncertain")]),
        ({"reversal_qty": "same"}, None, [(3, "waiting"), (3, "waiting")]),
        ({"reversal_qty": "qty_minus_prev"}, 1, [(1, "waiting"), (2, "waiting")]),
        ({"reversal_qty": "qty_minus_prev"}, None, [(3, "waiting"), (None, "uncertain")]),
        ({"reversal_qty": "qty_minus_prev"}, 3, [(3, "waiting"), (None, "uncertain")]),
    ],
    ids=["ask", "same", "minus what was opened", "nothing known was opened", "nothing is left"],
)
def test_sizes_of_a_reversal_that_does_not_say_them(
    options: dict[str, Any], opened: int | None, sizes: list[Any]
) -> None:
    legs = planned(reversal(prev_qty=None, new_qty=None), opened=opened, **options)

    assert [(leg.leg.qty, leg.state) for leg in legs] == sizes
    assert [bool(leg.body) for leg in legs] == [qty is not None for qty, _ in sizes]


@pytest.mark.parametrize(
    ("changes", "kind", "policy"),
    [
        ({}, "open", "hold"),
        ({"idempotent": True}, "open", "resend"),
        ({"ambiguous_policy": "resend"}, "open", "resend"),
        ({"ambiguous_policy_close": "resend"}, "open", "hold"),
        ({"ambiguous_policy_close": "resend"}, "close", "resend"),
    ],
)
def test_who_is_sent_to_again_when_nobody_knows(
    changes: dict[str, Any], kind: str, policy: str
) -> None:
    value = alert() if kind == "open" else alert("sell", "long")

    (leg,) = planned(value, target(**changes))

    assert leg.policy == policy


def test_meta_is_added_where_it_is_asked_for() -> None:
    (leg,) = planned(alert(trade_id="Open_8"), target(include_meta=True))

    body = json.loads(leg.body)
    assert body["alert_id"] == "A7"
    assert (body["leg"], body["trade_id"], body["strategy"]) == ("open", "Open_8", "Momentum")


@pytest.mark.parametrize(
    ("how", "opens", "closes"),
    [
        ({"guards": Blocks("blocked_hours")}, "blocked_hours", None),
        ({"blocked": True}, "gap", None),
        ({"dry": True}, "dry_mode", "dry_mode"),
    ],
    ids=["guard", "gap", "dry"],
)
def test_what_is_not_sent_says_why(how: dict[str, Any], opens: str, closes: str | None) -> None:
    close, opened = planned(reversal(), **how)

    assert (opened.state, opened.reason) == ("skipped", opens)
    assert close.reason == closes
    assert (close.state == "skipped") == (closes is not None)


@pytest.mark.parametrize(
    ("changes", "reason", "also_closes"),
    [
        ({"mode": "off", "skip": "strategy_off"}, "strategy_off", True),
        ({"mode": "dry"}, "dry_mode", True),
        ({"skip": "paused_today"}, "paused_today", False),
    ],
)
def test_the_target_itself_may_take_nothing(
    changes: dict[str, Any], reason: str, also_closes: bool
) -> None:
    close, opened = planned(reversal(), target(**changes))

    assert opened.reason == reason
    assert (close.reason == reason) == also_closes
