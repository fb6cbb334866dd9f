"""Documents that are not settings.json of today: the old flat forms, and what only looks alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from grok_sauce.errors import SettingsError
from grok_sauce.settings.document import GROUPS, SCHEMA
from grok_sauce.settings.readers import CONTRACT, shown, shown_key

FOREX: Final = "enable_forex_factory"


def migrate(document: Any) -> tuple[Any, list[str]]:
    """A document of today's form, and a notice for everything that was taken over differently.

    Two old forms are known: {SYMBOL: {"sentiment": group}} and {"indicators": {SYMBOL:
    {"sentiment": group}}, "enable_forex_factory": bool}. Today's form comes back as it is.

    Raises:
        SettingsError: an old form with a sentiment that is no group, or the alert
            server's config.json, which holds routes and no settings.
    """
    if not isinstance(document, Mapping) or "schema" in document:
        return document, []
    if isinstance(document.get("strategies"), Mapping):
        count = len(document["strategies"])
        raise SettingsError(
            f"this is the alert server's config.json ({count} strategies with their ports), not "
            f"settings; import it on the page Strategies, settings are unchanged",
            "strategies",
        )
    indicators = document.get("indicators")
    if isinstance(indicators, Mapping) and not set(indicators) & set(GROUPS):
        symbols, prefix = indicators, "indicators."
        others = [key for key in document if key not in ("indicators", FOREX)]
    else:
        symbols = {key: value for key, value in document.items() if _is_old_entry(value)}
        prefix = ""
        others = [key for key in document if key not in symbols and key != FOREX]
        if not symbols and FOREX not in document:
            return document, []
    if others:
        where = shown_key(others[0])
        raise SettingsError(f"{where} is not a setting of the old form; take it out", where)
    return _from_old(symbols, prefix, document)


def _is_old_entry(value: Any) -> bool:
    return isinstance(value, Mapping) and "sentiment" in value


def _from_old(
    symbols: Mapping[Any, Any], prefix: str, document: Mapping[Any, Any]
) -> tuple[dict[str, Any], list[str]]:
    lists: dict[str, list[Any]] = {group: [] for group in GROUPS}
    notices = [f"settings of the old form taken over: {len(symbols)} symbols"]
    for typed, entry in symbols.items():
        name, path = typed, f"{prefix}{shown_key(typed)}"
        group = entry.get("sentiment") if isinstance(entry, Mapping) else entry
        if not isinstance(group, str) or group not in GROUPS:
            raise SettingsError(
                f"{path}: sentiment must be one of {', '.join(GROUPS)}, not {shown(group)}", path
            )
        contract = CONTRACT.fullmatch(name.strip().upper()) if isinstance(name, str) else None
        if contract:
            notices.append(f"{contract[0]} is one contract; taken over as {contract[1]}")
            name = contract[1]
        lists[group].append(name)
    migrated: dict[str, Any] = {"schema": SCHEMA}
    if symbols:
        migrated["indicators"] = lists
    if FOREX in document:
        migrated["sources"] = {"forex_factory": {"enabled": document[FOREX]}}
    return migrated, notices
