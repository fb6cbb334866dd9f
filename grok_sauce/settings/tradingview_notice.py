"""What switching TradingView on means, said in one place for pages, status and documents."""

from __future__ import annotations

from typing import Final

# One line, beside the switch.
SHORT: Final = "Unofficial interface, may stop working and may break their terms."

UNOFFICIAL: Final = (
    "TradingView offers no interface for its prices: this speaks the one its own site uses, which "
    "may stop working any day and may break TradingView's terms of use for your account. It is "
    "off until you switch it on, and nothing else depends on it."
)
