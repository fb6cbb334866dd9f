"""The planner: who wants which events, what fits in the feed's limits, and what to change."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Final, NamedTuple

from grok_sauce.market.batches import FIELDS
from grok_sauce.market.instruments import CandleSymbol
from grok_sauce.values import dataclass

# Priorities, most important first. Candles of a BACKFILL owner use the back-fill places.
TABLE: Final = 1
VIEW: Final = 2
PRESET: Final = 3
NEAREST: Final = 4  # open interest for max pain, after the presets
BACKFILL: Final = 5
PRINTS: Final = 6  # of options, with what room is left

CANDLE: Final = "Candle"
LONGEST_SYMBOL: Final = 100
CHANGES_PER_MINUTE: Final = 10_000
Key = tuple[str, str]  # (kind, canonical symbol): what the server tells entries apart by


class Subscription(NamedTuple):
    """One entry: a kind of FIELDS and a streamer symbol.

    from_time (Unix ms) is for Candle: history from there; None asks for the live bar only.
    """

    kind: str
    symbol: str
    from_time: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one session may hold; dxlink.md section 8. An entry is a symbol of one kind."""

    entries: int = 25_000
    candles: int = 80
    backfill: int = 20
    changes_per_minute: int = CHANGES_PER_MINUTE


@dataclass(frozen=True, slots=True)
class Shortfall:
    """An owner that did not get all: `given` of `asked` entries, and which limit stopped it.

    given == 0 means refused. A symbol is served whole or not at all, in the order the owner
    gave them: what it got is the first part of its wishes (of its candles and of the rest).
    """

    owner: str
    asked: int
    given: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to hold, most important first, and who came short."""

    entries: Mapping[Key, Subscription]
    shortfalls: tuple[Shortfall, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """The way from what the server holds to a plan; each in order of sending."""

    remove: tuple[Subscription, ...]
    add: tuple[Subscription, ...]


@dataclass(slots=True)
class _Want:
    priority: int
    order: int
    # symbol -> its entries: a contract without one of its kinds is of no use
    groups: dict[str, tuple[tuple[Key, Subscription], ...]]
    asked: int
    has_candles: bool


@dataclass(slots=True)
class _Room:
    """Places left while a plan is made."""

    entries: int
    candles: int
    backfill: int
    taken: dict[Key, Subscription] = field(default_factory=dict)

    def take(self, group: Iterable[tuple[Key, Subscription]], backfill: bool) -> None:
        for key, entry in group:
            held = self.taken.get(key)
            if held is None:
                self.taken[key] = entry
                self.entries -= 1
                if key[0] == CANDLE and backfill:
                    self.backfill -= 1
                elif key[0] == CANDLE:
                    self.candles -= 1
            else:
                self.taken[key] = _earlier(held, entry)


def canonical(subscription: Subscription) -> tuple[Key, Subscription]:
    """The entry as the server will spell it, and its key.

    Raises:
        ValueError: a kind the feed does not have, or an empty symbol.
        BadPayload: not a candle symbol.
    """
    kind, symbol, from_time = subscription
    if kind not in FIELDS:
        raise ValueError(f"no events of kind {kind!r}; there are {', '.join(FIELDS)}")
    if not 0 < len(symbol) <= LONGEST_SYMBOL:
        raise ValueError(f"a {kind} subscription has no symbol, or one of {len(symbol)} letters")
    if kind == CANDLE:
        symbol = str(CandleSymbol.parse(symbol))
        subscription = Subscription(kind, symbol, from_time)
    return (kind, symbol), subscription


def _earlier(one: Subscription, other: Subscription) -> Subscription:
    """Of two wishes for one candle stream the one that reaches further back."""
    if other.from_time is None or (one.from_time is not None and one.from_time <= other.from_time):
        return one
    return other


class Planner:
    """Owners and their wishes; plan() fits them into the limits. Not thread-safe.

    Owners are served by priority, then in the order they first came. An entry that a more
    important owner has already counts for nothing.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._wants: dict[str, _Want] = {}
        self._arrivals = 0

    def want(self, owner: str, subscriptions: Iterable[Subscription], priority: int) -> None:
        """Replace what an owner wants. It keeps its place among those of its priority.

        Raises:
            ValueError, BadPayload: as canonical(); the owner's old wishes then stay.
        """
        groups: dict[str, dict[Key, Subscription]] = {}
        for subscription in subscriptions:
            key, entry = canonical(subscription)
            group = groups.setdefault(entry.symbol, {})
            group[key] = _earlier(group[key], entry) if key in group else entry
        before = self._wants.get(owner)
        if before is None:
            self._arrivals += 1
        self._wants[owner] = _Want(
            priority,
            self._arrivals if before is None else before.order,
            {symbol: tuple(group.items()) for symbol, group in groups.items()},
            sum(map(len, groups.values())),
            any(kind == CANDLE for group in groups.values() for kind, _ in group),
        )

    def drop(self, owner: str) -> None:
        """The owner wants nothing any more; unknown owners are ignored."""
        self._wants.pop(owner, None)

    def owners(self) -> tuple[str, ...]:
        """Everybody with a wish."""
        return tuple(self._wants)

    def plan(self) -> Plan:
        """What fits, most important first."""
        limits = self.limits
        room = _Room(limits.entries, limits.candles, limits.backfill)
        shortfalls = []
        for owner, want in sorted(
            self._wants.items(), key=lambda item: (item[1].priority, item[1].order)
        ):
            given, reason = self._serve(want, room)
            if reason is not None:
                shortfalls.append(Shortfall(owner, want.asked, given, reason))
        return Plan(room.taken, tuple(shortfalls))

    @staticmethod
    def _serve(want: _Want, room: _Room) -> tuple[int, str | None]:
        """Give an owner what fits; (entries given, what was missing or None)."""
        if not want.has_candles:
            return _serve_plain(want, room)
        given = 0
        short: str | None = None
        backfill = want.priority >= BACKFILL
        for group in want.groups.values():
            new = [key for key, _ in group if key not in room.taken]
            if len(new) > room.entries:
                return given, "entries of the session"
            candles = sum(1 for kind, _ in new if kind == CANDLE)
            if candles > (room.backfill if backfill else room.candles):
                # The rest may be quotes: a full candle budget must not cost a row its price.
                short = "candle places for back-fill" if backfill else "candle places"
                continue
            room.take(group, backfill)
            given += len(group)
        return given, short


def _serve_plain(want: _Want, room: _Room) -> tuple[int, str | None]:
    """The same for an owner without candles: thousands of options each time a window moves."""
    given = 0
    taken = room.taken
    for group in want.groups.values():
        new = [pair for pair in group if pair[0] not in taken]
        if len(new) > room.entries:
            return given, "entries of the session"
        taken.update(new)
        room.entries -= len(new)
        given += len(group)
    return given, None


def changes(held: Mapping[Key, Subscription], wanted: Mapping[Key, Subscription]) -> Changes:
    """What to send so that the server holds what is wanted.

    A candle stream is asked again only when more history is wanted than before: asking
    again restarts its snapshot.
    """
    remove = tuple(entry for key, entry in held.items() if key not in wanted)
    add = tuple(
        entry
        for key, entry in wanted.items()
        if key not in held or (key[0] == CANDLE and _earlier(held[key], entry) != held[key])
    )
    return Changes(remove, add)


class ChangeBudget:
    """A rolling count of changes: at most `most` in any minute; now is a monotonic time.

    The server counts from when our messages arrive, so that a minute of ours may be less than
    one of its own; who is refused once must ask for everything again.
    """

    WINDOW: Final = 63.0

    def __init__(self, most: int = CHANGES_PER_MINUTE) -> None:
        self._most = most
        self._spent: deque[tuple[float, int]] = deque()
        self._sum = 0

    def left(self, now: float) -> int:
        """Changes that may be sent now."""
        while self._spent and now - self._spent[0][0] >= self.WINDOW:
            self._sum -= self._spent.popleft()[1]
        return self._most - self._sum

    def spend(self, now: float, count: int) -> None:
        """Note changes that were sent."""
        if count:
            self._spent.append((now, count))
            self._sum += count
