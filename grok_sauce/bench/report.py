"""What a benchmark found: our figure beside a peer's, and whether the bar is reached."""

from __future__ import annotations

from typing import Literal

from grok_sauce.values import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure must reach.

    "faster": the peer's figure is at least `value` times ours; "of peer": ours is at most
    `value` times the peer's; "at most": ours is at most `value` in its own unit.
    """

    kind: Literal["faster", "of peer", "at most"]
    value: float

    def text(self) -> str:
        """For the table.

        >>> Bar("faster", 18).text(), Bar("of peer", 1.1).text(), Bar("at most", 0.6).text()
        ('>= 18x less', '<= 1.1x of it', '<= 0.6')
        """
        if self.kind == "faster":
            return f">= {self.value:g}x less"
        return f"<= {self.value:g}" + ("x of it" if self.kind == "of peer" else "")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line. Figures are costs: less is better. None: could not be measured, why says so."""

    what: str
    unit: str
    ours: float | None
    peer: str = ""
    theirs: float | None = None
    bar: Bar | None = None
    why: str = ""

    @property
    def measured(self) -> bool:
        """Are both figures there?"""
        return self.ours is not None and (not self.peer or self.theirs is not None)

    @property
    def reached(self) -> bool | None:
        """Is the bar reached? None where there is no bar or no figure."""
        if self.bar is None or self.ours is None:
            return None
        if self.bar.kind == "at most":
            return self.ours <= self.bar.value
        if self.theirs is None:
            return None
        if self.bar.kind == "faster":
            return self.theirs >= self.bar.value * self.ours
        return self.ours <= self.bar.value * self.theirs

    @property
    def passes(self) -> bool:
        """Nothing that --require objects to."""
        return self.measured and self.reached is not False

    def line(self) -> str:
        """One line of text: figures, ratio, bar, verdict."""
        parts = [f"{self.what:<34}", _figure(self.ours, self.unit)]
        if self.peer:
            parts.append(f"{self.peer}: {_figure(self.theirs, self.unit)}")
        if self.peer and self.ours and self.theirs:
            ratio = self.theirs / self.ours
            parts.append(f"{ratio:.1f}x less" if ratio >= 1 else f"{1 / ratio:.2f}x of it")
        if self.bar is not None:
            verdict = {True: "reached", False: "MISSED", None: "not judged"}[self.reached]
            parts.append(f"bar {self.bar.text()}: {verdict}")
        if self.why:
            parts.append(f"({self.why})")
        return "  ".join(parts)


def _figure(value: float | None, unit: str) -> str:
    return "not measured" if value is None else f"{value:.3g} {unit}"
