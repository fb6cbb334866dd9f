"""Words and numbers of notices: prices, times, and text of feeds made harmless."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Any, Final

from grok_sauce.market import sessions

# What chats take for a mention, a link's frame or a format; each becomes its harmless twin.
_TAME: Final = str.maketrans({"@": "＠", "<": "‹", ">": "›", "`": "'", "*": "∗", "|": "¦"})


def tame(text: Any, limit: int = 200) -> str:
    """Text of a feed on one line, without control characters or what a chat acts upon.

    >>> tame("Fed\\r\\nBcc: x@y  <!channel>")
    'Fed Bcc: x＠y ‹!channel›'
    """
    kept = "".join(
        " " if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs") else char
        for char in str(text)[: limit * 4]
    )
    line = " ".join(kept.split()).translate(_TAME)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def price(value: Any) -> str:
    """Two decimals, a comma each thousand, a dash for what is unknown.

    >>> price(6012.357), price(None)
    ('6,012.36', '–')
    """
    return "–" if value is None else f"{value:,.2f}".replace("-", "−")


def strike(value: Any) -> str:
    """No decimals that are not needed.

    >>> strike(6050.0), strike(597.5)
    ('6,050', '597.5')
    """
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.2f}".rstrip("0")


def percent(value: Any) -> str:
    """A percentage with its sign; exactly zero has none."""
    if value is None:
        return "–"
    text = f"{abs(value):.2f}%"
    return text if not round(value, 2) else f"{'+' if value > 0 else '−'}{text}"


def dollars(value: Any) -> str:
    """Billions and millions with a sign.

    >>> dollars(6.178e9), dollars(-673e6)
    ('+6.18B', '−673M')
    """
    if value is None:
        return "–"
    sign = "+" if value > 0 else "−" if value < 0 else ""
    size = abs(value)
    return f"{sign}{size / 1e9:.2f}B" if size >= 1e9 else f"{sign}{size / 1e6:.0f}M"


def clock(at: float | None) -> str:
    """HH:MM in New York."""
    return "–" if at is None else f"{sessions.new_york(at):%H:%M}"


def unix(value: Any) -> float | None:
    """An ISO-8601 time with its offset as Unix seconds; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return None
    return None if when.tzinfo is None else when.timestamp()
