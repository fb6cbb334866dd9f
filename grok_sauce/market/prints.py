"""Prints: trades as TimeAndSale tells them, and a tape that adds them up by aggressor.

Print.of(symbol, row, at) -> Print | None        a row of FIELDS["TimeAndSale"]
Tape().put(print) -> bool                        sums per contract, of one trading day
tape.tallies[symbol] -> Tally;  tape.day;  tape.before -> the day before, whole
tape.at(now) -> (sums of the day of now, the day before and its sums)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from datetime import date, timedelta
from math import inf
from typing import Any, Final, Literal

from grok_sauce.errors import BadPayload
from grok_sauce.market import sessions
from grok_sauce.market.events import Row, amount, moment, number, whole
from grok_sauce.values import dataclass

Side = Literal[1, 0, -1]
What = Literal["NEW", "CORRECTION", "CANCEL"]

ROLL: Final = 17  # New York hour from which a print belongs to the next session
MEMORY: Final = 256  # prints of one contract that can still be corrected or come twice
_REMOVE: Final = 0x2  # bit of eventFlags: the event of this index is gone
FORMAT: Final = 1  # of what is saved
_SIDES: Final[dict[Any, Side]] = {"BUY": 1, "SELL": -1}
_WHATS: Final[dict[Any, What]] = {"CORRECTION": "CORRECTION", "CANCEL": "CANCEL"}


@dataclass(frozen=True, slots=True)
class Print:
    """One trade of one instrument.

    index: its identity among those of the symbol; a correction or cancellation has that of
    the print it is about. time: Unix seconds by the exchange, by arrival where it gave none.
    price: None where the feed says not to use it. size: contracts or shares. side: 1 when the
    buyer was the aggressor, -1 the seller, 0 when the feed does not say. is_leg: of a spread,
    whose own aggressor the side then is.
    """

    symbol: str
    index: int
    time: float
    price: float | None
    size: float
    side: Side
    is_leg: bool
    what: What

    @classmethod
    def of(cls, symbol: str, row: Row, at: float) -> Print | None:
        """Read a row of FIELDS["TimeAndSale"] that arrived at `at`; None where it is no print.

        >>> row = (0, 7235129486797176832, 1684559855338, 4.1, 3.0, "SELL", False, True, "NEW")
        >>> found = Print.of(".SPXW230520C4200", row, 1684559855.5)
        >>> found.side, found.size, found.time
        (-1, 3.0, 1684559855.338)
        >>> Print.of("SPY", (0, 1, 0, 4.1, "NaN", "BUY", False, True, "NEW"), 0.0) is None
        True
        """
        flags, index, time, price, size, side, leg, valid, what = row
        identity, contracts = whole(index), amount(size)
        if identity is None or contracts is None:
            return None
        said = moment(time)
        is_gone = bool((whole(flags) or 0) & _REMOVE)
        known = _WHATS.get(what, "NEW") if isinstance(what, str) else "NEW"
        return cls(
            symbol,
            identity,
            at if said is None else said / 1000,
            None if valid is False else number(price),
            contracts,
            _SIDES.get(side, 0) if isinstance(side, str) else 0,
            leg is True,
            "CANCEL" if is_gone else known,
        )


@dataclass(slots=True)
class Tally:
    """What traded of one contract, in contracts: bought, sold (by aggressor), unclassified.

    legs: how many of all these were legs of spreads. prints: how many trades. first, last:
    Unix seconds. lost: corrections of prints too old to be known, which are not in the sums.
    opening: the open interest that was published when the last of them came, None unknown.
    """

    buy: float = 0.0
    sell: float = 0.0
    unclassified: float = 0.0
    legs: float = 0.0
    prints: int = 0
    first: float = inf
    last: float = -inf
    lost: int = 0
    opening: int | None = None

    @property
    def traded(self) -> float:
        """All contracts seen."""
        return self.buy + self.sell + self.unclassified

    @property
    def net(self) -> float:
        """Bought less sold."""
        return self.buy - self.sell

    def add(self, one: Print, times: Literal[1, -1] = 1) -> None:
        """Count a print, or take it back."""
        size = times * one.size
        if one.side > 0:
            self.buy += size
        elif one.side < 0:
            self.sell += size
        else:
            self.unclassified += size
        self.legs += size if one.is_leg else 0.0
        self.prints += times
        if times > 0:
            self.first, self.last = min(self.first, one.time), max(self.last, one.time)


_NAMES: Final = tuple(each.name for each in fields(Tally))


@dataclass(slots=True)
class _Line:
    tally: Tally = field(default_factory=Tally)
    recent: dict[int, Print] = field(default_factory=dict)
    oldest: int | None = None  # largest index that was forgotten: older ones are not told apart


class Tape:
    """Every print counted once, in sums per contract of one trading day.

    A day of New York's options ends at 17:00: what trades that night belongs to the next
    session. With the first print of a new day the sums move to `before` and begin at 0. A
    print that comes twice (a reconnect) counts once; a correction replaces, a cancellation
    removes the print of its index, as long as that is among the last 256 of its contract.
    saved() and restore() carry the sums over a restart; what traded between is missing.
    """

    def __init__(self) -> None:
        self.day: date | None = None
        self.before: tuple[date, Mapping[str, Tally]] | None = None
        self._lines: dict[str, _Line] = {}
        self._span = (inf, -inf)

    @property
    def tallies(self) -> Mapping[str, Tally]:
        """Sums of the day by symbol; a symbol without prints is not in it."""
        return {symbol: line.tally for symbol, line in self._lines.items()}

    def tally(self, symbol: str) -> Tally | None:
        """Sums of one symbol; None without prints."""
        line = self._lines.get(symbol)
        return None if line is None else line.tally

    def at(self, now: float) -> tuple[Mapping[str, Tally], tuple[date, Mapping[str, Tally]] | None]:
        """(sums of the day that now belongs to, the newest day before it that has any)."""
        if self.day is not None and now >= self._span[1]:
            return {}, (self.day, self.tallies)
        return self.tallies, self.before

    def put(self, one: Print) -> bool:
        """Count a print; False where it changes nothing: known, or of a day that is over."""
        if one.time >= self._span[1]:
            self._roll(one.time)
        elif one.time < self._span[0]:
            return False
        line = self._lines.get(one.symbol)
        if line is None:
            line = self._lines[one.symbol] = _Line()
        return _take(line, one)

    def saved(self) -> dict[str, Any] | None:
        """What restore() takes, as JSON can hold it; None while there is nothing."""
        if self.day is None:
            return None
        before = self.before
        return {
            "format": FORMAT,
            "day": self.day.isoformat(),
            "tallies": {symbol: _row(tally) for symbol, tally in self.tallies.items()},
            "before": None
            if before is None
            else {
                "day": before[0].isoformat(),
                "tallies": {symbol: _row(tally) for symbol, tally in before[1].items()},
            },
        }

    def restore(self, kept: Any) -> bool:
        """Go on from what was saved; False where there are prints already.

        Raises:
            BadPayload: that is not what saved() wrote; the tape stays empty.
        """
        if self.day is not None:
            return False
        try:
            if kept["format"] != FORMAT:
                raise ValueError(f"format {kept['format']!r}")
            day = date.fromisoformat(kept["day"])
            own = {symbol: _Line(_tally(row)) for symbol, row in kept["tallies"].items()}
            last = kept["before"]
            before = last and (
                date.fromisoformat(last["day"]),
                {symbol: _tally(row) for symbol, row in last["tallies"].items()},
            )
            span = _span_of(day)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise BadPayload(f"sums of prints cannot be read: {problem}") from None
        self.day, self._span, self._lines, self.before = day, span, own, before
        return True

    def forget(self, symbol: str) -> None:
        """Drop the sums of a symbol that nobody follows: with a hole in them they say nothing."""
        self._lines.pop(symbol, None)

    def _roll(self, time: float) -> None:
        day, since, until = _day_of(time)
        if self.day is not None:
            self.before = (self.day, self.tallies)
        self.day, self._span, self._lines = day, (since, until), {}


def _take(line: _Line, one: Print) -> bool:
    known = line.recent.get(one.index)
    if known is None and line.oldest is not None and one.index <= line.oldest:
        line.tally.lost += one.what != "NEW"
        return False
    if one.what == "CANCEL":
        if known is None:
            return False
        line.tally.add(line.recent.pop(one.index), -1)
        return True
    if known is not None:
        if one.what == "NEW" or known == one:
            return False
        line.tally.add(known, -1)
    line.recent[one.index] = one
    line.tally.add(one)
    if len(line.recent) > MEMORY:
        first = min(line.recent)
        del line.recent[first]
        line.oldest = first if line.oldest is None else max(line.oldest, first)
    return True


def _day_of(time: float) -> tuple[date, float, float]:
    """The session a moment's prints belong to, and the first and last instant of that."""
    clock = sessions.new_york(time)
    day = clock.date() + timedelta(days=clock.hour >= ROLL)
    if not sessions.is_session(day):
        day = sessions.next_session(day)
    return day, *_span_of(day)


def _span_of(day: date) -> tuple[float, float]:
    before = sessions.previous_session(day)
    return sessions.instant(before, ROLL), sessions.instant(day, ROLL)


def _row(tally: Tally) -> list[float | int | None]:
    """A tally as numbers in the order of its fields; those of one without prints are None."""
    values: list[float | int | None] = [getattr(tally, name) for name in _NAMES]
    return [None if value is not None and abs(value) == inf else value for value in values]


def _tally(row: Any) -> Tally:
    """Raises ValueError or TypeError where that is none."""
    values = dict(zip(_NAMES, row, strict=True))
    for name in ("buy", "sell", "unclassified", "legs"):
        clean = amount(values[name])
        if clean is None:
            raise ValueError(f"{name} of {values[name]!r} contracts")
        values[name] = clean
    first, last = number(values["first"]), number(values["last"])
    values["first"], values["last"] = (
        inf if first is None else first,
        -inf if last is None else last,
    )
    values["prints"], values["lost"] = int(values["prints"]), int(values["lost"])
    values["opening"] = whole(values["opening"])
    return Tally(**values)
