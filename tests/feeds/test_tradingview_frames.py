"""TradingView's frames: whole, glued, cut anywhere, and with lengths that lie."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.feeds.tradingview_frames import Unframer, framed, heartbeat, message, ping, units

# What JSON of the socket holds; a head inside a payload does not occur in it.
TEXTS = st.text(st.characters(exclude_characters="~", exclude_categories=("Cs",)), max_size=40)


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({cut % (len(text) + 1) for cut in cuts})
    edges = [0, *places, len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@given(st.lists(TEXTS, max_size=6), st.lists(st.integers(0, 10_000), max_size=8))
def test_frames_cut_anywhere_are_put_together_again(sent: list[str], cuts: list[int]) -> None:
    reader = Unframer()

    read = [
        payload
        for piece in pieces("".join(map(framed, sent)), cuts)
        for payload in reader.feed(piece)
    ]

    assert read == sent
    assert reader.complaints == []


@given(st.text(max_size=200), TEXTS)
def test_after_any_rubbish_the_next_message_is_read(rubbish: str, payload: str) -> None:
    reader = Unframer()
    reader.feed(rubbish)

    # What a lying length swallowed is given up when the next message begins with a head.
    assert reader.feed(framed("x") + framed(payload))[-1] == payload


@given(st.lists(st.text(max_size=60), max_size=5))
def test_nothing_makes_it_raise_or_grow(texts: list[str]) -> None:
    reader = Unframer(limit=100)

    for text in texts:
        reader.feed(text)

    assert len(reader._held) <= 132


def test_length_is_counted_as_javascript_does() -> None:
    assert framed("\U0001f4c8 up") == "~m~5~m~\U0001f4c8 up"
    assert Unframer().feed(framed("\U0001f4c8 up") + framed("€")) == ["\U0001f4c8 up", "€"]
    assert [units(text) for text in ("", "a", "é", "\U0001f4c8")] == [0, 1, 1, 2]


def test_the_frame_of_the_documentation_is_read() -> None:
    # Length and payload as recorded in the reference: 94 characters.
    text = (
        '~m~94~m~{"m":"du","p":["cs_abcdefghijkl",{"sds_1":{"s":[{"i":699,'
        '"v":[1750000500,1,2,0.5,1.5,10]}]}}]}'
    )

    (payload,) = Unframer().feed(text)

    assert payload.endswith("]}]}}]}")


@pytest.mark.parametrize(
    "text, payloads, complaint",
    [
        ("noise" + framed("a"), ["a"], "text that is no frame"),
        ("~m~1~m~ab" + framed("c"), ["ab", "c"], "a frame longer than its length"),
        ("~m~9~m~a" + framed("c"), ["a", "c"], "a frame shorter than its length"),
        ("~m~99999999~m~" + framed("c"), ["c"], "a frame of 99999999 characters"),
    ],
    ids=["rubbish before", "length too small", "length too large", "absurd length"],
)
def test_what_is_wrong_is_named_and_the_next_frame_read(
    text: str, payloads: list[str], complaint: str
) -> None:
    reader = Unframer()

    assert reader.feed(text) == payloads
    assert reader.complaints == [complaint]


def test_a_frame_that_never_ends_is_given_up_when_the_next_message_comes() -> None:
    reader = Unframer()

    assert reader.feed('~m~900~m~{"m":"du","p":["cs_') == []
    assert reader.feed(framed("next")) == ["next"]
    assert reader.complaints == ["a frame ended before its length"]


def test_heartbeats_are_told_from_everything_else() -> None:
    assert ping(12) == "~m~5~m~~h~12"
    assert heartbeat("~h~12") == 12
    assert [heartbeat(text) for text in ("~h~", "~h~1x", '{"m":"~h~1"}', "")] == [None] * 4


def test_a_message_is_one_frame() -> None:
    assert message("set_locale", "en", "US") == '~m~34~m~{"m":"set_locale","p":["en","US"]}'
