"""The mapping of alerts to orders, and the sizes of a reversal's two legs."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.alerts.legs import legs, mapped, mapped_text
from grok_sauce.alerts.model import Alert, Leg


def alert_of(**change: Any) -> Alert:
    known: dict[str, Any] = {
        **{"ticker": "NQ", "action": "buy", "current_position": "short", "new_pos": "long"},
        **{"qty": 3, "price": None, "prev_qty": None, "new_qty": None},
        **{"trade_id": None, "trade_number": None, "time_ms": None},
    }
    return Alert(**{**known, **change})


# action, position before, position after, what is sent (the last two columns: the reversal).
TABLE = [
    ("buy", "flat", None, "open long"),
    ("buy", "", None, "open long"),
    ("buy", "long", None, "open long"),
    ("buy", "short", None, "close short"),
    ("sell", "flat", None, "open short"),
    ("sell", "", None, "open short"),
    ("sell", "short", None, "open short"),
    ("sell", "long", None, "close long"),
    ("buy", "short", "long", "close short, open long"),
    ("sell", "long", "short", "close long, open short"),
    # Not the other side: a plain close.
    ("buy", "short", "flat", "close short"),
    ("buy", "short", "short", "close short"),
    ("sell", "long", "flat", "close long"),
    ("sell", "long", "long", "close long"),
    # Opening is opening, whatever follows.
    ("buy", "flat", "long", "open long"),
    ("buy", "long", "long", "open long"),
    ("sell", "flat", "short", "open short"),
    ("buy", "flat", "short", "open long"),
]


@pytest.mark.parametrize("action, before, after, sent", TABLE)
def test_an_alert_maps_as_in_the_table(
    action: str, before: str, after: str | None, sent: str
) -> None:
    alert = alert_of(action=action, current_position=before, new_pos=after)

    kind, side, is_reversal = mapped(alert)

    assert mapped_text(alert) == sent
    assert sent.startswith(f"{kind} {side}")
    assert is_reversal == ("," in sent)
    assert [f"{leg.kind} {leg.side}" for leg in legs(alert, "same", None)] == sent.split(", ")


def test_an_ordinary_alert_has_one_leg_of_its_own_size() -> None:
    alert = alert_of(new_pos="flat", qty=4, prev_qty=2, new_qty=1)

    assert legs(alert, "ask", 9) == (Leg("close", "short", 4),)


# reversal_qty, qty, prev_qty, new_qty, size last opened, close leg, open leg
SIZES = [
    ("ask", 3, 1, 2, None, 1, 2),
    ("same", 3, 1, 2, None, 1, 2),
    ("qty_minus_prev", 3, 1, 2, 9, 1, 2),
    ("ask", 3, None, None, None, 3, None),
    ("ask", 3, 1, None, 1, 3, None),
    ("ask", 3, None, 2, 1, 3, None),
    ("same", 3, None, None, None, 3, 3),
    ("same", 3, 1, None, None, 3, 3),
    ("qty_minus_prev", 3, 1, None, None, 1, 2),
    ("qty_minus_prev", 3, 1, None, 2, 1, 2),
    ("qty_minus_prev", 3, None, None, 2, 2, 1),
    ("qty_minus_prev", 3, None, 2, 1, 1, 2),
    ("qty_minus_prev", 3, None, None, None, 3, None),
    ("qty_minus_prev", 3, 3, None, None, 3, None),
    ("qty_minus_prev", 3, 5, None, None, 3, None),
    ("qty_minus_prev", 3, None, None, 4, 3, None),
    # A leg of size 0 is no order: such a size counts as not known.
    ("ask", 3, 0, 3, None, 3, None),
    ("ask", 3, 3, 0, None, 3, None),
    ("qty_minus_prev", 3, 0, 3, 2, 2, 1),
]


@pytest.mark.parametrize("how, qty, prev, new, opened, close, open_", SIZES)
def test_the_sizes_of_a_reversal(
    how: Literal["ask", "same", "qty_minus_prev"],
    qty: int,
    prev: int | None,
    new: int | None,
    opened: int | None,
    close: int,
    open_: int | None,
) -> None:
    alert = alert_of(qty=qty, prev_qty=prev, new_qty=new)

    assert legs(alert, how, opened) == (Leg("close", "short", close), Leg("open", "long", open_))


SIZE = st.none() | st.integers(0, 10_000)


@given(
    st.sampled_from(["buy", "sell"]),
    st.sampled_from(["long", "short", "flat", ""]),
    st.sampled_from([None, "long", "short", "flat"]),
    st.integers(1, 10_000),
    SIZE,
    SIZE,
    st.sampled_from(["ask", "same", "qty_minus_prev"]),
    SIZE,
)
def test_every_alert_has_legs_and_no_size_is_made_up(
    action: str,
    before: str,
    after: str | None,
    qty: int,
    prev: int | None,
    new: int | None,
    how: Literal["ask", "same", "qty_minus_prev"],
    opened: int | None,
) -> None:
    alert = alert_of(
        action=action, current_position=before, new_pos=after, qty=qty, prev_qty=prev, new_qty=new
    )

    found = legs(alert, how, opened)

    assert 1 <= len(found) <= 2
    assert found[0].qty is not None
    assert all(leg.qty is None or leg.qty >= 1 for leg in found)
    if len(found) == 2:
        close, open_ = found
        assert (close.kind, open_.kind) == ("close", "open")
        assert close.side == before != open_.side == after
        if open_.qty is not None and not (prev and new) and how == "qty_minus_prev":
            assert close.qty is not None
            assert close.qty + open_.qty == qty
