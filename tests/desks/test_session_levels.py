"""desks.session_levels: settings as the analytics take them."""

from __future__ import annotations

from grok_sauce.analytics.orb_live import OrbWishes
from grok_sauce.analytics.profile_live import ProfileWishes
from grok_sauce.desks.session_levels import session_wishes
from grok_sauce.settings import Settings, validate


def test_what_nobody_set_is_what_the_analytics_do_by_themselves() -> None:
    assert session_wishes(Settings()) == {"orb": OrbWishes(), "profile": ProfileWishes()}


def test_what_was_set_reaches_the_analytics() -> None:
    chosen = validate(
        {
            "orb": {"minutes": [5], "mode": "touch", "rr_ratio": 3, "opens": ["/cl=09:15"]},
            "profile": {"hours": "extended", "value_area": 80, "weeks": 1},
        }
    )

    wishes = session_wishes(chosen)

    assert wishes["orb"] == OrbWishes((5,), "touch", 3.0, 0, "pit", ("CL=09:15",))
    assert wishes["profile"] == ProfileWishes("extended", 80, 1)
