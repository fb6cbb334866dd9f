"""Headlines as a page shows them: scores of VADER's own package, symbols, hostile text, notes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from grok_sauce.analytics import headlines_table, sentiment
from grok_sauce.analytics.view import View
from grok_sauce.market.batches import Batch
from grok_sauce.market.headlines import Headline, Headlines
from grok_sauce.market.source_note import QuotaNote, SourceNote
from grok_sauce.market.state import MarketState
from grok_sauce.pollers.news_parse import parse_headlines
from grok_sauce.settings.document import News

NOW = 1797449527.0  # Wednesday 2026-12-16, 14:32:07 New York
NOTE = SourceNote("news", "NewsAPI", True, next_call=NOW + 900, every=1200.0,
                  quota=QuotaNote(17, 48, 43200.0, 25, 0.0))  # fmt: skip


def story(title: str, **values: Any) -> Headline:
    made = Headline(title, None, ("Example Wire",), None, "https://example.org/a/1", NOW - 86_640)
    return replace(made, **values)


def payload(
    headlines: Headlines | None, note: SourceNote | None = NOTE, **settings: Any
) -> dict[str, Any]:
    """What is published for this state."""
    state = MarketState()
    state.apply(Batch("Headlines", ["NewsAPI"], ([headlines],), NOW))
    state.apply(Batch("SourceNote", ["news"], ([note],), NOW))
    view = View(state, NOW, {}, ("SPY", "GLD", "TIP"), settings=settings)
    found: dict[str, Any] = dict(headlines_table.compute(headlines_table.freeze(view)))[""]
    return found


def body(*rows: dict[str, Any]) -> bytes:
    """An answer of NewsAPI with these articles."""
    usual = {"source": {"id": None, "name": "Example Wire"}, "author": None, "description": None,
             "url": "https://example.org/a/1", "publishedAt": "2026-12-15T13:31:05Z"}  # fmt: skip
    articles = [usual | row for row in rows]
    text = {"status": "ok", "totalResults": len(rows), "articles": articles}
    return json.dumps(text).encode()


def test_scores_are_those_of_the_published_package() -> None:
    titles = ["Stocks extend gains as yields ease", "Retailers warn of a terrible quarter", "Rates"]

    rows = headlines_table.rows([story(title, url=None) for title in titles], ())

    reference = SentimentIntensityAnalyzer()
    assert [row["vader"] for row in rows] == [
        reference.polarity_scores(title)["compound"] for title in titles
    ]
    assert [row["word"]["plain"] for row in rows] == ["positive", "negative", "neutral"]


def test_a_title_is_scored_once_however_often_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = SentimentIntensityAnalyzer.polarity_scores

    def counting(self: Any, text: str) -> Any:
        asked.append(text)
        return real(self, text)

    monkeypatch.setattr(SentimentIntensityAnalyzer, "polarity_scores", counting)
    found = Headlines("q", (story("A title nobody has scored before, 1797449527"),), NOW)

    for minute in range(5):
        payload(replace(found, fetched=NOW + 60 * minute))

    assert len(asked) == 2  # plain and finance


def test_the_payload_says_how_old_by_plan_and_of_which_quota_it_is() -> None:
    found = payload(Headlines("fed", (story("Fed holds"),), NOW, repeated=6, withdrawn=2))

    assert (found["source"], found["on"], found["problem"]) == ("NewsAPI", True, None)
    assert found["fetched_at"] == "2026-12-16T19:32:07Z"
    assert found["next_call_at"] == "2026-12-16T19:47:07Z"
    assert found["late_by_plan"] is True
    assert found["quota"] == {
        "used": 17, "limit": 48, "left": 25, "window_hours": 12.0, "next_at": None,
    }  # fmt: skip
    assert found["dropped"] == {"repeated": 6, "withdrawn": 2, "untitled": 0, "unread": 0}
    assert found["headlines"][0]["published"] == "2026-12-15T19:28:07Z"


def test_a_used_up_quota_names_the_time_of_the_next_call() -> None:
    used_up = replace(NOTE, quota=QuotaNote(48, 48, 43200.0, 0, NOW + 3600))

    found = payload(Headlines("fed", (story("Fed holds"),), NOW), used_up)

    assert found["quota"]["left"] == 0
    assert found["quota"]["next_at"] == "2026-12-16T20:32:07Z"


@pytest.mark.parametrize(
    ("note", "on", "problem"),
    [
        (None, True, headlines_table.WAITING),
        (replace(NOTE, is_on=False, problem="NewsAPI is off: no key."), False,
         "NewsAPI is off: no key."),
        (NOTE, True, headlines_table.WAITING),
    ],
    ids=["before it said anything", "off", "before its first answer"],
)  # fmt: skip
def test_without_headlines_the_payload_says_why(
    note: SourceNote | None, on: bool, problem: str
) -> None:
    found = payload(None, note)

    assert (found["on"], found["problem"], found["headlines"]) == (on, problem, [])
    assert (found["fetched_at"], found["dropped"]) == (None, None)


def test_the_lexicon_is_what_the_user_chose() -> None:
    headlines = Headlines("q", (), NOW)

    assert payload(headlines)["lexicon"] == "plain"
    assert payload(headlines, sentiment=replace(News(), lexicon="finance"))["lexicon"] == "finance"


def test_at_most_a_hundred_rows_newest_first() -> None:
    many = tuple(story(f"Story {n}", published=NOW - n, url=None) for n in range(130))

    rows = payload(Headlines("q", many, NOW))["headlines"]

    assert [row["title"] for row in rows] == [f"Story {n}" for n in range(100)]


def test_an_identity_stays_while_outlets_join() -> None:
    one = story("Fed holds")

    assert headlines_table.identity(one) == headlines_table.identity(
        replace(one, outlets=("Example Wire", "The Ledger"), summary="More")
    )
    assert headlines_table.identity(one) != headlines_table.identity(replace(one, title="Fed cuts"))


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("SPY slips, GLD holds", ["SPY", "GLD"]),
        ("Investors buy $NVDA and $BRK.B", ["NVDA", "BRK.B"]),
        ("S&P 500 ends higher", []),
        ("A TIP FROM GLD", []),
        ("R-GLD and GLD/USD move", []),
        ("Tip of the iceberg", []),
        ("SPY, SPY and again SPY rise", ["SPY"]),
        ("US$GLD is odd", ["GLD"]),
    ],
)
def test_symbols_are_named_in_capitals_or_by_a_dollar(title: str, found: list[str]) -> None:
    assert headlines_table.tickers(title, {"SPY", "GLD", "TIP", "USD"}) == found


def test_hostile_titles_become_plain_text_and_bad_links_none() -> None:
    answer = parse_headlines(
        body(
            {"title": "<script>alert(1)</script><b>Fed</b> &lt;img src=x onerror=alert(1)&gt; cuts",
             "url": "javascript:alert(1)"},
            {"title": "Rates\u202etxt.exe\u0000 fall\r\n", "url": "https://example.org/a/2"},
        ),
        "fed",
        NOW,
    )  # fmt: skip

    rows = headlines_table.rows(answer.stories, ())

    assert {row["title"]: row["url"] for row in rows} == {
        "Fed cuts": None,
        "Ratestxt.exe fall": "https://example.org/a/2",
    }


def test_withdrawn_and_untitled_articles_are_no_rows_and_move_no_score() -> None:
    answer = parse_headlines(
        body(
            {"title": "[Removed]", "url": "https://removed.com", "description": "[Removed]"},
            {"title": None},
            {"title": "Stocks rally to a record", "url": None, "source": {"name": None}},
        ),
        "fed",
        NOW,
    )

    found = payload(answer)

    (row,) = found["headlines"]
    assert (row["title"], row["publisher"], row["publishers"]) == ("Stocks rally to a record",
                                                                    None, [])  # fmt: skip
    assert found["dropped"] == {"repeated": 0, "withdrawn": 1, "untitled": 1, "unread": 0}


@given(st.lists(st.text(max_size=80), max_size=12))
def test_whatever_a_title_is_its_row_is_json_and_its_scores_are_bounded(titles: list[str]) -> None:
    rows = headlines_table.rows([story(title, url=None) for title in titles], {"SPY"})

    json.dumps(rows, allow_nan=False)
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        for name, kind in (("vader", "plain"), ("finance", "finance")):
            assert row[name] is None or -1 <= row[name] <= 1
            known = None if row[name] is None else sentiment.word(row[name])
            assert row["word"][kind] == known
