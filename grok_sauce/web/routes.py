"""Every route with its access class: the one table the guard obeys and the tests walk."""

from __future__ import annotations

from enum import Enum
from typing import Final

from grok_sauce.values import dataclass


class Access(Enum):
    """What a request needs besides a known Host."""

    PUBLIC = "public"  # nothing: no data of the user in it
    LOGIN = "login"  # the sign-in form: CSRF token, failed tries limited
    PAGE = "page"  # a login when a password is set, else the way to /login
    READ = "read"  # a login or API token when a password is set
    WRITE = "write"  # a CSRF token with a login, an API token, or a local program
    EA_READ = "ea_read"  # as READ, or the token of an expert advisor
    EA_WRITE = "ea_write"  # that token, an API token, or a CSRF token with a login
    SENDER = "sender"  # a sender's own token, under any Host; answered before Flask (webhook.py)


@dataclass(frozen=True, slots=True)
class Route:
    """One address and method; endpoint names the view in app.VIEWS (a sender's has none)."""

    method: str
    rule: str
    endpoint: str
    access: Access


ROUTES: Final = (
    Route("GET", "/", "root", Access.PUBLIC),
    Route("GET", "/static/<path:filename>", "static", Access.PUBLIC),
    Route("GET", "/login", "login", Access.PUBLIC),
    Route("POST", "/login", "login.submit", Access.LOGIN),
    Route("POST", "/logout", "logout", Access.WRITE),
    Route("GET", "/indicator", "indicator", Access.PAGE),
    Route("GET", "/gex", "gex.index", Access.PAGE),
    Route("GET", "/gex/<ticker:symbol>", "gex", Access.PAGE),
    Route("GET", "/gex/levels", "gex.levels", Access.READ),
    Route("POST", "/gex/refresh", "gex.refresh", Access.WRITE),
    Route("GET", "/lt/levels", "lt.levels", Access.READ),
    Route("GET", "/chart", "chart.index", Access.PAGE),
    Route("GET", "/chart/<ticker:symbol>", "chart", Access.PAGE),
    Route("GET", "/butterfly", "butterfly", Access.PAGE),
    Route("GET", "/news", "news", Access.PAGE),
    Route("GET", "/calendar", "calendar", Access.PAGE),
    Route("GET", "/alerts", "alerts", Access.PAGE),
    Route("GET", "/strategies", "strategies", Access.PAGE),
    Route("GET", "/signals", "signals", Access.PAGE),
    Route("GET", "/setup", "setup", Access.PAGE),
    Route("GET", "/status", "status", Access.PAGE),
    Route("GET", "/health", "health", Access.PUBLIC),  # without a login it says ok or not, no more
    Route("GET", "/metrics", "metrics", Access.READ),
    Route("GET", "/api/openapi.json", "api.openapi", Access.READ),
    Route("GET", "/api/indicator", "api.indicator", Access.READ),
    Route("GET", "/api/health", "api.health", Access.PUBLIC),
    Route("GET", "/api/gex", "api.gex", Access.READ),
    Route("GET", "/api/gex/<ticker:symbol>", "api.gex.symbol", Access.READ),
    Route("GET", "/api/chain.csv", "api.chain", Access.READ),
    Route("GET", "/api/chain/<ticker:symbol>.csv", "api.chain.symbol", Access.READ),
    Route("GET", "/api/history/gex", "api.history.gex", Access.READ),
    Route("GET", "/api/studies", "api.studies", Access.READ),
    Route("GET", "/api/history/reactions", "api.history.reactions", Access.READ),
    Route("GET", "/api/reactions", "api.reactions", Access.READ),
    Route("GET", "/api/news", "api.news", Access.READ),
    Route("POST", "/api/news/search", "api.news.search", Access.WRITE),
    Route("GET", "/api/sentiment", "api.sentiment", Access.READ),
    Route("GET", "/api/econ", "api.econ", Access.READ),
    Route("GET", "/api/candles", "api.candles", Access.READ),
    Route("GET", "/api/candles.csv", "api.candles.csv", Access.READ),
    Route("GET", "/api/butterfly", "api.butterfly", Access.READ),
    Route("GET", "/api/butterfly/candidates", "api.butterfly.candidates", Access.READ),
    Route("POST", "/api/butterfly/candidates", "api.butterfly.save", Access.WRITE),
    Route("DELETE", "/api/butterfly/candidates", "api.butterfly.remove", Access.WRITE),
    Route("GET", "/api/calendar", "api.calendar", Access.READ),
    Route("GET", "/api/profile", "api.profile", Access.READ),
    Route("GET", "/api/orb", "api.orb", Access.READ),
    Route("GET", "/api/signals", "api.signals", Access.READ),
    Route("GET", "/api/signals.csv", "api.signals.csv", Access.READ),
    Route("GET", "/api/signals/evaluations", "api.signals.evaluations", Access.READ),
    Route("GET", "/api/signals/evaluations/<int:seq>", "api.signals.evaluation", Access.READ),
    Route("POST", "/strategy/enable", "strategy.enable", Access.WRITE),
    Route("POST", "/strategy/disable", "strategy.disable", Access.WRITE),
    Route("GET", "/api/alerts", "api.alerts", Access.READ),
    Route("GET", "/api/alerts.csv", "api.alerts.csv", Access.READ),
    Route("GET", "/api/alerts/security", "api.alerts.security", Access.READ),
    Route("GET", "/api/alerts/audit", "api.alerts.audit", Access.READ),
    Route("GET", "/api/alerts/<alert:id>", "api.alerts.one", Access.READ),
    Route("POST", "/api/alerts/pause", "api.alerts.pause", Access.WRITE),
    Route("POST", "/api/alerts/dry", "api.alerts.dry", Access.WRITE),
    Route("POST", "/api/alerts/replay", "api.alerts.replay", Access.WRITE),
    Route("POST", "/api/alerts/acknowledge", "api.alerts.acknowledge", Access.WRITE),
    Route("POST", "/api/alerts/<alert:id>/cancel", "api.alerts.cancel", Access.WRITE),
    Route("POST", "/api/alerts/<alert:id>/decide", "api.alerts.decide", Access.WRITE),
    Route("GET", "/api/routing", "api.routing", Access.READ),
    Route("POST", "/api/routing/edit", "api.routing.edit", Access.WRITE),
    Route("POST", "/api/routing/test", "api.routing.test", Access.WRITE),
    Route("POST", "/api/routing/pause_today", "api.routing.pause_today", Access.WRITE),
    Route("GET", "/api/routing/export", "api.routing.export", Access.READ),
    Route("POST", "/api/routing/import", "api.routing.import", Access.WRITE),
    Route("GET", "/api/tokens", "api.tokens", Access.READ),
    Route("POST", "/api/tokens", "api.tokens.add", Access.WRITE),
    Route("DELETE", "/api/tokens", "api.tokens.delete", Access.WRITE),
    Route("POST", "/api/tokens/reveal", "api.tokens.reveal", Access.WRITE),
    Route("POST", "/webhook", "webhook", Access.SENDER),
    Route("POST", "/webhook/<token>", "webhook.token", Access.SENDER),
    Route("GET", "/forex", "forex", Access.PAGE),
    Route("GET", "/forex_settings_json", "forex.settings", Access.EA_READ),
    Route("POST", "/forex_trades", "forex.take", Access.EA_WRITE),
    Route("GET", "/api/forex/settings", "api.forex.settings", Access.EA_READ),
    Route("GET", "/api/forex/blackout", "api.forex.blackout", Access.EA_READ),
    Route("GET", "/api/forex/trades", "api.forex.trades", Access.READ),
    Route("GET", "/api/forex/trades.csv", "api.forex.trades.csv", Access.READ),
    Route("POST", "/api/forex/token", "api.forex.token", Access.WRITE),
    Route("POST", "/api/forex/token/reveal", "api.forex.token.reveal", Access.WRITE),
    Route("POST", "/api/replay", "api.replay", Access.WRITE),
    Route("GET", "/api/settings", "api.settings", Access.READ),
    Route("PUT", "/api/settings", "api.settings.save", Access.WRITE),
    Route("GET", "/api/settings/export", "api.settings.export", Access.READ),
    Route("POST", "/api/settings/import", "api.settings.import", Access.WRITE),
    Route("GET", "/api/notices", "api.notices", Access.READ),
    Route("POST", "/api/notices/test", "api.notices.test", Access.WRITE),
    Route("GET", "/api/symbols", "api.symbols", Access.READ),
    Route("GET", "/api/symbols/check", "api.symbols.check", Access.READ),
    Route("POST", "/api/credentials/test", "api.credentials.test", Access.WRITE),
    Route("POST", "/api/credentials", "api.credentials.save", Access.WRITE),
    Route("POST", "/api/sources/<name>/retry", "api.sources.retry", Access.WRITE),
)

# First words of endpoints that need a market: a process that is the router alone has none.
_MARKET: Final = frozenset(
    {
        "indicator",
        "gex",
        "chain",
        "history",
        "reactions",
        "butterfly",
        "chart",
        "candles",
        "lt",
        "calendar",
        "profile",
        "orb",
        "studies",
        "news",
        "econ",
        "forex",
        "sentiment",
        "setup",
        "signals",
        "strategy",
        "settings",
        "notices",
        "symbols",
        "credentials",
        "sources",
        "replay",
    }
)


def of_market(route: Route) -> bool:
    """Does a route show or change something of the market half?"""
    return route.endpoint.removeprefix("api.").partition(".")[0] in _MARKET
