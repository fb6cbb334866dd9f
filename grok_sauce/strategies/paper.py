"""Trades on paper: a limit order filled, stopped, trailed and closed on the finest bars given.

Paper(settings, terms).place(signal), .step(bar) -> list[Order | Trade], .busy, .save(),
.restore(document). Bars are given in order of time; an order sees only bars that start at or
after its signal. Nothing here knows whether the bars are live or of the past.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from grok_sauce.settings.strategy import Strategy
from grok_sauce.strategies.candle import Candle
from grok_sauce.strategies.contracts import Terms
from grok_sauce.strategies.evaluation import Signal
from grok_sauce.strategies.filters import floor_to_tick
from grok_sauce.values import dataclass

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Order:
    """A limit order that ended without a trade, at Unix s.

    outcome: "expired", "gapped" (the open lay under the stop) or "rolled".
    """

    signal: Signal
    at: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Trade:
    """A finished trade. Times are starts of the bars, Unix s; bar_seconds is their length.

    reason: "target", "stop", "trail", "end" (of the session) or "rolled". points per contract
    before commission, slippage included; dollars for the quantity after commission. ambiguous:
    the bar held stop and target, or a high that may have been before the entry; the worse was
    taken.
    """

    signal: Signal
    entered_at: float
    entry: float
    exited_at: float
    exit: float
    reason: str
    points: float
    dollars: float
    commission: float
    ambiguous: bool
    bar_seconds: int

    def as_dict(self) -> dict[str, Any]:
        """JSON values; the signal as its own."""
        own = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**own, "signal": self.signal.as_dict()}


@dataclass(slots=True)
class Position:
    """An open trade. anchor: the price that stop, target and trail hang on."""

    signal: Signal
    entered_at: float
    entry: float
    anchor: float
    stop: float
    target: float
    highest: float
    trailed: bool = False
    ambiguous: bool = False


class Paper:
    """Orders and positions of one symbol."""

    def __init__(self, settings: Strategy, terms: Terms) -> None:
        self.settings = settings
        self.terms = terms
        self.orders: list[Signal] = []
        self.positions: list[Position] = []
        self.last: Candle | None = None  # newest bar

    @property
    def busy(self) -> str | None:
        """ "position" while one is open, "order" while one waits, None when flat."""
        if self.positions:
            return "position"
        return "order" if self.orders else None

    def place(self, signal: Signal) -> None:
        """Take a signal's order; it is worked from the next bar on."""
        self.orders.append(signal)

    def expire(self, at: float) -> list[Order]:
        """Take orders that are no longer valid at a Unix time away."""
        gone = [Order(each, each.expires_at, "expired") for each in self.orders if
                each.expires_at <= at]  # fmt: skip
        self.orders = [each for each in self.orders if each.expires_at > at]
        return gone

    def step(self, bar: Candle) -> list[Order | Trade]:
        """What a bar does to orders and positions. A bar not newer than the last is ignored."""
        if self.last is not None and bar.time <= self.last.time:
            return []
        ended: list[Order | Trade] = [*self._rolled(bar), *self.expire(bar.start)]
        for position in list(self.positions):
            self._keep(position, self._through(position, bar, from_open=True), ended)
        for signal in list(self.orders):
            if bar.start >= signal.time:
                self._work(signal, bar, ended)
        self.last = bar
        return ended

    # ---- orders -------------------------------------------------------------------------

    def _work(self, signal: Signal, bar: Candle, ended: list[Order | Trade]) -> None:
        """Rule 9: filled at the open, or once traded through by a tick; a touch does not fill."""
        limit = signal.entry
        if bar.open < signal.stop:
            self.orders.remove(signal)
            ended.append(Order(signal, bar.start, "gapped"))
            return
        at_open = bar.open <= limit
        # Of a bar that outlasts the order only the open is known to be in time.
        through = bar.low <= limit - self.terms.tick and bar.end <= signal.expires_at
        if not (at_open or through):
            return
        self.orders.remove(signal)
        entry = bar.open if at_open else limit
        moved = entry - limit if self.settings.bracket == "fill" else 0.0
        position = Position(
            signal,
            bar.start,
            entry,
            limit + moved,
            floor_to_tick(signal.stop + moved, self.terms.tick),
            round(signal.target + moved, 10),
            entry,
        )
        self.positions.append(position)
        self._keep(position, self._through(position, bar, from_open=at_open), ended)

    # ---- positions ----------------------------------------------------------------------

    def _keep(self, position: Position, trade: Trade | None, ended: list[Order | Trade]) -> None:
        if trade is not None:
            self.positions.remove(position)
            ended.append(trade)

    def _through(self, position: Position, bar: Candle, from_open: bool) -> Trade | None:
        """Rules 10 and 11 for one bar. from_open: the position is there for the whole of it.

        Of a bar entered on its way down, the high may have been before the entry: only its
        close is known to be after.
        """
        ends = position.signal.session_end
        is_flat = self.settings.flat_at_end
        if from_open and is_flat and bar.start >= ends:
            return self._sold(position, bar, bar.open, "end")
        if from_open and bar.open <= position.stop:
            return self._sold(position, bar, bar.open, self._stop_word(position))
        if from_open and bar.open >= position.target:
            return self._sold(position, bar, bar.open, "target")
        may_reach = bar.high >= position.target
        surely_high = bar.high if from_open else bar.close
        if bar.low <= position.stop:
            position.ambiguous = position.ambiguous or may_reach
            return self._sold(position, bar, position.stop, self._stop_word(position))
        if surely_high >= position.target:
            return self._sold(position, bar, position.target, "target")
        position.ambiguous = position.ambiguous or may_reach
        self._trail(position, surely_high)
        if is_flat and bar.end >= ends:
            return self._sold(position, bar, bar.close, "end", bar.end)
        return None

    def _trail(self, position: Position, high: float) -> None:
        """After the bar's stop check: its high must not lift the stop that its low then hits."""
        position.highest = max(position.highest, high)
        signal = position.signal
        if signal.trail_trigger is None or signal.trail_offset is None:
            return
        if position.highest - position.anchor < signal.trail_trigger:
            return
        stop = floor_to_tick(position.highest - signal.trail_offset, self.terms.tick)
        if stop > position.stop:
            position.stop, position.trailed = stop, True

    def _stop_word(self, position: Position) -> str:
        return "trail" if position.trailed else "stop"

    def _sold(
        self, position: Position, bar: Candle, price: float, reason: str, at: float | None = None
    ) -> Trade:
        slips = 0 if reason == "target" else self.settings.slippage_ticks
        sold = round(price - slips * self.terms.tick, 10)
        points = round(sold - position.entry, 10)
        quantity = position.signal.quantity
        commission = round(2 * quantity * self.settings.commission, 10)
        dollars = round(points * self.terms.multiplier * quantity - commission, 10)
        at = bar.start if at is None else at
        return Trade(
            position.signal, position.entered_at, position.entry, at, sold, reason, points,
            dollars, commission, position.ambiguous, bar.seconds,
        )  # fmt: skip

    def _rolled(self, bar: Candle) -> list[Order | Trade]:
        """Another contract's bar: its prices say nothing about what is held."""
        before = self.last
        if before is None or before.contract == bar.contract:
            return []
        ended: list[Order | Trade] = []
        for signal in [each for each in self.orders if each.contract != bar.contract]:
            self.orders.remove(signal)
            ended.append(Order(signal, before.end, "rolled"))
        for position in [each for each in self.positions if each.signal.contract != bar.contract]:
            self._keep(
                position, self._sold(position, before, before.close, "rolled", before.end), ended
            )
        return ended

    # ---- kept over a restart ------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        """Orders, positions and the newest bar as JSON values."""
        return {
            "version": VERSION,
            "orders": [signal.as_dict() for signal in self.orders],
            "positions": [
                {
                    **{item.name: getattr(each, item.name) for item in fields(Position)},
                    "signal": each.signal.as_dict(),
                }
                for each in self.positions
            ],
            "last": None if self.last is None else self.last.as_dict(),
        }

    def restore(self, document: Mapping[str, Any]) -> None:
        """Take over what save() gave, all or nothing.

        Raises:
            ValueError: it is not such a document.
        """
        try:
            if document["version"] != VERSION:
                raise ValueError(f"version {document['version']!r}")
            orders = [Signal.of(each) for each in document["orders"]]
            positions = [
                Position(**{**each, "signal": Signal.of(each["signal"])})
                for each in document["positions"]
            ]
            last = None if document["last"] is None else Candle.of(document["last"])
        except (KeyError, TypeError, AttributeError, ValueError) as problem:
            raise ValueError(f"no paper trades: {problem}") from None
        self.orders, self.positions, self.last = orders, positions, last
