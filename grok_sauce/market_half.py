"""The market half joined: sources, engine, history, health, and the answers behind the doors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from grok_sauce import settings as knobs
from grok_sauce.analytics import ANALYTICS
from grok_sauce.clients.tastytrade import TastytradeSettings
from grok_sauce.desks.butterfly_chains import butterfly_desk
from grok_sauce.desks.chart import ChartDesk
from grok_sauce.desks.chart_follow import Doors
from grok_sauce.desks.connection_test import ConnectionTest
from grok_sauce.desks.context import ContextDesk
from grok_sauce.desks.forex import ForexDesk
from grok_sauce.desks.gex import GexDesk, GexSettings, cboe_maker
from grok_sauce.desks.gex_history import GexHistoryDesk
from grok_sauce.desks.half_terms import Files, Process, history_file, secrets_set
from grok_sauce.desks.notices import notice_desk
from grok_sauce.desks.price_source import PriceSource, price_source
from grok_sauce.desks.reactions import reaction_desk
from grok_sauce.desks.setup import SetupDesk
from grok_sauce.desks.studies import StudiesDesk
from grok_sauce.desks.tape_keeper import TapeKeeper
from grok_sauce.desks.wishes import analytic_settings, groups_of
from grok_sauce.engine import Engine
from grok_sauce.errors import SettingsError
from grok_sauce.feeds.dxlink import SOURCE as PRICES
from grok_sauce.following.loading import Loading
from grok_sauce.following.watchlist import Watchlist
from grok_sauce.health import Health, next_event
from grok_sauce.http import Http
from grok_sauce.hub import Hub
from grok_sauce.market.batches import Batch
from grok_sauce.market.instruments import Instrument
from grok_sauce.market.state import MarketState
from grok_sauce.pollers.cboe_fetch import CboeSettings
from grok_sauce.publishers.gex_history import GexHistory
from grok_sauce.publishers.history import History, HistorySettings, play_back
from grok_sauce.publishers.reactions import ReactionKeeper
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.loop_watch import LoopWatch
from grok_sauce.runtime.supervisor import Supervisor
from grok_sauce.runtime.worker import Worker
from grok_sauce.settings import Settings, SettingsStore, write_whole
from grok_sauce.signal_part import Ground, SignalPart
from grok_sauce.update import Update

log = logging.getLogger(__name__)


class MarketHalf(Hub):
    """Everything between the outside world and the publishers, for one process.

    demo says that nothing in it outlives the run. tap hears everything the sources say.
    engine_class and label are another's where the sources are a recording.
    """

    engine_class: ClassVar[type[Engine]] = Engine
    label: ClassVar[str | None] = None  # of the numbers; None: LIVE, DELAYED or DEMO

    def __init__(
        self,
        files: Files,
        environ: Mapping[str, str],
        clock: Clock,
        demo: bool,
        process: Process,
        tap: Callable[[Batch], object] | None = None,
    ) -> None:
        super().__init__(clock)
        self.demo = demo
        self._tap = tap
        self.store = SettingsStore(
            files.settings,
            files.keep,
            lambda path, content: concurrency.offload(write_whole, path, content),
            self._settings_changed,
            lambda: secrets_set(files.env),
        )
        chosen = self.store.load()
        files.data.mkdir(parents=True, exist_ok=True)
        reactions = ReactionKeeper()
        self._join_history(files, environ, reactions)
        self.engine = self.engine_class(
            MarketState(),
            ANALYTICS,
            self.publish,
            clock,
            groups=groups_of(chosen),
            settings=analytic_settings(chosen),
            source=self.label or ("DEMO" if demo else "LIVE"),
            tap=tap,
            price_links=frozenset({PRICES}),
        )
        self._join_sources(files, environ)
        self.reactions = reaction_desk(
            self.engine,
            self.history.path,
            reactions,
            self.snapshot,
            self.publish,
            lambda: [name for group in groups_of(self.store.settings).values() for name in group],
            clock,
            environ,
        )
        self.notices = notice_desk(
            files.data, environ, self.snapshot, self.publish, clock, process.mode, demo
        )
        self.notices.follow(chosen)
        self.publishers.append(self.notices.hear)
        # A demo's market is another one with each start.
        self.prints = None if demo else TapeKeeper(self.engine, files.data / "prints.json")
        self.signals = self._join_signals(files, environ)
        self.publishers += self.signals.publishers
        self.signals.follow(chosen)
        self._join_reports(process)
        self._open_desk(files, process)
        self._follow(chosen)

    def _join_history(
        self, files: Files, environ: Mapping[str, str], reactions: ReactionKeeper
    ) -> None:
        """What is kept on disk of bars, GEX and reactions."""
        minutes = GexHistory()
        kept = knobs.read_env(HistorySettings, environ)
        self.history = History(
            history_file(files.data, self.demo),
            self.clock,
            keep_sessions=kept.sessions,
            tenants=[minutes, reactions],
        )
        self.publishers += [self.history.publish, minutes.publish]

    def _join_sources(self, files: Files, environ: Mapping[str, str]) -> None:
        """The broker's records, the feed, and what is wanted of both."""
        clock = self.clock
        self._http = self._new_http()
        self._account = knobs.read_env(TastytradeSettings, environ)
        kept = None if self.demo else files.data
        self.source = source = self._price_source(environ, kept)
        self.broker, self.feed, self.status = source.broker, source.feed, source.status
        if source.is_public:
            self.engine.set_source("DELAYED")
        self.watchlist = Watchlist(
            lambda symbols: self.broker.resolve_all(symbols, clock.market()),
            self.feed.want,
            self.engine.put,
            clock,
        )
        self.loading = Loading(
            lambda: self.watchlist.histories,
            self.feed.snapshots,
            lambda: self.status.state == "live",
            clock.monotonic,
        )
        self.gex = GexDesk(
            self.engine,
            self.feed,
            self.broker,
            self.snapshot,
            clock,
            knobs.read_env(GexSettings, environ),
        )
        self.butterflies = butterfly_desk(
            self.gex, self.engine, self.snapshot, self.publish, clock, files.data, self.demo
        )
        self._doors = Doors(
            want=self.feed.want,
            resolve=self._resolve,
            publish=self.publish,
            table=lambda: sum(groups_of(self.store.settings).values(), ()),
            gex_symbols=self.gex.symbols,
            bars=self.history.path,
        )
        self.charts = ChartDesk(self.engine, self.gex.views, self.snapshot, clock, self._doors)
        cboe = knobs.read_env(CboeSettings, environ)
        if self.demo:
            self.gex.leave_cboe("the demo makes no outbound connection")
        else:
            self.gex.add_cboe(cboe_maker(cboe, self._http, clock, self.engine.put, kept))
        self.context = ContextDesk(
            environ,
            self._http,
            clock,
            self.engine.put,
            kept,
            lambda: self.store.settings,
            self.demo,
        )

    def _resolve(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """What desks look up beside the table; no batch tells of it."""
        now = self.clock.market()
        found = self.broker.resolve_all(symbols, now)
        if self._tap is not None and found:
            self._tap(Batch("Resolved", list(found), (list(found.values()),), now))
        return found

    def _signal_clock(self) -> Clock:
        """The clock of the signal service."""
        return self.clock

    def _new_http(self) -> Http:
        return Http(self.clock)

    def _price_source(self, environ: Mapping[str, str], kept: Path | None) -> PriceSource:
        return price_source(
            environ, self._account, self._http, self.clock, kept, self.demo, self._take
        )

    def _join_signals(self, files: Files, environ: Mapping[str, str]) -> SignalPart:
        return SignalPart(
            Ground(
                environ=environ,
                engine=self.engine,
                snapshot=self.snapshot,
                publish=self.publish,
                controls=self.controls,
                questions=self.questions,
                clock=self._signal_clock(),
                http=self._http,
                data=files.data,
                kept=None if self.demo else files.data,
                demo=self.demo,
                gex=self.gex,
                doors=self._doors,
                chosen=lambda: self.store.settings,
                refused=self.source.no_signals,
            )
        )

    def _join_reports(self, process: Process) -> None:
        """Who keeps the workers alive, and what is told of them."""
        self.supervisor = Supervisor(self.clock)
        self.supervisors = [self.supervisor]  # those of other parts join before the start
        self.loop = LoopWatch(self.clock)
        sources = (
            self.status,
            *self.gex.sources,
            *self.context.sources,
            *self.signals.sources,
        )
        self.health = Health(
            self.clock,
            {status.name: status for status in sources},
            self.supervisors,
            self.loop,
            process.mode,
            lambda: self._more_health(process.more_health()),
            self._publish_health,
        )
        self.workers: list[Worker] = [
            self.engine,
            self.feed,
            self.watchlist,
            *self.gex.workers,
            self.butterflies,
            self.charts,
            *self.context.workers,
            self.reactions,
            *([] if self.prints is None else [self.prints]),
            *self.signals.workers,
            *self.notices.workers,
            self.history,
            self.loop,
            self.health,
        ]

    def _open_desk(self, files: Files, process: Process) -> None:
        """Answer what pages do and ask."""
        test = ConnectionTest(self._account.base_url, self._http, self.clock)
        SetupDesk(
            self.store,
            self.broker,
            files.env,
            self.clock.market,
            self._last_price,
            test.run,
            lambda: self.source.use_live(process.use_live),
            self._retry,
        ).register(self.controls, self.questions)
        self.notices.register(self.questions)
        self.gex.register(self.controls, self.questions)
        self.butterflies.register(self.controls, self.questions)
        self.charts.register(self.questions)
        self.reactions.register(self.questions)
        self.context.register(self.controls)
        ForexDesk(
            files.data / "forex.db",
            lambda: self.store.settings.forex,
            self.snapshot,
            self.publish,
            self.clock,
        ).register(self.controls, self.questions)
        GexHistoryDesk(self.history.path, self.clock.market).register(self.questions)
        StudiesDesk(self.engine, self.history.path, self.clock, self.gex.symbols).register(
            self.questions
        )

    # ---- life ---------------------------------------------------------------------------

    def start(self) -> None:
        """Play the kept bars into the engine, then start every worker."""
        if not self.demo:
            now = self.clock.market()
            for batch in play_back(self.history.path, now):
                self.engine.put(batch)
        self.supervisor.start(self.workers)

    def close(self, timeout: float = 4.0) -> list[str]:
        """Stop the workers within so many seconds; names of those that did not."""
        return self.supervisor.stop(timeout)

    def _take(self, batch: Batch) -> None:
        """The feed's sink: the engine sees everything, history keeps the candles."""
        self.engine.put(batch)
        self.history.put(batch)

    # ---- what it says of itself ---------------------------------------------------------

    def chip(self) -> tuple[str, str]:
        """LIVE, DELAYED or NO FEED, what the price source's numbers are; and a detail."""
        return self.source.chip()

    def queues(self) -> list[dict[str, Any]]:
        """How full what waits between the parts is."""
        metrics = self.engine.metrics()
        return [
            {"name": "Feed to state", "depth": metrics["depth"], "limit": metrics["limit"]},
            {
                "name": "History to disk",
                "depth": self.history.depth,
                "limit": self.history.limit,
            },
        ]

    def _more_health(self, process: dict[str, Any]) -> dict[str, Any]:
        return {
            **process,
            "queues": [*self.queues(), *process.get("queues", ())],
            "problems": [*self._problems(), *process.get("problems", ())],
            "next_event": next_event(self.snapshot.get("calendar.event", "")),
            "loading": self.loading.report(),
            "feed_note": self.source.note,
        }

    def _publish_health(self, updates: Sequence[Update]) -> None:
        if not self.demo:
            self.engine.set_source("DELAYED" if self.source.is_late else "LIVE")
        self.publish(updates)

    def _problems(self) -> list[str]:
        """A settings file that cannot be used is a banner on each page, not a part that is down."""
        return [f"{topic}: {why}" for topic, why in self.engine.problems.items()]

    # ---- changes ------------------------------------------------------------------------

    def _follow(self, chosen: Settings) -> None:
        groups = groups_of(chosen)
        table = [symbol for symbols in groups.values() for symbol in symbols]
        self.watchlist.set_symbols(table)
        self.gex.follow(chosen, table)

    def _settings_changed(self, old: Settings, new: Settings) -> None:
        self.context.settings_changed(old, new)
        self.notices.follow(new)
        self.signals.follow(new)
        if analytic_settings(old) != analytic_settings(new):
            self.engine.set_settings(analytic_settings(new))
        if groups_of(old) != groups_of(new):
            self.engine.set_symbols(groups_of(new))
        if (groups_of(old), old.gex, old.sources.cboe) != (
            groups_of(new),
            new.gex,
            new.sources.cboe,
        ):
            self._follow(new)

    def _last_price(self, symbol: str) -> float | None:
        row = self.snapshot.get("indicator.rows", symbol)
        price: float | None = None if row is None else row["price"]
        return price

    def _retry(self, name: str) -> None:
        if name not in self.supervisor.statuses:
            raise SettingsError(f"there is no source named {name}", "name")
        self.supervisor.retry(name)
        if name == self.feed.name:
            for same in (self.watchlist.name, self.gex.chains.name):
                self.supervisor.retry(same)  # refused by the same broker
