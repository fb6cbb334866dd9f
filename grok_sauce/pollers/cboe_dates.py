"""The date line of Cboe's CSV export: the browser wrote it, in its user's language."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Final

# First letters that tell the month, in English, German, Spanish, Portuguese, French, Italian,
# Dutch, Russian, Polish and Turkish. Croatian and Czech share words with Polish for other
# months: those are left out.
_MONTHS: Final[tuple[tuple[str, ...], ...]] = (
    ("jan", "jän", "ene", "gen", "янв", "sty", "oca"),
    ("feb", "fév", "fev", "фев", "lut", "şub"),
    ("mar", "mär", "maa", "mrt", "мар"),
    ("apr", "abr", "avr", "апр", "kwi", "nis"),
    ("may", "mai", "mag", "mei", "maj", "мая", "май"),
    ("jun", "juin", "giu", "июн", "cze", "haz"),
    ("jul", "juil", "lug", "июл", "lipc", "lipi", "tem"),
    ("aug", "ago", "aoû", "авг", "sier", "ağu"),
    ("sep", "set", "сен", "wrz", "eyl"),
    ("oct", "out", "okt", "ott", "окт", "paź", "eki"),
    ("nov", "ноя", "kas"),
    ("dec", "dez", "dic", "déc", "дек", "gru", "ara"),
)
_ZONES: Final[dict[str, int]] = {
    "EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8,
    "GMT": 0, "UTC": 0, "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2,
}  # fmt: skip
_LINE: Final = re.compile(
    r"""(?:(?P<d1>\d{1,2})(?:º|°|er)?\.?,?\s+(?:de\s+)?(?P<m1>[^\W\d]+)\.?,?
       |(?P<m2>[^\W\d]+)\.?\s+(?P<d2>\d{1,2}),?)
    \s+(?:de\s+|del\s+)?(?P<year>\d{4})(?:\s*г\.?)?
    (?:\s*,\s*|\s+)(?:(?:at|à|às|a\ las|alle|alle\ ore|um|om|o|в|kl\.?|saat)\s+)?
    (?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?:[:.]\d{2})?
    (?:\s*(?P<half>[ap])\.?\s?m\.?)?
    \s*(?P<zone>[A-Z]{3,4})?\s?(?P<offset>[+−-]\s?\d{1,2}(?::?00)?)?""",
    re.VERBOSE | re.IGNORECASE,
)


def parse_date_line(text: str) -> float | None:
    """The Unix time of a date line's text; None for anything that is not beyond doubt.

    Without a zone it is not: nobody can tell whose clock was read.

    >>> parse_date_line("September 14, 2023 at 4:31 PM EDT")
    1694723460.0
    >>> parse_date_line("3 de setembro de 2025 às 16:18 GMT-4")
    1756930680.0
    >>> parse_date_line("09/03/2025 16:18") is None
    True
    """
    cleaned = re.sub(r"[\s\u00a0\u202f\u2009]+", " ", text.replace('"', " ")).strip(" ,;")
    found = _LINE.fullmatch(cleaned)
    if found is None:
        return None
    month = _month(found["m1"] or found["m2"])
    zone = _zone(found["zone"], found["offset"])
    hour = _hour(int(found["hour"]), found["half"])
    if month is None or zone is None or hour is None:
        return None
    day = int(found["d1"] or found["d2"])
    try:
        moment = datetime(int(found["year"]), month, day, hour, int(found["minute"]), tzinfo=zone)
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None


def _month(name: str) -> int | None:
    word = name.lower()
    found = {
        number
        for number, starts in enumerate(_MONTHS, start=1)
        if any(word.startswith(start) for start in starts)
    }
    return found.pop() if len(found) == 1 else None


def _hour(hour: int, half: str | None) -> int | None:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        return None
    return hour % 12 + (12 if half.lower() == "p" else 0)


def _zone(name: str | None, offset: str | None) -> timezone | None:
    """The zone of "EDT", "GMT-4", "UTC−4"; None when there is none or it is not known."""
    if name is None or name.upper() not in _ZONES:
        return None
    hours = _ZONES[name.upper()]
    if offset is not None:
        if hours:
            return None  # EDT-4: which of the two?
        digits = offset.replace("−", "-").replace(" ", "").replace(":00", "")
        digits = digits[:-2] if len(digits) == 5 else digits
        hours = int(digits)
    return timezone(timedelta(hours=hours)) if abs(hours) <= 14 else None
