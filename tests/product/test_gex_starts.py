"""The demo started at odd times: what has settled is gone, what is closed says so."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.product.gex_demo import gex_demo, report, whole
from tests.product.harness import Product, until

pytestmark = pytest.mark.timeout(300)

NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Odd:
    """A start in New York time and what must be said then.

    nearest: expiry, settlement, days; settles: its moment in UTC; closed: the last close that
    is named, None while the options trade; spot: what the price of SPX is called; spy: the
    nearest expiry of SPY, whose options all settle in the afternoon.
    """

    start: str
    nearest: tuple[str, str, int]
    settles: str
    closed: str | None
    spot: str
    spy: tuple[str, int]
    witching: bool = False


ODD = {
    "Saturday": Odd(
        "2026-12-19T12:00",
        ("2026-12-21", "PM", 2),
        "2026-12-21T21:00:00.000Z",
        "Friday 2026-12-18 16:15",
        "cash closed",
        ("2026-12-21", 2),
    ),
    "Thanksgiving": Odd(
        "2026-11-26T11:00",
        ("2026-11-27", "PM", 1),
        "2026-11-27T18:00:00.000Z",
        "Wednesday 2026-11-25 16:15",
        "cash closed",
        ("2026-11-27", 1),
    ),
    "half day, half an hour before its end": Odd(
        "2026-11-27T12:30",
        ("2026-11-27", "PM", 0),
        "2026-11-27T18:00:00.000Z",
        None,
        "last",
        ("2026-11-27", 0),
    ),
    "half day, over": Odd(
        "2026-11-27T14:00",
        ("2026-11-30", "PM", 3),
        "2026-11-30T21:00:00.000Z",
        "Friday 2026-11-27 13:15",
        "cash closed",
        ("2026-11-30", 3),
    ),
    "morning of the AM settlement": Odd(
        "2026-12-18T09:00",
        ("2026-12-18", "AM", 0),
        "2026-12-18T14:30:00.000Z",
        "Thursday 2026-12-17 16:15",
        "cash closed",
        ("2026-12-18", 0),
        witching=True,
    ),
    "after the AM settlement": Odd(
        "2026-12-18T09:35",
        ("2026-12-18", "PM", 0),
        "2026-12-18T21:00:00.000Z",
        None,
        "last",
        ("2026-12-18", 0),
        witching=True,
    ),
    "before the close": Odd(
        "2026-12-16T15:50",
        ("2026-12-16", "PM", 0),
        "2026-12-16T21:00:00.000Z",
        None,
        "last",
        ("2026-12-16", 0),
    ),
    "after the close": Odd(
        "2026-12-16T16:00:05",
        ("2026-12-17", "PM", 1),
        "2026-12-17T21:00:00.000Z",
        None,
        "cash closed",
        ("2026-12-17", 1),
    ),
    "Monday after clocks went forward": Odd(
        "2026-03-09T10:00",
        ("2026-03-09", "PM", 0),
        "2026-03-09T20:00:00.000Z",
        None,
        "last",
        ("2026-03-09", 0),
    ),
    "Monday after clocks went back": Odd(
        "2026-11-02T10:00",
        ("2026-11-02", "PM", 0),
        "2026-11-02T21:00:00.000Z",
        None,
        "last",
        ("2026-11-02", 0),
    ),
}


@pytest.fixture(params=ODD.values(), ids=list(ODD))
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Odd, Product]]:
    """One demo a start: asked all that is to be known, and ended."""
    product = launch(tmp_path, request.param.start)
    yield request.param, product
    product.stop()


def launch(folder: Path, start: str, *more: str) -> Product:
    return gex_demo(
        folder, "--start", start, *more, symbols=("SPX",), strikes=10, table=("SPX", "SPY")
    )


def test_the_demo_says_what_is_closed_settled_and_next(odd: tuple[Odd, Product]) -> None:
    wanted, product = odd
    expiry, _, dte = wanted.nearest

    found = until(lambda: whole(product), 120, "all of SPX")
    rows = until(lambda: with_pain(product), 60, "max pain of both rows")
    contracts = of_moment(product)

    assert_state(found, wanted)
    nearest = found["nearest"]
    assert (nearest["expiry"], nearest["settlement"], nearest["dte"]) == wanted.nearest
    assert nearest["witching"] is wanted.witching
    assert_unsettled(found, contracts)
    first = [row for row in contracts if (row["expiry"], row["settlement"]) == wanted.nearest[:2]]
    assert {row["settles"] for row in first} == {wanted.settles}
    assert found["coverage"] > 0.9
    assert found["totals"]["net"] is not None
    assert (found["zero_gamma"]["zero_dte"]["reason"] == "no_contracts") is (dte > 0)
    row = rows["SPX"]
    assert (row["expiry"], row["dte"], row["witching"]) == (expiry, dte, wanted.witching)
    pain = report(product)["max_pain"][0]
    assert (pain["expiry"], pain["settlement"], pain["strike"]) == (
        *wanted.nearest[:2],
        row["max_pain"],
    )
    assert (rows["SPY"]["expiry"], rows["SPY"]["dte"]) == wanted.spy
    assert rows["SPY"]["witching"] is wanted.witching
    assert row["net_gex"] is not None
    assert "Traceback" not in product.text()


def with_pain(product: Product) -> dict[str, dict[str, Any]] | None:
    rows = product.rows()
    return (
        rows if all(row["max_pain"] and row["dte"] is not None for row in rows.values()) else None
    )


def of_moment(product: Product) -> list[dict[str, str]]:
    """The contracts as they are served."""
    status, body = product.get("/api/chain/SPX.csv", timeout=30)
    assert status == 200
    return list(csv.DictReader(io.StringIO(body.decode())))


def assert_state(found: dict[str, Any], wanted: Odd) -> None:
    status = found["status"]
    if wanted.closed is None:
        assert (status["state"], status["text"]) == ("live", "")
    else:
        assert status["state"] == "closed"
        assert status["text"] == f"Closed: as of {wanted.closed} New York."
    assert found["spot_label"] == wanted.spot
    assert found["spot"] is not None
    assert found["spot_basis"] == ("close" if wanted.spot == "cash closed" else "trade")
    other = found["spot_alternative"]
    assert other is None or other["basis"].startswith("futures_implied:/ES")


def assert_unsettled(found: dict[str, Any], contracts: list[dict[str, str]]) -> None:
    """Nothing that has settled counts or is offered, and days are New York's."""
    now = datetime.fromisoformat(found["as_of"])
    today = now.astimezone(NEW_YORK).date()
    for row in contracts:
        settles = datetime.fromisoformat(row["settles"])
        has_settled = settles <= datetime.fromisoformat(row["as_of"])
        assert (row["excluded"] == "expired") is has_settled
        assert not (has_settled and row["used"] == "true")
        local = settles.astimezone(NEW_YORK)
        hour = "09:30" if row["settlement"] == "AM" else "13:00" if half(local.date()) else "16:00"
        assert f"{local:%H:%M}" == hour
        assert local.date().isoformat() == row["expiry"]
    for name in ("max_pain", "expiries", "forwards"):
        for row in found[name]:
            class_ = (row["expiry"], row["settlement"])
            assert class_ >= (today.isoformat(), "AM")
            assert (
                row.get("dte", (date.fromisoformat(row["expiry"]) - today).days)
                == (date.fromisoformat(row["expiry"]) - today).days
            )
    days = [(row["expiry"], row["settlement"]) for row in found["max_pain"]]
    assert days == sorted(days)
    assert days[0] == (found["nearest"]["expiry"], found["nearest"]["settlement"])


def half(day: date) -> bool:
    """The days in the demo's reach on which New York closes at 13:00."""
    return day in (date(2026, 11, 27), date(2026, 12, 24))


def test_the_nearest_expiry_rolls_at_the_close_while_we_look(tmp_path: Path) -> None:
    product = launch(tmp_path, "2026-12-16T15:59:25", "--speed", "2")
    close = datetime(2026, 12, 16, 21, tzinfo=UTC)
    seen: list[tuple[datetime, dict[str, Any]]] = []

    def rolled() -> bool:
        found = whole(product)
        if found:
            seen.append((datetime.fromisoformat(found["as_of"]), found))
        return bool(seen) and seen[-1][0] > close and seen[-1][1]["nearest"]["dte"] == 1

    until(rolled, 120, "the next expiry")
    row = until(
        lambda: (r := product.rows()["SPX"])["expiry"] == "2026-12-17" and r["max_pain"] and r,
        60,
        "the row's next expiry",
    )
    # Another one comes for the one that settled.
    until(lambda: report(product)["scope"]["expiries"] == 5, 60, "five expiries")
    product.stop()

    for moment, found in seen:
        day = "2026-12-16" if moment < close else "2026-12-17"
        assert found["nearest"]["expiry"] == day, moment
        assert found["max_pain"][0]["expiry"] == day, moment
        assert (found["zero_gamma"]["zero_dte"]["reason"] == "no_contracts") is (moment >= close)
    assert row["dte"] == 1
    assert "Traceback" not in product.text()
