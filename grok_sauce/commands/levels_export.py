"""Levels that were known, as a file that `backtest --levels` reads."""

from __future__ import annotations

import csv
import io
import math
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

from grok_sauce.errors import SettingsError, StartupError, reason_of
from grok_sauce.market import sessions
from grok_sauce.market.instruments import normalise
from grok_sauce.storage import database, gex_snapshots, known_levels
from grok_sauce.storage.database import StorageError
from grok_sauce.storage.known_levels import LevelRow
from grok_sauce.strategies.candle import LENGTH
from grok_sauce.strategies.contracts import FULL_SIZE, product_of
from grok_sauce.strategies.levels import NAMES

HISTORY: Final = "history.db"
LIVE: Final = "dxlink"  # the feed of sets that move with spot
HEADER: Final = (
    "known_at", "source", "contract", "factor", "factor_at", "factor_kind", "prices", *NAMES
)  # fmt: skip
ENDLESS: Final = 4_102_444_800.0  # Unix seconds; the year 2100


class Wanted(NamedTuple):
    """Which sets: future "/NQ", symbol its underlying (None: all), known in [start, end)."""

    future: str
    symbol: str | None
    start: float
    end: float


def export(
    folder: Path,
    symbol: str,
    path: Path,
    score: str,
    first: str | None,
    last: str | None,
    every: bool = False,
) -> str:
    """Write the file; what is in it, in words.

    Of live sets those that stood for a candle, as the live strategy takes them, see standing();
    every: all, by the moment they were known.

    Kept sets come first; for the time before the first of them, snapshots of live gamma exposure
    are read, each known when it was made. Those of delayed files say no such time and are left.

    Raises:
        SettingsError: a symbol or day that is none, or nothing is kept of it.
        StorageError: a file cannot be read. StartupError: it cannot be written.
    """
    wanted = wanted_of(symbol, first, last)
    rows = _kept(folder / known_levels.FILE, wanted)
    until = min(wanted.end, rows[0].known_at) if rows else wanted.end
    before = list(_of_snapshots(folder / HISTORY, wanted._replace(end=until)))
    known = [*before, *rows]
    found = known if every else list(standing(known))
    if not found:
        raise SettingsError(
            f"no levels of {wanted.future} are kept in these days in {folder}; they are kept while "
            f"the dashboard runs with an account. Change --from and --to, or name its data folder "
            f"with --data"
        )
    try:
        path.write_text(as_csv(found, score), encoding="utf-8", newline="")
    except OSError as problem:
        raise StartupError(
            f"{path} cannot be written: {reason_of(problem)}; name another file with --export"
        ) from None
    sources = ", ".join(sorted({f"{row.symbol} by {row.feed}" for row in found}))
    span = " to ".join(_shown(found[at].known_at) for at in (0, -1))
    more = f"; {len(before):,} of {len(known):,} kept sets out of snapshots" if before else ""
    return f"{path}: {len(found):,} sets of {wanted.future} known {span} New York, {sources}{more}"


def wanted_of(symbol: str, first: str | None, last: str | None) -> Wanted:
    """What a symbol and days ask for: /NQ and /MNQ all of NQ, QQQ its own.

    Raises:
        SettingsError: a symbol without a future, a day that is none, or days the wrong way.
    """
    from grok_sauce.following.chain_watch import FUTURES

    name = normalise(symbol, "SYMBOL")
    product = product_of(name)
    underlying = None if product is not None else name
    future = FUTURES.get(name) if product is None else f"/{FULL_SIZE.get(product, product)}"
    if future is None:
        raise SettingsError(
            f"{name} has no future its levels are carried to; --export takes /NQ, /ES, QQQ or SPY",
            "SYMBOL",
        )
    start, end = _day(first, "--from"), _day(last, "--to")
    if start and end and start > end:
        raise SettingsError(f"--from {start} is after --to {end}; exchange the two", "--from")
    return Wanted(
        future,
        underlying,
        0.0 if start is None else sessions.instant(start, 0),
        ENDLESS if end is None else sessions.instant(end + timedelta(days=1), 0),
    )


def standing(rows: Iterable[LevelRow]) -> Iterator[LevelRow]:
    """The sets that the live strategy judges candles with, of all in order of time.

    Supports are strikes below spot, and live ones move with it: no candle could cross those of
    its own close. So of live sets the newest at a candle's close stands for the whole next
    candle, from a second after that close on. Those of a delayed file count as they come.
    """
    for _, group in groupby(rows, lambda row: math.ceil(row.known_at / LENGTH)):
        sets = list(group)
        newest = sets[-1]
        if newest.feed == LIVE:
            close = math.ceil(newest.known_at / LENGTH) * LENGTH
            yield replace(newest, known_at=max(newest.known_at, close + 1.0))
        else:
            yield from (row for row in sets if row.feed != LIVE)


def as_csv(rows: Iterable[LevelRow], score: str) -> str:
    """The file: prices of the source, and what carries them; times to the millisecond.

    known_at is rounded up and factor_at down, so that no line can be used too early.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for row in rows:
        below = row.legacy if score == "legacy" else row.supports
        padded: list[float | str] = [row.put_wall, *below, *[""] * (3 - len(below))]
        writer.writerow([
            _iso(math.ceil(row.known_at * 1000)), f"{row.symbol} {row.feed}", row.contract,
            row.factor, _iso(math.floor(row.factor_at * 1000)), row.kind, "source", *padded,
        ])  # fmt: skip
    return text.getvalue()


def _kept(path: Path, wanted: Wanted) -> list[LevelRow]:
    reader = database.open_reader(path)
    if reader is None:
        return []
    try:
        with closing(reader):
            rows = known_levels.between(reader, wanted.future, wanted.start, wanted.end)
            return [row for row in rows if wanted.symbol in (None, row.symbol)]
    except sqlite3.Error as problem:
        raise StorageError(f"{path} cannot be read: {problem}") from None


def _of_snapshots(path: Path, wanted: Wanted) -> Iterator[LevelRow]:
    """Sets out of the snapshots of live gamma exposure known in a span, ascending."""
    reader = database.open_reader(path)
    if reader is None:
        return
    try:
        with closing(reader):
            if gex_snapshots.has_tables(reader):
                yield from _read_snapshots(reader, wanted)
    except sqlite3.Error as problem:
        raise StorageError(f"{path} cannot be read: {problem}") from None


def _read_snapshots(reader: sqlite3.Connection, wanted: Wanted) -> Iterator[LevelRow]:
    from grok_sauce.desks import level_sets
    from grok_sauce.following.chain_watch import FUTURES

    # QQQ before NDX: one underlying's sets, those of the default first.
    order = [name for name, future in FUTURES.items() if future == wanted.future][::-1]
    names = order if wanted.symbol is None else [wanted.symbol]
    for name in names:
        factor, is_any = None, False
        for payload in gex_snapshots.payloads(reader, name, wanted.start, wanted.end):
            if not _is_whole(payload):
                continue
            at = level_sets.time_of(payload)
            row = level_sets.read(payload, wanted.future, "dxlink", at, factor)
            if isinstance(row, LevelRow):
                factor, is_any = level_sets.factor_of(row), True
                yield row
        if is_any:
            return


def _is_whole(payload: Any) -> bool:
    from grok_sauce.desks import level_sets

    status = payload["status"]
    is_live = status["state"] in ("live", "closed") and payload["source"] == "LIVE"
    return is_live and level_sets.is_whole(status)


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{option} must be a day such as 2026-11-02, not {text!r}") from None


def _iso(ms: int) -> str:
    whole = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def _shown(at: float) -> str:
    return f"{sessions.new_york(at):%Y-%m-%d %H:%M}"
