"""Headline scores: VADER as it is, and the finance reading beside it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from grok_sauce.analytics import sentiment


def test_importing_the_module_leaves_vader_alone() -> None:
    code = (
        "import sys; import grok_sauce.analytics.sentiment; "
        "sys.exit(any(name.startswith('vaderSentiment') for name in sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)

    assert done.returncode == 0


@pytest.mark.parametrize(
    ("title", "compound"),
    [  # measured with the package, as docs/sentiment.md shows
        ("Profit warning", 0.128),
        ("Shares fall 5%", 0.296),
        ("Stocks rally to record highs", 0.0),
        ("Inflation cools more than expected", 0.0),
        ("Unemployment falls", -0.4404),
        ("Cattle Gains", 0.34),
        ("Corn Lower", -0.296),
    ],
)
def test_plain_is_what_vader_says(title: str, compound: float) -> None:
    assert sentiment.plain(title) == compound


@pytest.mark.parametrize("title", ["", "  ", "\t\n"], ids=["empty", "blanks", "breaks"])
def test_a_title_without_text_has_no_score(title: str) -> None:
    assert sentiment.plain(title) is None
    assert sentiment.finance(title) is None


@pytest.mark.parametrize(
    ("score", "called"),
    [(1.0, "positive"), (0.05, "positive"), (0.0499, "neutral"), (0.0, "neutral"),
     (-0.0499, "neutral"), (-0.05, "negative"), (-1.0, "negative")],
)  # fmt: skip
def test_words_follow_the_thresholds_of_vaders_authors(score: float, called: str) -> None:
    assert sentiment.word(score) == called
