"""FRED's answers: missing values, units, vintages, releases, errors, any bytes."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.errors import BadPayload
from grok_sauce.market.measures import MEASURES
from grok_sauce.market.releases import Observation
from grok_sauce.pollers.fred_parse import (
    parse_dates,
    parse_observations,
    parse_release,
    parse_updated,
    refusal,
)

SENTIMENT, PAYROLLS = MEASURES["UMCSENT:lin"], MEASURES["PAYEMS:chg"]


def body(*rows: tuple[Any, Any], units: Any = "lin", **changed: Any) -> bytes:
    observations = [
        {"realtime_start": "2024-06-28", "realtime_end": "2024-06-28", "date": day, "value": value}
        for day, value in rows
    ]
    return json.dumps({"units": units, "observations": observations, **changed}).encode()


def test_values_are_texts_and_a_dot_is_none() -> None:
    found = parse_observations(
        body(("2022-06-01", "50"), ("2022-07-01", "."), ("2022-08-01", "51.5")), SENTIMENT
    )

    assert found == (
        Observation(date(2022, 8, 1), 51.5),
        Observation(date(2022, 7, 1), None),
        Observation(date(2022, 6, 1), 50.0),
    )


def test_counts_in_thousands_become_counts() -> None:
    (row,) = parse_observations(body(("2026-11-01", "-77"), units="chg"), PAYROLLS)

    assert row.value == -77_000.0


def test_of_several_vintages_the_latest_known_counts() -> None:
    rows = [
        {"realtime_start": known, "date": "2026-10-01", "value": value}
        for known, value in (("2026-11-01", "1"), ("2026-12-01", "3"), ("2026-11-15", "2"))
    ]

    (row,) = parse_observations(body(observations=rows), SENTIMENT)

    assert row.value == 3.0


@pytest.mark.parametrize(
    "content, said",
    [
        (body(("2022-06-01", "x")), 'observations[0].value must be a number as text or "."'),
        (body(("2022-06-01", 50)), "observations[0].value"),
        (body(("2022-06-01", None)), "observations[0].value"),
        (body(("2022-06-01", "NaN")), "observations[0].value"),
        (body(("2022-06-01", "1e99")), None),
        (body(("2022-06-01", "١")), "observations[0].value"),
        (body(("2022-06-01", "1"), ("06/01/2022", "1")), "observations[1].date must be a day"),
        (body((None, "1")), "observations[0].date"),
        (body(("2022-02-30", "1")), "observations[0].date"),
        (body(units="pch"), "units must be 'lin', not 'pch'"),
        (body(units=None), "units must be 'lin', not None"),
        (body(observations={}), "observations must be a list"),
        (body(observations=[7]), "observations[0] must be an object"),
        (b"[]", "the answer must be an object"),
        (b"<fred />", "a web page where JSON was expected"),
        (
            b'{"error_code":400,"error_message":"Bad Request.  The series does not exist."}',
            "FRED: Bad Request. The series does not exist.",
        ),
    ],
)
def test_what_is_not_as_documented_names_its_field(content: bytes, said: str | None) -> None:
    if said is None:
        assert parse_observations(content, SENTIMENT)[0].value == 1e99
        return
    with pytest.raises(BadPayload) as caught:
        parse_observations(content, SENTIMENT)

    assert said in str(caught.value)


def test_a_release_has_an_id_and_a_name() -> None:
    content = json.dumps({"releases": [{"id": 10, "name": "Consumer Price Index"}]}).encode()

    assert parse_release(content) == (10, "Consumer Price Index")


@pytest.mark.parametrize(
    "releases, field",
    [([], "releases"), ([{"id": "10", "name": "x"}], "id"), ([{"id": True, "name": "x"}], "id"),
     ([{"id": 10}], "name"), ({}, "releases"), ([3], "releases[0]")],
)  # fmt: skip
def test_a_release_without_one_is_refused(releases: Any, field: str) -> None:
    with pytest.raises(BadPayload) as caught:
        parse_release(json.dumps({"releases": releases}).encode())

    assert field in str(caught.value)


def test_release_days_are_days_in_order() -> None:
    rows = [{"release_id": 10, "date": day} for day in ("2027-01-13", "2026-12-11", "2026-12-11")]

    found = parse_dates(json.dumps({"release_dates": rows}).encode())

    assert found == (date(2026, 12, 11), date(2027, 1, 13))


@pytest.mark.parametrize("header", [None, "", "yesterday", "Fri, 99 Jun 2024 14:01:02 GMT", "0"])
def test_a_header_that_is_no_time_is_unknown(header: str | None) -> None:
    assert parse_updated(header) is None


def test_an_error_answer_says_what_it_says() -> None:
    assert refusal(b'{"error_code":429,"error_message":"Too Many  Requests."}') == (
        "Too Many Requests."
    )
    assert refusal(b"<html>") == ""
    assert refusal(b"[1]") == ""


@given(st.binary(max_size=200), st.text(max_size=40))
def test_any_bytes_are_documented_errors(content: bytes, header: str) -> None:
    for parse in (lambda b: parse_observations(b, SENTIMENT), parse_release, parse_dates):
        with pytest.raises(BadPayload):
            parse(content)
    parse_updated(header)
    refusal(content)


@given(st.lists(st.tuples(st.dates(), st.text(max_size=12)), max_size=6))
def test_any_rows_are_values_or_documented_errors(rows: list[tuple[date, str]]) -> None:
    content = body(*((str(day), value) for day, value in rows))
    try:
        found = parse_observations(content, SENTIMENT)
    except BadPayload as problem:
        said = str(problem)
        assert said.startswith("FRED: observations[")
        return
    assert [row.period for row in found] == sorted({day for day, _ in rows}, reverse=True)


@pytest.mark.recorded
def test_recorded_sentiment_ends_two_months_before_it_was_asked_for(recordings: Path) -> None:
    """Answered 2024-06-28, after Michigan had published May and June."""
    content = (recordings / "fred_umcsent_observations.json").read_bytes()

    found = parse_observations(content, SENTIMENT)

    assert len(found) == 23
    assert (found[0], found[-1]) == (
        Observation(date(2024, 4, 1), 77.2), Observation(date(2022, 6, 1), 50.0),
    )  # fmt: skip
    assert SENTIMENT.late is not None


@pytest.mark.recorded
def test_recorded_expectations_are_read(recordings: Path) -> None:
    content = (recordings / "fred_mich_observations.json").read_bytes()

    found = parse_observations(content, MEASURES["MICH:lin"])

    assert len(found) == 23
    assert [row.value for row in found[-3:]] == [4.8, 5.2, 5.3]
