"""listing: the broker's nested chain read strictly, and what a view's name means."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.errors import BadPayload
from grok_sauce.market.expiries import Expiry
from grok_sauce.market.instruments import provisional
from grok_sauce.market.listing import Listing, occ_of, read_nested, view_expiries

NEW_YORK = ZoneInfo("America/New_York")


def new_york(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()


def strike(price: str, root: str = "SPXW", day: str = "261218", **changes: Any) -> dict[str, Any]:
    digits = price.rstrip("0").rstrip(".") if "." in price else price
    found = {
        "strike-price": price,
        "call-streamer-symbol": f".{root}{day}C{digits}",
        "put-streamer-symbol": f".{root}{day}P{digits}",
    }
    return {**found, **changes}


def expiration(day: str, settlement: str, *strikes: dict[str, Any]) -> dict[str, Any]:
    return {"expiration-date": day, "settlement-type": settlement, "strikes": list(strikes)}


def root(name: str, *expirations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    found = {
        "root-symbol": name,
        "option-chain-type": "Standard",
        "shares-per-contract": 100,
        "expirations": list(expirations),
    }
    return {**found, **changes}


def test_morning_and_afternoon_settlement_of_one_day_stay_two_expiries() -> None:
    chain = read_nested(
        "SPX",
        {
            "items": [
                root("SPXW", expiration("2026-12-18", "PM", strike("6000.0"))),
                root("SPX", expiration("2026-12-18", "AM", strike("6000.0", "SPX"))),
            ]
        },
    )

    assert [listed.expiry for listed in chain.expiries] == [
        Expiry(date(2026, 12, 18), "SPX", "AM"),
        Expiry(date(2026, 12, 18), "SPXW", "PM"),
    ]
    assert [listed.calls for listed in chain.expiries] == [
        (".SPX261218C6000",),
        (".SPXW261218C6000",),
    ]


def test_strikes_are_exact_thousandths_in_order() -> None:
    chain = read_nested(
        "F",
        {"items": [root("F", expiration("2026-12-18", "PM", strike("12.5"), strike("2.02")))]},
    )

    assert chain.expiries[0].strikes == (2020, 12500)
    assert chain.expiries[0].calls == (".SPXW261218C2.02", ".SPXW261218C12.5")
    assert chain.expiries[0].contracts == 4


def test_adjusted_roots_are_counted_and_left_out() -> None:
    adjusted = root("QQQ1", expiration("2026-12-18", "PM", strike("500.0")))
    adjusted["option-chain-type"] = "Non-standard"

    chain = read_nested("QQQ", {"items": [adjusted]})

    assert (chain.expiries, chain.non_standard) == ((), 2)


@pytest.mark.parametrize("shares", [None, 0, -100, "100", True, float("nan")])
def test_a_multiplier_that_is_none_is_not_assumed(shares: Any) -> None:
    items = [
        root(
            "SPY",
            expiration("2026-12-18", "PM", strike("600.0")),
            **{"shares-per-contract": shares},
        )
    ]

    assert read_nested("SPY", {"items": items}).expiries[0].multiplier is None


def test_a_side_that_is_not_listed_is_none_and_not_counted() -> None:
    only_put = strike("6000.0", **{"call-streamer-symbol": None})

    listed = read_nested(
        "SPX", {"items": [root("SPXW", expiration("2026-12-18", "PM", only_put))]}
    ).expiries[0]

    assert (listed.calls, listed.puts) == ((None,), (".SPXW261218P6000",))
    assert listed.contracts == 1


def test_one_strike_that_cannot_be_read_does_not_cost_the_others() -> None:
    odd = [strike(text) for text in ("-5", "0", "x", "1e9", "6000.0005", "NaN")]

    listed = read_nested(
        "SPX",
        {"items": [root("SPXW", expiration("2026-12-18", "PM", *odd, strike("6000.0")))]},
    ).expiries[0]

    assert listed.strikes == (6_000_000,)


@pytest.mark.parametrize("data", [None, [], {}, {"items": {}}, {"items": None}])
def test_what_is_no_chain_is_refused(data: Any) -> None:
    with pytest.raises(BadPayload, match="SPX has no list of items"):
        read_nested("SPX", data)


def test_a_chain_of_which_nothing_can_be_read_is_refused() -> None:
    with pytest.raises(BadPayload, match="no strike"):
        read_nested("SPX", {"items": [root("SPXW", expiration("someday", "PM", strike("6000")))]})


def test_no_options_at_all_is_an_answer() -> None:
    assert read_nested("XLF", {"items": []}).expiries == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["items", "root-symbol", "expirations", "strikes", "strike-price"]
                + ["expiration-date", "settlement-type", "option-chain-type"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_anything_is_read_or_refused_and_never_breaks(data: Any) -> None:
    try:
        chain = read_nested("SPX", {"items": data})
    except BadPayload:
        return

    assert all(list(e.strikes) == sorted(set(e.strikes)) for e in chain.expiries)


def test_a_contract_has_its_occ_name_without_blanks() -> None:
    expiry = Expiry(date(2025, 6, 20), "F", "PM")

    assert occ_of(expiry, 2_020, True) == "F250620C00002020"


# ---- views ------------------------------------------------------------------------------

DAILIES = [date(2026, 12, day) for day in (16, 17, 18, 21, 22, 23, 24, 28)]
LISTED = tuple(Expiry(day, "SPXW", "PM") for day in DAILIES)


def days_in(view: str, now: str, window: int = 5) -> list[int]:
    found = view_expiries(view, LISTED, LISTED[:window], new_york(now))
    return sorted(expiry.day.day for expiry in found)


@pytest.mark.parametrize(
    ("view", "now", "days"),
    [
        ("0dte", "2026-12-16T14:32", [16]),
        ("0dte", "2026-12-16T16:00", []),
        ("0dte", "2026-12-16T23:59", []),
        ("0dte", "2026-12-17T00:00", [17]),
        ("0dte", "2026-12-19T12:00", []),
        ("0dte", "2026-12-24T12:59:59", [24]),
        ("0dte", "2026-12-24T13:00", []),
        ("7d", "2026-12-16T14:32", [16, 17, 18, 21, 22, 23]),
        ("7d", "2026-12-16T16:00", [17, 18, 21, 22, 23]),
        ("30d", "2026-12-19T12:00", [21, 22, 23, 24, 28]),
        ("all", "2026-12-16T14:32", [16, 17, 18, 21, 22]),
        ("all", "2026-12-16T16:00", [17, 18, 21, 22]),
        ("2026-12-18,2026-12-24", "2026-12-16T14:32", [18, 24]),
        ("2027-01-15", "2026-12-16T14:32", []),
    ],
    ids=lambda value: str(value),
)
def test_a_view_means_the_unsettled_expiries_of_new_yorks_date(
    view: str, now: str, days: list[int]
) -> None:
    assert days_in(view, now) == days


def test_a_date_means_both_settlements_until_the_morning_one_has_settled() -> None:
    friday = date(2026, 12, 18)
    both = (Expiry(friday, "SPX", "AM"), Expiry(friday, "SPXW", "PM"))

    before, after = (
        view_expiries("2026-12-18", both, both, new_york(f"2026-12-18T{at}"))
        for at in ("09:29:59", "09:30:00")
    )

    assert before == frozenset(both)
    assert after == {both[1]}


@pytest.mark.parametrize(
    ("now", "nearest"),
    [
        ("2026-12-16T15:59:59", 16),
        ("2026-12-16T16:00:00", 17),
        ("2026-12-19T12:00:00", 21),
        ("2026-12-24T13:00:00", 28),
        ("2026-12-25T12:00:00", 28),
    ],
    ids=["last second", "rolls at the close", "weekend", "half day", "holiday"],
)
def test_the_nearest_expiry_rolls_by_itself(now: str, nearest: int) -> None:
    listing = Listing("SPX", provisional("SPX"), LISTED, (2,) * len(LISTED))

    place = listing.nearest(new_york(now))

    assert place is not None
    assert LISTED[place].day.day == nearest
