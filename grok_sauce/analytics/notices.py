"""Which change deserves a message: facts as they come in, notices out, each told once.

Nothing is told of the first sight of a thing, of facts that are not live, or of what is old:
a start, a restart and a long gap only set what later changes are measured against.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Final, Literal

from grok_sauce.analytics.notice_edges import Crossing, Rise, Shift, Trouble
from grok_sauce.analytics.notice_text import clock, price, strike, tame, unix
from grok_sauce.market import sessions
from grok_sauce.settings.notices import Notices
from grok_sauce.values import dataclass

Severity = Literal["info", "warn", "urgent"]
Payload = Mapping[str, Any]

FRESH: Final = 180.0  # seconds after which a break is history
LIVE: Final = 60.0  # seconds after which a level or spot is not of now
DOWN: Final = 30.0  # seconds a source must be down, so that a reconnect is no news
NEEDS: Final = 10.0  # the same of the router
LEVELS: Final[Mapping[str, str]] = {
    "call_wall": "call wall",
    "put_wall": "put wall",
    "call_wall_2": "second call wall",
    "put_wall_2": "second put wall",
}
WALLS: Final = ("call_wall", "put_wall")
CURRENCIES: Final = frozenset({"USD", "ALL"})  # whose events move what this program shows
MOST_TOLD: Final = 5_000  # keys remembered


@dataclass(frozen=True, slots=True)
class Notice:
    """One message. keys are what it tells of, so that none is told twice; the first is its id.

    at is market time (Unix seconds); link is a path of the pages.
    """

    keys: tuple[str, ...]
    at: float
    rule: str
    severity: Severity
    title: str
    text: str
    symbol: str | None = None
    link: str | None = None

    @property
    def id(self) -> str:
        """Names this notice for ever."""
        return self.keys[0]


@dataclass(frozen=True, slots=True)
class Facts:
    """What changed since the look before; now and wall: market and real time, Unix seconds.

    gex, orb: newest payloads of topics gex.levels (by symbol, view "all") and orb.breakout.
    signals: payloads of topic trade.signal, all of them.
    calendar, health: newest payloads, None where there is none. is_live says whether a
    symbol's price is of now.
    """

    now: float
    wall: float
    gex: Mapping[str, Payload] = field(default_factory=dict)
    orb: Mapping[str, Payload] = field(default_factory=dict)
    signals: Sequence[Payload] = ()
    calendar: Payload | None = None
    health: Payload | None = None
    is_live: Callable[[str], bool] = lambda symbol: True


class Watch:
    """The rules with their memory. told are keys of notices of earlier runs.

    A rule that is off is followed all the same: switched on, it does not tell of the past.
    """

    def __init__(self, chosen: Notices, told: Collection[str] = ()) -> None:
        self.chosen = chosen
        self._told = dict.fromkeys(told)
        self._crossings: dict[tuple[str, str], Crossing] = {}
        self._shifts: dict[tuple[str, str], Shift] = {}
        self._sources: dict[str, Trouble] = {}
        self._router = Trouble(NEEDS)
        self._needs = Rise()

    def look(self, facts: Facts) -> list[Notice]:
        """Notices that these facts deserve, in the order of the rules."""
        found = [
            *self._breaks(facts),
            *self._levels(facts),
            *self._signals(facts),
            *self._events(facts),
            *self._health(facts),
        ]
        wanted = [one for one in found if getattr(self.chosen.rules, one.rule)]
        for one in found:
            self._told.update(dict.fromkeys(one.keys))
        while len(self._told) > MOST_TOLD:
            del self._told[next(iter(self._told))]
        return wanted

    # ---- opening range ------------------------------------------------------------------

    def _breaks(self, facts: Facts) -> Iterator[Notice]:
        for symbol, payload in facts.orb.items():
            sides: dict[str, list[tuple[str, Payload, Payload]]] = {}
            for span in payload.get("ranges") or ():
                for broken in span.get("breaks") or ():
                    at, side = unix(broken.get("at")), broken.get("side")
                    key = f"orb:{symbol}:{payload.get('day')}:{span.get('minutes')}:{side}"
                    if at is None or side not in ("up", "down") or key in self._told:
                        continue
                    if not 0 <= facts.now - at <= FRESH or not facts.is_live(symbol):
                        continue
                    sides.setdefault(side, []).append((key, span, broken))
            for side, breaks in sides.items():
                yield _break(facts.now, symbol, side, breaks)

    # ---- GEX ----------------------------------------------------------------------------

    def _levels(self, facts: Facts) -> Iterator[Notice]:
        for symbol, payload in facts.gex.items():
            if not _is_of_now(payload, facts.now):
                continue
            spot = payload["spot"]
            band = spot * self.chosen.band / 100
            pause = self.chosen.cooldown * 60.0
            for name, label in LEVELS.items():
                value = payload.get(name)
                side = self._crossing(symbol, name).step(value, spot, band, facts.now, pause)
                if side and value is not None:
                    yield _crossed(payload, facts.now, "level", label, value, side)
            flip = payload["zero_gamma"]["all"]
            value = None if flip.get("degraded") else flip["flip"]
            crossing = self._crossing(symbol, "flip", follows=True)
            side = crossing.step(value, spot, band, facts.now, pause)
            if side and value is not None:
                yield _crossed(payload, facts.now, "flip", "zero gamma", value, side)
            for name in WALLS:
                shift = self._shifts.setdefault((symbol, name), Shift())
                moved = shift.step(payload.get(name), facts.now, pause)
                if moved:
                    yield _shifted(payload, facts.now, LEVELS[name], *moved)

    def _crossing(self, symbol: str, name: str, follows: bool = False) -> Crossing:
        return self._crossings.setdefault((symbol, name), Crossing(follows))

    # ---- the strategy ---------------------------------------------------------------------

    def _signals(self, facts: Facts) -> Iterator[Notice]:
        for payload in facts.signals:
            expires = unix(payload.get("expires_at"))
            if f"signal:{payload.get('id')}" in self._told:
                continue
            if expires is not None and facts.now < expires:
                yield _signalled(facts.now, payload)

    # ---- calendar -----------------------------------------------------------------------

    def _events(self, facts: Facts) -> Iterator[Notice]:
        if facts.calendar is None:
            return
        impacts = ("high",) if self.chosen.event_impact == "high" else ("high", "medium")
        groups: dict[float, list[tuple[str, Payload]]] = {}
        for event in facts.calendar.get("events") or ():
            at = unix(event.get("time"))
            if at is None or event.get("all_day") or event.get("impact") not in impacts:
                continue
            if str(event.get("currency")).upper() not in CURRENCIES:
                continue
            key = f"event:{event.get('id')}:{int(at)}"
            if key not in self._told and 0 < at - facts.now <= self.chosen.event_minutes * 60:
                groups.setdefault(at, []).append((key, event))
        for at, events in sorted(groups.items()):
            yield _coming(facts.now, at, events)

    # ---- health -------------------------------------------------------------------------

    def _health(self, facts: Facts) -> Iterator[Notice]:
        if facts.health is None:
            return
        sources = facts.health.get("sources") or ()
        for source in sources:
            name, mark = str(source.get("name")), source.get("mark")
            trouble = self._sources.setdefault(name, Trouble(DOWN))
            # Between two tries it says "connecting": only live, late or off end an outage.
            is_down = mark == "down" or (trouble.is_down and source.get("state") == "connecting")
            edge = trouble.step(is_down, facts.wall)
            if edge:
                yield _source(facts, source, edge, trouble.lasted)
        for name in self._sources.keys() - {str(source.get("name")) for source in sources}:
            del self._sources[name]
        yield from self._router_lamp(facts)

    def _router_lamp(self, facts: Facts) -> Iterator[Notice]:
        lamp = (facts.health or {}).get("router")
        if lamp is None:
            return
        needs = int(lamp.get("needs") or 0)
        if self._needs.step(needs, facts.wall):
            yield _routed(facts, lamp, "urgent", tame(f"Alert router: {lamp.get('text')}"))
        edge = self._router.step(lamp.get("mark") == "down" and not needs, facts.wall)
        if edge == "down":
            yield _routed(facts, lamp, "urgent", tame(f"Alert router: {lamp.get('text')}"))
        elif edge == "back":
            yield _routed(facts, lamp, "info", "Alert router: in order again")


def _is_of_now(payload: Payload, now: float) -> bool:
    """Are this report's spot and levels live?"""
    as_of, age = unix(payload.get("as_of")), payload.get("spot_age")
    return (
        (payload.get("status") or {}).get("state") == "live"
        and payload.get("spot") is not None
        and payload["spot"] > 0
        and as_of is not None
        and abs(now - as_of) <= LIVE
        and age is not None
        and age <= LIVE
    )


def _break(
    now: float, symbol: str, side: str, breaks: Sequence[tuple[str, Payload, Payload]]
) -> Notice:
    keys = tuple(key for key, _, _ in breaks)
    minutes = sorted(span["minutes"] for _, span, _ in breaks)
    spans = " and ".join(filter(None, (", ".join(map(str, minutes[:-1])), str(minutes[-1]))))
    _, span, broken = max(breaks, key=lambda each: each[1]["minutes"])
    edge = "high" if side == "up" else "low"
    parts = [
        f"{price(broken.get('price'))} at {clock(unix(broken.get('at')))}, "
        f"{minutes[-1]} minute {edge} {price(span.get(edge))}.",
        f"Entry {price(broken.get('entry'))}, stop {price(broken.get('stop'))}, "
        f"target {price(broken.get('target'))}.",
    ]
    where = "above" if side == "up" else "below"
    title = f"{symbol} {where} its {spans} minute opening range"
    return Notice(keys, now, "orb", "warn", title, " ".join(parts), symbol, f"/chart/{symbol}")


def _crossed(
    payload: Payload, now: float, rule: str, label: str, level: float, side: int
) -> Notice:
    symbol, spot = payload["symbol"], payload["spot"]
    where = "above" if side > 0 else "below"
    shown = price(level) if rule == "flip" else strike(level)
    key = f"{rule}:{symbol}:{label.replace(' ', '_')}:{where}:{int(now)}"
    text = f"{symbol} {price(spot)}, {price(abs(spot - level))} {where} it."
    regime = payload.get("regime")
    if regime in ("positive", "negative"):
        text += f" Net gamma is {regime}."
    title = f"{symbol} {where} {label} {shown}"
    severity: Severity = "warn" if rule == "flip" else "info"
    return Notice((key,), now, rule, severity, title, text, symbol, f"/gex/{symbol}")


def _shifted(payload: Payload, now: float, label: str, old: float, new: float) -> Notice:
    symbol, spot = payload["symbol"], payload["spot"]
    where = "above" if new > spot else "below"
    text = f"It was at {strike(old)}. {symbol} {price(spot)}: {price(abs(new - spot))} {where}."
    return Notice(
        (f"wall:{symbol}:{label.replace(' ', '_')}:{int(now)}",),
        now,
        "wall",
        "info",
        f"{symbol} {label} now {strike(new)}",
        text,
        symbol,
        f"/gex/{symbol}",
    )


def _signalled(now: float, payload: Payload) -> Notice:
    meta = payload["metadata"]
    level = str(meta["gex_level_type"]).replace("_", " ")
    text = (
        f"Closed below {level} {price(meta['gex_level'])}. Stop {price(payload['stop_loss'])}, "
        f"target {price(payload['take_profit'])}, risk {price(meta['risk_points'])} points. "
        f"Good until {clock(unix(payload['expires_at']))}. On paper; not advice."
    )
    title = f"Signal: buy {payload['quantity']} {payload['symbol']} at {price(payload['price'])}"
    key = f"signal:{payload['id']}"
    return Notice((key,), now, "signal", "warn", title, text, None, "/signals")


def _coming(now: float, at: float, events: Sequence[tuple[str, Payload]]) -> Notice:
    titles = [tame(f"{event.get('currency')} {event.get('title')}", 80) for _, event in events]
    minutes = max(1, round((at - now) / 60))
    is_high = any(event.get("impact") == "high" for _, event in events)
    what = titles[0] if len(titles) == 1 else f"{titles[0]} and {len(titles) - 1} more"
    lines = [
        f"{title}: forecast {tame(event.get('forecast') or '–', 20)}, "
        f"previous {tame(event.get('previous') or '–', 20)}"
        for title, (_, event) in zip(titles, events, strict=True)
    ]
    return Notice(
        tuple(key for key, _ in events),
        now,
        "event",
        "warn" if is_high else "info",
        f"{what} in {minutes} min",
        f"At {clock(at)} New York. {'; '.join(lines)}.",
        None,
        "/calendar",
    )


def _source(facts: Facts, source: Payload, edge: str, lasted: float) -> Notice:
    label = tame(source.get("label") or source.get("name"), 40)
    key = f"source:{source.get('name')}:{edge}:{int(facts.wall)}"
    if edge == "back":
        text = f"It was away for {_span(lasted)}."
        return Notice(
            (key,), facts.now, "source", "info", f"{label} is back", text, None, "/status"
        )
    refused = source.get("state") == "auth_failed"
    why = tame(source.get("last_error") or source.get("detail") or "no reason was given")
    text = f"{why.rstrip('.')}."
    if refused:
        text += " No further try until somebody acts."
    severity: Severity = "urgent" if source.get("required") or refused else "warn"
    title = f"{label} was refused" if refused else f"{label} is down"
    return Notice((key,), facts.now, "source", severity, title, text, None, "/status")


def _routed(facts: Facts, lamp: Payload, severity: Severity, title: str) -> Notice:
    needs = lamp.get("needs") or 0
    text = "Alerts wait on the page Alerts." if needs else "See the page Alerts."
    key = f"router:{severity}:{needs}:{int(facts.wall)}"
    return Notice((key,), facts.now, "router", severity, title, text, None, "/alerts")


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def is_quiet(now: float, start: str, end: str) -> bool:
    """Is market time now between two New York times? start may be later than end.

    >>> from datetime import datetime, timezone
    >>> late = datetime(2026, 12, 17, 3, 30, tzinfo=timezone.utc).timestamp()  # 22:30
    >>> is_quiet(late, "20:00", "07:00"), is_quiet(late, "07:00", "20:00")
    (True, False)
    """
    here = f"{sessions.new_york(now):%H:%M}"
    return start <= here < end if start <= end else here >= start or here < end
