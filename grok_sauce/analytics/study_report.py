"""All studies of one underlying as one JSON object, each with its unit, sign and caveat.

report(inputs) -> {symbol, as_of, source, ..., studies: [row, ...]}

Needs numpy. A row has the words of its Card, a value that is None where `reason` says why, a
word for it, n of what it was made from, and facts: {label, value, unit, digits} each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np

from grok_sauce.analytics import gex, put_call
from grok_sauce.analytics import study_charm_vanna as greeks
from grok_sauce.analytics import study_delta_flow as flow
from grok_sauce.analytics import study_flow_oi as open_interest
from grok_sauce.analytics import study_ratios as ratios
from grok_sauce.analytics import study_vix as vix
from grok_sauce.analytics import study_walls as walls
from grok_sauce.analytics.conversion import Factor
from grok_sauce.analytics.forward import Rates, forwards
from grok_sauce.analytics.study_card import Card
from grok_sauce.analytics.study_futures import FuturesScale, scale_of
from grok_sauce.market import sessions
from grok_sauce.market.chain import Floats, OptionChain
from grok_sauce.market.prints import Tally
from grok_sauce.values import dataclass

CONTRACTS: Final = "contracts"
NOT_FOLLOWED: Final = "Prints (TimeAndSale) of these options are not followed"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the studies of one underlying are made from, at market time now.

    conversion, multiplier: to the future its levels are carried to. vix: (Unix seconds, value)
    of minutes. tape: sums of today's prints by contract (as OptionChain.contract names them),
    None where prints are not followed; before: the session before and its sums. days: for the
    wall study.
    """

    symbol: str
    now: float
    chain: OptionChain
    rates: Rates
    conversion: Factor | None = None
    multiplier: float | None = None
    vix: Sequence[tuple[float, float]] = ()
    tape: Mapping[str, Tally] | None = None
    before: tuple[date, Mapping[str, Tally]] | None = None
    days: Sequence[walls.WallDay] = ()


def report(inputs: Inputs) -> dict[str, Any]:
    """Work out every study; one without inputs says so in its row."""
    chain = inputs.chain
    prepared = gex.prepare(chain, inputs.rates, forwards(chain, inputs.rates))
    totals = gex.exposures(prepared).oi.totals
    scale = scale_of(inputs.conversion, inputs.multiplier)
    tally = _Tallies.of(chain, inputs.tape)
    return {
        "symbol": inputs.symbol,
        "as_of": datetime.fromtimestamp(chain.as_of, UTC).isoformat(),
        "source": chain.source,
        "expiries": len(np.unique(chain.expiry)),
        "contracts": len(chain),
        "future": None if scale is None else scale.contract,
        "future_frozen": None if scale is None else scale.frozen,
        "studies": [
            *_greek_rows(greeks.charm_vanna(prepared, scale), scale),
            *_ratio_rows(prepared, totals),
            _vix_row(vix.vix_slope(inputs.vix, inputs.now)),
            _flow_row(prepared, tally, scale),
            _oi_row(inputs, prepared, totals.net, tally),
            _wall_row(walls.wall_study(inputs.days)),
        ],
    }


def fact(label: str, value: float | str | None, unit: str = "", digits: int = 0) -> dict[str, Any]:
    """One more number of a study; digits: decimals to show."""
    return {"label": label, "value": value, "unit": unit, "digits": digits}


def row(
    card: Card,
    value: float | None,
    word: str | None,
    n: int,
    of: str,
    reason: str | None,
    facts: Sequence[dict[str, Any]],
    digits: int,
) -> dict[str, Any]:
    """A study as a page shows it; of: what n counts."""
    return {
        **asdict(card),
        **{"value": value, "digits": digits, "word": word},
        **{"n": n, "n_of": of, "reason": reason, "facts": list(facts)},
    }


# ---- each study -------------------------------------------------------------------------


def _greek_rows(found: greeks.CharmVanna, scale: FuturesScale | None) -> list[dict[str, Any]]:
    reason = found.reason
    if reason is None and scale is None:
        reason = "No price of a future to count in; the dollars stand"
    ahead = [
        fact(_when(each.minutes, found.hours), each.contracts, CONTRACTS, 1) for each in found.ahead
    ]
    charm = [
        fact("Delta an hour", found.charm_dollars, "$ per point"),
        *ahead,
        fact("Of it within 2 hours of settlement", found.near, "share", 2),
    ]
    vanna = [fact("Delta a volatility point", found.vanna_dollars, "$")]
    word = "not reliable this near to settlement" if found.unreliable else None
    return [
        row(greeks.CHARM, found.charm, word, found.n, CONTRACTS, reason, charm, 1),
        row(greeks.VANNA, found.vanna, found.word, found.n, CONTRACTS, reason, vanna, 1),
    ]


def _when(minutes: float, hours: float | None) -> str:
    is_settlement = hours is not None and minutes == hours * 60
    return (
        f"At the next settlement, in {_span(minutes)}" if is_settlement else f"In {_span(minutes)}"
    )


def _span(minutes: float) -> str:
    if minutes < 60 or minutes % 60:
        hours, rest = divmod(round(minutes), 60)
        return f"{hours} h {rest:02d} min" if hours else f"{rest} min"
    return f"{minutes / 60:.0f} h"


def _ratio_rows(prepared: gex.Prepared, totals: gex.Totals) -> list[dict[str, Any]]:
    held = int(np.count_nonzero(prepared.used & (prepared.oi > 0)))
    live = prepared.live
    sides = put_call.put_call(
        prepared.chain.is_call[live], prepared.oi[live], prepared.volume[live]
    )
    traded = int(np.count_nonzero(live & ~np.isnan(prepared.volume)))
    dealer = ratios.dealer_ratio(totals.call, totals.put, held)
    customer = ratios.customer_ratio(sides.call_volume, sides.put_volume, traded)
    found = []
    for card, one, unit in (
        (ratios.DEALER, dealer, "$ per 1 %"),
        (ratios.CUSTOMER, customer, CONTRACTS),
    ):
        facts = [fact("Calls", one.calls, unit), fact("Puts", one.puts, unit)]
        found.append(row(card, one.value, one.word, one.n, CONTRACTS, one.reason, facts, 2))
    return found


def _vix_row(found: vix.VixSlope) -> dict[str, Any]:
    facts = [
        fact("VIX", found.last, "points", 2),
        fact("Slope", found.slope, "points per hour", 2),
        fact("Steepness", found.steepness, "of -1 to 1", 2),
        fact("R²", found.r2, "", 2),
        fact("Spanned", found.minutes, "minutes"),
    ]
    return row(vix.CARD, found.percent, found.word, found.n, "minutes", found.reason, facts, 2)


@dataclass(frozen=True, slots=True)
class _Tallies:
    """Columns of the tape in the order of a chain; NaN where nothing is known of a contract."""

    buy: Floats
    sell: Floats
    unclassified: Floats
    legs: float
    traded: float

    @classmethod
    def of(cls, chain: OptionChain, tape: Mapping[str, Tally] | None) -> _Tallies | None:
        if tape is None:
            return None
        found = [tape.get(contract) for contract in chain.contract]

        def column(name: str) -> Floats:
            return np.array(
                [np.nan if each is None else getattr(each, name) for each in found],
                dtype=np.float64,
            )

        heard = [each for each in found if each is not None]
        return cls(
            column("buy"),
            column("sell"),
            column("unclassified"),
            sum(each.legs for each in heard),
            sum(each.traded for each in heard),
        )


def _flow_row(
    prepared: gex.Prepared, tally: _Tallies | None, scale: FuturesScale | None
) -> dict[str, Any]:
    if tally is None:
        return row(flow.CARD, None, None, 0, CONTRACTS, NOT_FOLLOWED, (), 0)
    chain = prepared.chain
    found = flow.delta_flow(
        tally.buy, tally.sell, prepared.delta, chain.multiplier, chain.is_call, scale
    )
    reason = found.reason
    if reason is None and scale is None:
        reason = "No price of a future to count in; the dollars stand"
    facts = [
        fact("Delta taken", found.dollars, "$ per point"),
        fact("By calls", found.calls, "$ per point"),
        fact("By puts", found.puts, "$ per point"),
        fact("Traded without a delta", float(found.without), CONTRACTS),
        fact("Legs of spreads", tally.legs / tally.traded if tally.traded else None, "share", 2),
    ]
    return row(flow.CARD, found.contracts, found.word, found.n, CONTRACTS, reason, facts, 0)


def _oi_row(
    inputs: Inputs, prepared: gex.Prepared, net: float | None, tally: _Tallies | None
) -> dict[str, Any]:
    card = open_interest.CARD
    if tally is None:
        return row(card, None, None, 0, CONTRACTS, NOT_FOLLOWED, (), 0)
    chain = inputs.chain
    found = open_interest.flow_adjusted_oi(
        prepared.oi, tally.buy, tally.sell, tally.unclassified, prepared.volume
    )
    adjusted = None
    if found.n:
        moved = replace(chain, oi=found.estimate)
        again = gex.prepare(moved, inputs.rates, forwards(moved, inputs.rates))
        adjusted = gex.exposures(again).oi.totals.net
    judged = _judged(inputs, prepared)
    facts = [
        fact("This morning", found.opening, CONTRACTS),
        fact("Bought less sold", found.net if found.n else None, CONTRACTS),
        fact("Most bought", _most(chain, tally.buy - tally.sell)),
        fact("Most sold", _most(chain, tally.sell - tally.buy)),
        fact("Without an aggressor", found.unclassified, "share", 2),
        fact("Of the day's volume seen", found.seen, "share", 2),
        fact("Held at what is possible", float(found.floored), CONTRACTS),
        fact("Net GEX of the morning", net, "$ per 1 %"),
        fact("Net GEX by the estimate", adjusted, "$ per 1 %"),
        *judged,
    ]
    return row(card, found.adjusted, None, found.n, CONTRACTS, found.reason, facts, 0)


def _most(chain: OptionChain, flow: Floats) -> str | None:
    """The contract with the largest flow above 0 in words; None without one."""
    known = np.where(np.isnan(flow), 0.0, flow)
    if not len(known) or not known.max() > 0:
        return None
    place = int(known.argmax())
    day = chain.expiries[int(chain.expiry[place])].day
    right = "C" if chain.is_call[place] else "P"
    return f"{chain.strikes[place]:g} {right} of {day:%d %b}, {known[place]:,.0f}"


def _judged(inputs: Inputs, prepared: gex.Prepared) -> list[dict[str, Any]]:
    """How yesterday's estimate did against the count of this morning, once that is out."""
    if inputs.before is None:
        return [fact("Yesterday's estimate", "not judged: no prints of the session before")]
    day, tallies = inputs.before
    today = sessions.session_date(inputs.now)
    if sessions.previous_session(today) != day or inputs.now < sessions.regular(today)[0]:
        return [fact("Yesterday's estimate", "judged after the open, when the count is out")]
    if inputs.chain.oi_date != day:
        return [fact("Yesterday's estimate", "not judged: the count of that evening is not here")]
    then = [tallies.get(contract) for contract in inputs.chain.contract]

    def column(name: str) -> Floats:
        values = [None if each is None else getattr(each, name) for each in then]
        return np.array([np.nan if one is None else one for one in values], dtype=np.float64)

    opening, buy, sell = column("opening"), column("buy"), column("sell")
    guess = open_interest.flow_adjusted_oi(opening, buy, sell, column("unclassified")).estimate
    found = open_interest.score(guess, opening, prepared.oi, buy - sell)
    if found.reason is not None:
        return [fact("Yesterday's estimate", f"not judged: {found.reason}")]
    return [
        fact("Yesterday's mean error", found.error, CONTRACTS, 1),
        fact("Error of saying nothing changes", found.unchanged, CONTRACTS, 1),
        fact("Skill", found.skill, "1 is perfect, 0 no better", 2),
        fact("Direction right", found.direction, f"share of {found.moved}", 2),
        fact("Weight that would have fitted", found.weight, "", 2),
    ]


def _wall_row(found: walls.WallStudy) -> dict[str, Any]:
    held = found.walls
    facts = [
        fact("Sessions", float(found.days)),
        fact("Bounced", held.holds, "touches"),
        fact("95 % from", held.low, "share", 2),
        fact("95 % to", held.high, "share", 2),
        fact("Undecided", float(held.undecided), "touches"),
        fact("Not reached", float(held.untouched), "walls"),
    ]
    for each in found.against:
        facts += [
            fact(f"Against {each.name} levels", each.difference, "share", 2),
            fact(f"{each.name.capitalize()} levels: decided", float(each.held.n), "days"),
            fact(f"{each.name.capitalize()} levels: walls hold", each.verdict),
        ]
    return row(walls.CARD, held.share, None, found.n, "decided touches", found.reason, facts, 2)
