"""Headlines as a page shows them: each scored once in both ways; topic "news.headline".

rows(stories, symbols) -> list[Row]     also of what a search found
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from grok_sauce.analytics import sentiment
from grok_sauce.analytics.view import Analytic, View
from grok_sauce.market.headlines import Headline, Headlines
from grok_sauce.market.source_note import QuotaNote, SourceNote
from grok_sauce.market.times import iso
from grok_sauce.values import dataclass

SOURCE: Final = "NewsAPI"  # in MarketState.headlines
NAME: Final = "news"  # in MarketState.notes
MOST: Final = 100  # rows
WAITING: Final = "The source has not answered yet."

_MARKED: Final = re.compile(r"\$([A-Z]{1,6}(?:[./][A-Z])?)(?![A-Za-z0-9])")
_WORD: Final = re.compile(r"(?<![A-Za-z0-9$.&/-])([A-Z]{3,6})(?![A-Za-z0-9&/-])")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """What the table is made of; nobody else changes it."""

    headlines: Headlines | None
    note: SourceNote | None
    symbols: frozenset[str]
    lexicon: str


def rows(stories: Iterable[Headline], symbols: Collection[str]) -> list[Row]:
    """The stories in their order, as JSON: times ISO-8601 UTC, scores from -1 to 1.

    symbols: those that are looked for in titles. Each title is scored once, at its first sight.
    """
    found: dict[str, Row] = {}
    for story in stories:
        plain, finance = sentiment.plain(story.title), sentiment.finance(story.title)
        key = identity(story)
        found.setdefault(
            key,
            {
                "id": key,
                "title": story.title,
                "publisher": ", ".join(story.outlets) or None,
                "publishers": list(story.outlets),
                "url": story.url,
                "published": iso(story.published),
                "vader": plain,
                "finance": finance,
                "word": {"plain": word(plain), "finance": word(finance)},
                "tickers": tickers(story.title, symbols),
            },
        )
    return list(found.values())


def word(score: float | None) -> str | None:
    """What a score means in a word; None for none."""
    return None if score is None else sentiment.word(score)


def identity(story: Headline) -> str:
    """A name of the story that stays while other outlets join it."""
    text = f"{story.url or ''}\n{story.title}\n{story.published:.0f}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def tickers(title: str, symbols: Collection[str]) -> list[str]:
    """Symbols that the title names, in its order: "$T", or a known one in capitals.

    In a title all in capitals any word could be one: there only "$T" counts.

    >>> tickers("SPY and $T slip as GLD holds", {"SPY", "GLD", "T"})
    ['SPY', 'T', 'GLD']
    >>> tickers("GLD AT RECORD", {"GLD"}), tickers("Tip: gold", {"TIP"})
    ([], [])
    """
    found = {match.start(1): match[1] for match in _MARKED.finditer(title)}
    if any(letter.islower() for letter in title):
        for match in _WORD.finditer(title):
            if match[1] in symbols:
                found[match.start(1)] = match[1]
    return list(dict.fromkeys(found[at] for at in sorted(found)))


def described(note: SourceNote | None, fetched: float | None) -> dict[str, Any]:
    """What is told of a source beside its content: source, on, problem, fetched_at, next_call_at.

    Before it said anything of itself it counts as on, and as waiting.
    """
    problem = None if note is None else note.problem
    if problem is None and fetched is None:
        problem = WAITING
    return {
        "source": SOURCE if note is None else note.label,
        "on": note is None or note.is_on,
        "problem": problem,
        "fetched_at": iso(fetched),
        "next_call_at": iso(None if note is None else note.next_call),
    }


def quota(told: QuotaNote | None) -> dict[str, Any] | None:
    """{used, limit, left, window_hours, next_at}; next_at is None while a search may be made."""
    if told is None:
        return None
    return {
        "used": told.used,
        "limit": told.limit,
        "left": told.left,
        "window_hours": round(told.window / 3600, 2),
        "next_at": iso(told.next_at or None),
    }


def freeze(view: View) -> Work:
    """What compute() needs; Headlines and SourceNote never change."""
    options = view.settings.get("sentiment")
    return Work(
        view.state.headlines.get(SOURCE),
        view.state.notes.get(NAME),
        frozenset(view.symbols),
        getattr(options, "lexicon", "plain"),
    )


def compute(work: Work) -> Mapping[str, Row]:
    """The payload under key ""."""
    found = work.headlines
    stories = () if found is None else found.stories[:MOST]
    return {
        "": {
            **described(work.note, None if found is None else found.fetched),
            "query": None if found is None else found.query,
            "every": None if work.note is None else work.note.every,
            "quota": quota(None if work.note is None else work.note.quota),
            "late_by_plan": found is not None and found.is_a_day_late,
            "dropped": None
            if found is None
            else {
                "repeated": found.repeated,
                "withdrawn": found.withdrawn,
                "untitled": found.untitled,
                "unread": len(found.problems),
            },
            "lexicon": work.lexicon,
            "headlines": rows(stories, work.symbols),
        }
    }


ANALYTIC: Final = Analytic(
    topic="news.headline",
    needs=frozenset({"Headlines", "SourceNote", "Instrument"}),
    every=1.0,
    compute=compute,
    heavy=True,  # a hundred titles, and a dictionary that is read at the first
    freeze=freeze,
)
