"""Knobs of the alert half: what is unsafe or contradictory is refused with the line to change."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from grok_sauce.alerts.settings import AlertSettings
from grok_sauce.errors import SettingsError
from grok_sauce.settings import read_env, secret_names

PLAIN = "a secret of enough characters"
OTHER = "another secret of enough characters"


@pytest.mark.parametrize(
    "given, name",
    [
        ({"sources": "enforce"}, "WEBHOOK_SOURCE_LIST"),
        ({"sources": "warn"}, "WEBHOOK_SOURCE_LIST"),
        ({"source_list": ("example.com",)}, "WEBHOOK_SOURCE_LIST"),
        ({"source_list": ("10.0.0.1/8",)}, "WEBHOOK_SOURCE_LIST"),
        ({"client_cert_header": "X-Client"}, "WEBHOOK_CLIENT_CERT_HEADER"),
        ({"client_cert_header": "a: b"}, "WEBHOOK_CLIENT_CERT_HEADER"),
        ({"target_path": "receive"}, "TARGET_PATH"),
        ({"target_path": "/a/../b"}, "TARGET_PATH"),
        ({"target_path": "/a?b"}, "TARGET_PATH"),
        ({"target_path": "/a\r\nX: y"}, "TARGET_PATH"),
        ({"alarm": 10, "high_water": 9}, "WEBHOOK_ALARM"),
        ({"webhook_secrets": ("short",)}, "WEBHOOK_SIGNING_SECRET"),
        ({"webhook_secrets": ("whsec_" + "%" * 40,)}, "WEBHOOK_SIGNING_SECRET"),
        ({"webhook_secrets": ("whsec_c2hvcnQ=",)}, "WEBHOOK_SIGNING_SECRET"),
        ({"signing_secrets": (PLAIN, "9060:short")}, "ALERT_SIGNING_SECRET"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, Any], name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        AlertSettings(**given)

    assert caught.value.field == name
    assert "short" not in str(caught.value)


def test_the_defaults_are_the_specifications() -> None:
    settings = AlertSettings()

    assert (settings.webhook_rate, settings.unknown_per_minute, settings.unknown_per_day) == (
        600,
        10,
        100,
    )
    assert (settings.alarm, settings.high_water, settings.max_body_bytes) == (5000, 50_000, 16_384)
    assert (settings.store_wait_s, settings.connect_timeout_s, settings.send_timeout_s) == (
        0.8,
        1.0,
        5.0,
    )
    assert (settings.keep_days, settings.keep_dead_days, settings.max_attempts) == (14, 30, 60)
    assert (settings.router_port, settings.target_path) == (5011, "/receive")
    assert not settings.allow_unauthenticated


def test_secrets_are_never_shown() -> None:
    assert secret_names(AlertSettings) == ("WEBHOOK_SIGNING_SECRET", "ALERT_SIGNING_SECRET")


def test_a_standard_secret_is_base64_and_any_other_is_taken_as_it_is() -> None:
    key = bytes(range(32))
    text = "whsec_" + base64.b64encode(key).decode()

    settings = read_env(AlertSettings, {"WEBHOOK_SIGNING_SECRET": f"{text}, {PLAIN}"})

    assert settings.webhook_keys() == (key, PLAIN.encode())


def test_a_targets_own_secrets_go_before_those_of_all() -> None:
    given = (
        f"{PLAIN},9060:{OTHER},localhost:9060:{PLAIN},nt-box:9061:{OTHER},[fd12::2]:9060:{OTHER}"
    )

    settings = read_env(AlertSettings, {"ALERT_SIGNING_SECRET": given})

    assert settings.signing_keys("localhost:9060") == (OTHER.encode(), PLAIN.encode())
    assert settings.signing_keys("nt-box:9061") == (OTHER.encode(),)
    assert settings.signing_keys("[fd12::2]:9060") == (OTHER.encode(),)
    assert settings.signing_keys("localhost:9061") == (PLAIN.encode(),)


def test_without_secrets_nothing_is_signed() -> None:
    assert AlertSettings().signing_keys("localhost:9060") == ()
    assert AlertSettings().webhook_keys() == ()
