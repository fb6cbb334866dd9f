"""Keys under which an alert is recognised when it comes again. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any, Final

import orjson

# For how long a key counts; settings may say otherwise.
EXACT_WITH_TIME_S: Final = 86_400  # the same text with a time in it
EXACT_S: Final = 120  # without: a sender may mean it twice
SEMANTIC_S: Final = 300  # the same trade, whatever else the body says


def exact_key(document: Mapping[str, Any], secret_fields: Collection[str]) -> str:
    """SHA-256, hex, of the document whatever the order of its keys, without its secrets.

    >>> exact_key({"b": 1, "a": 2, "secret": "x"}, ["secret"]) == exact_key({"a": 2, "b": 1}, [])
    True
    """
    kept = {name: value for name, value in document.items() if name not in secret_fields}
    return hashlib.sha256(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)).hexdigest()


def semantic_key(ticker: str, trade_id: str | None) -> str | None:
    """Ticker and trade id as one text, unlike any exact key; None without a trade id.

    >>> semantic_key("NQ", "Open_7"), semantic_key("NQ", None)
    ('["NQ","Open_7"]', None)
    """
    if not trade_id:
        return None
    return orjson.dumps([ticker, trade_id]).decode()
