"""The news page and its addresses: what they show, filter, ask upstream and refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from grok_sauce.analytics import economy, headlines_table, sentiment_index
from grok_sauce.analytics.view import View
from grok_sauce.errors import SettingsError, SourceError, SourceRefused
from grok_sauce.market.batches import Batch
from grok_sauce.market.headlines import Headline, Headlines
from grok_sauce.market.source_note import QuotaNote, SourceNote
from grok_sauce.market.state import MarketState
from grok_sauce.publishers.pages import PAGES, wanted
from grok_sauce.publishers.sockets import EVENTS
from grok_sauce.update import Update
from grok_sauce.web import news
from grok_sauce.web.app import OPENAPI

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]

FILE: dict[str, Any] = json.loads(OPENAPI.read_text("utf-8"))
HOSTILE = '</script><img src=x onerror="alert(1)">'
QUOTA = {"used": 17, "limit": 48, "left": 25, "window_hours": 12.0, "next_at": None}


def problems(method: str, path: str, answer: Any) -> list[str]:
    """Where an answer differs from the documented one."""
    documented = FILE["paths"][path][method]["responses"][str(answer.status_code)]
    schema = documented["content"]["application/json"]["schema"]
    whole = {**schema, "components": FILE["components"]}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in validator.iter_errors(answer.get_json())]


def published(
    site: SimpleNamespace, *titles: str, note: SourceNote | None = None, apart: float = 3600.0
) -> None:
    """What the engine would publish for these titles, the newest a day old."""
    now = site.clock.market()
    stories = tuple(
        Headline(title, None, ("Example Wire", "The Ledger"), None, "https://example.org/1",
                 now - 86_640 - apart * n)
        for n, title in enumerate(titles)
    )  # fmt: skip
    quota = QuotaNote(17, 48, 43200.0, 25, 0.0)
    told = note or SourceNote("news", "NewsAPI", True, None, now + 900, 1200.0, quota)
    state = MarketState()
    found = Headlines("fed", stories, now) if titles else None
    state.apply(Batch("Headlines", ["NewsAPI"], ([found],), now))
    state.apply(Batch("SourceNote", ["news"], ([told],), now))
    view = View(state, now, {}, ("SPY",))
    site.snapshot.publish(
        [
            Update("news.headline", "", headlines_table.compute(headlines_table.freeze(view))[""]),
            Update(
                "sentiment.index", "", sentiment_index.compute(sentiment_index.freeze(view))[""]
            ),
            Update("fred.release", "", economy.compute(view)[""]),
        ]
    )


def searching(site: SimpleNamespace, answer: Any) -> list[str]:
    """Register a search that gives or raises this; what it is asked."""
    asked: list[str] = []

    def search(q: str) -> Any:
        asked.append(q)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    site.machine.controls.register("news.search", search)
    return asked


FOUND = {
    "query": "copper", "fetched_at": "2026-12-16T19:32:07Z", "total": 0, "headlines": [],
    "quota": QUOTA, "refused": None,
}  # fmt: skip


@pytest.mark.parametrize("path", ["/api/news", "/api/sentiment", "/api/econ"])
@pytest.mark.parametrize("is_there", [True, False])
def test_what_is_answered_is_what_is_documented(
    make_site: Make, browse: Browse, path: str, is_there: bool
) -> None:
    site = make_site()
    if is_there:
        published(site, "Stocks rally to a record", "SPY slips")

    answer = browse(site.app).open(path)

    assert answer.status_code == 200
    assert problems("get", path, answer) == []
    assert (answer.get_json()["seq"] > 0) is is_there


def test_words_filter_what_is_loaded_and_ask_nobody(make_site: Make, browse: Browse) -> None:
    site = make_site()
    published(site, "Stocks rally to a record", "SPY slips", "Record low for copper")
    asked = searching(site, FOUND)

    found = browse(site.app).open("/api/news?q=RECORD+ledger").get_json()["news"]["headlines"]

    titles = ["Stocks rally to a record", "Record low for copper"]
    assert [row["title"] for row in found] == titles
    assert "1 of 3" in browse_real(make_site, browse, "/news?q=slips")
    assert asked == []


def browse_real(make_site: Make, browse: Browse, path: str) -> str:
    """A page of the real templates over three headlines."""
    site = make_site(real=True)
    published(site, "Stocks rally to a record", "SPY slips", "Record low for copper")
    text: str = browse(site.app).open(path).get_data(as_text=True)
    return text


def test_the_real_page_is_complete_without_scripts(make_site: Make, browse: Browse) -> None:
    text = browse_real(make_site, browse, "/news")

    assert "24h 04m" in text
    assert "Tue 14:28" in text  # New York, a day before
    assert "24h late by plan" in text
    assert '<a href="/news" aria-current="page">News</a>' in text
    assert 'rel="noopener noreferrer"' in text
    assert "17 of 48, polls and searches" in text
    assert "Example Wire +1" in text


def test_hostile_titles_reach_page_and_script_as_text(make_site: Make, browse: Browse) -> None:
    site = make_site(real=True)
    published(site, HOSTILE)

    text = browse(site.app).open("/news?q=%3C/script").get_data(as_text=True)

    assert "<img" not in text
    block = text.partition('id="news-data"')[2].partition(">")[2].partition("</script>")[0]
    assert json.loads(block)["news"]["headlines"][0]["title"] == HOSTILE


def test_an_empty_page_says_why_and_where_to_go(make_site: Make, browse: Browse) -> None:
    site = make_site(real=True)
    why = "NewsAPI is off: no key, add NEWSAPI_KEY to .env."
    published(site, note=SourceNote("news", "NewsAPI", False, why))

    text = browse(site.app).open("/news").get_data(as_text=True)

    assert "No headlines yet." in text
    assert why in text
    assert "/setup#sources" in text


def test_the_page_opens_before_anything_came(make_site: Make, browse: Browse) -> None:
    answer = browse(make_site(real=True).app).open("/news")

    assert answer.status_code == 200
    assert "No headlines yet." in answer.get_data(as_text=True)


def test_a_search_is_a_write_that_asks_in_the_words_given(make_site: Make, browse: Browse) -> None:
    site = make_site()
    asked = searching(site, FOUND)
    client = browse(site.app)

    refused = client.open(
        "/api/news/search", "POST", json={"q": "copper"}, headers={"Origin": "http://evil.example"}
    )
    answer = client.write("/api/news/search", {"q": "copper"})

    assert refused.status_code == 403
    assert answer.status_code == 200
    assert asked == ["copper"]
    assert problems("post", "/api/news/search", answer) == []
    assert "refused" not in answer.get_json()


def test_a_used_up_quota_is_429_with_the_time_of_the_next_call(
    make_site: Make, browse: Browse
) -> None:
    site = make_site()
    told = {"message": "NewsAPI: all calls of these 12 hours are used",
            "next_at": "2026-12-16T20:32:07Z", "wait": 3599.2}  # fmt: skip
    searching(site, {**FOUND, "headlines": None, "refused": told})

    answer = browse(site.app).write("/api/news/search", {"q": "copper"})

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "3600"
    error = answer.get_json()["error"]
    assert error["code"] == "quota_used"
    assert "2026-12-16T20:32:07Z" in error["message"]
    assert problems("post", "/api/news/search", answer) == []


@pytest.mark.parametrize(
    ("problem", "status", "code"),
    [
        (SettingsError("a search has 1 to 500 characters", "q"), 422, "invalid"),
        (SourceRefused("NewsAPI: no key, add NEWSAPI_KEY to .env"), 502, "source_refused"),
        (SourceError("NewsAPI did not answer"), 502, "source_failed"),
    ],
)
def test_each_failure_of_a_search_has_its_answer(
    make_site: Make, browse: Browse, problem: Exception, status: int, code: str
) -> None:
    site = make_site()
    searching(site, problem)

    answer = browse(site.app).write("/api/news/search", {"q": "copper"})

    assert (answer.status_code, answer.get_json()["error"]["code"]) == (status, code)
    assert problems("post", "/api/news/search", answer) == []


@pytest.mark.parametrize("body", [{}, {"q": 7}, {"q": None}, {"q": "a", "size": 3}, ["q"]])
def test_a_search_without_words_asks_nobody(make_site: Make, browse: Browse, body: Any) -> None:
    site = make_site()
    asked = searching(site, FOUND)

    answer = browse(site.app).write("/api/news/search", body)

    assert answer.status_code in (400, 422)
    assert asked == []


def test_rooms_of_news_and_economy_exist() -> None:
    rooms = {page.name: page for page in PAGES}

    for name, topic, event in (
        ("news", "news.headline", "update_news"),
        ("econ", "fred.release", "update_econ"),
    ):
        page, key = wanted(rooms, {"page": name})
        assert (page.topic, key, EVENTS[page.topic]) == (topic, "", event)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0m"), (-5, "0m"), (59, "0m"), (3599, "59m"), (3600, "1h 00m"), (86_640, "24h 04m"),
     (259_199, "71h 59m"), (259_200, "3d 00h")],
)  # fmt: skip
def test_ages_of_headlines_are_never_rounded_up(seconds: float, text: str) -> None:
    assert news.span(seconds) == text


def test_an_old_headline_shows_its_day(make_site: Make, browse: Browse) -> None:
    site = make_site(real=True)
    published(site, *(f"Story {n}" for n in range(160)), apart=7200.0)

    text = browse(site.app).open("/news").get_data(as_text=True)

    assert "Tue 14:28" in text
    assert "7 Dec 08:28" in text  # 198 hours before it
    assert text.count('class="headline"') == 100
