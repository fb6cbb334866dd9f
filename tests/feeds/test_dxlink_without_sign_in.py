"""A server that asks for no token: the client waits for AUTHORIZED and never sends AUTH."""

from __future__ import annotations

import pytest

from grok_sauce.feeds.dxlink_messages import DxLinkSettings, TokenRejected
from grok_sauce.feeds.dxlink_protocol import DxLinkProtocol

AT, NOW = 1_797_449_527.0, 1000.0
SETUP = b'{"type":"SETUP","channel":0,"version":"1.0-test","keepaliveTimeout":60}'


def state(word: str) -> bytes:
    return b'{"type":"AUTH_STATE","channel":0,"state":"%s"}' % word.encode()


def test_authorized_straight_after_setup_opens_the_channels() -> None:
    protocol = DxLinkProtocol("", DxLinkSettings())
    first = protocol.start(NOW).texts

    waiting = protocol.feed_bytes(SETUP, AT, NOW).texts
    answered = protocol.feed_bytes(state("AUTHORIZED"), AT, NOW).texts

    assert len(first) == 1
    assert waiting == []
    assert [text.count('"CHANNEL_REQUEST"') for text in answered] == [1, 1]
    assert not any('"AUTH"' in text for text in (*first, *answered))


def test_a_server_that_wants_a_token_after_all_is_not_shown_an_empty_one() -> None:
    protocol = DxLinkProtocol("", DxLinkSettings())
    protocol.start(NOW)
    protocol.feed_bytes(SETUP, AT, NOW)

    with pytest.raises(TokenRejected, match="wants a quote token and there is none"):
        protocol.feed_bytes(state("UNAUTHORIZED"), AT, NOW)
