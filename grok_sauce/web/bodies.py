"""JSON bodies of requests: strict, limited, and never more than they say."""

from __future__ import annotations

import json
import math
from typing import Any, Final

import flask

from grok_sauce.web.errors import Refusal

MAX_DEPTH: Final = 16


def read_object(required: tuple[str, ...] = (), optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """The request's body as an object with exactly these keys.

    Raises:
        Refusal: 415 not JSON by its type, 413 too large (by Flask), 400 not JSON, 422
            a key too few or too many.
    """
    if flask.request.mimetype != "application/json":
        raise Refusal(
            415, "unsupported_media_type", "Send JSON with Content-Type: application/json."
        )
    document = parse(flask.request.get_data(cache=False))
    if not isinstance(document, dict):
        raise Refusal(400, "bad_json", "The body must be a JSON object.")
    for key in required:
        if key not in document:
            raise Refusal(422, "missing", f"{key} is missing.", key)
    for key in document:
        if key not in required and key not in optional:
            raise Refusal(422, "unknown", f"{ascii(key)[:60]} is not known here.", key[:60])
    return document


def parse(data: bytes) -> Any:
    """A JSON value out of UTF-8 bytes.

    Raises:
        Refusal: 400 for what is not JSON, or JSON that readers disagree on: duplicate keys,
            NaN, numbers beyond a double, half surrogates, more than MAX_DEPTH levels.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_pairs,
            parse_constant=_constant,
            parse_float=_float,
        )
        _check_depth(value)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise Refusal(400, "bad_json", f"JSON is nested deeper than {MAX_DEPTH} levels.") from None
    except UnicodeError:
        raise Refusal(400, "bad_json", "The body is not UTF-8 text.") from None
    except ValueError as problem:
        raise Refusal(400, "bad_json", f"Not JSON: {str(problem)[:100]}.") from None
    return value


def _pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) != len(items):
        raise ValueError("a key is there twice in one object")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise RecursionError
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
        ]
