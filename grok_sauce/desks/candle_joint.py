"""Joining TradingView, the owner of closed candles and LT levels to the rest of the half."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from grok_sauce import settings as knobs
from grok_sauce.desks.candle_keeper import CandleKeeper, candle_file
from grok_sauce.desks.candle_sources import CandleFollower, CandleSources
from grok_sauce.desks.candles import CandleOwner, CandleSettings
from grok_sauce.desks.tradingview import TradingViewDesk

if TYPE_CHECKING:
    from grok_sauce.signal_part import Ground


class CandleParts(NamedTuple):
    """TradingView's feed, and who owns the candles of all feeds."""

    tradingview: TradingViewDesk
    owner: CandleOwner


def join_candles(ground: Ground) -> CandleParts:
    """Build both; they answer by then, and work when their workers run.

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
    return CandleParts(tradingview, owner)
