"""Parts of the planner's answer: numbers worked out on frozen copies, and facts beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from grok_sauce.desks.butterfly_form import Form
from grok_sauce.market import sessions
from grok_sauce.market.expiries import Expiry, ahead
from grok_sauce.market.listing import ListedChain, ListedExpiry

if TYPE_CHECKING:
    from grok_sauce.analytics.forward import Rates
    from grok_sauce.market.chain import OptionChain

STALE: Final = 300.0  # seconds; a quote older than this is no price of now
# What a plan says before there is anything to say.
NOTHING: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("expiry", "chosen", "compared", "curve", "forward", "forward_basis")),
    **dict.fromkeys(("rate", "atm_iv", "straddle", "sigma", "steps")),
    **{"presets": [], "widths": [], "widths_high": []},
}


def worked(
    chain: OptionChain, strikes: Sequence[int], form: Form, rates: Rates, marks: tuple[Any, Any]
) -> dict[str, Any]:
    """Everything that needs numpy, on frozen copies: may run on a native thread."""
    from grok_sauce.analytics.butterfly import Terms
    from grok_sauce.analytics.butterfly_plan import Choice, Marks, plan
    from grok_sauce.analytics.forward import forwards

    only = chain.select([form.expiry])
    found = dict(zip(chain.expiries, forwards(only, rates), strict=True))
    terms = Terms(
        form.expiry,
        form.center,
        form.width,
        form.width_high,
        form.side,
        form.price,
        form.quantity,
        form.fees,
    )
    choice = Choice(terms, form.compare)
    return plan(only, strikes, found.get(form.expiry), choice, Marks(*marks))


def basis_of(chain: OptionChain | None) -> Any:
    """What changes when a quote or the spot moved."""
    if chain is None:
        return None
    return chain.spot, chain.bid.tobytes(), chain.ask.tobytes(), chain.iv.tobytes()


def quoted_of(chain: OptionChain, strikes: Collection[int]) -> int:
    """How many contracts at these strikes (thousandths) have ever been quoted."""
    known = (chain.quote_at == chain.quote_at).tolist()  # NaN is never equal to itself
    return sum(
        is_known and strike in strikes
        for is_known, strike in zip(known, chain.strike.tolist(), strict=True)
    )


def status_of(chain: OptionChain | None, found: Mapping[str, Any]) -> dict[str, Any]:
    chosen = found["chosen"]
    if chain is None or chosen is None:
        return {"state": "loading", "text": "The options of this product are being loaded."}
    if chosen["refusal"] is not None:
        return {"state": "refused", "text": chosen["refusal"]}
    oldest = chosen["oldest_quote"]
    return {"state": "stale" if oldest is None or oldest > STALE else "live", "text": ""}


def own_of(listed: ListedChain, expiry: Expiry) -> ListedExpiry:
    """The strikes of an expiry; none of one that is listed no more."""
    for each in listed.expiries:
        if each.expiry == expiry:
            return each
    return ListedExpiry(expiry, None, (), (), ())


def expiries_ahead(listed: ListedChain, now: float) -> list[dict[str, Any]]:
    """Expiries to choose from, the next to settle first."""
    unsettled = ahead((each.expiry for each in listed.expiries), now)
    return [
        {
            "day": each.day.isoformat(),
            "root": each.root,
            "settlement": each.settlement,
            "dte": sessions.dte(now, each.day),
            "settles_ms": round(each.settles * 1000),
        }
        for each in unsettled
    ]


def note_of(listed: ListedChain, expiry: Expiry) -> str | None:
    """What else settles that day, which is not the same thing."""
    others = [
        each.expiry
        for each in listed.expiries
        if each.expiry.day == expiry.day and each.expiry != expiry
    ]
    if not others:
        return None
    other = others[0]
    when = "open" if other.settlement == "AM" else "close"
    return (
        f"{other.root} {other.settlement} of the same day settles at the {when} and is a "
        f"different product."
    )


def marks_of(gex: Mapping[str, Any] | None, form: Form) -> tuple[float | None, float | None]:
    """Zero gamma of all that is followed, and max pain of the chosen expiry."""
    if gex is None:
        return None, None
    pain = [
        each["strike"]
        for each in gex.get("max_pain") or ()
        if (each["expiry"], each["root"], each["settlement"])
        == (form.expiry.day.isoformat(), form.expiry.root, form.expiry.settlement)
    ]
    return levels_of(gex)["zero_gamma"], pain[0] if pain else None


def levels_of(gex: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the GEX page says, for the line above."""
    totals = (gex or {}).get("totals") or {}
    flips = ((gex or {}).get("zero_gamma") or {}).get("all") or {}
    return {
        "net_gex": totals.get("net"),
        "zero_gamma": flips.get("flip"),
        "regime": (gex or {}).get("regime"),
        "max_pain": [
            {name: each[name] for name in ("expiry", "root", "settlement", "strike")}
            for each in ((gex or {}).get("max_pain") or ())[:8]
        ],
    }


def vix_of(row: Mapping[str, Any] | None) -> dict[str, Any]:
    found = row or {}
    return {"vix": found.get("price"), "vix_percent": found.get("change_close_percent")}


def plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
