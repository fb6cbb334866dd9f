"""What settings.json says, as the parts of the market half take it."""

from __future__ import annotations

from typing import Any

from grok_sauce.desks.session_levels import session_wishes
from grok_sauce.settings import Settings


def groups_of(chosen: Settings) -> dict[str, tuple[str, ...]]:
    """The user's symbols by group, in their order."""
    lists = chosen.indicators
    return {
        "positive": tuple(lists.positive),
        "neutral": tuple(lists.neutral),
        "negative": tuple(lists.negative),
    }


def analytic_settings(chosen: Settings) -> dict[str, Any]:
    """What analytics read of settings.json, by the name they ask for."""
    return {"sentiment": chosen.sources.news, **session_wishes(chosen)}
