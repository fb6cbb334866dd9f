"""Login, quote tokens, their cache, and what each refusal tells the user."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.clients.tastytrade import RETIRED_LOGIN, Tastytrade, TastytradeSettings
from grok_sauce.clients.tastytrade_tokens import Throttle
from grok_sauce.errors import BadPayload, SourceError, SourceRefused
from grok_sauce.http import USER_AGENT, Http
from grok_sauce.runtime.clock import ManualClock, RealClock

Broker = Any  # the class lives in conftest.py
HTML_401 = "<html><head><title>401 Authorization Required</title></head></html>"


@pytest.fixture
def client(broker: Broker, clock: ManualClock, tmp_path: Path) -> Callable[..., Tastytrade]:
    """Makes clients of the broker that share a folder and a clock set by hand."""

    def make(**changes: Any) -> Tastytrade:
        settings = replace(TastytradeSettings("", "secret", "refresh", broker.url), **changes)
        throttle = Throttle(clock, wait=clock.advance)
        return Tastytrade(settings, Http(RealClock()), clock, tmp_path, throttle)

    return make


Client = Callable[..., Tastytrade]


def test_the_login_sends_what_oauth_wants_and_names_the_program(
    broker: Broker, client: Client, clock: ManualClock
) -> None:
    token = client(client_id="app").access_token()

    ((method, path, headers, body),) = broker.asked
    assert (method, path) == ("POST", "/oauth/token")
    assert body == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh",
        "client_secret": "secret",
        "client_id": "app",
    }
    assert headers["user-agent"] == USER_AGENT
    assert headers["content-type"] == "application/json"
    assert "authorization" not in headers
    assert token.token == "access-1"
    assert token.expires_at == clock.real() + 900


def test_an_access_token_is_used_until_a_minute_before_its_end(
    broker: Broker, client: Client, clock: ManualClock
) -> None:
    one = client()
    one.access_token()

    clock.advance(839)
    kept = one.access_token().token
    clock.advance(2)
    renewed = one.access_token().token

    assert (kept, renewed) == ("access-1", "access-2")


def test_many_callers_log_in_once(broker: Broker, client: Client) -> None:
    one = client()

    threads = [threading.Thread(target=one.access_token) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(broker.asked) == 1


def test_the_quote_token_carries_its_address_and_level(
    broker: Broker, client: Client, clock: ManualClock
) -> None:
    token = client().quote_token()

    assert broker.asked[1][2]["authorization"] == "Bearer access-1"
    assert (token.token, token.url, token.level) == (
        "quote-1",
        "wss://feed.example/realtime",
        "api",
    )
    assert token.expires_at == clock.real() + 24 * 3600


def test_a_quote_token_is_renewed_in_its_last_five_minutes(
    broker: Broker, client: Client, clock: ManualClock
) -> None:
    broker.gives_quotes(
        "quote-1", "quote-2", **{"expires-at": "2026-12-16T20:32:07+00:00"}
    )  # an hour after the clock's time
    one = client()
    first = one.quote_token()

    clock.advance(3600 - 301)
    kept = one.quote_token()
    clock.advance(2)
    renewed = one.quote_token()

    assert first.expires_at == pytest.approx(first.fetched_at + 3600, abs=5)
    assert [token.token for token in (first, kept, renewed)] == ["quote-1", "quote-1", "quote-2"]


def test_a_quote_token_of_23_hours_is_renewed_whatever_it_says(
    broker: Broker, client: Client, clock: ManualClock
) -> None:
    one = client()
    one.quote_token()

    clock.advance(23 * 3600 - 2)
    kept = one.quote_token().token
    clock.advance(4)

    assert kept == "quote-1"
    assert one.quote_token().token == "quote-2"


def test_both_tokens_survive_a_restart_in_files_for_the_owner_alone(
    broker: Broker, client: Client, tmp_path: Path
) -> None:
    client().quote_token()
    asked = len(broker.asked)

    again = client()
    tokens = (again.access_token().token, again.quote_token().token)

    assert tokens == ("access-1", "quote-1")
    assert len(broker.asked) == asked
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["tastytrade_access.json", "tastytrade_quote.json"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert "refresh" not in files[0].read_text() + files[1].read_text()


@pytest.mark.parametrize(
    "changes",
    [{"refresh_token": "other"}, {"client_secret": "other"}, {"base_url": None}],
    ids=["another grant", "another application", "another environment"],
)
def test_a_token_of_other_credentials_is_never_used(
    changes: dict[str, Any], broker: Broker, client: Client
) -> None:
    client().access_token()
    if changes.get("base_url", "") is None:
        changes = {"base_url": broker.url.replace("127.0.0.1", "localhost")}

    assert client(**changes).access_token().token == "access-2"


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"for": 5}', '{"token": {}}', "\x00\xff", "null"],
    ids=repr,
)
def test_a_broken_cache_is_as_good_as_none(
    content: str, broker: Broker, client: Client, tmp_path: Path
) -> None:
    (tmp_path / "tastytrade_access.json").write_bytes(content.encode("latin-1"))

    assert client().access_token().token == "access-1"


def test_a_cache_of_right_credentials_but_odd_values_is_not_used(
    broker: Broker, client: Client, tmp_path: Path
) -> None:
    client().access_token()
    path = tmp_path / "tastytrade_access.json"
    kept = json.loads(path.read_text())
    kept["token"]["expires_at"] = "never"
    path.write_text(json.dumps(kept))

    assert client().access_token().token == "access-2"


def test_an_expired_access_token_is_renewed_and_the_question_repeated_once(
    broker: Broker, client: Client
) -> None:
    broker.answers["GET", "/api-quote-tokens"].insert(
        0, (401, {"error": {"code": "token_invalid", "message": "This token is invalid"}})
    )

    assert client().quote_token().token == "quote-1"

    sent = [headers["authorization"] for method, _, headers, _ in broker.asked if method == "GET"]
    assert sent == ["Bearer access-1", "Bearer access-2"]


def test_a_second_401_is_the_users_to_solve(broker: Broker, client: Client) -> None:
    broker.answers["GET", "/api-quote-tokens"] = [
        (401, {"error": {"code": "token_invalid", "message": "This token is invalid"}})
    ]

    with pytest.raises(SourceRefused, match="token_invalid"):
        client().quote_token()

    assert broker.paths() == ["/api-quote-tokens"] * 2


REFUSALS = {
    "grant revoked": (
        "/oauth/token", 400,
        {"error_code": "invalid_grant", "error_description": "Grant revoked"},
        "Grant revoked", "my.tastytrade.com",
    ),
    "wrong secret": (
        "/oauth/token", 400,
        {"error_code": "invalid_grant", "error_description": "Client secret mismatch"},
        "Client secret mismatch", "CLIENT_SECRET",
    ),
    "other environment": (
        "/oauth/token", 401, {"error_code": "invalid_credentials"},
        "invalid_credentials", "sandbox",
    ),
    "page for the login": ("/oauth/token", 401, HTML_401, "User-Agent", "proxy"),
    "page for the token": ("/api-quote-tokens", 401, HTML_401, "User-Agent", "proxy"),
    "no account": (
        "/api-quote-tokens", 404,
        {"error": {"code": "quote_streamer.customer_not_found_error", "message": "You must be"}},
        "no approved account", "retry",
    ),
    "no account, as 403": (
        "/api-quote-tokens", 403,
        {"error": {"code": "quote_streamer.customer_not_found_error", "message": "You must be"}},
        "no approved account", "retry",
    ),
    "no scope": (
        "/api-quote-tokens", 403, {"error": {"code": "insufficient_scopes", "message": "no"}},
        "insufficient_scopes", "read scope",
    ),
    "device check": (
        "/oauth/token", 403, {"error": {"code": "device_challenge_required", "message": "no"}},
        "device check", "OAuth",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS, ids=str)
def test_a_refusal_says_what_and_what_to_do_and_is_not_repeated(
    name: str, broker: Broker, client: Client
) -> None:
    path, status, body, what, cure = REFUSALS[name]
    method = "POST" if path == "/oauth/token" else "GET"
    broker.answers[method, path] = [(status, body)]

    with pytest.raises(SourceRefused) as caught:
        client().quote_token()

    assert "tastytrade" in str(caught.value)
    assert what in str(caught.value)
    assert cure in str(caught.value)
    assert len(broker.paths(method)) == 1
    assert "secret" not in str(caught.value).replace("Client secret", "").replace(
        "client_secret", ""
    )


@pytest.mark.parametrize("path", ["/oauth/token", "/api-quote-tokens"])
@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_disturbance_is_tried_again_by_the_supervisor(
    path: str, status: int, broker: Broker, client: Client
) -> None:
    method = "POST" if path == "/oauth/token" else "GET"
    broker.answers[method, path] = [(status, "<html>maintenance</html>")]

    with pytest.raises(SourceError) as caught:
        client().quote_token()

    assert not isinstance(caught.value, BadPayload)


def test_a_refused_grant_is_not_shown_again_until_the_user_asks(
    broker: Broker, client: Client
) -> None:
    broker.answers["POST", "/oauth/token"] = [(400, {"error_code": "invalid_grant"})]
    one = client()

    for _ in range(3):
        with pytest.raises(SourceRefused):
            one.quote_token()
    hammered = len(broker.paths("POST"))
    broker.logs_in()

    assert hammered == 1
    assert one.renew_quote_token().token == "quote-1"


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"client_secret": ""}, "CLIENT_SECRET"),
        ({"refresh_token": ""}, "REFRESH_TOKEN"),
        ({"client_secret": "", "refresh_token": ""}, "CLIENT_SECRET and REFRESH_TOKEN"),
    ],
    ids=["secret", "grant", "both"],
)
def test_missing_credentials_are_named_and_nobody_is_asked(
    changes: dict[str, Any], missing: str, broker: Broker, client: Client
) -> None:
    with pytest.raises(SourceRefused, match=f"{missing} missing in .env"):
        client(**changes).access_token()

    assert broker.asked == []


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"token": "t"},
        {"token": "t", "dxlink-url": "ws://feed.example/realtime"},
        {"token": "t", "dxlink-url": "https://feed.example"},
        {"token": 5, "dxlink-url": "wss://feed.example"},
    ],
    ids=str,
)
def test_a_quote_token_without_a_safe_address_is_not_used(
    data: Any, broker: Broker, client: Client
) -> None:
    broker.gives("/api-quote-tokens", data)

    with pytest.raises(BadPayload):
        client().quote_token()


@pytest.mark.parametrize(
    "answer", [[], {}, {"access_token": ""}, {"access_token": "x", "expires_in": "soon"}], ids=str
)
def test_a_login_answer_of_another_shape_is_a_bad_payload(
    answer: Any, broker: Broker, client: Client
) -> None:
    broker.answers["POST", "/oauth/token"] = [(200, answer)]

    with pytest.raises(BadPayload):
        client().access_token()


def test_secrets_do_not_show_in_any_text(broker: Broker, client: Client) -> None:
    one = client()

    shown = repr(one.settings) + repr(one.access_token()) + repr(one.quote_token())

    assert "secret" not in shown
    assert "refresh" not in shown
    assert "access-1" not in shown
    assert "quote-1" not in shown


def test_no_more_than_two_requests_a_second_after_a_short_burst(clock: ManualClock) -> None:
    throttle = Throttle(clock, wait=clock.advance)
    began = clock.monotonic()

    times = []
    for _ in range(10):
        throttle.turn()
        times.append(clock.monotonic() - began)

    assert times == [0, 0, 0, 0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]


def test_the_retired_login_is_explained() -> None:
    assert "2026-02-11" in RETIRED_LOGIN
    assert "REFRESH_TOKEN" in RETIRED_LOGIN
