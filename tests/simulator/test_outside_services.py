"""NewsAPI, ForexFactory and FRED of the embedded market, read by the product's own pollers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import requests

from grok_sauce.errors import SourceRefused
from grok_sauce.http import Http
from grok_sauce.market.batches import Batch
from grok_sauce.market.calendar_week import CalendarWeek, amount
from grok_sauce.market.headlines import Headlines
from grok_sauce.market.measures import MEASURES
from grok_sauce.market.releases import Actual, Release, actual
from grok_sauce.market.sessions import instant
from grok_sauce.market.state import MarketState
from grok_sauce.pollers.calendar import CalendarPoller, CalendarSettings, parse_json, parse_xml
from grok_sauce.pollers.fred import FredPoller, FredSettings
from grok_sauce.pollers.news import NewsPoller, NewsSettings
from grok_sauce.pollers.quota import QuotaUsed
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings.document import ForexFactory, Fred, News
from grok_sauce.simulator import agenda
from grok_sauce.simulator.desk import Desk
from grok_sauce.simulator.faults import Faults
from grok_sauce.simulator.fred import KEY
from grok_sauce.simulator.market import World
from grok_sauce.simulator.server import Server
from grok_sauce.simulator.services import Services
from grok_sauce.simulator.tokens import Tokens

SUNDAY = date(2026, 12, 6)
FRIDAY = instant(date(2026, 12, 11), 12)  # of the week with CPI in it


class Outside:
    """A simulator whose clock stands still where a test puts it."""

    def __init__(self) -> None:
        self.clock = ManualClock(FRIDAY, FRIDAY)
        self.faults = Faults()
        self.services = Services(
            desk=Desk(World(42, FRIDAY), self.clock),
            clock=self.clock,
            tokens=Tokens(self.clock, self.faults, 900.0),
            faults=self.faults,
            about={"seed": 42},
        )
        self.server = Server(self.services)
        self.server.start()
        self.url = f"http://{self.services.address}"
        self.batches: list[Batch] = []

    def get(self, path: str, **more: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=10, **more)

    def news(self, key: str = "demo", enabled: bool = True) -> NewsPoller:
        settings = NewsSettings(key=key, base=self.url)
        return NewsPoller(
            settings, Http(self.clock), self.clock, self.batches.append, None, None,
            lambda: News(enabled=enabled),
        )  # fmt: skip

    def calendar(self) -> CalendarPoller:
        return CalendarPoller(
            CalendarSettings(base=self.url), Http(self.clock), self.clock, self.batches.append,
            None, None, lambda: ForexFactory(enabled=True),
        )  # fmt: skip

    def fred(self, *keys: str) -> FredPoller:
        chosen = {key: MEASURES[key] for key in keys} if keys else MEASURES
        return FredPoller(
            FredSettings(key=KEY, base=self.url), Http(self.clock), self.clock,
            self.batches.append, None, None, Fred, chosen,
        )  # fmt: skip

    @property
    def state(self) -> MarketState:
        state = MarketState()
        for batch in self.batches:
            state.apply(batch)
        return state


class Rounds(threading.Event):
    """A stop that ends after so many waits and lets no time pass."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.left = rounds

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        if self.left <= 0:
            self.set()
        return self.is_set()


@pytest.fixture(scope="module")
def serving() -> Iterator[Outside]:
    made = Outside()
    yield made
    made.server.stop()


@pytest.fixture
def outside(serving: Outside) -> Iterator[Outside]:
    yield serving
    serving.faults.update({"newsapi": False, "forexfactory": False, "fred": False})
    serving.clock.set_market(FRIDAY)
    serving.batches.clear()


# ---- NewsAPI ----


def test_headlines_are_a_day_old_and_say_so(outside: Outside) -> None:
    poller = outside.news()

    poller.run(Rounds(1))

    found: Headlines = outside.state.headlines["NewsAPI"]
    assert found.is_a_day_late
    assert 24 * 3600 <= (found.age(FRIDAY) or 0) < 30 * 3600
    assert poller.status.state == "live"
    hours = int((found.age(FRIDAY) or 0) // 3600)
    assert poller.status.detail == f"newest story {hours}h old, the free plan is a day late"
    assert poller.status.facts["calls"] == 1


def test_flawed_rows_of_the_press_are_cleaned(outside: Outside) -> None:
    outside.news().run(Rounds(1))

    found: Headlines = outside.state.headlines["NewsAPI"]
    raw = outside.get("/v2/everything?q=market&pageSize=100", headers={"X-Api-Key": "demo"}).json()[
        "articles"
    ]
    assert any(row["title"] == "[Removed]" for row in raw)
    assert any("<script>" in (row["description"] or "") for row in raw)
    assert found.withdrawn > 0
    assert found.repeated > 0
    assert any(len(story.outlets) > 1 for story in found.stories)
    shown = " ".join(f"{story.title} {story.summary}" for story in found.stories)
    assert "<" not in shown
    assert "alert(1)" not in shown


def test_the_press_repeats_the_figures_of_the_calendar(outside: Outside) -> None:
    outside.clock.set_market(FRIDAY + 26 * 3600)

    found = outside.news().search("CPI m/m")

    planned = [p for p in agenda.week(42, SUNDAY, FRIDAY) if p.title == "CPI m/m" and p.measure]
    (cpi,) = planned
    story = next(s for s in found.stories if s.title.startswith("US economy: CPI m/m"))
    assert f"CPI m/m at {cpi.actual}" in story.title
    assert 0 < story.published - cpi.at < 3600


def test_a_search_is_counted_and_changes_nobodys_list(outside: Outside) -> None:
    poller = outside.news()
    poller.run(Rounds(1))
    before = len(outside.batches)

    found = poller.search("Nvidia")

    assert found.stories
    assert all("nvidia" in f"{s.title} {s.summary}".lower() for s in found.stories)
    assert poller.quota.used(FRIDAY) == 2
    assert len(outside.batches) == before


@pytest.mark.parametrize("how", ["key", "disabled"])
def test_a_refused_key_stops_the_poller(outside: Outside, how: str) -> None:
    outside.faults.update({"newsapi": how})
    poller = outside.news()

    with pytest.raises(SourceRefused, match="correct NEWSAPI_KEY"):
        poller.run(Rounds(1))

    assert poller.status.state == "auth_failed"


def test_a_used_quota_is_waited_for(outside: Outside) -> None:
    poller = outside.news()
    poller.run(Rounds(1))
    outside.faults.update({"newsapi": "quota"})

    with pytest.raises(QuotaUsed) as caught:
        poller.search("gold")

    assert caught.value.next_at == FRIDAY + 12 * 3600
    assert poller.next_call() == FRIDAY + 12 * 3600


@pytest.mark.parametrize(
    "fault, said",
    [
        ("html", "a web page where JSON was expected"),
        ("types", "articles[0].publishedAt must be a time with a zone, not 20261209"),
    ],
)
def test_answers_of_no_use_name_what_is_wrong(outside: Outside, fault: str, said: str) -> None:
    outside.faults.update({"newsapi": fault})
    poller = outside.news()

    poller.run(Rounds(1))

    assert said in (poller.status.last_error or "")
    assert poller.status.state == "stale"
    assert not outside.batches


def test_null_titles_are_counted_and_not_shown(outside: Outside) -> None:
    outside.faults.update({"newsapi": "nulls"})

    outside.news().run(Rounds(1))

    found: Headlines = outside.state.headlines["NewsAPI"]
    assert (found.stories, found.untitled > 50) == ((), True)


def test_the_plan_ends_after_fifty_calls(outside: Outside) -> None:
    outside.clock.set_market(FRIDAY + 5 * 86400)
    headers = {"Authorization": "Bearer demo"}

    codes = [
        outside.get("/v2/top-headlines?country=us&pageSize=1", headers=headers).status_code
        for _ in range(51)
    ]

    assert codes == [200] * 50 + [429]


# ---- ForexFactory ----


def test_both_forms_of_the_week_give_equal_events(outside: Outside) -> None:
    week = parse_json(outside.get("/ff_calendar_thisweek.json").content, FRIDAY)
    other = parse_xml(outside.get("/ff_calendar_thisweek.xml").content, FRIDAY)

    assert week == other
    assert week.start == SUNDAY
    assert not week.problems
    assert {event.currency for event in week.events} > {"USD", "EUR", "GBP", "JPY", "All"}
    assert week.following(instant(date(2026, 12, 10), 9), "USD").title == "Natural Gas Storage"  # type: ignore[union-attr]


def test_the_calendar_poller_hands_the_week_over(outside: Outside) -> None:
    poller = outside.calendar()

    poller.run(Rounds(1))

    week: CalendarWeek = outside.state.weeks["ForexFactory"]
    assert (week.start, poller.status.state) == (SUNDAY, "live")
    assert poller.status.detail == "week of 2026-12-06, fetched 0s ago"


def test_a_page_in_place_of_the_week_is_a_fault(outside: Outside) -> None:
    outside.faults.update({"forexfactory": "html"})
    poller = outside.calendar()

    poller.run(Rounds(1))

    assert poller.status.detail == "ForexFactory sent a web page where JSON was expected"
    assert poller.status.state == "stale"


def test_events_without_a_date_stay_in_the_list(outside: Outside) -> None:
    outside.faults.update({"forexfactory": "undated"})
    outside.calendar().run(Rounds(1))

    week: CalendarWeek = outside.state.weeks["ForexFactory"]

    assert {event.timing for event in week.events} == {"time", "unknown"}
    assert week.start == SUNDAY


def test_last_weeks_file_is_shown_as_what_it_is(outside: Outside) -> None:
    outside.faults.update({"forexfactory": "old_week"})
    poller = outside.calendar()

    poller.run(Rounds(1))

    assert poller.status.state == "stale"
    assert poller.status.detail.startswith("week of 2026-11-29, not this one (2026-12-11)")


# ---- FRED ----


def test_every_measure_is_served_and_kept(outside: Outside) -> None:
    poller = outside.fred()

    poller.run(Rounds(len(MEASURES) + 1))

    releases: dict[str, Release] = outside.state.releases
    assert set(releases) == set(MEASURES)
    assert all(found.latest is not None for found in releases.values())
    assert poller.status.state == "live"
    assert poller.status.facts == {"series": len(MEASURES), "known": len(MEASURES)}


def join(outside: Outside, title: str, at: float, *, poll_at: float | None = None) -> Actual:
    """The actual of an event of this week as the product would show it."""
    outside.clock.set_market(FRIDAY if poll_at is None else poll_at)
    outside.calendar().run(Rounds(1))
    outside.fred("CPIAUCSL:pch", "CPILFESL:pch", "CPIAUCNS:pc1", "ICSA:lin").run(Rounds(5))
    state = outside.state
    event = next(
        event
        for event in state.weeks["ForexFactory"].events
        if (event.title, event.currency) == (title, "USD")
    )
    return actual(event, state.releases, at)


@pytest.mark.parametrize("title", ["CPI m/m", "Core CPI m/m", "CPI y/y", "Unemployment Claims"])
def test_actuals_join_the_calendar_by_release(outside: Outside, title: str) -> None:
    found = join(outside, title, FRIDAY)

    (planned,) = [p for p in agenda.week(42, SUNDAY, FRIDAY) if p.title == title and p.measure]
    forecast, said = amount(planned.forecast), amount(planned.actual)
    assert forecast is not None
    assert said is not None
    assert found.text == planned.actual
    assert found.value == pytest.approx(said.value)
    assert found.surprise == pytest.approx(said.value - forecast.value, abs=1e-9)


def test_before_the_release_there_is_no_actual(outside: Outside) -> None:
    at = instant(date(2026, 12, 11), 8)

    found = join(outside, "CPI m/m", at, poll_at=at)

    assert (found.value, found.why) == (None, "not released yet")


def test_while_fred_waits_the_month_before_is_not_shown(outside: Outside) -> None:
    at = instant(date(2026, 12, 11), 8, 30) + 20

    found = join(outside, "CPI m/m", at, poll_at=at)

    assert found.value is None
    assert found.why == "FRED has not got it yet (last changed 2026-11-12 08:31)"


@pytest.mark.parametrize("fault, said", [
    ("dots", None),
    ("values", 'observations[0].value must be a number as text or ".", not \'n/a\''),
    ("429", "FRED: asked too often (429)"),
])  # fmt: skip
def test_freds_faults_are_told(outside: Outside, fault: str, said: str | None) -> None:
    outside.faults.update({"fred": fault})
    poller = outside.fred("UNRATE:lin")

    poller.run(Rounds(2))

    assert said is None or said in (poller.status.last_error or "")
    release = outside.state.releases.get("UNRATE:lin")
    if fault == "dots":
        assert release is not None
        assert release.observations[0].value is None
        assert release.latest == release.observations[1]
    else:
        assert release is None
        assert poller.status.state == "stale"


def test_a_refused_fred_key_is_said_without_the_key(outside: Outside) -> None:
    outside.faults.update({"fred": "key"})
    poller = outside.fred("UNRATE:lin")

    with pytest.raises(SourceRefused, match="correct FRED_API_KEY") as caught:
        poller.run(Rounds(1))

    assert KEY not in str(caught.value)


def test_a_late_series_says_why(outside: Outside) -> None:
    outside.fred("UMCSENT:lin").run(Rounds(1))

    release: Release = outside.state.releases["UMCSENT:lin"]

    assert release.latest is not None
    assert release.latest.period == date(2026, 10, 1)
    assert (
        release.late == "FRED gets the University of Michigan's numbers a month late, as they ask"
    )


def test_the_first_print_is_revised_with_the_next_release() -> None:
    before = agenda.known(42, "PAYEMS", instant(date(2026, 12, 4), 12), 2)
    after = agenda.known(42, "PAYEMS", instant(date(2027, 1, 8), 12), 3)

    assert before[0][0] == after[1][0] == date(2026, 11, 1)
    assert before[0][1] != after[1][1]


def test_nobody_but_the_clock_decides_what_the_week_says() -> None:
    moment = instant(date(2026, 12, 8), 9)

    assert agenda.week(42, SUNDAY, moment) == agenda.week(42, SUNDAY, moment)
    assert agenda.week(7, SUNDAY, moment) != agenda.week(42, SUNDAY, moment)
