"""The session cookie: signed, HttpOnly, SameSite=Lax, Secure with the __Host- prefix on TLS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import flask
from flask.sessions import SecureCookieSessionInterface

from grok_sauce.web.visitors import Visitor, parse_host

# Longer than a login, whose age is checked by Auth: an open page keeps its CSRF token.
COOKIE_LIFE: Final = timedelta(days=30)


class CookieSessions(SecureCookieSessionInterface):
    """Flask's signed cookie under a name of its own per port.

    Browsers send cookies to every port of a host, so two instances on one machine
    would otherwise end each other's sessions.
    """

    def __init__(self, visitor_of: Callable[[Any], Visitor]) -> None:
        self._visitor_of = visitor_of

    def get_cookie_name(self, app: flask.Flask) -> str:
        visitor = self._visitor_of(flask.request.environ)
        host = parse_host(visitor.host or "")
        port = (host[1] if host else None) or ("443" if visitor.secure else "80")
        name = f"grok_sauce_{port}"
        return f"__Host-{name}" if visitor.secure else name

    def get_cookie_secure(self, app: flask.Flask) -> bool:
        return self._visitor_of(flask.request.environ).secure
