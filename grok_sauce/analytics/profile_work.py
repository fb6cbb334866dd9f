"""A symbol's volume profiles as a payload: spans, levels, and the reason where there are none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from grok_sauce.analytics.profile_bare import DEVELOPING, TICK, bare, why_none
from grok_sauce.analytics.profile_live import Base, Item
from grok_sauce.analytics.profile_spans import MINUTE_MS, Session, Span, elapsed, uncovered
from grok_sauce.analytics.volume_profile import (
    Node,
    average_true_range,
    default_bin,
    volume_profile,
)

TICK_UNDER_1: Final = 0.0001
NO_VOLUME: Final = "The source gives no volume for these bars"

Floats = NDArray[np.float64]


class _Arrays:
    """The bars of an item as arrays, found by session."""

    def __init__(self, item: Item) -> None:
        bars = item.bars
        self.first = 0 if bars is None else bars.first
        self.times = np.array([] if bars is None else bars.times, dtype=np.int64)
        columns = ([], [], [], []) if bars is None else (
            bars.highs, bars.lows, bars.closes, bars.volumes
        )  # fmt: skip
        self.highs, self.lows, self.closes, self.volumes = (
            np.array(column, dtype=np.float64) for column in columns
        )

    def places(self, session: Session) -> slice:
        """The bars of a session."""
        start, end = np.searchsorted(self.times, (session.start, session.end))
        return slice(int(start), int(end))

    def of(self, span: Span) -> NDArray[np.intp]:
        """Places of the bars of all sessions of a span."""
        slices = [self.places(session) for session in span.sessions]
        return np.concatenate([np.arange(each.start, each.stop) for each in slices])


def payload(item: Item) -> tuple[dict[str, Any], Base | None]:
    """The payload of a symbol, and what of it stays the same all day.

    {symbol, as_of, source, unit, tick, bin, atr, atr_sessions, hours, value_area, spans,
    reasons}: prices, tick, bin and atr (mean true range of atr_sessions sessions) in points.
    spans: "day", "week" (under way), "prior_week", "week-2" ... -> null (its sentence is in
    reasons) or {from, to, developing, poc, vah, val, value_area_share, hvn, lvn, volume, bars,
    minutes, missing_bars, sessions, bins: [[lowest price, volume], ...]}, hvn and lvn as
    [{price, volume, prominence, share}] by price.

    Of the minutes of the span's sessions that are over, missing_bars had no bar, or one without
    a volume: a gap in what was loaded, or nobody traded. as_of: end of the newest bar.
    """
    arrays = _Arrays(item)
    tick = item.instrument.tick or _tick(arrays)
    spans: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    base = item.base or _base(item, arrays, tick)
    for span in item.spans:
        if span.name in DEVELOPING:
            spans[span.name] = _told(item, arrays, span, tick, base.bin, reasons)
    spans |= base.spans
    reasons |= base.reasons
    last = int(arrays.times[-1]) + MINUTE_MS if len(arrays.times) else None
    found = bare(item) | {
        "as_of": None if last is None else _iso(last),
        "tick": tick,
        "bin": base.bin if len(arrays.times) else None,
        "atr": base.atr,
        "atr_sessions": base.atr_sessions,
        "spans": spans,
        "reasons": reasons,
    }
    return found, base if len(arrays.times) else None


def _tick(arrays: _Arrays) -> float:
    """Of a share: a hundredth of a dollar, under a dollar a hundredth of that."""
    return TICK_UNDER_1 if len(arrays.closes) and arrays.closes[-1] < 1 else TICK


def _base(item: Item, arrays: _Arrays, tick: float) -> Base:
    """The average range of the sessions before, the bin it gives, and the finished weeks."""
    whole = [
        places
        for session in item.past
        if session.start >= arrays.first
        for places in (arrays.places(session),)
        if places.start < places.stop
    ]
    atr = average_true_range(
        np.array([arrays.highs[places].max() for places in whole]),
        np.array([arrays.lows[places].min() for places in whole]),
        np.array([arrays.closes[places][-1] for places in whole]),
    )
    # Without a whole session a hundredth of a percent of the price stands in.
    width = atr or (float(arrays.closes[0]) / 100 if len(arrays.closes) else 0.0)
    bin_ = default_bin(tick, width)
    spans: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for span in item.spans:
        if span.name not in DEVELOPING:
            spans[span.name] = _told(item, arrays, span, tick, bin_, reasons)
    return Base(item.base_sign, bin_, atr, len(whole), spans, reasons)


def _told(
    item: Item, arrays: _Arrays, span: Span, tick: float, bin_: float, reasons: dict[str, str]
) -> dict[str, Any] | None:
    places = arrays.of(span)
    why = _missing(item, arrays, span, places)
    found = None
    if why is None:
        try:
            found = volume_profile(
                arrays.lows[places],
                arrays.highs[places],
                arrays.volumes[places],
                tick,
                bin_,
                item.wishes.value_area / 100,
            )
        except ValueError as problem:
            why = f"These bars cannot be right: {problem}"
    if found is None:
        reasons[span.name] = why or NO_VOLUME
        return None
    minutes = elapsed(span, item.now)
    return {
        "from": _iso(span.start),
        "to": _iso(span.close),
        "developing": item.now < span.end,
        "poc": found.poc,
        "vah": found.vah,
        "val": found.val,
        "value_area_share": found.area_share,
        "hvn": [_node(node) for node in found.hvn],
        "lvn": [_node(node) for node in found.lvn],
        "volume": round(found.total, 3),
        "bars": len(places),
        "minutes": minutes,
        "missing_bars": max(0, minutes - _known(arrays, span)),
        "sessions": len(span.sessions),
        "bins": [
            [low, round(volume, 3)]
            for low, volume in zip(found.lows.tolist(), found.volumes.tolist(), strict=True)
        ],
    }


def _missing(item: Item, arrays: _Arrays, span: Span, places: NDArray[np.intp]) -> str | None:
    """Why a span has no profile, as far as that is known before it is worked out."""
    if not len(arrays.times) or item.instrument.kind == "index" or item.instrument.problem:
        return why_none(item)
    if item.now < span.start:
        opens = datetime.fromtimestamp(span.start / 1000, UTC)
        return f"It opens at {opens:%H:%M} UTC on {span.sessions[0].day}"
    why = uncovered(span, arrays.first, arrays.times[places].tolist()[:1])
    if why is not None:
        return why
    return None if len(places) else "No minute bars of this span have arrived"


def _known(arrays: _Arrays, span: Span) -> int:
    """Bars with a volume inside the minutes that a span's sessions trade in."""
    found = 0
    for session in span.sessions:
        start, end = np.searchsorted(arrays.times, (session.start, session.close))
        found += int(np.count_nonzero(arrays.volumes[start:end] >= 0))
    return found


def _node(node: Node) -> dict[str, float]:
    return {
        "price": node.price,
        "volume": round(node.volume, 3),
        "prominence": round(node.prominence, 3),
        "share": node.share,
    }


def _iso(ms: int) -> str:
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
