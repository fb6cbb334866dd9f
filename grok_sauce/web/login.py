"""Sign in and out, when a password is set."""

from __future__ import annotations

import logging
import re
from typing import Final

import flask
from werkzeug.wrappers import Response

from grok_sauce.web.site import Site, page

log = logging.getLogger(__name__)

GEX_PAGE: Final = re.compile(r"/gex/[A-Za-z0-9.]{1,20}")


def form(site: Site) -> Response:
    """GET /login."""
    target = _target(site, flask.request.args.get("next"))
    if not site.auth.needed or site.auth.signed_in(flask.session):
        return flask.redirect(target)
    return page("login.html", "", error=None, next=target)


def submit(site: Site) -> Response:
    """POST /login: the guard counted the try; a good one starts a new session."""
    target = _target(site, flask.request.form.get("next"))
    if not site.auth.needed:
        return flask.redirect(target, 303)
    client = flask.g.visitor.client
    if site.auth.check_password(flask.request.form.get("password", "")):
        site.limits.forget("login", client)
        site.auth.sign_in(flask.session)
        flask.session.permanent = True
        return flask.redirect(target, 303)
    log.warning("wrong password from %s", client)
    answer = page("login.html", "", error="This is not the password.", next=target)
    answer.status_code = 401
    return answer


def sign_out(site: Site) -> Response:
    """POST /logout."""
    site.auth.sign_out(flask.session)
    return flask.redirect("/login" if site.auth.needed else home(site), 303)


def home(site: Site) -> str:
    """Where / leads: the first page of this process."""
    return site.deps.pages[0].path


def _target(site: Site, path: str | None) -> str:
    """Only our own pages: a link to /login must not lead elsewhere."""
    paths = {page.path for page in site.deps.pages}
    if path is not None and (path in paths or GEX_PAGE.fullmatch(path)):
        return path
    return home(site)
