"""Minute bars as text: exact CSV, and the archive with sessions, ticks and contracts."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.errors import SettingsError
from grok_sauce.market.events import Bar
from grok_sauce.simulator.bars_file import read_bars
from grok_sauce.storage import bar_export

NEW_YORK = ZoneInfo("America/New_York")
ES = "/ESZ26:XCME"


def at(text: str) -> int:
    """Unix ms of a New York wall time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp() * 1000)


def bar(text: str, price: float = 600.0, volume: float | None = 10.0) -> Bar:
    return Bar(at(text), price, price, price, price, volume, 1)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


# ---- csv --------------------------------------------------------------------------------


def test_a_csv_has_new_yorks_offset_exact_prices_and_an_empty_cell_for_the_unknown() -> None:
    text = bar_export.as_csv(
        [
            Bar(at("2026-11-20T09:30"), 597.1, 597.4, 596.95, 597.0, 1200.0, 9),
            Bar(at("2026-07-01T09:30"), 0.0000005, 1e-6, 5e-7, 1e-6, None, None),
        ]
    )

    assert text.splitlines() == [
        "time,open,high,low,close,volume",
        "2026-11-20T09:30:00-05:00,597.1,597.4,596.95,597,1200",
        "2026-07-01T09:30:00-04:00,5e-07,1e-06,5e-07,1e-06,",
    ]


def test_the_demos_reader_gets_back_the_bars_that_were_written(tmp_path: Path) -> None:
    kept = [
        Bar(at("2026-11-19T15:59"), 597.123456789, 598.5, 596.1, 597.3, 12345.0, 9),
        Bar(at("2026-11-20T04:00"), 597.0, 597.0, 597.0, 597.0, 0.0, 1),
        Bar(at("2026-11-20T09:30"), 601.01, 601.02, 601.0, 601.015, 7.5, 2),
    ]
    path = tmp_path / "SPY.csv"
    path.write_text(bar_export.as_csv(kept))

    days = read_bars(path).days

    back = [
        (round(t * 1000), *numbers)
        for day in days.values()
        for t, *numbers in zip(
            day.times, day.open, day.high, day.low, day.close, day.volume, strict=True
        )
    ]
    assert back == [(b.time, b.open, b.high, b.low, b.close, b.volume) for b in kept]


@given(st.floats(1e-9, 1e9), st.floats(0, 1e12))
def test_numbers_read_back_as_themselves(price: float, volume: float) -> None:
    text = bar_export.as_csv([Bar(at("2026-11-20T09:30"), price, price, price, price, volume, 1)])

    (row,) = rows(text)

    assert (float(row["close"]), float(row["volume"])) == (price, volume)


# ---- the archive ------------------------------------------------------------------------


def test_an_archive_line_has_the_columns_of_the_format() -> None:
    made = Bar(at("2026-11-20T09:30"), 6010.13, 6010.37, 6009.88, 6010.12, 321.0, 9)

    files = bar_export.archive({ES: [made]})

    assert list(files) == ["ES_1m_2026-11-20.csv"]
    assert files["ES_1m_2026-11-20.csv"].splitlines() == [
        "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol",
        # crc32 of "ESZ6", as `python3 -c "import zlib; print(zlib.crc32(b'ESZ6'))"` prints it
        "2026-11-20T14:30:00.000000000Z,33,1,1822083005,6010.25,6010.25,6010.00,6010.00,321,ESZ6",
    ]


@pytest.mark.parametrize(
    ("minute", "day"),
    [
        ("2026-11-19T18:00", date(2026, 11, 20)),
        ("2026-11-19T23:59", date(2026, 11, 20)),
        ("2026-11-20T00:00", date(2026, 11, 20)),
        ("2026-11-20T15:59", date(2026, 11, 20)),
        ("2026-11-20T16:00", None),
        ("2026-11-20T17:59", None),
        ("2026-11-22T18:00", date(2026, 11, 23)),  # Sunday evening is Monday's session
        ("2026-03-07T18:00", date(2026, 3, 8)),  # the night the clocks go forward
        ("2026-03-08T15:59", date(2026, 3, 8)),
        ("2026-11-01T15:59", date(2026, 11, 1)),  # the day they go back
        ("2026-11-01T16:00", None),
    ],
)
def test_a_session_runs_from_18_to_16_new_york(minute: str, day: date | None) -> None:
    assert bar_export.session_of(at(minute)) == day


def test_each_session_is_a_file_and_what_is_between_two_is_in_none() -> None:
    minutes = ("2026-11-18T18:00", "2026-11-19T15:59", "2026-11-19T16:30", "2026-11-19T18:00")

    files = bar_export.archive({ES: [bar(minute) for minute in minutes]})

    assert {name: len(rows(text)) for name, text in files.items()} == {
        "ES_1m_2026-11-19.csv": 2,
        "ES_1m_2026-11-20.csv": 1,
    }


def test_contracts_of_a_root_share_a_file_by_time_and_keep_their_names() -> None:
    files = bar_export.archive(
        {
            "/ESH27:XCME": [bar("2026-12-14T10:00", 6100.0)],
            ES: [bar("2026-12-14T09:59", 6050.0), bar("2026-12-14T10:00", 6051.0)],
        }
    )

    (text,) = files.values()
    found = rows(text)
    assert [row["symbol"] for row in found] == ["ESZ6", "ESH7", "ESZ6"]
    assert len({row["instrument_id"] for row in found}) == 2


def test_an_unknown_volume_is_an_empty_cell() -> None:
    (text,) = bar_export.archive({"VIX": [bar("2026-11-20T10:00", 14.0, None)]}).values()

    assert rows(text)[0]["volume"] == ""


@pytest.mark.parametrize(
    ("streamer", "price", "shown"),
    [
        ("/NQZ26:XCME", 21_475.1249, "21475.00"),
        ("/NQZ26:XCME", 21_475.125, "21475.25"),
        ("/ZBZ26:XCBT", 117.046875, "117.06250"),
        ("/CLF27:XNYM", -37.634, "-37.63"),  # April 2020 was like that
        ("/GCZ26:XCEC", 4012.34, "4012.3"),
        ("SPY", 597.405, "597.41"),
        ("SIRI", 0.56785, "0.5679"),
    ],
)
def test_prices_are_rounded_to_the_tick(streamer: str, price: float, shown: str) -> None:
    found = bar_export.on_tick(price, streamer)

    assert float(found) == float(shown)
    assert len(found.partition(".")[2]) >= len(shown.partition(".")[2])


@given(st.integers(1, 200_000))
def test_a_price_on_the_tick_stays(quarters: int) -> None:
    price = quarters * 0.25

    assert float(bar_export.on_tick(price, ES)) == price


# ---- whose bars -------------------------------------------------------------------------

KEPT = ["SPY", "BRK/B", ES, "/ESH27:XCME", "/MESZ26:XCME", "VIX"]


@pytest.mark.parametrize(
    ("text", "streamers"),
    [
        ("spy", ["SPY"]),
        ("BRK.B", ["BRK/B"]),
        ("$VIX", ["VIX"]),
        ("/es", ["/ESH27:XCME", ES]),
        ("/ESZ6", [ES]),
        ("/ESZ26", [ES]),
        ("/ESZ26:XCME", [ES]),
        ("/MES", ["/MESZ26:XCME"]),
    ],
)
def test_a_users_symbol_means_these_bars(text: str, streamers: list[str]) -> None:
    assert sorted(bar_export.named(text, KEPT)) == sorted(streamers)


def test_a_symbol_without_bars_is_answered_with_what_there_is_and_what_to_do() -> None:
    with pytest.raises(SettingsError) as caught:
        bar_export.named("QQQ", KEPT)

    assert "no bars of QQQ" in str(caught.value)
    assert "SPY" in str(caught.value)
    assert "/ES" in str(caught.value)
    assert "/setup" in str(caught.value)


@given(
    st.dictionaries(
        st.integers(at("2026-11-15T18:00") // 60_000, at("2026-11-20T16:00") // 60_000 - 1),
        st.integers(20_000, 30_000),
        max_size=30,
    )
)
def test_an_archive_reads_back_as_the_bars_of_its_sessions(quarters: dict[int, int]) -> None:
    kept = [
        Bar(minute * 60_000, *[price * 0.25] * 4, 1.0, 1)
        for minute, price in sorted(quarters.items())
    ]

    files = bar_export.archive({ES: kept})

    back = [
        (round(datetime.fromisoformat(row["ts_event"]).timestamp() * 1000), float(row["close"]))
        for text in files.values()
        for row in rows(text)
    ]
    assert back == [
        (each.time, each.close) for each in kept if bar_export.session_of(each.time) is not None
    ]
