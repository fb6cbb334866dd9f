"""The doctor names a feed that is not the account's."""

from __future__ import annotations

import pytest

from grok_sauce.commands.check import feed, line


@pytest.mark.parametrize("environ", [{}, {"FEED": "account"}])
def test_the_usual_feed_needs_no_line(environ: dict[str, str]) -> None:
    assert feed(environ) == []


def test_the_public_feed_is_named_with_its_delay_and_fails_nothing() -> None:
    (found,) = feed({"FEED": "dxfeed-demo"})

    assert found.ok is None
    assert "15 to 20 minutes late" in line(found)


def test_a_wrong_word_says_where_to_correct_it() -> None:
    (found,) = feed({"FEED": "live"})

    assert found.ok is False
    assert "correct FEED in .env" in line(found)
