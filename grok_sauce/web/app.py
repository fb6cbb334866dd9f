"""The Flask application: joins guard, sessions, context and views; nothing starts here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import flask
from jinja2 import FileSystemBytecodeCache
from werkzeug.wrappers import Response

from grok_sauce.web import (
    alerts,
    butterfly,
    calendar,
    chart,
    errors,
    forex,
    gex,
    gex_api,
    indicator,
    login,
    lt,
    news,
    notices,
    profile,
    reactions,
    replay,
    setup,
    signals,
    status,
    strategies,
    studies,
)
from grok_sauce.web.auth import Auth, secret_keys
from grok_sauce.web.forex_token import FILE_NAME, ForexToken
from grok_sauce.web.format import FILTERS
from grok_sauce.web.limits import Limits
from grok_sauce.web.routes import ROUTES, Access, of_market
from grok_sauce.web.security import Guard
from grok_sauce.web.sessions import COOKIE_LIFE, CookieSessions
from grok_sauce.web.site import Assets, Site, StrictJson, View, WebDeps, install_context
from grok_sauce.web.tickers import Ticker
from grok_sauce.web.visitors import networks
from grok_sauce.web.webhook import Sender, WebhookLayer, Wsgi, sender_of, webhook_layer

OPENAPI: Final = Path(__file__).with_name("openapi.json")
SITE: Final = "grok_sauce.site"
# What a process without pages answers.
FOR_WATCHDOGS: Final = frozenset({"health", "api.health", "metrics"})
WEBHOOK: Final = "grok_sauce.webhook"


def root(site: Site) -> Response:
    """GET /."""
    return flask.redirect(login.home(site))


def static(site: Site, filename: str) -> Response:
    """GET /static/…."""
    return flask.send_from_directory(site.deps.static, filename)


def openapi(site: Site) -> flask.Response:
    """GET /api/openapi.json."""
    return flask.Response(OPENAPI.read_bytes(), mimetype="application/json")


VIEWS: Final[Mapping[str, View]] = {
    "root": root,
    "static": static,
    "login": login.form,
    "login.submit": login.submit,
    "logout": login.sign_out,
    "indicator": indicator.show,
    "gex.index": gex.index,
    "gex": gex.show,
    "gex.levels": gex_api.signal_levels,
    "lt.levels": lt.levels,
    "gex.refresh": gex_api.refresh,
    "chart.index": chart.index,
    "chart": chart.show,
    "butterfly": butterfly.show,
    "news": news.show,
    "calendar": calendar.show,
    "alerts": alerts.show,
    "strategies": strategies.show,
    "signals": signals.show,
    "setup": setup.show,
    "status": status.show,
    "health": status.health,
    "metrics": status.metrics,
    "api.openapi": openapi,
    "api.indicator": indicator.rows,
    "api.health": status.health,
    "api.gex": gex_api.levels,
    "api.gex.symbol": gex_api.levels,
    "api.chain": gex_api.chain,
    "api.chain.symbol": gex_api.chain,
    "api.history.gex": gex_api.history,
    "api.studies": studies.studies,
    "api.history.reactions": reactions.history,
    "api.reactions": reactions.week,
    "api.news": news.headlines,
    "api.news.search": news.search,
    "api.sentiment": news.sentiment,
    "api.econ": news.economy,
    "api.candles": chart.candles,
    "api.candles.csv": chart.export,
    "api.butterfly": butterfly.price,
    "api.butterfly.candidates": butterfly.candidates,
    "api.butterfly.save": butterfly.save,
    "api.butterfly.remove": butterfly.remove,
    "api.calendar": calendar.events,
    "api.profile": profile.profile,
    "api.orb": profile.orb,
    "api.signals": signals.state,
    "api.signals.csv": signals.export,
    "api.signals.evaluations": signals.evaluations,
    "api.signals.evaluation": signals.evaluation,
    "strategy.enable": signals.enable,
    "strategy.disable": signals.disable,
    "api.alerts": alerts.rows,
    "api.alerts.csv": alerts.export,
    "api.alerts.security": alerts.security,
    "api.alerts.audit": alerts.audit,
    "api.alerts.one": alerts.one,
    "api.alerts.pause": alerts.pause,
    "api.alerts.dry": alerts.dry,
    "api.alerts.replay": alerts.replay,
    "api.alerts.acknowledge": alerts.acknowledge,
    "api.alerts.cancel": alerts.cancel,
    "api.alerts.decide": alerts.decide,
    "api.routing": strategies.tree,
    "api.routing.edit": strategies.edit,
    "api.routing.test": strategies.test,
    "api.routing.pause_today": strategies.pause_today,
    "api.routing.export": strategies.export,
    "api.routing.import": strategies.take_in,
    "api.tokens": strategies.tokens,
    "api.tokens.add": strategies.add_token,
    "api.tokens.delete": strategies.delete_token,
    "api.tokens.reveal": strategies.reveal,
    "forex": forex.show,
    "forex.settings": forex.old_settings,
    "forex.take": forex.take,
    "api.forex.settings": forex.settings,
    "api.forex.blackout": forex.blackout,
    "api.forex.trades": forex.trades,
    "api.forex.trades.csv": forex.export,
    "api.forex.token": forex.renew,
    "api.forex.token.reveal": forex.reveal,
    "api.settings": setup.read,
    "api.settings.save": setup.save,
    "api.settings.export": setup.export,
    "api.settings.import": setup.take_in,
    "api.notices": notices.read,
    "api.notices.test": notices.test,
    "api.symbols": setup.symbols,
    "api.symbols.check": setup.check_symbol,
    "api.credentials.test": setup.test_credentials,
    "api.credentials.save": setup.save_credentials,
    "api.sources.retry": setup.retry_source,
    "api.replay": replay.control,
}


def create_app(deps: WebDeps) -> flask.Flask:
    """The application over what the machine hands in.

    Writes secret.key, and with a market forex_token, into data_dir when missing.

    Raises:
        StartupError: one of them cannot be read or made.
    """
    app = flask.Flask("grok_sauce", static_folder=None, template_folder=str(deps.templates))
    keys = secret_keys(deps.data_dir / "secret.key")
    app.config.update(
        SECRET_KEY=keys[0],
        SECRET_KEY_FALLBACKS=keys[1:],
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=COOKIE_LIFE,
        MAX_CONTENT_LENGTH=deps.web.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=deps.web.max_body_bytes,
        MAX_FORM_PARTS=20,
    )
    app.json = StrictJson(app)
    app.url_map.converters["ticker"] = Ticker
    app.url_map.converters["alert"] = alerts.AlertId
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # one address a thing; a redirect would drop a body
    auth = Auth(deps.web, keys, deps.clock)
    limits = Limits(app, deps.web, deps.clock)
    has_market = any(entry.name == "indicator" for entry in deps.pages)
    token = ForexToken(deps.data_dir / FILE_NAME, deps.web.forex_token) if has_market else None
    guard = Guard(deps.web, auth, limits, token)
    site = Site(deps, auth, guard, limits, token)
    app.session_interface = CookieSessions(guard.visitor)
    app.jinja_env.bytecode_cache = _compiled(deps.data_dir / "cache" / "templates")
    app.jinja_env.filters.update(FILTERS)
    guard.install(app)
    install_context(app, site, Assets(deps.static))
    errors.install(app)
    for route in ROUTES:
        if route.access is Access.SENDER or (of_market(route) and not has_market):
            continue
        if not deps.pages and route.endpoint not in FOR_WATCHDOGS:
            continue
        app.add_url_rule(
            route.rule,
            route.endpoint,
            partial(VIEWS[route.endpoint], site),
            methods=[route.method],
            provide_automatic_options=False,
        )
    app.extensions[SITE] = site
    layer = _with_webhook(app, deps)
    app.extensions[WEBHOOK] = layer
    app.wsgi_app = cast(Any, layer)  # type: ignore[method-assign]
    return app


def webhook_of(app: flask.Flask) -> WebhookLayer:
    """What answers the paths of alerts, for a server that can ask it without WSGI."""
    return cast(WebhookLayer, app.extensions[WEBHOOK])


def _with_webhook(app: flask.Flask, deps: WebDeps) -> WebhookLayer:
    """The application behind the layer that takes alerts, or says who takes them."""
    proxies = networks(deps.web.trusted_proxies)
    inner = cast(Wsgi, app.wsgi_app)

    def sender(environ: Mapping[str, Any]) -> Sender:
        return sender_of(environ, proxies)

    half = deps.alerts
    if half is None:
        return webhook_layer(inner, None, sender, deps.router_url)
    return webhook_layer(
        inner,
        half.intake.answer,
        sender,
        max_body=half.settings.max_body_bytes,
        read_s=half.settings.read_timeout_s,
        refused=half.refused,
        clock=deps.clock,
    )


def _compiled(folder: Path) -> FileSystemBytecodeCache:
    """Compiled templates, kept: compiling takes 100 ms of the first answer after a start."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # code: for the owner alone
    return FileSystemBytecodeCache(str(folder))


def address_of(app: flask.Flask, environ: Mapping[str, Any]) -> str:
    """The browser's address behind trusted proxies; "via ..." when a proxy hides it."""
    return cast(Site, app.extensions[SITE]).guard.visitor(environ).client


def may_connect(app: flask.Flask, environ: Mapping[str, Any]) -> str | None:
    """Why a Socket.IO connection with this WSGI environment is refused; None lets it in."""
    site = cast(Site, app.extensions[SITE])
    with app.request_context(cast(Any, environ)):
        return site.guard.may_connect(environ, flask.session)
