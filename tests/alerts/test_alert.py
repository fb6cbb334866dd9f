"""Fields of an alert: what is taken, what is refused and under which name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.alerts.alert import Invalid, read_alert, read_time
from grok_sauce.alerts.model import Alert
from tests.alerts.bad_bodies import BAD, BARE

# The example of the published server's README, to the letter.
README = {
    "ticker": "AAPL",
    "trade_id": "Open_Long_ID_123",
    "action": "buy",
    "current_position": "short",
    "qty": 10,
    "price": 150.25,
    "time": "2024-01-04T15:30:00Z",
}


@pytest.mark.parametrize("field, change", BAD.values(), ids=BAD)
def test_a_wrong_field_is_named(field: str, change: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        read_alert({**BARE, **change})

    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")


@pytest.mark.parametrize("field", ["ticker", "action", "current_position"])
def test_a_field_that_is_not_there_is_named(field: str) -> None:
    document = {name: value for name, value in BARE.items() if name != field}

    with pytest.raises(Invalid, match=f"^{field}: missing"):
        read_alert(document)


def test_the_readme_example_is_read() -> None:
    alert = read_alert(README)

    assert alert == Alert(
        ticker="AAPL",
        action="buy",
        current_position="short",
        new_pos=None,
        qty=10,
        price=150.25,
        prev_qty=None,
        new_qty=None,
        trade_id="Open_Long_ID_123",
        trade_number=123,
        time_ms=1_704_382_200_000,
    )


def test_what_may_be_absent_is_absent() -> None:
    alert = read_alert(BARE)

    assert alert == Alert(
        ticker="NQ_Long_5min",
        action="buy",
        current_position="flat",
        new_pos=None,
        qty=1,
        price=None,
        prev_qty=None,
        new_qty=None,
        trade_id=None,
        trade_number=None,
        time_ms=None,
    )
    empty = {"new_pos": "", "price": None, "trade_id": "", "time": None, "prev_qty": None}
    assert read_alert({**BARE, **empty}) == alert


@pytest.mark.parametrize("ticker", ["NQ\n", "\nNQ", "NQ\x00", "NQ\u2028", "NQ\t"])
def test_a_ticker_has_no_ends_of_lines(ticker: str) -> None:
    with pytest.raises(Invalid, match=r"^ticker: "):
        read_alert({**BARE, "ticker": ticker})


TICKERS = ["NQ_Long_5min", "TEST-NQ_long", "BRK/B", "ES1!", "CME_MINI:NQ1!", "a b", " ", "N" * 64]


@pytest.mark.parametrize("ticker", TICKERS)
def test_a_ticker_is_kept_to_the_letter(ticker: str) -> None:
    assert read_alert({**BARE, "ticker": ticker}).ticker == ticker


@pytest.mark.parametrize("action", ["buy", "BUY", "Buy"])
def test_an_action_may_be_spelled_in_any_case(action: str) -> None:
    assert read_alert({**BARE, "action": action}).action == "buy"


@pytest.mark.parametrize("qty", [7, 7.0, "7", "7.0", "07"])
def test_a_size_may_be_a_number_or_a_text(qty: object) -> None:
    assert read_alert({**BARE, "qty": qty}).qty == 7


@pytest.mark.parametrize(
    "price, read", [("2246.5", 2246.5), (0, 0.0), ("-0", 0.0), (150, 150.0), ("1e3", 1000.0)]
)
def test_a_price_may_be_a_number_or_a_text(price: object, read: float) -> None:
    found = read_alert({**BARE, "price": price}).price

    assert found == read
    assert str(found) == str(read)


@pytest.mark.parametrize("size", ["", "x", -1, 1.5, 10_001, True, [], {}, "NaN"])
@pytest.mark.parametrize("field", ["prev_qty", "new_qty"])
def test_a_bad_size_before_or_after_counts_as_absent_and_is_flagged(
    field: str, size: object
) -> None:
    alert = read_alert({**BARE, field: size})

    assert (alert.prev_qty, alert.new_qty, alert.flags) == (None, None, ("bad_size",))


def test_sizes_before_and_after_may_be_zero() -> None:
    alert = read_alert({**BARE, "prev_qty": "0", "new_qty": 2})

    assert (alert.prev_qty, alert.new_qty, alert.flags) == (0, 2, ())


BAD_TIMES: list[object] = [
    *("", "x", "2024-13-01T00:00:00Z", "2024-01-04T25:00:00Z", "15:30", "1704382200"),
    *(1704382200, -1, 0, 10**17, True, 1.5, [], {}, "0001-01-01T00:00:00+14:00", "9999-12-31"),
]


@pytest.mark.parametrize("time", BAD_TIMES)
def test_a_bad_time_keeps_the_alert_and_is_flagged(time: object) -> None:
    alert = read_alert({**BARE, "time": time})

    assert (alert.time_ms, alert.flags) == (None, ("bad_time",))


@pytest.mark.parametrize(
    "time",
    [
        "2024-01-04T15:30:00Z",
        "2024-01-04T15:30:00.000Z",
        "2024-01-04T10:30:00-05:00",
        "2024-01-04 15:30:00",
        "20240104T153000Z",
        1704382200000,
        1704382200000.0,
        "1704382200000",
    ],
)
def test_a_time_may_be_iso_or_epoch_milliseconds(time: object) -> None:
    assert read_time(time) == 1_704_382_200_000


@pytest.mark.parametrize(
    "trade_id, number",
    [
        ("Open_Long_ID_123", 123),
        ("Close_Short_ID_7", 7),
        ("7", 7),
        (7, 7),
        ("Open-007", 7),
        ("Open_Long", None),
        ("ID_7_x", None),
        ("ID_7 ", None),
        ("ID_٧", None),
        ("x" + "9" * 60, None),  # more than the database can hold: not a number of a trade
    ],
)
def test_the_trade_number_is_what_ends_the_trade_id(trade_id: Any, number: int | None) -> None:
    alert = read_alert({**BARE, "trade_id": trade_id})

    assert (alert.trade_id, alert.trade_number) == (str(trade_id), number)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        *("ticker", "action", "current_position", "new_pos", "qty", "price"),
        *("trade_id", "time", "prev_qty", "new_qty", "note"),
    ]
)


@given(st.dictionaries(FIELDS, VALUES))
def test_any_document_gives_an_alert_or_names_a_field(change: dict[str, Any]) -> None:
    wrong = None
    alert = None
    try:
        alert = read_alert({**BARE, **change})
    except Invalid as problem:
        wrong = problem.field

    assert (alert is None) == (wrong in change)
    if alert is not None:
        assert 1 <= alert.qty <= 10_000
        assert alert.price is None or alert.price >= 0
