"""What tastytrade's refusals mean: who must act, and what to do next."""

from __future__ import annotations

from typing import Final

from grok_sauce.errors import BadPayload, GrokSauceError, SourceError, SourceRefused
from grok_sauce.http import USER_AGENT, Answer, HttpStatus

GRANT: Final = (
    "make a new grant at my.tastytrade.com (Manage, My Profile, API, OAuth Applications) and put "
    "CLIENT_SECRET and REFRESH_TOKEN into .env"
)
RETIRED_LOGIN: Final = (
    "tastytrade retired the login with user name and password on 2026-02-11. Use OAuth instead: "
    + GRANT
    + "; the read scope is enough."
)


def explain(answer: Answer, what: str) -> GrokSauceError:
    """What an answer of tastytrade other than 2xx means: who, what, and the next step.

    SourceRefused when the user must act, SourceError when time may help, HttpStatus when
    it is about the one thing that was asked for.
    """
    status = answer.status
    if status == 401 and answer.is_html:
        return SourceRefused(
            f"tastytrade: 401 with a web page, which it answers to a User-Agent that is not "
            f"product/version; ours is {USER_AGENT}, so a proxy on the way changes it"
        )
    code, text = _error(answer)
    said = f"{code}: {text}" if text else code
    if code == "invalid_grant":
        return SourceRefused(f"tastytrade refused the grant ({text or code}); {GRANT}")
    if "customer_not_found" in code:
        return SourceRefused(
            "tastytrade: this login has no approved account, so it may not stream quotes; "
            "finish opening the account, then retry"
        )
    if code == "device_challenge_required":
        return SourceRefused(f"tastytrade wants a device check. {RETIRED_LOGIN}")
    if status == 401 or code in ("invalid_credentials", "invalid_client"):
        return SourceRefused(
            f"tastytrade does not accept the credentials for this {what} ({said}); production and "
            f"sandbox ones do not work for each other (TASTY_API_BASE); {GRANT}"
        )
    if status == 403:
        return SourceRefused(
            f"tastytrade: this {what} is not allowed ({said}); the grant needs the read scope"
        )
    if status == 429:
        return SourceError(f"tastytrade: too many requests ({what}); trying again later")
    if status >= 500:
        return SourceError(f"tastytrade: {status} for the {what}; in maintenance or disturbed")
    if 300 <= status < 400:
        return SourceError(f"tastytrade: the {what} was redirected; check TASTY_API_BASE")
    if what in ("login", "quote token"):
        return SourceRefused(f"tastytrade refused the {what} with {status} ({said}); {GRANT}")
    return HttpStatus(f"tastytrade: {status} for the {what} ({said})", answer)


def _error(answer: Answer) -> tuple[str, str]:
    """Code and message of either envelope, cut and on one line."""
    try:
        body = answer.json()
    except BadPayload:
        body = None
    code = text = ""
    if isinstance(body, dict):
        inner = body.get("error")
        if isinstance(inner, dict):
            code, text = inner.get("code", ""), inner.get("message", "")
        else:
            code = body.get("error_code") or inner or ""
            text = body.get("error_description", "")
    return _line(code, 80) or f"HTTP {answer.status}", _line(text, 160)


def _line(value: object, most: int) -> str:
    return " ".join(value[:most].split()) if isinstance(value, str) else ""
