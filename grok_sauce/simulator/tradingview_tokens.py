"""TradingView tokens of the embedded market: made like the site's, checked, and outlived."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any, Final, Literal

from grok_sauce.runtime.clock import Clock
from grok_sauce.simulator.faults import Faults
from grok_sauce.simulator.tokens import Tokens

ANONYMOUS: Final = "unauthorized_user_token"
LIFE: Final = 4 * 3600.0  # seconds a token says it lives
_KEY: Final = b"the embedded market"  # nobody is kept out by it

Standing = Literal["paid", "ended", "anonymous"]


def _part(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _signature(body: str) -> str:
    digest = hmac.new(_KEY, body.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def make(tokens: Tokens, clock: Clock) -> str:
    """A token for somebody who is signed in: a JWT with its end inside."""
    now = int(clock.real())
    claims = {
        "user_id": 4711,
        "exp": now + int(LIFE),
        "iat": now,
        "plan": "premium",
        "perm": "",
        "jti": tokens.new_streamer(),
    }
    body = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{body}.{_signature(body)}"


def standing(token: str, tokens: Tokens, faults: Faults) -> Standing | None:
    """What a token is worth; None for one that was not given out here, or with the fault.

    An ended token is not refused, as in life: its holder has lost the paid rights.
    """
    if faults.flag("reject_token"):
        return None
    if token == ANONYMOUS:
        return "anonymous"
    body, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(body).encode()):
        return None
    middle = body.partition(".")[2]
    claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return "paid" if tokens.streamer_is_good(str(claims["jti"])) else "ended"
