"""Latest: the newest row of each symbol of one kind, kept as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any, Final

Row = tuple[Any, ...]

ROOMY: Final = 4  # rows kept per symbol before the outdated ones are thrown out
LEAST: Final = 2048  # rows that are kept in any case


class Latest(Mapping[str, Row]):
    """symbol -> (value of each field, arrival), read like a dictionary.

    width is the number of fields. Rows are appended to one list a field and a dictionary
    knows the newest of each symbol: no object is made for an event, which at 20,000 symbols
    is half of the time a dictionary of tuples takes. What a newer row replaced is thrown out
    once it outnumbers what counts.
    """

    __slots__ = ("_columns", "_place", "_room")

    def __init__(self, width: int) -> None:
        self._place: dict[str, int] = {}
        self._columns: list[list[Any]] = [[] for _ in range(width + 1)]
        self._room = LEAST

    def put(self, symbols: Sequence[str], columns: Sequence[Sequence[Any]], at: float) -> None:
        """Take rows: symbols[i] with columns[j][i]; of a symbol that occurs twice the last counts.

        Every column has as many values as there are symbols; the caller has seen to it.
        """
        own = self._columns
        count, start = len(symbols), len(own[-1])
        self._place.update(zip(symbols, range(start, start + count), strict=True))
        for kept, new in zip(own, columns, strict=False):
            kept.extend(new)
        own[-1].extend(repeat(at, count))
        if start + count > self._room:
            # More symbols than there were need more room before anything is thrown out.
            self._room = max(LEAST, ROOMY * len(self._place))
            if start + count > self._room:
                self._tidy()

    def get(self, symbol: str, default: Any = None) -> Any:
        """The newest row of a symbol."""
        place = self._place.get(symbol)
        return default if place is None else tuple([column[place] for column in self._columns])

    def __getitem__(self, symbol: str) -> Row:
        place = self._place[symbol]
        return tuple([column[place] for column in self._columns])

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._place

    def __iter__(self) -> Iterator[str]:
        return iter(self._place)

    def __len__(self) -> int:
        return len(self._place)

    def discard(self, symbol: str) -> None:
        """Forget a symbol, if it is there."""
        self._place.pop(symbol, None)

    def _tidy(self) -> None:
        """Keep the newest row of each symbol alone."""
        places = [*self._place.values()]
        if len(places) == 1:
            self._columns = [[column[places[0]]] for column in self._columns]
        elif places:
            newest = itemgetter(*places)
            self._columns = [[*newest(column)] for column in self._columns]
        else:
            self._columns = [[] for _ in self._columns]
        self._place = dict(zip(self._place, range(len(places)), strict=True))
