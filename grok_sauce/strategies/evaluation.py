"""What a strategy answers: verdicts of its filters, each level tested, and the signal or none.

View(symbol, candle, levels, triggers, decided_at=None, tick=None)          what it is shown
Evaluation(...).as_dict(), Signal(...).as_dict(), Signal.of(document), Signal.payload()
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from grok_sauce.market.lt_levels import LtLevels
from grok_sauce.market.times import iso
from grok_sauce.strategies.candle import Candle
from grok_sauce.strategies.levels import KnownLevels
from grok_sauce.values import dataclass

STRATEGY: Final = "GEX_RECOIL"
_NUMBERS: Final = (
    "quantity", "time", "candle_time", "level", "entry", "stop", "target", "risk", "expires_at",
    "session_end",
)  # fmt: skip
WORDS: Final = {
    "put_wall": "put wall",
    "support_1": "support 1",
    "support_2": "support 2",
    "support_3": "support 3",
}


@dataclass(frozen=True, slots=True)
class View:
    """One closed candle, and what was known when it closed.

    symbol keeps streams apart ("/NQ" and "/MNQ" have each their own memory). levels: the
    newest known at the close; triggers: LT levels of a closed bar; None: none known.
    decided_at: Unix seconds of the decision, the candle's close unless given. tick in points;
    None: the contract's own.
    """

    symbol: str
    candle: Candle
    levels: KnownLevels | None
    triggers: LtLevels | None
    decided_at: float | None = None
    tick: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One filter's answer: passed None where it was not reached; value against limit."""

    name: str
    passed: bool | None
    value: float | None
    limit: float | None
    text: str

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


@dataclass(frozen=True, slots=True)
class LevelTest:
    """One level against the candle. result: "no_cross", "rejected", "passed" or "later".

    "later" would have passed too, after the one that counts.
    """

    name: str
    price: float
    result: str
    cross: Verdict
    lt: Verdict
    risk: Verdict

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        verdicts = {each.name: each.as_dict() for each in (self.cross, self.lt, self.risk)}
        return {"name": self.name, "price": self.price, "result": self.result, **verdicts}


@dataclass(frozen=True, slots=True)
class Signal:
    """An order to buy at a limit, with the stop and the target it was decided with.

    time: the candle's close, Unix s. contract: whose candles these are, order_contract what
    is to be bought. trail_trigger and trail_offset in points, None when nothing trails.
    session_end: when a flat position is due. stored: levels, LT list, factor, their ages and
    every verdict, as JSON values.
    """

    id: str
    symbol: str
    contract: str | None
    order_contract: str | None
    side: str
    quantity: int
    time: float
    candle_time: int
    level_name: str
    level: float
    entry: float
    stop: float
    target: float
    trail_trigger: float | None
    trail_offset: float | None
    risk: float
    lt_below: int | None
    expires_at: float
    session_end: float
    stored: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON values; Signal.of() gives the same back."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Signal:
        """Read as_dict(); KeyError when a field is missing, TypeError when a number is none."""
        found = {item.name: document[item.name] for item in fields(cls)}
        wrong = [name for name in _NUMBERS if type(found[name]) not in (int, float)]
        if wrong or not isinstance(found["stored"], Mapping):
            raise TypeError(f"{wrong[0] if wrong else 'stored'} is not what it should be")
        return cls(**found)

    def payload(self) -> dict[str, Any]:
        """The message of topic trade.signal: snake_case, and the names of before besides."""
        name = self.order_contract or self.symbol
        trailing = (
            None
            if self.trail_trigger is None
            else {"trigger": self.trail_trigger, "offset": self.trail_offset}
        )
        where = f"{WORDS.get(self.level_name, self.level_name)} {self.level:.2f}"
        below = "LT levels unknown" if self.lt_below is None else f"{self.lt_below} LT below"
        return {
            "webhook_type": "trade_signal",
            "id": self.id,
            "strategy": STRATEGY,
            "action": "place_limit",
            "side": self.side,
            "symbol": name.lstrip("/"),
            "contract": self.contract,
            "quantity": self.quantity,
            "price": self.entry,
            "stop_loss": self.stop,
            "take_profit": self.target,
            "trailing_trigger": self.trail_trigger,
            "trailing_offset": self.trail_offset,
            "trailing_stop": trailing,
            "stopLoss": self.stop,
            "takeProfit": self.target,
            "trailingStop": trailing,
            "time": iso(self.time),
            "expires_at": iso(self.expires_at),
            "metadata": {
                "gex_level": self.level,
                "gex_level_type": self.level_name,
                "lt_levels_below": self.lt_below,
                "risk_points": self.risk,
                "candle_time": iso(self.candle_time / 1000),
                "entry_reason": f"closed below {where}, {below}, risk {self.risk:g} points",
                **self.stored,
            },
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything about one candle.

    result: "signal", "rejected" (a level was crossed), "no_cross", "no_levels", "no_pair" (the
    candle gate failed) or "repeated". reason says it in words. Ages are in seconds at the
    candle's close, None where there is nothing to be old.
    """

    symbol: str
    candle: Candle
    previous: Candle | None
    decided_at: float
    gate: Verdict
    session: Verdict
    cooldown: Verdict
    position: Verdict
    tests: tuple[LevelTest, ...]
    levels: KnownLevels | None
    levels_age: float | None
    factor_age: float | None
    triggers: LtLevels | None
    triggers_age: float | None
    result: str
    reason: str
    signal: Signal | None

    @property
    def crossed(self) -> bool:
        """Whether the candle crossed any level."""
        return any(test.cross.passed for test in self.tests)

    def stored(self) -> dict[str, Any]:
        """What the decision was made with, as JSON values: inputs, ages, verdicts."""
        verdicts = (self.gate, self.session, self.cooldown, self.position)
        return {
            "levels": None if self.levels is None else self.levels.as_dict(),
            "levels_age": self.levels_age,
            "factor": None if self.levels is None else self.levels.factor,
            "factor_age": self.factor_age,
            "lt": None if self.triggers is None else triggers_dict(self.triggers),
            "lt_age": self.triggers_age,
            "verdicts": {each.name: each.as_dict() for each in verdicts},
            "tests": [test.as_dict() for test in self.tests],
        }

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "symbol": self.symbol,
            "closed_at": iso(self.candle.end),
            "candle": self.candle.as_dict(),
            "previous": None if self.previous is None else self.previous.as_dict(),
            "decided_at": self.decided_at,
            "result": self.result,
            "reason": self.reason,
            **self.stored(),
            "signal": None if self.signal is None else self.signal.payload(),
        }


def triggers_dict(triggers: LtLevels) -> dict[str, Any]:
    """LT levels as JSON values."""
    return {
        "time": triggers.time,
        "timeframe": triggers.timeframe,
        "contract": triggers.contract,
        "known_at": triggers.at,
        "prices": list(triggers.levels),
    }
