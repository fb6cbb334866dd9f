"""Reading fields of what a source sent: each complaint names the source and the field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from grok_sauce.errors import BadPayload

_SHOWN: Final = 40  # characters of a wrong value that are quoted
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


def document(body: bytes, who: str) -> Any:
    """The JSON value of a body.

    Raises:
        BadPayload: it is none (NaN and Infinity are not either), or a web page.
    """
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        kind = "a web page" if body.lstrip()[:1] == b"<" else "no JSON"
        raise BadPayload(f"{who} sent {kind} where JSON was expected") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def bad(who: str, field: str, wanted: str, value: object) -> BadPayload:
    """The error for a field that is not as documented."""
    shown = repr(value if not isinstance(value, str) else value[:_SHOWN])[: _SHOWN + 2]
    return BadPayload(f"{who}: {field} must be {wanted}, not {shown}")


def member(row: object, name: str, where: str, who: str) -> Any:
    """A member of an object; None when it is absent."""
    if not isinstance(row, Mapping):
        raise bad(who, where or "the answer", "an object", row)
    return row.get(name)


def items(row: object, name: str, who: str) -> list[Any]:
    """A member that must be a list."""
    found = member(row, name, "", who)
    if not isinstance(found, list):
        raise bad(who, name, "a list", found)
    return found


def moment(value: object, field: str, who: str) -> float:
    """ISO-8601 with a zone as Unix seconds, 1990 to 2100."""
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
            if found.tzinfo is not None:
                unix = found.timestamp()
                if _EARLIEST <= unix < _LATEST:
                    return unix
        except (ValueError, OverflowError):
            pass  # said below
    raise bad(who, field, "a time with a zone", value)


def day(value: object, field: str, who: str) -> date:
    """YYYY-MM-DD, 1900 to 2100."""
    if isinstance(value, str) and len(value) == 10:
        try:
            found = date.fromisoformat(value)
        except ValueError:
            found = date.min
        if 1900 <= found.year <= 2100:
            return found
    raise bad(who, field, "a day like 2026-08-07", value)
