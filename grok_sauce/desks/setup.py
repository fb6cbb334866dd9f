"""What /setup can do and ask: settings, symbols, credentials; the answers behind the two doors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from grok_sauce.controls import Controls
from grok_sauce.errors import SettingsError
from grok_sauce.market.instruments import HINTS, Instrument, normalise
from grok_sauce.questions import Questions
from grok_sauce.settings import SettingsStore, write_env
from grok_sauce.storage.files import write_private

log = logging.getLogger(__name__)

SUGGESTIONS: Final = 8
PROBLEMS: Final = {
    "not_offered": "{symbol} is not offered by this source",
    "no_entitlement": "the account has no entitlement for {symbol}",
    "unknown_symbol": "the broker knows no symbol {symbol}",
}


class Records(Protocol):
    """What is needed of the broker's records: clients.tastytrade.Tastytrade."""

    def resolve(self, user_symbol: str, now: float) -> Instrument: ...
    def search(self, prefix: str) -> list[Instrument]: ...


class SetupDesk:
    """Registers and answers. last_price(symbol) reads the state for a suggestion.

    test(client_secret, refresh_token) runs the connection test; use_live() makes the
    process run on credentials just saved and answers what happens now.
    """

    def __init__(
        self,
        store: SettingsStore,
        records: Records,
        env_file: Path,
        market: Callable[[], float],
        last_price: Callable[[str], float | None],
        test: Callable[[str, str], dict[str, Any]],
        use_live: Callable[[], str],
        retry: Callable[[str], None],
    ) -> None:
        self._store = store
        self._records = records
        self._env_file = env_file
        self._market = market
        self._last_price = last_price
        self._test = test
        self._use_live = use_live
        self._retry = retry

    def register(self, controls: Controls, questions: Questions) -> None:
        """Offer all of it."""
        controls.register("settings.save", self.save)
        controls.register("settings.import", self.take_in)
        controls.register("credentials.save", self.save_credentials)
        controls.register("source.retry", self.retry)
        questions.register("settings.read", self._store.read)
        questions.register("symbols.search", self.search)
        questions.register("symbols.check", self.check)
        questions.register("credentials.test", self._test)

    def save(self, settings: Any, revision: Any) -> dict[str, Any]:
        """Check, write and apply; raises as SettingsStore.save."""
        return self._store.save(self._normalised(settings), revision)

    def take_in(self, document: Any, dry_run: bool) -> dict[str, Any]:
        """Import, or only say what an import would change."""
        return self._store.import_document(document, dry_run)

    def save_credentials(self, client_secret: str, refresh_token: str) -> dict[str, Any]:
        """Put both into .env, readable by the owner alone, and use them.

        Raises:
            SettingsError: the file cannot be written.
        """
        try:
            write_env(
                self._env_file,
                {"CLIENT_SECRET": client_secret, "REFRESH_TOKEN": refresh_token},
                write_private,
            )
        except OSError as problem:
            raise SettingsError(
                f"not saved: {self._env_file.name}: {problem.strerror or problem}", "client_secret"
            ) from None
        return {"saved": True, "restart": self._use_live()}

    def retry(self, name: str) -> None:
        """Try a source again now.

        Raises:
            SettingsError: there is no source of that name.
        """
        self._retry(name)

    def search(self, q: str) -> dict[str, Any]:
        """Symbols that begin with what was typed, as the broker lists them."""
        prefix = q.strip().upper()
        found = self._records.search(prefix)
        exact = [item for item in found if item.symbol == prefix]
        others = [item for item in found if item.symbol != prefix]
        return {"results": [self._suggestion(i) for i in (exact + others)[:SUGGESTIONS]]}

    def check(self, symbol: str) -> dict[str, Any]:
        """Can the table show it? {ok, symbol, name, kind, has_options, last, reason}."""
        try:
            name = normalise(symbol)
        except SettingsError as problem:
            return {"ok": False, "symbol": symbol, "reason": str(problem)} | _unknown()
        found = self._records.resolve(name, self._market())
        reason = None
        if found.problem is not None:
            reason = PROBLEMS[found.problem].format(symbol=name)
            hint = found.hint or HINTS.get(name)
            reason += f"; {hint} can stand in" if hint else ""
        return {"ok": found.problem is None, "reason": reason} | self._suggestion(found)

    def _suggestion(self, found: Instrument) -> dict[str, Any]:
        return {
            "symbol": found.symbol,
            "name": found.name,
            "kind": found.kind,
            "has_options": found.has_options,
            "last": self._last_price(found.symbol),
        }

    def _normalised(self, settings: Any) -> Any:
        """The symbols of a change in their one spelling ("brk.b" becomes "BRK/B")."""
        groups = settings.get("indicators") if isinstance(settings, Mapping) else None
        if not isinstance(groups, Mapping):
            return settings
        clean: dict[str, Any] = {}
        for group, symbols in groups.items():
            if not isinstance(symbols, list) or not all(isinstance(s, str) for s in symbols):
                return settings  # the validator names what is wrong
            clean[group] = [
                normalise(symbol, f"indicators.{group}[{at}]") for at, symbol in enumerate(symbols)
            ]
        return {**settings, "indicators": clean}


def _unknown() -> dict[str, Any]:
    return {"name": "", "kind": "unknown", "has_options": None, "last": None}
