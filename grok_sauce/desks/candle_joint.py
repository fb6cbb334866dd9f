"""Joining TradingView, the owner of closed candles and LT levels to the rest of the half."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from grok_sauce import settings as knobs
from grok_sauce.desks.candle_keeper import CandleKeeper, candle_file
from grok_sauce.desks.candle_sources import CandleFollower, CandleSources
from grok_sauce.desks.candles import CandleOwner, CandleSettings
from grok_sauce.desks.lt import LtDesk
from grok_sauce.desks.tradingview import TradingViewDesk, user_symbol

if TYPE_CHECKING:
    from grok_sauce.signal_part import Ground


class CandleParts(NamedTuple):
    """TradingView's feed, who owns the candles of all feeds, and LT levels."""

    tradingview: TradingViewDesk
    owner: CandleOwner
    triggers: LtDesk


def join_candles(ground: Ground) -> CandleParts:
    """Build them; they answer by then, and work when their workers run.

    Raises:
        SettingsError: a variable of TradingView or of candles is wrong.
    """
    engine, clock = ground.engine, ground.clock
    tradingview = TradingViewDesk(
        ground.environ, ground.http, clock, engine.put, ground.kept, ground.demo
    )
    ground.data.mkdir(parents=True, exist_ok=True)
    follower = CandleFollower(engine, clock, ground.doors, lambda: owner.wake())
    sources = CandleSources(engine, clock, tradingview.minutes, tradingview.feed.contract)
    keeper = CandleKeeper(candle_file(ground.data, ground.demo), clock)
    owner = CandleOwner(
        engine,
        clock,
        sources,
        follower,
        keeper,
        ground.publish,
        knobs.read_env(CandleSettings, ground.environ),
    )
    owner.register(ground.questions)
    return CandleParts(tradingview, owner, join_triggers(ground, tradingview, owner))


def join_triggers(ground: Ground, tradingview: TradingViewDesk, owner: CandleOwner) -> LtDesk:
    """LT levels of what TradingView is asked for, against the contract that candles are of."""
    chosen = tradingview.settings
    desk = LtDesk(
        ground.engine,
        ground.clock,
        ground.publish,
        chosen.lt_symbol,
        None if chosen.lt_symbol is None else user_symbol(chosen.lt_symbol),
        chosen.lt_timeframe,
        lambda: tradingview.is_on,
        owner.contract,
        tradingview.trouble,
    )
    desk.register(ground.questions)
    return desk
