"""The routing tree: what a document says, and which targets an alert's ticker leads to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Literal, Protocol

from grok_sauce.alerts.model import Destination, Mode, ReleaseOptions
from grok_sauce.alerts.routing_document import (
    DEFAULTS,
    MODES,
    OPTIONS,
    OWN,
    RESUME_AT,
    STRATEGY_OPTIONS,
    TARGET_OPTIONS,
    TARGET_PATH,
    Document,
    check,
    entries,
    known,
    ports_of,
    secret_notes,
)
from grok_sauce.alerts.targets import MAX_TARGETS, Target
from grok_sauce.errors import SettingsError
from grok_sauce.values import dataclass

Policy = Literal["hold", "resend"]


@dataclass(frozen=True, slots=True)
class Route:
    """Where alerts of one ticker go and how: joined over all strategies that list it.

    group is what it is ordered with: the group's name, else the ticker. no_open_between are
    spans "09:30-09:35" New York; no_open_news_min 0 asks for no guard. modes gives each
    strategy's own mode.
    """

    ticker: str
    strategies: tuple[str, ...]
    options: ReleaseOptions
    destinations: tuple[Destination, ...]
    gap_policy: Literal["warn", "block_open"]
    group: str
    no_open_between: tuple[str, ...]
    no_open_news_min: int
    modes: Mapping[str, Mode]


class Routes(Protocol):
    """Whoever knows the way of a ticker."""

    def lookup(self, ticker: str) -> Route | None:
        """The route, None when no target matches the ticker."""


@dataclass(frozen=True, slots=True)
class TargetView:
    """A port as a strategy's ticker lists it, with the target's own options."""

    id: str
    host: str
    port: int
    name: str
    idempotent: bool
    include_meta: bool


@dataclass(frozen=True, slots=True)
class TickerView:
    """A ticker of a strategy: its own options, and what counts for it."""

    name: str
    options: Mapping[str, Any]
    effective: Mapping[str, Any]
    targets: tuple[TargetView, ...]


@dataclass(frozen=True, slots=True)
class StrategyView:
    """A strategy as the page shows it. mode is what counts: "off" when nobody said anything."""

    name: str
    mode: Mode
    daily_pause: bool  # does the page offer to pause it for the day
    resume_at: str  # HH:MM New York
    heartbeat_min: int | None
    tickers: tuple[TickerView, ...]


class RoutingTree:
    """A checked document. Unknown keys are left alone at every level.

    Raises:
        SettingsError: with the path of what is wrong.
    """

    def __init__(self, document: Any, path: str = TARGET_PATH) -> None:
        check(document)
        self.document: Document = document
        self._path = path
        self._routing: Mapping[str, Any] = document.get("routing") or {}
        self._targets: Mapping[str, Any] = self._routing.get("targets") or {}
        self.notes = tuple(secret_notes(document))  # sentences for a banner; the tree works
        if self._routing.get("mode") is not None:
            self.notes += ("routing.mode has no effect: every strategy has its own switch.",)
        self._routes: dict[str, Route] = {}
        listed: dict[str, list[str]] = {}
        for strategy, ticker, _ in entries(document):
            listed.setdefault(ticker, []).append(strategy)
        for ticker, names in listed.items():
            route = self._join(ticker, tuple(names))
            if route.destinations:
                self._routes[ticker] = route
        if len(self.targets()) > MAX_TARGETS:
            raise SettingsError(
                f"strategies has {len(self.targets())} targets, at most {MAX_TARGETS} are served",
                "strategies",
            )

    def lookup(self, ticker: str) -> Route | None:
        """The route of a ticker, letter for letter; None when no target matches it."""
        return self._routes.get(ticker)

    def routes(self) -> list[Route]:
        """Every route, in file order."""
        return list(self._routes.values())

    def targets(self) -> dict[str, Target]:
        """Every target by its id, in file order."""
        return {
            target.id: target
            for _, _, entry in entries(self.document)
            for target in ports_of(entry)
        }

    def strategies(self) -> list[StrategyView]:
        """The whole tree for a page, in file order."""
        found = []
        for name, strategy in self.document["strategies"].items():
            tickers = []
            for ticker, entry in (strategy.get("tickers") or {}).items():
                own = known(entry, OPTIONS)
                targets = tuple(self._target_view(entry, target) for target in ports_of(entry))
                tickers.append(TickerView(ticker, own, self.effective(name, ticker), targets))
            own = known(strategy, STRATEGY_OPTIONS)
            said = {**known(self._routing, STRATEGY_OPTIONS), **own}
            found.append(
                StrategyView(
                    name,
                    own.get("mode", "off"),
                    said.get("daily_pause", False),
                    said.get("resume_at", RESUME_AT),
                    said.get("heartbeat_min"),
                    tuple(tickers),
                )
            )
        return found

    def _entry(self, strategy: str, ticker: str) -> Mapping[str, Any]:
        tickers: Mapping[str, Any] = self.document["strategies"][strategy].get("tickers") or {}
        found: Mapping[str, Any] = tickers[ticker]
        return found

    def _mode(self, strategy: str, ticker: str) -> Mode:
        """The lower of what strategy and ticker say; a strategy that says nothing is off."""
        of_strategy: Mode = self.document["strategies"][strategy].get("mode") or "off"
        of_ticker: Mode = self._entry(strategy, ticker).get("mode") or of_strategy
        return min(of_strategy, of_ticker, key=MODES.index)

    def effective(self, strategy: str, ticker: str) -> dict[str, Any]:
        """What counts for a ticker of a strategy, every option.

        Options that the ticker's strategies share are joined, the others are its own.
        """
        route = self.lookup(ticker)
        names = route.strategies if route is not None else (strategy,)
        joined = {**DEFAULTS, **known(self._routing, OPTIONS), **self._shared(ticker, names)}
        own = known(self._entry(strategy, ticker), OPTIONS)
        joined.update({key: value for key, value in own.items() if key in OWN})
        joined["mode"] = self._mode(strategy, ticker)
        policy, policy_close = _policies(joined, bool(joined["idempotent"]))
        return {**joined, "ambiguous_policy": policy, "ambiguous_policy_close": policy_close}

    def _shared(self, ticker: str, names: tuple[str, ...]) -> dict[str, Any]:
        """Options of a ticker: of several strategies the first in the file that sets one."""
        found: dict[str, Any] = {}
        for name in names:
            for key, value in known(self._entry(name, ticker), OPTIONS).items():
                if key not in OWN:
                    found.setdefault(key, value)
        return found

    def _join(self, ticker: str, names: tuple[str, ...]) -> Route:
        shared = self._shared(ticker, names)
        self.notes += tuple(self._disagreements(ticker, names, shared))
        options = {**DEFAULTS, **known(self._routing, OPTIONS), **shared}
        release = {item.name: options[item.name] for item in fields(ReleaseOptions)}
        listing: dict[str, list[str]] = {}
        targets: dict[str, Target] = {}
        for name in names:
            for target in ports_of(self._entry(name, ticker)):
                targets[target.id] = target
                listing.setdefault(target.id, []).append(name)
        return Route(
            ticker=ticker,
            strategies=names,
            options=ReleaseOptions(**release),
            destinations=tuple(
                self._destination(target, ticker, tuple(listing[target.id]))
                for target in targets.values()
            ),
            gap_policy=options["gap_policy"],
            group=options["group"] or ticker,
            no_open_between=options["no_open_between"],
            no_open_news_min=options["no_open_news_min"],
            modes={name: self._mode(name, ticker) for name in names},
        )

    def _destination(self, target: Target, ticker: str, names: tuple[str, ...]) -> Destination:
        """A target, live if any strategy that lists it is, else dry, else off."""
        mode = max((self._mode(name, ticker) for name in names), key=MODES.index)
        own: dict[str, Any] = {}
        said_by: dict[str, str] = {}
        for name in names:
            for key, value in known(self._entry(name, ticker), OPTIONS).items():
                first, setter = own.setdefault(key, value), said_by.setdefault(key, name)
                if key in OWN and key != "mode" and value != first:
                    self.notes += (
                        f"{ticker} to {target.id}: {key} is {first} in {setter} and {value} "
                        f"in {name}; {first} counts.",
                    )
        said = {**known(self._routing, OPTIONS), **own}
        about = known(self._targets.get(target.id) or {}, TARGET_OPTIONS)
        idempotent = bool(about.get("idempotent", said.get("idempotent", False)))
        policy, policy_close = _policies(said, idempotent)
        return Destination(
            id=target.id,
            host=target.host,
            port=target.port,
            path=self._path,
            name=about.get("name", ""),
            strategies=names,
            mode=mode,
            idempotent=idempotent,
            ambiguous_policy=policy,
            ambiguous_policy_close=policy_close,
            include_meta=about.get("include_meta", False),
            skip="strategy_off" if mode == "off" else None,
        )

    def _target_view(self, entry: Mapping[str, Any], target: Target) -> TargetView:
        said = {**known(self._routing, OPTIONS), **known(entry, OPTIONS)}
        about = known(self._targets.get(target.id) or {}, TARGET_OPTIONS)
        return TargetView(
            target.id,
            target.host,
            target.port,
            about.get("name", ""),
            about.get("idempotent", said.get("idempotent", False)),
            about.get("include_meta", False),
        )

    def _disagreements(
        self, ticker: str, names: tuple[str, ...], counts: Mapping[str, Any]
    ) -> Iterator[str]:
        for name in names:
            for key, value in known(self._entry(name, ticker), OPTIONS).items():
                if key not in OWN and value != counts[key]:
                    first = next(
                        other
                        for other in names
                        if key in known(self._entry(other, ticker), OPTIONS)
                    )
                    yield (
                        f"{ticker}: {key} is {counts[key]} in {first} and {value} in {name}; "
                        f"{counts[key]} counts."
                    )
            entry = self._entry(name, ticker)
            if entry.get("mode") in ("live", "dry") and self._mode(name, ticker) == "off":
                yield f"{ticker}: its mode is {entry['mode']}, but {name} is off; nothing is sent."


def _policies(said: Mapping[str, Any], idempotent: bool) -> tuple[Policy, Policy]:
    """What happens when an outcome is not known: of an open, and of a close."""
    policy: Policy = said.get("ambiguous_policy") or ("resend" if idempotent else "hold")
    policy_close: Policy = said.get("ambiguous_policy_close") or policy
    return policy, policy_close
