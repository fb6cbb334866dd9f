"""Made Cboe files through the whole path, against the slow twin's answers of the same files."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.analytics import levels
from grok_sauce.analytics.forward import Rates
from grok_sauce.pollers.cboe import read_chain_file
from tests import made_chains, slow_twin

FILES = (made_chains.JSON_NAME, made_chains.CSV_NAME)
CASES = {"before_the_close": datetime(2026, 10, 14, 15, 59, tzinfo=slow_twin.NEW_YORK)}
ANSWERS = json.loads((made_chains.FOLDER / "answers.json").read_text())
each_file = pytest.mark.parametrize("name", FILES, ids=["json", "csv"])


def made_report(name: str, before_the_close: bool) -> dict[str, Any]:
    as_of = CASES["before_the_close"].timestamp() if before_the_close else None
    chain = read_chain_file(made_chains.FOLDER / name, as_of)
    return levels.report(chain, Rates(0.039, 0.012), gamma="file")


def test_the_files_are_what_their_seed_makes(tmp_path: Path) -> None:
    made_chains.write(tmp_path)

    for name in (*FILES, "answers.json"):
        assert (tmp_path / name).read_text() == (made_chains.FOLDER / name).read_text(), name


@each_file
@pytest.mark.parametrize("before_the_close", [True, False], ids=["with the day", "as of the file"])
def test_totals_and_interest_are_the_slow_twins(name: str, before_the_close: bool) -> None:
    found = made_report(name, before_the_close)

    expected = ANSWERS[name]["before_the_close" if before_the_close else "as_of_the_file"]
    for total in ("call", "put", "net", "gross"):
        assert found["totals"][total] == pytest.approx(expected[total], rel=1e-9)
    for side in ("call_oi", "put_oi"):
        assert found["put_call"][side] == expected[side]


@each_file
@pytest.mark.parametrize("before_the_close", [True, False], ids=["with the day", "as of the file"])
def test_net_by_strike_peaks_where_the_slow_twin_says(name: str, before_the_close: bool) -> None:
    found = made_report(name, before_the_close)

    expected = ANSWERS[name]["before_the_close" if before_the_close else "as_of_the_file"]
    pairs = list(zip(found["columns"]["net_gex"], found["columns"]["strike"], strict=True))
    known = [pair for pair in pairs if pair[0] is not None]
    assert (max(known)[1], min(known)[1]) == (expected["call_wall"], expected["put_wall"])


@each_file
def test_max_pain_of_each_settlement_pays_least(name: str) -> None:
    found = made_report(name, before_the_close=True)

    rows = slow_twin.read(made_chains.FOLDER / name, made_chains.TODAY).rows
    assert found["max_pain"]
    for row in found["max_pain"]:
        mine = [r for r in rows if (r.day.isoformat(), r.root) == (row["expiry"], row["root"])]
        assert row["tied"][0] == slow_twin.least_payout(mine)


def test_am_and_pm_of_the_made_friday_are_two_rows() -> None:
    found = made_report(made_chains.JSON_NAME, before_the_close=False)

    friday = [row for row in found["max_pain"] if row["expiry"] == "2026-10-16"]
    assert [(row["root"], row["settlement"]) for row in friday] == [("SPX", "AM"), ("SPXW", "PM")]


@each_file
def test_the_flip_stands_near_that_of_whole_business_days(name: str) -> None:
    """Theirs ignores time of day, rates and forwards, so the two are near and not the same."""
    found = made_report(name, before_the_close=False)

    flip, spot = found["zero_gamma"]["all"]["flip"], found["spot"]
    assert flip == pytest.approx(ANSWERS[name]["as_of_the_file"]["flip"], abs=0.01 * spot)


@each_file
def test_the_days_expiry_is_gone_once_settled(name: str) -> None:
    before, after = made_report(name, True), made_report(name, False)

    assert before["excluded"]["expired"] == 0
    assert after["excluded"]["expired"] > 0
    assert before["nearest"]["expiry"] == "2026-10-14"
    assert after["nearest"]["expiry"] > "2026-10-14"
    assert after["zero_gamma"]["zero_dte"]["flip"] is None
