"""TradingView's pages in the embedded market: the front page, the login, the Pine service."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from grok_sauce.simulator import tradingview_tokens
from grok_sauce.simulator.http1 import Request, Response, json_response
from grok_sauce.simulator.services import Route, Services
from grok_sauce.simulator.tokens import DEMO
from grok_sauce.simulator.tradingview_study import description

_COOKIES: Final = (
    ("Set-Cookie", f"sessionid={DEMO}; Domain=.tradingview.com; HttpOnly; Path=/; Secure"),
    ("Set-Cookie", f"sessionid_sign=v3:{DEMO}; Domain=.tradingview.com; Path=/; Secure"),
)


def anybody(services: Services, request: Request) -> Response | None:
    """Pages are shown to everybody."""
    return None


def signed_in(request: Request) -> bool:
    """Whether the cookies of the demo's account came with it."""
    pairs = [part.strip().partition("=") for part in request.headers.get("cookie", "").split(";")]
    return ("sessionid", "=", DEMO) in pairs


def front_page(services: Services, request: Request) -> Response:
    """The site's page; it holds a token for who is signed in."""
    user = '{"username":"Guest","id":null}'
    if signed_in(request):
        token = tradingview_tokens.make(services.tokens, services.clock)
        user = f'{{"id":4711,"username":"{DEMO}","auth_token":"{token}","is_pro":true}}'
    page = f"<!doctype html><html><head><script>var user = {user};</script></head></html>"
    return Response(200, page.encode(), "text/html; charset=utf-8")


def sign_in(services: Services, request: Request) -> Response:
    """The login form: demo, demo; answers are 200 whatever comes of it, as in life."""
    form = parse_qs(request.body.decode("utf-8", "replace"))
    if services.faults.text("tradingview") == "captcha":
        said = {"error": "Please confirm that you are not a robot", "code": "recaptcha_required"}
        return json_response(200, said)
    if form.get("username") != [DEMO] or form.get("password") != [DEMO]:
        said = {"error": "Invalid username or password", "code": "invalid_credentials"}
        return json_response(200, said)
    token = tradingview_tokens.make(services.tokens, services.clock)
    user = {"id": 4711, "username": DEMO, "auth_token": token, "session_hash": "0" * 32}
    answer = json_response(200, {"error": "", "user": user})
    return Response(200, answer.body, headers=_COOKIES)


def translate(services: Services, request: Request) -> Response:
    """A script for those who may use it."""
    if not signed_in(request) or services.faults.text("tradingview") == "study":
        return json_response(200, {"success": False, "reason": "access denied"})
    found = description(request.params["script"], request.params["version"])
    if found is None:
        return json_response(200, {"success": False, "reason": "script is not found"})
    return json_response(200, found)


def from_the_site(services: Services, request: Request) -> Response | None:
    """The socket is for the site's own pages: another Origin is sent away."""
    if request.headers.get("origin") == "https://www.tradingview.com":
        return None
    return Response(403, b"Forbidden", "text/plain")


ROUTES: Final = (
    Route("GET", "/", front_page, anybody),
    Route("POST", "/accounts/signin/", sign_in, anybody),
    Route("GET", "/pine-facade/translate/{script}/{version}", translate, anybody),
)
