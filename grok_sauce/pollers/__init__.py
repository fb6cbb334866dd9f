"""Sources we ask on a schedule, one module each: settings, parse, fetch."""

from __future__ import annotations

from typing import Final

# name -> module. Read only when the source is wanted.
POLLERS: Final[dict[str, str]] = {
    "cboe": "grok_sauce.pollers.cboe",
    "news": "grok_sauce.pollers.news",
    "forex_factory": "grok_sauce.pollers.calendar",
    "fred": "grok_sauce.pollers.fred",
}
