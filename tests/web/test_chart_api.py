"""The chart's routes: what they ask, what they refuse, and the file they give."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from grok_sauce.publishers.pages import PAGES, Refusal, wanted
from grok_sauce.update import Update
from grok_sauce.web.app import OPENAPI
from tests.browser.chart_payload import make_candles, make_profile

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]

FILE: dict[str, Any] = json.loads(OPENAPI.read_text("utf-8"))
ROOMS = {page.name: page for page in PAGES}


def asked_of(site: SimpleNamespace) -> list[dict[str, Any]]:
    return [params for name, params in site.machine.calls if name.startswith("chart.")]


def test_candles_are_asked_as_the_address_says_and_answered_as_documented(
    make_site: Make, browse: Browse
) -> None:
    site = make_site()

    answer = browse(site.app).open(
        "/api/candles?symbol=spy&tf=15m&hours=extended&from=2026-12-15T14:30:00Z&to=1797449527000"
    )

    assert asked_of(site) == [
        {
            "symbol": "SPY", "timeframe": "15m", "hours": "extended", "start": 1797345000000,
            "end": 1797449527000, "limit": 5000,
        }
    ]  # fmt: skip
    schema = FILE["components"]["schemas"]["Candles"]
    validator = Draft202012Validator({**schema, "components": FILE["components"]})
    assert [error.message for error in validator.iter_errors(answer.get_json())] == []


@pytest.mark.parametrize(
    "symbol, hours", [("SPY", "regular"), ("/ES", "extended")], ids=["share", "future"]
)
def test_without_a_word_it_is_the_newest_400_of_five_minutes(
    make_site: Make, browse: Browse, symbol: str, hours: str
) -> None:
    site = make_site()

    browse(site.app).open(f"/api/candles?symbol={symbol}")

    assert asked_of(site) == [
        {
            "symbol": symbol, "timeframe": "5m", "hours": hours, "start": None, "end": None,
            "limit": 400,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    "query, field",
    [
        ("", "symbol"),
        ("symbol=S%20Y", "symbol"),
        ("symbol=SPY&tf=2m", "tf"),
        ("symbol=SPY&hours=night", "hours"),
        ("symbol=SPY&limit=0", "limit"),
        ("symbol=SPY&limit=5001", "limit"),
        ("symbol=SPY&limit=-3", "limit"),
        ("symbol=SPY&from=yesterday", "from"),
        ("symbol=SPY&to=2026-12-16T10:00:00", "to"),
        ("symbol=SPY&from=2000&to=1000", "from"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    make_site: Make, browse: Browse, query: str, field: str
) -> None:
    site = make_site()

    for path in ("/api/candles", "/api/candles.csv"):
        answer = browse(site.app).open(f"{path}?{query}")

        assert answer.status_code == 422
        assert answer.get_json()["error"]["field"] == field
    assert asked_of(site) == []


def test_the_file_has_a_line_a_candle_and_says_whose_they_are(
    make_site: Make, browse: Browse
) -> None:
    answer = browse(make_site().app).open("/api/candles.csv?symbol=SPY&limit=100")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    candles = make_candles()

    assert len(rows) == len(candles["bars"])
    assert rows[0]["time"] == "2026-12-15T14:30:00Z"
    assert float(rows[-1]["close"]) == candles["bars"][-1][4]
    assert float(rows[-1]["vwap"]) == candles["vwap"][-1][0]
    assert {row["source"] for row in rows} == {"LIVE"}
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="SPY-5m-20261216T193207Z.csv"'
    )


def test_the_page_opens_with_candles_and_what_is_drawn_over_them(
    make_site: Make, browse: Browse
) -> None:
    site = make_site(real=True)
    site.snapshot.publish([Update("profile.levels", "SPY", make_profile())])

    text = browse(site.app).open("/chart/SPY?tf=15m").get_data(as_text=True)
    block = text.partition('id="chart-data"')[2].partition(">")[2].partition("</script>")[0]
    found = json.loads(block)

    assert found["timeframe"] == "15m"
    assert len(found["candles"]["bars"]) > 40
    assert found["beside"]["profile"]["value"]["spans"]["week"]["poc"] == 597.53
    assert found["beside"]["orb"] == {"seq": 0, "value": None}
    assert '<a href="/chart" aria-current="page">Chart</a>' in text


def test_the_page_opens_without_candles_and_says_why(make_site: Make, browse: Browse) -> None:
    site = make_site(real=True)

    def fail(**_: Any) -> Any:
        raise RuntimeError("bug")

    site.machine.answers["chart.open"] = fail

    answer = browse(site.app).open("/chart/SPY")

    assert answer.status_code == 200
    assert "the answer failed" in answer.get_data(as_text=True)


def test_the_bare_address_leads_to_the_first_symbol_and_lets_the_browser_go_on(
    make_site: Make, browse: Browse
) -> None:
    browser = browse(make_site().app)

    assert browser.open("/chart").headers["Location"] == "/chart/SPY#last"
    assert browser.open("/chart?symbol=qqq&tf=1m").headers["Location"] == "/chart/QQQ?tf=1m"
    assert browser.open("/chart/qqq").headers["Location"] == "/chart/QQQ"
    assert browser.open("/chart?symbol=/ES").status_code == 200
    assert browser.open("/chart/SPY?tf=2h").status_code == 422


def test_a_room_is_a_symbol_and_a_timeframe() -> None:
    page, key = wanted(ROOMS, {"page": "chart", "symbol": "/ES", "view": "15m"})

    assert (page.topic, key) == ("chart.bar", "/ES:15m")
    with pytest.raises(Refusal):
        wanted(ROOMS, {"page": "chart", "symbol": "SPY"})
