"""Pure calculations. A formula here is usable alone."""

from __future__ import annotations

from typing import Final

from grok_sauce.analytics.calendar_table import ANALYTIC as CALENDAR
from grok_sauce.analytics.economy import ANALYTIC as ECONOMY
from grok_sauce.analytics.gex_live import ANALYTIC as GEX
from grok_sauce.analytics.gex_live import MAX_PAIN
from grok_sauce.analytics.headlines_table import ANALYTIC as HEADLINES
from grok_sauce.analytics.indicator import ANALYTIC as INDICATOR
from grok_sauce.analytics.orb_live import ANALYTIC as ORB
from grok_sauce.analytics.profile_live import ANALYTIC as PROFILE
from grok_sauce.analytics.sentiment_index import ANALYTIC as SENTIMENT
from grok_sauce.analytics.view import Analytic

# What the engine keeps up to date; the order is the order of work.
ANALYTICS: Final[tuple[Analytic, ...]] = (
    MAX_PAIN,
    GEX,
    CALENDAR,
    ECONOMY,
    HEADLINES,
    SENTIMENT,
    PROFILE,
    ORB,
    INDICATOR,
)
