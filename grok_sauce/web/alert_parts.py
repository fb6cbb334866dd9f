"""The alert half as pages see it, who presses a button there, and why there may be none."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import flask

from grok_sauce.alerts.intake import Answer, Post
from grok_sauce.alerts.moves import IllegalMove
from grok_sauce.alerts.report_filters import Filters
from grok_sauce.alerts.settings import AlertSettings
from grok_sauce.alerts.store import StoreBusy
from grok_sauce.storage.database import StorageError
from grok_sauce.web.errors import Refusal

if TYPE_CHECKING:
    from grok_sauce.web.site import Site

RETRY_S: Final = 5  # when the store is busy


class Operates(Protocol):
    """alerts.operator.Operator."""

    def pause(self, on: bool, who: str) -> Any: ...
    def dry(self, on: bool, who: str) -> Any: ...
    def cancel(self, id: str, who: str) -> Any: ...
    def decide(
        self,
        id: str,
        delivery: int,
        decision: Literal["arrived", "send"],
        who: str,
        qty: int | None = None,
        confirm_late: bool = False,
    ) -> Any: ...
    def replay(
        self,
        ids: Sequence[str] | None,
        who: str,
        mode: Literal["same", "as_new"],
        confirm_late: bool,
        between: tuple[int, int] | None = None,
        target: str | None = None,
    ) -> dict[str, Any]: ...
    def acknowledge(self, ids: Sequence[str], who: str) -> int: ...
    def daily_pause(self, strategy: str, who: str) -> Any: ...
    def test(self, strategy: str, ticker: str, port: int, who: str) -> dict[str, Any]: ...


class Routing(Protocol):
    """alerts.routing_file.RoutingFile."""

    def export(self) -> dict[str, Any]: ...
    def edit(self, op: Mapping[str, Any], who: str, revision: str) -> Any: ...
    def import_document(self, document: Any, dry_run: bool, who: str) -> list[str]: ...


class KeepsTokens(Protocol):
    """alerts.tokens.Tokens."""

    def add(self, name: str, tickers: Sequence[str] | None, expires: int | None) -> str: ...
    def delete(self, id: int) -> Any: ...
    def rows(self) -> Sequence[dict[str, Any]]: ...
    def reveal(self) -> str | None: ...


class Reports(Protocol):
    """alerts.report.Report."""

    def page(self, filters: Filters) -> dict[str, Any]: ...
    def csv(self, filters: Filters) -> Iterator[str]: ...
    def detail(self, id: str) -> dict[str, Any] | None: ...
    def knows(self, id: str) -> bool: ...
    def numbers(self) -> dict[str, Any]: ...
    def token_file(self) -> str | None: ...
    def tree(self) -> dict[str, Any]: ...
    def security(self) -> list[dict[str, Any]]: ...
    def audit(self) -> list[dict[str, Any]]: ...


class Answers(Protocol):
    """alerts.intake.Intake, as the webhook layer calls it."""

    def answer(self, post: Post) -> Answer: ...


class AlertParts(Protocol):
    """alerts.half.AlertHalf.

    audit(who, what, detail) keeps what nobody else writes down; refused(address, what) is told
    of posts whose body never reached intake.
    """

    @property
    def operator(self) -> Operates: ...
    @property
    def routing(self) -> Routing: ...
    @property
    def tokens(self) -> KeepsTokens: ...
    @property
    def report(self) -> Reports: ...
    @property
    def intake(self) -> Answers: ...
    @property
    def settings(self) -> AlertSettings: ...
    def audit(self, who: str, what: str, detail: str) -> None: ...
    def refused(self, address: str, what: str) -> None: ...


def why_absent(site: Site) -> str:
    """Why this process has no router, as a sentence."""
    url = site.deps.router_url
    if url is not None:
        return f"This dashboard has no router of its own; alerts are taken at {url}."
    return "The router is not running."


def parts(site: Site) -> AlertParts:
    """The alert half.

    Raises:
        Refusal: 503 no_router with the sentence.
    """
    half = site.deps.alerts
    if half is None:
        raise Refusal(503, "no_router", why_absent(site))
    return half


def who() -> str:
    """Who asks for a change, as it is kept in the audit: by what proof, never by what name."""
    name: str = flask.g.get("proof", "local program")
    return name


@contextmanager
def answering() -> Iterator[None]:
    """Turns what the store cannot do now into 503, and what is over already into 409."""
    try:
        yield
    except IllegalMove as problem:
        raise Refusal(409, "conflict", f"It changed meanwhile: {problem}.") from None
    except (StoreBusy, StorageError, sqlite3.Error) as problem:
        raise Refusal(
            503, "store_busy", f"The alert store does not answer: {problem}", retry_after=RETRY_S
        ) from None


def iso_day(text: str, field: str) -> date:
    """A day like 2026-12-16.

    Raises:
        Refusal: 422 naming the field.
    """
    try:
        day = date.fromisoformat(text)
        # The ends of the calendar have no day before or after them.
        if day.isoformat() == text and 1970 <= day.year <= 9000:
            return day
    except ValueError:
        pass
    raise Refusal(422, "invalid", f"{field} must be a day like 2026-12-16.", field)
