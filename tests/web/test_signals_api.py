"""The strategy over HTTP: its switch, its state, evaluations, CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from grok_sauce.web.app import OPENAPI
from tests.browser.signals_payload import make_afternoon

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]
FILE: dict[str, Any] = json.loads(OPENAPI.read_text("utf-8"))


@pytest.fixture
def site(make_site: Make) -> SimpleNamespace:
    return make_site()


@pytest.fixture
def client(site: SimpleNamespace, browse: Browse) -> Any:
    return browse(site.app)


def fits(path: str, answer: Any, method: str = "get") -> list[str]:
    """What of an answer is not as documented."""
    found = FILE["paths"][path][method]["responses"][str(answer.status_code)]
    schema = {**found["content"]["application/json"]["schema"], "components": FILE["components"]}
    return [error.message for error in Draft202012Validator(schema).iter_errors(answer.get_json())]


def test_the_state_is_what_the_room_tells(client: Any) -> None:
    answer = client.open("/api/signals")

    assert fits("/api/signals", answer) == []
    told = answer.get_json()["signals"]
    assert told == json.loads(json.dumps(make_afternoon()["state"]))
    assert told["counts"] == {"all": 4, "crosses": 2, "signals": 1}


def test_an_evaluation_has_every_filter_s_verdict(client: Any) -> None:
    found = client.open("/api/signals/evaluations").get_json()["evaluations"]
    signal = next(each for each in found if each["result"] == "signal")

    answer = client.open(f"/api/signals/evaluations/{signal['seq']}")

    assert fits("/api/signals/evaluations/{seq}", answer) == []
    assert answer.get_json() == signal
    assert set(signal["verdicts"]) == {"gate", "session", "cooldown", "position"}
    assert client.open("/api/signals/evaluations/999").status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"),
        ("before=-1", "before"), ("which=none", "which"), ("symbol=NQ!", "symbol"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_refused_by_its_name(client: Any, query: str, field: str) -> None:
    answer = client.open(f"/api/signals/evaluations?{query}")

    assert answer.status_code == 422
    assert answer.get_json()["error"]["field"] == field


def test_a_csv_has_a_row_for_each_level_and_unknown_is_empty(client: Any) -> None:
    answer = client.open("/api/signals.csv")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert "signals-evaluations.csv" in answer.headers["Content-Disposition"]
    assert [row["result"] for row in rows] == ["rejected", "no_cross", "signal", "no_pair"]
    signal = rows[2]
    assert (signal["level_name"], signal["cross_value"], signal["risk_value"]) == (
        "put_wall", "-6.25", "15.25",
    )  # fmt: skip
    assert rows[3]["cross_passed"] == ""


def test_a_csv_of_trades_has_points_and_dollars(client: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(client.open("/api/signals.csv?what=trades").text)))

    assert [(row["reason"], row["points"], row["entry"]) for row in rows] == [
        ("target", "25.25", "21246.0")
    ]


# ---- the switch -------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["enable", "disable"])
def test_get_changes_nothing_and_names_post(site: SimpleNamespace, client: Any, word: str) -> None:
    answer = client.open(f"/strategy/{word}")

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert answer.get_json()["error"]["code"] == "method_not_allowed"
    assert not [name for name, _ in site.machine.calls if name.startswith("strategy.")]


def test_a_local_program_may_switch(site: SimpleNamespace, browse: Browse) -> None:
    answer = browse(site.app).open("/strategy/enable?symbol=/NQ", "POST")

    assert answer.status_code == 200
    assert fits("/strategy/enable", answer, "post") == []
    assert site.machine.calls[-1] == ("strategy.enable", {"symbol": "/NQ"})


def test_another_site_may_not(site: SimpleNamespace, browse: Browse) -> None:
    answer = browse(site.app).open(
        "/strategy/enable", "POST", headers={"Origin": "http://evil.example"}
    )

    assert answer.status_code == 403
    assert not [name for name, _ in site.machine.calls if name.startswith("strategy.")]


def test_a_symbol_that_is_not_watched_is_refused_by_its_name(
    site: SimpleNamespace, browse: Browse
) -> None:
    answer = browse(site.app).open("/strategy/disable?symbol=/ES", "POST")

    assert answer.status_code == 422
    assert answer.get_json()["error"]["field"] == "symbol"


# ---- the page ---------------------------------------------------------------------------------


def test_the_page_opens_with_the_evaluation_a_link_names(client: Any) -> None:
    answer = client.open("/signals?symbol=/NQ&evaluation=2")

    assert answer.status_code == 200
    assert " 4 2 " in answer.text  # lines and the evaluation


def test_a_link_to_a_symbol_no_longer_watched_shows_what_is(client: Any) -> None:
    assert " 4 None " in client.open("/signals?symbol=/ES").text


def test_the_page_says_why_where_nobody_answers(site: SimpleNamespace, client: Any) -> None:
    def broken(**asked: Any) -> Any:
        raise AssertionError

    site.machine.answers["signals.state"] = broken

    answer = client.open("/signals")

    assert answer.status_code == 200
    assert "the answer failed" in answer.text
