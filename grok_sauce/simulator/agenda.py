"""The simulated week: which releases come when, what they say, and what was expected of them.

release_days(number, start, end) -> list[date]
known(seed, series, now, count) -> list[(period, level)]       as FRED has them at `now`
changed_at(seed, series, now) -> float                         when FRED's series last changed
figure(seed, measure, period, vintage) -> float | None         transformed, in units
week(seed, sunday, now) -> list[Planned]                       the calendar as published at `now`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from grok_sauce.market.calendar_week import amount, week_of
from grok_sauce.market.holidays import closure
from grok_sauce.market.measures import COUNTS, MEASURES, Measure
from grok_sauce.market.releases import period_of
from grok_sauce.market.sessions import instant, is_session, new_york_date, previous_session
from grok_sauce.simulator.figures import PATHS, dice, level, periods
from grok_sauce.values import dataclass

_DAY: Final = timedelta(days=1)
SHIFT: Final = 48 * 3600.0  # before an event: what was tentative is fixed, forecasts are there


@dataclass(frozen=True, slots=True)
class Planned:
    """One line of the calendar: what is released when. actual is what ForexFactory never has."""

    title: str
    currency: str
    at: float
    impact: str
    forecast: str = ""
    previous: str = ""
    actual: str = ""
    measure: str | None = None


# ---- when ---------------------------------------------------------------------------------


def _business_day(n: int) -> Callable[[date], bool]:
    """The nth session of a month; the last one where it has fewer."""

    def is_it(day: date) -> bool:
        if not is_session(day):
            return False
        first = day.replace(day=1)
        count = sum(is_session(first + _DAY * k) for k in range(day.day))
        following = day + _DAY
        while not is_session(following):
            following += _DAY
        return count == n or (count < n and following.month != day.month)

    return is_it


def _nth(weekday: int, n: int) -> Callable[[date], bool]:
    """The nth such weekday of a month; a week later where the exchange is closed."""

    def is_it(day: date) -> bool:
        if day.weekday() != weekday or not is_session(day):
            return False
        before = day - timedelta(days=7)
        nth = (day.day - 1) // 7 + 1
        return nth == n or (nth == n + 1 and before.month == day.month and not is_session(before))

    return is_it


def _claims(day: date) -> bool:
    """Thursdays; Wednesday where the exchange is closed on Thursday."""
    thursday = day + timedelta(days=3 - day.weekday())
    return day == (thursday if is_session(thursday) else previous_session(thursday))


# FRED's release id -> is this a day of it
_RULES: Final[dict[int, Callable[[date], bool]]] = {
    10: _business_day(9),
    50: _nth(4, 1),
    180: _claims,
    53: _business_day(18),
    54: _business_day(19),
    46: _business_day(10),
    9: _business_day(11),
    192: _business_day(3),
    13: _business_day(12),
    27: _business_day(13),
    91: _nth(4, 4),
    18: is_session,
    304: is_session,
    445: is_session,
    200: is_session,
}
RELEASES: Final[dict[int, str]] = {
    10: "Consumer Price Index", 50: "Employment Situation",
    180: "Unemployment Insurance Weekly Claims Report", 53: "Gross Domestic Product",
    54: "Personal Income and Outlays", 46: "Producer Price Index",
    9: "Advance Monthly Sales for Retail and Food Services",
    192: "Job Openings and Labor Turnover Survey",
    13: "G.17 Industrial Production and Capacity Utilization", 27: "New Residential Construction",
    91: "Surveys of Consumers", 18: "H.15 Selected Interest Rates",
    304: "Interest Rate Spreads", 445: "Secured Overnight Financing Rate Data",
    200: "CBOE Market Statistics",
}  # fmt: skip
_OWN: Final = {"T10Y2Y": 304, "SOFR": 445, "VIXCLS": 200}
SERIES: Final = {measure.series: measure for measure in MEASURES.values()}


def release_of(series: str) -> int | None:
    """The release a series belongs to; None for one that is not served."""
    measure = SERIES.get(series)
    return None if measure is None else measure.release or _OWN[series]


def release_days(number: int, start: date, end: date) -> list[date]:
    """Days of a release from start to end, both included, ascending."""
    return [day for day in _days(start, end) if _is_release_day(number, day)]


@lru_cache(maxsize=8192)
def _is_release_day(number: int, day: date) -> bool:
    rule = _RULES.get(number)
    return rule is not None and rule(day)


def _days(start: date, end: date) -> Iterator[date]:
    for n in range((end - start).days + 1):
        yield start + _DAY * n


def _lag(series: str) -> int:
    return {"JTSJOL": 2, "CCSA": 2}.get(series, 1)


def _delay(seed: int, series: str, day: date) -> float:
    """Seconds from a release until FRED has it."""
    release = release_of(series)
    return 45.0 + dice(seed, release, day, "delay").random() * 300.0


def _arrivals(seed: int, series: str, now: float, count: int) -> list[tuple[float, date]]:
    """(when FRED had it, period) of the newest publications, newest first."""
    measure = SERIES[series]
    number, day = release_of(series) or 0, new_york_date(now)
    found: list[tuple[float, date]] = []
    while len(found) < count and day.year > 2007:
        if _is_release_day(number, day):
            at = instant(day, *measure.clock) + _delay(seed, series, day)
            if at <= now:
                found.append((at, _told(measure, day)))
        day -= _DAY
    return found


def _told(measure: Measure, day: date) -> date:
    """The period that a release of this day tells of first."""
    if measure.rhythm == "daily":
        return previous_session(day)
    return period_of(measure.rhythm, day, _lag(measure.series))


# ---- what ---------------------------------------------------------------------------------


def known(seed: int, series: str, now: float, count: int) -> list[tuple[date, float]]:
    """Periods and levels as FRED has them at a market time, newest first."""
    path = PATHS.get(series)
    rhythm = "daily" if path is None else path.rhythm
    arrivals = _arrivals(seed, series, now, 4 if rhythm == "quarterly" else 3)
    if not arrivals:
        return []
    newest = arrivals[0][1]
    found = []
    for period in periods(rhythm, newest, count):
        told = sum(other >= period for _, other in arrivals)  # publications since, itself first
        value = level(seed, series, period, max(0, told - 1))
        if value is not None:
            found.append((period, value))
    return found


def changed_at(seed: int, series: str, now: float) -> float | None:
    """When FRED's series last changed, as Unix seconds."""
    arrivals = _arrivals(seed, series, now, 1)
    return arrivals[0][0] if arrivals else None


def transformed(
    rows: list[tuple[date, float]], units: str, rhythm: str
) -> list[tuple[date, float | None]]:
    """FRED's arithmetic on rows that are newest first; the oldest have None."""
    back = {"monthly": 12, "quarterly": 4, "weekly": 52, "daily": 252}[rhythm]
    step = back if units == "pc1" else 1
    found: list[tuple[date, float | None]] = []
    for index, (period, value) in enumerate(rows):
        before = rows[index + step][1] if index + step < len(rows) else None
        if units == "lin":
            found.append((period, value))
        elif before is None:
            found.append((period, None))
        elif units == "chg":
            found.append((period, round(value - before, 6)))
        else:
            found.append((period, round((value / before - 1) * 100, 5)))
    return found


def figure(seed: int, measure: Measure, now: float, back: int = 0) -> float | None:
    """The figure FRED has at a market time, `back` periods before the newest, in units."""
    rows = transformed(known(seed, measure.series, now, 16), measure.units, measure.rhythm)
    if back >= len(rows):
        return None
    value = rows[back][1]
    size = COUNTS.get(measure.series, 1.0) if measure.units in ("lin", "chg") else 1.0
    return None if value is None else value * size


# ---- the calendar -------------------------------------------------------------------------

# measure -> title and ForexFactory's impact
_TITLES: Final[dict[str, tuple[str, str]]] = {
    "CPIAUCSL:pch": ("CPI m/m", "High"), "CPIAUCNS:pc1": ("CPI y/y", "High"),
    "CPILFESL:pch": ("Core CPI m/m", "High"),
    "PAYEMS:chg": ("Non-Farm Employment Change", "High"),
    "UNRATE:lin": ("Unemployment Rate", "High"),
    "CES0500000003:pch": ("Average Hourly Earnings m/m", "High"),
    "ICSA:lin": ("Unemployment Claims", "Medium"),
    "A191RL1Q225SBEA:lin": ("", "High"),
    "PCEPILFE:pch": ("Core PCE Price Index m/m", "High"),
    "PCE:pch": ("Personal Spending m/m", "Low"),
    "PPIFIS:pch": ("PPI m/m", "High"), "PPIFES:pch": ("Core PPI m/m", "High"),
    "RSAFS:pch": ("Retail Sales m/m", "High"), "RSFSXMV:pch": ("Core Retail Sales m/m", "High"),
    "JTSJOL:lin": ("JOLTS Job Openings", "Medium"),
    "INDPRO:pch": ("Industrial Production m/m", "Low"),
    "HOUST:lin": ("Housing Starts", "Low"),
}  # fmt: skip
_GDP: Final = ("Final GDP q/q", "Advance GDP q/q", "Prelim GDP q/q")
_SPEAKERS: Final = ("Bowman", "Cook", "Daly", "Jefferson", "Logan", "Musalem", "Waller", "Williams")
# title, currency, weekday, hour, minute, impact, typical figure
_WEEKLY: Final = (
    ("OPEC-JMMC Meetings", "All", 6, 5, 15, "Medium", ""),
    ("Current Account", "JPY", 6, 18, 50, "Low", "2.59T"),
    ("Trade Balance", "CNY", 6, 22, 0, "Low", "740B"),
    ("Final Manufacturing PMI", "EUR", 0, 4, 0, "Low", "49.8"),
    ("Retail Sales m/m", "AUD", 0, 20, 30, "Medium", "0.3%"),
    ("German ZEW Economic Sentiment", "EUR", 1, 5, 0, "Medium", "12.4"),
    ("GDT Price Index", "NZD", 1, 10, 12, "Medium", "-1.2%"),
    ("API Weekly Statistical Bulletin", "USD", 1, 16, 30, "Low", ""),
    ("CPI m/m", "CHF", 2, 2, 30, "Medium", "0.1%"),
    ("Crude Oil Inventories", "USD", 2, 10, 30, "Low", "-1.5M"),
    ("10-y Bond Auction", "USD", 2, 13, 1, "Low", "4.21|2.6"),
    ("GDP m/m", "GBP", 3, 2, 0, "High", "0.1%"),
    ("Natural Gas Storage", "USD", 3, 10, 30, "Low", "-38B"),
    ("Employment Change", "CAD", 4, 8, 30, "High", "21.4K"),
)


def week(seed: int, sunday: date, now: float) -> list[Planned]:
    """The calendar of a week as it is published at a market time, by time.

    Forecasts of a third of the events are filled in two days ahead; one tentative time moves.
    """
    found = []
    for planned in _whole(seed, sunday):
        luck = dice(seed, planned.title, planned.currency, planned.at).random()
        is_near = planned.at - now <= SHIFT
        if planned.title == "GDT Price Index" and is_near:
            planned = replace(planned, at=planned.at + 60.0 * round(3 + 9 * luck))
        if not is_near and luck < 0.33:
            planned = replace(planned, forecast="")
        found.append(planned)
    return sorted(found, key=lambda planned: planned.at)


@lru_cache(maxsize=16)
def _whole(seed: int, sunday: date) -> tuple[Planned, ...]:
    found: list[Planned] = []
    for n, day in enumerate(_days(sunday, sunday + 6 * _DAY)):
        found += _of_fred(seed, day)
        found += _others(seed, day)
        if 0 < n < 6 and (why := closure(day)) is not None:
            found.append(Planned("Bank Holiday", "USD", instant(day, 8), "Holiday"))
            found = [p for p in found if p.currency != "USD" or p.title == "Bank Holiday"
                     or new_york_date(p.at) != day or not why]  # fmt: skip
    return tuple(sorted(found, key=lambda planned: planned.at))


def _of_fred(seed: int, day: date) -> Iterator[Planned]:
    """The releases of a day whose values FRED gets."""
    for key, (title, impact) in _TITLES.items():
        measure = MEASURES[key]
        if not _is_release_day(measure.release or 0, day):
            continue
        at = instant(day, *measure.clock)
        value = figure(seed, measure, at + 3600.0)
        before = figure(seed, measure, at - 3600.0)
        if key.startswith("A191"):
            title = _GDP[day.month % 3]
        if value is None or before is None:
            continue
        wild = {"PAYEMS": 35e3, "ICSA": 6e3, "JTSJOL": 9e4, "HOUST": 2e4, "A191RL1Q225SBEA": 0.2}
        error = dice(seed, key, day, "forecast").gauss(0.0, wild.get(measure.series, 0.09))
        yield Planned(
            title, "USD", at, impact, measure.shown(value + error), measure.shown(before),
            measure.shown(value), key,
        )  # fmt: skip


def _others(seed: int, day: date) -> Iterator[Planned]:
    """What is on the calendar and not on FRED."""
    for title, currency, weekday, hour, minute, impact, usual in _WEEKLY:
        if day.weekday() == weekday:
            yield _vague(seed, title, currency, instant(day, hour, minute), impact, usual)
    if _business_day(1)(day):
        yield _vague(seed, "ISM Manufacturing PMI", "USD", instant(day, 10), "High", "49.6")
    if _business_day(4)(day):
        yield _vague(seed, "ISM Services PMI", "USD", instant(day, 10), "Medium", "52.4")
    if day.weekday() == 1 and (day + 7 * _DAY).month != day.month and is_session(day):
        yield _vague(seed, "CB Consumer Confidence", "USD", instant(day, 10), "High", "98.3")
    for n, state in ((2, "Prelim"), (4, "Revised")):
        if _nth(4, n)(day):
            title = f"{state} UoM Consumer Sentiment"
            yield _vague(seed, title, "USD", instant(day, 10), "Medium", "61.2")
    if day.month in (1, 3, 5, 6, 7, 9, 11, 12) and _nth(2, 3)(day):
        rate = "3.75%"
        yield Planned("Federal Funds Rate", "USD", instant(day, 14), "High", rate, rate, rate)
    if is_session(day) and (luck := dice(seed, day, "speech")).random() < 0.8:
        at = instant(day, luck.choice((10, 12, 13, 14)), luck.choice((0, 15, 30, 45)))
        yield Planned(f"FOMC Member {luck.choice(_SPEAKERS)} Speaks", "USD", at, "Low")


def _vague(seed: int, title: str, currency: str, at: float, impact: str, usual: str) -> Planned:
    """An event whose figures move round a usual one."""
    shape = amount(usual)
    if shape is None:
        return Planned(title, currency, at, impact)
    luck = dice(seed, title, currency, at)
    # Figures near 0 move by steps of their last place, large ones by a few per cent.
    size = max(abs(shape.value) * 0.04, 2 * shape.scale * 10.0**-shape.places)
    texts = [shape.like(shape.value + luck.gauss(0.0, size)) for _ in range(3)]
    if shape.second is not None:
        ratio = luck.uniform(2.3, 2.8)
        return Planned(title, currency, at, impact, "", f"{texts[1]}|{ratio:.1f}")
    return Planned(title, currency, at, impact, *texts)


def this_week(now: float) -> date:
    """The Sunday whose file is served at a market time."""
    return week_of(new_york_date(now))
