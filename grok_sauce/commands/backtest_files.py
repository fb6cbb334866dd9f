"""Reading the three kinds of files of a backtest; what is wrong is named with file and line.

read_bars(paths, symbol) -> Bars(symbol, bars, notes)       read_levels(path) -> [KnownLevels]
read_triggers(path) -> [LtLevels]
"""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from grok_sauce.errors import BadPayload, SettingsError, reason_of
from grok_sauce.market.instruments import canonical_period
from grok_sauce.market.lt_levels import LtLevels
from grok_sauce.market.sessions import NEW_YORK
from grok_sauce.strategies.contracts import parse
from grok_sauce.strategies.filters import ended
from grok_sauce.strategies.levels import NAMES, KnownLevels

Row = tuple[int, Mapping[str, Any]]  # line, its values by column

OLD_NAMES: Final = {"put_wall_1": "put_wall", "put_wall_2": "support_1", "put_wall_3": "support_2"}
LEVEL_KEYS: Final = (
    "known_at", "source", "contract", "factor", "factor_at", "factor_kind", "prices",
    *NAMES, *OLD_NAMES,
)  # fmt: skip
LT_KEYS: Final = ("known_at", "time", "contract", "timeframe", "levels")
MAX_LT: Final = 50


def text_of(path: Path) -> str:
    """A file as text, gzipped or not.

    Raises:
        SettingsError: it is not there or not text.
    """
    try:
        raw = path.read_bytes()
        plain = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        return plain.decode("utf-8-sig")
    except OSError as problem:
        reason = reason_of(problem) or str(problem)
        raise SettingsError(f"{path} cannot be read: {reason}; name another file") from None
    except (EOFError, UnicodeDecodeError) as problem:
        raise SettingsError(f"{path} is neither text nor gzip of it: {problem}") from None


def csv_rows(path: Path, text: str, needed: Iterable[str]) -> Iterator[Row]:
    """Line and values of a CSV with a header, column names in lower case.

    Raises:
        SettingsError: a column is missing, or a line has more or fewer cells than the header.
    """
    lines = csv.reader(io.StringIO(text))
    header = [cell.strip().lower() for cell in next(lines, [])]
    missing = [name for name in needed if name not in header]
    if missing:
        raise SettingsError(
            f"{path}, line 1: the column {missing[0]} is missing; there are "
            f"{', '.join(header) or 'none'}"
        )
    try:
        for cells in lines:
            if not cells:
                continue
            if len(cells) != len(header):
                raise SettingsError(
                    f"{path}, line {lines.line_num}: {len(cells)} cells, the header has "
                    f"{len(header)}; mend or take out the line"
                )
            yield lines.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as problem:
        raise SettingsError(f"{path}, line {lines.line_num}: {problem}") from None


def rows_of(path: Path, needed: Iterable[str]) -> Iterator[Row]:
    """Rows of a CSV, or of JSON lines (one object a line)."""
    text = text_of(path)
    if not text.strip():
        raise SettingsError(f"{path} is empty; docs/strategy.md shows what belongs in it")
    if not text.lstrip().startswith(("{", "[")):
        yield from csv_rows(path, text, needed)
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as problem:
            raise SettingsError(
                f"{path}, line {number}: not JSON: {str(problem)[:80]}; each line is one object"
            ) from None
        if not isinstance(value, dict):
            raise SettingsError(f"{path}, line {number}: not an object; each line is one object")
        yield number, value


# ---- cells ------------------------------------------------------------------------------


def where(path: Path, line: int, field: str) -> str:
    """The beginning of every complaint about a value."""
    return f"{path}, line {line}, {field}"


def price(path: Path, line: int, row: Mapping[str, Any], field: str) -> float | None:
    """A number above 0; None for an empty cell or null.

    Raises:
        SettingsError: anything else.
    """
    found = number(path, line, row, field)
    if found is not None and found <= 0:
        raise SettingsError(f"{where(path, line, field)}: {row[field]!r} is not above 0")
    return found


def number(path: Path, line: int, row: Mapping[str, Any], field: str) -> float | None:
    """A finite number; None for an empty cell or null."""
    value = row.get(field)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise SettingsError(
            f"{where(path, line, field)}: {str(value)[:40]!r} is not a number; leave it empty "
            f"when it is not known"
        )
    return found


def moment(path: Path, line: int, row: Mapping[str, Any], field: str) -> float | None:
    """A time as Unix seconds: ISO-8601 (without a zone: New York's clock) or Unix seconds."""
    value = row.get(field)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    text = str(value).strip()
    try:
        found = float(text)
    except ValueError:
        try:
            read = datetime.fromisoformat(text)
        except ValueError:
            raise SettingsError(
                f"{where(path, line, field)}: {text[:40]!r} is no time; write it like "
                f"2026-12-16T09:35:00-05:00"
            ) from None
        return (read if read.tzinfo else read.replace(tzinfo=NEW_YORK)).timestamp()
    if not 631_152_000 <= found < 4_102_444_800:
        raise SettingsError(
            f"{where(path, line, field)}: {text[:40]} is no Unix time in seconds of 1990 to 2099; "
            f"milliseconds are divided by 1000, or write an ISO time"
        )
    return found


def needed_moment(path: Path, line: int, row: Mapping[str, Any], field: str, why: str) -> float:
    """A time that must be there."""
    found = moment(path, line, row, field)
    if found is None:
        raise SettingsError(f"{where(path, line, field)}: is missing; {why}")
    return found


def contract(path: Path, line: int, row: Mapping[str, Any]) -> str | None:
    """The contract in the broker's spelling; None when the cell is empty."""
    text = row.get("contract")
    if text is None or not str(text).strip():
        return None
    found = parse(str(text))
    if found is None:
        raise SettingsError(
            f"{where(path, line, 'contract')}: {str(text)[:20]!r} is no contract like NQZ6"
        )
    return found.short


def _known_keys(path: Path, line: int, row: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse a slip of the pen; other columns are the file's own affair."""
    for key in row:
        close = [] if key in known else difflib.get_close_matches(key, known, 1, 0.85)
        if close:
            raise SettingsError(f"{where(path, line, key)}: is not read; did you mean {close[0]}?")


# ---- levels -----------------------------------------------------------------------------

_KNOWN: Final = "a backtest needs the time from which a line could be used, not the time it is of"


def read_levels(path: Path) -> list[KnownLevels]:
    """Levels of a file, see docs/strategy.md.

    Raises:
        SettingsError: naming file, line and field.
    """
    found: list[KnownLevels] = []
    for line, row in rows_of(path, ("known_at",)):
        _known_keys(path, line, row, LEVEL_KEYS)
        known_at = needed_moment(path, line, row, "known_at", _KNOWN)
        factor = price_or_points(path, line, row)
        named = [
            (name, _carried(path, line, row, at, factor)) for name, at in _prices(path, line, row)
        ]
        factor_at = moment(path, line, row, "factor_at")
        if factor_at is not None and factor_at > known_at:
            raise SettingsError(
                f"{where(path, line, 'factor_at')}: is later than known_at; a factor cannot be "
                f"used before it was there"
            )
        source = str(row.get("source") or path.name)
        of = contract(path, line, row)
        found.append(KnownLevels(known_at, source, of, factor, factor_at, tuple(named)))
    if not found:
        raise SettingsError(f"{path} holds no levels; docs/strategy.md shows what belongs in it")
    return found


def price_or_points(path: Path, line: int, row: Mapping[str, Any]) -> float | None:
    """The factor: above 0 as a ratio, any number as points of a basis."""
    kind = row.get("factor_kind") or "ratio"
    if kind not in ("ratio", "basis"):
        raise SettingsError(f"{where(path, line, 'factor_kind')}: must be ratio or basis")
    read = price if kind == "ratio" else number
    return read(path, line, row, "factor")


def _prices(path: Path, line: int, row: Mapping[str, Any]) -> list[tuple[str, float]]:
    old = [name for name in OLD_NAMES if name in row]
    if old and any(name in row for name in NAMES):
        raise SettingsError(
            f"{where(path, line, old[0])}: stands beside today's names; keep put_wall and "
            f"support_1 to support_3"
        )
    names = OLD_NAMES if old else dict(zip(NAMES, NAMES, strict=True))
    if not any(name in row for name in names):
        raise SettingsError(
            f"{path}, line {line}: no level; name put_wall, support_1, support_2 or support_3"
        )
    read = ((names[name], price(path, line, row, name)) for name in names)
    return [(name, at) for name, at in read if at is not None]


def _carried(
    path: Path, line: int, row: Mapping[str, Any], at: float, factor: float | None
) -> float:
    """A price on the future's scale: as it is, or carried there when it is the source's."""
    prices = row.get("prices") or "future"
    if prices not in ("future", "source"):
        raise SettingsError(f"{where(path, line, 'prices')}: must be future or source")
    if prices == "future":
        return at
    if factor is None:
        raise SettingsError(
            f"{where(path, line, 'factor')}: is missing; prices of the source need it"
        )
    return at + factor if row.get("factor_kind") == "basis" else at * factor


# ---- LT levels --------------------------------------------------------------------------


def read_triggers(path: Path) -> list[LtLevels]:
    """LT levels of a file, one closed bar a line, see docs/strategy.md.

    Raises:
        SettingsError: naming file, line and field.
    """
    found: list[LtLevels] = []
    for line, row in rows_of(path, ("known_at", "time")):
        columns = [key for key in row if key.startswith(("level_", "lt_"))]
        _known_keys(path, line, row, (*LT_KEYS, *columns))
        known_at = needed_moment(path, line, row, "known_at", _KNOWN)
        start = needed_moment(path, line, row, "time", "it is the start of the bar")
        prices = _lt_prices(path, line, row, columns)
        frame = str(row.get("timeframe") or "15m")
        try:
            canonical_period(frame)
        except BadPayload as problem:
            raise SettingsError(f"{where(path, line, 'timeframe')}: {problem}") from None
        of = contract(path, line, row)
        levels = LtLevels("", frame, of, round(start * 1000), True, prices, known_at)
        if known_at < ended(levels):
            raise SettingsError(
                f"{where(path, line, 'known_at')}: lies before the end of the bar; levels of a "
                f"bar under way still change, take those of closed bars"
            )
        found.append(levels)
    if not found:
        raise SettingsError(f"{path} holds no LT levels; docs/strategy.md shows what belongs in it")
    return found


def _lt_prices(
    path: Path, line: int, row: Mapping[str, Any], columns: Sequence[str]
) -> tuple[float | None, ...]:
    listed = row.get("levels")
    if listed is None:
        if not columns:
            raise SettingsError(f"{path}, line {line}: no levels; name them levels, or level_1 …")
        return tuple(price(path, line, row, name) for name in columns)
    if not isinstance(listed, list) or len(listed) > MAX_LT:
        raise SettingsError(f"{where(path, line, 'levels')}: must be a list of prices")
    return tuple(price(path, line, {"levels": value}, "levels") for value in listed)
