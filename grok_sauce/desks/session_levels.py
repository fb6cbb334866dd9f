"""What the user chose of volume profiles and opening ranges, as their analytics take it."""

from __future__ import annotations

import dataclasses
from typing import Any

from grok_sauce.analytics.orb_live import OrbWishes
from grok_sauce.analytics.profile_live import ProfileWishes
from grok_sauce.settings import Settings


def session_wishes(chosen: Settings) -> dict[str, Any]:
    """The parts of View.settings that follow from settings.json: for Engine.set_settings."""
    return {
        "orb": OrbWishes(**dataclasses.asdict(chosen.orb)),
        "profile": ProfileWishes(**dataclasses.asdict(chosen.profile)),
    }
