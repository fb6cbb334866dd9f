"""Knobs of the web part: password, names, proxies, token and limits."""

from __future__ import annotations

import ipaddress
import re
from typing import ClassVar

from grok_sauce.errors import SettingsError
from grok_sauce.settings import knob
from grok_sauce.values import dataclass
from grok_sauce.web.visitors import LOOPBACK_NAMES, parse_host

MIN_PASSWORD = 8
MIN_TOKEN = 24
_FOREX_TOKEN = re.compile(r"[A-Za-z0-9_-]{24,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What the web part may be told. Checked when made.

    Raises:
        SettingsError: naming the variable and the line to add or change.
    """

    ENV: ClassVar[dict[str, str]] = {
        "dashboard_password": "DASHBOARD_PASSWORD",
        "public_hosts": "PUBLIC_HOSTS",
        "trusted_proxies": "TRUSTED_PROXIES",
        "api_token": "API_TOKEN",
        "forex_token": "FOREX_TOKEN",
        "writes_per_hour": "WRITES_PER_HOUR",
        "reads_per_minute": "READS_PER_MINUTE",
        "logins_per_hour": "LOGINS_PER_HOUR",
        "max_body_bytes": "MAX_BODY_BYTES",
    }

    dashboard_password: str | None = knob(None, secret=True)  # plain, or "scrypt:…" of Werkzeug
    public_hosts: tuple[str, ...] = knob(())  # names besides loopback, host or host:port
    trusted_proxies: tuple[str, ...] = knob(())  # addresses or networks
    api_token: str | None = knob(None, secret=True)
    forex_token: str | None = knob(None, secret=True)  # none: made once, in the data folder
    writes_per_hour: int = knob(600, low=10, high=100_000)  # per client
    reads_per_minute: int = knob(1200, low=60, high=100_000)  # per client, loopback is free
    logins_per_hour: int = knob(20, low=3, high=1000)  # failed ones, per client
    max_body_bytes: int = knob(262_144, low=16_384, high=10_000_000)

    def __post_init__(self) -> None:
        if self.dashboard_password is not None and len(self.dashboard_password) < MIN_PASSWORD:
            raise SettingsError(
                f"DASHBOARD_PASSWORD needs at least {MIN_PASSWORD} characters", "DASHBOARD_PASSWORD"
            )
        if self.api_token is not None and len(self.api_token) < MIN_TOKEN:
            raise SettingsError(
                f"API_TOKEN needs at least {MIN_TOKEN} characters; make one with "
                f'python3 -c "import secrets; print(secrets.token_urlsafe(32))"',
                "API_TOKEN",
            )
        if self.forex_token is not None and not _FOREX_TOKEN.fullmatch(self.forex_token):
            raise SettingsError(
                "FOREX_TOKEN must be 24 to 128 letters, digits, - or _; leave it out and one is "
                "made for you",
                "FOREX_TOKEN",
            )
        for host in self.public_hosts:
            if parse_host(host) is None:
                raise SettingsError(
                    f"PUBLIC_HOSTS: {host!r} is not a name like dash.example.org", "PUBLIC_HOSTS"
                )
        if self.public_hosts and self.dashboard_password is None:
            raise SettingsError(
                "PUBLIC_HOSTS needs a password: add DASHBOARD_PASSWORD=... to .env", "PUBLIC_HOSTS"
            )
        for network in self.trusted_proxies:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise SettingsError(
                    f"TRUSTED_PROXIES: {network!r} is not an address or network like 10.0.0.0/8",
                    "TRUSTED_PROXIES",
                ) from None


def check_bind(settings: WebSettings, host: str) -> None:
    """Refuse to listen beyond this machine without a password.

    Raises:
        SettingsError: with the line to add.
    """
    if is_loopback(host) or settings.dashboard_password is not None:
        return
    raise SettingsError(
        f"--host {host} lets others in, which needs a password: add DASHBOARD_PASSWORD=... to .env",
        "DASHBOARD_PASSWORD",
    )


def is_loopback(host: str) -> bool:
    """Can only this machine connect there? A name other than localhost counts as beyond it."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
