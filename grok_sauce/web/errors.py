"""Answers to what went wrong: JSON for programs, a page for people, an id for bugs."""

from __future__ import annotations

import logging
import secrets
from typing import Any, Final

import flask
from werkzeug.exceptions import HTTPException

from grok_sauce.controls import UnknownControl
from grok_sauce.errors import GrokSauceError, SettingsError, SourceError, SourceRefused
from grok_sauce.settings import SettingsConflict

log = logging.getLogger(__name__)

TITLES: Final = {
    400: "Not understood",
    401: "Sign in first",
    403: "Refused",
    404: "No such page",
    405: "Not done this way",
    409: "Changed meanwhile",
    413: "Too large",
    415: "Not JSON",
    422: "Not possible",
    429: "Too many requests",
    500: "Failed here",
    502: "The source failed",
    503: "Not available",
}
CODES: Final = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
}
MESSAGES: Final = {
    400: "The request was not understood.",
    404: "There is nothing at this address.",
    413: "The request is larger than allowed.",
}

# Addresses outside /api/ that programs alone ask for.
FOR_PROGRAMS: Final = frozenset(
    {
        *("/health", "/metrics", "/gex/levels", "/gex/refresh", "/lt/levels"),
        *("/strategy/enable", "/strategy/disable"),
        *("/forex_settings_json", "/forex_trades"),
    }
)


class Refusal(GrokSauceError):
    """A request that is turned down: status, a code for programs, a sentence for people."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        field: str | None = None,
        advice: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field
        self.advice = advice
        self.retry_after = retry_after


def refusal_of(problem: GrokSauceError) -> Refusal:
    """The answer to an error raised on purpose: whose move it is decides the status."""
    text = str(problem)
    if isinstance(problem, Refusal):
        return problem
    if isinstance(problem, SettingsConflict):
        return Refusal(409, "conflict", text)
    if isinstance(problem, SettingsError):
        return Refusal(422, "invalid", text, problem.field)
    if isinstance(problem, SourceRefused):
        return Refusal(502, "source_refused", text)
    if isinstance(problem, SourceError):
        return Refusal(502, "source_failed", text)
    if isinstance(problem, UnknownControl):
        return Refusal(503, "unavailable", text)
    return Refusal(500, "failed", text)


def install(app: flask.Flask) -> None:
    """Answer every error in one of the two forms."""
    app.register_error_handler(GrokSauceError, _on_purpose)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _bug)


def wants_json() -> bool:
    """Whether the asker is a program."""
    request = flask.request
    if request.path.startswith("/api/") or request.path in FOR_PROGRAMS:
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json" or request.mimetype == "application/json"


def answer(refusal: Refusal) -> flask.Response:
    """A refusal as a response."""
    response = _json(refusal) if wants_json() else _page(refusal)
    response.status_code = refusal.status
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _json(refusal: Refusal) -> flask.Response:
    error: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    if refusal.field is not None:
        error["field"] = refusal.field
    return flask.jsonify({"error": error})


def _page(refusal: Refusal) -> flask.Response:
    try:
        text = flask.render_template(
            "error.html",
            page="",
            code=refusal.status,
            title=TITLES.get(refusal.status, "Refused"),
            message=refusal.message,
            advice=refusal.advice,
        )
    except Exception:
        # The page that tells of an error must not be one.
        log.exception("the error page failed")
        return flask.Response(f"{refusal.status} {refusal.message}\n", mimetype="text/plain")
    return flask.Response(text, mimetype="text/html")


def _on_purpose(problem: GrokSauceError) -> flask.Response:
    return answer(refusal_of(problem))


def _http(problem: HTTPException) -> flask.Response | HTTPException:
    status = problem.code or 500
    if status < 400:
        return problem  # a redirect of the router
    refusal = Refusal(
        status, CODES.get(status, "refused"), MESSAGES.get(status, problem.description or "")
    )
    if status == 405:
        allowed = ", ".join(sorted(getattr(problem, "valid_methods", None) or ()))
        refusal.message = f"{flask.request.method} is not offered here, use {allowed}."
    response = answer(refusal)
    if status == 405:
        response.headers["Allow"] = allowed
    return response


def _bug(problem: Exception) -> flask.Response:
    """Log with an id, tell the id and nothing else."""
    number = secrets.token_hex(4)
    log.error(
        "%s %s failed, id %s", flask.request.method, flask.request.path, number, exc_info=problem
    )
    return answer(
        Refusal(
            500,
            "internal",
            f"Something failed in the program. The log has it under {number}.",
            advice="Numbers already on other pages stay live.",
        )
    )
