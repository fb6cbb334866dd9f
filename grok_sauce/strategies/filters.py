"""The filters of GEX Recoil Fade, one function a rule: each answers with a Verdict.

Of the candle: gate, session, cooldown, position. Of a level: cross, lt, risk (level_tests).
"""

from __future__ import annotations

import math
from typing import Final

from grok_sauce.market.lt_levels import LtLevels
from grok_sauce.market.products import Kind
from grok_sauce.market.sessions import new_york
from grok_sauce.settings.strategy import Strategy
from grok_sauce.strategies.candle import LENGTH, Candle
from grok_sauce.strategies.contracts import same_prices
from grok_sauce.strategies.evaluation import LevelTest, Verdict
from grok_sauce.strategies.levels import KnownLevels

HOUR: Final = 3600.0


def not_reached(name: str) -> Verdict:
    """A filter that was not asked."""
    return Verdict(name, None, None, None, "not reached")


def kind_of(symbol: str, candle: Candle) -> Kind:
    """A future when there is a contract or a slash in front, else taken for a share."""
    return "future" if candle.contract or symbol.startswith("/") else "equity"


# ---- the candle -------------------------------------------------------------------------


def gate(previous: Candle | None, candle: Candle) -> Verdict:
    """Rule 1: two usable candles of one contract, the second right after the first."""
    text = _no_pair(previous, candle)
    passed = "follows the candle before"
    return Verdict("gate", text is None, None, None, passed if text is None else text)


def _no_pair(previous: Candle | None, candle: Candle) -> str | None:
    if candle.problem:
        return f"the candle cannot be used: {candle.problem}"
    if previous is None:
        return "first candle: none before it is known"
    if previous.problem:
        return f"the candle before cannot be used: {previous.problem}"
    if previous.contract != candle.contract:
        return f"first candle of {candle.contract} after {previous.contract}"
    if candle.time - previous.time != LENGTH * 1000:
        minutes = (candle.time - previous.time) / 60_000
        return f"first candle after a gap: {minutes:,.0f} minutes from the one before"
    return None


def session(settings: Strategy, candle: Candle, span: tuple[float, float] | None) -> Verdict:
    """Rule 8: closed within the session, and not within its last minutes. value: minutes left."""
    if span is None:
        hours = f"{settings.session_start} to {settings.session_end} New York"
        return Verdict(
            "session", False, None, None, f"{new_york(candle.end):%a %H:%M} is not in {hours}"
        )
    left = (span[1] - candle.end) / 60
    limit = float(settings.last_minutes)
    if left <= limit:
        return Verdict("session", False, left, limit, f"{left:g} min to the end of the session")
    return Verdict("session", True, left, limit, f"{left:g} min left")


def cooldown(settings: Strategy, candle: Candle, signalled: float | None) -> Verdict:
    """Rule 7: seconds since the candle of the last signal closed, at least the cooldown."""
    limit = float(settings.cooldown)
    if signalled is None:
        return Verdict("cooldown", True, None, limit, "no signal before")
    passed = candle.end - signalled
    return Verdict(
        "cooldown", passed >= limit, passed, limit, f"{passed:,.0f} s since the last, min {limit:g}"
    )


def position(settings: Strategy, busy: str | None) -> Verdict:
    """Rule 7: no other trade of this symbol, when only one is wanted."""
    words = {None: "flat", "order": "an order waits", "position": "a position is open"}
    return Verdict("position", busy is None or not settings.one_position, None, None, words[busy])


# ---- what is known ----------------------------------------------------------------------


def usable_levels(
    settings: Strategy, levels: KnownLevels | None, candle: Candle
) -> tuple[KnownLevels | None, str | None]:
    """Levels that hold for the candle, else None and why."""
    if levels is None:
        return None, "no levels are known"
    if levels.contract is not None and not same_prices(levels.contract, candle.contract):
        return None, f"the levels are of {levels.contract}, the candle of {candle.contract}"
    age = (candle.end - levels.known_at) / HOUR
    if age > settings.levels_max_age:
        return None, f"the levels are {age:.1f} h old, at most {settings.levels_max_age:g}"
    if not any(math.isfinite(price) for _, price in levels.levels):
        return None, "put wall and supports are unknown"
    return levels, None


def ended(triggers: LtLevels) -> float:
    """When the bar of LT levels ended, Unix seconds."""
    return triggers.time / 1000 + (triggers.seconds or LENGTH)


def age_of(triggers: LtLevels, candle: Candle) -> float:
    """Seconds from the end of the LT levels' bar to the candle's close."""
    return candle.end - ended(triggers)


def usable_triggers(
    settings: Strategy, triggers: LtLevels | None, candle: Candle
) -> tuple[LtLevels | None, str]:
    """LT levels that count for the candle, else None and why."""
    if triggers is None:
        return None, "no LT levels are known"
    if not triggers.closed:
        return None, "the LT levels are of a bar under way"
    if triggers.contract is not None and not same_prices(triggers.contract, candle.contract):
        return None, f"the LT levels are of {triggers.contract}"
    age = age_of(triggers, candle) / LENGTH
    if age > settings.lt_max_age:
        return None, f"the LT levels are {age:.4g} candles old, at most {settings.lt_max_age}"
    return triggers, ""


# ---- a level ----------------------------------------------------------------------------


def stop_of(settings: Strategy, candle: Candle, tick: float) -> float:
    """The initial stop: the buffer below the low, down to the tick."""
    return floor_to_tick(candle.low - settings.stop_buffer, tick)


def floor_to_tick(price: float, tick: float) -> float:
    """The tick at or below a price.

    >>> floor_to_tick(21252.0, 0.25), floor_to_tick(21252.2, 0.25), floor_to_tick(2051.3, 0.1)
    (21252.0, 21252.0, 2051.3)
    """
    return round(math.floor(price / tick + 1e-9) * tick, 10)


def level_tests(
    settings: Strategy,
    levels: KnownLevels,
    previous: Candle,
    candle: Candle,
    triggers: LtLevels | None,
    unknown: str,
    tick: float,
) -> tuple[LevelTest, ...]:
    """Rules 2 to 6: every level in order. unknown says why there are no LT levels."""
    tests: list[LevelTest] = []
    is_taken = False
    for name, level in levels.distinct():
        if not math.isfinite(level):
            continue
        cross = _cross(level, previous, candle)
        if not cross.passed:
            blank = not_reached("lt"), not_reached("risk")
            tests.append(LevelTest(name, level, "no_cross", cross, *blank))
            continue
        lt = _lt(settings, level, candle, triggers, unknown)
        risk = _risk(settings, candle, tick)
        result = "rejected"
        if lt.passed and risk.passed:
            result = "later" if is_taken else "passed"
            is_taken = True
        tests.append(LevelTest(name, level, result, cross, lt, risk))
    return tuple(tests)


def _cross(level: float, previous: Candle, candle: Candle) -> Verdict:
    """Rule 3. value: the close's distance from the level, in points."""
    distance = candle.close - level
    if previous.close < level:
        text = "the candle before closed below already"
    elif distance >= 0:
        text = f"closed {distance:+.2f} above"
    else:
        text = f"closed {distance:+.2f} below"
    return Verdict("cross", previous.close >= level > candle.close, distance, None, text)


def _lt(
    settings: Strategy, level: float, candle: Candle, triggers: LtLevels | None, unknown: str
) -> Verdict:
    """Rule 4. value: LT levels strictly below the reference price."""
    most = settings.max_lt_below
    if triggers is None:
        is_open = settings.lt_missing == "open"
        text = f"{unknown}: {'let through' if is_open else 'no trade'}"
        return Verdict("lt", is_open, None, float(most), text)
    below = triggers.below(candle.close if settings.lt_reference == "entry" else level)
    text = f"{below} LT levels below the {settings.lt_reference}, max {most}"
    return Verdict("lt", below <= most, float(below), float(most), text)


def _risk(settings: Strategy, candle: Candle, tick: float) -> Verdict:
    """Rule 5. value: points from the entry to the stop."""
    risk = round(candle.close - stop_of(settings, candle, tick), 10)
    limit = settings.max_risk
    return Verdict("risk", 0 < risk <= limit, risk, limit, f"risk {risk:g}, max {limit:g}")
