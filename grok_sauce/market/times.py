"""Times as pages and programs are told them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(at: float | None) -> str | None:
    """A Unix time as ISO-8601 UTC, to the second; None for none.

    >>> iso(1797345120.4), iso(None)
    ('2026-12-15T14:32:00Z', None)
    """
    if at is None:
        return None
    return datetime.fromtimestamp(round(at), UTC).isoformat().replace("+00:00", "Z")
