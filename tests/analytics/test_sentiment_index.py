"""The master sentiment: which headlines count, how old it is, and who chooses the lexicon."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean
from typing import Any

import pytest

from grok_sauce.analytics import sentiment, sentiment_index
from grok_sauce.analytics.view import View
from grok_sauce.market.batches import Batch
from grok_sauce.market.headlines import Headline, Headlines
from grok_sauce.market.source_note import SourceNote
from grok_sauce.market.state import MarketState
from grok_sauce.settings.document import News, validate

NOW = 1_797_345_120.0  # 2026-12-15 14:32 UTC
DAY = 86_400.0


def story(title: str, age: float = 0.0) -> Headline:
    return Headline(title, None, ("Example Wire",), None, None, NOW - age)


def headlines(titles: Iterable[str], first_age: float = 0.0) -> Headlines:
    stories = tuple(story(title, first_age + 60.0 * n) for n, title in enumerate(titles))
    return Headlines("market", stories, NOW, len(stories))


def told(found: Headlines | None, note: SourceNote | None = None, **settings: Any) -> Any:
    state = MarketState()
    if found is not None:
        state.apply(Batch("Headlines", ["NewsAPI"], ([found],), NOW))
    if note is not None:
        state.apply(Batch("SourceNote", ["news"], ([note],), NOW))
    view = View(state, NOW, {}, (), settings=settings)
    payloads = sentiment_index.compute(sentiment_index.freeze(view))
    assert list(payloads) == [""]
    return payloads[""]


def test_the_index_is_the_mean_of_the_scores_with_their_number() -> None:
    # (.34 - .296 + 0) / 3, the three scores as VADER gives them
    payload = told(headlines(["Cattle Gains", "Corn Lower", "Board meets in May"]))

    assert payload["plain"] == {
        "score": pytest.approx((0.34 - 0.296) / 3),
        "n": 3,
        "word": "neutral",
    }
    assert payload["master_sentiment"] == payload["plain"]["score"]


def test_only_the_newest_fifty_count() -> None:
    titles = [f"Cattle Gains {n}" for n in range(50)] + [f"Fraud crisis {n}" for n in range(10)]

    payload = told(headlines(titles))

    assert payload["plain"] == {"score": pytest.approx(0.34), "n": 50, "word": "positive"}
    assert payload["oldest"] == "2026-12-15T13:43:00Z"  # 49 minutes before the newest


def test_both_scores_are_told_whichever_was_chosen() -> None:
    found = headlines(["Profit warning", "Shares fall 5%", "Inflation cools"])

    payload = told(found)

    assert payload["plain"]["score"] > 0 > payload["finance"]["score"]
    assert payload["finance"]["score"] == pytest.approx(
        fmean(sentiment.finance(each.title) or 0.0 for each in found.stories)
    )
    assert payload["lexicon_version"] == sentiment.LEXICON_VERSION


@pytest.mark.parametrize("lexicon", ["plain", "finance"])
def test_the_chosen_lexicon_gives_the_master_sentiment(lexicon: str) -> None:
    payload = told(headlines(["Profit warning"]), sentiment=News(lexicon=lexicon))

    assert payload["lexicon"] == lexicon
    assert payload["master_sentiment"] == payload[lexicon]["score"]


def test_the_index_is_as_old_as_its_newest_headline_not_as_its_answer() -> None:
    payload = told(headlines(["Cattle Gains", "Corn Lower"], first_age=DAY))

    assert payload["as_of"] == payload["newest"] == "2026-12-14T14:32:00Z"
    assert payload["oldest"] == "2026-12-14T14:31:00Z"
    assert payload["fetched_at"] == "2026-12-15T14:32:00Z"
    assert payload["late_by_plan"] is True


def test_without_headlines_everything_is_unknown_and_says_why() -> None:
    note = SourceNote("news", "NewsAPI", False, "NewsAPI is off: no key.")

    payload = told(None, note)

    unknown = ("plain", "finance", "master_sentiment", "newest", "oldest", "as_of", "fetched_at")
    assert {payload[name] for name in unknown} == {None}
    assert payload["problem"] == "NewsAPI is off: no key."
    assert payload["on"] is False


def test_an_answer_without_stories_is_no_zero() -> None:
    payload = told(headlines([]))

    assert payload["plain"] is None
    assert payload["master_sentiment"] is None
    assert payload["late_by_plan"] is False


def test_settings_take_the_two_lexicons_and_begin_with_the_plain_one() -> None:
    chosen = validate({"sources": {"news": {"lexicon": "finance"}}})

    assert validate({}).sources.news.lexicon == "plain"
    assert chosen.sources.news.lexicon == "finance"
