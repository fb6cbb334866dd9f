"""The dxLink server started without sign-in, as a public server is."""

from __future__ import annotations

from typing import Any

from grok_sauce.runtime.clock import ManualClock
from grok_sauce.simulator.dxlink_server import Limits


def test_it_says_authorized_straight_after_setup_and_serves(talk: Any, clock: ManualClock) -> None:
    free = type(talk)(clock, limits=Limits(sign_in=False))

    setup, state = free.setup()
    answers = free.say("CHANNEL_REQUEST", 1, service="FEED", parameters={"contract": "AUTO"})

    assert setup["type"] == "SETUP"
    assert state["state"] == "AUTHORIZED"
    assert [each["type"] for each in answers] == ["CHANNEL_OPENED"]


def test_with_sign_in_a_channel_is_refused_before_it(talk: Any) -> None:
    talk.setup()

    answers = talk.say("CHANNEL_REQUEST", 1, service="FEED", parameters={"contract": "AUTO"})

    assert [each["error"] for each in answers] == ["UNAUTHORIZED"]
