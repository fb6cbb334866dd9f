"""The few levels of a GEX report that a price chart draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

WALLS = ("call_wall", "call_wall_2", "put_wall", "put_wall_2")


def compact(symbol: str, payload: Mapping[str, Any] | None, kept: Sequence[str]) -> dict[str, Any]:
    """{levels: {name: price|None}, max_pain, as_of, label, state, text} of a report.

    levels names zero_gamma and the walls. Without numbers levels is None and text says why;
    kept are the symbols whose GEX is worked out.
    """
    if payload is None:
        why = f"The levels of {symbol} are being worked out."
        if symbol not in kept:
            why = f"No GEX of {symbol} is kept. Choose GEX symbols in Setup."
        return {"levels": None, "state": "none", "text": why}
    status = payload["status"]
    state, text = status["state"], status["text"]
    if payload.get("totals") is None or state in ("no_chain", "refused"):
        return {
            "levels": None,
            "state": state,
            "text": text or f"The chain of {symbol} is loading.",
        }
    zero = (payload.get("zero_gamma") or {}).get("all") or {}
    levels = {"zero_gamma": zero.get("flip"), **{name: payload.get(name) for name in WALLS}}
    pains = payload.get("max_pain") or []
    pain = pains[0] if pains else None
    return {
        "levels": levels,
        "zero_gamma_reason": zero.get("reason"),
        "max_pain": None
        if pain is None
        else {"strike": pain["strike"], "expiry": pain["expiry"], "dte": pain["dte"]},
        "as_of": payload["as_of"],
        "label": payload.get("view_label"),
        "state": state,
        "text": text,
    }
