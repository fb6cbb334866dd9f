"""Values of a recording as JSON text and back, exactly: floats, NaN, tuples, dates, our records.

encode(entry) -> str          one line
decode(line) -> Entry         raises BadPayload

Events of the wire are numbers, texts and None and stand in JSON as they are. Everything else is
packed: a plain value stands for itself, a container or a record is an object of one key that says
what it is. Only records listed in RECORDS are ever made, so that a file can make nothing else.
"""

from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Final, NamedTuple

from grok_sauce.errors import BadPayload
from grok_sauce.market.batches import FIELDS, Batch

# Records that batches carry or that stand in them -> the module of grok_sauce.market they live in.
RECORDS: Final[Mapping[str, str]] = {
    "Instrument": "instruments",
    "Expiry": "expiries",
    "Listing": "listing",
    "OptionChain": "chain",
    "Headlines": "headlines",
    "Headline": "headlines",
    "CalendarWeek": "calendar_week",
    "CalendarEvent": "calendar_week",
    "Release": "releases",
    "Observation": "releases",
    "Revision": "releases",
    "Measure": "measures",
    "LtLevels": "lt_levels",
    "SourceNote": "source_note",
    "QuotaNote": "source_note",
}
SETTINGS: Final = "Settings"  # kind of an entry that no engine sees: settings.json from then on
RESOLVED: Final = "Resolved"  # kind of an entry: symbols that a desk looked up, and what they are
GAP: Final = "Gap"  # kind of an entry that counts events which were not recorded before it
SOURCES: Final[Mapping[str, str]] = {
    "Instrument": "watchlist",
    "Chain": "chains",
    "CboeChain": "cboe",
    "Headlines": "news",
    "CalendarWeek": "forex_factory",
    "Releases": "fred",
    "LtLevels": "tradingview",
    "SourceNote": "context",
    SETTINGS: "settings",
    RESOLVED: "broker",
    GAP: "recorder",
}
_PLAIN: Final = (str, int, float, bool, type(None))


class Entry(NamedTuple):
    """One thing a source said: seq counts from 1, at is its arrival (market time, Unix seconds)."""

    seq: int
    at: float
    source: str
    batch: Batch


def source_of(batch: Batch) -> str:
    """The source a batch is from, by its kind and symbols.

    >>> source_of(Batch("Quote", ["SPY"], ([1.0], [2.0]), 0.0))
    'dxlink'
    """
    known = SOURCES.get(batch.kind)
    if known is not None:
        return known
    first = batch.symbols[0] if batch.symbols else ""
    if batch.kind == "Link":
        return str(first).lower()
    return "tradingview" if str(first).startswith("TV:") else "dxlink"


def encode(entry: Entry) -> str:
    """One line of JSON.

    Raises:
        BadPayload: a value of a kind that cannot be recorded.
    """
    batch = entry.batch
    # Column by column: a long history must not hold up everybody for as long as all of it takes.
    is_wire = batch.kind in FIELDS
    columns = ",".join(
        _text([*column] if is_wire else [pack(value) for value in column])
        for column in batch.columns
    )
    head = _text([entry.seq, entry.at, entry.source, batch.kind, batch.at, int(batch.snapshot)])
    return f"{head[:-1]},{_text([*batch.symbols])},[{columns}]]"


def _text(value: Any) -> str:
    try:
        return json.dumps(value, separators=(",", ":"))
    except (TypeError, ValueError) as problem:
        raise BadPayload(f"cannot be recorded: {problem}") from None


def decode(line: str) -> Entry:
    """What encode() was given; columns and symbols come as lists.

    Raises:
        BadPayload: no such line.
    """
    try:
        seq, at, source, kind, batch_at, snapshot, symbols, columns = json.loads(line)
        if kind not in FIELDS:
            columns = [[unpack(value) for value in column] for column in columns]
        batch = Batch(kind, symbols, tuple(columns), batch_at, bool(snapshot))
    except BadPayload:
        raise
    except (ValueError, TypeError, RecursionError) as problem:
        raise BadPayload(f"no entry of a recording: {str(problem)[:120]}") from None
    return Entry(seq, at, source, batch)


# ---- records ----------------------------------------------------------------------------


def pack(value: Any) -> Any:
    """A value as JSON can carry it without losing what it is.

    Raises:
        BadPayload: of a kind that is not listed.
    """
    if type(value) in _PLAIN:
        return value
    if type(value) is list:
        return [pack(each) for each in value]
    if type(value) is tuple:
        return {"tuple": [pack(each) for each in value]}
    if isinstance(value, frozenset):
        return {"set": [pack(each) for each in _steady(value)]}
    if type(value).__name__ in RECORDS:
        return _record(value)
    if isinstance(value, Mapping):
        return {"dict": [[pack(key), pack(each)] for key, each in value.items()]}
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if type(value).__module__ == "numpy":
        return _array(value)
    raise BadPayload(f"a {type(value).__name__} cannot be recorded")


def unpack(value: Any) -> Any:
    """What pack() was given.

    Raises:
        BadPayload: nothing that pack() makes.
    """
    if isinstance(value, list):
        return [unpack(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise BadPayload("a packed value has one key")
    ((kind, inner),) = value.items()
    if kind == "tuple":
        return tuple(unpack(each) for each in inner)
    if kind == "set":
        return frozenset(unpack(each) for each in inner)
    if kind == "dict":
        return {unpack(key): unpack(each) for key, each in inner}
    if kind == "datetime":
        return datetime.fromisoformat(inner)
    if kind == "date":
        return date.fromisoformat(inner)
    if kind == "array":
        return _read_array(inner)
    if kind in RECORDS:
        return _made(kind, inner)
    raise BadPayload(f"a recording holds no {str(kind)[:40]!r}")


def _steady(values: Iterable[Any]) -> list[Any]:
    """Members of a set in an order that does not change from process to process."""
    return sorted(values, key=repr)


@cache
def _class(name: str) -> Any:
    return getattr(importlib.import_module(f"grok_sauce.market.{RECORDS[name]}"), name)


def _names(record: Any) -> Sequence[str]:
    if is_dataclass(record):
        return [field.name for field in fields(record)]
    names: Sequence[str] = record._fields
    return names


def _record(value: Any) -> dict[str, Any]:
    name = type(value).__name__
    if type(value) is not _class(name):
        raise BadPayload(f"a {type(value).__module__}.{name} cannot be recorded")
    return {name: {each: pack(getattr(value, each)) for each in _names(type(value))}}


def _made(name: str, inner: Mapping[str, Any]) -> Any:
    made = _class(name)
    known = {each: unpack(inner[each]) for each in _names(made) if each in inner}
    try:
        return made(**known)
    except (TypeError, ValueError) as problem:
        raise BadPayload(f"no {name}: {problem}") from None


def _array(value: Any) -> Any:
    import numpy as np

    if isinstance(value, np.generic):
        raise BadPayload(f"a numpy.{type(value).__name__} cannot be recorded")
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
        raise BadPayload("an array of numbers can be recorded, no other")
    data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode("ascii")
    return {"array": [value.dtype.str, list(value.shape), data]}


def _read_array(inner: Any) -> Any:
    import numpy as np

    kind, shape, data = inner
    found = np.dtype(kind)
    if found.kind not in "fiub":
        raise BadPayload("an array of a recording holds numbers")
    try:
        return np.frombuffer(base64.b64decode(data), dtype=found).reshape(shape).copy()
    except (ValueError, TypeError) as problem:
        raise BadPayload(f"no array: {problem}") from None
