"""What pages ask of the studies: worked out when asked, of the chain the GEX report was made of."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grok_sauce.engine import Engine
from grok_sauce.errors import SettingsError, SourceError
from grok_sauce.market import sessions
from grok_sauce.market.instruments import normalise
from grok_sauce.market.listing import Listing, occ_of
from grok_sauce.market.prints import Tally
from grok_sauce.questions import Questions
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.storage import bars, database, gex_snapshots
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    from grok_sauce.analytics.gex_work import Item
    from grok_sauce.analytics.study_walls import WallDay

log = logging.getLogger(__name__)

TOPIC: Final = "gex.levels"
AGAIN: Final = 15.0  # seconds (real) for which an answer is given again
VIX: Final = "VIX"
LOOK_BACK: Final = 4000.0  # seconds of the VIX's minutes, more than its study looks at
SETTLED: Final = 60.0  # seconds after the open from which the day's walls are taken
SESSIONS: Final = 275  # looked back: as long as levels are kept
MINUTES: Final = 5  # of a session in which its walls must have been known


@dataclass(frozen=True, slots=True)
class _Copied:
    """What was read on the engine's thread."""

    item: Item | None
    text: str
    multiplier: float | None
    vix: tuple[tuple[float, float], ...]
    tape: Mapping[str, Tally]
    before: tuple[date, Mapping[str, Tally]] | None


class StudiesDesk:
    """Answers "studies": state is read on the engine, the rest is done beside the loop.

    path: the history file, for the wall study. symbols: underlyings whose chains are followed.
    """

    def __init__(
        self,
        engine: Engine,
        path: Path,
        clock: Clock,
        symbols: Callable[[], Sequence[str]],
    ) -> None:
        self._engine = engine
        self._path = path
        self._clock = clock
        self._symbols = symbols
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}
        self._days: dict[str, tuple[date, tuple[WallDay, ...]]] = {}

    def register(self, questions: Questions) -> None:
        """Answer "studies"."""
        questions.register("studies", self.studies)

    def studies(self, symbol: str) -> dict[str, Any]:
        """The report of one of the GEX symbols; see analytics.study_report.

        Raises:
            SettingsError: not one of them.
            SourceError: its options have not come yet, or the engine does not answer.
        """
        name = normalise(symbol, "symbol")
        if name not in self._symbols():
            raise SettingsError(
                f"studies are made of the GEX symbols only ({', '.join(self._symbols())})", "symbol"
            )
        known = self._kept.get(name)
        if known is not None and self._clock.monotonic() - known[0] < AGAIN:
            return known[1]
        now = self._clock.market()
        copied = self._engine.call(lambda: self._copy(name, now))
        if copied.item is None:
            raise SourceError(copied.text or f"the chain of {name} is loading")
        made: dict[str, Any] = concurrency.offload(self._work_out, name, now, copied)
        self._kept[name] = (self._clock.monotonic(), made)
        return made

    def _copy(self, symbol: str, now: float) -> _Copied:
        """On the engine's thread; the chain in it is one nobody changes."""
        state = self._engine.state
        listing = state.listings.get(symbol)
        item: Item | None = self._engine.kept(TOPIC).get("used", {}).get(f"{symbol}:all")
        future = None if listing is None else listing.future
        return _Copied(
            item,
            "" if listing is None else listing.detail,
            None if future is None else future.multiplier,
            self._vix(now),
            *self._tape(listing, now),
        )

    def _tape(
        self, listing: Listing | None, now: float
    ) -> tuple[Mapping[str, Tally], tuple[date, Mapping[str, Tally]] | None]:
        """Copies of the sums of prints, today's and those of the session before, by contract."""
        names = {} if listing is None else _contracts(listing)
        today, before = self._engine.state.tape.at(now)
        return (
            _renamed(today, names),
            None if before is None else (before[0], _renamed(before[1], names)),
        )

    def _vix(self, now: float) -> tuple[tuple[float, float], ...]:
        """Minutes of the VIX as (end of the minute or now, close)."""
        instrument = self._engine.state.instruments.get(VIX)
        series = self._engine.state.candles(VIX if instrument is None else instrument.streamer, "m")
        if series is None:
            return ()
        since = int((now - LOOK_BACK) * 1000)
        return tuple((min(now, bar.time / 1000 + 60), bar.close) for bar in series.bars(since))

    def _work_out(self, symbol: str, now: float, copied: _Copied) -> dict[str, Any]:
        from grok_sauce.analytics.study_report import Inputs, report

        item = copied.item
        assert item is not None
        return report(
            Inputs(
                symbol=symbol,
                now=now,
                chain=item.chain,
                rates=item.rates,
                conversion=item.conversion,
                multiplier=copied.multiplier,
                vix=copied.vix,
                tape=copied.tape,
                before=copied.before,
                days=self._wall_days(symbol, now),
            )
        )

    # ---- the wall study -----------------------------------------------------------------

    def _wall_days(self, symbol: str, now: float) -> tuple[WallDay, ...]:
        """Whole sessions before today's, read once a day."""
        today = sessions.session_date(now)
        known = self._days.get(symbol)
        if known is not None and known[0] == today:
            return known[1]
        connection = database.open_reader(self._path)
        if connection is None:
            return ()
        try:
            found = tuple(_read_days(connection, symbol, today))
        except sqlite3.Error as problem:
            log.warning("%s cannot be read for the wall study: %s", self._path, problem)
            return ()
        finally:
            connection.close()
        self._days[symbol] = (today, found)
        return found


def _contracts(listing: Listing) -> dict[str, str]:
    """Streamer symbol -> the contract's name in an OptionChain."""
    rows = zip(listing.streamers, listing.expiry, listing.strike, listing.is_call, strict=True)
    return {
        streamer: occ_of(listing.expiries[expiry], strike, is_call)
        for streamer, expiry, strike, is_call in rows
    }


def _renamed(tallies: Mapping[str, Tally], names: Mapping[str, str]) -> dict[str, Tally]:
    return {names[each]: replace(tally) for each, tally in tallies.items() if each in names}


def _read_days(connection: sqlite3.Connection, symbol: str, today: date) -> Iterator[WallDay]:
    """Sessions before today's of which walls of the first minutes and minute bars are kept."""
    from grok_sauce.analytics.study_walls import WallDay

    if not gex_snapshots.has_tables(connection):
        return
    for day in sessions.sessions_before(today, SESSIONS):
        opening, close = sessions.regular(day)
        first = int((opening + SETTLED) * 1000)
        minutes = gex_snapshots.read_levels(
            connection, symbol, first, first + MINUTES * gex_snapshots.MINUTE_MS
        )
        walls = next((one for one in minutes if one.state == "live"), None)
        if walls is None:
            continue
        prices = bars.read_bars(connection, symbol, int(opening * 1000), int(close * 1000))
        if prices:
            known_at = walls.as_of / 1000
            yield WallDay(day, prices, known_at, walls.call_wall, walls.put_wall)
