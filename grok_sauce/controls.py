"""What a page may do: named actions, registered by the machine; the only way upstream that acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from grok_sauce.errors import GrokSauceError

Action = Callable[..., Any]


class UnknownControl(GrokSauceError):
    """Nobody answers to that name in this process."""


class Controls:
    """A table of actions. do() runs one in the caller's thread and returns its answer.

    An action validates its own input and raises SettingsError (the user's move)
    or SourceError (try again); both reach the page as a clear message.
    """

    def __init__(self) -> None:
        self._actions: dict[str, Action] = {}

    def register(self, name: str, action: Action) -> None:
        """Offer an action; a name can be taken once."""
        if name in self._actions:
            raise ValueError(f"control {name!r} is registered already")
        self._actions[name] = action

    def names(self) -> tuple[str, ...]:
        """All registered actions, in order of registration."""
        return tuple(self._actions)

    def do(self, name: str, /, **params: Any) -> Any:
        """Run an action and return what it returns.

        Raises:
            UnknownControl: nobody registered that name.
        """
        action = self._actions.get(name)
        if action is None:
            raise UnknownControl(f"no control named {name!r} in this process")
        return action(**params)
