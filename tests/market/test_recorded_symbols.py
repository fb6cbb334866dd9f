"""Real recordings read without loss: every listed option's name, every one-minute bar."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import datetime
from pathlib import Path

import pytest

from grok_sauce.market.batches import Batch
from grok_sauce.market.instruments import parse_occ, parse_streamer
from grok_sauce.market.sessions import extended, is_session, new_york_date
from grok_sauce.market.state import MarketState

pytestmark = pytest.mark.recorded


def test_every_option_of_a_recorded_chain_survives_both_spellings(recordings: Path) -> None:
    file = recordings / "cboe_rut_chain_2023-09-20.json.gz"
    listed = [
        row["option"] for row in json.loads(gzip.decompress(file.read_bytes()))["data"]["options"]
    ]

    terms = [parse_occ(symbol) for symbol in listed]

    assert len(terms) == 6680
    assert {option.root for option in terms} == {"RUT", "RUTW"}
    assert [option.occ.replace(" ", "") for option in terms] == listed
    assert [parse_streamer(option.streamer) for option in terms] == terms
    assert all(is_session(option.expiry) for option in terms)


def test_every_recorded_bar_is_a_bar_inside_its_session(recordings: Path) -> None:
    file = recordings / "spy_1min_2013-10-04_to_11.csv.gz"
    rows = [
        (0, n, int(datetime.fromisoformat(row["time"]).timestamp() * 1000), 1)
        + tuple(float(row[name]) for name in ("open", "high", "low", "close", "volume"))
        for n, row in enumerate(
            csv.DictReader(gzip.decompress(file.read_bytes()).decode().splitlines())
        )
    ]
    state = MarketState()

    newest_first = tuple(zip(*rows[::-1], strict=True))
    state.apply(Batch("Candle", ["SPY{=1m}"] * len(rows), newest_first, 0.0, snapshot=True))

    series = state.candles("SPY", "m")
    assert series is not None
    assert len(series) == 4839
    assert list(series.closes) == [row[7] for row in rows]
    for time in series.times:
        start, end = extended(new_york_date(time / 1000))
        assert start <= time / 1000 < end
