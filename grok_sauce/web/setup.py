"""Setup: the page, settings, symbols, credentials, export and import, retry of a source."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import flask

from grok_sauce.web.bodies import read_object
from grok_sauce.web.errors import Refusal
from grok_sauce.web.site import Site, page, respond

MAX_QUERY: Final = 20
MAX_SECRET: Final = 4096
TEST_SECONDS: Final = 25.0  # sign-in, quote token, feed and chain, one after the other


def show(site: Site) -> flask.Response:
    """GET /setup."""
    found = site.ask("settings.read")
    secrets = found["secrets"]
    return page(
        "setup.html",
        "setup",
        settings=found["settings"],
        revision=found["revision"],
        secrets_set=secrets,
        first_run=flask.request.args.get("first") == "1",
        absent=dict(site.deps.absent),
    )


def read(site: Site) -> flask.Response:
    """GET /api/settings."""
    return respond(site.ask("settings.read"))


def save(site: Site) -> flask.Response:
    """PUT /api/settings."""
    body = read_object(("revision", "settings"))
    return respond(
        site.deps.controls.do(
            "settings.save",
            settings=_object(body, "settings"),
            revision=_text(body, "revision", 64),
        )
    )


def export(site: Site) -> flask.Response:
    """GET /api/settings/export: settings.json as a file; secrets are not in it."""
    settings = site.ask("settings.read")["settings"]
    response = flask.Response(json.dumps(settings, indent=2) + "\n", mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="grok-sauce-settings.json"'
    return response


def take_in(site: Site) -> flask.Response:
    """POST /api/settings/import[?dry_run=1]."""
    flag = flask.request.args.get("dry_run", "0")
    if flag not in ("0", "1"):
        raise Refusal(422, "invalid", "dry_run must be 0 or 1.", "dry_run")
    body = read_object(("document",))
    return respond(
        site.deps.controls.do("settings.import", document=body["document"], dry_run=flag == "1")
    )


def symbols(site: Site) -> flask.Response:
    """GET /api/symbols?q=."""
    return respond(site.ask("symbols.search", q=_query("q")))


def check_symbol(site: Site) -> flask.Response:
    """GET /api/symbols/check?symbol=."""
    return respond(site.ask("symbols.check", symbol=_query("symbol")))


def test_credentials(site: Site) -> flask.Response:
    """POST /api/credentials/test."""
    return respond(site.ask("credentials.test", TEST_SECONDS, **_credentials()))


def save_credentials(site: Site) -> flask.Response:
    """POST /api/credentials."""
    return respond(site.deps.controls.do("credentials.save", **_credentials()))


def retry_source(site: Site, name: str) -> flask.Response:
    """POST /api/sources/<name>/retry."""
    if not re.fullmatch(r"[a-z0-9_-]{1,40}", name):
        raise Refusal(404, "not_found", "There is no source of that name.")
    site.deps.controls.do("source.retry", name=name)
    return respond({"name": name, "retrying": True}, 202)


def _credentials() -> dict[str, str]:
    """Both values, trimmed; a slip of the clipboard is named before anything is sent."""
    body = read_object(("client_secret", "refresh_token"))
    secret = _text(body, "client_secret", MAX_SECRET).strip()
    token = _text(body, "refresh_token", MAX_SECRET).strip()
    for key, value in (("client_secret", secret), ("refresh_token", token)):
        if not value:
            raise Refusal(422, "missing", "Both fields are needed for a test.", key)
        if not re.fullmatch(r"[!-~]+", value):
            raise Refusal(
                422, "invalid", "There is a space or a foreign character in it. Copy it again.", key
            )
    if token.startswith("eyJ") and token.count(".") != 2:
        raise Refusal(
            422,
            "invalid",
            f"Token ends early: {len(token)} characters, a refresh token has three parts joined "
            f"by dots. Copy it again.",
            "refresh_token",
        )
    return {"client_secret": secret, "refresh_token": token}


def _query(name: str) -> str:
    text = flask.request.args.get(name, "").strip()
    if not text or len(text) > MAX_QUERY or not text.isprintable():
        raise Refusal(422, "invalid", f"{name} must be 1 to {MAX_QUERY} characters.", name)
    return text


def _text(body: dict[str, Any], key: str, limit: int) -> str:
    value = body[key]
    if not isinstance(value, str) or len(value) > limit:
        raise Refusal(422, "invalid", f"{key} must be text of at most {limit} characters.", key)
    return value


def _object(body: dict[str, Any], key: str) -> dict[str, Any]:
    value = body[key]
    if not isinstance(value, dict):
        raise Refusal(422, "invalid", f"{key} must be an object.", key)
    return value
