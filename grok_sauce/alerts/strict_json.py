"""One JSON object out of the bytes of a request, refusing what readers would disagree on."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from grok_sauce.errors import GrokSauceError

MAX_DEPTH: Final = 8
MAX_KEYS: Final = 64  # in the document, over all levels
MAX_DIGITS: Final = 18  # fits 64 bits
BOM: Final = b"\xef\xbb\xbf"

# Control characters, NUL among them, and halves of surrogate pairs.
_BAD_TEXT: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# The same where they may stand as they are; json refuses those below U+0020 by itself.
_BAD_RAW: Final = re.compile("[\x7f-\x9f]")


class Unreadable(GrokSauceError):
    """A body that is not one strict JSON object. The message never quotes it."""


def decode(body: bytes) -> str:
    """The text of a body: strict UTF-8, without its byte order mark.

    Raises:
        Unreadable: empty, or anything but UTF-8.
    """
    try:
        text = body.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("The body is not UTF-8 text") from None
    if not text or text.isspace():
        raise Unreadable("No data provided")
    return text


def parse(text: str) -> dict[str, Any]:
    """The object that a text spells.

    Raises:
        Unreadable: not JSON; not an object; NaN, Infinity or a number beyond a double; an
            integer of more than MAX_DIGITS digits; a key twice in one object; more than
            MAX_KEYS keys; more than MAX_DEPTH levels; half a surrogate pair, NUL or
            control characters in a text.

    >>> parse('{"qty": 1}')
    {'qty': 1}
    >>> parse('{"qty": 1, "qty": 2}')
    Traceback (most recent call last):
    grok_sauce.alerts.strict_json.Unreadable: Not JSON: a key is there twice
    """
    # Counting brackets is enough for all that people send; only more than that is looked at.
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise Unreadable(f"Nested deeper than {MAX_DEPTH} levels")
    try:
        document = _DECODER.decode(text)
    except json.JSONDecodeError as problem:
        hint = "; a placeholder was left in it" if "{{" in text else ""
        raise Unreadable(f"Not JSON: {problem.msg} at character {problem.pos}{hint}") from None
    except (ValueError, RecursionError) as problem:
        raise Unreadable(f"Not JSON: {problem}") from None
    if not isinstance(document, dict):
        raise Unreadable("The body must be a JSON object")
    if _BAD_RAW.search(text):
        raise Unreadable("Control characters in a text")
    if "\\" in text and any(_BAD_TEXT.search(found) for found in _texts(document)):
        raise Unreadable("Control characters or half a character in a text")
    if text.count(":") > MAX_KEYS and _keys(document) > MAX_KEYS:
        raise Unreadable(f"More than {MAX_KEYS} keys")
    return document


def load(body: bytes) -> dict[str, Any]:
    """decode() and parse() in one.

    Raises:
        Unreadable: see there.
    """
    return parse(decode(body))


def _depth(text: str) -> int:
    """The deepest level of brackets outside of strings, counted without recursion."""
    depth = deepest = 0
    in_string = escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif in_string:
            if char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "}]":
            depth -= 1
    return deepest


def _texts(value: Any) -> Iterator[str]:
    """Every key and text in a value, at most MAX_DEPTH levels deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, child in value.items():
            yield key
            yield from _texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child)


def _keys(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_keys(child) for child in value.values())
    if isinstance(value, list):
        return sum(_keys(child) for child in value)
    return 0


def _pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) != len(items):
        raise ValueError("a key is there twice")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _int(text: str) -> int:
    if len(text) - (text[0] == "-") > MAX_DIGITS:
        raise ValueError(f"a whole number has more than {MAX_DIGITS} digits")
    return int(text)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=_int
)
