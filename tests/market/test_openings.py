"""market.openings: when each product's day opens."""

from __future__ import annotations

from datetime import date

import pytest

from grok_sauce.market.openings import ELECTRONIC, opening
from grok_sauce.market.products import PRODUCTS, Kind
from grok_sauce.market.sessions import new_york

WEDNESDAY = date(2026, 12, 16)


@pytest.mark.parametrize(
    ("kind", "product", "at"),
    [
        ("etf", None, "09:30"),
        ("equity", None, "09:30"),
        ("index", None, "09:30"),
        ("unknown", None, "09:30"),
        *[("future", product, "09:30") for product in ("ES", "NQ", "RTY", "YM", "MES", "MNQ")],
        *[("future", product, "09:00") for product in ("CL", "NG", "MCL")],
        *[("future", product, "08:20") for product in ("GC", "MGC", "ZB", "ZN")],
        ("future", "SI", "08:25"),
        ("future", "XYZ", "09:30"),  # a product nobody listed
    ],
)
def test_each_product_opens_at_its_own_time(kind: Kind, product: str | None, at: str) -> None:
    found = opening(kind, product, WEDNESDAY)

    assert found is not None
    assert new_york(found.at).strftime("%Y-%m-%d %H:%M") == f"2026-12-16 {at}"
    assert found.label == f"{at} New York"


def test_every_listed_future_has_an_opening() -> None:
    assert all(opening("future", product, WEDNESDAY) is not None for product in PRODUCTS)


def test_the_electronic_session_opens_the_evening_before() -> None:
    found = opening("future", "ES", date(2026, 12, 14), ELECTRONIC)

    assert found is not None
    assert new_york(found.at).strftime("%a %H:%M") == "Sun 18:00"
    assert found.label == "18:00 New York, the evening before"
    assert new_york(found.until).strftime("%a %H:%M") == "Mon 17:00"


def test_an_own_time_wins() -> None:
    found = opening("future", "CL", WEDNESDAY, ELECTRONIC, {"CL": (10, 15)})

    assert found is not None
    assert found.label == "10:15 New York"


@pytest.mark.parametrize(
    ("kind", "day", "until"),
    [
        ("etf", date(2026, 11, 27), "13:00"),  # the day after Thanksgiving
        ("future", date(2026, 11, 27), "13:15"),
        ("etf", date(2026, 11, 25), "16:00"),
        ("future", date(2026, 11, 25), "17:00"),
    ],
)
def test_a_half_day_ends_early(kind: Kind, day: date, until: str) -> None:
    found = opening(kind, "ES" if kind == "future" else None, day)

    assert found is not None
    assert new_york(found.until).strftime("%H:%M") == until


@pytest.mark.parametrize(
    ("kind", "day"),
    [
        ("etf", date(2026, 12, 25)),
        ("etf", date(2026, 12, 19)),  # a Saturday
        ("future", date(2026, 12, 25)),
        ("future", date(2025, 1, 9)),  # futures stopped at 09:30, before their opening's range
    ],
)
def test_without_a_session_nothing_opens(kind: Kind, day: date) -> None:
    assert opening(kind, "ES" if kind == "future" else None, day) is None


def test_the_clocks_change_with_new_york() -> None:
    summer, winter = (opening("etf", None, day) for day in (date(2026, 10, 30), date(2026, 11, 2)))

    assert summer is not None
    assert winter is not None
    assert (winter.at - summer.at) == 3 * 86_400 + 3_600
