"""Rows of the indicator table: every number with its unit, its age, or the reason it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from grok_sauce.analytics import rvol, session_bars
from grok_sauce.analytics.indicator_options import option_fields
from grok_sauce.analytics.indicator_orb import orb_fields
from grok_sauce.analytics.trading_day import TradingDay
from grok_sauce.analytics.view import Analytic, View
from grok_sauce.analytics.vwap import distance
from grok_sauce.market.events import Profile, Quote, Summary, Trade
from grok_sauce.market.instruments import Instrument, decimals_of, provisional
from grok_sauce.market.products import Kind
from grok_sauce.market.state import MarketState, Price

AGING: Final = 60.0  # seconds without an event, in session, after which the age is a warning
STALE: Final = 300.0  # after which the row is grey

GROUP_COLORS: Final = {"positive": "orange", "neutral": "lightblue", "negative": "pink"}

NOTHING_YET: Final = "Nothing received yet"
NO_PRICE_TODAY: Final = "No price of today yet"
PROBLEMS: Final = {
    "not_offered": "Not offered by this source",
    "no_entitlement": "No entitlement: this account may not read this symbol",
    "unknown_symbol": "No source knows this symbol",
}

Row = dict[str, Any]
Days = dict[Kind, TradingDay]


def rows(view: View) -> list[Row]:
    """Rows of view.symbols in the user's order; payloads of topic "indicator.rows".

    JSON values, unknown = None with a sentence in "reasons" (hint alone may be None without).
    Changes and distances in percent are percents (0.43 = 0.43 %), prices in points, volumes
    in shares or contracts, spark [start of a minute in ms, price], as_of ISO-8601 UTC, age seconds.
    """
    wanted = set(view.symbols)
    days: Days = {}
    return [
        _row(view, symbol, group, order, days)
        for order, (symbol, group) in enumerate(_members(view))
        if symbol in wanted
    ]


def compute(view: View) -> dict[str, Row]:
    """Rows by symbol."""
    return {row["symbol"]: row for row in rows(view)}


def _members(view: View) -> Iterator[tuple[str, str]]:
    for group, symbols in view.groups.items():
        for symbol in symbols:
            yield symbol, group


class _Known:
    """What the state knows of one instrument, read once."""

    __slots__ = ("eth", "profile", "quote", "summary", "trade")

    def __init__(self, state: MarketState, streamer: str) -> None:
        self.quote: Quote | None = state.quote(streamer)
        self.trade: Trade | None = state.trade(streamer)
        self.eth: Trade | None = state.trade_eth(streamer)
        self.summary: Summary | None = state.summary(streamer)
        self.profile: Profile | None = state.profile(streamer)


def _row(view: View, symbol: str, group: str, order: int, days: Days) -> Row:
    instrument = view.state.instruments.get(symbol) or provisional(symbol)
    kind = instrument.kind
    day = days.get(kind)
    if day is None:
        day = days[kind] = TradingDay.of(kind, view.now)
    known = _Known(view.state, instrument.streamer)
    price = view.state.price(instrument.streamer, view.now)
    reasons: dict[str, str] = {}
    row: Row = {
        "symbol": symbol,
        "name": instrument.name or (known.profile and known.profile.description) or symbol,
        "group": group,
        "kind": kind,
        **_price(price, instrument, reasons),
        **_quote(known.quote, kind, reasons),
    }
    row |= _references(known.summary, day, reasons)
    row |= _changes(row, price is not None and _is_that_close(price, day), reasons)
    row |= _volumes(view, instrument, known, day, row["price"], reasons)
    row |= option_fields(view, instrument, row["price"], reasons)
    row |= orb_fields(view, symbol, instrument.tick, reasons)
    row["color"] = _color(row["change_percent"])
    if row["color"] is None:
        reasons["color"] = reasons["change_percent"]
    row["text_color"] = GROUP_COLORS.get(group, GROUP_COLORS["neutral"])
    row |= _freshness(view, instrument, known, day, reasons)
    row |= {"hint": instrument.hint, "source": view.source, "order": order}
    if instrument.problem is not None:
        # One cause for every dash.
        reasons = dict.fromkeys(reasons, PROBLEMS[instrument.problem])
    row["reasons"] = reasons
    return row


def _price(price: Price | None, instrument: Instrument, reasons: dict[str, str]) -> Row:
    if price is None:
        reasons["price"] = reasons["price_basis"] = NOTHING_YET
    value = None if price is None else price.value
    return {
        "price": value,
        "price_basis": None if price is None else price.basis,
        "decimals": _decimals(instrument, value),
        "direction": 0 if price is None else price.direction,
    }


def _decimals(instrument: Instrument, price: float | None) -> int:
    if instrument.tick is None and price is not None and abs(price) < 1:
        return 4  # shares under a dollar trade in hundredths of a cent
    return decimals_of(instrument.tick)


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None


def _quote(quote: Quote | None, kind: Kind, reasons: dict[str, str]) -> Row:
    bid = ask = None
    if quote is not None:
        # Futures have been quoted below 0; for everything else 0 means nobody bids.
        bid = quote.bid if kind == "future" else _positive(quote.bid)
        ask = quote.ask if kind == "future" else _positive(quote.ask)
    if bid is None:
        reasons["bid"] = "No quote received yet" if quote is None else "Nobody bids"
    if ask is None:
        reasons["ask"] = "No quote received yet" if quote is None else "Nobody offers"
    spread = _difference(ask, bid) if bid is not None and ask is not None else None
    if spread is None:
        reasons["spread"] = reasons.get("bid") or reasons["ask"]
    return {"bid": bid, "ask": ask, "spread": spread}


def _references(summary: Summary | None, day: TradingDay, reasons: dict[str, str]) -> Row:
    """Open, high, low of the day shown and the close before it; another day's do not count."""
    row: Row = dict.fromkeys(("open", "prev_close", "day_high", "day_low"))
    if summary is not None and summary.day_id == day.number:
        row["open"] = _positive(summary.day_open)
        row["day_high"] = _positive(summary.day_high)
        row["day_low"] = _positive(summary.day_low)
        row["prev_close"] = _positive(summary.prev_close)
    elif summary is not None and summary.day_id == day.before:
        # Not told yet today, but yesterday's own close is what today is measured against.
        row["prev_close"] = _positive(summary.day_close)
    why = NOTHING_YET if summary is None else "Nothing received for today yet"
    if summary is not None and summary.day_id == day.number:
        why = "Not opened yet today"
    for name, value in row.items():
        if value is None:
            reasons[name] = why
    if row["prev_close"] is None and summary is not None and summary.day_id == day.number:
        reasons["prev_close"] = "The source gives no previous close"
    gap = None
    if row["open"] is not None and row["prev_close"] is not None:
        gap = (row["open"] - row["prev_close"]) / row["prev_close"] * 100
    else:
        reasons["gap_percent"] = reasons.get("open") or reasons["prev_close"]
    row["gap_percent"] = gap
    return row


def _is_that_close(price: Price, day: TradingDay) -> bool:
    """Whether a price is the very close that today is measured against: nothing came since.

    What the evening before traded after its close did come since.
    """
    return price.basis == "trade" and price.time is not None and day.is_before(price.time / 1000)


def _changes(row: Row, is_that_close: bool, reasons: dict[str, str]) -> Row:
    """Both changes; a close against itself would say "unchanged" of a day without a price."""
    found: Row = {}
    for reference, change, percent in (
        ("open", "change_price", "change_percent"),
        ("prev_close", "change_close", "change_close_percent"),
    ):
        price, base = row["price"], row[reference]
        if price is None or base is None or is_that_close:
            found[change] = found[percent] = None
            why = reasons.get("price") or reasons.get(reference) or NO_PRICE_TODAY
            reasons[change] = reasons[percent] = why
        else:
            found[change] = _difference(price, base)
            found[percent] = found[change] / base * 100
    return found


def _difference(price: float, reference: float) -> float:
    """price - reference, without what binary fractions add: 600.42 - 600.4 is 0.02."""
    return round(price - reference, 10)


def _color(percent: float | None) -> str | None:
    if percent is None:
        return None
    return "gray" if percent == 0 else "darkgreen" if percent > 0 else "darkred"


def _volumes(
    view: View,
    instrument: Instrument,
    known: _Known,
    day: TradingDay,
    price: float | None,
    reasons: dict[str, str],
) -> Row:
    """Volume, both RVOL forms, average, VWAP distance and spark, from one session's numbers."""
    streamer, kind = instrument.streamer, instrument.kind
    series = view.state.candles(streamer, "m")
    trade = known.eth if day.is_pre else known.trade
    volume = trade.day_volume if trade is not None and day.holds(trade) else None
    span = session_bars.window(kind, day.day, day.is_pre)
    past = session_bars.history(series, kind, day.day, day.is_pre, view.cache, streamer)
    whole = past
    if day.is_pre:
        whole = session_bars.history(series, kind, day.day, False, view.cache, streamer)
    by_time, by_day = _ratios(volume, trade, past, span)
    if volume is None:
        reasons["volume"] = _no_volume(kind, trade, day)
    for name, ratio in (("rvol", by_time), ("rvol_day", by_day)):
        if ratio.reason is not None:
            is_about_today = volume is None and (past.reason is None or kind == "index")
            reasons[name] = reasons["volume"] if is_about_today else ratio.reason
    if whole.average is None:
        no_bars = "An index has no volume" if kind == "index" else whole.reason
        reasons["avg_volume"] = no_bars or rvol.needs_sessions(len(whole.curves))
    bars = (
        None if span is None else session_bars.today(series, span, view.now, view.cache, streamer)
    )
    away = None
    if day.is_pre:
        reasons["vwap_distance"] = "VWAP starts with the regular session"
    else:
        away = distance(price, bars.vwap if bars else None)
        if away is None:
            reasons["vwap_distance"] = (
                "An index has no volume" if kind == "index" else "No minute bars of this session"
            )
    return {
        "volume": volume,
        "rvol": by_time.value,
        "rvol_day": by_day.value,
        "avg_volume": whole.average,
        "vwap_distance": away,
        "spark": bars.spark if bars else [],
    }


def _ratios(
    volume: float | None,
    trade: Trade | None,
    past: rvol.Base,
    span: session_bars.Window | None,
) -> tuple[rvol.Rvol, rvol.Rvol]:
    """(time form, day form). The time is when the volume was told: both belong to one moment."""
    if volume is None or trade is None or span is None:
        return rvol.time_rvol(None, past, 0.0), rvol.day_rvol(None, past)
    minutes = min((trade.at * 1000 - span.start) / rvol.MINUTE_MS, float(span.minutes))
    return rvol.time_rvol(volume, past, minutes), rvol.day_rvol(volume, past)


def _no_volume(kind: Kind, trade: Trade | None, day: TradingDay) -> str:
    if kind == "index":
        return "An index has no volume"
    if trade is None or not day.holds(trade):
        return "No trade in the pre-market yet" if day.is_pre else "No regular trade today yet"
    return "The source gives no volume"


def _freshness(
    view: View, instrument: Instrument, known: _Known, day: TradingDay, reasons: dict[str, str]
) -> Row:
    """Status, stale, age (seconds) and as_of of the newest price event."""
    newest = _newest(known, day)
    age = None if newest is None else max(0.0, view.now - newest)
    if newest is None:
        reasons["as_of"] = reasons["age"] = NOTHING_YET
    if instrument.problem is not None:
        status = str(instrument.problem)
    elif view.link_down:
        status = "link_down"
    elif age is None:
        status = "waiting"
    elif known.profile is not None and known.profile.is_halted:
        status = "halted"
    elif day.is_closed:
        status = "closed"
    elif age < AGING:
        status = "live"
    else:
        status = "aging" if age < STALE else "stale"
    return {
        "as_of": None if newest is None else _iso(newest),
        "age": age,
        "stale": status in ("link_down", "stale"),
        "status": status,
    }


def _newest(known: _Known, day: TradingDay) -> float | None:
    """When the newest price event happened: a trade's own time, a quote's arrival.

    A quote has no time of its own and the first one after a sign-in may be hours old, so
    that outside trading hours a trade's time is better known.
    """
    newest = None
    for trade in (known.trade, known.eth):
        if trade is not None and trade.price is not None:
            at = trade.at if trade.time is None else min(trade.at, trade.time / 1000)
            newest = at if newest is None else max(newest, at)
    quote = known.quote
    if quote is None or (quote.bid is None and quote.ask is None):
        return newest
    if newest is None or not day.is_closed:
        newest = quote.at if newest is None else max(newest, quote.at)
    return newest


def _iso(unix: float) -> str:
    moment = datetime.fromtimestamp(unix, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


ANALYTIC: Final = Analytic(
    topic="indicator.rows",
    needs=frozenset(
        {
            *("Quote", "Trade", "TradeETH", "Summary", "Profile", "Candle"),
            *("Instrument", "Link", "Chain"),
        }
    ),
    every=0.0,
    compute=compute,
    sweep=1.0,
    quiet=frozenset({"age"}),
)
