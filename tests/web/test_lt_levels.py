"""Addresses of LT levels and of a session's archive, with reasons where there is nothing."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from grok_sauce.errors import SettingsError, SourceError
from tests.web.test_openapi import check

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]

LEVELS = {
    "symbol": "/NQ",
    "tradingview_symbol": "CME_MINI:NQ1!",
    "timeframe": "15m",
    "source": "TradingView",
    "lookbacks": [8, 13, 34, 55, 144, 377, 610],
    "timestamp": "2026-12-16T15:15:03Z",
    "candle_time": "2026-12-16T15:00:00Z",
    "candle_end": "2026-12-16T15:15:00Z",
    "contract": "/NQZ6",
    "levels": {"L0": 21250.0, "L1": None},
    "state": "live",
    "text": None,
    "age": 300.0,
    "known_for": 297.0,
}


def test_levels_are_answered_as_they_stand(make_site: Make, browse: Browse) -> None:
    site = make_site()
    asked: list[dict[str, Any]] = []

    def known(**given: Any) -> dict[str, Any]:
        asked.append(given)
        return LEVELS

    site.machine.questions.register("lt.levels", known)

    answer = browse(site.app).open("/lt/levels?symbol=/nq")

    check("GET", "/lt/levels", answer)
    assert answer.get_json() == LEVELS
    assert asked == [{"symbol": "/NQ"}]


def test_none_is_404_with_the_reason_in_json(make_site: Make, browse: Browse) -> None:
    site = make_site()

    def none() -> None:
        raise SourceError("TradingView is off: switch it on.")

    site.machine.questions.register("lt.levels", none)

    answer = browse(site.app).open("/lt/levels", headers={"Accept": "text/html"})

    check("GET", "/lt/levels", answer)
    assert answer.status_code == 404
    assert answer.get_json()["error"]["message"] == "TradingView is off: switch it on."


def test_the_chart_opens_with_the_levels_of_its_symbol(make_site: Make, browse: Browse) -> None:
    site = make_site(real=True)

    page = browse(site.app).open("/chart?symbol=/NQ").get_data(as_text=True)
    other = browse(site.app).open("/chart/SPY").get_data(as_text=True)

    assert 'data-layer="lt"' in page
    assert '"lt": {"seq": 0, "value": null}' in page
    assert 'data-layer="lt"' not in other


class TestArchive:
    def site(self, make_site: Make, answer: Callable[..., Any]) -> SimpleNamespace:
        site = make_site()
        site.machine.questions.register("candles.archive", answer)
        return site

    def test_a_session_comes_as_a_file_of_its_name(self, make_site: Make, browse: Browse) -> None:
        asked: list[dict[str, Any]] = []

        def answer(**given: Any) -> dict[str, Any]:
            asked.append(given)
            return {"name": "NQ_1m_2026-12-16.csv", "text": "ts_event\n1\n", "bars": 1}

        site = self.site(make_site, answer)

        found = browse(site.app).open("/api/candles.csv?symbol=/NQ&format=e54&day=2026-12-16")

        assert found.get_data(as_text=True) == "ts_event\n1\n"
        assert found.headers["Content-Disposition"].endswith('filename="NQ_1m_2026-12-16.csv"')
        assert asked == [{"symbol": "/NQ", "day": "2026-12-16"}]

    @pytest.mark.parametrize("day", ["", "2026-13-01", "16.12.2026", "20261216", "monday"])
    def test_what_is_no_day_is_refused(self, make_site: Make, browse: Browse, day: str) -> None:
        site = self.site(make_site, lambda **given: pytest.fail("asked"))

        found = browse(site.app).open(f"/api/candles.csv?symbol=/NQ&format=e54&day={day}")

        assert found.status_code == 422
        assert found.get_json()["error"]["field"] == "day"

    def test_nothing_kept_is_404_with_what_is(self, make_site: Make, browse: Browse) -> None:
        def none(**given: Any) -> None:
            raise SettingsError("no closed minutes of /RTY are kept", "day")

        site = self.site(make_site, none)

        found = browse(site.app).open("/api/candles.csv?symbol=/RTY&format=e54&day=2026-12-16")

        check("GET", "/api/candles.csv", found)
        assert found.status_code == 404
        assert found.get_json()["error"]["message"] == "No closed minutes of /RTY are kept."
