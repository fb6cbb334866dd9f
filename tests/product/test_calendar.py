"""A release in the demo: counted down to, waited for, and joined to FRED's figure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.product.harness import Product, until

pytestmark = pytest.mark.timeout(180)

CLAIMS = "2026-12-13.USD.unemployment-claims.1"
START = "2026-12-17T08:27:00"  # Thursday, three minutes before


def calendar(product: Product) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(product.get("/api/calendar")[1])["calendar"]
    return found


def event(product: Product, id: str) -> dict[str, Any] | None:
    found = calendar(product)
    return next((row for row in (found or {"events": []})["events"] if row["id"] == id), None)


@pytest.mark.slow
def test_a_release_is_counted_down_to_waited_for_and_then_has_freds_figure(
    start: Callable[..., Product],
) -> None:
    product = start("demo", "--start", START, "--speed", "12").wait()
    coming = until(lambda: event(product, CLAIMS), 30, "the calendar")
    assert coming["status"] == "upcoming"
    assert coming["actual"] is None
    header = until(lambda: json.loads(product.get("/health")[1])["next_event"], 10, "the header")

    waiting = until(
        lambda: (row := event(product, CLAIMS)) and row["status"] == "waiting" and row,
        30,
        "the release",
    )
    released = until(
        lambda: (row := event(product, CLAIMS)) and row["status"] == "released" and row,
        150,
        "the actual",
    )

    assert header["at_ms"] % 60_000 == 0
    assert waiting["actual"] is None
    assert waiting["why"]
    series = json.loads(product.get("/api/econ")[1])["econ"]["series"]
    claims = next(each for each in series if each["key"] == "ICSA:lin")
    assert released["actual_value"] == round(claims["value"], -3)
    assert released["period"] == claims["period"]
    assert released["surprise"] == released["actual_value"] - released["forecast_value"]
    assert released["better"] is (None if not released["surprise"] else released["surprise"] < 0)
    assert released["cluster"] == "2026-12-17T13:30Z.USD"


def test_the_calendar_goes_with_its_switch(start: Callable[..., Product]) -> None:
    product = start("demo", "--start", "2026-12-16T10:00").wait()
    until(lambda: (found := calendar(product)) and found["events"], 30, "the calendar")

    revision = json.loads(product.get("/api/settings")[1])["revision"]
    off = {"sources": {"forex_factory": {"enabled": True}}}
    status, saved = product.send("PUT", "/api/settings", {"revision": revision, "settings": off})
    assert status == 200, saved
    revision = json.loads(product.get("/api/settings")[1])["revision"]
    off["sources"]["forex_factory"]["enabled"] = False
    status, saved = product.send("PUT", "/api/settings", {"revision": revision, "settings": off})
    assert status == 200, saved

    gone = until(
        lambda: (found := calendar(product)) is not None and not found["on"] and found,
        30,
        "the calendar to go",
    )
    assert gone["events"] == []
    assert gone["next"] is None
    assert "off" in gone["problem"]
    page = product.get("/calendar")[1].decode()
    assert gone["problem"] in page
    assert 'href="/setup#sources"' in page
