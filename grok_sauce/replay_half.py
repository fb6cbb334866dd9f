"""The market half on a recording: one source, no connection to anywhere, files of its own."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, cast

from grok_sauce.desks.gex import warm_up
from grok_sauce.desks.half_terms import Files, Process
from grok_sauce.desks.player import BeatClock, Player, counted
from grok_sauce.desks.price_source import PriceSource
from grok_sauce.desks.progress import ProgressLine
from grok_sauce.desks.replay import MAX, Outputs, ReplayDesk
from grok_sauce.engine.stepped import SteppedEngine
from grok_sauce.errors import SettingsError, SourceError, SourceRefused
from grok_sauce.feeds.recording import Recording
from grok_sauce.feeds.subscriptions import Subscription
from grok_sauce.http import Http
from grok_sauce.market.instruments import Instrument
from grok_sauce.market.state import MarketState
from grok_sauce.market_half import MarketHalf
from grok_sauce.runtime.clock import Clock, ReplayClock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.runtime.worker import Worker
from grok_sauce.settings import Settings
from grok_sauce.settings.document import as_document, validate
from grok_sauce.signal_part import SignalPart
from grok_sauce.update import Update
from grok_sauce.values import dataclass

NO_CONNECTION: Final = "a replay makes no connection; stop it and start the dashboard for that"
OF_THE_FILE: Final = "what it said is in the recording"
NO_CHAIN: Final = b'{"data":{"items":[]}}'
MOST: Final = 20  # symbols found at once
# Workers of the market half that work on the engine and pages alone. All others are sources, or
# lead somewhere, and stay still: what they said stands in the file.
RUN: Final = frozenset(
    {"engine", "butterflies", "charts", "reactions", "notices", "history", "loop", "health"}
)


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What is played and how. at: market time to begin at. rate None: as fast as it goes."""

    file: Path
    rate: float | None = 1.0
    at: float | None = None
    is_paused: bool = False
    outputs: Path | None = None


class Replayed:
    """A recording opened for a process: its clock, and the half that stands on it.

    Raises:
        BadPayload: the file cannot be played.
        SettingsError: at is no time of it.
    """

    def __init__(self, options: ReplayOptions) -> None:
        self.options = options
        self.recording = Recording(options.file)
        start, _ = counted(self.recording)
        self.clock = ReplayClock(start, self.recording.end, options.rate)
        self.clock.is_paused = options.is_paused
        if options.at is not None:
            if not start <= options.at <= self.recording.end:
                raise SettingsError("--from must be a time of the recording", "--from")
            self.clock.goal = options.at

    def environ(self) -> dict[str, str]:
        """The knobs of the recording: nothing of this machine changes a number."""
        knobs = self.recording.header.get("knobs")
        return {str(k): str(v) for k, v in knobs.items()} if isinstance(knobs, Mapping) else {}

    def half(
        self,
        folder: Path,
        env: Path,
        process: Process,
        again: Callable[[float], None],
        ended: Callable[[], None],
    ) -> ReplayHalf:
        """The market half; folder is emptied first, it is this run's alone.

        ended() is called at the end of the file where outputs are written.
        """
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        settings = folder / "settings.json"
        settings.write_text(json.dumps(self._settings(), indent=2), encoding="utf-8")
        files = Files(data=folder, settings=settings, keep=folder / "settings", env=env)
        return ReplayHalf(self, files, process, again, ended)

    def _settings(self) -> dict[str, Any]:
        found = self.recording.header.get("settings") or {}
        try:
            return as_document(validate(found))
        except SettingsError as problem:
            raise SettingsError(
                f"the settings of {self.recording.path.name} cannot be used: {problem}"
            ) from None

    def arguments(self, given: Sequence[str], position: float, port: int | None) -> list[str]:
        """The command line that goes on from a position, at the speed and port there are now."""
        return arguments_from(given, position, self.clock.rate, self.clock.is_paused, port or 0)

    def note(self) -> str:
        """What the terminal is told of the file."""
        header, problem = self.recording.header, self.recording.problem
        told = f"{self.recording.path.name}, recorded {header.get('started')} by version "
        told += f"{header.get('product')} ({header.get('mode')})"
        return told if problem is None else f"{told}\n  note   {problem}"


class _Feed:
    """Stands where the price feed does; nothing is asked of it."""

    name = "dxlink"
    shortfalls = ()

    def __init__(self) -> None:
        self.snapshots: dict[str, Any] = {}

    def want(self, owner: str, subscriptions: Sequence[Subscription], priority: int) -> None:
        """What was followed stands in the file; more cannot be had."""

    def drop(self, owner: str) -> None:
        """The same."""


class _Records:
    """Stands where the broker does: knows the instruments that the recording has named."""

    def __init__(self, state: MarketState) -> None:
        self._state = state

    def resolve(self, user_symbol: str, now: float) -> Instrument:
        """Raises SourceError: nobody asked for it while this was recorded, or not yet."""
        found = self._state.instruments.get(user_symbol)
        if found is None:
            raise SourceError(f"the recording knows no {user_symbol} yet")
        return found

    def resolve_all(self, user_symbols: Sequence[str], now: float) -> dict[str, Instrument]:
        return {symbol: self.resolve(symbol, now) for symbol in user_symbols}

    def search(self, prefix: str) -> list[Instrument]:
        known = self._state.instruments
        return [known[name] for name in sorted(known) if name.startswith(prefix)][:MOST]

    def chain_body(self, underlying: str) -> bytes:
        return NO_CHAIN


class _NoHttp(Http):
    """Refuses every request: nothing leaves a replay."""

    def _ask(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise SourceRefused(NO_CONNECTION)


def steps_of(part: SignalPart) -> list[Callable[[], object]]:
    """The signal service's work without its threads, in the order in which things follow."""
    part.candles.begin()
    return [part.candles.step, part.triggers.step, part.levels.step, part.strategy.step]


class ReplayHalf(MarketHalf):
    """As the market half, driven by a Player. again(position) starts the process anew."""

    engine_class = SteppedEngine
    label = "REPLAY"

    def __init__(
        self,
        replayed: Replayed,
        files: Files,
        process: Process,
        again: Callable[[float], None],
        ended: Callable[[], None],
    ) -> None:
        self.replayed = replayed
        self._ended = ended
        super().__init__(files, replayed.environ(), replayed.clock, True, process)
        engine = cast(SteppedEngine, self.engine)
        self.player = Player(
            replayed.recording,
            replayed.clock,
            engine,
            self._take,
            self._settings_of_the_file,
            self.status,
            self._at_the_end,
        )
        engine.drive = self._drive
        self.replay = ReplayDesk(self.player, replayed.clock, again, self._tell_health)
        self.replay.register(self.controls)
        self.outputs = self._join_outputs()
        self._quieten()

    def _join_outputs(self) -> Outputs | None:
        path = self.replayed.options.outputs
        if path is None:
            return None
        outputs = Outputs(path, self.clock.market)
        self.publishers.append(outputs.publish)
        return outputs

    def _quieten(self) -> None:
        """Let no source run; desks of the signal service that can step do so with the beats."""
        for status in (*self.gex.sources, *self.context.sources, *self.signals.sources):
            status.state, status.detail = "off", OF_THE_FILE
        self.player.steps = steps_of(self.signals)
        self.workers: list[Worker] = [each for each in self.workers if each.name in RUN]
        self.progress = ProgressLine(self.replay.line)
        self.workers.append(self.progress)

    # ---- what the market half asks for --------------------------------------------------

    def _signal_clock(self) -> Clock:
        return BeatClock(self.replayed.clock, *counted(self.replayed.recording))

    def _new_http(self) -> Http:
        return _NoHttp(self.clock)

    def _price_source(self, environ: Mapping[str, str], kept: Path | None) -> PriceSource:
        status = SourceStatus("dxlink", "Recording", required=True)
        records = cast(Any, _Records(self.engine.state))
        return PriceSource(records, cast(Any, _Feed()), status)

    def _follow(self, chosen: Settings) -> None:
        """Options are followed as the file has them; the views are this process's own."""
        table = [*chosen.indicators.groups()]
        self.gex.follow(chosen, table)

    def _settings_of_the_file(self, document: dict[str, Any]) -> None:
        self.store.save(document, self.store.revision)

    def publish(self, updates: Sequence[Update]) -> None:
        """As the market half; a signal says that it is of a replay, whoever hears it."""
        super().publish([_labelled(update) for update in updates])

    # ---- life ---------------------------------------------------------------------------

    def close(self, timeout: float = 4.0) -> list[str]:
        """As the market half; then what was written for others is whole."""
        late = super().close(timeout)
        self.signals.candles.end()
        self.progress.last()
        if self.outputs is not None:
            self.outputs.close()
        return late

    def chip(self) -> tuple[str, str]:
        """REPLAY, and its speed."""
        return "REPLAY", self.replay.detail()

    def _more_health(self, process: dict[str, Any]) -> dict[str, Any]:
        found = super()._more_health(process)
        clock = self.replayed.clock
        stands = self.replay.state in ("paused", "ended")
        found["clock"] = {
            "market_ms": round(clock.market() * 1000),
            "wall_ms": round(clock.real() * 1000),
            "speed": 0.0 if stands else clock.speed,
        }
        found["replay"] = self.replay.report()
        return found

    def _tell_health(self) -> None:
        self.health.publish()

    def _drive(self, stop: threading.Event) -> None:
        warm_up()  # in a live market the chains do it, when the first options are followed
        self.player.drive(stop)

    def _at_the_end(self) -> None:
        self._tell_health()
        if self.outputs is not None:
            self._ended()


def _labelled(update: Update) -> Update:
    if update.topic != "trade.signal" or update.payload is None:
        return update
    return Update(update.topic, update.key, {**update.payload, "source": "REPLAY"})


def arguments_from(
    given: Sequence[str], position: float, rate: float | None, is_paused: bool, port: int
) -> list[str]:
    """The command line that goes on from a position, at the speed and port it has now."""
    kept, skip = [], False
    for word in given:
        if skip:
            skip = False
        elif word in ("--from", "--speed", "--port"):
            skip = True
        elif word not in ("--paused", "--open") and not word.startswith(
            ("--from=", "--speed=", "--port=")
        ):
            kept.append(word)
    kept += ["--from", repr(position), "--speed", MAX if rate is None else repr(rate)]
    return [*kept, "--port", str(port), *(["--paused"] if is_paused else [])]
