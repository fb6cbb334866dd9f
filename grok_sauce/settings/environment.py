"""Knobs from `.env` and the environment: each part's own dataclass, filled and checked."""

from __future__ import annotations

import dataclasses
import os
import re
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, TypeVar, Union
from urllib.parse import urlsplit

from grok_sauce.errors import SettingsError

NO_VALUE: Final = frozenset({"", "none"})
YES: Final = frozenset({"1", "true", "yes", "on"})
NO: Final = frozenset({"0", "false", "no", "off"})
URL_SCHEMES: Final = frozenset({"http", "https", "ws", "wss", "redis", "rediss"})

_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=")


class HasEnv(Protocol):
    """A settings dataclass: ENV says which variable fills which field."""

    ENV: ClassVar[dict[str, str]]
    __dataclass_fields__: ClassVar[dict[str, Any]]


K = TypeVar("K", bound=HasEnv)


def knob(
    default: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
    secret: bool = False,
    url: bool = False,
) -> Any:
    """A dataclass field with its limits; low and high count as allowed, in the field's unit."""
    limits = {"low": low, "high": high, "choices": choices, "secret": secret, "url": url}
    return dataclasses.field(default=default, metadata=limits)


def load_environment(path: Path | None, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of a `.env` file with the process environment over them.

    A `$` in a value is a plain character (passwords hold them). A file that is not
    there is an empty one.

    Raises:
        SettingsError: the file cannot be read or is not UTF-8 text.
    """
    from dotenv import dotenv_values

    values: dict[str, str] = {}
    if path is not None and path.is_file():
        try:
            found = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as problem:
            raise SettingsError(
                f"{path} cannot be read: {problem}; save it as UTF-8 text"
            ) from None
        values = {name: value for name, value in found.items() if value is not None}
    values.update(os.environ if environ is None else environ)
    return values


def read_env(cls: type[K], environ: Mapping[str, str], prefix: str = "") -> K:
    """An instance of a settings dataclass with what the environment says.

    cls.ENV maps field to variable (prefix is put before each name). An unset or empty
    variable leaves the default. Types: str, int, float, bool, tuple[str, ...] (commas),
    and each of them with None ("none" gives None).

    Raises:
        SettingsError: naming the variable, what it holds (unless secret) and what to do.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Knobs:
    ...     ENV = {"seconds": "WAIT"}
    ...     seconds: float = knob(20.0, low=1, high=60)
    >>> read_env(Knobs, {"WAIT": "2.5"}), read_env(Knobs, {})
    (Knobs(seconds=2.5), Knobs(seconds=20.0))
    """
    hints = typing.get_type_hints(cls)
    values = {}
    for item in dataclasses.fields(cls):
        name = cls.ENV.get(item.name)
        if name is None:
            continue
        raw = environ.get(prefix + name, "").strip()
        if raw:
            values[item.name] = _parse(prefix + name, raw, hints[item.name], item.metadata)
    return cls(**values)


def secret_names(cls: type[HasEnv]) -> tuple[str, ...]:
    """The variables of a settings dataclass that must never be shown."""
    return tuple(
        cls.ENV[item.name]
        for item in dataclasses.fields(cls)
        if item.metadata.get("secret") and item.name in cls.ENV
    )


def write_env(path: Path, values: Mapping[str, str], write: Callable[[Path, bytes], None]) -> None:
    """Set variables in a `.env` file; all other lines and comments stay as they are.

    write(path, data) must put the file there whole, readable by the owner alone.

    Raises:
        SettingsError: a name or value that a `.env` file cannot hold.
    """
    for key, value in values.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
            raise SettingsError(f"{key!r} is not a variable name", key)
        if not value.isprintable() or "\ufeff" in value:
            raise SettingsError(
                f"{key} holds a line break or control character; copy it again", key
            )
    try:
        lines = path.read_text("utf-8-sig").splitlines() if path.is_file() else []
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsError(f"{path} cannot be read: {problem}; nothing was changed") from None
    left = dict(values)
    out = []
    for line in lines:
        match = _ASSIGNMENT.match(line)
        name = match.group(1) if match else ""
        if name not in values:
            out.append(line)
        elif name in left:
            out.append(_assignment(name, left.pop(name)))
    out.extend(_assignment(name, value) for name, value in left.items())
    write(path, ("\n".join(out) + "\n").encode("utf-8"))


def _assignment(name: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{escaped}'"


def _parse(name: str, raw: str, hint: Any, limits: Mapping[str, Any]) -> Any:
    """One value by its annotation."""
    if typing.get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        if raw.lower() in NO_VALUE:
            return None
        hint = kinds[0]
    if hint is bool:
        return _flag(name, raw)
    if hint in (int, float):
        return _number(name, raw, hint, limits)
    if typing.get_origin(hint) is tuple:
        return tuple(part for part in (piece.strip() for piece in raw.split(",")) if part)
    shown = "what it holds" if limits.get("secret") else repr(raw)
    choices = limits.get("choices")
    if choices and raw not in choices:
        raise SettingsError(f"{name} must be one of {', '.join(choices)}, not {shown}", name)
    if limits.get("url"):
        _check_url(name, raw, shown)
    return raw


def _flag(name: str, raw: str) -> bool:
    word = raw.lower()
    if word in YES:
        return True
    if word in NO:
        return False
    raise SettingsError(f"{name} must be 1 or 0 (also true, false, on, off), not {raw!r}", name)


def _number(name: str, raw: str, kind: type, limits: Mapping[str, Any]) -> int | float:
    words = "a whole number" if kind is int else "a number"
    # int("1_000") and float("nan") are Python's idea of a number, not a user's.
    pattern = r"[+-]?\d{1,18}" if kind is int else r"[+-]?(\d{1,18}(\.\d*)?|\.\d+)"
    if not re.fullmatch(pattern, raw, re.ASCII):
        raise SettingsError(f"{name} must be {words}, not {raw!r}", name)
    value: int | float = int(raw) if kind is int else float(raw)
    low, high = limits.get("low"), limits.get("high")
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = (
            f"{'' if low is None else f'from {low:g} '}{'' if high is None else f'to {high:g}'}"
        )
        raise SettingsError(f"{name} must be {words} {bounds.strip()}, not {raw}", name)
    return value


def _check_url(name: str, raw: str, shown: str) -> None:
    try:
        parts = urlsplit(raw)
        usable = parts.scheme in URL_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"{name} must be an address like https://host:port, not {shown}", name)
