"""/news in a real browser under the strict policy: filter, score, search, hostile text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

Visit = Callable[..., Any]
HOSTILE = '<img src=x onerror="window.broken=1"></script><b>Fed</b>'
WORDS = {1: "positive", 0: "neutral", -1: "negative"}


def headline(n: int, title: str, plain: int, finance: int, **values: Any) -> dict[str, Any]:
    """A row; scores are given by their sign."""
    outlet = "Example Wire" if n % 2 else "The Ledger"
    return {
        "id": f"id{n}", "title": title, "publisher": outlet, "publishers": [outlet],
        "url": f"https://example.org/{n}", "published": f"2026-12-15T{19 - n:02}:28:00Z",
        "vader": plain * 0.4, "finance": finance * 0.5,
        "word": {"plain": WORDS[plain], "finance": WORDS[finance]}, "tickers": [], **values,
    }  # fmt: skip


def make_news(**values: Any) -> dict[str, Any]:
    return {
        "source": "NewsAPI", "on": True, "problem": None, "fetched_at": "2026-12-16T19:30:00Z",
        "next_call_at": "2026-12-16T19:50:00Z", "query": "fed", "every": 1200,
        "quota": {"used": 17, "limit": 48, "left": 25, "window_hours": 12.0, "next_at": None},
        "late_by_plan": True, "lexicon": "plain",
        "dropped": {"repeated": 6, "withdrawn": 1, "untitled": 0, "unread": 0},
        "headlines": [
            headline(0, "Stocks extend gains", 1, 1),
            headline(1, "Retailers fall after profit warning", 1, -1, tickers=["XRT"]),
            headline(2, "Import prices rise, as forecast", 0, 0),
            headline(3, HOSTILE, -1, -1, url="javascript:alert(1)"),
        ],
        **values,
    }  # fmt: skip


SENTIMENT = {
    "plain": {"score": 0.14, "n": 42, "word": "positive"},
    "finance": {"score": 0.02, "n": 42, "word": "neutral"}, "lexicon": "plain",
    "lexicon_version": "1.0", "master_sentiment": 0.14, "newest": "2026-12-15T19:28:00Z",
    "oldest": "2026-12-15T13:00:00Z", "as_of": "2026-12-15T19:28:00Z",
}  # fmt: skip


class NewsPage:
    """/news over made-up headlines."""

    def __init__(self, visit: Visit, templates: Any, query: str = "", **options: Any) -> None:
        self.news = options.pop("news", make_news())
        self.site = visit(**options)
        self.page = self.site.page
        self.query = query
        rows = [{**row, "when": "Tue 14:28", "age": "24h 04m"} for row in
                (self.news["headlines"] if self.news else [])]  # fmt: skip
        self.site.pages["/news"] = templates.render(
            "news.html", news=self.news, shown=rows, words="", sentiment=SENTIMENT, epoch="e1",
            seq=1, pages=[{"name": "news", "path": "/news", "label": "News", "key": "n"}],
        )  # fmt: skip
        api = self.site.api
        api["GET /api/health"] = (200, templates.make_health())
        api["GET /api/news"] = (200, {"epoch": "e1", "seq": 1, "news": self.news})
        api["GET /api/sentiment"] = (200, {"epoch": "e1", "seq": 1, "sentiment": SENTIMENT})

    def open(self) -> NewsPage:
        self.site.open(f"/news{self.query}")
        self.page.locator('[data-part="upstream"]:has-text("NewsAPI")').wait_for(state="attached")
        return self

    def titles(self) -> list[str]:
        found: list[str] = self.page.locator('[data-part="rows"] .headline').all_inner_texts()
        return found

    def type(self, text: str) -> None:
        self.page.locator('[data-part="words"]').fill(text)

    @property
    def ask(self) -> Any:
        return self.page.locator('[data-part="upstream"]')

    def searches(self) -> list[Any]:
        return [body for method, path, body in self.site.asked if path == "/api/news/search"]


@pytest.fixture
def news(visit: Visit, templates: Any) -> NewsPage:
    return NewsPage(visit, templates).open()


def test_the_page_runs_under_the_strict_policy_and_never_scrolls_sideways(news: NewsPage) -> None:
    overflow = {}
    for width in (1440, 1280, 1024, 800, 768, 390, 320):
        news.page.set_viewport_size({"width": width, "height": 800})
        news.page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")
        overflow[width] = news.page.evaluate("document.documentElement.scrollWidth") - width

    assert news.site.complaints == []
    assert news.site.foreign == []
    assert {width: excess for width, excess in overflow.items() if excess > 0} == {}


def test_headlines_stand_in_the_page_without_any_script(visit: Visit, templates: Any) -> None:
    news = NewsPage(visit, templates, java_script_enabled=False)
    news.site.open("/news")

    assert news.page.locator('[data-part="rows"] tr').count() == 4
    assert news.page.get_by_role("button", name="Filter").is_visible()
    assert not news.ask.is_visible()


def test_typing_filters_at_once_and_asks_nobody(news: NewsPage) -> None:
    news.type("profit ret")

    assert news.titles() == ["Retailers fall after profit warning"]
    assert news.page.locator('[data-part="count"]').inner_text() == "1 of 4"
    assert news.searches() == []
    news.type("copper")
    assert news.page.locator('[data-part="empty-title"]').inner_text() == (
        "No headline contains “copper”."
    )
    news.page.get_by_role("button", name="Clear search").click()
    assert len(news.titles()) == 4


def test_enter_in_the_field_asks_nobody_and_keeps_the_page(news: NewsPage) -> None:
    news.type("profit")
    news.page.locator('[data-part="words"]').press("Enter")

    assert news.titles() == ["Retailers fall after profit warning"]
    assert news.searches() == []


def test_the_chosen_score_counts_filters_and_tints(news: NewsPage) -> None:
    tone = news.page.locator('[data-choice="tone"] button')
    plain = tone.all_inner_texts()
    tints = news.page.locator('[data-part="rows"] tr').evaluate_all("r => r.map(e => e.className)")

    news.page.get_by_role("button", name="Finance-aware", exact=True).first.click()
    finance = tone.all_inner_texts()
    tone.nth(3).click()

    assert plain == ["All 4", "Positive 2", "Neutral 1", "Negative 1"]
    assert tints == ["row-up", "row-up", "row-flat", "row-down"]
    assert finance == ["All 4", "Positive 1", "Neutral 1", "Negative 2"]
    assert news.titles()[0] == "Retailers fall after profit warning"
    news.page.wait_for_url("**/news?tone=negative&score=finance")


def test_the_address_brings_the_same_view_back(visit: Visit, templates: Any) -> None:
    news = NewsPage(visit, templates, "?q=e&tone=positive&source=Example+Wire&sort=-finance").open()

    assert news.titles() == ["Retailers fall after profit warning"]
    assert news.page.locator('[data-part="outlet"]').input_value() == "Example Wire"
    assert news.page.locator("th[aria-sort]").get_attribute("data-col") == "finance"


def test_heads_sort_and_say_so(news: NewsPage) -> None:
    news.page.get_by_role("button", name="Finance-aware").last.click()
    down = news.titles()
    news.page.locator('[data-sort="finance"]').click()

    assert down[0] == "Stocks extend gains"
    assert news.titles()[-1] == "Stocks extend gains"
    assert news.page.locator('th[data-col="finance"]').get_attribute("aria-sort") == "ascending"


def test_hostile_titles_are_text_and_their_links_none(news: NewsPage) -> None:
    row = news.page.locator('tr[data-id="id3"]')

    assert row.locator(".title").inner_text() == HOSTILE
    assert row.locator("a, img, b:has-text('Fed')").count() == 0
    assert news.page.evaluate("window.broken") is None
    links = news.page.locator(".news-table a").evaluate_all("a => a.map(e => [e.rel, e.target])")
    assert links == [["noopener noreferrer", "_blank"]] * 3


def test_the_button_asks_for_the_words_and_marks_what_came(news: NewsPage) -> None:
    found = [headline(5, "Copper at a record", 0, 1), headline(0, "Stocks extend gains", 1, 1)]
    quota = {"used": 18, "limit": 48, "left": 24, "window_hours": 12.0, "next_at": None}
    answer = {"query": "copper", "fetched_at": "2026-12-16T19:32:07Z", "total": 2,
              "headlines": found, "quota": quota}  # fmt: skip
    news.site.api["POST /api/news/search"] = (200, answer)
    before = news.ask.inner_text(), news.ask.is_disabled()
    news.type("copper")
    label = news.ask.inner_text()

    news.ask.click()
    news.page.locator('[data-part="found"]:not([hidden])').wait_for()

    assert before == ("Ask NewsAPI (25 of 48 left)", True)
    assert label == "Ask NewsAPI for “copper” (25 of 48 left)"
    assert news.searches() == [{"q": "copper"}]
    assert news.titles() == ["Copper at a record"]
    tags = news.page.locator('tr[data-id="id5"] .tag').all_inner_texts()
    assert tags == ["search", "differ"]
    assert news.page.locator('[data-fact="used"]').inner_text() == "18 of 48, polls and searches"
    news.page.get_by_role("button", name="Clear results").click()
    assert news.titles() == []


def test_a_used_up_quota_shuts_the_button_and_names_the_time(visit: Visit, templates: Any) -> None:
    quota = {"used": 48, "limit": 48, "left": 0, "window_hours": 12.0,
             "next_at": "2026-12-16T21:02:00Z"}  # fmt: skip
    news = NewsPage(visit, templates, news=make_news(quota=quota))
    news.site.open("/news")
    news.page.locator('[data-part="upstream"]:has-text("Ask again")').wait_for()
    news.type("copper")

    assert news.ask.inner_text() == "Ask again at 16:02"
    assert news.ask.is_disabled()


def test_a_refusal_stands_at_the_field_and_nothing_is_lost(news: NewsPage) -> None:
    error = {"code": "quota_used", "message": "All calls are used; the next is free at 16:02."}
    news.site.api["POST /api/news/search"] = (429, {"error": error})
    news.type("gains")

    news.ask.click()
    news.page.locator('[data-part="error"]:has-text("16:02")').wait_for()

    assert news.titles() == ["Stocks extend gains"]
    assert news.page.locator('[data-part="words"]').input_value() == "gains"


def test_a_source_that_is_off_says_why_and_the_way_out(visit: Visit, templates: Any) -> None:
    why = "NewsAPI is off: no key, add NEWSAPI_KEY to .env."
    off = make_news(on=False, problem=why, headlines=[], quota=None, late_by_plan=False,
                    dropped=None, fetched_at=None, next_call_at=None)  # fmt: skip
    news = NewsPage(visit, templates, news=off).open()

    assert why in news.page.locator('[data-part="empty"]').inner_text()
    assert (
        news.page.get_by_role("link", name="Open setup").get_attribute("href") == "/setup#sources"
    )
    assert news.ask.inner_text() == "NewsAPI is off"
    assert news.ask.is_disabled()


def test_both_sentiments_and_where_they_differ_stand_beside(news: NewsPage) -> None:
    panel = " ".join(news.page.locator('[data-panel="sentiment"]').inner_text().split())

    assert "+0.14 positive" in panel
    assert "finance-aware +0.02" in panel
    assert "n 42" in panel
    assert "6 repeated, 1 withdrawn" in panel
    assert news.page.locator('[data-part="differ"] tr').count() == 1
