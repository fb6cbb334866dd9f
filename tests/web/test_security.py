"""Every route behind the guard: class, methods, Host, login, CSRF, headers, limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import flask
import pytest

from grok_sauce.errors import StartupError
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.web.app import address_of, may_connect
from grok_sauce.web.auth import LIFE
from grok_sauce.web.routes import ROUTES, Access

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]

PASSWORD = "correct horse battery"
TOKEN = "t" * 32

# Every address and method of the product, classified by hand. A new route must be added here.
CLASSES = {
    ("GET", "/"): "public",
    ("GET", "/static/<path:filename>"): "public",
    ("GET", "/login"): "public",
    ("POST", "/login"): "login",
    ("POST", "/logout"): "write",
    ("GET", "/indicator"): "page",
    ("GET", "/gex"): "page",
    ("GET", "/gex/<ticker:symbol>"): "page",
    ("GET", "/gex/levels"): "read",
    ("POST", "/gex/refresh"): "write",
    ("GET", "/lt/levels"): "read",
    ("GET", "/chart"): "page",
    ("GET", "/chart/<ticker:symbol>"): "page",
    ("GET", "/butterfly"): "page",
    ("GET", "/news"): "page",
    ("GET", "/calendar"): "page",
    ("GET", "/api/calendar"): "read",
    ("GET", "/alerts"): "page",
    ("GET", "/strategies"): "page",
    ("GET", "/setup"): "page",
    ("GET", "/status"): "page",
    ("GET", "/health"): "public",
    ("GET", "/metrics"): "read",
    ("GET", "/api/openapi.json"): "read",
    ("GET", "/api/indicator"): "read",
    ("GET", "/api/health"): "public",
    ("GET", "/api/gex"): "read",
    ("GET", "/api/gex/<ticker:symbol>"): "read",
    ("GET", "/api/chain.csv"): "read",
    ("GET", "/api/chain/<ticker:symbol>.csv"): "read",
    ("GET", "/api/history/gex"): "read",
    ("GET", "/api/studies"): "read",
    ("GET", "/api/history/reactions"): "read",
    ("GET", "/api/reactions"): "read",
    ("GET", "/api/news"): "read",
    ("POST", "/api/news/search"): "write",
    ("GET", "/api/sentiment"): "read",
    ("GET", "/api/econ"): "read",
    ("GET", "/api/profile"): "read",
    ("GET", "/api/orb"): "read",
    ("GET", "/api/notices"): "read",
    ("POST", "/api/notices/test"): "write",
    ("GET", "/api/candles"): "read",
    ("GET", "/api/candles.csv"): "read",
    ("GET", "/api/butterfly"): "read",
    ("GET", "/api/butterfly/candidates"): "read",
    ("POST", "/api/butterfly/candidates"): "write",
    ("DELETE", "/api/butterfly/candidates"): "write",
    ("GET", "/signals"): "page",
    ("GET", "/api/signals"): "read",
    ("GET", "/api/signals.csv"): "read",
    ("GET", "/api/signals/evaluations"): "read",
    ("GET", "/api/signals/evaluations/<int:seq>"): "read",
    ("POST", "/strategy/enable"): "write",
    ("POST", "/strategy/disable"): "write",
    ("GET", "/api/alerts"): "read",
    ("GET", "/api/alerts.csv"): "read",
    ("GET", "/api/alerts/security"): "read",
    ("GET", "/api/alerts/audit"): "read",
    ("GET", "/api/alerts/<alert:id>"): "read",
    ("POST", "/api/alerts/pause"): "write",
    ("POST", "/api/alerts/dry"): "write",
    ("POST", "/api/alerts/replay"): "write",
    ("POST", "/api/alerts/acknowledge"): "write",
    ("POST", "/api/alerts/<alert:id>/cancel"): "write",
    ("POST", "/api/alerts/<alert:id>/decide"): "write",
    ("POST", "/api/replay"): "write",
    ("GET", "/api/routing"): "read",
    ("POST", "/api/routing/edit"): "write",
    ("POST", "/api/routing/test"): "write",
    ("POST", "/api/routing/pause_today"): "write",
    ("GET", "/api/routing/export"): "read",
    ("POST", "/api/routing/import"): "write",
    ("GET", "/api/tokens"): "read",
    ("POST", "/api/tokens"): "write",
    ("DELETE", "/api/tokens"): "write",
    ("POST", "/api/tokens/reveal"): "write",
    ("GET", "/forex"): "page",
    ("GET", "/forex_settings_json"): "read",
    ("POST", "/forex_trades"): "ea",
    ("GET", "/api/forex/settings"): "read",
    ("GET", "/api/forex/blackout"): "read",
    ("GET", "/api/forex/trades"): "read",
    ("GET", "/api/forex/trades.csv"): "read",
    ("POST", "/api/forex/token"): "write",
    ("POST", "/api/forex/token/reveal"): "write",
    ("GET", "/api/settings"): "read",
    ("PUT", "/api/settings"): "write",
    ("GET", "/api/settings/export"): "read",
    ("POST", "/api/settings/import"): "write",
    ("GET", "/api/symbols"): "read",
    ("GET", "/api/symbols/check"): "read",
    ("POST", "/api/credentials/test"): "write",
    ("POST", "/api/credentials"): "write",
    ("POST", "/api/sources/<name>/retry"): "write",
}
# Answered before Flask, under any Host, for whoever has a sender's token (test_webhook.py).
SENDERS = {("POST", "/webhook"), ("POST", "/webhook/<token>")}
ALL = sorted(CLASSES)
GETS = [rule for method, rule in ALL if method == "GET"]
WRITES = [(method, rule) for method, rule in ALL if CLASSES[method, rule] == "write"]
GUARDED = [key for key in ALL if CLASSES[key] in ("page", "read", "write")]
QUERIES = {
    "/api/symbols": "?q=NV",
    "/api/symbols/check": "?symbol=SPY",
    "/api/gex": "?symbol=SPX",
    "/api/chain.csv": "?symbol=/ES",
    "/api/candles": "?symbol=SPY",
    "/api/profile": "?symbol=SPY",
    "/api/candles.csv": "?symbol=/ES",
    "/api/history/gex": "?symbol=SPX",
    "/api/history/reactions": "?title=CPI%20m/m",
    "/api/butterfly/candidates": "?id=abc",
}
PARTS = {
    "<alert:id>": "a1",
    "<int:seq>": "1",
    "<path:filename>": "css/base.css",
    "<name>": "dxlink",
    "<ticker:symbol>": "SPX",
}


def address(rule: str) -> str:
    """An address of a rule that its view accepts."""
    path = rule
    for part, value in PARTS.items():
        path = path.replace(part, value)
    return path + QUERIES.get(rule, "")


def ids(key: tuple[str, str]) -> str:
    return " ".join(key)


def test_every_route_is_classified(make_site: Make) -> None:
    app = make_site().app

    found = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD"}
    }

    assert found == set(CLASSES)
    senders = {(r.method, r.rule) for r in ROUTES if r.access is Access.SENDER}
    assert senders == SENDERS


@pytest.mark.parametrize("path", ["/webhook", "/webhook/some-token"])
def test_senders_are_answered_under_any_host_and_never_by_flask(
    make_site: Make, browse: Browse, path: str
) -> None:
    site = make_site(router_url="http://127.0.0.1:5011")
    user = browse(site.app, HTTP_HOST="tunnel.example", HTTP_X_FORWARDED_FOR="203.0.113.9")

    answer = user.open(path, "POST", json={"ticker": "NQ"})

    assert answer.status_code == 404
    assert "http://127.0.0.1:5011" in answer.get_json()["message"]
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("rule", sorted({rule for _, rule in ALL}))
def test_only_the_listed_methods_answer(make_site: Make, browse: Browse, rule: str) -> None:
    user = browse(make_site().app)
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

    answered = [m for m in methods if user.open(address(rule), m).status_code != 405]

    listed = {method for method, path in CLASSES if path == rule}
    assert answered == [m for m in methods if (m if m != "HEAD" else "GET") in listed]


@pytest.mark.parametrize("key", ALL, ids=ids)
def test_headers_stand_on_every_answer(
    make_site: Make, browse: Browse, key: tuple[str, str]
) -> None:
    answer = browse(make_site().app).open(address(key[1]), key[0])

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "object-src 'none'; base-uri 'none'; frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "connect-src 'self' ws://127.0.0.1:5010 wss://127.0.0.1:5010;" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_each_page_has_a_nonce_of_its_own(make_site: Make, browse: Browse) -> None:
    user = browse(make_site().app)

    seen = set()
    for _ in range(3):
        answer = user.open("/indicator")
        nonce = re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])
        assert nonce
        assert f'nonce="{nonce[1]}"' in answer.get_data(as_text=True)
        seen.add(nonce[1])

    assert len(seen) == 3


class TestHost:
    @pytest.mark.parametrize("key", ALL, ids=ids)
    def test_a_foreign_host_gets_nothing(
        self, make_site: Make, browse: Browse, key: tuple[str, str]
    ) -> None:
        user = browse(make_site().app, HTTP_HOST="evil.example")

        answer = user.open(address(key[1]), key[0], json={})

        assert answer.status_code == 403
        assert "SPY" not in answer.get_data(as_text=True)
        assert "Set-Cookie" not in answer.headers
        assert "evil" not in answer.headers["Content-Security-Policy"]

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "127.0.0.1:5010", "localhost:80", "LOCALHOST:5010", "[::1]:5010"]
    )
    def test_loopback_names_are_served_on_any_port(
        self, make_site: Make, browse: Browse, host: str
    ) -> None:
        assert browse(make_site().app, HTTP_HOST=host).open("/indicator").status_code == 200

    @pytest.mark.parametrize(
        "host",
        ["", "127.0.0.1.evil.example", "evil.example:5010", "localhost.", "127.0.0.1:5010:1",
         "localhost@evil.example", "localhost,evil.example", "local host", "0.0.0.0:5010",
         "127.0.0.2", "2130706433", "[::ffff:127.0.0.1]", "localhost/../x", "a" * 300,
         "dash.example.org"],
    )  # fmt: skip
    def test_everything_else_is_not(self, make_site: Make, host: str) -> None:
        app = make_site().app
        environ = {"HTTP_HOST": host, "REMOTE_ADDR": "127.0.0.1"}

        answer = app.test_client().open("/indicator", environ_overrides=environ)

        assert answer.status_code in (400, 403)

    @pytest.mark.parametrize(
        "header",
        ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via",
         "X-Real-IP", "CF-Connecting-IP", "CF-Ray", "True-Client-IP", "X-Forwarded-Server"],
    )  # fmt: skip
    def test_a_tunnel_that_rewrites_the_host_is_refused(
        self, make_site: Make, browse: Browse, header: str
    ) -> None:
        answer = browse(make_site().app).open("/indicator", headers={header: "127.0.0.1"})

        assert answer.status_code == 403
        assert "PUBLIC_HOSTS" in answer.get_data(as_text=True)

    def test_a_public_host_is_served_after_a_login(self, make_site: Make, browse: Browse) -> None:
        site = make_site(dashboard_password=PASSWORD, public_hosts=("dash.example.org",))
        user = browse(site.app, HTTP_HOST="dash.example.org", HTTP_X_FORWARDED_FOR="203.0.113.9")

        before = user.open("/indicator")
        user.sign_in()
        after = user.open("/indicator")

        assert before.headers["Location"] == "/login?next=/indicator"
        assert "SPY" in after.get_data(as_text=True)

    def test_a_public_host_with_a_port_needs_that_port(
        self, make_site: Make, browse: Browse
    ) -> None:
        site = make_site(dashboard_password=PASSWORD, public_hosts=("dash.example.org:8443",))

        right = browse(site.app, HTTP_HOST="dash.example.org:8443").open("/login")
        wrong = browse(site.app, HTTP_HOST="dash.example.org:80").open("/login")

        assert (right.status_code, wrong.status_code) == (200, 403)


class TestLogin:
    @pytest.mark.parametrize("key", GUARDED, ids=ids)
    def test_nothing_without_a_login(
        self, make_site: Make, browse: Browse, key: tuple[str, str]
    ) -> None:
        site = make_site(dashboard_password=PASSWORD)

        answer = browse(site.app).open(address(key[1]), key[0])

        if CLASSES[key] == "page":
            assert answer.status_code == 302
            assert answer.headers["Location"] == f"/login?next={address(key[1])}"
        else:
            assert answer.status_code == 401
        assert "SPY" not in answer.get_data(as_text=True)

    @pytest.mark.parametrize("key", GUARDED, ids=ids)
    def test_all_of_it_with_a_login(
        self, make_site: Make, browse: Browse, key: tuple[str, str]
    ) -> None:
        site = make_site(dashboard_password=PASSWORD)
        user = browse(site.app)
        user.sign_in()

        headers = {"X-CSRF-Token": user.token()}
        answer = user.open(address(key[1]), key[0], headers=headers, json={})

        assert answer.status_code not in (401, 403)

    def test_a_local_program_needs_a_token_once_there_is_a_password(
        self, make_site: Make, browse: Browse
    ) -> None:
        site = make_site(dashboard_password=PASSWORD, api_token=TOKEN)
        path = "/api/sources/dxlink/retry"

        bare = browse(site.app).open(path, "POST")
        with_token = browse(site.app).open(
            path, "POST", headers={"Authorization": f"Bearer {TOKEN}"}
        )

        assert (bare.status_code, with_token.status_code) == (401, 202)

    def test_the_session_id_changes_and_the_cookie_is_closed(
        self, make_site: Make, browse: Browse
    ) -> None:
        user = browse(make_site(dashboard_password=PASSWORD).app)
        before = user.token("/login")

        answer = user.sign_in()

        cookie = answer.headers["Set-Cookie"]
        assert user.token() != before
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie
        assert cookie.startswith("grok_sauce_5010=")

    def test_on_tls_the_cookie_is_bound_to_the_host(self, make_site: Make, browse: Browse) -> None:
        site = make_site(
            dashboard_password=PASSWORD,
            public_hosts=("dash.example.org",),
            trusted_proxies=("127.0.0.1",),
        )
        user = browse(
            site.app,
            HTTP_HOST="dash.example.org",
            HTTP_X_FORWARDED_PROTO="https",
            HTTP_X_FORWARDED_FOR="203.0.113.9",
            **{"wsgi.url_scheme": "https"},
        )

        answer = user.sign_in()

        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-grok_sauce_443=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"

    def test_a_login_ends_after_twelve_hours(
        self, make_site: Make, browse: Browse, clock: ManualClock
    ) -> None:
        user = browse(make_site(dashboard_password=PASSWORD).app)
        user.sign_in()
        clock.advance(LIFE - 1)
        still = user.open("/api/indicator")
        clock.advance(1)

        ended = user.open("/api/indicator")

        assert (still.status_code, ended.status_code) == (200, 401)

    def test_a_copied_cookie_is_worthless_after_sign_out(
        self, make_site: Make, browse: Browse
    ) -> None:
        site = make_site(dashboard_password=PASSWORD)
        user = browse(site.app)
        user.sign_in()
        thief = browse(site.app, HTTP_COOKIE=user.cookie())
        assert thief.open("/api/indicator").status_code == 200

        left = user.write("/logout", {})

        assert left.status_code == 303
        assert thief.open("/api/indicator").status_code == 401

    def test_a_new_password_ends_old_logins(self, make_site: Make, browse: Browse) -> None:
        user = browse(make_site(dashboard_password=PASSWORD).app)
        user.sign_in()
        changed = make_site(dashboard_password="another good password")

        answer = browse(changed.app, HTTP_COOKIE=user.cookie()).open("/api/indicator")

        assert answer.status_code == 401

    def test_a_login_outlives_a_restart(self, make_site: Make, browse: Browse) -> None:
        user = browse(make_site(dashboard_password=PASSWORD).app)
        user.sign_in()
        again = make_site(dashboard_password=PASSWORD)

        answer = browse(again.app, HTTP_COOKIE=user.cookie()).open("/api/indicator")

        assert answer.status_code == 200

    def test_wrong_passwords_run_out(self, make_site: Make, browse: Browse) -> None:
        user = browse(make_site(dashboard_password=PASSWORD, logins_per_hour=3).app)

        codes = [user.sign_in(f"guess number {number}").status_code for number in range(4)]
        right = user.sign_in()

        assert codes == [401, 401, 401, 429]
        assert right.status_code == 429
        assert int(right.headers["Retry-After"]) > 0

    def test_right_passwords_do_not_run_out(self, make_site: Make, browse: Browse) -> None:
        site = make_site(dashboard_password=PASSWORD, logins_per_hour=3)

        codes = [browse(site.app).sign_in().status_code for _ in range(5)]

        assert codes == [303] * 5

    def test_a_form_from_elsewhere_is_refused(self, make_site: Make, browse: Browse) -> None:
        user = browse(make_site(dashboard_password=PASSWORD).app)
        form = {"password": PASSWORD, "csrf_token": user.token("/login")}

        bare = user.open("/login", "POST", data={"password": PASSWORD})
        foreign = user.open("/login", "POST", data=form, headers={"Origin": "http://evil.example"})

        assert (bare.status_code, foreign.status_code) == (403, 403)

    def test_foreign_forms_do_not_use_up_the_tries(self, make_site: Make, browse: Browse) -> None:
        user = browse(make_site(dashboard_password=PASSWORD, logins_per_hour=3).app)

        for _ in range(5):
            user.open("/login", "POST", data={"password": "x"}, headers={"Origin": "http://evil"})

        assert user.sign_in().status_code == 303

    def test_a_wrong_password_is_logged_without_it(
        self, make_site: Make, browse: Browse, caplog: pytest.LogCaptureFixture
    ) -> None:
        browse(make_site(dashboard_password=PASSWORD).app).sign_in("canary-guess")

        assert "wrong password from 127.0.0.1" in caplog.text
        assert "canary" not in caplog.text

    @pytest.mark.parametrize(
        "target, lands",
        [("/status", "/status"), ("/gex/SPX", "/gex/SPX"), ("/gex/", "/indicator"),
         ("/gex/../logout", "/indicator"), ("https://evil.example", "/indicator"),
         ("", "/indicator"),
         ("//evil.example", "/indicator"), ("/\\evil.example", "/indicator"),
         ("/logout", "/indicator"), ("javascript:alert(1)", "/indicator")],
    )  # fmt: skip
    def test_a_login_leads_only_to_our_pages(
        self, make_site: Make, browse: Browse, target: str, lands: str
    ) -> None:
        user = browse(make_site(dashboard_password=PASSWORD).app)

        assert user.sign_in(target=target).headers["Location"] == lands

    def test_a_hashed_password_works(self, make_site: Make, browse: Browse) -> None:
        from werkzeug.security import generate_password_hash

        hashed = generate_password_hash(PASSWORD, "scrypt:1024:8:1")
        user = browse(make_site(dashboard_password=hashed).app)

        assert user.sign_in("wrong password").status_code == 401
        assert user.sign_in(hashed).status_code == 401
        assert user.sign_in().status_code == 303

    @pytest.mark.parametrize("given", ["", "x" * 5000, "pässwörd\udcff", "\0"])
    def test_odd_passwords_are_merely_wrong(
        self, make_site: Make, browse: Browse, given: str
    ) -> None:
        site = make_site(dashboard_password=PASSWORD)

        assert site.app.extensions["grok_sauce.site"].auth.check_password(given) is False

    def test_without_a_password_there_is_nothing_to_sign_in_to(
        self, make_site: Make, browse: Browse
    ) -> None:
        answer = browse(make_site().app).open("/login?next=/setup")

        assert answer.headers["Location"] == "/setup"


class TestWrites:
    @pytest.mark.parametrize("key", WRITES, ids=ids)
    def test_a_page_without_its_token_changes_nothing(
        self, make_site: Make, browse: Browse, key: tuple[str, str]
    ) -> None:
        site = make_site()
        user = browse(site.app)
        user.token()

        answer = user.open(address(key[1]), key[0], json={})

        assert answer.status_code == 403
        assert site.machine.calls == []

    @pytest.mark.parametrize("key", WRITES, ids=ids)
    def test_another_sites_page_changes_nothing_even_with_the_token(
        self, make_site: Make, browse: Browse, key: tuple[str, str]
    ) -> None:
        site = make_site()
        user = browse(site.app)
        headers = {"X-CSRF-Token": user.token(), "Origin": "http://evil.example"}

        answer = user.open(address(key[1]), key[0], json={}, headers=headers)

        assert answer.status_code == 403
        assert site.machine.calls == []

    @pytest.mark.parametrize("key", WRITES, ids=ids)
    def test_the_token_of_the_page_opens(
        self, make_site: Make, browse: Browse, key: tuple[str, str]
    ) -> None:
        answer = browse(make_site().app).write(address(key[1]), {}, key[0])

        assert answer.status_code not in (401, 403)

    def test_the_token_of_another_session_does_not(self, make_site: Make, browse: Browse) -> None:
        site = make_site()
        other = browse(site.app).token()

        answer = browse(site.app).write("/api/sources/dxlink/retry", {}, **{"X-CSRF-Token": other})

        assert answer.status_code == 403

    def test_a_local_program_may_write(self, make_site: Make, browse: Browse) -> None:
        site = make_site()

        answer = browse(site.app).open("/api/sources/dxlink/retry", "POST")

        assert answer.status_code == 202
        assert site.machine.calls == [("source.retry", {"name": "dxlink"})]

    @pytest.mark.parametrize(
        "headers",
        [{"Origin": "null"}, {"Origin": "http://127.0.0.1:5011"},
         {"Sec-Fetch-Site": "cross-site"}, {"Referer": "http://evil.example/"},
         {"Origin": "http://127.0.0.1:5010"}],
        ids=["null origin", "other port", "fetch", "referer", "own origin"],
    )  # fmt: skip
    def test_what_a_browser_sends_is_no_local_program(
        self, make_site: Make, browse: Browse, headers: dict[str, str]
    ) -> None:
        answer = browse(make_site().app).open("/api/sources/dxlink/retry", "POST", headers=headers)

        assert answer.status_code == 403

    def test_a_cookie_of_whatever_kind_is_a_browsers(self, make_site: Make, browse: Browse) -> None:
        user = browse(make_site().app, HTTP_COOKIE="a=b")

        assert user.open("/api/sources/dxlink/retry", "POST").status_code == 403

    def test_a_program_elsewhere_is_not_local(self, make_site: Make, browse: Browse) -> None:
        user = browse(make_site().app, REMOTE_ADDR="192.0.2.7")

        assert user.open("/api/sources/dxlink/retry", "POST").status_code == 403

    def test_the_api_token_opens_and_a_wrong_one_closes(
        self, make_site: Make, browse: Browse
    ) -> None:
        user = browse(make_site(api_token=TOKEN).app, REMOTE_ADDR="192.0.2.7")
        path = "/api/sources/dxlink/retry"

        right = user.open(path, "POST", headers={"Authorization": f"Bearer {TOKEN}"})
        wrong = user.open(path, "POST", headers={"Authorization": "Bearer nonsense"})
        read = user.open("/api/indicator", headers={"Authorization": "Bearer nonsense"})

        assert (right.status_code, wrong.status_code, read.status_code) == (202, 401, 401)

    def test_wrong_tokens_run_out(self, make_site: Make, browse: Browse) -> None:
        user = browse(make_site(api_token=TOKEN).app, REMOTE_ADDR="192.0.2.7")
        headers = {"Authorization": "Bearer nonsense"}

        codes = [user.open("/api/indicator", headers=headers).status_code for _ in range(31)]

        assert codes == [401] * 30 + [429]

    @pytest.mark.parametrize("rule", GETS)
    def test_no_get_changes_state(self, make_site: Make, browse: Browse, rule: str) -> None:
        site = make_site()
        before = site.store.path.read_bytes()

        browse(site.app).open(address(rule))

        assert [name for name, _ in site.machine.calls if name.startswith(("cred", "source"))] == []
        assert site.store.path.read_bytes() == before


class TestLimits:
    def test_writes_run_out_per_client(self, make_site: Make, browse: Browse) -> None:
        user = browse(make_site(writes_per_hour=10).app)
        path = "/api/sources/dxlink/retry"

        codes = [user.open(path, "POST").status_code for _ in range(11)]
        answer = user.open(path, "POST")

        assert codes == [202] * 10 + [429]
        assert answer.get_json()["error"]["code"] == "too_many_requests"
        assert 0 < int(answer.headers["Retry-After"]) <= 3600

    def test_reads_from_elsewhere_run_out_and_others_do_not_notice(
        self, make_site: Make, browse: Browse
    ) -> None:
        site = make_site(reads_per_minute=60)
        far, other = (browse(site.app, REMOTE_ADDR=f"192.0.2.{last}") for last in (7, 8))

        codes = [far.open("/api/indicator").status_code for _ in range(61)]

        assert codes == [200] * 60 + [429]
        assert other.open("/api/indicator").status_code == 200

    def test_reads_on_this_machine_are_free_and_load_no_limiter(
        self, make_site: Make, browse: Browse
    ) -> None:
        site = make_site(reads_per_minute=60)
        user = browse(site.app)

        codes = {user.open("/api/indicator").status_code for _ in range(70)}

        assert codes == {200}
        assert "limiter" not in site.app.extensions

    def test_a_stranger_cannot_choose_its_address(self, make_site: Make, browse: Browse) -> None:
        site = make_site(
            dashboard_password=PASSWORD, public_hosts=("dash.example.org",), reads_per_minute=60
        )
        user = browse(site.app, HTTP_HOST="dash.example.org", REMOTE_ADDR="192.0.2.7")

        codes = [
            user.open("/api/indicator", headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code
            for n in range(61)
        ]

        assert codes[-1] == 429


class TestSockets:
    def environ(self, app: flask.Flask, **values: str) -> dict[str, Any]:
        found = app.test_request_context("/socket.io/").request.environ
        found.update({"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:5010", **values})
        return found

    @pytest.mark.parametrize(
        "values, reason",
        [
            ({}, None),
            ({"HTTP_ORIGIN": "http://127.0.0.1:5010"}, None),
            ({"HTTP_ORIGIN": "http://127.0.0.1:5011"}, "another site's page"),
            ({"HTTP_ORIGIN": "http://evil.example"}, "another site's page"),
            ({"HTTP_ORIGIN": "null"}, "another site's page"),
            ({"HTTP_HOST": "evil.example"}, "unknown host"),
            ({"HTTP_X_FORWARDED_FOR": "203.0.113.9"}, "unknown host"),
        ],
    )
    def test_only_our_own_pages_connect(
        self, make_site: Make, values: dict[str, str], reason: str | None
    ) -> None:
        app = make_site().app

        assert may_connect(app, self.environ(app, **values)) == reason

    def test_with_a_password_a_login_or_token_is_needed(
        self, make_site: Make, browse: Browse
    ) -> None:
        site = make_site(dashboard_password=PASSWORD, api_token=TOKEN)
        user = browse(site.app)
        user.sign_in()
        cookie = user.cookie()

        found = [
            may_connect(site.app, self.environ(site.app, **values))
            for values in (
                {},
                {"HTTP_COOKIE": cookie},
                {"HTTP_COOKIE": cookie[:-2]},
                {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}"},
                {"HTTP_AUTHORIZATION": "Bearer nonsense"},
            )
        ]

        assert found == ["login needed", None, "login needed", None, "login needed"]

    def test_the_address_is_the_clients(self, make_site: Make) -> None:
        app = make_site(trusted_proxies=("10.0.0.0/8",)).app

        def seen(**values: str) -> str:
            return address_of(app, self.environ(app, **values))

        assert seen() == "127.0.0.1"
        assert seen(HTTP_X_FORWARDED_FOR="203.0.113.9") == "via 127.0.0.1"
        assert seen(REMOTE_ADDR="10.0.0.2", HTTP_X_FORWARDED_FOR="6.6.6.6, 203.0.113.9") == (
            "203.0.113.9"
        )
        assert seen(REMOTE_ADDR="2001:db8::17") == "2001:db8::/64"


def test_the_secret_key_is_made_once_and_for_the_owner_alone(make_site: Make) -> None:
    path = make_site().deps.data_dir / "secret.key"
    first = path.read_text()

    make_site()

    assert path.read_text() == first
    assert len(bytes.fromhex(first)) == 32
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "no hex", "abcd", "00" * 31])
def test_a_damaged_key_says_what_to_do(make_site: Make, content: str) -> None:
    path = make_site().deps.data_dir / "secret.key"
    path.write_text(content)

    with pytest.raises(StartupError, match="delete it, a new one is made"):
        make_site()


def test_logins_under_the_last_key_stay_good_after_a_new_one(
    make_site: Make, browse: Browse
) -> None:
    site = make_site(dashboard_password=PASSWORD)
    user = browse(site.app)
    user.sign_in()
    token = user.token()
    path = site.deps.data_dir / "secret.key"
    path.write_text("ab" * 32 + "\n" + path.read_text())

    again = browse(make_site(dashboard_password=PASSWORD).app, HTTP_COOKIE=user.cookie())
    path.write_text("cd" * 32 + "\n")
    replaced = browse(make_site(dashboard_password=PASSWORD).app, HTTP_COOKIE=user.cookie())

    headers = {"X-CSRF-Token": token}
    retry = "/api/sources/dxlink/retry"
    assert again.open(retry, "POST", headers=headers).status_code == 202
    assert replaced.open(retry, "POST", headers=headers).status_code == 401


def test_secrets_show_on_no_page(make_site: Make, browse: Browse) -> None:
    site = make_site(dashboard_password=PASSWORD, api_token=TOKEN)
    user = browse(site.app)
    user.sign_in()
    key = (site.deps.data_dir / "secret.key").read_text().strip()

    texts = [user.open(address(rule)).get_data(as_text=True) for rule in GETS]

    assert not [text for text in texts if PASSWORD in text or TOKEN in text or key in text]
