"""Recorded one-minute bars from a CSV file, as the price of one simulated symbol."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from grok_sauce.errors import SettingsError
from grok_sauce.market.sessions import NEW_YORK, extended, instant, is_session

COLUMNS: Final = ("time", "open", "high", "low", "close", "volume")
_FIRST_MINUTE: Final = (9, 45)  # where a replay starts unless told otherwise


@dataclass(frozen=True, slots=True)
class DayBars:
    """One session: minute starts in Unix seconds, ascending, with prices and shares."""

    times: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]


@dataclass(frozen=True)
class Bars:
    """A recording of one symbol: its sessions and their bars.

    first and last are the starts of the first and the last bar, in Unix seconds.
    """

    symbol: str
    days: dict[date, DayBars]

    @property
    def sessions(self) -> tuple[date, ...]:
        """The New York dates that have bars, ascending."""
        return tuple(self.days)

    @property
    def first(self) -> float:
        return float(self.days[self.sessions[0]].times[0])

    @property
    def last(self) -> float:
        return float(self.days[self.sessions[-1]].times[-1])

    @property
    def start(self) -> float:
        """Where a replay begins: 09:45 New York of the last session."""
        return instant(self.sessions[-1], *_FIRST_MINUTE)


def read_bars(path: str | Path, symbol: str = "SPY") -> Bars:
    """Read `time,open,high,low,close,volume`, plain or gzipped; times are New York ISO times.

    A time without an offset is New York's wall clock. Minutes without trades are absent.

    Raises:
        SettingsError: the file is missing or is not what it should be; the message names
            file, line and column, field is the column.
    """
    name = str(path)
    try:
        raw = Path(path).read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}: cannot be read as bars: {error}", "bars") from None
    lines = list(_lines(csv.reader(io.StringIO(text)), name))
    if not lines:
        raise SettingsError(f"{name}: holds no bars", "bars")
    days: dict[date, list[tuple[float, ...]]] = {}
    for day, bar in lines:
        days.setdefault(day, []).append(bar)
    return Bars(symbol, {day: _columns(bars) for day, bars in days.items()})


def _columns(bars: list[tuple[float, ...]]) -> DayBars:
    table = np.array(bars, dtype=np.float64)
    return DayBars(table[:, 0].astype(np.int64), *(table[:, column] for column in range(1, 6)))


def _lines(rows: Iterator[list[str]], name: str) -> Iterator[tuple[date, tuple[float, ...]]]:
    header = next(rows, [])
    if tuple(cell.strip().lower() for cell in header) != COLUMNS:
        raise SettingsError(f"{name}, line 1: the header must be {','.join(COLUMNS)}", "time")
    previous = -math.inf
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        where = f"{name}, line {number}"
        if len(row) != len(COLUMNS):
            raise SettingsError(f"{where}: {len(row)} columns, not {len(COLUMNS)}", "bars")
        day, time = _time(row[0], where)
        if time <= previous:
            raise SettingsError(f"{where}, time: {row[0]} does not follow the line before", "time")
        previous = time
        numbers = [_number(row[column], COLUMNS[column], where) for column in range(1, 6)]
        _check(numbers, where)
        yield day, (time, *numbers)


def _time(text: str, where: str) -> tuple[date, float]:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise SettingsError(f"{where}, time: {text!r} is not an ISO time", "time") from None
    moment = moment.replace(tzinfo=NEW_YORK) if moment.tzinfo is None else moment
    moment = moment.astimezone(NEW_YORK)
    unix = moment.timestamp()
    if unix % 60:
        raise SettingsError(f"{where}, time: {text} is not the start of a minute", "time")
    day = moment.date()
    if not is_session(day):
        raise SettingsError(f"{where}, time: New York does not trade on {day}", "time")
    start, end = extended(day)
    if not start <= unix < end:
        raise SettingsError(f"{where}, time: {text} is outside the hours of that day", "time")
    return day, unix


def _number(text: str, column: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0 or (value == 0 and column != "volume"):
        raise SettingsError(f"{where}, {column}: {text!r} is not a usable number", column)
    return value


def _check(numbers: list[float], where: str) -> None:
    opened, high, low, close, _ = numbers
    if high < max(opened, close, low):
        raise SettingsError(f"{where}, high: {high:g} is below another price of the bar", "high")
    if low > min(opened, close):
        raise SettingsError(f"{where}, low: {low:g} is above another price of the bar", "low")
