"""Numbers about finished trades: sums, curve, drawdown, groups; n beside every average."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from grok_sauce.market.sessions import new_york
from grok_sauce.strategies.paper import Trade
from grok_sauce.values import dataclass

FEW: Final = 30  # trades under which an average is called too few to judge by


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall of the sum of closed trades from its highest point so far, in $.

    Times are Unix s of the exits at the top (None: the start) and at the bottom.
    """

    dollars: float
    from_at: float | None
    to_at: float | None


def curve(trades: Sequence[Trade]) -> list[tuple[float, float]]:
    """(exit, Unix s; $ of all trades up to it), one a trade, by time of exit."""
    total, points = 0.0, []
    for trade in sorted(trades, key=lambda each: each.exited_at):
        total = round(total + trade.dollars, 10)
        points.append((trade.exited_at, total))
    return points


def drawdown(points: Sequence[tuple[float, float]]) -> Drawdown | None:
    """The deepest of a curve that begins at 0; None without a trade.

    >>> drawdown([(1.0, 50.0), (2.0, 20.0), (3.0, 60.0), (4.0, 45.0)])
    Drawdown(dollars=30.0, from_at=1.0, to_at=2.0)
    """
    if not points:
        return None
    top, top_at = 0.0, None
    worst = Drawdown(0.0, None, None)
    for at, value in points:
        if value > top:
            top, top_at = value, at
        elif top - value > worst.dollars:
            worst = Drawdown(round(top - value, 10), top_at, at)
    return worst


def mean_and_error(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Mean and its standard error (n - 1); None where n does not allow them.

    >>> mean_and_error([1.0, 3.0]), mean_and_error([2.0]), mean_and_error([])
    ((2.0, 1.0), (2.0, None), (None, None))
    """
    n = len(values)
    if not n:
        return None, None
    mean = math.fsum(values) / n
    if n < 2:
        return mean, None
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    return mean, spread / math.sqrt(n)


def totals(trades: Sequence[Trade]) -> dict[str, Any]:
    """Sums and averages of trades as JSON values; what n does not allow is None."""
    points = [trade.points for trade in trades]
    dollars = [trade.dollars for trade in trades]
    wins = [value for value in dollars if value > 0]
    losses = [value for value in dollars if value < 0]
    mean, error = mean_and_error(points)
    return {
        "n": len(trades),
        "wins": len(wins),
        "losses": len(losses),
        "win_share": len(wins) / len(trades) if trades else None,
        "points": round(math.fsum(points), 10),
        "dollars": round(math.fsum(dollars), 10),
        "commission": round(math.fsum(trade.commission for trade in trades), 10),
        "mean_points": mean,
        "mean_points_error": error,
        "mean_dollars": mean_and_error(dollars)[0],
        "mean_win": mean_and_error(wins)[0],
        "mean_loss": mean_and_error(losses)[0],
        "profit_factor": math.fsum(wins) / -math.fsum(losses) if losses else None,
        "losing_streak": _streak(trades),
        "ambiguous": sum(trade.ambiguous for trade in trades),
    }


def _streak(trades: Iterable[Trade]) -> int:
    longest = run = 0
    for trade in trades:
        run = run + 1 if trade.dollars < 0 else 0
        longest = max(longest, run)
    return longest


def by(trades: Iterable[Trade], key: Callable[[Trade], str]) -> dict[str, dict[str, Any]]:
    """totals() of groups, keys in order."""
    groups: dict[str, list[Trade]] = {}
    for trade in trades:
        groups.setdefault(key(trade), []).append(trade)
    return {name: totals(groups[name]) for name in sorted(groups)}


def level_of(trade: Trade) -> str:
    """The group "by level"."""
    return trade.signal.level_name


def hour_of(trade: Trade) -> str:
    """The group "by hour": New York hour in which the signal's candle closed, "09"."""
    return f"{new_york(trade.signal.time):%H}"


def reason_of(trade: Trade) -> str:
    """The group "by way out"."""
    return trade.reason
