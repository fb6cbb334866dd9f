"""Where an instrument stands at an instant: which bar, which tick in it, what volume so far."""

from __future__ import annotations

import math
from collections import OrderedDict
from datetime import date
from typing import Final

from grok_sauce.market.sessions import day_id
from grok_sauce.simulator.hours import Hours, Span
from grok_sauce.simulator.tape import Listing, Tape, Tapes
from grok_sauce.simulator.ticks import Plan, make_plan, slots
from grok_sauce.values import dataclass

_KEEP: Final = 400  # minute plans in memory
_MINUTE: Final = 60
_BUSY: Final = (9.5, 16.0)  # New York hours in which futures tick at their full rate


@dataclass(frozen=True, slots=True)
class Print:
    """A price in a bar: the tick that stands at an instant.

    fraction is how much of the bar's minute has passed, 1 once it is over; price is that of
    slot `slot`; volume counts this bar up to the instant.
    """

    tape: Tape
    index: int
    plan: Plan
    slot: int
    fraction: float

    @property
    def price(self) -> float:
        return self.plan.prices[self.slot]

    @property
    def high(self) -> float:
        return self.plan.high[self.slot]

    @property
    def low(self) -> float:
        return self.plan.low[self.slot]

    @property
    def size(self) -> float:
        return math.nan if math.isnan(self.tape.volume[self.index]) else self.plan.sizes[self.slot]

    @property
    def volume(self) -> float:
        """Volume of the bar so far, linear in time."""
        whole = float(self.tape.volume[self.index])
        return math.nan if math.isnan(whole) else float(math.floor(whole * self.fraction))

    @property
    def count(self) -> int:
        """Prints of the bar so far, at least 1."""
        return max(1, int(self.tape.count[self.index] * self.fraction))

    @property
    def time_ms(self) -> int:
        """When this tick was printed."""
        into = self.slot / len(self.plan.prices) * _MINUTE
        return int((self.tape.starts[self.index] + into) * 1000)

    @property
    def day(self) -> int:
        return day_id(self.tape.span.day)

    def total(self, regular: bool) -> float:
        """The day's volume up to now: of the regular session, or of the hours around it."""
        tape = self.tape
        totals = tape.total_regular if regular else tape.total_extended
        before = float(totals[self.index - 1]) if self.index else 0.0
        inside = tape.regular.start <= self.index < tape.regular.stop
        return before + self.volume if inside == regular else float(totals[self.index])


class Prices:
    """Answers for any listing at any instant; a pure function of both, with small caches."""

    def __init__(self, seed: int, hours: Hours, tapes: Tapes) -> None:
        self.hours = hours
        self.tapes = tapes
        self._seed = seed
        self._plans: OrderedDict[tuple[str, int], Plan] = OrderedDict()
        self._spans: dict[tuple[str, str], tuple[Span, float]] = {}

    def span(self, listing: Listing, now: float) -> Span | None:
        """The trading day under way or last begun."""
        asset = listing.asset
        key = (asset.kind, asset.path)
        known = self._spans.get(key)
        if known is not None and known[0].start <= now < known[1]:
            return known[0]
        span = self.hours.under_way(asset, now)
        if span is not None:
            following = self.hours.after(asset, span.day)
            self._spans[key] = (span, following.start if following else math.inf)
        return span

    def tape(self, listing: Listing, now: float) -> Tape | None:
        """The tape of span()."""
        span = self.span(listing, now)
        return None if span is None else self.tapes.day(listing, span.day)

    def before(self, listing: Listing, day: date) -> Tape | None:
        """The tape of the trading day before day."""
        earlier = self.hours.before(listing.asset, day)
        return None if earlier is None else self.tapes.day(listing, earlier)

    def at(self, listing: Listing, tape: Tape, index: int, now: float) -> Print:
        """The tick that stands at now in bar `index`, which has begun."""
        plan = self._plan(listing, tape, index)
        fraction = min(1.0, max(0.0, (now - tape.starts[index]) / _MINUTE))
        return Print(tape, index, plan, plan.slot(fraction), fraction)

    def latest(self, listing: Listing, now: float) -> Print | None:
        """The last tick of any session."""
        tape = self.tape(listing, now)
        while tape is not None:
            index = tape.at(now)
            if index >= 0:
                return self.at(listing, tape, index, now)
            tape = self.before(listing, tape.span.day)
        return None

    def regular(self, listing: Listing, now: float) -> Print | None:
        """The last tick of a regular session."""
        tape = self.tape(listing, now)
        while tape is not None:
            index = min(tape.at(now), tape.regular.stop - 1)
            if index >= tape.regular.start:
                return self.at(listing, tape, index, now)
            tape = self.before(listing, tape.span.day)
        return None

    def extended(self, listing: Listing, now: float) -> Print | None:
        """The last tick outside regular sessions; None for what has no such hours."""
        if listing.asset.kind in ("index", "future"):
            return None
        tape = self.tape(listing, now)
        while tape is not None:
            index, inside = tape.at(now), tape.regular
            if inside.start <= index < inside.stop:
                index = inside.start - 1
            if index >= 0:
                return self.at(listing, tape, index, now)
            tape = self.before(listing, tape.span.day)
        return None

    def _plan(self, listing: Listing, tape: Tape, index: int) -> Plan:
        start = tape.starts[index]
        key = (listing.streamer, start)
        plan = self._plans.get(key)
        if plan is not None:
            self._plans.move_to_end(key)
            return plan
        asset = listing.asset
        regular = tape.regular.start <= index < tape.regular.stop
        hour = (start - (tape.span.end - 17 * 3600)) / 3600 if asset.kind == "future" else 12.0
        n = slots(asset, int(tape.count[index]), regular, _BUSY[0] <= hour < _BUSY[1])
        bar = (
            float(tape.open[index]),
            float(tape.high[index]),
            float(tape.low[index]),
            float(tape.close[index]),
        )
        plan = self._plans[key] = make_plan(asset, bar, n, not regular, (self._seed, start // 60))
        while len(self._plans) > _KEEP:
            self._plans.popitem(last=False)
        return plan
