"""The master sentiment: mean score of the last headlines, by both lexicons; "sentiment.index".

index(stories, score) -> {score, n, word} | None
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import fsum
from typing import Any, Final

from grok_sauce.analytics import sentiment
from grok_sauce.analytics.headlines_table import NAME, SOURCE, described
from grok_sauce.analytics.view import Analytic, View
from grok_sauce.market.headlines import Headline, Headlines
from grok_sauce.market.source_note import SourceNote
from grok_sauce.market.times import iso
from grok_sauce.values import dataclass

WINDOW: Final = 50  # headlines, the newest of what the source gave


@dataclass(frozen=True, slots=True)
class Work:
    """What the index is made of; nobody else changes it."""

    headlines: Headlines | None
    note: SourceNote | None
    lexicon: str


def index(
    stories: Sequence[Headline], score: Callable[[str], float | None]
) -> dict[str, Any] | None:
    """Mean of the scores of the first WINDOW stories (newest first, each once), and what it means.

    {score: -1 to 1, n: headlines that have a score, word}; None where none has one. A
    headline that says nothing counts as 0: it is there, and it is calm.
    """
    scores = [found for story in stories[:WINDOW] if (found := score(story.title)) is not None]
    if not scores:
        return None
    mean = fsum(scores) / len(scores)
    return {"score": mean, "n": len(scores), "word": sentiment.word(mean)}


def freeze(view: View) -> Work:
    """What compute() needs; Headlines and SourceNote never change."""
    return Work(
        view.state.headlines.get(SOURCE),
        view.state.notes.get(NAME),
        getattr(view.settings.get("sentiment"), "lexicon", "plain"),
    )


def compute(work: Work) -> Mapping[str, dict[str, Any]]:
    """The payload under key "".

    newest and oldest are when the headlines used were published; as_of is newest: the index
    is as old as what it was made of, however fresh the answer. master_sentiment is the score
    of the lexicon that the user chose.
    """
    found = work.headlines
    used = () if found is None else found.stories[:WINDOW]
    both = {"plain": index(used, sentiment.plain), "finance": index(used, sentiment.finance)}
    chosen = both[work.lexicon]
    told = described(work.note, None if found is None else found.fetched)
    newest = iso(used[0].published) if used else None
    return {
        "": {
            **both,
            "lexicon": work.lexicon,
            "lexicon_version": sentiment.LEXICON_VERSION,
            "master_sentiment": None if chosen is None else chosen["score"],
            "newest": newest,
            "oldest": iso(used[-1].published) if used else None,
            "as_of": newest,
            "fetched_at": told["fetched_at"],
            "late_by_plan": found is not None and found.is_a_day_late,
            "on": told["on"],
            "problem": told["problem"],
        }
    }


ANALYTIC: Final = Analytic(
    topic="sentiment.index",
    needs=frozenset({"Headlines", "SourceNote"}),
    every=1.0,
    compute=compute,
    heavy=True,  # fifty titles, and a dictionary that is read at the first
    freeze=freeze,
)
