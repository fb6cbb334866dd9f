"""The opening range in a row of the table: a word and the sentence behind it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from grok_sauce.analytics.view import View
from grok_sauce.market.instruments import decimals_of
from grok_sauce.market.sessions import NEW_YORK

USUAL: Final = 15  # minutes; the range a row tells of, where it is kept
NONE_YET: Final = "No opening range has been worked out yet"


def orb_fields(
    view: View, symbol: str, tick: float | None, reasons: dict[str, str]
) -> dict[str, Any]:
    """{orb, orb_detail}: "inside 15", "up 15", "down 15", "both 15", "forming 15", "late 15",
    "waiting", and a sentence; None with its reason where there is no range.

    15 stands for the minutes of the range that is told of: 15, else the shortest one kept.
    """
    payload = view.results.get("orb.breakout", {}).get(symbol)
    ranges = [] if payload is None else payload["ranges"]
    if payload is None or not ranges:
        reasons["orb"] = reasons["orb_detail"] = (payload or {}).get("reason") or NONE_YET
        return {"orb": None, "orb_detail": None}
    chosen = next((each for each in ranges if each["minutes"] == USUAL), ranges[0])
    state = chosen["state"]
    if state == "no_data":
        reasons["orb"] = reasons["orb_detail"] = chosen["note"] or NONE_YET
        return {"orb": None, "orb_detail": None}
    label = payload["open_label"]
    if state == "waiting":
        return {"orb": state, "orb_detail": f"It opens at {label}"}
    return {
        "orb": f"{state} {chosen['minutes']}",
        "orb_detail": _sentence(chosen, label, decimals_of(tick)),
    }


def _sentence(chosen: dict[str, Any], label: str, decimals: int) -> str:
    words = [f"First {chosen['minutes']} minutes from {label}"]
    if chosen["high"] is not None and chosen["low"] is not None:
        words[0] += f": {chosen['low']:.{decimals}f} to {chosen['high']:.{decimals}f}"
    for each in chosen["breaks"]:
        at = datetime.fromisoformat(each["at"]).astimezone(NEW_YORK)
        words.append(f"{each['side']} at {at:%H:%M} at {each['price']:.{decimals}f}")
    if chosen["note"]:
        words.append(chosen["note"])
    return ". ".join(words)
