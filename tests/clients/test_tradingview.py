"""TradingView's account: which token, from where, kept how, renewed when, what is never told."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.clients.tradingview import ANONYMOUS, FILE, TradingView, TradingViewAccount
from grok_sauce.clients.tradingview_pages import (
    cookies_in,
    credentials_of,
    expiry_of,
    is_jwt,
    token_in,
)
from grok_sauce.clients.tradingview_study import read_study
from grok_sauce.errors import BadPayload, SettingsError, SourceError, SourceRefused
from grok_sauce.http import Answer, HttpStatus, Unreachable
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings import read_env

NOW = 1797449527.0
SECRETS = ("cookie-canary", "sign-canary", "password-canary")


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def jwt(hours: float = 4.0, number: int = 1) -> str:
    claims = {"user_id": number, "exp": int(NOW + hours * 3600)}
    return f"{part({'alg': 'RS512'})}.{part(claims)}.c2lnbmF0dXJl"


class Site:
    """Answers in turn, the last one again and again; keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, str], dict[str, str]]] = []

    def _next(self, url: str) -> Answer:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, body, headers = 200, answer, {}
        if isinstance(answer, tuple):
            status, body, headers = answer
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        made = Answer(status, headers, data, url)
        if status >= 300:
            raise HttpStatus(f"{url} answered {status}", made)
        return made

    def get(self, url: str, headers: dict[str, str], limit: int) -> Answer:
        self.asked.append(("GET", url, headers, {}))
        return self._next(url)

    def post_form(
        self, url: str, form: dict[str, str], headers: dict[str, str], limit: int
    ) -> Answer:
        self.asked.append(("POST", url, headers, form))
        return self._next(url)


def page(token: str | None) -> str:
    user = f'"auth_token":"{token}",' if token else ""
    return f'<html><script>var user = {{{user}"id":1}};</script></html>'


def client(
    site: Site, clock: ManualClock, folder: Path | None = None, **account: str
) -> TradingView:
    return TradingView(TradingViewAccount(**account), site, clock, folder)  # type: ignore[arg-type]


def test_nothing_set_is_nobody_signed_in(clock: ManualClock) -> None:
    site = Site(page(None))

    login = client(site, clock).login()

    assert (login.token, login.kind, login.is_anonymous) == (ANONYMOUS, "anonymous", True)
    assert site.asked == []


def test_cookies_fetch_the_page_and_the_token_in_it(clock: ManualClock) -> None:
    site = Site(page(jwt()))

    login = client(site, clock, sessionid="a", sessionid_sign="v3:b").login()

    assert (login.kind, login.token, login.expires_at) == ("cookies", jwt(), NOW + 4 * 3600)
    ((_, url, headers, _),) = site.asked
    assert url == "https://www.tradingview.com/"
    assert headers["Cookie"] == "sessionid=a; sessionid_sign=v3:b"


def test_a_pasted_token_is_used_as_it_is_even_when_it_has_ended(clock: ManualClock) -> None:
    site = Site(page(None))

    login = client(site, clock, token=jwt(-5)).login()

    assert (login.kind, login.expires_at) == ("pasted", NOW - 5 * 3600)
    assert site.asked == []


def test_cookies_go_before_a_pasted_token_that_has_ended(clock: ManualClock) -> None:
    made = client(Site(page(jwt(4, 2))), clock, token=jwt(-5), sessionid="a")

    assert made.login().token == jwt(4, 2)


def test_what_is_no_token_says_so(clock: ManualClock) -> None:
    with pytest.raises(SourceRefused, match="TRADINGVIEW_JWT_TOKEN is no token") as caught:
        client(Site(""), clock, token="canary").login()

    assert "canary" not in str(caught.value)


def test_cookies_that_are_not_signed_in_any_more_name_the_next_step(clock: ManualClock) -> None:
    with pytest.raises(SourceRefused, match=r"into \.env as TRADINGVIEW_SESSIONID"):
        client(Site(page(None)), clock, sessionid="old").login()


class TestLogin:
    ANSWER = (200, {"error": "", "user": {"auth_token": jwt()}}, {})

    def test_it_is_the_form_of_the_site(self, clock: ManualClock) -> None:
        site = Site(self.ANSWER)

        login = client(site, clock, username="me", password="secret").login()

        ((method, url, headers, form),) = site.asked
        assert (login.kind, method) == ("login", "POST")
        assert url == "https://www.tradingview.com/accounts/signin/"
        assert headers["Referer"] == "https://www.tradingview.com/"
        assert form == {"username": "me", "password": "secret", "remember": "on"}

    def test_a_token_that_is_not_in_the_answer_is_fetched_with_its_cookies(
        self, clock: ManualClock
    ) -> None:
        cookies = {"set-cookie": "sessionid=x; Path=/, sessionid_sign=v3:y; Secure"}
        site = Site((200, {"user": {"id": 1}}, cookies), page(jwt()))

        login = client(site, clock, username="me", password="p").login()

        assert login.cookies == "sessionid=x; sessionid_sign=v3:y"
        assert site.asked[1][2]["Cookie"] == login.cookies

    @pytest.mark.parametrize(
        "answer, words",
        [
            ({"error": "Please confirm", "code": "recaptcha_required"}, "CAPTCHA"),
            ({"error": "", "code": "2FA_required"}, "second factor"),
            ({"error": "Invalid username or password"}, "TRADINGVIEW_PASSWORD"),
            ((403, "captcha", {}), "CAPTCHA"),
            ((401, "no", {}), "TRADINGVIEW_PASSWORD"),
        ],
    )
    def test_a_refusal_says_whose_move_it_is_and_is_not_repeated(
        self, clock: ManualClock, answer: Any, words: str
    ) -> None:
        site = Site(answer)
        made = client(site, clock, username="me", password="password-canary")

        for _ in range(3):
            with pytest.raises(SourceRefused, match=words) as caught:
                made.login()
            assert "canary" not in str(caught.value)

        assert len(site.asked) == 1
        made.forgive()
        with pytest.raises(SourceRefused):
            made.login()
        assert len(site.asked) == 2

    @pytest.mark.parametrize("answer", [(500, "x", {}), (429, "slow", {}), Unreachable("gone")])
    def test_trouble_that_time_may_mend_is_tried_again(
        self, clock: ManualClock, answer: Any
    ) -> None:
        with pytest.raises(SourceError):
            client(Site(answer), clock, username="me", password="p").login()

    @pytest.mark.parametrize("answer", ["<html>", [], {"user": 7}, {}])
    def test_another_shape_is_named(self, clock: ManualClock, answer: Any) -> None:
        with pytest.raises(BadPayload):
            client(Site(answer), clock, username="me", password="p").login()

    def test_credentials_may_stand_in_base64_as_earlier_programs_had_them(
        self, clock: ManualClock
    ) -> None:
        text = base64.b64encode(b'{"username": "me", "password": "p"}').decode()
        site = Site(self.ANSWER)

        client(site, clock, credentials=text).login()

        assert site.asked[0][3]["username"] == "me"
        for wrong in ("x", base64.b64encode(b'["canary"]').decode()):
            with pytest.raises(SettingsError, match="base64 of") as caught:
                credentials_of(wrong)
            assert wrong not in str(caught.value)


class TestKeeping:
    def test_a_token_is_kept_for_its_owner_alone_and_used_at_the_next_start(
        self, clock: ManualClock, tmp_path: Path
    ) -> None:
        client(Site(page(jwt())), clock, tmp_path, sessionid="a").login()
        silent = Site(Unreachable("gone"))

        again = client(silent, clock, tmp_path, sessionid="a").login()

        assert again.token == jwt()
        assert silent.asked == []
        assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize(
        "other", [{"sessionid": "b"}, {"sessionid": "a", "base_url": "http://127.0.0.1:1"}]
    )
    def test_a_token_of_another_account_or_address_is_not_used(
        self, clock: ManualClock, tmp_path: Path, other: dict[str, str]
    ) -> None:
        client(Site(page(jwt())), clock, tmp_path, sessionid="a").login()

        fresh = client(Site(page(jwt(4, 2))), clock, tmp_path, **other).login()

        assert fresh.token == jwt(4, 2)

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"for": "x"}'])
    def test_a_broken_file_costs_a_new_token_and_no_more(
        self, clock: ManualClock, tmp_path: Path, content: str
    ) -> None:
        (tmp_path / FILE).write_text(content)

        assert client(Site(page(jwt())), clock, tmp_path, sessionid="a").login().kind == "cookies"

    def test_a_kept_token_that_has_ended_is_fetched_anew(
        self, clock: ManualClock, tmp_path: Path
    ) -> None:
        made = client(Site(page(jwt()), page(jwt(8, 2))), clock, tmp_path, sessionid="a")
        made.login()
        clock.advance(4 * 3600)

        assert made.login().token == jwt(8, 2)

    def test_an_ended_token_is_used_while_the_site_cannot_be_reached(
        self, clock: ManualClock
    ) -> None:
        made = client(Site(page(jwt()), Unreachable("gone")), clock, sessionid="a")
        made.login()
        clock.advance(5 * 3600)

        assert made.login().token == jwt()


class TestRenewal:
    def test_it_is_not_hammered(self, clock: ManualClock) -> None:
        site = Site(page(jwt()))
        made = client(site, clock, sessionid="a")
        made.login()
        renewed = []
        for _ in range(24 * 60):
            renewed.append(made.renew("quotes are delayed") is not None)
            clock.advance(60)

        # At 0, after 15, 30, 60, 120 minutes, then every four hours.
        assert sum(renewed) <= 11
        assert renewed[0]
        assert not any(renewed[1:15])

    def test_a_pasted_token_alone_cannot_be_renewed(self, clock: ManualClock) -> None:
        made = client(Site(""), clock, token=jwt())
        made.login()

        assert made.renew("study_not_auth") is None

    def test_a_spurned_pasted_token_gives_way_to_cookies_or_says_what_to_do(
        self, clock: ManualClock
    ) -> None:
        made = client(Site(page(jwt(4, 2))), clock, token=jwt(), sessionid="a")
        made.login()
        made.spurned(jwt())
        assert made.login().token == jwt(4, 2)

        alone = client(Site(""), clock, token=jwt())
        alone._login = None
        alone.spurned(jwt())
        with pytest.raises(SourceRefused, match="paste a new one"):
            alone.login()

    def test_a_spurned_kept_token_is_not_read_again(
        self, clock: ManualClock, tmp_path: Path
    ) -> None:
        made = client(Site(page(jwt()), page(jwt(4, 2))), clock, tmp_path, sessionid="a")
        made.login()

        made.spurned(jwt())

        assert not (tmp_path / FILE).exists()
        assert made.login().token == jwt(4, 2)


def test_no_secret_is_shown_or_logged(
    clock: ManualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    environ = {
        "TRADINGVIEW_SESSIONID": SECRETS[0],
        "TRADINGVIEW_SESSIONID_SIGN": SECRETS[1],
        "TRADINGVIEW_USERNAME": "me",
        "TRADINGVIEW_PASSWORD": SECRETS[2],
    }
    account = read_env(TradingViewAccount, environ)
    made = TradingView(account, Site(page(jwt())), clock, tmp_path)  # type: ignore[arg-type]

    login = made.login()
    made.renew("delayed")

    shown = f"{account!r} {login!r} {caplog.text}"
    assert not [secret for secret in (*SECRETS, jwt()) if secret in shown]


class TestPages:
    def test_the_end_of_a_token_is_read_without_its_signature(self) -> None:
        assert expiry_of(jwt(1)) == NOW + 3600

    @pytest.mark.parametrize(
        "claims", [{}, {"exp": "soon"}, {"exp": True}, {"exp": -1}, {"exp": 1e300}, [], None]
    )
    def test_an_end_that_is_none_is_unknown(self, claims: Any) -> None:
        assert expiry_of(f"{part({})}abcd.{part(claims)}.sig") is None

    @given(st.text(), st.binary())
    def test_nothing_breaks_the_readers(self, text: str, data: bytes) -> None:
        found = expiry_of(text)
        assert found is None or found > 0
        token = token_in(data)
        assert token is None or is_jwt(token)
        assert set(cookies_in(text)) <= {"sessionid", "sessionid_sign"}


class TestStudy:
    ANSWER: dict[str, Any] = {  # noqa: RUF012
        "success": True,
        "result": {
            "ilTemplate": "encrypted",
            "metaInfo": {
                "id": "Script$PUB;x@tv-scripting-137[v5]!",
                "scriptIdPart": "PUB;x",
                "pine": {"version": "7.0"},
                "inputs": [
                    {"id": "text", "type": "text", "defval": "default"},
                    {"id": "pineId", "type": "text", "defval": "PUB;x"},
                    {"id": "pineVersion", "type": "text", "defval": "1"},
                    {"id": "in_0", "type": "integer", "defval": 14, "isFake": True},
                    {"id": "in_1", "type": "color", "defval": "#fff"},
                ],
            },
        },
    }

    def test_inputs_are_made_as_the_reference_says(self) -> None:
        code = read_study(self.ANSWER, "PUB;x", "last")

        assert code.endpoint == "Script@tv-scripting-137!"
        assert code.inputs == {
            "text": "encrypted",
            "pineId": "PUB;x",
            "pineVersion": "7.0",
            "in_0": {"v": 14, "f": True, "t": "integer"},
            "in_1": {"v": 4, "f": False, "t": "color"},
        }

    def test_the_usual_endpoint_and_the_first_default_stand_in(self) -> None:
        meta = {"inputs": [{"id": "text", "defval": "default"}]}

        code = read_study({"result": {"metaInfo": meta}}, "PUB;x", "1")

        assert code.endpoint == "Script@tv-scripting-101!"
        assert code.inputs == {"text": "default", "pineId": "PUB;x", "pineVersion": "1"}

    def test_a_script_without_access_names_the_next_step(self) -> None:
        with pytest.raises(SourceRefused, match="ask its author"):
            read_study({"success": False, "reason": "no"}, "PUB;x", "1")

    @pytest.mark.parametrize(
        "answer",
        [None, [], {}, {"result": 1}, {"result": {"metaInfo": {}}},
         {"result": {"metaInfo": {"inputs": []}}},
         {"result": {"ilTemplate": "x", "metaInfo": {"inputs": [7]}}}],
    )  # fmt: skip
    def test_another_shape_is_named(self, answer: Any) -> None:
        with pytest.raises(BadPayload):
            read_study(answer, "PUB;x", "1")

    def test_it_is_asked_for_with_the_cookies_and_kept_for_a_day(self, clock: ManualClock) -> None:
        site = Site(page(jwt()), self.ANSWER)
        made = client(site, clock, sessionid="a")
        made.login()

        made.study("PUB;x", "1")
        made.study("PUB;x", "1")

        assert len(site.asked) == 2
        _, url, headers, _ = site.asked[1]
        assert url == "https://pine-facade.tradingview.com/pine-facade/translate/PUB;x/1"
        assert headers["Cookie"] == "sessionid=a"
        clock.advance(24 * 3600)
        made.study("PUB;x", "1")
        assert len(site.asked) == 3
