"""A symbol's volume profiles before it has bars: what is known, and why there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from grok_sauce.analytics.profile_live import Item

DEVELOPING: Final = ("day", "week")
TICK: Final = 0.01  # where the instrument's is not known

NO_BARS: Final = "No minute bars of this symbol have arrived"
INDEX: Final = "An index has no volume"
PROBLEMS: Final = {
    "not_offered": "Not offered by this source",
    "no_entitlement": "No entitlement: this account may not read this symbol",
    "unknown_symbol": "No source knows this symbol",
}


def why_none(item: Item) -> str:
    """The sentence for a symbol that has no bars, or none with a volume."""
    if item.instrument.problem is not None:
        return PROBLEMS[item.instrument.problem]
    return INDEX if item.instrument.kind == "index" else NO_BARS


def bare(item: Item) -> dict[str, Any]:
    """The payload of a symbol without bars; see profile_work.payload for its members."""
    names = [span.name for span in item.spans]
    names.sort(key=lambda name: name not in DEVELOPING)
    return {
        "symbol": item.symbol,
        "as_of": None,
        "source": item.source,
        "unit": "contracts" if item.instrument.kind == "future" else "shares",
        "tick": item.instrument.tick or TICK,
        "bin": None,
        "atr": None,
        "atr_sessions": 0,
        "hours": "session" if item.instrument.kind in ("future", "index") else item.wishes.hours,
        "value_area": item.wishes.value_area,
        "spans": dict.fromkeys(names),
        "reasons": dict.fromkeys(names, why_none(item)),
    }
