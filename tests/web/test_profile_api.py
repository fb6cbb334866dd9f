"""Profiles and opening ranges as JSON: what is told, what is refused, as the file documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from grok_sauce.analytics import orb_live, profile_live
from grok_sauce.publishers.pages import PAGES, Refusal, wanted
from grok_sauce.publishers.sockets import EVENTS
from grok_sauce.update import Update
from grok_sauce.web.app import OPENAPI
from tests.minute_market import Minutes, at, flat, minutes

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]

FILE: dict[str, Any] = json.loads(OPENAPI.read_text("utf-8"))
DAY = "2026-12-16"


def differences(path: str, answer: Any) -> list[str]:
    """Where an answer differs from the documented one."""
    documented = FILE["paths"][path]["get"]["responses"][str(answer.status_code)]
    schema = documented["content"]["application/json"]["schema"]
    validator = Draft202012Validator(
        {**schema, "components": FILE["components"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    return [error.message for error in validator.iter_errors(answer.get_json())]


def told() -> list[Update]:
    """Real payloads of SPY: two weeks of minutes and a break this morning."""
    market = Minutes()
    days = [f"2026-12-{day:02d}" for day in (7, 8, 9, 10, 11, 14, 15)]
    bars = [bar for day in days for bar in flat(f"{day} 09:30", 391)]
    hills = [(100 + n % 7, 101 + n % 7, 99 + n % 7, 100 + n % 7, 50.0 * (n % 5)) for n in range(40)]
    market.put([*bars, *minutes(f"{DAY} 09:30", *hills)])
    view = market.view(at(f"{DAY} 10:12"), "profile.levels")
    work = profile_live.freeze(view)
    assert work is not None
    profile = profile_live.compute(work)["SPY"]
    known = {"profile.levels": {"SPY": profile}}
    orb = orb_live.compute(market.view(at(f"{DAY} 10:12"), "orb.breakout", results=known))["SPY"]
    return [Update("profile.levels", "SPY", profile), Update("orb.breakout", "SPY", orb)]


@pytest.fixture(scope="module")
def payloads() -> list[Update]:
    return told()


def test_a_profile_is_told_whole(make_site: Make, browse: Browse, payloads: list[Update]) -> None:
    site = make_site()
    site.snapshot.publish(payloads)

    answer = browse(site.app).open("/api/profile?symbol=spy")

    assert answer.status_code == 200
    assert differences("/api/profile", answer) == []
    found = answer.get_json()
    assert (found["epoch"], found["seq"]) == (site.snapshot.epoch, 1)
    assert found["profile"] == payloads[0].payload
    assert list(found["profile"]["spans"]) == ["day", "week", "prior_week", "week-2"]


def test_one_span_comes_alone_with_its_own_reason(
    make_site: Make, browse: Browse, payloads: list[Update]
) -> None:
    site = make_site()
    site.snapshot.publish(payloads)

    day = browse(site.app).open("/api/profile?symbol=SPY&span=day")
    second = browse(site.app).open("/api/profile?symbol=SPY&span=week-2")

    assert differences("/api/profile", day) == differences("/api/profile", second) == []
    assert list(day.get_json()["profile"]["spans"]) == ["day"]
    assert day.get_json()["profile"]["reasons"] == {}
    assert second.get_json()["profile"]["spans"] == {"week-2": None}
    assert list(second.get_json()["profile"]["reasons"]) == ["week-2"]


def test_opening_ranges_of_a_symbol_and_of_the_table(
    make_site: Make, browse: Browse, payloads: list[Update]
) -> None:
    site = make_site()
    site.snapshot.publish(payloads)

    one = browse(site.app).open("/api/orb?symbol=SPY")
    table = browse(site.app).open("/api/orb")

    assert differences("/api/orb", one) == differences("/api/orb", table) == []
    assert one.get_json()["orb"] == payloads[1].payload
    assert [each["symbol"] for each in table.get_json()["orbs"]] == ["SPY"]
    assert any(each["breaks"] for each in one.get_json()["orb"]["ranges"])


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/profile", 422, "missing"),
        ("/api/profile?symbol=%3Cb%3E", 422, "invalid"),
        ("/api/profile?symbol=SPY&span=month", 422, "invalid"),
        ("/api/profile?symbol=SPY&span=week-5", 404, "not_kept"),
        ("/api/profile?symbol=NVDA", 404, "not_watched"),
        ("/api/profile?symbol=GLD", 503, "loading"),
        ("/api/orb?symbol=", 422, "missing"),
        ("/api/orb?symbol=NVDA", 404, "not_watched"),
        ("/api/orb?symbol=GLD", 503, "loading"),
    ],
)
def test_what_cannot_be_told_is_refused_with_its_reason(
    make_site: Make, browse: Browse, payloads: list[Update], path: str, status: int, code: str
) -> None:
    site = make_site()
    site.snapshot.publish(payloads)

    answer = browse(site.app).open(path)

    assert (answer.status_code, answer.get_json()["error"]["code"]) == (status, code)
    assert differences(path.partition("?")[0], answer) == []


@pytest.mark.parametrize(
    ("name", "topic", "event"),
    [("profile", "profile.levels", "update_profile"), ("orb", "orb.breakout", "update_orb")],
)
def test_browsers_follow_one_symbol(name: str, topic: str, event: str) -> None:
    pages = {page.name: page for page in PAGES}

    page, key = wanted(pages, {"page": name, "symbol": "/ES"})

    assert (page.topic, key, EVENTS[topic]) == (topic, "/ES", event)
    with pytest.raises(Refusal):
        wanted(pages, {"page": name})
