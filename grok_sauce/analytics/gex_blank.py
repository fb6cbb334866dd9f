"""A GEX payload without numbers: every name of the whole one, and the reason why it is empty."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from grok_sauce.market.listing import GONE, Listing

_NULLS: Final = (
    *("spot", "spot_basis", "spot_label", "spot_at", "spot_age", "spot_alternative"),
    *("oi_date", "unit_factor", "rate", "rate_source", "rate_date", "dividend_yield"),
    *("forward_basis", "coverage", "regime", "nearest", "conversion"),
    *("call_wall", "put_wall", "call_wall_2", "put_wall_2", "call_wall_unrestricted"),
    *("put_wall_unrestricted", "call_wall_oi", "put_wall_oi", "max_gex_strike"),
    *("absolute_gamma_strike", "american"),
)
_TOTALS: Final = (
    *("call", "put", "net", "gross", "absolute_net", "net_per_point", "dex_holders"),
    *("dex_dealer", "vex", "chex", "charm_to_close"),
)
_LISTS: Final = ("levels", "max_pain", "smiles", "term", "forwards", "expiries")
_COLUMNS: Final = (
    "strike",
    *(
        f"{side}_{name}{weight}"
        for name in ("gex", "dex", "vex", "chex")
        for weight in ("", "_volume")
        for side in ("call", "put")
    ),
    *("net_gex", "net_gex_volume"),
    *("call_oi", "put_oi", "call_volume", "put_volume", "call_iv", "put_iv"),
)
_PUT_CALL: Final = (
    *("oi", "volume", "oi_word", "volume_word"),
    *("call_oi", "put_oi", "call_volume", "put_volume"),
)


def gone_text(symbol: str, listing: Listing | None) -> tuple[str, str]:
    """(state, sentence) of an underlying of which nothing is followed."""
    if listing is None or (listing.gone is None and not listing.expiries):
        return "loading", f"The option chain of {symbol} is being asked for."
    if listing.gone == "vix_needs_future":
        return "refused", f"{GONE['vix_needs_future']} (vix_needs_future)."
    if listing.gone is None:
        return "loading", f"The price of {symbol} has not arrived."
    detail = f": {listing.detail}" if listing.detail else ""
    return "no_chain", f"{GONE[listing.gone]} of {symbol}{detail}."


def blank(
    symbol: str,
    view: str,
    source: str,
    now: float,
    state: str,
    text: str,
    loaded: int = 0,
    of: int = 0,
) -> dict[str, Any]:
    """The payload; now is market time."""
    as_of = datetime.fromtimestamp(int(now * 1000) / 1000, UTC)
    flip: dict[str, Any] = {"flip": None, "roots": [], "n_roots": 0}
    flip |= {"reason": "no_chain", "degraded": False}
    return {
        **dict.fromkeys(_NULLS),
        **{name: [] for name in _LISTS},
        "symbol": symbol,
        "view": view,
        "view_label": view,
        "source": source,
        "as_of": as_of.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "status": {"state": state, "text": text, "loaded": loaded, "of": of},
        "unit": "usd_per_1pct",
        "gamma": "model",
        "change": {"value": None, "percent": None},
        "ages": dict.fromkeys(("spot", "greeks", "greeks_oldest", "quotes", "oi_date")),
        "scope": dict.fromkeys(("expiries", "of", "strike_low", "strike_high", "oi_share")),
        "contracts": 0,
        "used": 0,
        "floored": 0,
        "excluded": dict.fromkeys(("expired", "no_iv", "no_oi", "stale", "bad", "non_standard"), 0),
        "totals": dict.fromkeys(_TOTALS),
        "totals_volume": dict.fromkeys(_TOTALS),
        "put_call": dict.fromkeys(_PUT_CALL),
        "zero_gamma": {
            **{which: dict(flip) for which in ("all", "zero_dte", "ex_zero_dte")},
            "strike_sign": None,
            "cumulative": None,
        },
        "resistance": {"by_strength": [], "by_distance": []},
        "support": {"by_strength": [], "by_distance": []},
        "expected_move": dict.fromkeys(
            ("expiry", "straddle", "sigma", "weighted", "shortcut_85", "low", "high")
        ),
        "skew": dict.fromkeys(("expiry", "root", "settlement", "atm_iv", "rr25", "slope")),
        "definition": {},
        "columns": {name: [] for name in _COLUMNS},
        "tops": {"oi": [], "volume": [], "put_call": [], "put_call_floor": 100},
    }
