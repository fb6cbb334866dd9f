"""What a browser may subscribe to, and how its request is checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, Literal

from grok_sauce.values import dataclass

_SYMBOL: Final = re.compile(r"[A-Z0-9./:_$^-]{1,32}")
_REQUEST: Final = re.compile(r"[A-Za-z0-9=&.%/_-]{1,240}")
_MOST_EXPIRIES: Final = 12  # in one view


@dataclass(frozen=True, slots=True)
class Page:
    """What a browser may subscribe to, and the shape of what it gets.

    shape "rows": changed rows and the keys removed, in field; the whole is all rows in the
    user's order, or newest first. shape "whole": the newest payload, in field, every time.

    Keys that begin with "#" are no rows: their payloads stand beside them under the rest of
    the key. Those named in beside are in every message as they are now; those in news only
    where they changed, else null; a whole state has them all.
    """

    name: str
    topic: str
    field: str
    shape: Literal["rows", "whole"]
    symbol: bool = False  # one room per symbol
    view: bool = False  # and per view of it
    request: bool = False  # a view is the text of a request, as an address has it
    newest_first: bool = False  # by row["seq"], descending
    beside: tuple[str, ...] = ()
    news: tuple[str, ...] = ()


PAGES: Final = (
    Page("indicator", "indicator.rows", "rows", "rows"),
    Page("health", "service.health", "health", "whole"),
    Page("notice", "notice", "notice", "whole"),
    Page("calendar", "calendar.event", "calendar", "whole"),
    Page("news", "news.headline", "news", "whole"),
    Page("sentiment", "sentiment.index", "sentiment", "whole"),
    Page("econ", "fred.release", "econ", "whole"),
    Page("reactions", "event.reaction", "reactions", "whole"),
    Page("forex", "forex.trade", "forex", "whole"),
    Page("signals", "strategy.state", "signals", "whole", symbol=True),
    Page("gex", "gex.levels", "gex", "whole", symbol=True, view=True),
    Page("profile", "profile.levels", "profile", "whole", symbol=True),
    Page("lt", "lt.levels", "lt", "whole", symbol=True),
    Page("orb", "orb.breakout", "orb", "whole", symbol=True),
    Page("chart", "chart.bar", "chart", "whole", symbol=True, view=True, request=True),
    Page("butterfly", "butterfly.mark", "butterfly", "whole", symbol=True, view=True, request=True),
    Page(
        "alerts",
        "alert.state",
        "rows",
        "rows",
        newest_first=True,
        beside=("numbers",),
        news=("tree_changed",),
    ),
)
SPANS: Final = ("0dte", "7d", "30d", "all")  # views that are not dates


class Refusal(Exception):
    """A request from a browser that is answered with an error."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field

    def answer(self) -> dict[str, Any]:
        """As JSON: {"error": {code, message, field?}}."""
        error = {"code": self.code, "message": str(self)}
        if self.field:
            error["field"] = self.field
        return {"error": error}


def wanted(pages: Mapping[str, Page], asked: Any) -> tuple[Page, str]:
    """The page and the key of its topic that a browser asks for, checked.

    Raises:
        Refusal: not an object {page, symbol?, view?}, or one of them is unknown or not valid.
    """
    if not isinstance(asked, dict):
        raise Refusal("bad_request", "an object {page, symbol?, view?} is needed")
    name = asked.get("page")
    page = pages.get(name) if isinstance(name, str) else None
    if page is None:
        raise Refusal("unknown_page", f"page must be one of {', '.join(pages)}", "page")
    parts = []
    for field, takes, check in (
        ("symbol", page.symbol, _is_symbol),
        ("view", page.view, _is_request if page.request else is_view),
    ):
        value = asked.get(field)
        if not takes and value is not None:
            raise Refusal("bad_request", f"page {page.name} takes no {field}", field)
        if takes:
            if not (isinstance(value, str) and check(value)):
                raise Refusal("bad_request", f"{field} is missing or not valid", field)
            parts.append(value)
    return page, ":".join(parts)


def _is_symbol(text: str) -> bool:
    return _SYMBOL.fullmatch(text) is not None


def _is_request(text: str) -> bool:
    return _REQUEST.fullmatch(text) is not None


def is_view(text: str) -> bool:
    """One of SPANS, or expiries as ISO dates, ascending and each once (the canonical form)."""
    if text in SPANS:
        return True
    parts = text.split(",")
    try:
        days = [date.fromisoformat(part) for part in parts if len(part) == 10]
    except ValueError:
        return False
    return len(days) == len(parts) <= _MOST_EXPIRIES and days == sorted(set(days))
