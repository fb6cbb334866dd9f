"""Cboe's quote-table CSV, as exported and as spreadsheets leave it: OptionChain out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from grok_sauce.errors import BadPayload, SettingsError
from grok_sauce.market.chain import OptionChain
from grok_sauce.market.instruments import normalise, underlying_of
from grok_sauce.pollers.cboe_columns import Columns, Head
from grok_sauce.pollers.cboe_dates import parse_date_line
from grok_sauce.pollers.cboe_numbers import Decimals, conventions, rounding
from grok_sauce.values import dataclass

SOURCE: Final = "Cboe CSV"
_FIRST: Final = "expiration date"
_NUMBERS: Final = {
    "bid": "bid", "ask": "ask", "volume": "volume", "iv": "iv", "delta": "delta",
    "gamma": "gamma", "oi": "open interest",
}  # fmt: skip
_SIDES: Final = ("calls", "puts")
_HEADER_ROWS: Final = 50  # rows in which the header is looked for
# How far scientific notation may have rounded a number: to what Cboe writes, no more.
_ROUNDED: Final = {"oi": 0.5, "volume": 0.5, "bid": 0.05, "ask": 0.05}
_ROUNDED_GREEK: Final = 0.5e-4
_EXPONENT: Final = re.compile(r"\d[eE][-+]?\d")
_LAST: Final = re.compile(
    r"Last: *([-\d., \u00a0\u202f\u2009'’]*\d) *(?=[\"\t;,]|$)", re.MULTILINE | re.IGNORECASE
)
_DATE: Final = re.compile(r"Date: *(.+?) *(?=\"|[,;\t] *\"? *Bid:|$)", re.MULTILINE | re.IGNORECASE)

Row = tuple[int, list[str]]  # line number, cells


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the header is and what stands in which column."""

    row: int  # line number
    delimiter: str
    width: int
    expiration: int
    strike: int
    symbols: dict[str, int]  # side -> column
    numbers: dict[str, dict[str, int]]  # side -> number -> column


def parse_csv(
    content: bytes, *, as_of: float | None = None, symbol: str | None = None
) -> OptionChain:
    """The chain of a `quotedata.csv`.

    as_of: Unix time to look at the chain; without it the file's date line, where it can be
    read. symbol: the underlying, without it from the roots. Symbols tell expiry, side and
    strike; the cells that repeat them must agree. An empty cell is unknown.

    Raises:
        BadPayload: naming row (the line of the file) and column; also when no time is known,
            the message then asks for --as-of.
    """
    lines = _text(content).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    layout = _layout(lines)
    rows = list(_rows(lines, layout))
    numbers = _decimals(rows, layout)
    columns = Columns(SOURCE)
    for number, side in enumerate(_SIDES):
        _add_side(columns, rows, layout, side, "CP"[number], numbers)
    _check_strikes(rows, layout, numbers)
    above = "\n".join(lines[: layout.row - 1])
    head = Head(_underlying(symbol), _spot(above, columns), _file_time(above))
    return columns.chain(head, as_of, "FILE")


def _text(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise BadPayload(f"{SOURCE}: no UTF-16 text; cut off?") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")  # names only; all that counts is ASCII


def _cells(line: str, delimiter: str) -> list[str]:
    # Line by line: one quote that is never closed must not swallow the rest of the file.
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error as problem:
        raise BadPayload(f"{SOURCE}: {problem}") from None


def _layout(lines: Sequence[str]) -> _Layout:
    for number, line in enumerate(lines[:_HEADER_ROWS], start=1):
        if "expiration" not in line.casefold():
            continue
        for delimiter in (",", ";", "\t"):
            names = [" ".join(cell.casefold().split()) for cell in _cells(line, delimiter)]
            if _FIRST in names:
                return _columns_of(names, number, delimiter)
    raise BadPayload(f"{SOURCE}: no header row that begins with Expiration Date, Calls")


def _columns_of(names: list[str], row: int, delimiter: str) -> _Layout:
    def place(name: str, start: int, stop: int) -> int:
        if name not in names[start:stop]:
            raise BadPayload(f"{SOURCE}, row {row}: the header has no column {name!r}")
        return names.index(name, start, stop)

    while names and not names[-1]:
        names.pop()
    end = len(names)
    calls, strike, puts = (place(name, 0, end) for name in ("calls", "strike", "puts"))
    spans = {"calls": (calls, puts), "puts": (puts, end)}
    if not calls < puts:
        raise BadPayload(f"{SOURCE}, row {row}: Puts stand before Calls")
    return _Layout(
        row,
        delimiter,
        end,
        place(_FIRST, 0, end),
        strike,
        {"calls": calls, "puts": puts},
        {
            side: {name: place(word, *spans[side]) for name, word in _NUMBERS.items()}
            for side in _SIDES
        },
    )


def _rows(lines: Sequence[str], layout: _Layout) -> Iterator[Row]:
    for number, line in enumerate(lines[layout.row :], start=layout.row + 1):
        cells = _cells(line, layout.delimiter)
        if not any(cells):
            continue
        if len(cells) < layout.width or any(cells[layout.width :]):
            raise BadPayload(
                f"{SOURCE}, row {number}: {len(cells)} cells where the header has {layout.width}"
            )
        yield number, cells


# ---- numbers ----------------------------------------------------------------------------


def _places(layout: _Layout) -> list[int]:
    sides = [list(layout.numbers[side].values()) for side in _SIDES]
    return sorted([layout.strike, *sides[0], *sides[1]])


def _decimals(rows: Iterable[Row], layout: _Layout) -> Decimals:
    """Which sign is the decimal one: what all numbers of the file agree with."""
    places = _places(layout)
    texts = {cells[place]: None for _, cells in rows for place in places}  # in order, each once
    failed = conventions(texts)
    possible = [decimal for decimal, text in failed.items() if text is None]
    separated = [text for text in texts if "." in text or "," in text]
    if len(possible) == 1 or (possible and not separated):
        return Decimals(possible[0])
    wrong = separated[0] if possible else _latest(texts, failed)
    number, place = next(
        (number, place) for number, cells in rows for place in places if cells[place] == wrong
    )
    where = f"{SOURCE}, row {number}, {_name(layout, place)}"
    if possible:
        raise BadPayload(f"{where}: {wrong!r} may be a thousand or a fraction; export it anew")
    raise BadPayload(f"{where}: {wrong[:40]!r} is no number")


def _latest(texts: Iterable[str], failed: dict[str, str | None]) -> str:
    """The text that breaks the convention which held longest."""
    found = [text for text in texts if text in failed.values()]
    return found[-1]


def _name(layout: _Layout, place: int) -> str:
    for side in _SIDES:
        for name, column in layout.numbers[side].items():
            if column == place:
                return f"{_NUMBERS[name]} of {side}"
    return "strike"


def _add_side(
    columns: Columns, rows: Sequence[Row], layout: _Layout, side: str, right: str, read: Decimals
) -> None:
    place = layout.symbols[side]
    numbers = layout.numbers[side]
    used: list[Row] = []
    for number, cells in rows:
        symbol = cells[place]
        if not symbol and not any(cells[column] for column in numbers.values()):
            continue  # a strike listed on one side only
        if symbol[-9:-8] != right:
            raise columns.wrong(number, side, f"{symbol[:40]!r} is no symbol of {side}")
        columns.add(symbol, number, side)
        used.append((number, cells))
    where = [number for number, _ in used]
    for name, column in numbers.items():
        values = [read.read(cells[column]) for _, cells in used]
        columns.fill(name, values, where, f"{_NUMBERS[name]} of {side}")
        _check_rounding(columns, used, name, column, side, read)
    for name in ("theta", "vega"):
        columns.fill(name, [None] * len(used), where)


def _check_rounding(
    columns: Columns, rows: Iterable[Row], name: str, place: int, side: str, read: Decimals
) -> None:
    """1.28E+04 contracts may have been 12,753: a spreadsheet has thrown the rest away."""
    allowed = _ROUNDED.get(name, _ROUNDED_GREEK) * (1 + 1e-9)
    for number, cells in rows:
        text = cells[place]
        if _EXPONENT.search(text) and rounding(text, read.decimal) > allowed:
            column = f"{_NUMBERS[name]} of {side}"
            raise columns.wrong(number, column, f"{text!r} was rounded by a spreadsheet")


def _check_strikes(rows: Iterable[Row], layout: _Layout, read: Decimals) -> None:
    """The strike cell and the expiry cell must say what the symbols say."""
    days: dict[str, str | None] = {}
    for number, cells in rows:
        text = cells[layout.strike]
        given = read.read(text)
        day = cells[layout.expiration]
        if day not in days:
            days[day] = _day(day)
        for side, place in layout.symbols.items():
            symbol = cells[place]
            if not symbol:
                continue
            strike = int(symbol[-8:]) / 1000
            off = rounding(text, read.decimal) if _EXPONENT.search(text) else 0.0
            if given is not None and abs(given - strike) > off + 1e-6:  # an empty cell is NaN
                raise BadPayload(
                    f"{SOURCE}, row {number}, strike: {text!r} is not that of {symbol} ({side})"
                )
            if days[day] is not None and days[day] != symbol[-15:-9]:
                raise BadPayload(
                    f"{SOURCE}, row {number}, expiration date: {day!r} is not that of {symbol}"
                )


def _day(text: str) -> str | None:
    """Cboe's own spelling of a date as YYMMDD; None for a spreadsheet's, which can be any."""
    try:
        return datetime.strptime(text, "%a %b %d %Y").strftime("%y%m%d")  # noqa: DTZ007
    except ValueError:
        return None


# ---- above the header -------------------------------------------------------------------


def _spot(above: str, columns: Columns) -> float:
    """The price behind "Last:"; of 450.815 and 450,815 the reading that goes with the strikes."""
    found = _LAST.search(above)
    if found is None:
        raise BadPayload(f"{SOURCE}: no 'Last:' above the header, so no price of the underlying")
    text = found[1].strip()
    readings = {Decimals(decimal).read(text) for decimal in ".,"}
    prices = [price for price in readings if price is not None and columns.spot_fits(price)]
    if len(prices) != 1:
        raise BadPayload(f"{SOURCE}, Last: {text!r} is no price that goes with the strikes")
    return prices[0]


def _file_time(above: str) -> float | None:
    found = _DATE.search(above)
    return None if found is None else parse_date_line(found[1])


def _underlying(symbol: str | None) -> str:
    if symbol is None:
        return ""
    try:
        return underlying_of(normalise(symbol))
    except SettingsError as problem:
        raise BadPayload(f"{SOURCE}: {problem}") from None
