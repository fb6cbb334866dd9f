"""The planner joined to the options part: its chains, its context, its file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grok_sauce.desks.butterfly import ButterflyDesk, Context
from grok_sauce.desks.gex import GexDesk
from grok_sauce.engine import Engine
from grok_sauce.market import sessions
from grok_sauce.market.expiries import Expiry
from grok_sauce.market.listing import ListedChain
from grok_sauce.market.state import MarketState
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.storage.butterflies import Butterflies
from grok_sauce.storage.files import write_json
from grok_sauce.update import Update

if TYPE_CHECKING:
    from grok_sauce.analytics.forward import Rates
    from grok_sauce.market.chain import OptionChain


class ButterflyChains:
    """What butterfly_desk.Chains asks for, answered by the options part and the state."""

    def __init__(self, gex: GexDesk, engine: Engine) -> None:
        self._gex = gex
        self._engine = engine

    def symbols(self) -> Sequence[str]:
        """Underlyings to offer, in order; options on VIX are priced on its futures."""
        return [symbol for symbol in self._gex.symbols() if symbol != "VIX"]

    def listed(self, symbol: str) -> ListedChain | str:
        """Everything listed, or why nothing is known, in words."""
        found = self._gex.listed(symbol)
        return found if isinstance(found, ListedChain) else f"{found}."

    def chain(self, symbol: str, expiries: Collection[Expiry]) -> OptionChain | None:
        """What is followed of these expiries, as of now; None before anything is."""
        return self._gex.chain(symbol, expiries)

    def want_quotes(self, owner: str, symbol: str, contracts: Collection[str]) -> None:
        """Follow these contracts with quotes; none: nothing any more."""
        self._gex.want_quotes(owner, symbol, contracts)

    def rates(self, symbol: str) -> Rates:
        """Rate and dividend yield where quotes give no forward."""
        return self._gex.rates(symbol)

    def close(self, expiry: Expiry, symbol: str) -> float | None:
        """The close an afternoon expiry settled at: of that day, on it or on the next session."""
        return self._engine.call(partial(_close, self._engine.state, symbol, expiry))


def _close(state: MarketState, symbol: str, expiry: Expiry) -> float | None:
    listing, instrument = state.listings.get(symbol), state.instruments.get(symbol)
    known = listing.underlying if listing is not None else instrument
    summary = None if known is None else state.summary(known.streamer)
    if summary is None or summary.day_id is None:
        return None
    day = sessions.day_of(summary.day_id)
    if day == expiry.day:
        return summary.day_close
    if day > expiry.day and sessions.previous_session(day) == expiry.day:
        return summary.prev_close
    return None


def butterfly_desk(
    gex: GexDesk,
    engine: Engine,
    snapshot: Snapshot,
    publish: Callable[[Sequence[Update]], None],
    clock: Clock,
    data: Path,
    demo: bool,
) -> ButterflyDesk:
    """The desk over a process's parts. A demo begins without candidates: it is another market."""
    path = data / ("butterflies-demo.json" if demo else "butterflies.json")
    if demo:
        for leftover in data.glob(f"{path.name}*"):
            leftover.unlink(missing_ok=True)

    def write(path: Path, value: Any) -> None:
        concurrency.offload(write_json, path, value)

    def watched() -> list[tuple[str, str]]:
        kept = gex.views.kept()
        return [
            (each.symbol, each.view) for each in kept if each.page == "butterfly" and each.watched
        ]

    context = Context(
        lambda symbol: snapshot.get("indicator.rows", symbol),
        lambda symbol: snapshot.get("gex.levels", f"{symbol}:all"),
    )
    chains = ButterflyChains(gex, engine)
    return ButterflyDesk(chains, context, Butterflies(path, write), publish, watched, clock)
