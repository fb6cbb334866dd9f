"""The guard of every route: Host, login, limits, proof for writes; headers on every answer."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import flask
from werkzeug.wrappers import Response

from grok_sauce.web.auth import Auth
from grok_sauce.web.errors import Refusal, wants_json
from grok_sauce.web.forex_token import HEADER, ForexToken
from grok_sauce.web.limits import Limits
from grok_sauce.web.routes import ROUTES, Access
from grok_sauce.web.settings import WebSettings
from grok_sauce.web.visitors import Visitor, networks, read_visitor

log = logging.getLogger(__name__)

ACCESS: Final[Mapping[str, Access]] = {route.endpoint: route.access for route in ROUTES}
FOR_ADVISORS: Final = (Access.EA_READ, Access.EA_WRITE)
HSTS: Final = "max-age=31536000"
STATIC_LIFE: Final = "public, max-age=31536000, immutable"


class Guard:
    """Decides before a view runs; knows nothing of what the view does."""

    def __init__(
        self, settings: WebSettings, auth: Auth, limits: Limits, ea_token: ForexToken | None = None
    ) -> None:
        self._settings = settings
        self._ea_token = ea_token
        self._proxies = networks(settings.trusted_proxies)
        self._auth = auth
        self._limits = limits

    def install(self, app: flask.Flask) -> None:
        """Stand in front of every route of app."""
        app.before_request(self.check)
        app.after_request(self.seal)

    def visitor(self, environ: Mapping[str, Any]) -> Visitor:
        """Who sent a request."""
        return read_visitor(environ, self._settings.public_hosts, self._proxies)

    def check(self) -> Response | None:
        """Before each request: None lets it pass, a response or a Refusal ends it."""
        request = flask.request
        visitor = flask.g.visitor = self.visitor(request.environ)
        self._check_host(visitor)
        if request.endpoint is None:
            return None  # no such address or method; answered by the error pages
        access = ACCESS[request.endpoint]
        by_token = self._check_token(visitor)
        by_ea = access in FOR_ADVISORS and self._check_ea_token(visitor)
        by_proof = by_token or by_ea
        flask.g.allowed = by_proof or not self._auth.needed or self._auth.signed_in(flask.session)
        if access is Access.PUBLIC:
            return None
        if access is Access.LOGIN:
            # In this order: another site's form must not use up the tries of its visitor.
            self._check_form(visitor)
            self._check_limit(access, visitor)
            return None
        self._check_limit(access, visitor)
        if not flask.g.allowed:
            if access is Access.PAGE and not wants_json():
                return flask.redirect(f"/login?next={quote(request.path)}")
            raise Refusal(401, "login_needed", "A login or an API token is needed.")
        if access is Access.WRITE:
            flask.g.proof = "API token" if by_token else self._check_write(visitor)
        elif access is Access.EA_WRITE and not by_proof:
            self._check_write(visitor, of_programs=False)
        return None

    def may_connect(self, environ: Mapping[str, Any], session: Mapping[str, Any]) -> str | None:
        """Why a Socket.IO connection is refused; None lets it in."""
        visitor = self.visitor(environ)
        if not visitor.known_host:
            return "unknown host"
        if not visitor.same_origin:
            return "another site's page"
        if not self._auth.needed or self._auth.signed_in(session):
            return None
        good = self._auth.token_good(environ.get("HTTP_AUTHORIZATION"))
        return None if good else "login needed"

    def _check_host(self, visitor: Visitor) -> None:
        if visitor.known_host:
            return
        name = visitor.host or "an unreadable name"
        raise Refusal(
            403,
            "unknown_host",
            f"This server does not answer under {name}"
            f"{' through a proxy or tunnel' if visitor.forwarded else ''}.",
            advice="To allow it add its name to PUBLIC_HOSTS and a DASHBOARD_PASSWORD to .env.",
        )

    def _check_token(self, visitor: Visitor) -> bool:
        good = self._auth.token_good(flask.request.headers.get("Authorization"))
        if good is None:
            return False
        self._count_token(good, visitor, "API token", "The API token is not the one in .env.")
        return True

    def _check_ea_token(self, visitor: Visitor) -> bool:
        given = flask.request.headers.get(HEADER)
        if given is None or self._ea_token is None:
            return False
        self._count_token(
            self._ea_token.good(given),
            visitor,
            "EA token",
            "The token of the EA exchange is another one; copy it from the page /forex.",
        )
        return True

    def _count_token(self, good: bool, visitor: Visitor, what: str, words: str) -> None:
        """Refuse a wrong token; many wrong ones of a client are not even looked at.

        Raises:
            Refusal: 401, or 429.
        """
        wait = self._limits.full("token", visitor.client) if not good else None
        if wait is not None:
            raise _too_many(wait)
        if not good:
            self._limits.hit("token", visitor.client)
            log.warning("wrong %s from %s", what, visitor.client)
            raise Refusal(401, "bad_token", words)

    def _check_limit(self, access: Access, visitor: Visitor) -> None:
        if access is Access.LOGIN:
            # Counted before the password is looked at: tries in parallel all count.
            wait = self._limits.hit("login", visitor.client)
        elif access is Access.WRITE:
            wait = self._limits.hit("write", visitor.client)
        elif access is Access.EA_WRITE:
            wait = self._limits.hit("trades", visitor.client)
        elif visitor.local:
            return
        else:
            wait = self._limits.hit("read", visitor.client)
        if wait is not None:
            raise _too_many(wait)

    def _check_form(self, visitor: Visitor) -> None:
        given = flask.request.form.get("csrf_token")
        if not visitor.same_origin or not self._auth.csrf_good(flask.session, given):
            raise Refusal(403, "csrf", "The form is too old. Load the page again.")

    def _check_write(self, visitor: Visitor, of_programs: bool = True) -> str:
        """A CSRF token of this session, or a program on this machine while there is no password.

        The latter only where of_programs lets it. Returns what it was, in the words that audits
        keep.
        """
        request = flask.request
        if not visitor.same_origin:
            raise Refusal(403, "cross_origin", "Another site's page may not change anything here.")
        given = request.headers.get("X-CSRF-Token")
        if given is None and request.mimetype == "application/x-www-form-urlencoded":
            given = request.form.get("csrf_token")
        if self._auth.csrf_good(flask.session, given):
            return "browser"
        browser = any(
            name in request.headers for name in ("Cookie", "Origin", "Referer", "Sec-Fetch-Site")
        )
        if visitor.local and not browser and not self._auth.needed:
            if of_programs:
                return "local program"
            raise Refusal(401, "token_needed", f"Send the token of the page /forex as {HEADER}.")
        raise Refusal(403, "csrf", "Load the page again: its token is missing or too old.")

    def seal(self, response: Response) -> Response:
        """After each request: the headers of the house."""
        visitor: Visitor | None = flask.g.get("visitor")
        headers = response.headers
        headers["Content-Security-Policy"] = _policy(visitor, flask.g.get("csp_nonce"))
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["X-Frame-Options"] = "DENY"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        if visitor is not None and visitor.secure:
            headers["Strict-Transport-Security"] = HSTS
        if flask.request.endpoint != "static" or response.status_code >= 400:
            headers["Cache-Control"] = "no-store"
        elif flask.request.args.get("v"):
            headers["Cache-Control"] = STATIC_LIFE
        else:
            headers["Cache-Control"] = "no-cache"
        return response


def csp_nonce() -> str:
    """The nonce of this answer's scripts, made when first asked for."""
    if "csp_nonce" not in flask.g:
        flask.g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = flask.g.csp_nonce
    return nonce


def _policy(visitor: Visitor | None, nonce: str | None) -> str:
    scripts = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    connect = "'self'"
    if visitor is not None and visitor.known_host:
        connect += f" ws://{visitor.host} wss://{visitor.host}"
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self'; img-src 'self' data:; "
        f"connect-src {connect}; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self'"
    )


def _too_many(wait: int) -> Refusal:
    return Refusal(
        429, "too_many_requests", f"Too many requests. Again in {wait} s.", retry_after=wait
    )
