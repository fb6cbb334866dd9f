"""What the feed delivers of single symbols: the underlying's quote, six options' three kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from grok_sauce.clients.tastytrade import Tastytrade
from grok_sauce.desks.connection_test import OPTIONS, PATIENCE, Listener, near_options
from grok_sauce.errors import GrokSauceError
from grok_sauce.feeds.dxlink import Subscription
from grok_sauce.market.instruments import Instrument
from grok_sauce.market.state import MarketState
from grok_sauce.runtime.clock import Clock
from grok_sauce.values import dataclass

OPTION_KINDS: Final = ("Quote", "Greeks", "Summary")
AGAIN: Final = "try again while the market is open; far or new options may have none"


@dataclass(frozen=True, slots=True)
class Delivered:
    """One symbol: ok False where something is missing; text says what came, cure what to do.

    counts is the same for programs: bid, ask, mid, last (points, None: not delivered) and,
    where options were tried, how many of `options` had quotes, greeks and a summary.
    """

    symbol: str
    ok: bool
    text: str
    cure: str = ""
    counts: Mapping[str, float | None] | None = None


def live_symbols(broker: Tastytrade, symbols: Sequence[str], clock: Clock) -> list[Delivered]:
    """What arrives of each symbol within PATIENCE: bid, ask, middle, then options n of six.

    The six options are those nearest the price, of the nearest expiry ahead. A symbol without
    a chain, or a future, is tested by its quote alone. Reads only.
    """
    try:
        known = broker.resolve_all(symbols, clock.market())
    except GrokSauceError as problem:
        return [Delivered(symbol, False, str(problem)) for symbol in symbols]
    offered = {s: i for s, i in known.items() if i.problem is None}
    with Listener(broker, clock) as listener:
        streamers = [instrument.streamer for instrument in offered.values()]
        listener.want([Subscription(k, s) for s in streamers for k in ("Quote", "Trade")])
        listener.wait(lambda: all(_has_price(listener.state, i) for i in offered.values()))
        options = {s: _options(broker, i, listener.state, clock) for s, i in offered.items()}
        every = [
            option for found in options.values() if isinstance(found, list) for option in found
        ]
        if every:
            listener.want([Subscription(kind, s) for s in every for kind in OPTION_KINDS])
            listener.wait(lambda: _counts(listener.state, every) == (len(every),) * 3)
        return [
            _delivered(symbol, known[symbol], options.get(symbol, []), listener)
            for symbol in symbols
        ]


def _options(
    broker: Tastytrade, instrument: Instrument, state: MarketState, clock: Clock
) -> list[str] | str:
    """Streamer symbols of the options to try; [] when it lists none, a text when unknown."""
    if instrument.kind == "future":
        return []
    trade, quote = state.trade(instrument.streamer), state.quote(instrument.streamer)
    spot = trade.price if trade is not None and trade.price is not None else None
    if spot is None:
        spot = None if quote is None else quote.mid
    try:
        chain = broker.chain(instrument.symbol)
    except GrokSauceError as problem:
        return f"no option chain: {problem}"
    if not chain.get("items"):
        return []
    if spot is None:
        return "options not tried without a price"
    return near_options(chain, spot, clock.market(), OPTIONS)


def _counts(state: MarketState, options: Sequence[str]) -> tuple[int, int, int]:
    """How many of the options have a quote, Greeks, an open interest."""
    quotes = [state.quote(symbol) for symbol in options]
    greeks = [state.greeks(symbol) for symbol in options]
    summaries = [state.summary(symbol) for symbol in options]
    return (
        sum(quote is not None and quote.ask is not None for quote in quotes),
        sum(value is not None and value.gamma is not None for value in greeks),
        sum(summary is not None and summary.open_interest is not None for summary in summaries),
    )


def _delivered(
    symbol: str, instrument: Instrument, options: list[str] | str, listener: Listener
) -> Delivered:
    if instrument.problem is not None:
        cure = f"use {instrument.hint} instead" if instrument.hint else ""
        return Delivered(symbol, False, instrument.problem.replace("_", " "), cure)
    counts, text = _prices(listener.state, instrument)
    if text is None:
        why = f": {listener.problem}" if listener.problem else ""
        return Delivered(symbol, False, f"no quote within {PATIENCE:g} s{why}", AGAIN, counts)
    if isinstance(options, str):
        return Delivered(symbol, False, f"{text}; {options}", counts=counts)
    if not options:
        return Delivered(symbol, True, text, counts=counts)
    found = _counts(listener.state, options)
    words = (f"{n}/{len(options)}" for n in found)
    told = "; option quotes {}, Greeks {}, Summary {}".format(*words)
    counts |= dict(zip(("quotes", "greeks", "summaries"), found, strict=True))
    counts["options"] = len(options)
    good = min(found) == len(options)
    return Delivered(symbol, good, text + told, "" if good else AGAIN, counts)


def _has_price(state: MarketState, instrument: Instrument) -> bool:
    """Quote and, where options are picked around it, a price."""
    quote, trade = state.quote(instrument.streamer), state.trade(instrument.streamer)
    has_last = trade is not None and trade.price is not None
    return quote is not None and (has_last or instrument.kind != "index")


def _prices(
    state: MarketState, instrument: Instrument
) -> tuple[dict[str, float | None], str | None]:
    """Bid, ask, middle and last for programs, and in words; None where they do not suffice.

    An index is calculated, not traded: some have no quote, so its last price will do.
    """
    quote, trade = state.quote(instrument.streamer), state.trade(instrument.streamer)
    last = None if trade is None else trade.price
    bid, ask, mid = (None, None, None) if quote is None else (quote.bid, quote.ask, quote.mid)
    counts: dict[str, float | None] = {"bid": bid, "ask": ask, "mid": mid, "last": last}
    if bid is not None and ask is not None and mid is not None:
        return counts, f"bid {bid:,.2f}, ask {ask:,.2f}, middle {_short(mid)}"
    if instrument.kind == "index" and last is not None:
        return counts, f"no bid and ask, as some indices; last {last:,.2f}"
    return counts, None


def _short(price: float) -> str:
    """At least two decimals, half a tick of a cent in three.

    >>> _short(597.665), _short(6002.875), _short(90.0)
    ('597.665', '6,002.875', '90.00')
    """
    text = f"{price:,.3f}"
    return text[:-1] if text.endswith("0") else text
