"""The replay's control: what pages do with it and are told of it, and what is compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from grok_sauce.controls import Controls
from grok_sauce.desks.player import Player
from grok_sauce.desks.recorder import clock_words
from grok_sauce.errors import SettingsError
from grok_sauce.market.times import iso
from grok_sauce.runtime.clock import ReplayClock
from grok_sauce.update import Update

SLOWEST, FASTEST = 1.0, 60.0
ROUNDING: Final = 0.001  # seconds; pages are told milliseconds
MAX: Final = "max"
ACTIONS: Final = ("play", "pause", "speed", "seek")
# What two replays of one file have the same, to the byte and in the same order.
COMPARED: Final = frozenset(
    {
        "candle.close",
        "gex.levels",
        "max_pain.levels",
        "profile.levels",
        "orb.breakout",
        "lt.levels",
        "strategy.state",
        "trade.signal",
    }
)


def read_rate(value: Any, field: str = "speed") -> float | None:
    """A speed: a number from 1 to 60, or "max" (None).

    Raises:
        SettingsError: neither.

    >>> read_rate("12"), read_rate("max")
    (12.0, None)
    """
    if value == MAX:
        return None
    try:
        rate = float(value)
    except (TypeError, ValueError):
        rate = 0.0
    if not SLOWEST <= rate <= FASTEST or isinstance(value, bool):
        raise SettingsError(f"speed must be from 1 to 60 or max, not {value!r}", field)
    return rate


class ReplayDesk:
    """Registers "replay.control" and tells how the replay is.

    again(position) starts the replay anew from there, for what lies behind: the state of a
    market cannot be turned back, so it is made again. told() makes pages hear it at once.
    """

    def __init__(
        self,
        player: Player,
        clock: ReplayClock,
        again: Callable[[float], None],
        told: Callable[[], None],
    ) -> None:
        self._player = player
        self._clock = clock
        self._again = again
        self._told = told
        self._from: float | None = None  # where the run to a goal began
        self._restarts = False

    def register(self, controls: Controls) -> None:
        """Offer what pages do."""
        controls.register("replay.control", self.control)

    def control(self, action: str, value: Any = None) -> dict[str, Any]:
        """play, pause, speed (1 to 60 or "max"), seek (market time in ms): the report after it.

        Raises:
            SettingsError: no such action, or no such speed or time.
        """
        if action not in ACTIONS:
            raise SettingsError(f"action must be one of {', '.join(ACTIONS)}", "action")
        if action == "speed":
            self._clock.set_rate(read_rate(value, "value"))
        elif action == "seek":
            self._seek(_time(value))
        elif action == "pause":
            self._clock.pause()
        else:
            self._clock.play()
            if self._player.ended.is_set():
                self._start_at(self._clock.start)
        self._told()
        return self.report()

    def _seek(self, goal: float) -> None:
        clock = self._clock
        if not clock.start - ROUNDING <= goal <= clock.end + ROUNDING:
            raise SettingsError("value must be a time of the recording", "value")
        goal = min(max(goal, clock.start), clock.end)
        if goal < clock.market():
            self._start_at(goal)
        elif not self._player.ended.is_set():
            self._from = clock.market()
            clock.seek(goal)

    def _start_at(self, position: float) -> None:
        if not self._restarts:
            self._restarts = True
            self._again(position)

    @property
    def state(self) -> str:
        """playing, paused, seeking or ended."""
        if self._restarts or self._clock.goal is not None:
            return "seeking"
        if self._player.ended.is_set():
            return "ended"
        return "paused" if self._clock.is_paused else "playing"

    def report(self) -> dict[str, Any]:
        """{file, state, position_ms, start_ms, end_ms, speed, reached, goal_ms, done, problem}.

        speed is the one asked for, reached the one measured, done the share of the way to a
        goal. problem: what of the file is not played, as a sentence.
        """
        clock = self._clock
        now, goal = clock.market(), clock.goal
        began = clock.start if self._from is None else self._from
        share = None if goal is None else min(1.0, (now - began) / max(1e-9, goal - began))
        missing = self._player.missing
        gap = f"{missing:,} events were not recorded" if missing else None
        return {
            "file": self._player.recording.path.name,
            "state": self.state,
            "position_ms": round(min(now, clock.end) * 1000),
            "start_ms": round(clock.start * 1000),
            "end_ms": round(clock.end * 1000),
            "speed": MAX if clock.rate is None else clock.rate,
            "reached": _rounded(clock.reached()),
            "goal_ms": None if goal is None else round(goal * 1000),
            "done": None if share is None else round(share, 3),
            "problem": self._player.recording.problem or gap,
        }

    def detail(self) -> str:
        """Beside the chip: the speed, or that it stands still."""
        state = self.state
        if state in ("paused", "ended"):
            return state
        rate = self._clock.rate
        return MAX if rate is None else f"×{rate:g}"

    def line(self) -> str:
        """One line for the terminal."""
        clock = self._clock
        whole = clock.end - clock.start
        done = min(whole, clock.market() - clock.start)
        reached = clock.reached()
        pace = "" if reached is None else f"  ×{reached:.3g}"
        return f"replayed {clock_words(done)} of {clock_words(whole)}{pace}  {self.state}"


def _time(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        raise SettingsError("value must be a time in milliseconds", "value")
    return value / 1000


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


class Outputs:
    """A publisher: one line of JSON for each update of the topics that are compared.

    {t, topic, key, payload}: t is market time of the beat, Unix seconds. Keys are sorted.
    """

    def __init__(self, path: Path, market: Callable[[], float]) -> None:
        self.path = path
        self.lines = 0
        self._market = market
        try:
            self._file: BinaryIO = open(path, "wb")  # noqa: SIM115 - closed by close()
        except OSError as problem:
            raise SettingsError(f"{path}: {problem.strerror or problem}", "--outputs") from None

    def publish(self, updates: Sequence[Update]) -> None:
        """Write those of this beat, in their order."""
        now = self._market()
        for update in updates:
            if update.topic in COMPARED:
                self._file.write(line_of(now, update))
                self.lines += 1

    def close(self) -> None:
        """Everything is in the file."""
        self._file.close()


def line_of(now: float, update: Update) -> bytes:
    """An update as a line of outputs."""
    return orjson.dumps(
        {"t": now, "at": iso(now), "topic": update.topic, "key": update.key,
         "payload": update.payload},
        option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE,
    )  # fmt: skip
