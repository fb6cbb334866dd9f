"""Reading bars for a backtest: one symbol's, its front contract's, the finest of each candle.

read_bars(paths, symbol) -> Bars(symbol, bars, notes)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import pairwise
from math import gcd
from pathlib import Path
from typing import Any, Final

from grok_sauce.commands.backtest_files import (
    csv_rows,
    needed_moment,
    number,
    price,
    text_of,
    where,
)
from grok_sauce.errors import SettingsError
from grok_sauce.market.instruments import normalise
from grok_sauce.strategies import contracts
from grok_sauce.strategies.candle import LENGTH, Candle
from grok_sauce.values import dataclass

ENDINGS: Final = (".csv", ".csv.gz")
TIMES: Final = ("time", "ts_event")
PRICES: Final = ("open", "high", "low", "close")


@dataclass(slots=True)
class Bars:
    """Bars of one symbol in order; left_out counts those of other contracts by their name."""

    symbol: str
    bars: list[Candle]
    left_out: Counter[str] = field(default_factory=Counter)
    files: int = 0


@dataclass(frozen=True, slots=True)
class _Line:
    """One line as it stands: whose bar it is is told by its symbol or the file's name."""

    path: Path
    line: int
    time: int
    prices: tuple[float, float, float, float]
    volume: float | None
    name: str


def read_bars(paths: Sequence[Path], symbol: str | None = None) -> Bars:
    """Bars out of files, or of every CSV of a folder.

    symbol: "SPY", "/NQ" (its front contract by rule) or "/NQZ6"; None: what the files name.
    Where files hold bars of different length, each candle is made of the finest.

    Raises:
        SettingsError: naming file, line and field.
    """
    asked = None if symbol is None else _wanted(symbol)
    read = [
        list(_lines(file, asked if file == path else None))
        for path in paths
        for file in _files(path)
    ]
    wanted = _named({line.name for lines in read for line in lines}) if asked is None else asked
    windows: dict[int, dict[int, dict[int, Candle]]] = {}  # window -> length -> time -> bar
    found = Bars(wanted, [], files=len(read))
    for lines in read:
        kept = list(_kept(lines, wanted, found.left_out))
        seconds = _length(kept)
        for bar, line in kept:
            _put(windows, replace(bar, seconds=seconds), line)
    for window in sorted(windows):
        finest = windows[window][min(windows[window])]
        found.bars.extend(finest[time] for time in sorted(finest))
    if not found.bars:
        others = ", ".join(found.left_out) or "none"
        raise SettingsError(
            f"no bars of {wanted} in {', '.join(map(str, paths))}; there are bars of: {others}. "
            f"Name one with --symbol",
            "--bars",
        )
    return found


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.name.lower().endswith(ENDINGS))
    if not found:
        raise SettingsError(f"{path} holds no .csv or .csv.gz; name the files", "--bars")
    return found


def _wanted(symbol: str) -> str:
    """A symbol in one spelling: "/NQ", "/NQZ6", "SPY"."""
    text = symbol.strip().upper()
    contract = contracts.parse(text)
    if contract is not None and contracts.product_of(text) == contract.product:
        return contract.short
    product = contracts.product_of(text) if text.startswith("/") else None
    if product or text in contracts.INDEX:
        return f"/{product or text}"
    return normalise(text, "--symbol")


def _named(names: set[str]) -> str:
    """Whose bars files hold; of several contracts of one root: the root.

    Raises:
        SettingsError: there are several.
    """
    try:
        found = {_wanted(name) for name in names}
    except SettingsError as problem:
        raise SettingsError(
            f"--bars: a file's name does not say whose bars it holds ({problem}); say it with "
            f"--symbol",
            "--bars",
        ) from None
    if len(found) == 1:
        return found.pop()
    roots = {_root(name) for name in found}
    if len(roots) == 1:
        return roots.pop()
    raise SettingsError(
        f"--bars: the files hold bars of {', '.join(sorted(roots))}; choose one with --symbol",
        "--bars",
    )


def _root(name: str) -> str:
    product = contracts.product_of(name) if name.startswith("/") else None
    return f"/{product}" if product else name


def _lines(path: Path, asked: str | None) -> Iterator[_Line]:
    """Lines of a file. Without a column `symbol` it is named by what was asked for, or else by
    its own name up to the first "_"; a contract in its name counts in any case.
    """
    text = text_of(path)
    header = [cell.strip().lower() for cell in text.partition("\n")[0].split(",")]
    time_name = next((name for name in TIMES if name in header), "time")
    base = path.name.partition("_")[0].partition(".")[0].upper()
    if asked is not None and contracts.parse(base) is None:
        base = asked
    before: dict[str, int] = {}
    for number_, row in csv_rows(path, text, (time_name, *PRICES)):
        at = needed_moment(path, number_, row, time_name, "it is the start of the bar")
        if at != int(at):
            raise SettingsError(f"{where(path, number_, time_name)}: bars start on whole seconds")
        name = str(row.get("symbol") or base).strip().upper()
        time = int(at) * 1000
        if time <= before.get(name, 0):
            raise SettingsError(
                f"{where(path, number_, time_name)}: {row[time_name]} does not follow the line "
                f"before; sort the file by time and take doubles out"
            )
        before[name] = time
        volume = number(path, number_, row, "volume")
        if volume is not None and volume < 0:
            raise SettingsError(f"{where(path, number_, 'volume')}: {volume} is below 0")
        yield _Line(path, number_, time, _prices(path, number_, row), volume, name)
    if not before:
        raise SettingsError(f"{path} holds no bars", "--bars")


def _prices(path: Path, line: int, row: Mapping[str, Any]) -> tuple[float, float, float, float]:
    found = []
    for name in PRICES:
        value = price(path, line, row, name)
        if value is None:
            raise SettingsError(
                f"{where(path, line, name)}: is empty; take a minute without trades out"
            )
        found.append(value)
    opened, high, low, close = found
    if high < max(opened, close) or high < low:
        raise SettingsError(f"{where(path, line, 'high')}: {high} lies below another price")
    if low > min(opened, close):
        raise SettingsError(f"{where(path, line, 'low')}: {low} lies above another price")
    return opened, high, low, close


def _kept(
    lines: Sequence[_Line], wanted: str, left_out: Counter[str]
) -> Iterator[tuple[Candle, _Line]]:
    """Bars of the wanted symbol; of a future's root those of the contract in front that day."""
    product = contracts.product_of(wanted) if wanted.startswith("/") else None
    fixed = wanted if product and contracts.parse(wanted) else None
    names = {line.name: _own(line.name, wanted, product) for line in lines}
    own_months = {own for own in names.values() if own}
    for line in lines:
        contract = names[line.name]
        is_wanted = contract is not None and fixed in (None, "", contract or fixed)
        if is_wanted and product and not fixed:
            front = contracts.front(product, line.time / 1000)
            if front is None and len(own_months) > 1:
                raise SettingsError(
                    f"{where(line.path, line.line, 'symbol')}: for {product} there is no rule "
                    f"which contract is in front; choose one with --symbol {contract}",
                    "--symbol",
                )
            is_wanted = not contract or front in (None, contract)
            contract = contract or front
        if not is_wanted:
            left_out[line.name] += 1
            continue
        yield Candle(line.time, *line.prices, line.volume, contract or fixed), line


def _own(name: str, wanted: str, product: str | None) -> str | None:
    """The contract a line names; "" when it is the symbol itself, None when it is another's."""
    if product is None:
        return "" if name in (wanted, wanted.replace("/", "-")) else None
    if name.lstrip("/") in (product, wanted.lstrip("/")):
        return wanted if contracts.parse(wanted) else ""
    contract = contracts.parse(name)
    return contract.short if contract and contract.product == product else None


def _length(kept: Sequence[tuple[Candle, _Line]]) -> int:
    """Seconds of a file's bars: the widest raster that all their starts lie on."""
    found = LENGTH
    for bar, _ in kept:
        found = gcd(found, bar.time // 1000)
    gaps = [after.time - before.time for (before, _), (after, _) in pairwise(kept)]
    if gaps and min(gaps) > LENGTH * 1000:
        raise SettingsError(
            f"{kept[0][1].path}: bars are {min(gaps) // 60_000} minutes apart; the strategy needs "
            f"bars of at most 15 minutes",
            "--bars",
        )
    return found


def _put(windows: dict[int, dict[int, dict[int, Candle]]], bar: Candle, line: _Line) -> None:
    window = bar.time - bar.time % (LENGTH * 1000)
    kept = windows.setdefault(window, {}).setdefault(bar.seconds, {})
    if kept.setdefault(bar.time, bar) != bar:
        raise SettingsError(
            f"{where(line.path, line.line, 'time')}: another file has a different bar of this "
            f"time; name one of the two"
        )
