"""What options say of each expiry beside gamma: forward, smile, skew and expected move, as JSON.

outlook(chain, shown, forwards, smiles, pairs, stale) -> the payload's part of the same names
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from grok_sauce.analytics.expected_move import expected_move
from grok_sauce.analytics.forward import Forward
from grok_sauce.analytics.pairs import Pairs
from grok_sauce.analytics.skew import Smile, term_structure
from grok_sauce.market.chain import Expiry, OptionChain

SMILES: Final = 3  # expiries whose smile is sent
_MOVES: Final = ("straddle", "sigma", "weighted", "shortcut_85", "low", "high")
_SKEW: Final = ("expiry", "root", "settlement", "atm_iv", "rr25", "slope")


def outlook(
    chain: OptionChain,
    shown: Sequence[int],
    forwards: Sequence[Forward | None],
    smiles: Sequence[Smile | None],
    pairs: Pairs,
    stale: float,
) -> dict[str, Any]:
    """Rows for the expiries shown (places in chain.expiries, the next to settle first).

    forwards, smiles: one per chain.expiries. skew and expected_move are those of the first
    expiry shown. Volatilities are fractions, prices points; unknown is None.
    """
    by_terms = {
        (row["expiry"], row["root"], row["settlement"]): row
        for row in term_structure(chain, forwards, found=smiles, pairs=pairs, stale=stale)
    }
    term = [by_terms[_terms(chain.expiries[place])] for place in shown]
    first = term[0] if term else {}
    move: dict[str, Any] = {"expiry": first.get("expiry"), **dict.fromkeys(_MOVES)}
    if shown:
        place = shown[0]
        atm = first["atm_iv"]
        found = expected_move(chain, place, forwards[place], atm, pairs=pairs, stale=stale)
        move |= {name: getattr(found, name) for name in _MOVES}
    return {
        "forwards": [_forward_row(chain.expiries[place], forwards[place]) for place in shown],
        "smiles": [_smile_row(chain.expiries[place], smiles[place]) for place in shown[:SMILES]],
        "term": term,
        "skew": {name: first.get(name) for name in _SKEW},
        "expected_move": move,
    }


def _terms(expiry: Expiry) -> tuple[str, str, str]:
    return expiry.day.isoformat(), expiry.root, expiry.settlement


def _named(expiry: Expiry) -> dict[str, Any]:
    return dict(zip(("expiry", "root", "settlement"), _terms(expiry), strict=True))


def _forward_row(expiry: Expiry, forward: Forward | None) -> dict[str, Any]:
    return {
        **_named(expiry),
        "forward": None if forward is None else forward.value,
        "basis": None if forward is None else forward.basis,
        "strikes": [] if forward is None else list(forward.strikes),
        "rate": None if forward is None else forward.rate,
        "dividend_yield": None if forward is None else forward.dividend_yield,
    }


def _smile_row(expiry: Expiry, smile: Smile | None) -> dict[str, Any]:
    row = {**_named(expiry), "label": f"{expiry.day:%d %b} {expiry.root}"}
    if smile is None:
        return {**row, "strikes": [], "iv": []}
    known = np.isfinite(smile.otm_iv)
    return {**row, "strikes": smile.strikes[known].tolist(), "iv": smile.otm_iv[known].tolist()}
