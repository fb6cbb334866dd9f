"""GEX Recoil Fade: buy the close of a 15-minute candle that fell through a put wall or support.

GexRecoil(settings).evaluate(view) -> Evaluation         the same object live and in a backtest
.seen(symbol, candle), .hold(symbol, "order"|"position"|None), .save(), .restore(document)

Long only. One memory a symbol: the candle before, the last signal, whether it is in a trade.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

from grok_sauce.market.instruments import decimals_of
from grok_sauce.market.sessions import new_york
from grok_sauce.market.times import iso
from grok_sauce.settings.strategy import Strategy
from grok_sauce.strategies import filters
from grok_sauce.strategies.candle import LENGTH, Candle
from grok_sauce.strategies.contracts import order_contract, terms_of
from grok_sauce.strategies.evaluation import Evaluation, LevelTest, Signal, Verdict, View
from grok_sauce.strategies.hours import session_of
from grok_sauce.strategies.levels import KnownLevels, LookAhead
from grok_sauce.values import dataclass

VERSION: Final = 1
HOLDS: Final = ("order", "position")


@dataclass(slots=True)
class _Memory:
    last: Candle | None = None
    signalled: float | None = None  # close of the candle of the last signal, Unix s
    busy: str | None = None  # "order" or "position"


class GexRecoil:
    """The rules. Gives no orders and asks no clock: it answers what one candle means."""

    name: ClassVar[str] = "gex_recoil"
    needs: ClassVar[frozenset[str]] = frozenset({"candle.close", "gex.levels", "lt.levels"})

    def __init__(self, settings: Strategy) -> None:
        self.settings = settings
        self._memories: dict[str, _Memory] = {}

    def hold(self, symbol: str, what: str | None) -> None:
        """Tell that a trade of this symbol waits ("order"), is open ("position") or is not."""
        if what is not None and what not in HOLDS:
            raise ValueError(f"{what!r} is neither of {HOLDS}")
        self._memory(symbol).busy = what

    def seen(self, symbol: str, candle: Candle) -> None:
        """Take a candle of the past as the one before, without judging it."""
        memory = self._memory(symbol)
        if memory.last is None or candle.time > memory.last.time:
            memory.last = candle

    def evaluate(self, view: View) -> Evaluation:
        """Judge a closed candle and remember it.

        Raises:
            LookAhead: the candle, its levels or its LT levels were not known by then.
        """
        refuse_look_ahead(view)
        memory = self._memory(view.symbol)
        candle, previous = view.candle, memory.last
        if previous is not None and candle.time <= previous.time:
            return self._repeated(view, memory)
        kind = filters.kind_of(view.symbol, candle)
        span = session_of(self.settings, candle.end, kind)
        found = self._judged(view, memory, span)
        memory.last = candle
        if found.signal is not None:
            memory.signalled = candle.end
        return found

    def _judged(self, view: View, memory: _Memory, span: tuple[float, float] | None) -> Evaluation:
        candle, settings = view.candle, self.settings
        gate = filters.gate(memory.last, candle)
        levels, problem = filters.usable_levels(settings, view.levels, candle)
        tests: tuple[LevelTest, ...] = ()
        if gate.passed and memory.last is not None and levels is not None:
            triggers, unknown = filters.usable_triggers(settings, view.triggers, candle)
            tests = filters.level_tests(
                settings, levels, memory.last, candle, triggers, unknown, self._tick(view)
            )
        found = Evaluation(
            symbol=view.symbol,
            candle=candle,
            previous=memory.last,
            decided_at=decision_of(view),
            gate=gate,
            session=filters.session(settings, candle, span),
            cooldown=filters.cooldown(settings, candle, memory.signalled),
            position=filters.position(settings, memory.busy),
            tests=tests,
            levels=view.levels,
            levels_age=None if view.levels is None else candle.end - view.levels.known_at,
            factor_age=_age(candle, view.levels),
            triggers=view.triggers,
            triggers_age=None if view.triggers is None else filters.age_of(view.triggers, candle),
            result="",
            reason="",
            signal=None,
        )
        return self._concluded(found, problem, span, self._tick(view))

    def _concluded(
        self,
        found: Evaluation,
        problem: str | None,
        span: tuple[float, float] | None,
        tick: float,
    ) -> Evaluation:
        if not found.gate.passed:
            return replace(found, result="no_pair", reason=found.gate.text)
        if problem is not None:
            return replace(found, result="no_levels", reason=problem)
        if not found.crossed:
            return replace(found, result="no_cross", reason="no level was crossed")
        failed = [
            each for each in (found.cooldown, found.session, found.position) if not each.passed
        ]
        passed = next((test for test in found.tests if test.result == "passed"), None)
        if passed is None:
            reason = "; ".join(_why(test) for test in found.tests if test.cross.passed)
            return replace(found, result="rejected", reason=reason)
        if failed or span is None:
            reason = "; ".join(each.text for each in failed)
            return replace(found, result="rejected", reason=reason)
        signal = self._signal(found, passed, span[1], tick)
        entry, stop, target = (
            f"{price:.{decimals_of(tick)}f}" for price in (signal.entry, signal.stop, signal.target)
        )
        reason = f"buy {entry}, stop {stop}, target {target}"
        return replace(found, result="signal", reason=reason, signal=signal)

    def _signal(self, found: Evaluation, test: LevelTest, ends: float, tick: float) -> Signal:
        settings, candle = self.settings, found.candle
        stop = filters.stop_of(settings, candle, tick)
        valid = candle.end + settings.limit_candles * LENGTH
        moment = (iso(candle.end) or "").replace("-", "").replace(":", "")
        contract = candle.contract
        return Signal(
            id=f"{self.name}-{(contract or found.symbol).lstrip('/')}-{moment}-{test.name}",
            symbol=found.symbol,
            contract=contract,
            order_contract=order_contract(settings.contract, contract),
            side="buy",
            quantity=settings.quantity,
            time=candle.end,
            candle_time=candle.time,
            level_name=test.name,
            level=test.price,
            entry=candle.close,
            stop=stop,
            target=round(math.ceil((candle.close + settings.target) / tick - 1e-9) * tick, 10),
            trail_trigger=settings.trail_trigger if settings.trailing else None,
            trail_offset=settings.trail_offset if settings.trailing else None,
            risk=round(candle.close - stop, 10),
            lt_below=None if test.lt.value is None else int(test.lt.value),
            expires_at=min(valid, ends - settings.last_minutes * 60),
            session_end=ends,
            stored=found.stored(),
        )

    def _repeated(self, view: View, memory: _Memory) -> Evaluation:
        candle = view.candle
        time = new_york(candle.end)
        text = f"the candle of {time:%H:%M} was evaluated before, or is late"
        blank = filters.not_reached
        return Evaluation(
            view.symbol, candle, memory.last, decision_of(view),
            Verdict("gate", False, None, None, text),
            blank("session"), blank("cooldown"), blank("position"),
            (), view.levels, None, None, view.triggers, None, "repeated", text, None,
        )  # fmt: skip

    def _tick(self, view: View) -> float:
        if view.tick is not None:
            return view.tick
        name = view.candle.contract or view.symbol
        return terms_of(self.settings.contract, name).tick

    def _memory(self, symbol: str) -> _Memory:
        return self._memories.setdefault(symbol, _Memory())

    # ---- kept over a restart ------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        """The memory as JSON values."""
        return {
            "version": VERSION,
            "symbols": {
                symbol: {
                    "last": None if memory.last is None else memory.last.as_dict(),
                    "signalled": memory.signalled,
                    "busy": memory.busy,
                }
                for symbol, memory in self._memories.items()
            },
        }

    def restore(self, document: Mapping[str, Any]) -> None:
        """Take over what save() gave, all or nothing.

        Raises:
            ValueError: it is not such a document.
        """
        try:
            if document["version"] != VERSION:
                raise ValueError(f"version {document['version']!r}")
            found = {
                str(symbol): _Memory(
                    None if kept["last"] is None else Candle.of(kept["last"]),
                    None if kept["signalled"] is None else float(kept["signalled"]),
                    _busy(kept["busy"]),
                )
                for symbol, kept in document["symbols"].items()
            }
        except (KeyError, TypeError, AttributeError, ValueError) as problem:
            raise ValueError(f"no memory of {self.name}: {problem}") from None
        self._memories = found


def decision_of(view: View) -> float:
    """When the decision is made, Unix seconds."""
    return view.candle.end if view.decided_at is None else view.decided_at


def refuse_look_ahead(view: View) -> None:
    """Raise LookAhead unless everything in the view was known.

    The candle must have ended; levels count as of the candle's close; LT levels, which
    arrive a moment after their bar, as of the decision, and their bar may be no later one.
    """
    candle, decided = view.candle, decision_of(view)
    if candle.end > decided:
        raise LookAhead(
            f"{view.symbol}: the candle that closes at {iso(candle.end)} was used at {iso(decided)}"
        )
    if view.levels is not None and view.levels.known_at > candle.end:
        raise LookAhead(
            f"{view.symbol}: levels known from {iso(view.levels.known_at)} were used for the "
            f"candle closed at {iso(candle.end)}"
        )
    triggers = view.triggers
    if triggers is None:
        return
    if triggers.at > decided or (triggers.closed and filters.ended(triggers) > decided):
        raise LookAhead(
            f"{view.symbol}: LT levels known from {iso(triggers.at)}, of the bar that ends at "
            f"{iso(filters.ended(triggers))}, were used at {iso(decided)}"
        )


def _busy(value: Any) -> str | None:
    if value is None:
        return None
    if value not in HOLDS:
        raise ValueError(f"busy {value!r}")
    return str(value)


def _age(candle: Candle, levels: KnownLevels | None) -> float | None:
    at = None if levels is None else levels.factor_at
    return None if at is None else candle.end - at


def _why(test: LevelTest) -> str:
    failed = [each.text for each in (test.lt, test.risk) if each.passed is False]
    return f"{test.name}: {', '.join(failed)}"
