"""The section `forex` of settings.json: what an expert advisor of MetaTrader reads from here."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from grok_sauce.errors import SettingsError
from grok_sauce.settings import readers as read
from grok_sauce.settings.readers import setting
from grok_sauce.values import dataclass

ZONE: Final = "America/Chicago"  # of the trading hours, summer time included


class Knob(NamedTuple):
    """One number: its place here, its old name, its limits (both allowed) and its unit.

    step 1 means whole numbers.
    """

    name: str
    old: str
    label: str
    unit: str
    low: float
    high: float
    step: float


KNOBS: Final = (
    Knob("fast_ema", "FastEMA", "Fast EMA", "closed H1 bars", 2, 400, 1),
    Knob("slow_ema", "SlowEMA", "Slow EMA", "closed H1 bars", 3, 500, 1),
    Knob("rsi_period", "RSI", "RSI period", "closed H1 bars", 2, 100, 1),
    Knob("lot_size", "LotSize", "Lot size", "lots", 0.01, 100, 0.01),
    Knob("stop_loss", "SL", "Stop loss", "pips", 1, 1000, 0.1),
    Knob("take_profit", "TP", "Take profit", "pips", 1, 2000, 0.1),
    Knob("max_daily_loss", "MaxDailyLoss", "Most loss a day", "% of the balance", 0.1, 100, 0.1),
    Knob("start_hour", "StartHourCST", "Trades from", "hour in Chicago", 0, 23, 1),
    Knob("end_hour", "EndHourCST", "Trades until", "hour in Chicago", 0, 23, 1),
    Knob("news_before", "NewsMinutesBefore", "Quiet before news", "minutes", 0, 240, 1),
    Knob("news_after", "NewsMinutesAfter", "Quiet after news", "minutes", 0, 240, 1),
)
_KNOBS: Final = {knob.name: knob for knob in KNOBS}


def _field(default: Any, name: str) -> Any:
    knob = _KNOBS[name]
    if knob.step == 1:
        return setting(default, read.whole(int(knob.low), int(knob.high)))
    return setting(default, read.number(knob.low, knob.high))


@dataclass(frozen=True, slots=True)
class Forex:
    """What an expert advisor is told; units as in KNOBS. The hours are [start, end) in ZONE.

    An end before the start is the next day's. High-impact news keep an advisor from opening
    positions from news_before minutes before to news_after minutes after.
    """

    fast_ema: int = _field(20, "fast_ema")
    slow_ema: int = _field(50, "slow_ema")
    rsi_period: int = _field(14, "rsi_period")
    lot_size: float = _field(0.01, "lot_size")
    stop_loss: float = _field(20.0, "stop_loss")
    take_profit: float = _field(40.0, "take_profit")
    max_daily_loss: float = _field(3.0, "max_daily_loss")
    start_hour: int = _field(2, "start_hour")
    end_hour: int = _field(9, "end_hour")
    news_before: int = _field(2, "news_before")
    news_after: int = _field(2, "news_after")


def check(forex: Forex) -> None:
    """What no single number can show.

    Raises:
        SettingsError: naming the number to change.
    """
    if forex.fast_ema >= forex.slow_ema:
        raise SettingsError(
            f"forex.slow_ema must be more than the fast EMA ({forex.fast_ema}), "
            f"not {forex.slow_ema}",
            "forex.slow_ema",
        )
    if forex.start_hour == forex.end_hour:
        raise SettingsError(
            "forex.end_hour must be another hour than the one it trades from", "forex.end_hour"
        )


def in_hours(forex: Forex, hour: int) -> bool:
    """Whether an hour of the day in ZONE is one to trade in.

    >>> [hour for hour in range(24) if in_hours(Forex(), hour)]
    [2, 3, 4, 5, 6, 7, 8]
    >>> [hour for hour in range(24) if in_hours(Forex(start_hour=22, end_hour=1), hour)]
    [0, 22, 23]
    """
    if forex.start_hour < forex.end_hour:
        return forex.start_hour <= hour < forex.end_hour
    return hour >= forex.start_hour or hour < forex.end_hour
