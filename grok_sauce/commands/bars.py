"""Kept minute bars from the command line: what there is, and export as CSV or as an archive."""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

from grok_sauce.errors import SettingsError, StartupError, reason_of
from grok_sauce.market.events import Bar
from grok_sauce.market.sessions import NEW_YORK
from grok_sauce.settings import write_whole
from grok_sauce.storage import bar_export, bars, database
from grok_sauce.storage.database import StorageError

NAME = "bars"
HELP = "minute bars that are kept: list them, export them as CSV or as a file a session"
EPILOG = """examples:
  python3 main.py bars list
  python3 main.py bars export SPY --from 2026-11-02 --to 2026-11-20
  python3 main.py bars export /ES --format e54 --out archive
a CSV can be played as the simulated market: python3 main.py demo --bars FILE
"""
FILE = "history.db"
FORMATS = ("csv", "e54")

Found = dict[str, tuple[str, Sequence[Bar]]]  # streamer symbol -> (name, its bars)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with which symbol."""
    parser.add_argument("action", choices=("list", "export"))
    parser.add_argument(
        "symbol", nargs="?", metavar="SYMBOL", help="SPY, /ES (all its contracts) or /ESZ6"
    )
    parser.add_argument("--from", dest="first", metavar="DAY", help="first day, such as 2026-11-02")
    parser.add_argument("--to", dest="last", metavar="DAY", help="last day (New York, included)")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="csv",
        help="csv: one file, exact prices; e54: SYMBOL_1m_DAY.csv for each session from 18:00 "
        "to 16:00 New York, prices on the tick (csv)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="folder for the files (here)"
    )


def run(args: argparse.Namespace) -> int:
    """0 good; 1 when there is nothing to read or no room to write; 2 for wrong arguments.

    Raises:
        SettingsError: arguments that do not fit; StorageError, StartupError: files that do not.
    """
    if args.action == "list":
        if args.symbol is not None:
            raise SettingsError("bars list takes no SYMBOL; export takes one", "SYMBOL")
        return _list(args.data / FILE)
    if args.symbol is None:
        raise SettingsError("bars export needs a SYMBOL; `bars list` shows those that are kept")
    first, last = _day(args.first, "--from"), _day(args.last, "--to")
    if first and last and first > last:
        raise SettingsError(f"--from {first} is after --to {last}; exchange the two", "--from")
    found = _read(args.data / FILE, args.symbol, _span(first, last, args.format))
    if args.format == "e54":
        files = bar_export.archive({streamer: kept for streamer, (_, kept) in found.items()})
        _say_left_out(found)
    else:
        files = _one_csv(args.symbol, found)
    for name, text in files.items():
        _write(args.out / name, text)
        print(f"{args.out / name}: {text.count(chr(10)) - 1:,} bars")
    return 0


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{option} must be a day such as 2026-11-02, not {text!r}") from None


def _span(first: date | None, last: date | None, form: str) -> tuple[int, int]:
    """Unix ms from and before which bars are wanted; a session begins on the evening before."""
    start, end = 0, 1 << 62
    if first is not None:
        evening = form == "e54"
        day = first - timedelta(days=1) if evening else first
        start = _ms(day, bar_export.EVENING if evening else 0)
    if last is not None:
        end = _ms(last, bar_export.END) if form == "e54" else _ms(last + timedelta(days=1), 0)
    return start, end


def _ms(day: date, hour: int) -> int:
    at = datetime(day.year, day.month, day.day, hour, tzinfo=NEW_YORK)
    return round(at.timestamp() * 1000)


def _open(path: Path) -> sqlite3.Connection:
    connection = database.open_reader(path)
    if connection is None:
        demo = path.parent / "demo"
        hint = f" (the demo's: --data {demo})" if (demo / FILE).exists() else ""
        raise StorageError(
            f"{path} is not there: no bars are kept yet. Start the dashboard with an account "
            f"(python3 main.py), or name its data folder with --data{hint}"
        )
    return connection


def _read(path: Path, symbol: str, span: tuple[int, int]) -> Found:
    """Name and bars by streamer symbol, those without a bar in the span left out."""
    try:
        with closing(_open(path)) as connection:
            wanted = bar_export.named(symbol, bars.symbols(connection))
            found: Found = {
                streamer: (name, kept)
                for streamer, name in wanted.items()
                if (kept := bars.read_bars(connection, streamer, *span))
            }
            if found:
                return found
            kept_span = [
                text for streamer in wanted for text in (_range_of(connection, streamer),) if text
            ]
    except sqlite3.Error as problem:
        raise StorageError(
            f"{path} cannot be read: {problem}. If it is damaged, start the dashboard: it sets the "
            f"file aside and begins a new one"
        ) from None
    raise SettingsError(
        f"no bars of {symbol} in these days; kept are {', '.join(kept_span)}. "
        f"Change --from and --to, or leave them out"
    )


def _range_of(connection: sqlite3.Connection, streamer: str) -> str:
    low, high = connection.execute(
        "SELECT MIN(time), MAX(time) FROM bars WHERE symbol = ?", (streamer,)
    ).fetchone()
    return "" if low is None else f"{streamer} {_shown(low)} to {_shown(high)}"


def _shown(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, NEW_YORK):%Y-%m-%d %H:%M}"


def _one_csv(symbol: str, found: Found) -> dict[str, str]:
    """The one file of a symbol: contracts mixed in a series without names would be a lie."""
    if len(found) > 1:
        names = ", ".join(f"/{name}" for name, _ in found.values())
        raise SettingsError(
            f"{symbol} has bars of {len(found)} contracts in these days: {names}. Name one of "
            f"them, or use --format e54, whose lines name theirs"
        )
    ((streamer, (name, kept)),) = found.items()
    base = name if bar_export.contract_of(streamer) else bar_export.base_of(streamer)
    days = [f"{datetime.fromtimestamp(kept[at].time / 1000, NEW_YORK):%Y-%m-%d}" for at in (0, -1)]
    return {f"{base}_1m_{'_'.join(dict.fromkeys(days))}.csv": bar_export.as_csv(kept)}


def _say_left_out(found: Found) -> None:
    between = sum(
        bar_export.session_of(bar.time) is None for _, kept in found.values() for bar in kept
    )
    if between:
        print(f"left out: {between:,} bars between 16:00 and 18:00 New York, in no session")


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text.encode())
    except OSError as problem:
        raise StartupError(
            f"{path} cannot be written: {reason_of(problem)}; name another folder with --out"
        ) from None


def _list(path: Path) -> int:
    try:
        with closing(_open(path)) as connection:
            rows = connection.execute(
                "SELECT symbol, COUNT(*), MIN(time), MAX(time) FROM bars GROUP BY symbol"
            ).fetchall()
    except sqlite3.Error as problem:
        raise StorageError(f"{path} cannot be read: {problem}; start the dashboard once") from None
    for symbol, count, low, high in rows:
        print(f"{symbol:<16}{count:>9,} bars  {_shown(low)} to {_shown(high)} New York")
    if not rows:
        print(f"{path} holds no bars yet: let the dashboard run")
    return 0
