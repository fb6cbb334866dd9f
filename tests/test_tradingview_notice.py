"""What switching TradingView on means is one sentence, wherever it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from grok_sauce.settings import Settings
from grok_sauce.settings.tradingview_notice import SHORT, UNOFFICIAL

ROOT = Path(__file__).parents[1]


def test_it_is_off_until_somebody_switches_it_on() -> None:
    assert Settings().sources.tradingview.enabled is False


@pytest.mark.parametrize("name", ["docs/tradingview.md", ".env.example"])
def test_documents_say_it_in_the_same_words(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    plain = " ".join(line.lstrip("># ") for line in text.splitlines())

    assert UNOFFICIAL.partition(". ")[0] in plain


def test_the_switch_says_it_in_short() -> None:
    assert SHORT in (ROOT / "static/js/setup_sources.js").read_text("utf-8")
