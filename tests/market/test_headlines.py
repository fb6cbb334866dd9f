"""Headlines as values: what two titles of one story share, addresses, the local search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market.headlines import (
    Headline,
    Headlines,
    link,
    matching,
    merged,
    plain,
    same_address,
    same_story,
)

NOW = 1_797_449_527.0


def headline(title: str, outlet: str = "Wire", at: float = NOW, url: str | None = None) -> Headline:
    return Headline(title, None, (outlet,), None, url, at)


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("Fed holds rates", "FED HOLDS RATES!", True),
        ("Fed holds rates - The Ledger", "Fed holds rates", True),
        ("Fed holds rates | The Ledger", "Fed holds rates", True),
        ("Fed holds rates - Somebody Else", "Fed holds rates", False),
        ("Dow falls 300 points", "Dow falls 400 points", False),
        ("CPI rises 0.3%", "CPI rises 0.2%", False),
        ("Stocks rise", "Stocks fall", False),
        ("Risk-on", "Risk on", True),
    ],
)
def test_stories_are_told_by_their_words_and_figures(one: str, other: str, same: bool) -> None:
    names = {"the ledger", "wire"}

    assert (same_story(one, names) == same_story(other, names)) is same


@pytest.mark.parametrize(
    "one, other",
    [
        ("https://example.org/a", "http://www.example.org/a/"),
        ("https://example.org/a?utm_source=x&utm_medium=y", "https://example.org/a"),
        ("https://example.org/a?ref=rss&id=7", "https://example.org/a?id=7"),
        ("https://example.org/a?id=7#top", "https://example.org/a?id=7"),
    ],
)
def test_addresses_of_one_page_agree(one: str, other: str) -> None:
    assert same_address(one) == same_address(other)


def test_pages_that_differ_by_a_parameter_are_two() -> None:
    assert same_address("https://example.org/a?id=7") != same_address("https://example.org/a?id=8")


def test_titles_in_other_scripts_are_stories_too() -> None:
    found = merged(
        [headline("日銀が利上げ"), headline("株価が下落"), headline("日銀が利上げ", "B")]
    )

    assert [story.outlets for story in found if story.title == "日銀が利上げ"] == [("Wire", "B")]
    assert len(found) == 2


@given(
    st.lists(
        st.builds(
            headline,
            st.sampled_from(["A b", "A B", "a b - wire", "C d", "!!", "…"]),
            st.sampled_from(["Wire", "Ledger"]),
            st.floats(NOW - 1000, NOW),
            st.sampled_from([None, "https://x.org/1", "https://x.org/2"]),
        ),
        max_size=12,
    )
)
def test_merging_keeps_every_outlet_and_repeats_no_story(stories: list[Headline]) -> None:
    found = merged(stories)

    assert {n for s in found for n in s.outlets} == {n for s in stories for n in s.outlets}
    assert merged(found) == found
    assert [s.published for s in found] == sorted((s.published for s in found), reverse=True)


def test_the_search_wants_every_word_somewhere() -> None:
    gold = Headline("Gold rallies", "On Fed hopes", ("The Ledger",), None, None, NOW)
    oil = headline("Oil slips")

    assert matching((gold, oil), "fed LEDGER gold") == (gold,)
    assert matching((gold, oil), "gold oil") == ()
    assert matching((gold, oil), "  ") == (gold, oil)


def test_ages_are_the_stories_own_and_never_negative() -> None:
    answer = Headlines("fed", (headline("New", at=NOW - 60), headline("Old", at=NOW - 600)), NOW)

    assert (answer.as_of, answer.age(NOW), answer.is_a_day_late) == (NOW - 60, 60.0, False)
    assert headline("x", at=NOW + 30).age(NOW) == 0.0


@pytest.mark.parametrize(
    "text, shown",
    [
        ("AT&T rises", "AT&T rises"), ("S&amp;P 500", "S&P 500"),
        ("5 < 6 and 7 > 6", "5 < 6 and 7 > 6"),
        ("a\r\n\tb", "a b"), ("caf\u00e9", "caf\u00e9"), ("x" * 20, "xxxxxxxxx…"),
    ],
)  # fmt: skip
def test_plain_text_stays_as_it_is(text: str, shown: str) -> None:
    assert plain(text, 10 if len(text) == 20 else 40) == shown


@given(st.text(max_size=200), st.integers(1, 80))
def test_plain_text_is_one_printable_line(text: str, limit: int) -> None:
    found = plain(text, limit)

    assert len(found) <= limit
    assert found.isprintable()
    assert found == found.strip()


@given(st.text(max_size=60))
def test_a_link_is_an_address_of_the_web_or_none(text: str) -> None:
    for candidate in (text, f"https://{text}", f"https://x.org/{text}"):
        found = link(candidate)
        assert found is None or found.lower().startswith(("http://", "https://"))
        assert found is None or not set(found) & set(' <"\n\u202e\u0000') - set('<"')
