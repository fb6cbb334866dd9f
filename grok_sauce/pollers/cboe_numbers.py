"""Numbers as spreadsheets write them: decimal point or comma, thousands, exponents, blanks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Final

# What stands for "no value".
_EMPTY: Final = frozenset(
    {"", "-", "--", "---", "–", "—", "n/a", "na", "#n/a", "nan", "null", "none", "inf", "-inf"}
)
_SPACES: Final = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "−": "-", "’": "'"})


def _shape(decimal: str, group: str) -> re.Pattern[str]:
    whole = rf"(?:[1-9]\d{{0,2}}(?:(?P<g>[{group} '])\d{{3}})(?:(?P=g)\d{{3}})*|\d+)"
    number = rf"(?:{whole}(?:[{decimal}]\d*)?|[{decimal}]\d+)"
    return re.compile(rf"[-+]?{number}(?:[eE][-+]?\d{{1,3}}|\s?%)?")


_SHAPES: Final = {".": _shape(".", ","), ",": _shape(",", ".")}


class Decimals:
    """Reads the numbers of one file. decimal is "." or ",".

    >>> Decimals(".").read("28,253,899"), Decimals(",").read("28.253.899,5")
    (28253899.0, 28253899.5)
    >>> Decimals(".").read("3,5") is None
    True
    """

    def __init__(self, decimal: str) -> None:
        self.decimal = decimal
        self._shape = _SHAPES[decimal]
        self._known: dict[str, float | None] = {}

    def read(self, text: str) -> float | None:
        """The number; NaN for an empty cell or a word for it, None for what is no number."""
        if text in self._known:
            return self._known[text]
        value = self._known[text] = self._read(text)
        return value

    def _read(self, text: str) -> float | None:
        cleaned = text.translate(_SPACES).strip()
        if cleaned.casefold() in _EMPTY:
            return math.nan
        if not cleaned.isascii() or not self._shape.fullmatch(cleaned):
            return None
        percent = cleaned.endswith("%")
        plain = cleaned.rstrip("% ").replace(" ", "").replace("'", "")
        if self.decimal == ",":
            plain = plain.replace(".", "").replace(",", ".")
        else:
            plain = plain.replace(",", "")
        return float(plain) / (100.0 if percent else 1.0)


def conventions(texts: Iterable[str]) -> dict[str, str | None]:
    """For "." and ",": the first text that is no number under it, None when all are.

    Both None, with a separator somewhere, means that nobody can tell 1,275 from 1.275.
    """
    failed: dict[str, str | None] = {".": None, ",": None}
    readers = {decimal: Decimals(decimal) for decimal in failed}
    for text in texts:
        for decimal, reader in readers.items():
            if failed[decimal] is None and reader.read(text) is None:
                failed[decimal] = text
    return failed


def rounding(text: str, decimal: str) -> float:
    """What a number in scientific notation may be off: half a unit of its last digit; else 0.

    >>> rounding("4.51E+03", "."), rounding("4505.00", ".")
    (5.0, 0.0)
    """
    mantissa, mark, exponent = text.strip().lower().partition("e")
    if not mark:
        return 0.0
    digits = len(mantissa.partition(decimal)[2])
    return float(0.5 * 10.0 ** (int(exponent) - digits))
