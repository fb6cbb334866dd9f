"""Dealer and customer ratios: calls' share of the gamma, and calls' share of the volume.

dealer_ratio(call_gex, put_gex, n) -> Ratio
customer_ratio(call_volume, put_volume, n) -> Ratio
"""

from __future__ import annotations

from typing import Final

from grok_sauce.analytics.study_card import Card
from grok_sauce.values import dataclass

LEAST: Final = 10  # contracts with open interest and gamma
LEAST_VOLUME: Final = 100.0  # contracts traded

DEALER: Final = Card(
    key="dealer_ratio",
    label="Dealer ratio",
    unit="share of 0 to 1",
    sign="above 0.5: more call gamma than put gamma, net GEX is positive",
    source="call GEX / (call GEX + put GEX) by open interest; 0.6 and more is called stabilising, "
    "0.4 and less destabilising",
    caveat="The dealers' side is a model (long calls, short puts), not an observation; the ratio "
    "says nothing that net GEX does not, on another scale.",
)
CUSTOMER: Final = Card(
    key="customer_ratio",
    label="Customer ratio",
    unit="share of 0 to 1",
    sign="above 0.5: more calls than puts traded today",
    source="call volume / (call volume + put volume) of the contracts followed; words at 0.25, "
    "0.4, 0.6 and 0.75",
    caveat="Every trade has a buyer and a seller: volume says what was traded, not who wanted "
    "what. Hedges and spreads are in it.",
)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share of 0 to 1 with its word; None where reason says why. n: contracts counted.

    calls, puts: what it is made of ($ of delta per 1 % move, or contracts traded).
    """

    value: float | None
    word: str | None
    calls: float | None
    puts: float | None
    n: int
    reason: str | None


def dealer_ratio(call_gex: float | None, put_gex: float | None, n: int) -> Ratio:
    """Call GEX / gross GEX. Both as positive magnitudes; n: contracts they are summed over.

    The five strikes of the worked example in docs/gex.md: 3,045.6 and 2,649.9 million.

    >>> found = dealer_ratio(3045.614, 2649.851, 10)
    >>> round(found.value, 4), found.word
    (0.5347, 'balanced')
    >>> dealer_ratio(6.0, 4.0, 50).word, dealer_ratio(4.0, 6.0, 50).word
    ('stabilising', 'destabilising')
    """
    if call_gex is None or put_gex is None:
        return Ratio(None, None, call_gex, put_gex, n, "No gamma exposure is known")
    if n < LEAST:
        reason = f"{n} contracts with gamma and open interest; {LEAST} are needed"
        return Ratio(None, None, call_gex, put_gex, n, reason)
    gross = call_gex + put_gex
    if not gross > 0:
        return Ratio(None, None, call_gex, put_gex, n, "No open interest in these contracts")
    value = call_gex / gross
    word = "stabilising" if value >= 0.6 else "destabilising" if value <= 0.4 else "balanced"
    return Ratio(value, word, call_gex, put_gex, n, None)


def customer_ratio(call_volume: float | None, put_volume: float | None, n: int) -> Ratio:
    """Call volume / all volume. n: contracts with a known volume.

    >>> [customer_ratio(share, 1000.0 - share, 20).word for share in (250.0, 400.0, 500.0, 600.0)]
    ['very put-heavy', 'put-heavy', 'even', 'call-heavy']
    """
    if call_volume is None or put_volume is None:
        return Ratio(None, None, call_volume, put_volume, n, "No volume of today is known")
    whole = call_volume + put_volume
    if whole < LEAST_VOLUME:
        reason = f"{whole:,.0f} contracts traded; {LEAST_VOLUME:.0f} are needed"
        return Ratio(None, None, call_volume, put_volume, n, reason)
    value = call_volume / whole
    return Ratio(value, _customer_word(value), call_volume, put_volume, n, None)


def _customer_word(value: float) -> str:
    if value >= 0.6:
        return "very call-heavy" if value >= 0.75 else "call-heavy"
    if value <= 0.4:
        return "very put-heavy" if value <= 0.25 else "put-heavy"
    return "even"
