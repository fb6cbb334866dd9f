"""What a page may ask: named questions with a time limit, answered by the machine."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Mapping
from typing import Any

from grok_sauce.errors import GrokSauceError
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

Answerer = Callable[..., Any]
Spawn = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No answer, and why: shown to the user in these words."""

    reason: str


class Questions:
    """A table of answerers. ask() waits at most `timeout` seconds (real time).

    spawn(fn) starts fn on another thread of the running mode and returns at once.
    """

    def __init__(self, spawn: Spawn) -> None:
        self._spawn = spawn
        self._answerers: dict[str, Answerer] = {}

    def register(self, name: str, answerer: Answerer) -> None:
        """Answer a question; a name can be taken once."""
        if name in self._answerers:
            raise ValueError(f"question {name!r} is registered already")
        self._answerers[name] = answerer

    def names(self) -> tuple[str, ...]:
        """All questions that are answered, in order of registration."""
        return tuple(self._answerers)

    def ask(self, name: str, params: Mapping[str, Any] | None = None, timeout: float = 5.0) -> Any:
        """The answer, or Unavailable(reason) when nobody answers in time or the answerer failed.

        Errors raised on purpose (SettingsError and the like) become Unavailable with
        their message; anything else is a bug: logged with its traceback, answered generically.
        """
        answerer = self._answerers.get(name)
        if answerer is None:
            return Unavailable(f"nobody answers {name!r} in this process")
        answers: queue.Queue[Any] = queue.Queue(maxsize=1)

        def work() -> None:
            try:
                answers.put(answerer(**dict(params or {})))
            except GrokSauceError as problem:
                answers.put(Unavailable(str(problem)))
            except Exception:
                log.exception("question %s failed", name)
                answers.put(Unavailable("the answer failed; the log has the details"))

        self._spawn(work)
        try:
            return answers.get(timeout=timeout)
        except queue.Empty:
            return Unavailable(f"no answer within {timeout:g} s")
