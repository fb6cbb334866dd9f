"""The gap watch: positions and sizes from one alert to the next."""

from __future__ import annotations

from typing import Any

import pytest

from grok_sauce.alerts.gaps import PositionRow, after, check
from grok_sauce.alerts.model import Alert


def alert_of(action: str = "buy", before: str = "flat", **more: Any) -> Alert:
    known: dict[str, Any] = {
        "ticker": "NQ_long",
        "action": action,
        "current_position": before,
        "new_pos": None,
        "qty": 1,
        "price": None,
        "prev_qty": None,
        "new_qty": None,
        "trade_id": None,
        "trade_number": None,
        "time_ms": None,
    }
    return Alert(**{**known, **more})


def row_of(side: Any, qty: int | None = None, opened: int | None = None) -> PositionRow:
    return PositionRow("NQ_long", side, qty, opened, 1)


class TestCheck:
    def test_the_first_alert_of_a_ticker_is_no_gap(self) -> None:
        assert check(None, alert_of(before="short")) is None

    @pytest.mark.parametrize("side", ["long", "short", "flat"])
    def test_an_alert_that_starts_where_the_last_one_ended_is_no_gap(self, side: str) -> None:
        assert check(row_of(side), alert_of(before=side)) is None

    @pytest.mark.parametrize(
        "left, starts",
        [("long", "flat"), ("long", "short"), ("flat", "long"), ("short", "flat")],
    )
    def test_another_position_than_was_left_is_a_gap_that_names_both(
        self, left: str, starts: str
    ) -> None:
        assert check(row_of(left), alert_of(before=starts)) == (
            f"it starts from {starts}, the alert before it left {left}"
        )

    def test_an_alert_that_does_not_say_where_it_starts_is_no_gap(self) -> None:
        assert check(row_of("long"), alert_of(before="")) is None

    def test_another_size_than_was_left_is_a_gap(self) -> None:
        found = check(row_of("long", 3), alert_of("sell", "long", prev_qty=2))

        assert found == "it starts from a size of 2, the alert before it left 3"

    @pytest.mark.parametrize("left, given", [(None, 2), (3, None), (2, 2)])
    def test_sizes_are_compared_only_when_both_are_known(
        self, left: int | None, given: int | None
    ) -> None:
        assert check(row_of("long", left), alert_of("sell", "long", prev_qty=given)) is None

    def test_a_size_where_flat_was_left_is_a_gap(self) -> None:
        assert check(row_of("flat", 0), alert_of(before="flat", prev_qty=1)) is not None


class TestAfter:
    @pytest.mark.parametrize(
        "action, before, side",
        [
            ("buy", "flat", "long"),
            ("buy", "long", "long"),
            ("buy", "", "long"),
            ("buy", "short", "flat"),
            ("sell", "flat", "short"),
            ("sell", "short", "short"),
            ("sell", "", "short"),
            ("sell", "long", "flat"),
        ],
    )
    def test_without_new_pos_the_action_says_where_it_leads(
        self, action: str, before: str, side: str
    ) -> None:
        assert after(None, alert_of(action, before)).side == side

    def test_new_pos_counts_over_the_action(self) -> None:
        found = after(None, alert_of("buy", "short", new_pos="long", qty=3, new_qty=2), 7)

        assert found == PositionRow("NQ_long", "long", 2, None, 7)

    def test_a_size_nobody_gave_is_not_known(self) -> None:
        assert after(row_of("flat", 0), alert_of("buy", "flat", qty=4)).qty is None

    def test_flat_has_no_size(self) -> None:
        assert after(row_of("long", 3), alert_of("sell", "long", qty=3)).qty == 0

    @pytest.mark.parametrize(
        "more", [{"prev_qty": 3}, {"new_qty": 2}, {"prev_qty": 3, "new_qty": 2}]
    )
    def test_a_part_that_is_closed_leaves_the_rest_open(self, more: dict[str, int]) -> None:
        found = after(None, alert_of("sell", "long", qty=1, **more))

        assert (found.side, found.qty) == ("long", more.get("new_qty"))

    def test_the_size_of_the_last_delivered_open_is_kept(self) -> None:
        assert after(row_of("long", 3, opened=3), alert_of("sell", "long")).opened_qty == 3

    def test_alerts_that_follow_each_other_leave_no_gap(self) -> None:
        last = None
        for alert in (
            alert_of("buy", "flat", prev_qty=0, new_qty=2, qty=2),
            alert_of("sell", "long", new_pos="short", prev_qty=2, new_qty=1, qty=3),
            alert_of("buy", "short", prev_qty=1, new_qty=0, qty=1),
            alert_of("sell", "flat", prev_qty=0, new_qty=5, qty=5),
        ):
            assert check(last, alert) is None

            last = after(last, alert)
