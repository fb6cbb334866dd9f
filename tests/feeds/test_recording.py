"""A recording gives back exactly what was written, as far as the file is whole."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.errors import BadPayload
from grok_sauce.feeds import recording as file_format
from grok_sauce.feeds.recording import LZMA, MAGIC, ZLIB, Recording, RecordingWriter
from grok_sauce.feeds.recording_values import (
    RECORDS,
    Entry,
    decode,
    encode,
    pack,
    source_of,
    unpack,
)
from grok_sauce.market.batches import FIELDS, Batch
from grok_sauce.market.calendar_week import CalendarEvent, CalendarWeek
from grok_sauce.market.chain import ARRAYS, OptionChain
from grok_sauce.market.expiries import Expiry
from grok_sauce.market.headlines import Headline, Headlines
from grok_sauce.market.instruments import provisional
from grok_sauce.market.listing import Listing
from grok_sauce.market.lt_levels import LtLevels
from grok_sauce.market.measures import MEASURES
from grok_sauce.market.releases import Observation, Release, Revision
from grok_sauce.market.source_note import QuotaNote, SourceNote

DAY = date(2026, 12, 18)
HEADER = {"product": "0.1.0", "zero": 5.0, "speed": 1.0, "settings": {}}

numbers = st.floats() | st.integers(-(2**70), 2**70)
cells = numbers | st.text() | st.none() | st.booleans()
SPY = provisional("SPY")
LISTING = Listing(
    "SPX",
    provisional("SPX"),
    (Expiry(DAY, "SPX", "AM"), Expiry(DAY, "SPXW", "PM")),
    (2, 4),
    (0,),
    frozenset({1, 0}),
    (".SPXW261218C6000",),
    (1,),
    (6_000_000,),
    (True,),
    (100.0,),
    (False,),
    provisional("/ES"),
    short={"all": (10, 4, "no room")},
)
CHAIN = OptionChain(
    **{name: np.array([1.5, math.nan]) for name in ARRAYS}
    | {"expiry": np.array([0, 1]), "strike": np.array([1, 2]), "is_call": np.array([True, False])},
    symbol="SPX", spot=6000.25, spot_basis="delayed", spot_at=None, as_of=1.0, source="CBOE",
    expiries=(Expiry(DAY, "SPX", "AM"),), listed=None, oi_date=DAY, contract=("A", "B"),
)  # fmt: skip
STORY = Headline("A", None, ("CNBC", "Reuters"), "", "http://x", 1.25)
EVENT = CalendarEvent("CPI", "USD", 1.5, DAY, "time", "high", "0.3%", None, first_at=9.0)
MEASURE = next(iter(MEASURES.values()))
RELEASE = Release(
    MEASURE, (Observation(DAY, None),), None, 2.0, 10, (DAY,), (Revision(DAY, 1.0, 2.0),)
)
LEVELS = LtLevels("CME_MINI:NQ1!", "15m", None, 5, True, (21250.0, None), 2.0)
NOTE = SourceNote("news", "NewsAPI", True, quota=QuotaNote(1, 50, 43200.0, 3, 0.0))
TOLD: dict[str, Any] = {
    "Instrument": SPY,
    "Link": True,
    "Chain": LISTING,
    "CboeChain": CHAIN,
    "Headlines": Headlines("q", (STORY,), 3.0, 1),
    "CalendarWeek": CalendarWeek((EVENT,), DAY, 3.0, ("one",)),
    "Releases": RELEASE,
    "LtLevels": LEVELS,
    "SourceNote": NOTE,
    "Settings": {"schema": 1, "indicators": {"positive": ["SPY"]}},
    "Resolved": SPY,
    "Gap": 12,
}


def bits(value: Any) -> Any:
    """A value so that equal means the same type and the same bits."""
    if isinstance(value, float):
        return "float", "nan" if math.isnan(value) else struct.pack("<d", value)
    if isinstance(value, np.ndarray):
        return "array", value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return "dict", [(bits(key), bits(each)) for key, each in value.items()]
    if isinstance(value, frozenset):
        return "set", sorted(map(repr, map(bits, value)))
    if type(value).__name__ in RECORDS:
        names = getattr(value, "_fields", None) or list(value.__dataclass_fields__)
        return type(value).__name__, [(name, bits(getattr(value, name))) for name in names]
    if isinstance(value, list | tuple):
        return type(value).__name__, [bits(each) for each in value]
    return type(value).__name__, value


def same(entry: Entry) -> Any:
    """An entry with its outer sequences as lists: whether a feed had tuples says nothing."""
    batch = entry.batch
    return (
        *(entry.seq, bits(entry.at), entry.source, batch.kind, list(batch.symbols)),
        [[bits(value) for value in column] for column in batch.columns],
        *(bits(batch.at), batch.snapshot),
    )


@st.composite
def wire_batches(draw: Callable[..., Any]) -> Batch:
    kind = draw(st.sampled_from(sorted(FIELDS)))
    size = draw(st.integers(0, 4))
    column = st.lists(cells, min_size=size, max_size=size)
    columns = tuple(draw(column) for _ in FIELDS[kind])
    symbols = draw(st.lists(st.text(), min_size=size, max_size=size))
    return Batch(kind, symbols, columns, draw(st.floats()), draw(st.booleans()))


@given(wire_batches(), st.integers(1, 2**60), st.floats(allow_nan=False))
def test_a_batch_of_the_wire_comes_back_bit_for_bit(batch: Batch, seq: int, at: float) -> None:
    entry = Entry(seq, at, source_of(batch), batch)

    assert same(decode(encode(entry))) == same(entry)


@pytest.mark.parametrize("kind", sorted(TOLD))
def test_a_batch_of_our_records_comes_back_the_same(kind: str) -> None:
    batch = Batch(kind, ["a", "b"], ([TOLD[kind], None],), 7.5)
    entry = Entry(3, 8.25, source_of(batch), batch)

    assert same(decode(encode(entry))) == same(entry)


def test_every_kind_of_the_vocabulary_is_tried_here() -> None:
    documented = {
        word.strip('"')
        for line in (Batch.__doc__ or "").splitlines()
        for word in line.split("  ")[:3]
        if word.startswith('"') and word.endswith('"')
    }

    assert documented
    assert documented <= TOLD.keys() | FIELDS.keys()


@given(
    st.recursive(
        cells | st.dates(),
        lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(cells, inner),
        max_leaves=20,
    )
)
def test_any_plain_value_is_packed_and_unpacked(value: Any) -> None:
    packed = json.loads(json.dumps(pack(value)))

    assert repr(unpack(packed)) == repr(value)


@pytest.mark.parametrize(
    "value",
    [object(), {1, 2}, b"bytes", np.float64(1.0), np.array([object()]), type("Expiry", (), {})()],
)
def test_what_cannot_be_recorded_is_refused(value: Any) -> None:
    with pytest.raises(BadPayload):
        pack(value)


@pytest.mark.parametrize(
    "packed",
    [
        {"os.system": ["true"]},
        {"Instrument": {"no such field": 1}},
        {"tuple": [], "set": []},
        {"array": ["|O", [1], "AAAAAAAAAAA="]},
        {"Listing": {"symbol": {"Path": "x"}}},
    ],
)
def test_nothing_but_listed_records_is_made(packed: Any) -> None:
    with pytest.raises(BadPayload):
        unpack(packed)


# ---- the file ---------------------------------------------------------------------------


def quote(seq: int) -> Entry:
    batch = Batch("Quote", ["SPY"], ([600.0 + seq], [math.nan]), 5.0 + seq)
    return Entry(seq, 5.0 + seq, "dxlink", batch)


def written(path: Path, blocks: int = 3, each: int = 4, packing: bytes = ZLIB) -> list[Entry]:
    writer = RecordingWriter(path, HEADER, packing)
    entries = [quote(seq + 1) for seq in range(blocks * each)]
    for number, entry in enumerate(entries, 1):
        writer.add(entry)
        if number % each == 0:
            writer.flush()
    writer.close()
    return entries


@pytest.mark.parametrize("packing", [ZLIB, LZMA])
def test_a_file_gives_back_what_was_written(tmp_path: Path, packing: bytes) -> None:
    path = tmp_path / "a.gsr"
    entries = written(path, packing=packing)

    found = Recording(path)

    assert [same(entry) for entry in found.entries()] == [same(entry) for entry in entries]
    assert (found.start, found.end, found.size) == (6.0, 17.0, 12)
    assert found.header["product"] == "0.1.0"
    assert found.problem is None


@given(cut=st.integers(0, 2000))
def test_a_file_cut_off_anywhere_plays_up_to_its_last_whole_block(cut: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.gsr"
        entries = written(path)
        data = path.read_bytes()
        path.write_bytes(data[: min(cut, len(data) - 1)])
        ends = [block.place + block.size for block in Recording_of(data, folder).blocks]
        whole = sum(end <= cut for end in ends)

        if not whole:
            with pytest.raises(BadPayload):
                Recording(path)
            return
        found = Recording(path)

        assert [same(each) for each in found.entries()] == [same(e) for e in entries[: whole * 4]]
        assert found.problem is not None
        assert f"{whole} whole blocks" in found.problem


def Recording_of(data: bytes, folder: str) -> Recording:
    path = Path(folder) / "whole.gsr"
    path.write_bytes(data)
    return Recording(path)


@given(place=st.integers(0, 10_000), value=st.integers(1, 255))
def test_one_wrong_byte_never_plays_a_wrong_value(place: int, value: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.gsr"
        entries = [same(entry) for entry in written(path)]
        data = bytearray(path.read_bytes())
        data[place % len(data)] ^= value
        path.write_bytes(data)

        try:
            recording = Recording(path)
            found = [same(entry) for entry in recording.entries()]
        except BadPayload:
            return
        assert found == entries[: len(found)]
        assert recording.problem is not None or found == entries


def test_a_file_without_its_end_says_so_and_plays_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.gsr"
    writer = RecordingWriter(path, HEADER)
    writer.add(quote(1))
    writer.flush()

    found = Recording(path)

    assert len(list(found.entries())) == 1
    assert found.problem == "a.gsr was cut off: 1 whole blocks are played"


@pytest.mark.parametrize("data", [b"", b"GROK", b"\x00" * 500, MAGIC, b"PK\x03\x04" * 40])
def test_what_is_no_recording_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.gsr"
    path.write_bytes(data)

    with pytest.raises(BadPayload):
        Recording(path)


def test_another_version_is_refused_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, later = tmp_path / "a.gsr", tmp_path / "b.gsr"
    monkeypatch.setattr(file_format, "SCHEMA", 7)
    written(path)
    monkeypatch.undo()
    later.write_bytes(path.read_bytes().replace(b"RECORDING 1", b"RECORDING 2"))

    with pytest.raises(BadPayload, match="schema 7; this version reads 1"):
        Recording(path)
    with pytest.raises(BadPayload, match="another version"):
        Recording(later)


def test_a_block_that_says_it_is_huge_is_not_believed(tmp_path: Path) -> None:
    import zlib

    path = tmp_path / "a.gsr"
    written(path, blocks=1)
    data = path.read_bytes()
    block = Recording(path).blocks[0]
    head = file_format.HEAD.pack(
        b"GSRB", ZLIB, b"E", block.size, 1 << 31, 4, 1, 6.0, 9.0, block.checksum
    )
    begin = block.place - file_format.HEAD.size - file_format.SUM.size
    forged = head + file_format.SUM.pack(zlib.crc32(head))
    path.write_bytes(data[:begin] + forged + data[block.place :])

    with pytest.raises(BadPayload, match="no whole block"):
        Recording(path)


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.gsr"
    path.write_text("mine")

    with pytest.raises(FileExistsError):
        RecordingWriter(path, HEADER)
