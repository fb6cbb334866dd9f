"""What a backtest found, as one JSON document and as text; n stands beside every average.

document(result, inputs) -> dict            render(document) -> str
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any, Final

from grok_sauce.market.sessions import new_york
from grok_sauce.market.times import iso
from grok_sauce.strategies import statistics
from grok_sauce.strategies.backtest import Result
from grok_sauce.strategies.evaluation import WORDS, Evaluation
from grok_sauce.strategies.paper import Trade
from grok_sauce.values import dataclass

FILTERS: Final = ("session", "cooldown", "position")
ENDS: Final = {
    "target": "target",
    "stop": "stop",
    "trail": "trailed stop",
    "end": "end of session",
    "rolled": "contract roll",
}


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was read: names of files, lines of levels and LT levels, bars left out by name."""

    bars: tuple[str, ...]
    levels: str
    lt: str | None
    level_lines: int
    lt_lines: int
    left_out: dict[str, int]


def document(result: Result, inputs: Inputs) -> dict[str, Any]:
    """Everything as JSON values; times ISO-8601 UTC, unknown None."""
    trades = result.trades
    points = statistics.curve(trades)
    fall = statistics.drawdown(points)
    found = {
        "strategy": "gex_recoil",
        "symbol": result.symbol,
        "terms": dataclasses.asdict(result.terms),
        "settings": dataclasses.asdict(result.settings),
        "inputs": {**dataclasses.asdict(inputs), "bars": list(inputs.bars)},
        "bars": {
            "first": iso(result.first),
            "last": iso(result.last),
            "by_seconds": {str(length): n for length, n in sorted(result.bars.items())},
        },
        "candles": len(result.evaluations),
        "results": dict(Counter(each.result for each in result.evaluations)),
        "failed": _failed(result.evaluations),
        "levels": _known(result.evaluations),
        "signals": len(result.signals),
        "orders": {
            "filled": len(trades) + len(result.open),
            **{
                name: sum(order.outcome == name for order in result.orders)
                for name in ("expired", "gapped", "rolled")
            },
            "waiting": len(result.waiting),
        },
        "totals": statistics.totals(trades),
        "by_level": statistics.by(trades, statistics.level_of),
        "by_hour": statistics.by(trades, statistics.hour_of),
        "by_exit": statistics.by(trades, statistics.reason_of),
        "equity": [[iso(at), value] for at, value in points],
        "drawdown": None
        if fall is None
        else {"dollars": fall.dollars, "from": iso(fall.from_at), "to": iso(fall.to_at)},
        "open": [_open(each, result.last_close, result) for each in result.open],
        "trades": [_trade(each) for each in trades],
        "crosses": [each.as_dict() for each in result.evaluations if each.crossed],
    }
    return {**found, "says": says(result, inputs)}


def _failed(evaluations: list[Evaluation]) -> dict[str, int]:
    """Candles with a cross, by filter that failed; a candle counts in each that did."""
    found: Counter[str] = Counter()
    for each in evaluations:
        if not each.crossed:
            continue
        found.update(name for name in FILTERS if getattr(each, name).passed is False)
        crossed = [test for test in each.tests if test.cross.passed]
        if not any(test.result == "passed" for test in crossed):
            found.update({t.name for test in crossed for t in (test.lt, test.risk)
                          if t.passed is False})  # fmt: skip
    return dict(found)


def _known(evaluations: list[Evaluation]) -> dict[str, int]:
    """Of how many candles levels and LT levels were known, whatever their age."""
    return {
        "candles_with_levels": sum(each.levels is not None for each in evaluations),
        "candles_with_lt": sum(each.triggers is not None for each in evaluations),
    }


def _trade(trade: Trade) -> dict[str, Any]:
    signal = trade.signal
    return {
        "id": signal.id,
        "signal_at": iso(signal.time),
        "contract": signal.contract,
        "level_name": signal.level_name,
        "level": signal.level,
        "entered_at": iso(trade.entered_at),
        "entry": trade.entry,
        "stop": signal.stop,
        "target": signal.target,
        "risk": signal.risk,
        "lt_below": signal.lt_below,
        "exited_at": iso(trade.exited_at),
        "exit": trade.exit,
        "reason": trade.reason,
        "points": trade.points,
        "dollars": trade.dollars,
        "commission": trade.commission,
        "ambiguous": trade.ambiguous,
        "bar_seconds": trade.bar_seconds,
    }


def _open(position: Any, last: float | None, result: Result) -> dict[str, Any]:
    marked = None if last is None else round(last - position.entry, 10)
    return {
        "id": position.signal.id,
        "entered_at": iso(position.entered_at),
        "entry": position.entry,
        "stop": position.stop,
        "target": position.target,
        "marked_points": marked,
        "marked_dollars": None
        if marked is None
        else round(marked * result.terms.multiplier * position.signal.quantity, 10),
    }


# ---- what the sample cannot show --------------------------------------------------------


def says(result: Result, inputs: Inputs) -> list[str]:
    """Plain sentences: what these numbers are not."""
    lines = [_sample(result)]
    settings = result.settings
    if not inputs.lt_lines:
        does = "no candle could signal" if settings.lt_missing == "closed" else "it let all through"
        lines.append(
            f"No LT levels were given, so that filter was not tested: {does} "
            f"(lt_missing {settings.lt_missing})."
        )
    ambiguous = sum(trade.ambiguous for trade in result.trades)
    finest = max(result.bars, default=0)
    if result.trades:
        lines.append(
            f"{ambiguous} of {len(result.trades)} trades are ambiguous: a bar held both ways out, "
            f"and the worse was taken; the longest bars are of {_length(finest)}. A target counts "
            f"as filled when it is touched, a limit to buy only a tick below."
        )
    if result.open or result.waiting:
        lines.append(
            f"{len(result.open)} positions and {len(result.waiting)} orders were still there at "
            f"the end and are in no sum."
        )
    lines.append(
        "Not shown: whether the levels really were known at their known_at (only their recorder "
        "can say), how settings that were chosen on these very bars do on others, and fills at "
        "a size the market would notice. A past market is no promise; this is no advice."
    )
    return lines


def _sample(result: Result) -> str:
    trades = result.trades
    n = len(trades)
    days = len({new_york(trade.signal.time).date() for trade in trades})
    if not n:
        return "There was no finished trade: this says nothing about how the strategy does."
    dollars = [trade.dollars for trade in trades]
    mean, error = statistics.mean_and_error(dollars)
    about = f"{_of(n, 'trade')} on {_of(days, 'day')}"
    if mean is None or error is None:
        return f"{about}: too few to judge by; an average of one is no average."
    low, high = mean - 2 * error, mean + 2 * error
    band = (
        f"the mean is {money(mean)} a trade after costs, twice its standard error to each side "
        f"{money(low)} to {money(high)}"
    )
    if n < statistics.FEW:
        return f"{about}: too few to judge by; {band}."
    if low <= 0 <= high:
        return f"{about}: {band}, which holds 0: gain and loss cannot be told from chance."
    return (
        f"{about}: {band}, which does not hold 0; that is worth something only if trades are "
        f"independent and the market stays as it was."
    )


def money(value: float) -> str:
    """Dollars with a sign in front.

    >>> money(-1.5), money(1234.0)
    ('-$1.50', '+$1,234.00')
    """
    return f"{'-' if value < 0 else '+'}${abs(value):,.2f}"


def _of(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _length(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"


# ---- text -------------------------------------------------------------------------------


def render(found: dict[str, Any]) -> str:
    """The document for a terminal."""
    numbers, orders = found["totals"], found["orders"]
    lengths = ", ".join(
        f"{n:,} of {_length(int(length))}" for length, n in found["bars"]["by_seconds"].items()
    )
    terms, settings = found["terms"], found["settings"]
    lines = [
        f"GEX Recoil Fade, {found['symbol']}, {shown(found['bars']['first'])} to "
        f"{shown(found['bars']['last'])} New York",
        f"bars {lengths}; candles {found['candles']:,}, with levels "
        f"{found['levels']['candles_with_levels']:,}, with LT levels "
        f"{found['levels']['candles_with_lt']:,}",
        f"paper: {settings['quantity']} {terms['name']}, ${terms['multiplier']:g} a point, "
        f"${settings['commission']:.2f} a side, slippage "
        f"{_of(settings['slippage_ticks'], 'tick')} of {terms['tick']:g}",
    ]
    for name, count in found["inputs"]["left_out"].items():
        lines.append(f"left out: {count:,} bars of {name}, not the contract in front")
    failed = ", ".join(f"{name} {count}" for name, count in sorted(found["failed"].items()))
    lines += [
        "",
        f"crosses {len(found['crosses'])}, failed: {failed or 'none'}; signals {found['signals']}",
        f"orders: filled {orders['filled']}, expired {orders['expired']}, gapped under the stop "
        f"{orders['gapped']}, rolled {orders['rolled']}, waiting {orders['waiting']}",
        "",
        _sum_line("all", numbers),
    ]
    for title, key in (("by level", "by_level"), ("by hour, New York", "by_hour"),
                       ("by way out", "by_exit")):  # fmt: skip
        if found[key]:
            lines += ["", title]
            lines += [_sum_line(word(name), group) for name, group in found[key].items()]
    if found["drawdown"] is not None and numbers["n"]:
        fall = found["drawdown"]
        lines += ["", f"deepest drawdown of closed trades ${fall['dollars']:,.2f}"
                  + (f", to {shown(fall['to'])}" if fall["to"] else "")]  # fmt: skip
    if found["trades"]:
        lines += ["", *_trade_lines(found["trades"])]
    return "\n".join([*lines, "", *found["says"]])


def _sum_line(name: str, group: dict[str, Any]) -> str:
    mean = "–" if group["mean_points"] is None else f"{group['mean_points']:+.2f}"
    share = "–" if group["win_share"] is None else f"{100 * group['win_share']:.0f} %"
    return (
        f"{name:<16} n {group['n']:>4}  won {group['wins']:>4} ({share})  points "
        f"{group['points']:>+10.2f}  mean {mean} (n {group['n']})  {money(group['dollars'])}  "
        f"ambiguous {group['ambiguous']}"
    )


def _trade_lines(trades: list[dict[str, Any]]) -> list[str]:
    lines = ["signal            level                    entry       stop     target  out          "
             "     price  by             points          $"]  # fmt: skip
    for each in trades:
        mark = "  ambiguous" if each["ambiguous"] else ""
        lines.append(
            f"{shown(each['signal_at'])}  {word(each['level_name']):<10}{each['level']:>10.2f}  "
            f"{each['entry']:>9.2f}  {each['stop']:>9.2f}  {each['target']:>9.2f}  "
            f"{shown(each['exited_at'])[5:]}  {each['exit']:>9.2f}  {word(each['reason']):<13}"
            f"{each['points']:>+9.2f}  {each['dollars']:>+9.2f}{mark}"
        )
    return lines


def shown(text: str | None) -> str:
    """An ISO time on New York's clock, to the minute."""
    if text is None:
        return "–"
    from datetime import datetime

    return f"{new_york(datetime.fromisoformat(text).timestamp()):%Y-%m-%d %H:%M}"


def word(name: str) -> str:
    """A name of the document in words; an hour as 09:00."""
    if name.isdigit():
        return f"{name}:00"
    return WORDS.get(name) or ENDS.get(name, name)
