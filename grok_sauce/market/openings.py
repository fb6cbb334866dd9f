"""When a product's day opens, New York time: where its opening range starts and may break."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from grok_sauce.market import sessions
from grok_sauce.market.products import Kind
from grok_sauce.values import dataclass

Clock = tuple[int, int]  # hour and minute in New York

# Opening times of the old trading pits, which volume still keeps to. Shares, ETFs, indices
# and what is not listed here: 09:30.
_BY_TIME: Final[dict[Clock, str]] = {
    (8, 10): "HG",
    (8, 20): "GC MGC ZB UB ZN TN ZF ZT 6E 6B 6J 6A 6C",
    (8, 25): "SI",
    (9, 0): "CL MCL NG RB HO",
}
PIT_OPENINGS: Final[dict[str, Clock]] = {
    product: at for at, products in _BY_TIME.items() for product in products.split()
}
STOCKS: Final[Clock] = (9, 30)
ELECTRONIC: Final = "electronic"
PIT: Final = "pit"


@dataclass(frozen=True, slots=True)
class Opening:
    """The opening of one day: at and until are Unix seconds, label names the time.

    until: the end of the session the opening belongs to: a break after it is none.
    """

    at: float
    until: float
    label: str


def opening(
    kind: Kind,
    product: str | None,
    day: date,
    futures: str = PIT,
    own: Mapping[str, Clock] | None = None,
) -> Opening | None:
    """The opening of a trading day; None where there is no session at that time.

    futures: PIT for the product's own opening, ELECTRONIC for the start of its session, 18:00
    of the evening before. own: times that replace those of products ("CL": (9, 0)); one from
    18:00 on is of the evening before.

    >>> found = opening("future", "CL", date(2026, 12, 16))
    >>> found.label, sessions.new_york(found.at).isoformat()
    ('09:00 New York', '2026-12-16T09:00:00-05:00')
    """
    if kind != "future":
        if not sessions.is_session(day):
            return None
        at, until = sessions.regular(day)
        return Opening(at, until, _label(STOCKS))
    hours = sessions.hours(kind, day)
    if hours is None:
        return None
    clock = (own or {}).get(product or "")
    if clock is None:
        clock = (18, 0) if futures == ELECTRONIC else PIT_OPENINGS.get(product or "", STOCKS)
    evening = clock >= (18, 0)
    at = sessions.instant(day - timedelta(days=1) if evening else day, *clock)
    if not hours[0] <= at < hours[1]:
        return None
    return Opening(at, hours[1], _label(clock) + (", the evening before" if evening else ""))


def _label(clock: Clock) -> str:
    return f"{clock[0]:02d}:{clock[1]:02d} New York"
