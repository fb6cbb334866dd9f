"""Settings, symbols, credentials and hostile bodies over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.errors import SourceError, SourceRefused
from grok_sauce.web.bodies import MAX_DEPTH, parse
from grok_sauce.web.errors import Refusal

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]

SECRET, GRANT = "canary-secret-4f2a", "eyJhead.canary-body.sign"


def test_a_saved_change_is_told_and_applied(make_site: Make, browse: Browse) -> None:
    site = make_site()
    user = browse(site.app)
    state = user.open("/api/settings").get_json()
    lists = state["settings"]["indicators"]
    lists["positive"].append("iwm")

    answer = user.write(
        "/api/settings", {"revision": state["revision"], "settings": {"indicators": lists}}, "PUT"
    )

    assert answer.status_code == 200
    assert answer.get_json()["changes"] == ["IWM added to positive"]
    assert site.store.settings.indicators.positive[-1] == "IWM"
    assert answer.get_json()["revision"] != state["revision"]


def test_a_conflict_is_409_and_names_no_field(make_site: Make, browse: Browse) -> None:
    site = make_site()

    answer = browse(site.app).write("/api/settings", {"revision": "x", "settings": {}}, "PUT")

    assert answer.status_code == 409
    assert answer.get_json()["error"]["code"] == "conflict"


@pytest.mark.parametrize(
    "wanted, field",
    [
        ({"gex": {"strikes_each_side": 4}}, "gex.strikes_each_side"),
        ({"indicators": {"positive": ["SPY", "S P"]}}, "indicators.positive[1]"),
        ({"colour": 1}, "colour"),
        ({"schema": 2}, "schema"),
    ],
)
def test_a_wrong_value_is_422_at_its_field(
    make_site: Make, browse: Browse, wanted: Any, field: str
) -> None:
    site = make_site()

    answer = browse(site.app).write(
        "/api/settings", {"revision": site.store.revision, "settings": wanted}, "PUT"
    )

    assert answer.status_code == 422
    assert answer.get_json()["error"]["field"] == field


def test_settings_say_which_secrets_are_set_and_never_what(make_site: Make, browse: Browse) -> None:
    found = browse(make_site().app).open("/api/settings").get_json()

    assert found["secrets"] == {"CLIENT_SECRET": True, "REFRESH_TOKEN": False}


def test_an_export_can_be_taken_in_again(make_site: Make, browse: Browse) -> None:
    site = make_site()
    user = browse(site.app)
    exported = user.open("/api/settings/export")

    answer = user.write("/api/settings/import?dry_run=1", {"document": exported.get_json()})

    assert "attachment" in exported.headers["Content-Disposition"]
    assert answer.get_json()["changes"] == []


def test_a_dry_run_writes_nothing_and_a_real_one_does(make_site: Make, browse: Browse) -> None:
    site = make_site()
    user = browse(site.app)
    document = {"document": {"SPY": {"sentiment": "neutral"}}}
    before = site.store.path.read_bytes()

    dry = user.write("/api/settings/import?dry_run=1", document).get_json()
    same = site.store.path.read_bytes()
    wet = user.write("/api/settings/import", document).get_json()

    assert same == before
    assert dry["changes"] == wet["changes"]
    assert "SPY moved from positive to neutral" in wet["changes"]
    assert list(site.store.settings.indicators.groups()) == ["SPY"]


@pytest.mark.parametrize("flag", ["yes", "2", "", "true"])
def test_an_unclear_dry_run_writes_nothing(make_site: Make, browse: Browse, flag: str) -> None:
    site = make_site()
    before = site.store.path.read_bytes()

    answer = browse(site.app).write(
        f"/api/settings/import?dry_run={flag}", {"document": {"SPY": {"sentiment": "neutral"}}}
    )

    assert answer.get_json()["error"]["field"] == "dry_run"
    assert site.store.path.read_bytes() == before


def test_the_alert_servers_file_is_sent_where_it_belongs(make_site: Make, browse: Browse) -> None:
    answer = browse(make_site().app).write(
        "/api/settings/import", {"document": {"strategies": {"Swing": {"tickers": {}}}}}
    )

    assert answer.status_code == 422
    assert "import it on the page Strategies" in answer.get_json()["error"]["message"]


def test_a_query_is_trimmed_and_asked(make_site: Make, browse: Browse) -> None:
    site = make_site()

    answer = browse(site.app).open("/api/symbols?q=%20/ES%20")

    assert answer.status_code == 200
    assert site.machine.calls == [("symbols.search", {"q": "/ES"})]


@pytest.mark.parametrize("query", ["", "?q=", "?q=%20", "?q=" + "A" * 21, "?q=A%0AB", "?q=%00"])
def test_a_query_that_is_none_is_not_asked(make_site: Make, browse: Browse, query: str) -> None:
    site = make_site()

    answer = browse(site.app).open("/api/symbols" + query)

    assert answer.status_code == 422
    assert site.machine.calls == []


class TestCredentials:
    @pytest.mark.parametrize("path", ["/api/credentials", "/api/credentials/test"])
    def test_they_arrive_trimmed_and_are_not_repeated(
        self, make_site: Make, browse: Browse, path: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        site = make_site()

        answer = browse(site.app).write(
            path, {"client_secret": f" {SECRET}\n", "refresh_token": GRANT}
        )

        assert site.machine.calls[0][1] == {"client_secret": SECRET, "refresh_token": GRANT}
        assert "canary" not in answer.get_data(as_text=True)
        assert "canary" not in caplog.text

    @pytest.mark.parametrize(
        "body, field, words",
        [
            ({"client_secret": SECRET}, "refresh_token", "missing"),
            ({"client_secret": "", "refresh_token": GRANT}, "client_secret", "Both fields"),
            ({"client_secret": SECRET, "refresh_token": " "}, "refresh_token", "Both fields"),
            ({"client_secret": 3, "refresh_token": GRANT}, "client_secret", "must be text"),
            ({"client_secret": None, "refresh_token": GRANT}, "client_secret", "must be text"),
            ({"client_secret": "a b", "refresh_token": GRANT}, "client_secret", "Copy it again"),
            ({"client_secret": "a\nB=1", "refresh_token": GRANT}, "client_secret", "Copy it"),
            ({"client_secret": "“a”", "refresh_token": GRANT}, "client_secret", "Copy it again"),
            ({"client_secret": "a" * 4097, "refresh_token": GRANT}, "client_secret", "at most"),
            (
                {"client_secret": SECRET, "refresh_token": "eyJhbGciOiJFZERTQSIsInR5cCI"},
                "refresh_token",
                "Token ends early: 27 characters, a refresh token has three parts",
            ),
            ({"client_secret": SECRET, "refresh_token": GRANT, "x": 1}, "x", "not known"),
        ],
    )
    def test_slips_of_the_clipboard_are_named_and_nothing_is_sent(
        self, make_site: Make, browse: Browse, body: Any, field: str, words: str
    ) -> None:
        site = make_site()

        answer = browse(site.app).write("/api/credentials/test", body)

        assert answer.status_code == 422
        assert answer.get_json()["error"]["field"] == field
        assert words in answer.get_json()["error"]["message"]
        assert "canary" not in answer.get_data(as_text=True)
        assert site.machine.calls == []


@pytest.mark.parametrize(
    "problem, status, code",
    [
        (SourceError("dxLink: no answer"), 502, "source_failed"),
        (SourceRefused("tastytrade refused the token"), 502, "source_refused"),
    ],
)
def test_a_source_that_fails_is_named(
    make_site: Make, browse: Browse, problem: Exception, status: int, code: str
) -> None:
    site = make_site()

    def fail(**_: Any) -> None:
        raise problem

    site.machine.controls._actions["source.retry"] = fail

    answer = browse(site.app).write("/api/sources/dxlink/retry", {})

    assert answer.status_code == status
    assert answer.get_json() == {"error": {"code": code, "message": str(problem)}}


BODIES = {
    "empty": b"",
    "cut": b'{"revision": "',
    "array": b"[]",
    "text": b'"x"',
    "null": b"null",
    "nan": b'{"revision": NaN}',
    "infinity": b'{"revision": -Infinity}',
    "too large a number": b'{"revision": 1e400}',
    "too many digits": b'{"revision": ' + b"9" * 5000 + b"}",
    "duplicate keys": b'{"revision": "a", "revision": "b", "settings": {}}',
    "duplicate keys inside": b'{"revision": "a", "settings": {"gex": {}, "gex": {}}}',
    "deep arrays": b'{"revision": ' + b"[" * 8000 + b"]" * 8000 + b"}",
    "deep objects": b'{"a":' * 8000 + b"1" + b"}" * 8000,
    "just too deep": b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
    "utf-16": '{"revision": "x", "settings": {}}'.encode("utf-16"),
    "not utf-8": b'{"revision": "\xff", "settings": {}}',
    "byte order mark": b'\xef\xbb\xbf{"revision": "x"}',
    "half surrogate": b'{"revision": "\\ud800", "settings": {}}',
    "trailing comma": b'{"revision": "x", "settings": {},}',
    "single quotes": b"{'revision': 'x'}",
    "curly quotes": "{“revision”: “x”}".encode(),
    "two documents": b"{}{}",
    "comment": b'{"revision": "x" /* y */}',
    "control character": b'{"revision": "a\x01b"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_is_not_json_is_400(make_site: Make, browse: Browse, body: bytes) -> None:
    site = make_site()
    user = browse(site.app)

    answer = user.open(
        "/api/settings",
        "PUT",
        data=body,
        content_type="application/json",
        headers={"X-CSRF-Token": user.token()},
    )

    assert answer.status_code == 400
    assert answer.get_json()["error"]["code"] == "bad_json"
    assert len(answer.get_json()["error"]["message"]) < 200


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
     "application/jsonx"],
)  # fmt: skip
def test_another_content_type_is_415(make_site: Make, browse: Browse, kind: str) -> None:
    user = browse(make_site().app)

    answer = user.open("/api/settings", "PUT", data=b'{"revision": "x", "settings": {}}',
                       content_type=kind, headers={"X-CSRF-Token": user.token()})  # fmt: skip

    assert answer.status_code == 415


def test_too_large_is_413(make_site: Make, browse: Browse) -> None:
    user = browse(make_site(max_body_bytes=16_384).app)
    body = json.dumps({"document": "x" * 16_384}).encode()

    answer = user.open("/api/settings/import", "POST", data=body, content_type="application/json",
                       headers={"X-CSRF-Token": user.token()})  # fmt: skip

    assert answer.status_code == 413
    assert answer.get_json()["error"]["code"] == "too_large"


@given(
    st.binary(max_size=80) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_value_or_a_refusal(data: bytes) -> None:
    status = 400
    try:
        value = parse(data)
    except Refusal as refusal:
        status = refusal.status
    else:
        assert json.loads(json.dumps(value, allow_nan=False)) == value

    assert status == 400
