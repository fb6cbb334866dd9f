"""Secrets out of what is kept of a body."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

MASK: Final = "••••"
LONG_ENOUGH: Final = 12  # shorter secrets may well be part of other words


def masked_body(
    text: str, document: Mapping[str, Any], secret_fields: Collection[str], token: str | None
) -> str:
    """The text of a body to keep: as it was sent where it holds no secret.

    Values of secret fields are masked at every level and however the name is written, and
    wherever else the same value, or the token of the path, stands.

    >>> masked_body('{"secret": "abc", "qty": 1}', {"secret": "abc", "qty": 1}, ["secret"], None)
    '{"secret": "••••", "qty": 1}'
    """
    lower = text.lower()
    found: list[Any] = []
    # A name can only hide behind a backslash; most bodies need no closer look.
    if "\\" in lower or any(name in lower for name in secret_fields):
        found = [value for value in _secrets(document, secret_fields) if value is not None]
    if found:
        text = json.dumps(_masked(document, secret_fields), ensure_ascii=False)
    for secret in (*found, token):
        if isinstance(secret, str) and len(secret) >= LONG_ENOUGH:
            text = text.replace(secret, MASK)
    return text


def _secrets(value: Any, names: Collection[str]) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, child in value.items():
            if name.lower() in names:
                yield child
            else:
                yield from _secrets(child, names)
    elif isinstance(value, list):
        for child in value:
            yield from _secrets(child, names)


def _masked(value: Any, names: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {
            name: MASK if name.lower() in names and child is not None else _masked(child, names)
            for name, child in value.items()
        }
    if isinstance(value, list):
        return [_masked(child, names) for child in value]
    return value
