"""Settings: knobs from `.env`, the typed settings.json, the store that owns it. A leaf."""

from __future__ import annotations

from typing import ClassVar, Final

from grok_sauce.errors import SettingsError
from grok_sauce.settings.document import (
    GROUPS,
    MAX_SYMBOLS,
    SCHEMA,
    Display,
    Settings,
    as_document,
    changes,
    validate,
)
from grok_sauce.settings.environment import (
    knob,
    load_environment,
    read_env,
    secret_names,
    write_env,
)
from grok_sauce.settings.migrate import migrate
from grok_sauce.settings.old_names import OLD_NAMES, modernise
from grok_sauce.settings.store import SettingsConflict, SettingsStore, parse, write_whole
from grok_sauce.values import dataclass


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """Knobs of the process as a whole."""

    ENV: ClassVar[dict[str, str]] = {"async_mode": "ASYNC_MODE"}

    async_mode: str = knob("eventlet", choices=("eventlet", "threading"))


# Variables that are secrets: a page is told whether they are set, never what they hold.
SECRETS: Final = (
    "CLIENT_SECRET",
    "REFRESH_TOKEN",
    "DASHBOARD_PASSWORD",
    "API_TOKEN",
    "FOREX_TOKEN",
    "ROUTER_TOKEN",
    "ALERT_SIGNING_SECRET",
    "WEBHOOK_SIGNING_SECRET",
    "NEWSAPI_KEY",
    "FRED_API_KEY",
    "EMAIL_PASSWORD",
    "NOTICE_TARGETS",
    "TWILIO_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_PHONE",
    "YOUR_PHONE",
    "TRADINGVIEW_JWT_TOKEN",
    "TRADINGVIEW_SESSIONID",
    "TRADINGVIEW_SESSIONID_SIGN",
    "TRADINGVIEW_PASSWORD",
    "TRADINGVIEW_CREDENTIALS",
    "REDIS_URL",  # may hold a password
)

__all__ = [
    "GROUPS",
    "MAX_SYMBOLS",
    "OLD_NAMES",
    "SCHEMA",
    "SECRETS",
    "Display",
    "ProcessSettings",
    "Settings",
    "SettingsConflict",
    "SettingsError",
    "SettingsStore",
    "as_document",
    "changes",
    "knob",
    "load_environment",
    "migrate",
    "modernise",
    "parse",
    "read_env",
    "secret_names",
    "validate",
    "write_env",
    "write_whole",
]
