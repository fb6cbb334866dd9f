"""The US figures that are followed on FRED: series, transformation, unit, release; literal.

MEASURES[key] -> Measure                   key is "SERIES:units", "CPIAUCSL:pch"
COUNTS[series] -> float                    what one of the series' own units is
"""

from __future__ import annotations

from typing import Final, Literal

from grok_sauce.values import dataclass

Units = Literal["lin", "chg", "pch", "pc1"]  # FRED's names: as is, change, % change, % of a year
Rhythm = Literal["daily", "weekly", "monthly", "quarterly"]
Impact = Literal["high", "medium", "low"]

WORDS: Final[dict[Units, str]] = {
    "lin": "as published",
    "chg": "change from the period before",
    "pch": "% change from the period before",
    "pc1": "% change from a year before",
}
MICHIGAN: Final = "FRED gets the University of Michigan's numbers a month late, as they ask"


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure that is followed.

    unit and places: how a value is written after scale (PAYEMS counts thousands: scale 1000).
    release: FRED's release id as far as it is known beforehand; FRED itself is asked. clock:
    the usual New York time of the release. growth: +1 when more of it is good for growth.
    late: why the newest value is not the newest there is.
    """

    series: str
    units: Units
    name: str
    unit: str
    places: int
    rhythm: Rhythm
    release: int | None
    clock: tuple[int, int]
    impact: Impact = "medium"
    scale: float = 1.0
    growth: Literal[1, -1] = 1
    late: str | None = None

    @property
    def key(self) -> str:
        """Its name in MEASURES and batches, "CPIAUCSL:pch"."""
        return f"{self.series}:{self.units}"

    @property
    def transformation(self) -> str:
        """The transformation in words."""
        return WORDS[self.units]

    def shown(self, value: float) -> str:
        """A value as its publisher writes it: rounded, with letter and unit."""
        letter = {1e3: "K", 1e6: "M", 1e9: "B"}.get(self.scale, "")
        figure = f"{value / self.scale:.{self.places}f}"
        if not float(figure):
            figure = figure.removeprefix("-")
        return f"{figure}{letter}{'%' if self.unit.startswith('%') else ''}"


_BLS: Final = (8, 30)
_TEN: Final = (10, 0)
_EVENING: Final = (16, 15)
_LIST: Final = (
    Measure("CPIAUCSL", "pch", "CPI, month", "%", 1, "monthly", 10, _BLS, "high"),
    Measure("CPIAUCNS", "pc1", "CPI, year", "%", 1, "monthly", 10, _BLS, "high"),
    Measure("CPILFESL", "pch", "Core CPI, month", "%", 1, "monthly", 10, _BLS, "high"),
    Measure(
        "PAYEMS", "chg", "Nonfarm payrolls, change", "jobs", 0, "monthly", 50, _BLS, "high", 1e3
    ),
    Measure(
        "UNRATE", "lin", "Unemployment rate", "%", 1, "monthly", 50, _BLS, "high", growth=-1
    ),
    Measure(
        "CES0500000003", "pch", "Average hourly earnings", "%", 1, "monthly", 50, _BLS, "high"
    ),
    Measure(
        "ICSA", "lin", "Initial jobless claims", "claims", 0, "weekly", 180, _BLS, "medium", 1e3, -1
    ),
    Measure(
        "CCSA", "lin", "Continued jobless claims", "claims", 0, "weekly", 180, _BLS, "low", 1e3, -1
    ),
    Measure(
        "A191RL1Q225SBEA", "lin", "Real GDP growth", "% a year", 1, "quarterly", 53, _BLS, "high"
    ),
    Measure("PCEPILFE", "pch", "Core PCE prices, month", "%", 1, "monthly", 54, _BLS, "high"),
    Measure("PCEPI", "pc1", "PCE prices, year", "%", 1, "monthly", 54, _BLS),
    Measure("PCE", "pch", "Personal spending", "%", 1, "monthly", 54, _BLS, "low"),
    Measure("PPIFIS", "pch", "PPI, month", "%", 1, "monthly", 46, _BLS, "high"),
    Measure("PPIFES", "pch", "Core PPI, month", "%", 1, "monthly", 46, _BLS, "high"),
    Measure("RSAFS", "pch", "Retail sales", "%", 1, "monthly", 9, _BLS, "high"),
    Measure("RSFSXMV", "pch", "Retail sales without cars", "%", 1, "monthly", 9, _BLS, "high"),
    Measure("RSXFS", "pch", "Retail trade", "%", 1, "monthly", 9, _BLS, "low"),
    Measure("JTSJOL", "lin", "JOLTS job openings", "jobs", 2, "monthly", 192, _TEN, "medium", 1e6),
    Measure("INDPRO", "pch", "Industrial production", "%", 1, "monthly", 13, (9, 15), "low"),
    Measure("HOUST", "lin", "Housing starts", "a year", 2, "monthly", 27, _BLS, "low", 1e6),
    Measure(
        "UMCSENT", "lin", "Michigan consumer sentiment", "1966 = 100", 1, "monthly", 91, _TEN,
        late=MICHIGAN,
    ),
    Measure(
        "MICH", "lin", "Michigan inflation expectation", "%", 1, "monthly", 91, _TEN,
        late=MICHIGAN,
    ),
    Measure("DGS2", "lin", "Treasury 2 years", "%", 2, "daily", 18, _EVENING, "low"),
    Measure("DGS10", "lin", "Treasury 10 years", "%", 2, "daily", 18, _EVENING, "low"),
    Measure("T10Y2Y", "lin", "10 years less 2 years", "%", 2, "daily", None, _EVENING, "low"),
    Measure("DFF", "lin", "Federal funds, day", "%", 2, "daily", 18, _EVENING, "low"),
    Measure("FEDFUNDS", "lin", "Federal funds, month", "%", 2, "monthly", 18, _EVENING, "high"),
    Measure("SOFR", "lin", "SOFR", "%", 2, "daily", None, (8, 0), "low"),
    Measure(
        "VIXCLS", "lin", "VIX close", "points", 2, "daily", None, _EVENING, "low", 1.0, -1,
        late="FRED has the close of the day before",
    ),
)  # fmt: skip
MEASURES: Final[dict[str, Measure]] = {measure.key: measure for measure in _LIST}

# What one count of the series is, where it is not one: FRED's own unit of the series.
COUNTS: Final[dict[str, float]] = {"PAYEMS": 1e3, "JTSJOL": 1e3, "HOUST": 1e3}
