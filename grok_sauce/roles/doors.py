"""Controls and questions between a web role and the feed: asked here, answered there."""

from __future__ import annotations

import logging
import queue
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from grok_sauce.controls import Controls, UnknownControl
from grok_sauce.errors import (
    BadPayload,
    GrokSauceError,
    SettingsError,
    SourceError,
    SourceRefused,
)
from grok_sauce.questions import Questions, Unavailable
from grok_sauce.roles.views import VIEW_CONTROLS, Held
from grok_sauce.roles.wire import RoleSettings, decoded, encoded
from grok_sauce.runtime.clock import Clock
from grok_sauce.settings import SettingsConflict

log = logging.getLogger(__name__)

ACTING: Final = 20.0  # seconds a control may take
JOURNEY: Final = 0.5  # seconds an answer may be under way beside the time it takes
AT_ONCE: Final = 64  # requests that are answered side by side
LOOK: Final = 0.5  # seconds between two looks whether to stop
_LONGEST: Final = 60.0  # seconds; nobody waits longer
# An error keeps its kind on the way back, so that a page answers as in one process.
_ERRORS: Final[Mapping[str, type[GrokSauceError]]] = {
    "conflict": SettingsConflict,
    "settings": SettingsError,
    "refused": SourceRefused,
    "source": SourceError,
    "unknown": UnknownControl,
}


class Message(Protocol):
    @property
    def body(self) -> bytes: ...


class Ear(Protocol):
    def read(self, seconds: float) -> Message | None: ...
    def close(self) -> None: ...


class Link(Protocol):
    """A Redis server."""

    def do(self, *command: str | bytes | int | float) -> Any: ...
    def hear(self, channels: Sequence[str]) -> Ear: ...


def error_of(problem: GrokSauceError) -> dict[str, Any]:
    """An error as it travels: {kind, message, field}."""
    kind = next((name for name, cls in _ERRORS.items() if isinstance(problem, cls)), "failed")
    return {"kind": kind, "message": str(problem), "field": getattr(problem, "field", None)}


def raised(error: Any) -> GrokSauceError:
    """The same error where it was asked."""
    if not isinstance(error, dict):
        return SourceError("the feed answered with something that is no answer")
    text, field = str(error.get("message")), error.get("field")
    cls = _ERRORS.get(str(error.get("kind")), GrokSauceError)
    if issubclass(cls, SettingsError):
        return cls(text, field if isinstance(field, str) else None)
    return cls(text)


# ---- the web role's side ----------------------------------------------------------------


class Asking:
    """Worker "answers" of a web role: ask() sends a request and waits; run() hears answers.

    reason() says why nobody would answer now, None while somebody does. token() is the newest
    fencing token known: an answer of an owner before that is not believed.
    """

    name = "answers"
    tells_outages = True  # the updates say it already
    longest_pause = 1.0  # seconds; Redis is near

    def __init__(
        self,
        link: Link,
        names: RoleSettings,
        role: str,
        reason: Callable[[], str | None],
        token: Callable[[], int],
    ) -> None:
        self._link = link
        self._names = names
        self.role = role
        self._reason = reason
        self._token = token
        self._lock = threading.Lock()
        self._waiting: dict[str, queue.Queue[Any]] = {}
        self._hears = False

    def run(self, stop: threading.Event) -> None:
        """Hear answers until stop is set.

        Raises:
            SourceError: Redis is not reached.
        """
        ear = self._link.hear([self._names.answers(self.role)])
        try:
            self._hears = True
            while not stop.is_set():
                heard = ear.read(LOOK)
                if heard is not None:
                    self._answered(heard.body)
        finally:
            self._hears = False
            ear.close()

    def ask(self, kind: str, name: str, params: Mapping[str, Any], timeout: float) -> Any:
        """What the feed answers to a request of this kind ("do", "ask").

        Raises:
            SourceError: nobody is there, or no answer came in time.
            GrokSauceError: the feed raised it.
        """
        reason = self._reason()
        if reason is not None or not self._hears:
            raise SourceError(reason or "The way to the feed is not open yet; try again")
        timeout = min(timeout, _LONGEST)
        number = secrets.token_hex(8)
        answers: queue.Queue[Any] = queue.Queue(maxsize=1)
        body = encoded(
            {
                **{"id": number, "role": self.role, "token": self._token()},
                **{"kind": kind, "name": name, "params": dict(params), "timeout": timeout},
            }
        )
        with self._lock:
            self._waiting[number] = answers
        try:
            if not self._link.do("PUBLISH", self._names.requests, body):
                raise SourceError("The feed is not there to answer")
            found = answers.get(timeout=timeout + JOURNEY)
        except queue.Empty:
            raise SourceError(f"The feed gave no answer within {timeout:g} s") from None
        finally:
            with self._lock:
                self._waiting.pop(number, None)
        if "error" in found:
            raise raised(found["error"])
        return found["value"]

    def _answered(self, body: bytes) -> None:
        try:
            found = decoded(body)
        except BadPayload as problem:
            log.warning("%s", problem)
            return
        if not isinstance(found, dict) or not ({"value", "error"} & found.keys()):
            log.warning("an answer of the feed is no answer")
            return
        token = found.get("token")
        if type(token) is not int or token < self._token():
            return  # of an owner that is one no more
        with self._lock:
            answers = self._waiting.pop(str(found.get("id")), None)
        if answers is not None:
            answers.put(found)


class FarControls(Controls):
    """Controls that act in the feed's process. views counts what is followed here.

    done(name, answer) is called after each that was carried out.
    """

    def __init__(
        self, asking: Asking, views: Held, done: Callable[[str, Any], None] = lambda *_: None
    ) -> None:
        super().__init__()
        self._asking = asking
        self._views = views
        self._done = done

    def do(self, name: str, /, **params: Any) -> Any:
        """As in one process; raises what the feed raises, SourceError when it is away."""
        if name in VIEW_CONTROLS:
            return self._views.do(name, params)
        found = self._asking.ask("do", name, params, ACTING)
        self._done(name, found)
        return found


class FarQuestions(Questions):
    """Questions that are answered in the feed's process."""

    def __init__(self, asking: Asking, spawn: Callable[..., Any]) -> None:
        super().__init__(spawn)
        self._asking = asking

    def ask(self, name: str, params: Mapping[str, Any] | None = None, timeout: float = 5.0) -> Any:
        """As in one process; Unavailable(reason) too when the feed is away."""
        try:
            return self._asking.ask("ask", name, params or {}, timeout)
        except GrokSauceError as problem:
            return Unavailable(str(problem))


# ---- the feed's side --------------------------------------------------------------------


class Answering:
    """Worker "requests" of the feed: does and asks for web roles what is registered here.

    token() is this owner's fencing token, None while it owns nothing: requests are not heard
    then. told(role, views) is handed what a web role follows. Each request runs beside the
    others, as each browser's does in one process.
    """

    name = "requests"
    tells_outages = True  # the updates say it already
    longest_pause = 1.0  # seconds; Redis is near

    def __init__(
        self,
        link: Link,
        names: RoleSettings,
        controls: Controls,
        questions: Questions,
        token: Callable[[], int | None],
        views: Callable[[str, str, Mapping[str, Any]], Any],
        spawn: Callable[..., Any],
        clock: Clock,
    ) -> None:
        self._link = link
        self._names = names
        self._controls = controls
        self._questions = questions
        self._token = token
        self._views = views
        self._spawn = spawn
        self._clock = clock
        self._room = threading.Semaphore(AT_ONCE)
        self.answered = 0

    def run(self, stop: threading.Event) -> None:
        """Answer until stop is set.

        Raises:
            SourceError: Redis is not reached.
        """
        ear = self._link.hear([self._names.requests])
        try:
            while not stop.is_set():
                heard = ear.read(LOOK)
                if heard is not None:
                    self._take(heard.body)
        finally:
            ear.close()

    def _take(self, body: bytes) -> None:
        token = self._token()
        if token is None:
            return
        try:
            asked = decoded(body)
        except BadPayload as problem:
            log.warning("%s", problem)
            return
        if not _is_request(asked):
            log.warning("a request of a web role is none")
            return
        if asked["token"] > token:
            return  # meant for an owner after this one
        if not self._room.acquire(blocking=False):
            busy = {"kind": "source", "message": "The feed is busy; try again", "field": None}
            self._tell(asked, token, {"error": busy})
            return
        self._spawn(self._answer, asked, token)

    def _answer(self, asked: dict[str, Any], token: int) -> None:
        try:
            try:
                found = {"value": self._found(asked)}
            except GrokSauceError as problem:
                found = {"error": error_of(problem)}
            except Exception:
                log.exception("%s %s of a web role failed", asked["kind"], asked["name"])
                text = "it failed in the feed's process; its log has the details"
                found = {"error": {"kind": "failed", "message": text, "field": None}}
            self._tell(asked, token, found)
        finally:
            self._room.release()

    def _found(self, asked: dict[str, Any]) -> Any:
        name, params = asked["name"], asked["params"]
        if asked["kind"] == "ask":
            found = self._questions.ask(name, params, asked["timeout"])
            if isinstance(found, Unavailable):
                raise SourceError(found.reason)
            return found
        if asked["kind"] == "views" or name in VIEW_CONTROLS:
            return self._views(asked["role"], name, params)
        return self._controls.do(name, **params)

    def _tell(self, asked: dict[str, Any], token: int, found: dict[str, Any]) -> None:
        about = {"id": asked["id"], "token": token}
        try:
            body = encoded({**about, **found})
        except TypeError:
            log.exception("the answer to %s cannot be told", asked["name"])
            error = {"kind": "failed", "message": "the answer cannot be told", "field": None}
            body = encoded({**about, "error": error})
        try:
            self._link.do("PUBLISH", self._names.answers(asked["role"]), body)
            self.answered += 1
        except SourceError as problem:
            log.warning("an answer is lost: %s", problem)  # who asked has given up, or will


def _is_request(asked: Any) -> bool:
    """Has a request the shape of one?"""
    if not isinstance(asked, dict):
        return False
    texts = all(isinstance(asked.get(name), str) for name in ("id", "role", "kind", "name"))
    seconds = asked.get("timeout")
    return (
        texts
        and isinstance(asked.get("params"), dict)
        and type(asked.get("token")) is int
        and isinstance(seconds, (int, float))
        and 0 < seconds <= _LONGEST
    )
