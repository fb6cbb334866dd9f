"""The options part joined: chains, views, Cboe's files, and what pages ask of GEX."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from grok_sauce.analytics.gex_live import GexWishes, RateWishes
from grok_sauce.clients.tastytrade import chain_day, read_chain
from grok_sauce.controls import Controls
from grok_sauce.engine import Engine
from grok_sauce.errors import SettingsError, SourceError
from grok_sauce.feeds.dxlink import DxLinkFeed
from grok_sauce.following.chain_watch import ChainWatch, reason_of
from grok_sauce.following.views import Views
from grok_sauce.http import Http
from grok_sauce.market.batches import Batch
from grok_sauce.market.instruments import Instrument, normalise, provisional
from grok_sauce.market.listing import ListedChain
from grok_sauce.market.window import rough_price
from grok_sauce.pollers.cboe import CboePoller
from grok_sauce.publishers.pages import is_view
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.questions import Questions
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.runtime.worker import Worker
from grok_sauce.settings import Settings, knob
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    from grok_sauce.analytics.forward import Rates
    from grok_sauce.analytics.gex_work import Item
    from grok_sauce.market.chain import OptionChain
    from grok_sauce.market.expiries import Expiry

log = logging.getLogger(__name__)

TOPIC: Final = "gex.levels"
ASSUMED_RATE: Final = 0.04
PATIENCE: Final = 4.0  # seconds a question waits for a view that nobody had open
GAMMAS: Final = ("model", "feed", "file")
UNITS: Final = ("pct", "point")


@dataclass(frozen=True, slots=True)
class GexSettings:
    """GEX_*: what carries a spot to its forward where quotes do not tell."""

    ENV: ClassVar[dict[str, str]] = {"rate": "GEX_RATE", "yields": "GEX_DIVIDEND_YIELDS"}

    rate: float | None = knob(None, low=-0.05, high=0.5)  # a year, continuous; None: assumed
    yields: tuple[str, ...] = ("SPX=0.012", "SPY=0.012", "NDX=0.007", "QQQ=0.006", "IWM=0.012",
                               "RUT=0.013", "DIA=0.016")  # fmt: skip

    def wishes(self) -> RateWishes:
        """As the analytics take them.

        Raises:
            SettingsError: a dividend yield that is not SYMBOL=fraction.
        """
        found: dict[str, float] = {}
        for pair in self.yields:
            symbol, _, text = pair.partition("=")
            try:
                value = float(text)
            except ValueError:
                value = float("nan")
            if not -0.05 <= value <= 0.5:
                raise SettingsError(
                    f"GEX_DIVIDEND_YIELDS must be pairs like SPY=0.012, not {pair!r}",
                    "GEX_DIVIDEND_YIELDS",
                )
            found[normalise(symbol, "GEX_DIVIDEND_YIELDS")] = value
        if self.rate is None:
            return RateWishes(ASSUMED_RATE, "assumed", None, found)
        return RateWishes(self.rate, "setting", None, found)


class Records(Protocol):
    """What is asked of the broker: clients.tastytrade.Tastytrade."""

    def chain_body(self, underlying: str) -> bytes: ...
    def resolve(self, user_symbol: str, now: float) -> Instrument: ...


class _Broker:
    """The broker as ChainWatch asks it: answers are read beside the loop."""

    def __init__(self, broker: Records, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock

    def listed(self, symbol: str) -> ListedChain:
        body = self._broker.chain_body(symbol)
        return concurrency.offload(read_chain, symbol, body)

    def front_month(self, symbol: str) -> Instrument:
        return self._broker.resolve(symbol, self._clock.market())

    def day_of(self, now: float) -> str:
        return chain_day(now)


class _Market:
    """The market state as ChainWatch asks it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def instrument(self, symbol: str) -> Instrument:
        return self._engine.state.instruments.get(symbol) or provisional(symbol)

    def prices(self, streamers: Sequence[str]) -> Mapping[str, float | None]:
        state = self._engine.state
        return self._engine.call(lambda: {name: rough_price(state, name) for name in streamers})


class GexDesk:
    """Everything about options between the feed and the pages' questions."""

    def __init__(
        self,
        engine: Engine,
        feed: DxLinkFeed,
        broker: Records,
        snapshot: Snapshot,
        clock: Clock,
        rates: GexSettings,
    ) -> None:
        self._engine = engine
        self._snapshot = snapshot
        self._clock = clock
        self._rates = rates.wishes()
        self._settings: Settings | None = None
        self.views = Views(clock, self._changed)
        self.status = SourceStatus("chains", "Option chains")
        self.chains = ChainWatch(
            _Broker(broker, clock),
            feed,
            engine.put,
            _Market(engine),
            self.views,
            clock,
            self.status,
            warm_up,
        )
        self._cboe_status = SourceStatus("cboe", "Cboe")
        self.cboe: CboePoller | None = None
        self._also: tuple[str, ...] = ()

    # ---- joining ------------------------------------------------------------------------

    def add_cboe(
        self, make: Callable[[SourceStatus, Callable[[], Iterable[str]]], CboePoller]
    ) -> None:
        """Let Cboe's delayed files tell of whole chains."""
        self.cboe = make(self._cboe_status, self._cboe_symbols)

    def also_cboe(self, symbols: Iterable[str]) -> None:
        """Have Cboe's files of these too, whatever the settings follow."""
        self._also = tuple(symbols)

    def leave_cboe(self, why: str) -> None:
        """Do without them."""
        self._cboe_status.state, self._cboe_status.detail = "off", why

    @property
    def sources(self) -> list[SourceStatus]:
        """What /status shows of it."""
        return [self.status, self._cboe_status]

    @property
    def workers(self) -> list[Worker]:
        """What the supervisor must run."""
        return [self.chains] if self.cboe is None else [self.chains, self.cboe]

    def register(self, controls: Controls, questions: Questions) -> None:
        """Offer what pages do and ask."""
        controls.register("view.watch", self.watch)
        controls.register("view.unwatch", self.unwatch)
        questions.register("gex.levels", self.levels)
        questions.register("gex.chain", self.contracts)

    def follow(self, chosen: Settings, table: Sequence[str]) -> None:
        """Take the user's settings: symbols, window, and the table's symbols."""
        self._settings = chosen
        self.chains.set_gex(chosen.gex)
        self.chains.set_table(table)
        self._changed()

    def _cboe_symbols(self) -> Iterable[str]:
        chosen = self._settings
        if chosen is None or not chosen.sources.cboe.enabled:
            return ()
        open_now = [kept.symbol for kept in self.views.kept()]
        return dict.fromkeys((*chosen.gex.symbols, *open_now, *self._also))

    def _changed(self) -> None:
        """Views or settings changed: the engine and the chains follow."""
        symbols = () if self._settings is None else self._settings.gex.symbols
        views = tuple(
            (kept.symbol, kept.view, kept.watched)
            for kept in self.views.kept()
            if kept.page == "gex"
        )
        self._engine.set_settings({"gex": GexWishes(tuple(symbols), views, self._rates)})
        self.chains.wake()

    # ---- what pages do and ask ----------------------------------------------------------

    def watch(self, page: str, symbol: str, view: str) -> None:
        """A browser follows a view.

        Raises:
            SettingsError: too many views, or a symbol that is none.
        """
        self.views.watch(page, normalise(symbol, "symbol") if page == "gex" else symbol, view)

    def unwatch(self, page: str, symbol: str, view: str) -> None:
        """The last browser left a view."""
        self.views.unwatch(page, symbol, view)

    def levels(
        self, symbol: str, view: str = "all", unit: str = "pct", gamma: str = "model"
    ) -> dict[str, Any]:
        """The newest report of a view, `strikes` as rows, in a unit.

        A view that nobody has open is opened and kept for a while; until its options have
        arrived the report says how many have.

        Raises:
            SettingsError: a parameter is none.
            SourceError: the engine does not answer.
        """
        from grok_sauce.analytics import levels as report

        if unit not in UNITS:
            raise SettingsError(f"unit must be pct or point, not {unit!r}", "unit")
        if gamma not in GAMMAS:
            raise SettingsError(f"gamma must be model, feed or file, not {gamma!r}", "gamma")
        key = self._opened(symbol, view)
        payload = self._payload(key)
        if gamma != "model":
            item = self._item(key)
            if item is not None:
                from grok_sauce.analytics import gex_work

                payload = concurrency.offload(gex_work.payload, item, gamma)
        return report.document(payload, unit)

    def contracts(self, symbol: str, view: str = "all") -> dict[str, Any]:
        """{symbol, view, as_of, spot, source, header, rows} of the very chain a report was made of.

        Raises:
            SettingsError: a parameter is none, or there is no chain of it.
        """
        key = self._opened(symbol, view)
        payload = self._payload(key)
        item = self._item(key)
        if item is None:
            raise SettingsError(payload["status"]["text"] or f"no chain of {symbol}", "symbol")
        from grok_sauce.analytics import contract_rows

        return concurrency.offload(contract_rows.contract_rows, item)

    def _opened(self, symbol: str, view: str) -> str:
        name = normalise(symbol, "symbol")
        if not is_view(view):
            raise SettingsError(
                "view must be all, 0dte, 7d, 30d or dates as 2026-12-18,2026-12-31", "view"
            )
        kept = self._settings.gex.symbols if self._settings is not None else ()
        if view != "all" or name not in kept:
            self.views.touch("gex", name, view)
        return f"{name}:{view}"

    def _payload(self, key: str) -> dict[str, Any]:
        """The newest report; waits a moment for one that is being loaded."""
        deadline = self._clock.monotonic() + PATIENCE
        while True:
            payload: dict[str, Any] | None = self._snapshot.get(TOPIC, key)
            is_there = payload is not None and payload["status"]["state"] != "loading"
            if payload is not None and (is_there or self._clock.monotonic() >= deadline):
                return payload
            if self._clock.monotonic() >= deadline:
                raise SourceError(f"no levels of {key} yet; ask again in a moment")
            threading.Event().wait(0.1)

    def _item(self, key: str) -> Item | None:
        """What the newest report of a key was made of."""
        found: Item | None = self._engine.call(
            lambda: self._engine.kept(TOPIC).get("used", {}).get(key)
        )
        return found

    # ---- what other desks ask -----------------------------------------------------------

    def symbols(self) -> Sequence[str]:
        """Underlyings with GEX, in the user's order."""
        return () if self._settings is None else self._settings.gex.symbols

    def listed(self, symbol: str) -> ListedChain | str:
        """Everything listed of an underlying, or why nothing is known, in words."""
        chain = self.chains.chain(symbol)
        if chain is not None and chain.expiries:
            return chain
        why = reason_of(self._engine.state.listings.get(symbol))
        return why or f"The option chain of {symbol} is being asked for"

    def chain(self, symbol: str, expiries: Collection[Expiry]) -> OptionChain | None:
        """All that is followed of these expiries, as of now; None before anything is."""

        def copy() -> OptionChain | None:
            books = self._engine.kept(TOPIC).get("books", {})
            book, listing = books.get(symbol), self._engine.state.listings.get(symbol)
            if book is None or listing is None:
                return None
            from grok_sauce.analytics import gex_work

            return gex_work.followed(
                self._engine.state, book, self._clock.market(), self._engine.source, expiries
            )

        return self._engine.call(copy)

    def want_quotes(self, owner: str, symbol: str, contracts: Collection[str]) -> None:
        """Follow these contracts with quotes; none: nothing any more."""
        self.chains.want_quotes(owner, symbol, contracts)

    def rates(self, symbol: str) -> Rates:
        """Rate and dividend yield where quotes give no forward."""
        from grok_sauce.analytics.forward import Rates

        wished = self._rates
        return Rates(wished.rate, wished.yields.get(symbol, 0.0), wished.source, wished.date)


def warm_up() -> None:
    """Load numpy and what needs it beside the loop, before the first beat that does."""
    concurrency.offload(importlib.import_module, "grok_sauce.analytics.gex_work")


def cboe_maker(
    settings: Any, http: Http, clock: Clock, sink: Callable[[Batch], None], store: Path | None
) -> Callable[[SourceStatus, Callable[[], Iterable[str]]], CboePoller]:
    """A poller that lacks only its status and its symbols."""
    return lambda status, symbols: CboePoller(settings, http, clock, sink, store, status, symbols)
