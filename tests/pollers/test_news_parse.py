"""NewsAPI's answers: what is withdrawn, null, repeated or hostile, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.errors import BadPayload
from grok_sauce.pollers.news_parse import parse_headlines

NOW = 1_797_449_527.0  # 2026-12-16 19:32:07 UTC
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)


def article(**changed: Any) -> dict[str, Any]:
    return {
        "source": {"id": None, "name": "Example Wire"},
        "author": "Ana Lim",
        "title": "Index futures slip before payrolls",
        "description": "Short teaser",
        "url": "https://example.org/a/1",
        "urlToImage": None,
        "publishedAt": "2026-12-15T13:31:05Z",
        "content": "cut… [+2851 chars]",
        **changed,
    }


def body(*articles: Any, **changed: Any) -> bytes:
    answer = {"status": "ok", "totalResults": 6596, "articles": list(articles), **changed}
    return json.dumps(answer).encode()


REMOVED = article(
    source={"id": None, "name": "[Removed]"}, author=None, title="[Removed]",
    description="[Removed]", url="https://removed.com", publishedAt="1970-01-01T00:00:00Z",
)  # fmt: skip


def test_an_article_is_read_whole() -> None:
    found = parse_headlines(body(article()), "fed", NOW)

    (story,) = found.stories
    assert (story.title, story.summary) == ("Index futures slip before payrolls", "Short teaser")
    assert (story.outlets, story.author) == (("Example Wire",), "Ana Lim")
    assert (story.url, story.published) == ("https://example.org/a/1", 1797341465.0)
    assert (found.query, found.total, found.fetched) == ("fed", 6596, NOW)
    assert found.is_a_day_late
    assert story.age(NOW) == found.age(NOW) == NOW - 1797341465.0


def test_times_with_an_offset_are_times_too() -> None:
    found = parse_headlines(body(article(publishedAt="2026-12-15T13:31:05+00:00")), "fed", NOW)

    assert found.as_of == 1797341465.0


def test_withdrawn_articles_are_counted_and_gone() -> None:
    newer = article(title="[Removed]", publishedAt="2026-12-16T10:00:00Z", url="https://x.org/1")
    hidden = article(title="Something", url="https://removed.com/")

    found = parse_headlines(body(REMOVED, newer, hidden, article()), "fed", NOW)

    assert (len(found.stories), found.withdrawn) == (1, 3)


def test_an_answer_of_withdrawn_articles_alone_is_an_empty_one() -> None:
    found = parse_headlines(body(REMOVED, REMOVED), "fed", NOW)

    assert (found.stories, found.withdrawn, found.as_of, found.age(NOW)) == ((), 2, None, None)
    assert not found.is_a_day_late


@pytest.mark.parametrize("title", [None, "", "   ", "<b></b>", "\u200b\u202e"])
def test_without_a_title_there_is_no_headline(title: str | None) -> None:
    found = parse_headlines(body(article(title=title), article(url=None)), "fed", NOW)

    assert (len(found.stories), found.untitled) == (1, 1)


def test_the_same_story_of_several_outlets_is_one() -> None:
    first = article(title="Fed holds rates - The Ledger", source={"id": None, "name": "The Ledger"})
    later = article(
        title="Fed Holds Rates", url="https://other.example/x", publishedAt="2026-12-15T15:00:00Z"
    )
    again = article(
        title="Another title", url="http://www.example.org/a/1/?utm_source=x#top",
        publishedAt="2026-12-15T16:00:00Z", source={"id": None, "name": "Third"},
    )  # fmt: skip

    found = parse_headlines(body(later, again, first), "fed", NOW)

    (story,) = found.stories
    assert story.outlets == ("The Ledger", "Example Wire", "Third")
    assert (story.title, story.published) == ("Fed holds rates - The Ledger", 1797341465.0)
    assert found.repeated == 2


def test_titles_that_differ_by_a_figure_are_two_stories() -> None:
    one = article(title="Dow falls 300 points", url="https://example.org/1")
    other = article(title="Dow falls 400 points", url="https://example.org/2")

    assert len(parse_headlines(body(one, other), "dow", NOW).stories) == 2


def test_the_newest_comes_first() -> None:
    old = article(title="Old", url=None, publishedAt="2026-12-10T00:00:00Z")
    new = article(title="New", url=None, publishedAt="2026-12-15T00:00:00Z")

    assert [s.title for s in parse_headlines(body(old, new), "x", NOW).stories] == ["New", "Old"]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>Stocks",
        "<img src=x onerror=alert(1)>Stocks",
        "&lt;script&gt;alert(1)&lt;/script&gt;Stocks",
        "&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;Stocks",
        "<![CDATA[<b>]]>Stocks",
        "<![x Stocks>Stocks",
        "<!-- x -->Stocks<!--",
        "Sto\u202ecks\u0000",
        "<style>*{}</style>Stocks<svg onload=alert(1)>",
        "<a href='javascript:alert(1)'>Stocks</a",
    ],
)
def test_markup_never_gets_through(text: str) -> None:
    found = parse_headlines(body(article(title=text, description=text)), "x", NOW)

    (story,) = found.stories
    assert "Stocks" in story.title
    assert not set("<>\u202e\u0000") & set(story.title + (story.summary or ""))
    assert "onerror" not in story.title


def test_a_tag_inside_a_tag_leaves_words_and_no_tag() -> None:
    found = parse_headlines(body(article(title="Gold <scr<script>ipt>alert(1)")), "x", NOW)

    assert [story.title for story in found.stories] == ["Gold ipt>alert(1)"]


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "ftp://x.org/", "//x.org/", "https://u:p@x.org/",
     "https://x.org/\n", "https://x .org", "", None, 7, "https://" + "a" * 3000 + ".org",
     "https://x.org/<script>é"],
)  # fmt: skip
def test_an_address_that_cannot_be_trusted_is_none(url: Any) -> None:
    (story,) = parse_headlines(body(article(url=url)), "x", NOW).stories

    if url == "https://x.org/\n":
        assert story.url == "https://x.org/"
    else:
        assert story.url is None


@pytest.mark.parametrize(
    "row, field",
    [
        (article(publishedAt=None), "articles[0].publishedAt"),
        (article(publishedAt="2026-12-15 13:31:05"), "articles[0].publishedAt"),
        (article(publishedAt="2026-13-15T13:31:05Z"), "articles[0].publishedAt"),
        (article(publishedAt="2027-12-15T13:31:05Z"), "articles[0].publishedAt"),
        (article(publishedAt=1797341465), "articles[0].publishedAt"),
        (article(title=["x"]), "articles[0].title"),
        (article(description=7), "articles[0].description"),
        (article(source="Wire"), "articles[0].source"),
        (article(source={"name": 1}), "articles[0].source.name"),
        (article(author={}), "articles[0].author"),
        ("text", "articles[0]"),
    ],
)
def test_a_row_that_cannot_be_read_names_its_field(row: Any, field: str) -> None:
    with pytest.raises(BadPayload) as alone:
        parse_headlines(body(row), "x", NOW)
    beside = parse_headlines(body(row, article()), "x", NOW)

    assert str(alone.value).startswith(f"NewsAPI: {field} must be ")
    assert len(beside.stories) == 1
    assert beside.problems == (str(alone.value),)


@pytest.mark.parametrize(
    "answer, said",
    [
        (b"<html>down</html>", "NewsAPI sent a web page where JSON was expected"),
        (b"", "NewsAPI sent no JSON where JSON was expected"),
        (b'{"status":"ok","articles":[{"x":NaN}]}', "no JSON"),
        (b"[]", "NewsAPI: the answer must be an object, not []"),
        (b"{}", "NewsAPI: status must be 'ok', not None"),
        (b'{"status":"ok"}', "NewsAPI: articles must be a list, not None"),
        (b'{"status":"error","code":"x","message":"Bad <b>day</b>"}', "NewsAPI: Bad day"),
        (b"[" * 100_000, "no JSON"),
    ],
)
def test_an_answer_that_is_none_is_refused_with_the_reason(answer: bytes, said: str) -> None:
    with pytest.raises(BadPayload) as caught:
        parse_headlines(answer, "x", NOW)

    assert said in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_headlines_or_a_bad_payload(content: bytes) -> None:
    with pytest.raises(BadPayload):
        parse_headlines(content, "x", NOW)


@settings(max_examples=60)
@given(st.lists(JSON, max_size=4), st.dictionaries(st.sampled_from(sorted(article())), JSON))
def test_any_rows_are_headlines_or_a_bad_payload(rows: list[Any], changed: dict[str, Any]) -> None:
    try:
        found = parse_headlines(body(*rows, article(**changed)), "x", NOW)
    except BadPayload as problem:
        said = str(problem)
        assert said.startswith("NewsAPI: articles[")
        return
    for story in found.stories:
        assert story.title
        assert story.title.isprintable()


@given(st.text(max_size=400))
def test_any_title_comes_out_plain(text: str) -> None:
    found = parse_headlines(body(article(title=text, description=text)), "x", NOW)

    for story in found.stories:
        assert story.title.isprintable()
        assert len(story.title) <= 300
        assert "<script" not in story.title.lower()


@pytest.mark.recorded
def test_a_recorded_answer_is_read_whole(recordings: Path) -> None:
    content = (recordings / "newsapi_everything_2024-07-16.json").read_bytes()

    found = parse_headlines(content, "bitcoin", 1721200000.0)

    assert (found.total, len(found.stories), found.problems) == (6596, 8, ())
    assert (found.withdrawn, found.untitled, found.repeated) == (0, 0, 0)
    newest = found.stories[0]
    assert newest.title == (
        "Craig Wright Faces Perjury Investigation Over Claims He Created Bitcoin"
    )
    assert (newest.outlets, newest.published) == (("Wired",), 1721134692.0)
    assert all(story.url for story in found.stories)
    assert not any("<" in f"{story.title}{story.summary}" for story in found.stories)
