"""Cboe's delayed chains: settings, parse, and the worker that fetches them on a schedule.

parse_json(content, now, as_of=None) -> OptionChain     a `_SPX.json` body
parse_csv(content, as_of=None, symbol=None) -> OptionChain     a `quotedata.csv`
read_chain_file(path, as_of=None) -> OptionChain        a file of either form
CboePoller(settings, http, clock, sink, store_dir, status, symbols)

Nothing here loads numpy before the first chain is read.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grok_sauce.errors import BadPayload, SourceError
from grok_sauce.http import Http, HttpStatus, Unreachable
from grok_sauce.market.batches import Batch
from grok_sauce.market.instruments import normalise
from grok_sauce.market.sessions import new_york
from grok_sauce.pollers import cboe_schedule as schedule
from grok_sauce.pollers.cboe_fetch import REFUSED, TOO_MANY, CboeSettings, CboeSource, beside
from grok_sauce.pollers.cboe_store import CboeStore
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus

if TYPE_CHECKING:
    from grok_sauce.market.chain import OptionChain

__all__ = ["CboePoller", "CboeSettings", "parse_csv", "parse_json", "read_chain_file"]

log = logging.getLogger(__name__)
UNKNOWN: Final = "no chain of this name (403)"
_LEAST: Final = 20.0  # real seconds between two pulls of a symbol, however fast the market runs
_GLANCE: Final = 0.25  # real seconds between two looks whether somebody asks at once
_LOOK: Final = 5.0  # real seconds between two looks at what is wanted
_BETWEEN: Final = 1.0  # real seconds between two symbols
_UNKNOWN: Final = 6 * 3600.0  # market seconds until a symbol answered with 403 is asked again


def parse_json(
    content: bytes | Mapping[str, Any], now: float | None = None, *, as_of: float | None = None
) -> OptionChain:
    """The chain of a `delayed_quotes/options/SYM.json` body; see cboe_json.parse_json."""
    from grok_sauce.pollers import cboe_json

    return cboe_json.parse_json(content, now, as_of=as_of)


def parse_csv(
    content: bytes, *, as_of: float | None = None, symbol: str | None = None
) -> OptionChain:
    """The chain of a `quotedata.csv`; see cboe_csv.parse_csv."""
    from grok_sauce.pollers import cboe_csv

    return cboe_csv.parse_csv(content, as_of=as_of, symbol=symbol)


def read_chain_file(path: str | Path, as_of: float | None = None) -> OptionChain:
    """The chain of a .json, .csv or .gz file, told by its content; see cboe_file."""
    from grok_sauce.pollers import cboe_file

    return cboe_file.read_chain_file(path, as_of)


class CboePoller:
    """Worker "cboe": hands over whole chains as Batch("CboeChain", [symbol], ([chain],), at).

    symbols() names the underlyings wanted now (none: switched off); settings.symbols goes
    before it. store_dir is the data folder, None to keep nothing (a demo). What was kept is
    handed over first, with its own time. The schedule runs in market time.
    """

    name = "cboe"
    tells_outages = True

    def __init__(
        self,
        settings: CboeSettings,
        http: Http,
        clock: Clock,
        sink: Callable[[Batch], None],
        store_dir: Path | None,
        status: SourceStatus | None,
        symbols: Callable[[], Iterable[str]],
    ) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._sink = sink
        self._store = None if store_dir is None else CboeStore(store_dir / "cboe")
        self._source = CboeSource(settings, http, self._store)
        self.status = status or SourceStatus("cboe", "Cboe")
        self._fixed = tuple(normalise(symbol, "CBOE_SYMBOLS") for symbol in settings.symbols)
        self._symbols = symbols
        self._tried: dict[str, float] = {}  # symbol -> market time of the last pull
        self._asked: dict[str, float] = {}  # symbol -> monotonic time of it
        self._as_of: dict[str, float] = {}  # symbol -> time of the prices held
        self._faults: dict[str, str] = {}  # symbol -> what was wrong with its last answer
        self._loaded: set[str] = set()
        self._urgent: set[str] = set()  # asked for by somebody since the last look
        self._pressed: set[str] = set()  # of this look
        self._down = False

    def ask_now(self, symbol: str) -> bool:
        """Pull a symbol at the next look, though it is not due; any thread.

        False: it is not followed, or was pulled in the last 20 s of real time.
        """
        asked = self._asked.get(symbol)
        if asked is not None and self._clock.monotonic() - asked < _LEAST:
            return False
        if symbol not in self._wanted():
            return False
        self._urgent.add(symbol)
        return True

    def run(self, stop: threading.Event) -> None:
        """Pull what is due until stop is set.

        Raises:
            SourceError: neither host answers; the supervisor tries again.
        """
        while not stop.is_set():
            self._pressed, self._urgent = self._urgent, set()
            for symbol in self._wanted():
                self._reuse(symbol)
                if self._is_due(symbol):
                    self._pull(symbol)
                    self._tell()
                    if stop.wait(_BETWEEN):
                        return
            self._tell()
            self._rest(stop)

    def _rest(self, stop: threading.Event) -> None:
        """Until the next look; shorter when somebody asks."""
        until = self._clock.monotonic() + _LOOK
        while not self._urgent and not stop.wait(_GLANCE):
            if self._clock.monotonic() >= until:
                return

    # ---- when ----------------------------------------------------------------------------

    def _wanted(self) -> list[str]:
        """Underlyings that can have a chain here, each once, in order."""
        given = self._fixed or self._symbols()
        return [symbol for symbol in dict.fromkeys(given) if not symbol.startswith("/")]

    def _is_due(self, symbol: str) -> bool:
        asked = self._asked.get(symbol)
        if asked is not None and self._clock.monotonic() - asked < _LEAST:
            return False
        if symbol in self._pressed:
            return True
        now, tried = self._clock.market(), self._tried.get(symbol)
        if tried is not None and self._is_unknown(symbol):
            return now - tried >= _UNKNOWN
        return schedule.due(now, tried, self._settings.interval) <= now

    def _is_unknown(self, symbol: str) -> bool:
        """Refused while others are served: then it is the name, not us."""
        refused = self._faults.get(symbol) == UNKNOWN
        return refused and symbol not in self._as_of and bool(self._as_of)

    def _reuse(self, symbol: str) -> None:
        """Begin with what was kept, and do not ask again before its time."""
        if self._store is None or symbol in self._loaded:
            return
        self._loaded.add(symbol)
        found = beside(self._store.load, symbol, self._clock.market())
        if found is None:
            return
        chain, written = found
        age = max(0.0, self._clock.real() - written)
        self._tried[symbol] = self._clock.market() - age * self._clock.speed
        self._hand_over(symbol, chain)

    # ---- one pull ------------------------------------------------------------------------

    def _pull(self, symbol: str) -> None:
        now = self._clock.market()
        self._asked[symbol] = self._clock.monotonic()
        try:
            chain = self._source.fetch(symbol, now)
        except (Unreachable, HttpStatus) as problem:
            code = problem.status if isinstance(problem, HttpStatus) else None
            if code in (REFUSED, TOO_MANY):
                self._answered(symbol, now)
                self._fault(symbol, UNKNOWN if code == REFUSED else "asked too often (429)")
                return
            self._lost(problem)
            raise
        except BadPayload as problem:
            self._answered(symbol, now)
            self._fault(symbol, str(problem))
            return
        self._answered(symbol, now)
        self._faults.pop(symbol, None)
        self._hand_over(symbol, chain)

    def _answered(self, symbol: str, now: float) -> None:
        self._tried[symbol] = now
        if self._down:
            self._down = False
            log.info("Cboe: back")

    def _hand_over(self, symbol: str, chain: OptionChain) -> None:
        if chain.as_of < self._as_of.get(symbol, 0.0):
            return  # a host that lags behind must not take back what is known
        self._as_of[symbol] = chain.as_of
        self.status.events += 1
        self.status.last_event = self._clock.real()
        self._sink(Batch("CboeChain", [symbol], ([chain],), self._clock.market()))

    # ---- what it says of itself ----------------------------------------------------------

    def _fault(self, symbol: str, text: str) -> None:
        if self._faults.get(symbol) != text:
            log.warning("Cboe: %s: %s", symbol, text)
        self._faults[symbol] = text
        self.status.failed(f"{symbol}: {text}", self._clock.real())

    def _lost(self, problem: SourceError) -> None:
        if not self._down:
            log.warning("Cboe: lost: %s", problem)
        self._down = True
        self.status.failed(str(problem), self._clock.real())
        self._tell()

    def _tell(self) -> None:
        """State and detail from the prices held; the oldest decides."""
        wanted = self._wanted()
        status, now = self.status, self._clock.market()
        status.facts["symbols"] = len(wanted)
        status.facts["chains"] = sum(symbol in self._as_of for symbol in wanted)
        if not wanted:
            status.state, status.detail = "off", "no symbols are asked for"
            return
        if self._down:
            status.state, status.detail = "backoff", f"no answer; {self._prices(wanted)}"
            return
        faults = [
            f"{symbol}: {self._faults[symbol]}" for symbol in wanted if symbol in self._faults
        ]
        held = [self._as_of[symbol] for symbol in wanted if symbol in self._as_of]
        if not held and not faults:
            status.state, status.detail = "connecting", ""
            return
        late = [at for at in held if schedule.is_late(now, at, self._settings.interval)]
        status.state = "stale" if late or len(faults) == len(wanted) else "live"
        status.detail = "; ".join([self._prices(wanted), *faults])

    def _prices(self, wanted: Iterable[str]) -> str:
        """How old the prices are, in words."""
        held = [self._as_of[symbol] for symbol in wanted if symbol in self._as_of]
        if not held:
            return "no chain yet"
        now, oldest = self._clock.market(), min(held)
        shown = f"{new_york(oldest):%Y-%m-%d %H:%M}"
        if schedule.is_late(now, oldest, self._settings.interval):
            return f"prices of {shown} New York, which should be newer"
        if schedule.is_frozen(now, oldest):
            return f"closing prices of {shown[:10]}"
        return f"{max(0, round((now - oldest) / 60))}m delayed"
