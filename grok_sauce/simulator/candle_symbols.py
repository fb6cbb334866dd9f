"""Candle symbols of dxFeed: read them and write them in their canonical spelling."""

from __future__ import annotations

import re
from typing import Final

from grok_sauce.values import dataclass

_FORM: Final = re.compile(r"([^{}]+)\{([^{}]*)\}")
_PERIOD: Final = re.compile(r"(\d*)(mo|[tsmhdwoyvp])")
_SECONDS: Final = {"t": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "mo": 2629800}
_DEFAULTS: Final = {"tho": "false", "price": "last", "a": "m"}  # said or not, they mean the same


@dataclass(frozen=True, slots=True)
class CandleSymbol:
    """base "SPY", period "m", "5m", "d" ...; tho: regular hours only; text: canonical spelling."""

    base: str
    period: str
    tho: bool
    text: str

    @property
    def seconds(self) -> float:
        """Length of one bar, for reckoning how far back a number of bars reaches; 86400 if odd."""
        number, unit = re.fullmatch(_PERIOD, self.period).groups()  # type: ignore[union-attr]
        return int(number or 1) * _SECONDS.get(unit, 86400)


def parse(symbol: str) -> CandleSymbol | None:
    """Read BASE{=PERIOD,attributes}; None when it has not that form.

    A leading 1 of the period goes, default attributes go, the others are kept in
    alphabetical order behind the period (reference: the canonical form of dxFeed).

    >>> parse("SPY{=1d,tho=true}")
    CandleSymbol(base='SPY', period='d', tho=True, text='SPY{=d,tho=true}')
    >>> parse("/ESZ26:XCME{tho=false,=5m}").text, parse("SPY{=}"), parse("SPY")
    ('/ESZ26:XCME{=5m}', None, None)
    """
    form = _FORM.fullmatch(symbol)
    if form is None:
        return None
    period: str | None = None
    attributes: dict[str, str] = {}
    for part in filter(None, form[2].split(",")):
        name, equals, value = part.partition("=")
        if not equals or (not name and period is not None):
            return None
        if name:
            attributes[name] = value
            continue
        shape = _PERIOD.fullmatch(value)
        if shape is None or (shape[1] and int(shape[1]) == 0):
            return None
        period = (str(int(shape[1])) if shape[1] and int(shape[1]) > 1 else "") + shape[2]
    if period is None:
        return None
    kept = {name: value for name, value in attributes.items() if _DEFAULTS.get(name) != value}
    text = ",".join([f"={period}", *(f"{name}={kept[name]}" for name in sorted(kept))])
    return CandleSymbol(form[1], period, attributes.get("tho") == "true", f"{form[1]}{{{text}}}")
