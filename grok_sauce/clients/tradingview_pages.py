"""What TradingView's pages and tokens say: a JWT's end, a page's token, a login's answer."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, Final

from grok_sauce.errors import BadPayload, GrokSauceError, SettingsError, SourceError, SourceRefused

COOKIES: Final = (
    "sign in at www.tradingview.com with your browser, copy the cookies sessionid and "
    "sessionid_sign into .env as TRADINGVIEW_SESSIONID and TRADINGVIEW_SESSIONID_SIGN, then retry"
)
_JWT: Final = re.compile(r"[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*")
_IN_PAGE: Final = re.compile(r'"auth_token"\s*:\s*"([^"\\]{1,8192})"')
_COOKIE: Final = re.compile(r"(?:^|[;,\s])(sessionid|sessionid_sign)=([^;,\s]{1,512})")
_CHALLENGE: Final = ("captcha", "robot")
_SECOND_FACTOR: Final = ("2fa", "two-factor", "two_factor", "twofactor", "totp")


def is_jwt(text: str) -> bool:
    """Whether it has the form of a token: three parts in base64url."""
    return _JWT.fullmatch(text) is not None


def expiry_of(token: str) -> float | None:
    """When a JWT ends, Unix seconds; None where it does not say. The signature is not looked at.

    >>> expiry_of("eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3OTc0NjM5Mjd9.c2ln")
    1797463927.0
    >>> expiry_of("not a token") is None
    True
    """
    if not is_jwt(token):
        return None
    middle = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    end = claims.get("exp") if isinstance(claims, dict) else None
    if isinstance(end, bool) or not isinstance(end, (int, float)) or not 0 < end < 1e11:
        return None
    return float(end)


def token_in(page: bytes) -> str | None:
    """The token in the page of somebody who is signed in; None when nobody is."""
    match = _IN_PAGE.search(page.decode("utf-8", "replace"))
    return match[1] if match is not None and is_jwt(match[1]) else None


def cookies_in(header: str) -> dict[str, str]:
    """sessionid and sessionid_sign out of Set-Cookie headers joined by commas.

    >>> cookies_in("a=1; Path=/, sessionid=abc; HttpOnly, sessionid_sign=v3:x; Secure")
    {'sessionid': 'abc', 'sessionid_sign': 'v3:x'}
    """
    return {match[1]: match[2] for match in _COOKIE.finditer(header)}


def login_token(answer: Any) -> str | None:
    """The token a login's answer holds; None where it came with cookies alone.

    Raises:
        SourceRefused: CAPTCHA, second factor, wrong password.
        BadPayload: not the documented shape.
    """
    if not isinstance(answer, dict):
        raise BadPayload("TradingView: the login's answer is no object")
    problem = answer.get("error") or answer.get("code")
    if problem:
        raise refused_login(f"{answer.get('error') or ''} {answer.get('code') or ''}".strip())
    user = answer.get("user")
    token = user.get("auth_token") if isinstance(user, dict) else None
    return token if isinstance(token, str) and is_jwt(token) else None


def refused_login(said: str) -> GrokSauceError:
    """What a refusal of the login means, and the next step."""
    low = said.lower()
    if any(word in low for word in _CHALLENGE):
        return SourceRefused(f"TradingView wants a CAPTCHA solved, which no program may; {COOKIES}")
    if any(word in low for word in _SECOND_FACTOR):
        return SourceRefused(f"TradingView wants the second factor; {COOKIES}")
    if "rate" in low or "too many" in low:
        return SourceError("TradingView: too many logins; it is tried again later")
    shown = " ".join("".join(c if c.isprintable() else " " for c in said).split())[:80]
    return SourceRefused(
        f"TradingView does not accept TRADINGVIEW_USERNAME and TRADINGVIEW_PASSWORD ({shown}); "
        f"correct them in .env, or {COOKIES}"
    )


def credentials_of(text: str) -> tuple[str, str]:
    """User name and password out of TRADINGVIEW_CREDENTIALS, base64 of a JSON object.

    Base64 hides nothing: it is as secret as the password itself.

    Raises:
        SettingsError: it is not that; what it holds is not repeated.
    """
    try:
        value = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error, RecursionError):
        value = None
    found = (
        [value.get(name) for name in ("username", "password")] if isinstance(value, dict) else []
    )
    if len(found) != 2 or not all(isinstance(part, str) and part for part in found):
        raise SettingsError(
            'TRADINGVIEW_CREDENTIALS must be base64 of {"username": ..., "password": ...}; use '
            "TRADINGVIEW_USERNAME and TRADINGVIEW_PASSWORD instead",
            "TRADINGVIEW_CREDENTIALS",
        )
    return str(found[0]), str(found[1])
