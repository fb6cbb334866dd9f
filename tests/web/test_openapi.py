"""The OpenAPI file against the routes, and real answers against the file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from grok_sauce import __version__
from grok_sauce.analytics.indicator_options import GEX_FIELDS
from grok_sauce.settings import MAX_SYMBOLS, Settings, as_document
from grok_sauce.web.app import OPENAPI
from grok_sauce.web.routes import ROUTES, Access

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]

FILE: dict[str, Any] = json.loads(OPENAPI.read_text("utf-8"))
SECRETS = {"client_secret": "s" * 40, "refresh_token": "eyJ.a.b"}


def schema_of(method: str, path: str, status: int) -> Any:
    """The schema an answer must have; fails when that status is not documented."""
    answers = FILE["paths"][path][method.lower()]["responses"]
    assert str(status) in answers, f"{method} {path} answered {status}, which is not documented"
    return answers[str(status)]["content"]["application/json"]["schema"]


def check(method: str, path: str, answer: Any) -> None:
    """An answer against the file."""
    schema = {**schema_of(method, path, answer.status_code), "components": FILE["components"]}
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert [error.message for error in validator.iter_errors(answer.get_json())] == []


def test_the_file_is_openapi() -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(FILE).iter_errors()] == []
    assert FILE["info"]["version"] == __version__


def test_file_and_routes_name_the_same_things() -> None:
    in_file = {
        (method.upper(), path, item["operationId"])
        for path, methods in FILE["paths"].items()
        for method, item in methods.items()
    }
    in_code = {
        (route.method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.rule), route.endpoint)
        for route in ROUTES
    }

    assert in_file == in_code


def test_writes_say_what_proof_they_take() -> None:
    proven = {
        item["operationId"]
        for methods in FILE["paths"].values()
        for item in methods.values()
        if "security" in item
    }

    writes = (Access.WRITE, Access.EA_WRITE)
    assert proven == {route.endpoint for route in ROUTES if route.access in writes}


@pytest.mark.parametrize(
    "path, query, status",
    [
        ("/api/indicator", "", 200),
        ("/api/health", "", 200),
        ("/health", "", 200),
        ("/api/openapi.json", "", 200),
        ("/api/settings", "", 200),
        ("/api/settings/export", "", 200),
        ("/api/symbols", "?q=NVD", 200),
        ("/api/symbols", "?q=", 422),
        ("/api/symbols", "", 422),
        ("/api/symbols/check", "?symbol=ZZZZ", 200),
        ("/api/symbols/check", "?symbol=" + "A" * 21, 422),
        ("/gex/levels", "", 200),
        ("/api/gex", "?symbol=SPX", 200),
        ("/api/gex", "?symbol=ZZZZ", 404),
        ("/api/gex", "?symbol=SPX&unit=furlong", 422),
        ("/api/gex", "", 422),
        ("/api/history/gex", "?symbol=SPX", 200),
        ("/api/history/gex", "?symbol=SPX&at=1797449520000", 200),
        ("/api/history/gex", "?symbol=SPX&at=0", 404),
        ("/api/history/gex", "?symbol=SPX&date=monday", 422),
        ("/api/studies", "?symbol=SPX", 200),
        ("/api/studies", "?symbol=TSLA", 404),
        ("/api/studies", "", 422),
    ],
)
def test_reads_answer_as_documented(
    make_site: Make, browse: Browse, path: str, query: str, status: int
) -> None:
    answer = browse(make_site().app).open(path + query)

    assert answer.status_code == status
    check("GET", path, answer)


@pytest.mark.parametrize(
    "method, rule, path, body, status",
    [
        ("PUT", "", "/api/settings", {"revision": "", "settings": {"gex": {"expiries": 7}}}, 200),
        ("PUT", "", "/api/settings", {"revision": "old", "settings": {}}, 409),
        ("PUT", "", "/api/settings", {"revision": "", "settings": {"gex": {"expiries": 0}}}, 422),
        ("PUT", "", "/api/settings", {"settings": {}}, 422),
        ("POST", "", "/api/settings/import", {"document": {"SPY": {"sentiment": "neutral"}}}, 200),
        ("POST", "", "/api/settings/import", {"document": {"strategies": {}}}, 422),
        ("POST", "", "/api/credentials/test", SECRETS, 200),
        ("POST", "", "/api/credentials", SECRETS, 200),
        ("POST", "", "/api/credentials", {**SECRETS, "refresh_token": "eyJhb"}, 422),
        ("POST", "", "/gex/refresh", {}, 200),
        ("POST", "/gex/refresh", "/gex/refresh?force=perhaps", {}, 422),
        ("POST", "/api/sources/{name}/retry", "/api/sources/dxlink/retry", {}, 202),
        ("POST", "/api/sources/{name}/retry", "/api/sources/Dx%20Link/retry", {}, 404),
    ],
)
def test_writes_answer_as_documented(
    make_site: Make, browse: Browse, method: str, rule: str, path: str, body: Any, status: int
) -> None:
    site = make_site()
    if body.get("revision") == "":
        body = {**body, "revision": site.store.revision}

    answer = browse(site.app).write(path, body, method)

    assert answer.status_code == status
    check(method, rule or path, answer)


@pytest.mark.parametrize("route", [r for r in ROUTES if r.rule.startswith("/api/")])
def test_refusals_are_documented(make_site: Make, browse: Browse, route: Any) -> None:
    site = make_site(dashboard_password="correct horse battery")
    path = route.rule
    values = {"<name>": "dxlink", "<ticker:symbol>": "SPX", "<alert:id>": "a1", "<int:seq>": "1"}
    for part, value in values.items():
        path = path.replace(part, value)
    rule = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.rule)

    foreign = browse(site.app, HTTP_HOST="evil.example").open(path, route.method)
    stranger = browse(site.app).open(path, route.method)

    check(route.method, rule, foreign)
    if route.access is not Access.PUBLIC:
        check(route.method, rule, stranger)
        assert stranger.status_code == 401


def test_a_row_s_numbers_of_its_options_are_in_the_file_and_may_be_unknown() -> None:
    row = FILE["components"]["schemas"]["Row"]["properties"]

    assert [row.get(name, {}).get("type") for name in GEX_FIELDS] == [["number", "null"]] * 7


def test_settings_in_the_file_are_those_of_the_code() -> None:
    schema = FILE["components"]["schemas"]["Settings"]

    def keys(document: Any) -> Any:
        return {k: keys(v) for k, v in document.items()} if isinstance(document, dict) else None

    def named(part: Any) -> Any:
        if "properties" in part:
            return {name: named(inner) for name, inner in part["properties"].items()}
        return {} if part.get("type") == "object" else None

    assert named(schema) == keys(as_document(Settings()))
    positive = schema["properties"]["indicators"]["properties"]["positive"]
    assert positive["maxItems"] == MAX_SYMBOLS
