"""Readers for single values of settings.json: a JSON value and its path in, a checked value out."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from grok_sauce.errors import SettingsError

Reader = Callable[[Any, str], Any]
T = TypeVar("T")

# Spelling only, as market.instruments.normalise has it; whether a feed offers it is asked on
# /setup. A test holds the two to each other.
SHARE: Final = re.compile(r"[A-Z][A-Z0-9]{0,9}(/[A-Z]{1,3})?")
FUTURE: Final = re.compile(r"/(?=[0-9]*[A-Z])[A-Z0-9]{1,4}")
CONTRACT: Final = re.compile(r"(/[A-Z0-9]{1,4}?)[FGHJKMNQUVXZ][0-9]{1,2}")
LONGEST: Final = 16
MAX_SHOWN: Final = 40  # characters of a wrong value repeated in a message


def setting(default: Any, read: Reader) -> Any:
    """A dataclass field that knows how its JSON value is read."""
    return dataclasses.field(default=default, metadata={"read": read})


def part(cls: type) -> dict[str, Reader]:
    """The metadata of a field that is a section of its own."""
    return {"read": section(cls)}


def shown(value: Any) -> str:
    """A wrong value for a message: one line, cut, whatever it is."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) >= 10**MAX_SHOWN:
        return "a number of many digits"
    text = ascii(value) if isinstance(value, str) else repr(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def flag(value: Any, path: str) -> bool:
    """true or false, nothing that merely counts as such."""
    if not isinstance(value, bool):
        raise SettingsError(f"{path} must be true or false, not {shown(value)}", path)
    return value


def whole(low: int, high: int) -> Reader:
    """A whole number from low to high."""

    def read(value: Any, path: str) -> int:
        integral = isinstance(value, float) and math.isfinite(value) and value.is_integer()
        fits = isinstance(value, int) and not isinstance(value, bool)
        if not (fits or integral) or not low <= value <= high:
            words = f"a whole number from {low} to {high}"
            raise SettingsError(f"{path} must be {words}, not {shown(value)}", path)
        return int(value)

    return read


def number(low: float, high: float) -> Reader:
    """A finite number from low to high."""

    def read(value: Any, path: str) -> float:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not fits or not low <= value <= high:  # NaN fails every comparison
            words = f"a number from {low:g} to {high:g}"
            raise SettingsError(f"{path} must be {words}, not {shown(value)}", path)
        return float(value)

    return read


def choice(*allowed: str) -> Reader:
    """One of a few words."""

    def read(value: Any, path: str) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise SettingsError(
                f"{path} must be one of {', '.join(allowed)}, not {shown(value)}", path
            )
        return value

    return read


def time_of_day(value: Any, path: str) -> str:
    """HH:MM, 24 hours."""
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII):
        raise SettingsError(f"{path} must be a time like 06:00, not {shown(value)}", path)
    return value


def zone(value: Any, path: str) -> str:
    """The name of a time zone this machine knows."""
    from zoneinfo import ZoneInfo

    shape = r"[A-Za-z_]+(/[A-Za-z0-9_+-]+){0,2}"
    try:
        if not isinstance(value, str) or not re.fullmatch(shape, value, re.ASCII):
            raise ValueError("not a zone name")
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        raise SettingsError(
            f"{path} must be a time zone like America/Chicago, not {shown(value)}", path
        ) from None
    return value


def symbol(value: Any, path: str) -> str:
    """One symbol in the spelling used everywhere: " brk.b" is BRK/B, "$vix" is VIX."""
    text = value.strip() if isinstance(value, str) else ""
    text = text.upper() if text.isascii() and len(text) <= LONGEST else ""
    contract = CONTRACT.fullmatch(text)
    if FUTURE.fullmatch(text) and not contract:
        return text
    share = re.sub(r"[.-](?=[A-Z]{1,3}\Z)", "/", text[1:] if text[:1] in ("$", "^") else text)
    if SHARE.fullmatch(share):
        return share
    if contract:
        raise SettingsError(
            f"{path}: {text} is one contract and expires; enter {contract[1]}, which follows "
            f"the front month",
            path,
        )
    raise SettingsError(f"{path} must be a symbol like SPY, BRK/B or /ES, not {shown(value)}", path)


def symbols(limit: int) -> Reader:
    """A list of at most limit different symbols."""

    def read(value: Any, path: str) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise SettingsError(f"{path} must be a list of symbols, not {shown(value)}", path)
        if len(value) > limit:
            raise SettingsError(f"{path} has {len(value)} symbols, at most {limit} fit", path)
        found: list[str] = []
        for index, item in enumerate(value):
            name = symbol(item, f"{path}[{index}]")
            if name in found:
                where = f"{path}[{index}]"
                raise SettingsError(f"{where}: {name} is in this list twice", where)
            found.append(name)
        return tuple(found)

    return read


def whole_numbers(low: int, high: int, limit: int) -> Reader:
    """A list of 1 to limit different whole numbers, given back in ascending order."""
    one = whole(low, high)

    def read(value: Any, path: str) -> tuple[int, ...]:
        if not isinstance(value, list) or not 1 <= len(value) <= limit:
            raise SettingsError(f"{path} must be a list of 1 to {limit} whole numbers", path)
        found = [one(item, f"{path}[{index}]") for index, item in enumerate(value)]
        if len(set(found)) != len(found):
            raise SettingsError(f"{path} names a number twice", path)
        return tuple(sorted(found))

    return read


def openings(limit: int) -> Reader:
    """A list of at most limit opening times of futures, as "CL=09:00"; one a product."""

    def read(value: Any, path: str) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > limit:
            raise SettingsError(f"{path} must be a list of at most {limit} opening times", path)
        found: dict[str, str] = {}
        for index, item in enumerate(value):
            where = f"{path}[{index}]"
            product, _, clock = item.partition("=") if isinstance(item, str) else ("", "", "")
            product = product.strip().upper().removeprefix("/")
            if not re.fullmatch(r"[0-9]?[A-Z][A-Z0-9]{0,3}", product, re.ASCII):
                raise SettingsError(f"{where} must be like CL=09:00, not {shown(item)}", where)
            if product in found:
                raise SettingsError(f"{where}: {product} is in this list twice", where)
            found[product] = time_of_day(clock.strip(), where)
        return tuple(f"{product}={clock}" for product, clock in found.items())

    return read


def section(cls: type[T]) -> Reader:
    """An object whose keys are the fields of a dataclass; a missing key takes its default.

    An unknown key is refused with its path: it is either a slip of the pen, which
    would otherwise be a setting without effect, or from a newer version.
    """

    def read(value: Any, path: str) -> T:
        if not isinstance(value, Mapping):
            raise SettingsError(f"{path or 'settings'} must be an object, not {shown(value)}", path)
        fields = {item.name: item for item in dataclasses.fields(cls)}  # type: ignore[arg-type]
        found = {}
        for key, item in value.items():
            where = f"{path}.{shown_key(key)}" if path else shown_key(key)
            if key not in fields:
                close = difflib.get_close_matches(str(key)[:MAX_SHOWN], fields, 1)
                hint = f"; did you mean {close[0]}?" if close else "; take it out"
                raise SettingsError(f"{where} is not a setting{hint}", where)
            found[key] = fields[key].metadata["read"](item, where)
        return cls(**found)

    return read


def shown_key(key: Any) -> str:
    """A key inside a path: plain when it is a word, else quoted and cut."""
    text = str(key)
    return text if re.fullmatch(r"\w{1,40}", text, re.ASCII) else shown(text)
