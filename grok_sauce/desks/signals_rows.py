"""What pages are told of the strategy: each evaluation in a line, trades, levels, sums. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from grok_sauce.market.lt_levels import LOOKBACKS, LtLevels
from grok_sauce.market.times import iso
from grok_sauce.settings.strategy import Strategy
from grok_sauce.strategies.evaluation import STRATEGY, WORDS, Signal
from grok_sauce.strategies.levels import KnownLevels
from grok_sauce.strategies.paper import Order, Paper, Trade

NAME: Final = "GEX Recoil Fade"
CANDLE: Final = ("gate", "session", "cooldown", "position")  # verdicts of the candle
LEVEL: Final = ("cross", "lt", "risk")  # verdicts of a level
PARAMETERS: Final = (
    "target", "stop_buffer", "max_risk", "max_lt_below", "lt_reference", "lt_missing",
    "lt_max_age", "levels_max_age", "trailing", "trail_trigger", "trail_offset", "cooldown",
    "one_position", "session_start", "session_end", "last_minutes", "flat_at_end",
    "limit_candles", "bracket", "contract", "quantity", "commission", "slippage_ticks",
)  # fmt: skip


def line_of(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """One evaluation in a line: the level that counts, every filter's verdict, the result.

    The level is the one that passed, else the first crossed, else the nearest to the close.
    """
    test = _telling(evaluation["tests"])
    verdicts = {name: evaluation["verdicts"][name] for name in CANDLE}
    blank = {"passed": None, "value": None, "limit": None, "text": "not reached"}
    for name in LEVEL:
        verdicts[name] = blank if test is None else test[name]
    return {
        "seq": evaluation["seq"],
        "mode": evaluation["mode"],
        "closed_at": evaluation["closed_at"],
        "contract": evaluation["candle"]["contract"],
        "close": evaluation["candle"]["close"],
        "level_name": None if test is None else test["name"],
        "level_label": None if test is None else label(test["name"]),
        "level": None if test is None else test["price"],
        "crossed": any(each["cross"]["passed"] for each in evaluation["tests"]),
        **{
            name: {key: each[key] for key in ("passed", "value", "limit", "text")}
            for name, each in verdicts.items()
        },
        "result": evaluation["result"],
        "reason": evaluation["reason"],
    }


def _telling(tests: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    for wanted in ("passed", "rejected"):
        for test in tests:
            if test["result"] == wanted:
                return test
    return min(tests, key=lambda test: abs(test["cross"]["value"]), default=None)


def label(name: str) -> str:
    """A level's name as pages write it.

    >>> label("put_wall"), label("support_1")
    ('Put wall', 'Support 1')
    """
    text = WORDS.get(name, name.replace("_", " "))
    return text[:1].upper() + text[1:]


def end_of(ended: Order | Trade) -> dict[str, Any]:
    """How an order or trade ended, as JSON values; prices in points, times ISO-8601 UTC."""
    signal = ended.signal
    found: dict[str, Any] = {
        "id": signal.id,
        "symbol": signal.symbol,
        "contract": signal.order_contract,
        "quantity": signal.quantity,
        "time": iso(signal.time),
        "level_name": signal.level_name,
        "level_label": label(signal.level_name),
        "level": signal.level,
        "limit": signal.entry,
        "stop": signal.stop,
        "target": signal.target,
        "risk": signal.risk,
    }
    if isinstance(ended, Order):
        blank = dict.fromkeys(("entered_at", "entry", "exit", "points", "dollars", "commission"))
        return {
            **found,
            **blank,
            "exited_at": iso(ended.at),
            "reason": ended.outcome,
            "ambiguous": False,
            "bar_seconds": None,
        }
    return {
        **found,
        "entered_at": iso(ended.entered_at),
        "entry": ended.entry,
        "exited_at": iso(ended.exited_at),
        "exit": ended.exit,
        "reason": ended.reason,
        "points": ended.points,
        "dollars": ended.dollars,
        "commission": ended.commission,
        "ambiguous": ended.ambiguous,
        "bar_seconds": ended.bar_seconds,
    }


def signal_row(kept: Mapping[str, Any]) -> dict[str, Any]:
    """A signal for the page: its order, what the router did with it, how it ended on paper."""
    payload, meta = kept["payload"], kept["payload"]["metadata"]
    names = ("id", "symbol", "contract", "side", "quantity", "price", "time", "expires_at")
    return {
        **{name: payload[name] for name in names},
        "stop": payload["stop_loss"],
        "target": payload["take_profit"],
        "risk": meta["risk_points"],
        "level_name": meta["gex_level_type"],
        "level_label": label(meta["gex_level_type"]),
        "level": meta["gex_level"],
        "seq": kept["seq"],
        "posts": kept["posts"],
        "end": kept["end"],
    }


def levels_view(levels: KnownLevels | None, why: str | None, now: float) -> dict[str, Any]:
    """The levels in force, in the order of testing; why says what is wrong with them."""
    if levels is None:
        return {"why": why or "no levels are known", "rows": []}
    return {
        "why": why,
        "source": levels.source,
        "contract": levels.contract,
        "factor": levels.factor,
        "factor_at": iso(levels.factor_at),
        "known_at": iso(levels.known_at),
        "age": round(now - levels.known_at, 1),
        "rows": [
            {"name": name, "label": label(name), "price": price}
            for name, price in levels.distinct()
            if price == price  # NaN is no level
        ],
    }


def triggers_view(triggers: LtLevels | None, why: str | None, now: float) -> dict[str, Any]:
    """The Liquidity Trigger levels, highest first, each with the bars it looks back."""
    if triggers is None:
        return {"why": why or "no LT levels are known", "rows": []}
    rows = [
        {"number": number, "lookback": lookback, "price": price}
        for number, (lookback, price) in enumerate(
            zip(LOOKBACKS, triggers.levels, strict=False), start=1
        )
        if price is not None
    ]
    ended = triggers.time / 1000 + triggers.seconds
    return {
        "why": why,
        "contract": triggers.contract,
        "timeframe": triggers.timeframe,
        "known_at": iso(triggers.at),
        "closed_at": iso(ended),
        "age": round(now - ended, 1),
        "rows": sorted(rows, key=lambda row: -float(row["price"] or 0)),
    }


def open_view(paper: Paper, price: float | None) -> dict[str, Any] | None:
    """The position that is open or the order that waits; None when flat.

    points are what it would be worth at price, before costs; None without a price.
    """
    if paper.positions:
        held = paper.positions[0]
        return {
            **_order(held.signal),
            "kind": "position",
            "entered_at": iso(held.entered_at),
            "entry": held.entry,
            "stop": held.stop,
            "target": held.target,
            "trailed": held.trailed,
            "points": None if price is None else round(price - held.entry, 6),
        }
    if paper.orders:
        return {**_order(paper.orders[0]), "kind": "order", "points": None}
    return None


def _order(signal: Signal) -> dict[str, Any]:
    return {
        "id": signal.id,
        "time": iso(signal.time),
        "expires_at": iso(signal.expires_at),
        "limit": signal.entry,
        "stop": signal.stop,
        "target": signal.target,
        "level_label": label(signal.level_name),
        "quantity": signal.quantity,
    }


def parameters(settings: Strategy) -> dict[str, Any]:
    """The options that decide, for the page."""
    return {name: getattr(settings, name) for name in PARAMETERS}


def blank_state(symbol: str, symbols: Sequence[str], text: str) -> dict[str, Any]:
    """The state of a process that may tell no signals, and why."""
    return {
        "symbol": symbol,
        "strategy": STRATEGY,
        "name": NAME,
        "symbols": list(symbols),
        "enabled": False,
        "by_default": False,
        "state": "refused",
        "text": text,
        "blocked": [{"input": "feed", "text": text}],
        "contract": None,
        "next_close": None,
        "last": None,
        "levels": levels_view(None, text, 0.0),
        "lt": triggers_view(None, text, 0.0),
        "open": None,
        "today": {"signals": 0, **NO_TRADES},
        "sums": dict(NO_TRADES),
        "counts": {"all": 0, "crosses": 0, "signals": 0},
        "evaluations": [],
        "signals": [],
        "parameters": {},
        "terms": None,
        "router": {"on": False, "ticker": None, "problem": None},
        "keep_days": None,
    }


NO_TRADES: Final = {
    "n": 0, "wins": 0, "points": 0.0, "dollars": 0.0, "mean_points": None, "mean_dollars": None,
}  # fmt: skip
