"""Knobs of the alert half: who may send, how much, and how it is passed on."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from typing import ClassVar, Final

from grok_sauce.errors import SettingsError
from grok_sauce.settings import knob
from grok_sauce.values import dataclass

CHECKS: Final = ("off", "warn", "enforce")
MIN_SECRET: Final = 24
STANDARD_PREFIX: Final = "whsec_"  # Standard Webhooks: what follows is base64

# "9060:secret" or "nt-box:9060:secret": for that target alone.
_FOR_TARGET: Final = re.compile(r"(?:([A-Za-z0-9.-]{1,253}|\[[0-9a-f:]+\]):)?([1-9]\d{3,4}):(.+)")
_HEADER: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_PATH: Final = re.compile(r"(/[A-Za-z0-9_.~-]{1,64}){1,8}")


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """What the alert half may be told. Checked when made.

    Raises:
        SettingsError: naming the variable and what to do.
    """

    ENV: ClassVar[dict[str, str]] = {
        "router_port": "ROUTER_PORT",
        "router_url": "ROUTER_URL",
        "webhook_rate": "WEBHOOK_RATE",
        "unknown_per_minute": "WEBHOOK_UNKNOWN_PER_MINUTE",
        "unknown_per_day": "WEBHOOK_UNKNOWN_PER_DAY",
        "max_body_bytes": "WEBHOOK_MAX_BODY_BYTES",
        "read_timeout_s": "WEBHOOK_READ_TIMEOUT",
        "alarm": "WEBHOOK_ALARM",
        "high_water": "WEBHOOK_HIGH_WATER",
        "sources": "WEBHOOK_SOURCES",
        "source_list": "WEBHOOK_SOURCE_LIST",
        "client_cert": "WEBHOOK_CLIENT_CERT",
        "client_cert_header": "WEBHOOK_CLIENT_CERT_HEADER",
        "client_cert_name": "WEBHOOK_CLIENT_CERT_NAME",
        "webhook_secrets": "WEBHOOK_SIGNING_SECRET",
        "signature_tolerance_s": "WEBHOOK_SIGNATURE_TOLERANCE",
        "allow_unauthenticated": "ALLOW_UNAUTHENTICATED",
        "dedupe_window_s": "ALERT_DEDUPE_WINDOW_S",
        "dedupe_exact_s": "ALERT_DEDUPE_EXACT_S",
        "dedupe_exact_with_time_s": "ALERT_DEDUPE_EXACT_WITH_TIME_S",
        "store_wait_s": "ALERT_STORE_WAIT",
        "signing_secrets": "ALERT_SIGNING_SECRET",
        "target_hosts": "TARGET_HOSTS",
        "target_path": "TARGET_PATH",
        "connect_timeout_s": "TARGET_CONNECT_TIMEOUT",
        "send_timeout_s": "TARGET_TIMEOUT",
        "concurrent_sends": "TARGET_SENDS",
        "probe_s": "TARGET_PROBE",
        "max_attempts": "ALERT_MAX_ATTEMPTS",
        "keep_days": "ALERT_KEEP_DAYS",
        "keep_dead_days": "ALERT_KEEP_DEAD_DAYS",
    }

    router_port: int = knob(5011, low=1024, high=65535)
    router_url: str | None = knob(None, url=True)  # set: another process is the router

    webhook_rate: int = knob(600, low=1, high=1_000_000)  # a token, in 10 s
    unknown_per_minute: int = knob(10, low=1, high=100_000)  # an address without a valid secret
    unknown_per_day: int = knob(100, low=1, high=1_000_000)
    max_body_bytes: int = knob(16_384, low=1024, high=1_048_576)
    read_timeout_s: float = knob(5.0, low=0.1, high=60)
    alarm: int = knob(5000, low=1, high=10_000_000)  # undelivered alerts
    high_water: int = knob(50_000, low=1, high=10_000_000)
    sources: str = knob("off", choices=CHECKS)
    source_list: tuple[str, ...] = knob(())  # addresses or networks
    client_cert: str = knob("off", choices=CHECKS)
    client_cert_header: str = knob("x-client-cert-subject")  # lower case; set by the proxy
    client_cert_name: str = knob("TradingView Webhooks")  # the subject's CN
    webhook_secrets: tuple[str, ...] = knob((), secret=True)
    signature_tolerance_s: int = knob(300, low=1, high=3600)
    allow_unauthenticated: bool = knob(False)

    dedupe_window_s: int = knob(300, low=1, high=604_800)  # same ticker and trade_id
    dedupe_exact_s: int = knob(120, low=1, high=604_800)  # same text
    dedupe_exact_with_time_s: int = knob(86_400, low=1, high=604_800)  # same text, with a time
    store_wait_s: float = knob(0.8, low=0.05, high=2.5)  # TradingView gives up after 3 s

    signing_secrets: tuple[str, ...] = knob((), secret=True)
    target_hosts: tuple[str, ...] = knob(())  # besides localhost
    target_path: str = knob("/receive")
    connect_timeout_s: float = knob(1.0, low=0.05, high=30)
    send_timeout_s: float = knob(5.0, low=0.1, high=60)
    concurrent_sends: int = knob(16, low=1, high=64)
    probe_s: float = knob(10.0, low=1, high=3600)
    max_attempts: int = knob(60, low=1, high=1000)
    keep_days: int = knob(14, low=1, high=3650)
    keep_dead_days: int = knob(30, low=1, high=3650)

    def __post_init__(self) -> None:
        self._check_sources()
        if not _HEADER.fullmatch(self.client_cert_header):
            raise SettingsError(
                "WEBHOOK_CLIENT_CERT_HEADER must be a header's name in lower case",
                "WEBHOOK_CLIENT_CERT_HEADER",
            )
        if not _PATH.fullmatch(self.target_path) or "/.." in self.target_path:
            raise SettingsError("TARGET_PATH must be a path like /receive", "TARGET_PATH")
        if self.alarm > self.high_water:
            raise SettingsError(
                f"WEBHOOK_ALARM must not be above WEBHOOK_HIGH_WATER ({self.high_water})",
                "WEBHOOK_ALARM",
            )
        for text in self.webhook_secrets:
            _key(text, "WEBHOOK_SIGNING_SECRET")
        for text in self.signing_secrets:
            _key(_for_target(text)[1], "ALERT_SIGNING_SECRET")

    def _check_sources(self) -> None:
        for network in self.source_list:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise SettingsError(
                    f"WEBHOOK_SOURCE_LIST: {network!r} is not an address or network",
                    "WEBHOOK_SOURCE_LIST",
                ) from None
        if self.sources != "off" and not self.source_list:
            raise SettingsError(
                f"WEBHOOK_SOURCES={self.sources} needs the addresses in WEBHOOK_SOURCE_LIST",
                "WEBHOOK_SOURCE_LIST",
            )

    def webhook_keys(self) -> tuple[bytes, ...]:
        """The keys a sender may sign with."""
        return tuple(_key(text, "WEBHOOK_SIGNING_SECRET") for text in self.webhook_secrets)

    def signing_keys(self, target: str) -> tuple[bytes, ...]:
        """The keys what is sent to a target ("localhost:9060") is signed with; () unsigned.

        Secrets written for the target go before those written for all of them.
        """
        entries = [_for_target(text) for text in self.signing_secrets]
        own = [secret for name, secret in entries if name == target]
        common = [secret for name, secret in entries if name is None]
        return tuple(_key(secret, "ALERT_SIGNING_SECRET") for secret in own or common)


def _for_target(text: str) -> tuple[str | None, str]:
    """(target or None for all, secret) of one entry of ALERT_SIGNING_SECRET."""
    match = _FOR_TARGET.fullmatch(text)
    if match is None:
        return None, text
    return f"{match[1] or 'localhost'}:{match[2]}", match[3]


def _key(text: str, name: str) -> bytes:
    """The bytes of a secret: what follows whsec_ is base64, anything else is taken as it is."""
    if text.startswith(STANDARD_PREFIX):
        try:
            key = base64.b64decode(text[len(STANDARD_PREFIX) :], validate=True)
        except (binascii.Error, ValueError):
            raise SettingsError(f"{name}: what follows whsec_ is not base64", name) from None
    else:
        key = text.encode("utf-8")
    if len(key) < MIN_SECRET:
        raise SettingsError(
            f"{name} needs at least {MIN_SECRET} bytes; make one with "
            f'python3 -c "import secrets; print(secrets.token_urlsafe(32))"',
            name,
        )
    return key
