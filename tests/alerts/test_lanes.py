"""Strict lanes, with deliveries as the ledger would give them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from grok_sauce.alerts.lanes import BY_PERSON, DRY, Lanes
from grok_sauce.alerts.model import Delivery

NOW = 1_000_000


def delivery(id: int, leg: Any = "open", **changes: Any) -> Delivery:
    values: dict[str, Any] = {
        "order": id,
        "alert_seq": id,
        "alert_id": f"A{id}",
        "ticker": "NQ",
        "group": "NQ",
        "batch": 1,
        "target": "localhost:9060",
        "side": "long",
        "qty": 1,
        "state": "waiting",
        "reason": None,
        "attempts": 0,
        "key": f"A{id}-localhost:9060-{leg}",
        "body": "{}",
        "received_ms": NOW - 2000,
        "expires_ms": NOW + 58_000,
        "not_before_ms": 0,
        "gap_ms": 250,
        "after_close": False,
        "dry": False,
        "idempotent": False,
        "policy": "hold",
    }
    return Delivery(id=id, leg=leg, **(values | changes))


def two_legs(**changes: Any) -> tuple[Delivery, Delivery]:
    return (
        delivery(1, "close", alert_seq=7, **changes),
        delivery(2, "open", alert_seq=7, after_close=True, **changes),
    )


def ready(lanes: Lanes, now: int = NOW) -> list[int]:
    return [head.id for head, at in lanes.heads() if at <= now]


def test_only_the_head_of_a_lane_may_go() -> None:
    lanes = Lanes()
    lanes.put([delivery(1, "close"), delivery(2, "close")], NOW)

    before = ready(lanes)
    lanes.put([delivery(1, "close", state="delivered")], NOW)

    assert before == [1]
    assert ready(lanes) == [2]


def test_nothing_else_goes_while_one_is_under_way_even_if_it_comes_before() -> None:
    lanes = Lanes()
    later = delivery(5, "close", batch=5)
    lanes.put([later], NOW)
    lanes.begin(later, sending=True)

    lanes.put([delivery(1, "close")], NOW)  # sent again by a person
    during = ready(lanes)
    lanes.free(later)
    lanes.put([replace(later, state="delivered")], NOW)

    assert during == []
    assert ready(lanes) == [1]


def test_a_head_that_is_tried_again_later_holds_its_lane_only() -> None:
    lanes = Lanes()
    lanes.put(
        [
            delivery(1, "close", state="retry_wait", not_before_ms=NOW + 500),
            delivery(2, "close"),
            delivery(3, "close", target="localhost:9061"),
        ],
        NOW,
    )

    assert ready(lanes) == [3]
    assert ready(lanes, NOW + 500) == [1, 3]


def test_closes_of_a_release_go_first_whatever_their_ids() -> None:
    lanes = Lanes()
    lanes.put([delivery(1, "open"), delivery(2, "close"), delivery(3, "close", batch=3)], NOW)

    assert ready(lanes) == [2]
    lanes.put([delivery(2, "close", state="refused")], NOW)
    assert ready(lanes) == []
    assert ready(lanes, NOW + 250) == [1]  # and the next release waits for this one


def test_the_open_of_a_reversal_follows_a_gap_after_its_close() -> None:
    lanes = Lanes()
    close, opened = two_legs()
    lanes.put([close, opened], NOW)

    lanes.put([replace(close, state="delivered")], NOW + 40)

    assert ready(lanes, NOW + 289) == []
    assert ready(lanes, NOW + 290) == [opened.id]


@pytest.mark.parametrize("state", ["refused", "expired", "dead", "uncertain", "cancelled"])
def test_an_open_is_stranded_when_its_close_ends_otherwise(state: Any) -> None:
    lanes = Lanes()
    close, opened = two_legs()
    lanes.put([close, opened], NOW)

    lanes.put([replace(close, state=state)], NOW)

    assert lanes.stranded() == [(opened, "other")]
    assert ready(lanes, NOW + 10_000) == []


def test_a_close_that_was_skipped_in_dry_mode_is_told_apart() -> None:
    lanes = Lanes()
    close, opened = two_legs()
    lanes.put([close, opened], NOW)

    lanes.put([replace(close, state="skipped", reason=DRY)], NOW)

    assert lanes.stranded() == [(opened, "dry")]


def test_an_open_that_a_person_sends_asks_for_no_close() -> None:
    lanes = Lanes()
    close, opened = two_legs()

    lanes.put([replace(close, state="refused"), replace(opened, reason=BY_PERSON)], NOW)

    assert lanes.stranded() == []
    assert ready(lanes, NOW + 250) == [opened.id]


def test_one_ticker_waits_for_closes_at_the_same_target_only() -> None:
    lanes = Lanes()
    lanes.put(
        [
            delivery(1, "close", target="localhost:9060"),
            delivery(2, "open", target="localhost:9061"),
        ],
        NOW,
    )

    assert ready(lanes) == [1, 2]


@pytest.mark.parametrize("names", [("NQ_L", "NQ_S"), ("G", "NQ_S")], ids=["named", "like a ticker"])
def test_in_a_group_opens_wait_for_all_closes(names: tuple[str, str]) -> None:
    lanes = Lanes()
    close = delivery(1, "close", ticker=names[0], group="G", target="localhost:9060")
    lanes.put([close, delivery(2, ticker=names[1], group="G", target="localhost:9061")], NOW)

    before = ready(lanes)
    lanes.put([replace(close, state="delivered")], NOW + 10)

    assert before == [1]
    assert ready(lanes, NOW + 259) == []
    assert ready(lanes, NOW + 260) == [2]


def test_other_releases_of_a_group_do_not_wait() -> None:
    lanes = Lanes()
    lanes.put([delivery(1, "close", ticker="L", group="G")], NOW)
    lanes.put([delivery(2, ticker="S", group="G", batch=2, target="localhost:9061")], NOW)

    assert ready(lanes) == [1, 2]


def test_what_is_too_old_is_told_wherever_it_stands_in_its_lane() -> None:
    lanes = Lanes()
    lanes.put([delivery(1, "close", expires_ms=NOW + 900), delivery(2, expires_ms=NOW + 100)], NOW)

    assert lanes.expired(NOW + 99) == []
    assert [each.id for each in lanes.expired(NOW + 100)] == [2]
    assert lanes.next_expiry_ms() == NOW + 900


def test_what_is_under_way_expires_only_when_it_comes_back() -> None:
    lanes = Lanes()
    one = delivery(1, expires_ms=NOW + 100)
    lanes.put([one], NOW)
    lanes.begin(one, sending=True)

    during = lanes.expired(NOW + 200)
    lanes.free(one)
    lanes.put([replace(one, state="retry_wait")], NOW + 200)

    assert during == []
    assert [each.id for each in lanes.expired(NOW + 200)] == [1]


def test_one_that_was_given_more_time_does_not_expire_at_its_old_end() -> None:
    lanes = Lanes()
    lanes.put([delivery(1, expires_ms=NOW + 100)], NOW)
    lanes.put([delivery(1, expires_ms=NOW + 500)], NOW)

    assert lanes.expired(NOW + 300) == []
    assert [each.id for each in lanes.expired(NOW + 500)] == [1]


def test_after_a_restart_the_gap_is_kept_once_more() -> None:
    lanes = Lanes()
    _, opened = two_legs()
    lanes.put([opened], NOW)  # its close was delivered before
    lanes.keep_gaps([opened], NOW)

    assert ready(lanes, NOW + 249) == []
    assert ready(lanes, NOW + 250) == [opened.id]


def test_nothing_is_kept_of_what_is_over() -> None:
    lanes = Lanes()
    close, opened = two_legs()
    lanes.put([close, opened], NOW)
    lanes.put([replace(close, state="delivered")], NOW)
    lanes.put([replace(opened, state="delivered")], NOW)

    assert len(lanes) == 0
    assert (lanes._lanes, lanes._batches, lanes._opens, lanes._stranded) == ({}, {}, {}, {})
