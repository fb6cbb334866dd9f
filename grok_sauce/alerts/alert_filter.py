"""Which alerts are meant: a filter as SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grok_sauce.values import dataclass


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts are meant; None and "" ask for all. from_ms and to_ms are wall-clock."""

    states: tuple[str, ...] = ()
    delivery_states: tuple[str, ...] = ()
    ticker: str | None = None
    strategy: str | None = None
    target: str | None = None
    text: str = ""  # somewhere in the trade_id
    from_ms: int | None = None
    to_ms: int | None = None  # exclusive
    before: int | None = None  # seq, exclusive

    def where(self) -> tuple[str, list[Any]]:
        """SQL over alert a, and its values; before is left to the one who pages."""
        parts: list[str] = ["1"]
        values: list[Any] = []

        def add(part: str, *more: Any) -> None:
            parts.append(part)
            values.extend(more)

        if self.states:
            add(f"a.state IN ({marks(self.states)})", *self.states)
        if self.ticker is not None:
            add("a.ticker = ?", self.ticker)
        if self.strategy is not None:
            add("EXISTS (SELECT 1 FROM json_each(a.strategies) WHERE value = ?)", self.strategy)
        if self.text:
            add("instr(lower(a.trade_id), lower(?))", self.text)
        if self.from_ms is not None:
            add("a.wall_ms >= ?", self.from_ms)
        if self.to_ms is not None:
            add("a.wall_ms < ?", self.to_ms)
        inner: list[str] = []
        if self.target is not None:
            inner.append("+d.target = ?")
            values.append(self.target)
        if self.delivery_states:
            inner.append(f"+d.state IN ({marks(self.delivery_states)})")
            values.extend(self.delivery_states)
        if inner:
            found = f"SELECT 1 FROM delivery d WHERE d.alert_seq = a.seq AND {' AND '.join(inner)}"
            parts.append(f"EXISTS ({found})")
        return " AND ".join(parts), values


def marks(values: Sequence[Any]) -> str:
    """A question mark for each value."""
    return ", ".join("?" * len(values))
