"""Studies as the server tells them, of the chain that all worked examples are computed on."""

from __future__ import annotations

from typing import Any

from grok_sauce.analytics.conversion import Factor
from grok_sauce.analytics.forward import Rates
from grok_sauce.analytics.study_report import Inputs, report
from tests.option_chains import AS_OF, TOY_RATE, TOY_YIELD, toy_chain


def make_studies(symbol: str = "SPX") -> dict[str, Any]:
    """Charm, vanna, ratios and the VIX are known; prints are not followed; no session is kept."""
    return report(
        Inputs(
            symbol,
            now=AS_OF,
            chain=toy_chain(),
            rates=Rates(TOY_RATE, TOY_YIELD),
            conversion=Factor("/ESZ6", "basis", 30.0, AS_OF, False, 6000.0, 6030.0),
            multiplier=50.0,
            vix=[(AS_OF - 60.0 * n, 18.0 - 0.005 * n) for n in range(50)],
        )
    )
