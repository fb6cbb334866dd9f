"""How a headline reads: VADER's score as the package gives it, and one that knows finance words.

plain(title) -> float | None       VADER's compound, -1 to 1
finance(title) -> float | None     the same rules over analytics/finance_lexicon.py
word(score) -> "positive" | "neutral" | "negative"

Each title is scored once and remembered. VADER: C. J. Hutto & E. Gilbert, "VADER: A
Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text", ICWSM-14;
compound = x / sqrt(x^2 + 15) of the summed word values x.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, Final, Literal

from grok_sauce.analytics import finance_lexicon
from grok_sauce.analytics.finance_reading import CODES, reading

LEXICON_VERSION: Final = finance_lexicon.VERSION
POSITIVE: Final = 0.05  # at or above; the thresholds VADER's authors give
NEGATIVE: Final = -0.05  # at or below
KEPT: Final = 4096  # titles whose scores are remembered

Word = Literal["positive", "neutral", "negative"]


@lru_cache(maxsize=KEPT)
def plain(title: str) -> float | None:
    """VADER's compound score of a title, four decimals as the package rounds it.

    None for a title without text. It does not know finance: a profit warning reads well.

    >>> plain("Profit warning"), plain(" ")
    (0.128, None)
    """
    return _compound(_plain_analyzer(), title) if title.strip() else None


@lru_cache(maxsize=KEPT)
def finance(title: str) -> float | None:
    """VADER's rules over finance words: the compound, -1 to 1; None for a title without text.

    Positive is what reads as good for the thing the headline is about, and for the economy
    where it is about that. docs/sentiment.md says what it was measured to get right.

    >>> finance("Inflation cools more than expected") > 0 > finance("Profit warning")
    True
    """
    return _compound(_finance_analyzer(), reading(title)) if title.strip() else None


def word(score: float) -> Word:
    """What a score is called, by the thresholds of VADER's authors.

    >>> word(0.05), word(0.0499), word(-0.05)
    ('positive', 'neutral', 'negative')
    """
    if score >= POSITIVE:
        return "positive"
    return "negative" if score <= NEGATIVE else "neutral"


def _compound(analyzer: Any, text: str) -> float:
    return float(analyzer.polarity_scores(text)["compound"])


@cache
def _plain_analyzer() -> Any:
    # Here, not above: a start without headlines shall not read 7,500 words.
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


@cache
def _finance_analyzer() -> Any:
    """VADER's engine over its own words without those that mean nothing in markets."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    for neutral in finance_lexicon.NEUTRAL:
        analyzer.lexicon.pop(neutral, None)
    analyzer.lexicon.update(CODES)
    return analyzer
