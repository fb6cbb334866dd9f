"""The document of routing.json: its options, its names, and what is wrong with one. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from grok_sauce.alerts.model import Mode, ReleaseOptions
from grok_sauce.alerts.targets import Target, split_target
from grok_sauce.errors import SettingsError
from grok_sauce.settings.readers import Reader, choice, flag, number, shown, time_of_day, whole

Document = dict[str, Any]

TICKER: Final = re.compile(r"[A-Za-z0-9_.:!/ -]{1,64}", re.ASCII)
MAX_NAME: Final = 60
MAX_DEPTH: Final = 32
DAY_S: Final = 86_400
RESUME_AT: Final = "18:00"  # New York
TARGET_PATH: Final = "/receive"
MODES: Final[tuple[Mode, ...]] = ("off", "dry", "live")  # ascending: who counts when they differ
NO_SECRETS: Final = frozenset({"secret", "signing_secret", "token", "auth_token", "password"})

_SPAN: Final = re.compile(
    r"((?:[01]\d|2[0-3]):[0-5]\d)\s*-\s*((?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)


def label(value: Any, path: str) -> str:
    """A name somebody gives: up to 60 printable characters, may be empty."""
    if not isinstance(value, str) or len(value) > MAX_NAME or not value.isprintable():
        raise SettingsError(
            f"{path} must be at most {MAX_NAME} printable characters, not {shown(value)}", path
        )
    return value


def spans(value: Any, path: str) -> tuple[str, ...]:
    """Spans of the day: ["09:30-09:35", "23:00-01:00"], one such text, or pairs of times."""
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, list) or len(given) > 24:
        raise SettingsError(f'{path} must be a list like ["09:30-09:35"]', path)
    found = []
    for item in given:
        text = "-".join(map(str, item)) if isinstance(item, list) and len(item) == 2 else item
        match = _SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None or match[1] == match[2]:
            raise SettingsError(f"{path} must hold spans like 09:30-09:35, not {shown(item)}", path)
        found.append(f"{match[1]}-{match[2]}")
    return tuple(dict.fromkeys(found))


# What may stand beside `ports`, and in `routing` as the default of all. null counts as not there.
OPTIONS: Final[dict[str, Reader]] = {
    "delay_s": number(0, 60),
    "group": label,
    "gap_ms": whole(0, 60_000),
    "net_zero_cancel": flag,
    "reversal_qty": choice("ask", "same", "qty_minus_prev"),
    "fresh_open_s": number(1, DAY_S),
    "fresh_close_s": number(1, DAY_S),
    "mode": choice(*MODES),
    "idempotent": flag,
    "ambiguous_policy": choice("hold", "resend"),
    "ambiguous_policy_close": choice("hold", "resend"),
    "gap_policy": choice("warn", "block_open"),
    "no_open_between": spans,
    "no_open_news_min": whole(0, 1440),
}
# What may stand beside `tickers`.
STRATEGY_OPTIONS: Final[dict[str, Reader]] = {
    "mode": choice(*MODES),
    "daily_pause": flag,
    "resume_at": time_of_day,
    "heartbeat_min": whole(1, 1440),
}
TARGET_OPTIONS: Final[dict[str, Reader]] = {"name": label, "idempotent": flag, "include_meta": flag}
DEFAULTS: Final[dict[str, Any]] = {
    **{item.name: item.default for item in fields(ReleaseOptions)},
    "group": "",
    "idempotent": False,
    "gap_policy": "warn",
    "no_open_between": (),
    "no_open_news_min": 0,
}
# Read per strategy or target, so strategies that share a ticker may differ in them.
OWN: Final = frozenset({"mode", "idempotent", "ambiguous_policy", "ambiguous_policy_close"})


def quoted(path: str, name: object) -> str:
    """A path with one more name, quoted: strategies."NQ trend"."""
    return f"{path}.{json.dumps(str(name)[:80], ensure_ascii=False)}"


def empty() -> Document:
    """The document of a first start: no strategies, every default written out."""
    routing = {key: list(value) if value == () else value for key, value in DEFAULTS.items()}
    return {"strategies": {}, "routing": routing}


def entries(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(strategy, ticker, what stands there) of a document, in file order."""
    for strategy, about in document["strategies"].items():
        for ticker, entry in (about.get("tickers") or {}).items():
            yield strategy, ticker, entry


def ports_of(entry: Mapping[str, Any], path: str = "ports") -> tuple[Target, ...]:
    """The targets of a ticker's `ports`, each once."""
    found = (
        split_target(value, f"{path}[{index}]")
        for index, value in enumerate(entry.get("ports") or [])
    )
    return tuple(dict.fromkeys(found))


def check_strategy(name: object, path: str) -> str:
    """A strategy's name: 1 to 60 printable characters, not blank."""
    if isinstance(name, str) and name.strip():
        return label(name, path)
    raise SettingsError(f"{path} must be 1 to {MAX_NAME} printable characters", path)


def check_ticker(name: object, path: str) -> str:
    """A ticker as TradingView sends it: letters, digits, space and _ . : ! / -, up to 64."""
    if not isinstance(name, str) or not TICKER.fullmatch(name):
        raise SettingsError(
            f"{path} must be 1 to 64 letters, digits, spaces and _ . : ! / -, not {shown(name)}",
            path,
        )
    return name


def known(entry: Mapping[str, Any], readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The known options of an object, read; the document was checked before."""
    return {
        key: read(entry[key], key) for key, read in readers.items() if entry.get(key) is not None
    }


def check(document: Any) -> None:
    """Shape, names, ports and options of a whole document."""
    whole_tree = _object(document, "routing.json")
    _check_depth(whole_tree)
    if "strategies" not in whole_tree:
        raise SettingsError("strategies is missing; an empty tree says {}", "strategies")
    for name, about in _object(whole_tree["strategies"], "strategies").items():
        path = quoted("strategies", name)
        check_strategy(name, path)
        _check_options(_object(about, path), STRATEGY_OPTIONS, path)
        for ticker, entry in _part(about, "tickers", f"{path}.tickers").items():
            where = quoted(f"{path}.tickers", ticker)
            check_ticker(ticker, where)
            _check_options(_object(entry, where), OPTIONS, where)
            if not isinstance(entry.get("ports"), (list, type(None))):
                raise SettingsError(f"{where}.ports must be a list of ports", f"{where}.ports")
            ports_of(entry, f"{where}.ports")
    routing = _part(whole_tree, "routing", "routing")
    _check_options(routing, {**OPTIONS, **STRATEGY_OPTIONS}, "routing")
    for target, about in _part(routing, "targets", "routing.targets").items():
        path = quoted("routing.targets", target)
        if split_target(target, path).id != target:
            raise SettingsError(f'{path} must be host:port, like "localhost:9060"', path)
        _check_options(_object(about, path), TARGET_OPTIONS, path)


def _check_options(entry: Mapping[str, Any], readers: Mapping[str, Reader], path: str) -> None:
    for key, read in readers.items():
        if entry.get(key) is not None:
            read(entry[key], f"{path}.{key}")


def _part(parent: Mapping[str, Any], key: str, path: str) -> Mapping[str, Any]:
    """An object that may be missing or null."""
    return {} if parent.get(key) is None else _object(parent[key], path)


def _object(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise SettingsError(f"{path} must be an object, not {shown(value)}", path)
    return value


def secret_notes(value: Any, path: str = "") -> Iterator[str]:
    """Places that look like secrets: this file is exported and kept in versions."""
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        where = quoted(path, key) if path else str(key)
        if key in NO_SECRETS and isinstance(item, str):
            yield f"{where}: secrets belong in .env (ALERT_SIGNING_SECRET), not in routing.json."
        yield from secret_notes(item, where)


def _check_depth(document: Mapping[str, Any]) -> None:
    """Unknown keys are kept, so nothing else would stop a document no code can walk."""
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for value in level:
            parts = value.values() if isinstance(value, dict) else value
            inner += [part for part in parts if isinstance(part, (dict, list))]
        level = inner
    if level:
        raise SettingsError(f"routing.json is nested deeper than {MAX_DEPTH} levels")
