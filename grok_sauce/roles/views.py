"""Which views browsers of web roles follow: told by each, forgotten when it falls silent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from grok_sauce.controls import Controls
from grok_sauce.errors import BadPayload, SettingsError, SourceError
from grok_sauce.runtime.clock import Clock

log = logging.getLogger(__name__)

WATCH: Final = "view.watch"
UNWATCH: Final = "view.unwatch"
VIEW_CONTROLS: Final = frozenset({WATCH, UNWATCH})
HELD: Final = "view.held"  # all that one web role follows
EVERY: Final = 10.0  # seconds between two tellings of it
EXPIRES: Final = 30.0  # seconds after which a silent web role follows nothing
PATIENCE: Final = 3.0  # seconds a browser waits to be told that a view cannot be followed

Place = tuple[str, str, str]  # page, symbol, view
Ask = Callable[[str, str, Mapping[str, Any], float], Any]


class Held:
    """Worker "views" of a web role: what its own browsers follow, told to the feed.

    ask is Asking.ask; token() changes with the feed's owner, who then has to be told at once;
    up() says whether anybody is there to be told.
    """

    name = "views"

    def __init__(self, ask: Ask, token: Callable[[], int], up: Callable[[], bool]) -> None:
        self._ask = ask
        self._token = token
        self._up = up
        self._lock = threading.Lock()
        self._places: dict[Place, None] = {}

    def do(self, name: str, params: Mapping[str, Any]) -> None:
        """A view is followed, or no more. A feed that is away is told when it is back.

        Raises:
            SettingsError: the feed follows as many as it can.
        """
        place = (str(params["page"]), str(params["symbol"]), str(params["view"]))
        with self._lock:
            if name == WATCH:
                self._places[place] = None
            else:
                self._places.pop(place, None)
        try:
            if self._up():
                self._ask("do", name, params, PATIENCE)
        except SourceError as problem:
            log.debug("%s: %s", name, problem)
        except SettingsError:
            with self._lock:
                self._places.pop(place, None)
            raise

    def run(self, stop: threading.Event) -> None:
        """Tell all of it every ten seconds, and at once to a new owner, until stop is set."""
        told, waited = 0, EVERY
        while not stop.is_set():
            token = self._token()
            if self._up() and (waited >= EVERY or token != told):
                self._tell()
                told, waited = token, 0.0
            stop.wait(1.0)
            waited += 1.0

    def _tell(self) -> None:
        with self._lock:
            places = [list(place) for place in self._places]
        try:
            self._ask("views", HELD, {"places": places}, PATIENCE)
        except SourceError as problem:
            log.debug("views were not told: %s", problem)


class Ledger:
    """Worker "web roles" of the feed: who follows which view, until when (monotonic seconds).

    The first to follow a view has it watched, the last one's leaving or falling silent ends it.
    """

    name = "web roles"

    def __init__(self, controls: Controls, clock: Clock) -> None:
        self._controls = controls
        self._clock = clock
        self._lock = threading.Lock()
        self._roles: dict[str, tuple[float, set[Place]]] = {}

    def take(self, role: str, name: str, params: Mapping[str, Any]) -> Any:
        """What a web role says of views.

        Raises:
            SettingsError: the view cannot be followed.
            BadPayload: that is no view.
        """
        with self._lock:
            until = self._clock.monotonic() + EXPIRES
            places = set(self._roles.get(role, (0.0, set()))[1])
            if name == HELD:
                return self._held(role, until, places, params)
            place = _place([params.get(part) for part in ("page", "symbol", "view")])
            if name == WATCH:
                self._watch(place)
                places.add(place)
            else:
                places.discard(place)
            self._roles[role] = (until, places)
            if name == UNWATCH:
                self._let_go({place})
            return None

    def run(self, stop: threading.Event) -> None:
        """Forget web roles that fell silent, until stop is set."""
        while not stop.is_set():
            self.sweep()
            stop.wait(1.0)

    def sweep(self) -> None:
        """Forget who was not heard for EXPIRES seconds."""
        with self._lock:
            now = self._clock.monotonic()
            for role in [role for role, (until, _) in self._roles.items() if until <= now]:
                _, places = self._roles.pop(role)
                self._let_go(places)

    def roles(self) -> int:
        """Web roles heard lately."""
        return len(self._roles)

    def _held(self, role: str, until: float, before: set[Place], params: Mapping[str, Any]) -> None:
        told = params.get("places")
        if not isinstance(told, list):
            raise BadPayload("a web role did not say which views it follows")
        now = {_place(each) for each in told}
        for place in now - before:
            try:
                self._watch(place)
            except SettingsError as problem:
                log.warning("a view of a web role is not followed: %s", problem)
        self._roles[role] = (until, now)
        self._let_go(before - now)

    def _watch(self, place: Place) -> None:
        page, symbol, view = place
        self._controls.do(WATCH, page=page, symbol=symbol, view=view)

    def _let_go(self, places: set[Place]) -> None:
        still = set().union(*(held for _, held in self._roles.values()))
        for page, symbol, view in places - still:
            self._controls.do(UNWATCH, page=page, symbol=symbol, view=view)


def _place(parts: Any) -> Place:
    if not isinstance(parts, list) or len(parts) != 3:
        raise BadPayload("a web role named a view that is none")
    if not all(isinstance(part, str) for part in parts):
        raise BadPayload("a web role named a view that is none")
    page, symbol, view = parts
    return page, symbol, view
