"""The calendar in a real browser under the strict policy, with every answer made up here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.calendar_week import (
    HOSTILE,
    calendar_off,
    make_calendar,
    make_event,
    make_news,
    make_reactions,
    make_sentiment,
    with_times,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

Visit = Callable[..., Any]


class Calendar:
    """The page over one payload, until another is given."""

    def __init__(self, visit: Visit, templates: Any, payload: Any = None, **options: Any) -> None:
        self.site = visit(**options)
        self.page = self.site.page
        self.health = templates.make_health()
        payload = make_calendar() if payload is None else payload
        reactions = make_reactions()
        shown = [event for event in payload["events"] if event["currency"] == "USD"]
        day = {"label": "This week", "rows": with_times(shown), "releases": 1, "coming": 0}
        self.site.pages["/calendar"] = templates.render(
            "calendar.html", calendar=payload, days=[day] if shown else [], currencies=["USD"],
            currency="USD", impact="all", reactions=reactions, reactions_seq=0,
            now_ms=float(templates.NOW_MS),
        )  # fmt: skip
        self.site.api["GET /api/health"] = (200, self.health)
        self.site.api["GET /api/reactions"] = (200, {"reactions": reactions})
        self.give(payload)

    def give(self, payload: Any) -> None:
        """What the next request for the events gets."""
        self.site.api["GET /api/calendar"] = (200, {"epoch": "e", "seq": 1, "calendar": payload})

    def open(self, query: str = "") -> Calendar:
        self.site.open(f"/calendar{query}")
        self.page.locator('[data-part="next-events"] [data-at], [data-part="off"]').first.wait_for(
            state="attached"
        )
        return self

    def row(self, title: str) -> Any:
        return self.page.locator("tr[data-id]", has_text=title)

    def titles(self) -> list[str]:
        found: list[str] = self.page.locator("tr[data-id] .title").all_inner_texts()
        return found

    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.page.url).query)


@pytest.fixture
def calendar(visit: Visit, templates: Any) -> Calendar:
    return Calendar(visit, templates).open()


def test_the_page_runs_under_the_strict_policy_and_never_scrolls_sideways(
    calendar: Calendar,
) -> None:
    overflow = {}
    for width in (1440, 1280, 1024, 800, 390, 320):
        calendar.page.set_viewport_size({"width": width, "height": 800})
        calendar.page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")
        overflow[width] = calendar.page.evaluate("document.documentElement.scrollWidth") - width

    assert calendar.site.complaints == []
    assert calendar.site.foreign == []
    assert {width: excess for width, excess in overflow.items() if excess > 0} == {}


def test_a_release_shows_its_figures_surprise_and_reactions(calendar: Calendar) -> None:
    cells = calendar.row("Industrial Production").locator("th, td").all_inner_texts()

    assert cells[:2] == ["09:15", "Med"]
    assert cells[4:8] == ["0.1%", "0.2%", "−0.1%", "▼ below"]
    assert cells[8:13] == ["0.00%", "−0.02%", "−0.05%", "+0.13%", "–"]
    assert cells[13] == "FF, FRED"


def test_releases_of_one_minute_share_one_row_of_reactions(calendar: Calendar) -> None:
    row = calendar.page.locator("tr.cluster-row")

    assert row.count() == 1
    assert "2 in the same minute, one reaction" in row.inner_text()
    assert row.locator(".move").all_inner_texts()[1] == "−0.02%"
    assert "clustered, measured together below" in calendar.row("Housing Starts").inner_text()
    assert "will cluster" in calendar.row("Unemployment Claims").inner_text()


def test_what_no_source_has_is_a_dash_with_the_reason(calendar: Calendar) -> None:
    actual = calendar.row("NAHB").locator(".actual")

    assert actual.inner_text() == "–"
    assert actual.get_attribute("title") == (
        "No source has the actual. No source of actual values has this event."
    )
    assert "FF only" in calendar.row("NAHB").inner_text()


def test_a_revised_figure_and_a_moved_time_say_so(calendar: Calendar) -> None:
    assert calendar.row("Retail Sales").locator(".previous").get_attribute("title") == (
        "Revised, first told as 0.2%"
    )
    assert "moved from 14:45" in calendar.row(HOSTILE).inner_text()


def test_filters_are_in_the_address_and_a_reload_keeps_them(calendar: Calendar) -> None:
    everything = calendar.titles()
    calendar.page.get_by_role("button", name="High", exact=True).click()
    high = calendar.titles()
    calendar.page.locator('[data-part="currency"]').select_option("ALL")
    calendar.page.keyboard.press("1")
    calendar.page.locator("h1").click()
    calendar.page.keyboard.press("1")
    world = calendar.titles()
    calendar.row("Trade Balance").click()
    calendar.page.reload()
    calendar.page.locator("tr.selected").wait_for()

    assert "Trade Balance" not in everything
    assert high == ["Retail Sales m/m", "Bank Holiday", "Unemployment Claims"]
    assert "Trade Balance" in world
    assert calendar.query()["currency"] == ["ALL"]
    assert calendar.page.locator('[data-part="event"] h2').inner_text() == "Trade Balance"


def test_the_chosen_event_shows_what_it_did_before_with_n(calendar: Calendar) -> None:
    panel = calendar.page.locator('[data-part="statistics"]')
    lines = [row.split("\t") for row in panel.locator("tbody tr").all_inner_texts()]
    facts = calendar.page.locator('[data-part="facts"]').inner_text()

    assert calendar.page.locator('[data-part="event"] h2').inner_text() == (
        "Industrial Production m/m"
    )
    assert "▼ −0.1%" in facts
    assert panel.locator('[data-part="n"]').inner_text() == "n 31 of 36, 5 clustered left out"
    assert lines[0][:3] == ["▲ above", "11", "−0.03%"]
    assert lines[1][:3] == ["= in line", "3", "–"]  # under 5
    assert (
        "z needs 8 past releases, 3 known."
        in calendar.page.locator('[data-part="notes"]').inner_text()
    )


def test_at_zero_an_event_waits_for_its_actual_and_then_gets_it(
    visit: Visit, templates: Any
) -> None:
    soon = make_event(
        "CPI m/m", "2026-12-16T19:32:10Z", impact="high", forecast="0.3%", previous="0.2%",
        has_actual_source=True, why="not released yet", growth=1, unit="%",
    )  # fmt: skip
    payload = make_calendar(events=[soon], next=soon["id"])
    calendar = Calendar(visit, templates, payload).open()
    before = calendar.row("CPI").inner_text()

    clock = {**calendar.health["clock"], "market_ms": templates.NOW_MS + 3_000}
    calendar.site.api["GET /api/health"] = (200, {**calendar.health, "clock": clock})
    calendar.page.locator("td.actual.waiting").wait_for()
    at_zero = calendar.row("CPI").inner_text()
    told = {"status": "released", "actual": "0.5%", "actual_value": 0.5, "surprise": 0.2}
    calendar.give(
        make_calendar(events=[{**soon, **told, "actual_source": "FRED CPIAUCSL:pch",
                               "better": True}], next=None)
    )  # fmt: skip
    calendar.page.locator("td.actual.known").wait_for()
    after = calendar.row("CPI").inner_text()

    assert "in 0:0" in before
    assert "released, waiting for the actual" in at_zero
    assert "0.5%" in after
    assert "▲ above" in after
    assert calendar.site.complaints == []


def test_a_source_that_is_off_says_so_and_where_to_switch_it_on(
    visit: Visit, templates: Any
) -> None:
    calendar = Calendar(visit, templates, calendar_off()).open()

    off = calendar.page.locator('[data-part="off"]')

    assert "Forex Factory is off" in off.inner_text()
    assert "ForexFactory is off: switched off in Setup." in off.inner_text()
    assert off.get_by_role("link", name="Switch on in Setup").get_attribute("href") == (
        "/setup#sources"
    )
    assert not calendar.page.locator(".calendar-table").is_visible()


def test_a_stale_file_is_grey_and_says_which_week_it_is_of(visit: Visit, templates: Any) -> None:
    why = "The newest file is of the week of 2026-12-06, not of 2026-12-13."
    calendar = Calendar(visit, templates, make_calendar(stale=True, problem=why)).open()

    problem = calendar.page.locator('[data-part="problem"]')
    color = calendar.page.locator("td.forecast").first.evaluate("e => getComputedStyle(e).color")
    grey = calendar.page.locator(".foot").evaluate("e => getComputedStyle(e).color")

    assert problem.inner_text() == why
    assert color == grey


def test_feed_text_is_text(calendar: Calendar) -> None:
    assert calendar.row(HOSTILE).locator("img").count() == 0
    assert HOSTILE in calendar.titles()


def test_the_keyboard_walks_chooses_and_goes_to_the_next(calendar: Calendar) -> None:
    calendar.page.keyboard.press("n")
    next_one = calendar.page.evaluate("document.activeElement.innerText")
    calendar.page.keyboard.press("ArrowUp")
    calendar.page.keyboard.press("ArrowUp")
    calendar.page.keyboard.press("Enter")
    chosen = calendar.page.locator('[data-part="event"] h2').inner_text()
    calendar.page.keyboard.press("3")
    high = calendar.titles()

    assert HOSTILE in next_one
    assert chosen == "Housing Starts"
    assert high == ["Retail Sales m/m", "Bank Holiday", "Unemployment Claims"]
    assert calendar.query()["impact"] == ["high"]


def test_the_csv_has_full_figures_and_reactions(calendar: Calendar) -> None:
    with calendar.page.expect_download() as found:
        calendar.page.get_by_role("button", name="CSV").click()

    lines = Path(found.value.path()).read_text("utf-8").splitlines()
    row = next(line for line in lines if "Industrial Production" in line)
    assert found.value.suggested_filename == "calendar-2026-12-13.csv"
    assert row.startswith("2026-12-16T14:15:00Z,2026-12-16,USD,medium,Industrial Production m/m,")
    assert row.endswith("-0.0041,-0.02,-0.05,0.13,")


def test_a_phone_shows_an_event_in_two_lines(visit: Visit, templates: Any) -> None:
    calendar = Calendar(visit, templates, width=390, height=844).open()

    row = calendar.row("Retail Sales")
    box = row.bounding_box()

    assert box["height"] <= 72
    assert not row.locator(".told").is_visible()
    assert row.locator(".actual").is_visible()


class Table:
    """The indicator page with what stands beside its table."""

    def __init__(self, visit: Visit, templates: Any, **options: Any) -> None:
        width = options.pop("width", 1440)
        self.topics = {
            "calendar": make_calendar(), "sentiment": make_sentiment(), "news": make_news(),
            "reactions": make_reactions(),
        } | options  # fmt: skip
        self.site = visit(width=width)
        self.page = self.site.page
        rows = with_times(self.topics["calendar"]["events"])
        timed = [{**row, "move": None} for row in rows if row["at_ms"]]
        beside = {
            **self.topics, "rows": timed, "now_ms": float(templates.NOW_MS),
            "next": next((row for row in timed if row["at_ms"] > templates.NOW_MS), None),
        }  # fmt: skip
        self.site.pages["/indicator"] = templates.render("indicator.html", side=beside)
        self.site.api["GET /api/indicator"] = (200, {"epoch": "e", "seq": 0, "rows": []})
        self.site.api["GET /api/health"] = (200, templates.make_health())
        for name, value in self.topics.items():
            self.give(name, value)
        self.site.open("/indicator")

    def give(self, name: str, value: Any) -> None:
        self.site.api[f"GET /api/{name}"] = (200, {"epoch": "e", "seq": 1, name: value})

    def text(self, panel: str) -> str:
        found: str = self.page.locator(f'[data-part="{panel}"]').inner_text()
        return " ".join(found.split())


def test_beside_the_table_stand_sentiment_events_and_headlines_with_their_ages(
    visit: Visit, templates: Any
) -> None:
    table = Table(visit, templates)

    table.page.locator(".count[data-until]").wait_for()
    assert "42 headlines, Tue 15 Dec" in table.text("sentiment-covers")
    assert "+0.14 positive" in table.text("sentiment")
    assert "finance-aware −0.09" in table.text("sentiment")
    assert "newest 24h 04m old, late by plan, asked 4m ago" in table.text("sentiment")
    assert "42:5" in table.text("calendar")
    assert "Industrial Production m/m" in table.text("calendar")
    assert "−0.02%" in table.text("calendar")
    rows = table.page.locator('[data-part="events"] tr').all_inner_texts()
    assert len(rows) == 6
    assert table.site.complaints == []


def test_a_headline_links_only_where_its_address_is_safe(visit: Visit, templates: Any) -> None:
    table = Table(visit, templates)

    table.page.locator('[data-part="headlines"] [data-since], .headlines li').first.wait_for()
    links = table.page.locator(".headlines a")
    assert links.count() == 1
    assert links.first.get_attribute("rel") == "noopener noreferrer"
    assert table.page.locator(".headlines img").count() == 0
    assert HOSTILE in table.text("headlines")


def test_what_changes_is_drawn_without_a_reload(visit: Visit, templates: Any) -> None:
    table = Table(visit, templates)
    table.page.locator(".count[data-until]").wait_for()

    score = {"score": -0.21, "n": 43, "word": "negative"}
    table.give("sentiment", make_sentiment(plain=score, master_sentiment=-0.21))
    table.page.locator('[data-part="sentiment"] strong.down').wait_for()

    assert "−0.21 negative" in table.text("sentiment")
    assert "43 headlines" in table.text("sentiment-covers")


def test_a_source_that_is_off_is_a_dash_and_a_reason(visit: Visit, templates: Any) -> None:
    why = "NewsAPI is off: no key."
    none = make_sentiment(plain=None, finance=None, newest=None, on=False, problem=why)
    table = Table(
        visit, templates, calendar=calendar_off(), sentiment=none,
        news=make_news(on=False, problem=why, headlines=[]),
    )  # fmt: skip

    table.page.locator('[data-part="sum-next"]', has_text="no calendar").wait_for(state="attached")
    for panel in ("sentiment", "headlines"):
        assert table.text(panel).startswith("–")
        assert why in table.text(panel)
    assert "ForexFactory is off: switched off in Setup." in table.text("calendar")
    assert not table.page.locator('[data-part="events-panel"]').is_visible()
    assert table.page.locator(".way-out").count() == 3


def test_headlines_of_a_source_that_went_down_stay_grey_with_the_reason(
    visit: Visit, templates: Any
) -> None:
    why = "NewsAPI does not answer: refused."
    table = Table(
        visit, templates, news=make_news(problem=why), sentiment=make_sentiment(problem=why)
    )

    table.page.locator('[data-part="headlines"][data-stale]').wait_for()
    assert why in table.text("headlines")
    assert why in table.text("sentiment")
    assert "Stocks extend gains" in table.text("headlines")


def test_a_phone_shows_sentiment_and_the_next_event_above_the_cards(
    visit: Visit, templates: Any
) -> None:
    table = Table(visit, templates, width=390)

    table.page.locator('[data-part="sum-next"]', has_text="in 42:").wait_for()
    assert "+0.14 positive" in table.text("sum-sentiment")
    assert table.page.evaluate("document.documentElement.scrollWidth") == 390
