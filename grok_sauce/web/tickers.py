"""Symbols and views in addresses: read strictly, written in one spelling."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final
from urllib.parse import quote, urlencode

import flask
from werkzeug.routing import BaseConverter

from grok_sauce.errors import SettingsError
from grok_sauce.settings.readers import symbol as read_symbol
from grok_sauce.web.errors import Refusal

MAX_EXPIRIES: Final = 12  # dates in one view
SPANS: Final = ("all", "0dte", "7d", "30d")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.]+")


class Ticker(BaseConverter):
    """A symbol as part of a path; the others (/ES, BRK/B) are given as ?symbol=.

    Addresses that mean something else are not symbols, so that GET /gex/refresh is refused
    with the method it takes instead of opening a page.
    """

    regex = r"(?!(?:levels|refresh)/?$)[A-Za-z0-9.]{1,20}"
    part_isolating = True


def normal_symbol(text: str | None) -> str:
    """A typed symbol in its one spelling.

    Raises:
        Refusal: 422 naming the field.
    """
    if text is None or not text.strip():
        raise Refusal(422, "missing", "Name a symbol, as ?symbol=SPX.", "symbol")
    try:
        return read_symbol(text, "symbol")
    except SettingsError as problem:
        raise Refusal(422, "invalid", f"{problem}.", "symbol") from None


def normal_view(text: str | None, field: str) -> str:
    """Which expiries are meant, in the one spelling rooms are named by.

    "all", "0dte", "7d", "30d", or dates joined by commas, ascending, once each.

    Raises:
        Refusal: 422 naming the field.

    >>> normal_view("2026-12-18, 2026-11-27,2026-12-18", "expiry"), normal_view(" 0DTE", "expiry")
    ('2026-11-27,2026-12-18', '0dte')
    """
    given = (text or "all").strip().lower()
    if given in SPANS:
        return given
    parts = {part.strip() for part in given.split(",", 10 * MAX_EXPIRIES)}
    if len(parts) <= MAX_EXPIRIES and all(_is_date(part) for part in parts):
        return ",".join(sorted(parts))
    raise Refusal(
        422,
        "invalid",
        f"{field} must be all, 0dte, 7d, 30d, or up to {MAX_EXPIRIES} dates like 2026-12-18 "
        f"joined by commas.",
        field,
    )


def choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    """A query parameter that is one of a few words.

    Raises:
        Refusal: 422 naming it.
    """
    given = flask.request.args.get(name, "").strip().lower() or default
    if given not in allowed:
        raise Refusal(422, "invalid", f"{name} must be {' or '.join(allowed)}.", name)
    return given


def page_of(symbol: str, **query: Any) -> str:
    """The address of a symbol's GEX page.

    >>> page_of("SPX"), page_of("/ES", view="0dte")
    ('/gex/SPX', '/gex?symbol=%2FES&view=0dte')
    """
    if _ADDRESS.fullmatch(symbol):
        return f"/gex/{quote(symbol)}" + (f"?{urlencode(query)}" if query else "")
    return f"/gex?{urlencode({'symbol': symbol, **query})}"


def _is_date(text: str) -> bool:
    try:
        return len(text) == 10 and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
