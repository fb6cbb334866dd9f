"""Payloads of a feed that is gone, so marked that no number in them looks live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from grok_sauce.update import Update

# Of these nothing is to be expected, whether the feed is there or not.
_GONE_ANYWAY: Final = frozenset({"not_offered", "no_entitlement", "unknown_symbol"})


def greyed(topic: str, key: str, payload: Any, reason: str) -> Update | None:
    """The same as a payload of a dead feed; None where a payload says nothing of being live.

    >>> greyed("indicator.rows", "SPY", {"status": "live", "stale": False}, "gone").payload
    {'status': 'link_down', 'stale': True}
    """
    if topic in ("indicator.rows", "chart.bar"):
        changed = _row(payload)
    elif topic in ("gex.levels", "butterfly.mark"):
        changed = _status(payload, reason)
    else:
        return None
    return None if changed is None or changed == payload else Update(topic, key, changed)


def _row(row: Any) -> dict[str, Any] | None:
    """Rows of the table, and heads of charts, which are made of them."""
    if not isinstance(row, Mapping) or row.get("status") in (None, *_GONE_ANYWAY):
        return None
    return {**row, "status": "link_down", "stale": True}


def _status(payload: Any, reason: str) -> dict[str, Any] | None:
    status = payload.get("status") if isinstance(payload, Mapping) else None
    if not isinstance(status, Mapping) or status.get("state") not in ("live", "closed"):
        return None
    text = f"{reason.rstrip('.')}; these are the last numbers it gave."
    return {**payload, "status": {**status, "state": "stale", "text": text}}
