"""storage.gex_snapshots: a snapshot a minute in, the same levels, strikes and payloads out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.errors import BadPayload
from grok_sauce.storage import gex_snapshots
from grok_sauce.storage.bars import BarStore
from grok_sauce.storage.database import StorageError, open_reader
from grok_sauce.storage.history_schema import MIGRATIONS

NOW = 1797449527.0
MINUTE = 60_000


def at(text: str) -> float:
    """A New York wall time in Unix seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")).timestamp()


def snapshot(when: float, symbol: str = "SPX", **values: Any) -> dict[str, Any]:
    """A payload with what is kept of it, and a list or two more."""
    flip = {"flip": 5990.25, "roots": [5990.25], "n_roots": 1, "reason": None, "degraded": False}
    none = {**flip, "flip": None, "roots": [], "n_roots": 0, "reason": "net_positive_everywhere"}
    return {
        "symbol": symbol,
        "as_of": datetime.fromtimestamp(when, UTC).isoformat(),
        "source": "DEMO",
        "status": {"state": "live", "text": "", "loaded": 12, "of": 12},
        "spot": 6001.5,
        "totals": {"call": 3e9, "put": 1e9, "net": 2e9},
        "zero_gamma": {"all": flip, "zero_dte": none, "ex_zero_dte": flip},
        "call_wall": 6050.0,
        "put_wall": None,
        "columns": {"strike": [5950.0, 6000.0, 6050.0], "net_gex": [-1.5e8, None, 123456789.125]},
        **values,
    }


def kept(store: BarStore, *payloads: dict[str, Any]) -> int:
    minutes = [gex_snapshots.encode(payload) for payload in payloads]
    return gex_snapshots.write(store.connection, minutes)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BarStore]:
    opened = BarStore(tmp_path / "history.db", NOW)
    yield opened
    opened.close()


def test_a_minute_comes_back_with_its_levels_and_the_unknown_stays_unknown(store: BarStore) -> None:
    when = at("2026-12-16T10:05:03")
    kept(store, snapshot(when))

    day = gex_snapshots.read_day(store.connection, "SPX", "2026-12-16")

    (levels,) = day.levels
    assert levels.time == int(at("2026-12-16T10:05")) * 1000
    assert levels.as_of == int(when * 1000)
    assert (levels.spot, levels.net_gex, levels.call_wall) == (6001.5, 2e9, 6050.0)
    assert (levels.zero_gamma, levels.zero_gamma_0dte, levels.put_wall) == (5990.25, None, None)
    assert day.strikes == [[5950.0, 6000.0, 6050.0]]
    assert day.net == [[-1.5e8, None, 123456789.125]]


def test_a_payload_comes_back_whole_for_any_moment_of_its_minute(store: BarStore) -> None:
    when = at("2026-12-16T10:05:03")
    sent = snapshot(when, smiles=[{"label": "≤ 0DTE", "iv": [0.1473, None]}], note=None)
    kept(store, sent)

    found = gex_snapshots.read_payload(store.connection, "SPX", int(when * 1000) + 40_000)

    assert found == {**sent, "columns": {**sent["columns"], "net_gex": [-1.5e8, None, 123456800.0]}}
    assert gex_snapshots.read_payload(store.connection, "SPX", int(when * 1000) + MINUTE) is None
    assert gex_snapshots.read_payload(store.connection, "SPY", int(when * 1000)) is None


def test_the_first_told_of_a_minute_stays(store: BarStore) -> None:
    when = at("2026-12-16T10:05:03")

    first = kept(store, snapshot(when, spot=1.0))
    second = kept(store, snapshot(when + 50, spot=2.0))

    assert (first, second) == (1, 0)
    levels = gex_snapshots.read_levels(store.connection, "SPX", 0, 2**60)
    assert [found.spot for found in levels] == [1.0]
    last = gex_snapshots.read_last(store.connection, "SPX", 2**60)
    assert last["spot"] == 1.0


def test_the_last_is_the_newest_that_is_not_in_the_future(store: BarStore) -> None:
    times = [at(f"2026-12-16T10:0{minute}") for minute in (1, 2, 3)]
    kept(store, *(snapshot(when, spot=when) for when in times))

    found = gex_snapshots.read_last(store.connection, "SPX", int(times[1] * 1000))

    assert found["as_of"] == snapshot(times[1])["as_of"]
    assert gex_snapshots.read_last(store.connection, "SPX", int(times[0] * 1000) - 1) is None


@pytest.mark.parametrize(
    "when, day",
    [
        ("2026-12-18T15:59", "2026-12-18"),
        ("2026-12-18T23:30", "2026-12-18"),
        ("2026-12-19T12:00", "2026-12-18"),  # Saturday
        ("2026-12-21T02:00", "2026-12-18"),  # Monday before anything opened
        ("2026-12-21T09:31", "2026-12-21"),
        ("2026-12-25T12:00", "2026-12-24"),
    ],
)
def test_a_minute_belongs_to_the_session_begun_last(store: BarStore, when: str, day: str) -> None:
    kept(store, snapshot(at(when)))

    assert gex_snapshots.dates(store.connection, "SPX") == [day]
    assert len(gex_snapshots.read_day(store.connection, "SPX", day).levels) == 1


def test_old_sessions_lose_their_payloads_per_symbol_and_keep_their_levels(store: BarStore) -> None:
    days = ["2026-12-08", "2026-12-09", "2026-12-10", "2026-12-11", "2026-12-14", "2026-12-15"]
    kept(store, *(snapshot(at(f"{day}T10:00")) for day in days))
    kept(store, snapshot(at("2026-11-02T10:00"), symbol="IWM"))

    dropped = gex_snapshots.prune(store.connection, keep_sessions=5)

    assert dropped == 1
    assert gex_snapshots.dates(store.connection, "SPX") == days[1:]
    assert gex_snapshots.dates(store.connection, "IWM") == ["2026-11-02"]
    oldest = int(at("2026-12-08T10:00") * 1000)
    assert gex_snapshots.read_payload(store.connection, "SPX", oldest) is None
    day = gex_snapshots.read_day(store.connection, "SPX", "2026-12-08")
    assert [levels.time for levels in day.levels] == [oldest]
    assert (day.strikes, day.net) == ([[]], [[]])
    assert gex_snapshots.prune(store.connection, keep_sessions=5) == 0


def test_levels_go_after_their_days(store: BarStore) -> None:
    kept(store, *(snapshot(at(f"{day}T10:00")) for day in ("2025-11-11", "2025-11-12")))
    kept(store, snapshot(at("2026-12-17T10:00")))

    gex_snapshots.prune(store.connection, keep_sessions=1, keep_days=400)

    left = gex_snapshots.read_levels(store.connection, "SPX", 0, 2**60)
    assert [found.time for found in left] == [
        int(at(f"{day}T10:00") * 1000) for day in ("2025-11-12", "2026-12-17")
    ]


def test_a_symbol_no_longer_followed_goes_altogether_in_the_end(store: BarStore) -> None:
    kept(store, snapshot(at("2025-11-11T10:00"), symbol="IWM"), snapshot(at("2026-12-17T10:00")))

    gex_snapshots.prune(store.connection, keep_days=400)

    assert gex_snapshots.dates(store.connection, "IWM") == []
    assert gex_snapshots.read_last(store.connection, "IWM", 2**60) is None
    assert gex_snapshots.read_last(store.connection, "SPX", 2**60) is not None


def test_pruning_an_empty_file_does_nothing(store: BarStore) -> None:
    assert gex_snapshots.prune(store.connection) == 0


BROKEN = {
    "no time": {"as_of": None},
    "no such time": {"as_of": "yesterday"},
    "no totals": {"totals": None},
    "uneven columns": {"columns": {"strike": [1.0, 2.0], "net_gex": [1.0]}},
    "text for a strike": {"columns": {"strike": ["a"], "net_gex": [1.0]}},
    "what JSON cannot carry": {"extra": object()},
}


@pytest.mark.parametrize("values", BROKEN.values(), ids=BROKEN)
def test_what_is_no_payload_is_refused_in_words(values: dict[str, Any]) -> None:
    with pytest.raises(BadPayload, match=r"gex\.levels: not a payload to keep"):
        gex_snapshots.encode(snapshot(NOW, **values))


def test_a_failed_write_keeps_nothing_of_the_call(store: BarStore) -> None:
    minutes = [gex_snapshots.encode(snapshot(NOW + 60 * number)) for number in range(2)]
    store.connection.execute("DROP TABLE gex_payloads")

    with pytest.raises(sqlite3.OperationalError):
        gex_snapshots.write(store.connection, minutes)

    assert gex_snapshots.read_levels(store.connection, "SPX", 0, 2**60) == []


def test_a_file_of_bars_alone_gets_the_new_tables_and_keeps_its_bars(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    old = sqlite3.connect(path)
    old.executescript(f"{MIGRATIONS[0]}; PRAGMA user_version=1;")
    old.execute("INSERT INTO bars VALUES ('SPY', 0, 1, 1, 1, 1, NULL, NULL)")
    old.commit()
    assert gex_snapshots.has_tables(old) is False
    old.close()

    store = BarStore(path, NOW)

    assert store.counts() == {"SPY": 1}
    assert gex_snapshots.has_tables(store.connection) is True
    assert kept(store, snapshot(NOW)) == 1
    store.close()


def test_a_reader_sees_what_the_writer_wrote(store: BarStore) -> None:
    kept(store, snapshot(NOW))

    reader = open_reader(store.path)

    assert reader is not None
    assert gex_snapshots.dates(reader, "SPX") == ["2026-12-16"]
    reader.close()


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    newer.close()

    with pytest.raises(StorageError, match="update the program"):
        BarStore(path, NOW)


@given(
    rows=st.lists(
        st.tuples(
            st.integers(1, 9_999_999).map(lambda thousandths: thousandths / 1000),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
        ),
        max_size=40,
        unique_by=lambda row: row[0],
    )
)
def test_strikes_and_their_net_come_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, float | None]]
) -> None:
    strikes, net = [row[0] for row in rows], [row[1] for row in rows]
    store = BarStore(tmp_path_factory.mktemp("gex") / "history.db", NOW)
    try:
        kept(store, snapshot(NOW, columns={"strike": strikes, "net_gex": net}))

        day = gex_snapshots.read_day(store.connection, "SPX", "2026-12-16")
        payload = gex_snapshots.read_last(store.connection, "SPX", 2**60)
    finally:
        store.close()

    assert (day.strikes, day.net) == ([strikes], [net])
    assert payload["columns"]["strike"] == strikes
