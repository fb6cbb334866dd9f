"""The planner's routes: what they ask, what they refuse, and that nothing else is taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from grok_sauce.publishers.pages import PAGES, Refusal, wanted
from grok_sauce.questions import Questions
from grok_sauce.web.app import OPENAPI

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]

FILE: dict[str, Any] = json.loads(OPENAPI.read_text("utf-8"))
ROOMS = {page.name: page for page in PAGES}


def problems(method: str, path: str, answer: Any) -> list[str]:
    """Where an answer differs from the documented one."""
    documented = FILE["paths"][path][method]["responses"][str(answer.status_code)]
    schema = documented["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": FILE["components"]})
    return [error.message for error in validator.iter_errors(answer.get_json())]


def test_the_page_opens_with_its_plan_and_what_is_saved(make_site: Make, browse: Browse) -> None:
    answer = browse(make_site().app).open("/butterfly?center=6010")

    assert answer.status_code == 200
    assert "SPX live 3 e1 0" in answer.get_data(as_text=True)


def test_the_real_page_carries_the_plan_as_data(make_site: Make, browse: Browse) -> None:
    text = browse(make_site(real=True).app).open("/butterfly").get_data(as_text=True)

    block = text.partition('id="butterfly-data"')[2].partition(">")[2].partition("</script>")[0]
    found = json.loads(block)
    assert found["plan"]["query"]["center"] == "6010"
    assert len(found["saved"]["candidates"]) == 3
    assert "Nothing on this page sends an order." in text
    assert '<a href="/butterfly" aria-current="page">Butterfly</a>' in text


def test_a_request_is_asked_as_the_address_has_it(make_site: Make, browse: Browse) -> None:
    site = make_site()

    answer = browse(site.app).open(
        "/api/butterfly?symbol=SPX&expiry=2026-12-18&center=6,010&side=puts&fees=1.72&foreign=1"
    )

    asked = {"symbol": "SPX", "expiry": "2026-12-18", "center": "6,010", "side": "puts",
             "fees": "1.72"}  # fmt: skip
    assert site.machine.calls == [("butterfly.price", asked)]
    assert problems("get", "/api/butterfly", answer) == []
    plan = answer.get_json()["butterfly"]
    assert plan["chosen"]["strikes"] == [5985.0, 6010.0, 6035.0]


def test_the_key_of_a_plan_is_a_room_a_browser_may_follow(make_site: Make, browse: Browse) -> None:
    plan = browse(make_site().app).open("/api/butterfly").get_json()["butterfly"]

    page, key = wanted(ROOMS, {"page": "butterfly", "symbol": plan["symbol"], "view": plan["key"]})

    assert (page.topic, key) == ("butterfly.mark", f"SPX:{plan['key']}")


@pytest.mark.parametrize("view", ["", "a b", "<script>", "x" * 241, "center=6010;", "a:b", 7])
def test_a_room_of_another_form_is_refused(view: Any) -> None:
    with pytest.raises(Refusal, match="view is missing or not valid"):
        wanted(ROOMS, {"page": "butterfly", "symbol": "SPX", "view": view})


def test_an_impossible_value_is_named_with_its_field(make_site: Make, browse: Browse) -> None:
    user = browse(make_site().app)

    answer = user.open("/api/butterfly?center=abc")
    long = user.open("/api/butterfly?center=" + "9" * 25)

    assert answer.status_code == 422
    assert answer.get_json()["error"]["field"] == "center"
    assert long.get_json()["error"]["message"] == "center must be at most 24 characters."
    assert problems("get", "/api/butterfly", answer) == []


def test_a_symbol_without_a_chain_answers_why(make_site: Make, browse: Browse) -> None:
    answer = browse(make_site().app).open("/api/butterfly?symbol=NDX")

    assert answer.status_code == 200
    assert answer.get_json()["butterfly"]["status"]["state"] == "no_chain"
    assert problems("get", "/api/butterfly", answer) == []


def test_nobody_to_answer_is_said_with_503(make_site: Make, browse: Browse) -> None:
    site = make_site()
    object.__setattr__(site.deps, "questions", Questions(lambda fn: fn()))

    answer = browse(site.app).open("/api/butterfly")

    assert answer.status_code == 503
    assert problems("get", "/api/butterfly", answer) == []


def test_candidates_are_listed_saved_and_removed(make_site: Make, browse: Browse) -> None:
    site = make_site()
    user = browse(site.app)

    listed = user.open("/api/butterfly/candidates")
    saved = user.write(
        "/api/butterfly/candidates", {"symbol": "SPX", "center": 6010, "width": "25"}
    )
    removed = user.write("/api/butterfly/candidates?id=abc", None, "DELETE")

    path = "/api/butterfly/candidates"
    assert problems("get", path, listed) == []
    assert saved.status_code == 201
    assert problems("post", path, saved) == []
    assert removed.get_json() == {"candidates": [], "problem": None}
    assert ("butterfly.save", {"symbol": "SPX", "center": "6010", "width": "25"}) in (
        site.machine.calls
    )
    assert ("butterfly.remove", {"id": "abc"}) in site.machine.calls


@pytest.mark.parametrize(
    "body, field",
    [({"center": True}, "center"), ({"center": [6010]}, "center"), ({"price_now": 1}, "price_now"),
     ({"symbol": "S" * 25}, "symbol"), ({"symbol": "S\nX"}, "symbol")],
)  # fmt: skip
def test_a_body_of_another_form_is_refused(
    make_site: Make, browse: Browse, body: dict[str, Any], field: str
) -> None:
    site = make_site()

    answer = browse(site.app).write("/api/butterfly/candidates", body)

    assert answer.status_code == 422
    assert answer.get_json()["error"]["field"] == field
    assert site.machine.calls == []


def test_what_has_no_price_is_not_saved_and_says_why(make_site: Make, browse: Browse) -> None:
    answer = browse(make_site().app).write("/api/butterfly/candidates", {"center": 6007})

    assert answer.status_code == 422
    assert answer.get_json()["error"]["message"] == "6,007 is not listed."
    assert problems("post", "/api/butterfly/candidates", answer) == []


@pytest.mark.parametrize("number", ["", "none", "../x", "a" * 41])
def test_an_unknown_candidate_cannot_be_removed(
    make_site: Make, browse: Browse, number: str
) -> None:
    answer = browse(make_site().app).write(f"/api/butterfly/candidates?id={number}", None, "DELETE")

    assert answer.status_code == 422
    assert answer.get_json()["error"]["field"] == "id"
