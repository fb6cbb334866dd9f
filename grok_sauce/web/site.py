"""What all views share: the parts handed in, the context of every page, addresses of files."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Protocol

import flask
from flask.json.provider import DefaultJSONProvider

from grok_sauce import __version__
from grok_sauce.controls import Controls
from grok_sauce.questions import Questions, Unavailable
from grok_sauce.runtime.clock import Clock
from grok_sauce.settings import Settings
from grok_sauce.values import dataclass
from grok_sauce.web import PAGES, Page
from grok_sauce.web.alert_parts import AlertParts
from grok_sauce.web.auth import Auth
from grok_sauce.web.errors import Refusal
from grok_sauce.web.forex_token import ForexToken
from grok_sauce.web.limits import Limits
from grok_sauce.web.security import Guard, csp_nonce
from grok_sauce.web.settings import WebSettings

log = logging.getLogger(__name__)


class ReadsSnapshot(Protocol):
    """What pages read: publishers.snapshot.Snapshot."""

    epoch: str

    def seq(self, room: str) -> int: ...
    def rows(self) -> list[dict[str, Any]]: ...
    def read(self, topic: str, key: str = "") -> tuple[int, dict[str, Any]]: ...
    def health(self) -> dict[str, Any] | None: ...


class HoldsSettings(Protocol):
    """What pages need of the settings without asking: settings.SettingsStore."""

    problem: str | None

    @property
    def settings(self) -> Settings: ...


@dataclass(frozen=True, slots=True)
class WebDeps:
    """What the machine hands to the web part.

    absent and reasons are sentences for parts of /setup and /indicator that this process
    does not have ({"news": "..."} and {"headlines": "..."}). alerts is None where this process
    has no router; router_url is then where alerts are taken, if anywhere. pages are those that
    this process serves, the first is where / leads.
    """

    snapshot: ReadsSnapshot
    controls: Controls
    questions: Questions
    settings_store: HoldsSettings
    clock: Clock
    data_dir: Path
    web: WebSettings
    templates: Path
    static: Path
    absent: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    alerts: AlertParts | None = None
    router_url: str | None = None
    pages: tuple[Page, ...] = PAGES


@dataclass(frozen=True, slots=True)
class Site:
    """The parts joined; every view gets it first."""

    deps: WebDeps
    auth: Auth
    guard: Guard
    limits: Limits
    ea_token: ForexToken | None = None  # where this process has a market

    @property
    def forex(self) -> ForexToken:
        """The token of the EA exchange.

        Raises:
            Refusal: 503, this process has none.
        """
        if self.ea_token is None:
            raise Refusal(503, "unavailable", "This process has no EA exchange.")
        return self.ea_token

    def ask(self, name: str, timeout: float = 5.0, **params: Any) -> Any:
        """A question's answer.

        Raises:
            Refusal: 503 with the reason when there is none.
        """
        found = self.deps.questions.ask(name, params, timeout)
        if isinstance(found, Unavailable):
            raise Refusal(503, "unavailable", found.reason)
        return found


class StrictJson(DefaultJSONProvider):
    """JSON that is JSON: NaN is a bug here, not a value. Keys keep their order."""

    sort_keys = False
    compact = True

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """As the default, with NaN and Infinity refused."""
        return super().dumps(obj, **{"allow_nan": False, **kwargs})


class Assets:
    """Addresses of files below static/ that change with their content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[tuple[int, int], str]] = {}

    def url(self, name: str) -> str:
        """The address of a file; without its hash when there is no such file."""
        path = self._folder / name
        try:
            facts = path.stat()
            stamp = (facts.st_mtime_ns, facts.st_size)
            known = self._known.get(name)
            if known is None or known[0] != stamp:
                known = (stamp, hashlib.sha256(path.read_bytes()).hexdigest()[:12])
                self._known[name] = known
        except OSError as problem:
            log.error("static file %s: %s", name, problem.strerror)  # noqa: TRY400 - no bug here
            return f"/static/{name}"
        return f"/static/{name}?v={known[1]}"


def script_json(value: Any) -> str:
    """JSON that can stand between script tags: nothing in it ends the element.

    >>> script_json({"name": "</script>"})
    '{"name":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def install_context(app: flask.Flask, site: Site, assets: Assets) -> None:
    """Give every template what templates/base.html says it may expect."""

    def context() -> dict[str, Any]:
        store = site.deps.settings_store
        allowed = bool(flask.g.get("allowed"))
        known = flask.g.visitor.known_host  # a stranger gets no cookie
        return {
            "pages": site.deps.pages,
            "csp_nonce": csp_nonce(),
            "csrf_token": site.auth.csrf_token(flask.session) if known else "",
            "display": store.settings.display,
            # Whoever is not signed in sees a form, not the state of the machine.
            "health": site.deps.snapshot.health() if allowed else None,
            "settings_problem": store.problem if allowed else None,
            "signed_in": site.auth.signed_in(flask.session),
            "version": __version__,
            "asset": assets.url,
        }

    app.context_processor(context)
    app.jinja_env.filters["script_json"] = _markup_json


def _markup_json(value: Any) -> Any:
    from markupsafe import Markup

    return Markup(script_json(value))


def page(template: str, name: str, **context: Any) -> flask.Response:
    """A page rendered."""
    return flask.Response(
        flask.render_template(template, page=name, **context), mimetype="text/html"
    )


def respond(value: Any, status: int = 200) -> flask.Response:
    """JSON."""
    response = flask.jsonify(value)
    response.status_code = status
    return response


View = Callable[..., Any]
