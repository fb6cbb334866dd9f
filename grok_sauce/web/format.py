"""Numbers as text for the first paint of a page; static/js/format.js says the same in the browser.

Unknown (None, NaN) is an en dash, minus is U+2212, half is rounded away from zero as
the browser does it. Both files are held to tests/web/format_vectors.json.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from datetime import date as calendar_date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, TypeGuard
from zoneinfo import ZoneInfo

DASH: Final = "–"
MINUS: Final = "−"
_LARGEST: Final = 1e15
ZONES: Final[Mapping[str, tuple[str, str]]] = {
    "new_york": ("America/New_York", "ET"),
    "utc": ("UTC", "UTC"),
}
_UNITS: Final = ((0, ""), (3, "K"), (6, "M"), (9, "B"), (12, "T"))

Number = float | int | None


def _is_known(value: Number) -> TypeGuard[float]:
    """No market has a number of sixteen digits: such a one is noise and shown as unknown."""
    return value is not None and math.isfinite(value) and abs(value) < _LARGEST


def _fixed(value: float, decimals: int) -> str:
    """Digits of |value| with commas, half rounded up on the exact binary value."""
    exact = Decimal(abs(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    return f"{exact:,f}"


def _sign(value: float) -> str:
    if value > 0:
        return "+"
    return MINUS if value < 0 else ""


def price(value: Number, decimals: int | None = 2) -> str:
    """A price with the decimals of its tick, at least two.

    >>> price(6012.36), price(6043.5), price(None)
    ('6,012.36', '6,043.50', '–')
    """
    if not _is_known(value):
        return DASH
    return (MINUS if value < 0 else "") + _fixed(value, max(2, decimals or 2))


def strike(value: Number) -> str:
    """A strike without forced decimals.

    >>> strike(6050.0), strike(597.5)
    ('6,050', '597.5')
    """
    if not _is_known(value):
        return DASH
    text = _fixed(value, 3)
    return text.rstrip("0").rstrip(".")


def change(value: Number, decimals: int | None = 2) -> str:
    """A difference of prices, always signed except exactly zero.

    >>> change(2.57), change(-0.62), change(0.0)
    ('+2.57', '−0.62', '0.00')
    """
    if not _is_known(value):
        return DASH
    return _sign(value) + _fixed(value, max(2, decimals or 2))


def percent(value: Number) -> str:
    """A change in percent (0.43 means 0.43 %), signed, two decimals.

    >>> percent(0.43), percent(-3.33)
    ('+0.43%', '−3.33%')
    """
    if not _is_known(value):
        return DASH
    return _sign(value) + _fixed(value, 2) + "%"


def share(value: Number) -> str:
    """A share or a volatility in percent, unsigned, one decimal.

    >>> share(98.6)
    '98.6%'
    """
    if not _is_known(value):
        return DASH
    return (MINUS if value < 0 else "") + _fixed(value, 1) + "%"


def ratio(value: Number) -> str:
    """A ratio such as RVOL, two decimals."""
    return price(value, 2)


def _three_digits(size: float) -> str:
    """Three digits and a unit, such as 41.8M: the smallest unit that needs no more."""
    text = ""
    for exponent, unit in _UNITS:
        text = (_scaled_digits(size / 10**exponent) if exponent else _fixed(size, 0)) + unit
        if len(text.replace(".", "")) <= 3 + len(unit) and "," not in text:
            break
    return text


def _scaled_digits(scaled: float) -> str:
    for decimals, limit in ((2, 10.0), (1, 100.0)):
        text = _fixed(scaled, decimals)
        if float(text.replace(",", "")) < limit:
            return text
    return _fixed(scaled, 0).replace(",", "")


def volume(value: Number) -> str:
    """Shares or contracts: whole below 100,000, else three digits and a unit.

    >>> volume(41_812_345), volume(28_483), volume(412_000)
    ('41.8M', '28,483', '412K')
    """
    if not _is_known(value):
        return DASH
    if abs(value) < 99_999.5:
        return _fixed(value, 0)
    return _three_digits(abs(value))


def gex(value: Number) -> str:
    """Dollars of gamma exposure, signed: two decimals from a billion on, else three digits.

    >>> gex(10.62e9), gex(-673e6)
    ('+10.62B', '−673M')
    """
    if not _is_known(value):
        return DASH
    text = _three_digits(abs(value))
    for exponent, unit in _UNITS[3:]:
        if text.endswith(unit):
            text = _fixed(abs(value) / 10**exponent, 2) + unit
    return text if text == "0" else _sign(value) + text


def age(seconds: Number) -> str:
    """How old something is: tenths below ten seconds, never rounded up.

    >>> age(0.34), age(12.9), age(252), age(7300), age(200000)
    ('0.3s', '12s', '4m 12s', '2h', '2d')
    """
    if not _is_known(seconds):
        return DASH
    if seconds < 10:
        tenths = max(0, math.floor(seconds * 10))
        return f"{tenths // 10}.{tenths % 10}s"
    whole = math.floor(seconds)
    if 60 <= whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return age_short(seconds)


def age_short(seconds: Number) -> str:
    """The same in one unit, for the header: 0.1s, 12s, 6m, 2h, 3d."""
    if not _is_known(seconds):
        return DASH
    if seconds < 10:
        return age(seconds)
    whole = math.floor(seconds)
    for size, unit in ((172_800, "d"), (3600, "h"), (60, "m")):
        if whole >= size:
            return f"{whole // (86_400 if unit == 'd' else size)}{unit}"
    return f"{whole}s"


def countdown(seconds: Number) -> str:
    """Time left, rounded up so that clock plus countdown is the moment itself.

    >>> countdown(2573), countdown(5273), countdown(97_673)
    ('42:53', '1:27:53', '1d 3:07:53')
    """
    if not _is_known(seconds):
        return DASH
    whole = max(0, math.ceil(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    if days:
        return f"{days}d {hours}:{minutes:02d}:{secs:02d}"
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"


def _at(ms: float, zone: str) -> datetime:
    name = ZONES.get(zone, ZONES["new_york"])[0]
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(name))


def clock(ms: Number, zone: str = "new_york") -> str:
    """Unix milliseconds as 24 h time with seconds, without the zone's name.

    The zone "local" is known only to the browser; here it is New York.
    """
    if not _is_known(ms):
        return DASH
    return _at(ms, zone).strftime("%H:%M:%S")


def minute(ms: Number, zone: str = "new_york") -> str:
    """Unix milliseconds as 24 h time without seconds."""
    return clock(ms, zone)[:5]


def zone_label(zone: str) -> str:
    """What stands behind a time: ET or UTC."""
    return ZONES.get(zone, ZONES["new_york"])[1]


def date(ms: Number, zone: str = "new_york") -> str:
    """Unix milliseconds as a day, such as Tue 15 Dec."""
    if not _is_known(ms):
        return DASH
    when = _at(ms, zone)
    return f"{when:%a} {when.day} {when:%b}"


def day(iso: str | None) -> str:
    """A calendar day such as an expiry, which belongs to no zone.

    >>> day("2026-12-16"), day(None)
    ('Wed 16 Dec', '–')
    """
    when = _calendar_day(iso)
    return DASH if when is None else f"{when:%a} {when.day} {when:%b}"


def day_short(iso: str | None) -> str:
    """The same without the weekday.

    >>> day_short("2026-12-16")
    '16 Dec'
    """
    when = _calendar_day(iso)
    return DASH if when is None else f"{when.day} {when:%b}"


def _calendar_day(iso: str | None) -> calendar_date | None:
    try:
        return calendar_date.fromisoformat(iso or "")
    except ValueError:
        return None


def fraction(value: Number) -> str:
    """A fraction of one as a share in percent, one decimal.

    >>> fraction(0.157)
    '15.7%'
    """
    return share(value * 100) if _is_known(value) else DASH


def offset(value: Number, spot: Number) -> str:
    """How far a strike is from spot, signed; whole points where spot has four digits or more.

    >>> offset(-112.36, 6012.36), offset(-2.92, 600.42)
    ('−112', '−2.92')
    """
    if not _is_known(value) or not _is_known(spot):
        return DASH
    text = _fixed(value, 0 if abs(spot) >= 1000 else 2)
    return text if text == "0" else _sign(value) + text


def move(value: Number, spot: Number) -> str:
    """A move either way; one decimal where spot has four digits or more.

    >>> move(9.76, 6012.36), move(1.234, 600.42)
    ('±9.8', '±1.23')
    """
    if not _is_known(value) or not _is_known(spot):
        return DASH
    return "±" + _fixed(value, 1 if abs(spot) >= 1000 else 2)


def tick(value: Number, size: Number) -> str:
    """A price at the tick of the instrument it is meant for; half a tick goes up.

    >>> tick(6022.507, 0.25), tick(6022.507, None)
    ('6,022.50', '6,022.51')
    """
    if not _is_known(value) or not _is_known(size) or size <= 0:
        return price(value)
    return price(math.floor(value / size + 0.5) * size)


def score(value: Number, word: str = "") -> str:
    """A sentiment score, the word after the number.

    >>> score(0.46, "positive")
    '+0.46 positive'
    """
    if not _is_known(value):
        return DASH
    return f"{change(value)} {word}".rstrip()


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "format_price": price,
    "format_strike": strike,
    "format_change": change,
    "format_percent": percent,
    "format_share": share,
    "format_ratio": ratio,
    "format_volume": volume,
    "format_gex": gex,
    "format_age": age,
    "format_age_short": age_short,
    "format_countdown": countdown,
    "format_clock": clock,
    "format_minute": minute,
    "format_zone": zone_label,
    "format_date": date,
    "format_day": day,
    "format_day_short": day_short,
    "format_fraction": fraction,
    "format_offset": offset,
    "format_tick": tick,
    "format_move": move,
    "format_score": score,
}
