"""Pages, API and their guard. Upstream it does and asks through controls and questions alone."""

from __future__ import annotations

from typing import Final

from grok_sauce.values import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """One entry of the navigation; key is the letter after "g"."""

    name: str
    path: str
    label: str
    key: str


# Only pages that exist, in the order of the navigation.
PAGES: Final = (
    Page("indicator", "/indicator", "Indicator", "i"),
    Page("gex", "/gex", "GEX", "x"),
    Page("chart", "/chart", "Chart", "c"),
    Page("butterfly", "/butterfly", "Butterfly", "b"),
    Page("news", "/news", "News", "n"),
    Page("calendar", "/calendar", "Calendar", "k"),
    Page("alerts", "/alerts", "Alerts", "a"),
    Page("strategies", "/strategies", "Strategies", "t"),
    Page("signals", "/signals", "Signals", "s"),
    Page("setup", "/setup", "Setup", "u"),
    Page("status", "/status", "Status", "h"),
)
ROUTER_PAGES: Final = tuple(
    page for page in PAGES if page.name in ("alerts", "strategies", "status")
)  # of a process that is the router alone
