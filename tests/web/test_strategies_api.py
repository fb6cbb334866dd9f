"""Routes of the routing tree and of tokens, over the real routing file and token list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grok_sauce.alerts.routing_document import OPTIONS as TICKER_OPTIONS
from grok_sauce.alerts.routing_document import STRATEGY_OPTIONS, TARGET_OPTIONS
from grok_sauce.alerts.store import StoreBusy
from grok_sauce.alerts.tree_edits import OPS as EDITS
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.web.strategies import OPS
from tests.web.alert_desk import FILE, TREE, Half, problems

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]

EDIT = "/api/routing/edit"


@pytest.fixture
def half(tmp_path: Path, clock: ManualClock) -> Iterator[Half]:
    folder = tmp_path / "router"
    folder.mkdir()
    made = Half(folder, clock)
    yield made
    made.store.close()


@pytest.fixture
def user(make_site: Make, browse: Browse, half: Half) -> Any:
    return browse(make_site(alerts=half).app)


def edit(user: Any, half: Half, op: str, **values: Any) -> Any:
    body = {"revision": half.routing.revision, "op": op, **values}
    answer = user.write(EDIT, body)
    assert problems("post", EDIT, answer) == []
    return answer


class TestTree:
    def test_the_page_opens_with_tree_numbers_and_tokens(self, user: Any) -> None:
        text = user.open("/strategies").get_data(as_text=True)

        assert "Momentum 0 waiting 1" in text

    def test_the_tree_has_the_documented_shape(self, user: Any, half: Half) -> None:
        half.receive("a1")

        answer = user.open("/api/routing")

        assert problems("get", "/api/routing", answer) == []
        found = answer.get_json()
        assert found["revision"] == half.routing.revision
        assert found["webhook"]["masked"] == "••••"
        ports = found["strategies"][0]["tickers"][0]["ports"]
        assert [(each["port"], each["also_in"]) for each in ports] == [(9060, ["ES"])]

    def test_an_edit_answers_the_new_tree_and_is_audited(self, user: Any, half: Half) -> None:
        answer = edit(
            user, half, "add_port", strategy="Momentum", ticker="NQ", port=9070, label="n"
        )

        ports = answer.get_json()["strategies"][0]["tickers"][0]["ports"]
        assert [(each["port"], each["label"]) for each in ports] == [(9060, ""), (9070, "n")]
        assert half.audited()[0][:2] == ("browser", "routing: add_port")

    def test_every_edit_of_the_tree_is_offered_with_its_options(self) -> None:
        assert set(OPS) == {*EDITS, "restore"}
        assert set(OPS["set_ticker"][1]) == set(TICKER_OPTIONS)
        assert set(OPS["set_strategy"][1]) == set(STRATEGY_OPTIONS)
        assert set(OPS["set_target"][1]) == {*TARGET_OPTIONS, "port", "id"}

    def test_every_edit_is_documented_as_it_is_taken(self) -> None:
        body = FILE["paths"][EDIT]["post"]["requestBody"]["content"]["application/json"]["schema"]

        documented = {
            each["properties"]["op"]["const"]: (
                set(each["required"]) - {"op", "revision"},
                set(each["properties"]) - {"op", "revision"},
            )
            for each in body["oneOf"]
        }
        assert documented == {
            name: (set(needed), {*needed, *more}) for name, (needed, more) in OPS.items()
        }

    def test_each_kind_of_edit_works_from_here(self, user: Any, half: Half) -> None:
        for op, values in [
            ("add_strategy", {"name": "Swing"}),
            ("rename_strategy", {"name": "Swing", "to": "Slow"}),
            ("add_ticker", {"strategy": "Slow", "name": "GC"}),
            ("rename_ticker", {"strategy": "Slow", "name": "GC", "to": "GC_swing"}),
            ("add_port", {"strategy": "Slow", "ticker": "GC_swing", "port": "9099"}),
            ("set_strategy", {"name": "Slow", "mode": "dry", "heartbeat_min": 30}),
            ("set_ticker", {"strategy": "Slow", "name": "GC_swing", "delay_s": 0.5}),
            ("set_ticker", {"strategy": "Slow", "name": "GC_swing", "delay_s": None}),
            ("set_target", {"port": 9099, "name": "gold", "idempotent": True}),
            ("delete_port", {"strategy": "Slow", "ticker": "GC_swing", "port": 9099}),
            ("delete_ticker", {"strategy": "Slow", "name": "GC_swing"}),
            ("delete_strategy", {"name": "Slow"}),
            ("restore", {"n": 1}),
        ]:
            assert edit(user, half, op, **values).status_code == 200, op
        assert [each["name"] for each in half.report.tree()["strategies"]] == ["Momentum", "Slow"]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"op": "explode"}, "op"),
            ({"op": 5}, "op"),
            ({"op": "add_strategy"}, "name"),
            ({"op": "add_strategy", "name": "x", "port": 9070}, "port"),
            ({"op": "add_strategy", "name": "x", "nonsense": 1}, "nonsense"),
            ({"op": "add_strategy", "name": ""}, "name"),
            ({"op": "add_strategy", "name": "Momentum"}, "name"),
            ({"op": "add_strategy", "name": ["x"]}, "name"),
            ({"op": "add_port", "strategy": "Momentum", "ticker": "NQ", "port": 80}, "port"),
            ({"op": "add_port", "strategy": "Momentum", "ticker": "NQ", "port": 6379}, "port"),
            ({"op": "add_port", "strategy": "Momentum", "ticker": "NQ",
              "port": "1@198.51.100.9:80"}, "port"),
            ({"op": "add_port", "strategy": "Nobody", "ticker": "NQ", "port": 9070}, "strategy"),
            ({"op": "set_ticker", "strategy": "Momentum", "name": "NQ", "delay_s": 61}, "delay_s"),
            ({"op": "set_strategy", "name": "Momentum", "mode": "fast"}, "mode"),
            ({"op": "restore", "n": 99}, "n"),
            ({"op": "add_strategy", "name": "x", "revision": 7}, "revision"),
        ],
    )  # fmt: skip
    def test_an_impossible_edit_names_its_field_and_changes_nothing(
        self, user: Any, half: Half, body: dict[str, Any], field: str
    ) -> None:
        before = half.routing.export()

        answer = user.write(EDIT, {"revision": half.routing.revision, **body})

        assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, field)
        assert half.routing.export() == before

    def test_two_people_at_once_are_told(self, user: Any, half: Half) -> None:
        old = half.routing.revision
        edit(user, half, "add_strategy", name="Swing")

        answer = user.write(EDIT, {"revision": old, "op": "delete_strategy", "name": "Momentum"})

        assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "conflict")
        assert problems("post", EDIT, answer) == []
        assert "Momentum" in half.routing.export()["strategies"]

    def test_the_export_is_the_file_and_comes_back_in(self, user: Any, half: Half) -> None:
        exported = user.open("/api/routing/export")
        edit(user, half, "delete_strategy", name="Momentum")

        answer = user.write("/api/routing/import", {"document": exported.get_json()})

        assert exported.headers["Content-Disposition"] == 'attachment; filename="routing.json"'
        assert answer.status_code == 200
        assert problems("post", "/api/routing/import", answer) == []
        assert answer.get_json()["tree"]["strategies"][0]["name"] == "Momentum"

    def test_an_old_config_is_looked_at_before_it_is_taken(self, user: Any, half: Half) -> None:
        old = {
            "strategies": {"Old": {"accounts": {}, "tickers": {"YM": {"ports": ["9080", 9080]}}}}
        }

        looked = user.write("/api/routing/import?dry_run=1", {"document": old})
        before = [each["name"] for each in half.report.tree()["strategies"]]
        taken = user.write("/api/routing/import", {"document": old})

        assert before == ["Momentum"]
        assert looked.get_json()["changes"] == taken.get_json()["changes"] != []
        (strategy,) = taken.get_json()["tree"]["strategies"]
        assert (strategy["name"], strategy["mode"]) == ("Old", "off")
        assert [each["port"] for each in strategy["tickers"][0]["ports"]] == [9080]

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            ("/api/routing/import", {"document": []}, 422),
            ("/api/routing/import", {"document": {"strategies": {"a": {"tickers": []}}}}, 422),
            ("/api/routing/import", {"document": {"SPY": {"sentiment": "neutral"}}}, 422),
            ("/api/routing/import?dry_run=yes", {"document": TREE}, 422),
            ("/api/routing/import", {}, 422),
        ],
    )
    def test_what_is_no_tree_is_refused(
        self, user: Any, half: Half, path: str, body: Any, status: int
    ) -> None:
        before = half.routing.export()

        answer = user.write(path, body)

        assert answer.status_code == status
        assert half.routing.export() == before

    def test_a_test_and_a_pause_for_today_reach_the_operator(self, user: Any, half: Half) -> None:
        where = {"strategy": "Momentum", "ticker": "NQ", "port": 9060}

        tested = user.write("/api/routing/test", where)
        paused = user.write("/api/routing/pause_today", {"strategy": "Momentum"})
        unknown = user.write("/api/routing/pause_today", {"strategy": "Nobody"})

        assert half.operator.calls[:2] == [
            ("test", "Momentum", "NQ", 9060, "browser"),
            ("daily_pause", "Momentum", "browser"),
        ]
        assert tested.get_json()["text"] == "connection refused"
        assert problems("post", "/api/routing/test", tested) == []
        assert problems("post", "/api/routing/pause_today", paused) == []
        assert unknown.get_json()["error"]["field"] == "strategy"

    @pytest.mark.parametrize("port", [80, 65536, "9060", True, None, 9060.5])
    def test_a_test_takes_a_port_alone(self, user: Any, half: Half, port: Any) -> None:
        body = {"strategy": "Momentum", "ticker": "NQ", "port": port}

        answer = user.write("/api/routing/test", body)

        assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, "port")
        assert half.operator.calls == []


class TestTokens:
    def test_a_token_is_told_once_and_never_again(self, user: Any, half: Half) -> None:
        made = user.write("/api/tokens", {"name": "desk", "tickers": ["NQ", "ES", "NQ"]})

        listed = user.open("/api/tokens")
        token = made.get_json()["token"]
        assert made.status_code == 201
        assert made.get_json()["path"] == f"/webhook/{token}"
        assert problems("post", "/api/tokens", made) == []
        assert problems("get", "/api/tokens", listed) == []
        assert [row["name"] for row in listed.get_json()["rows"]] == ["first", "desk"]
        assert listed.get_json()["rows"][1]["tickers"] == ["NQ", "ES"]
        for path in ("/api/tokens", "/strategies", "/api/alerts/audit", "/api/routing"):
            assert token not in user.open(path).get_data(as_text=True)
        assert half.audited()[0] == ("browser", "token added", "desk: NQ, ES")

    def test_a_deleted_token_is_gone(self, user: Any, half: Half) -> None:
        number = half.tokens.rows()[0]["id"]

        answer = user.write("/api/tokens", {"id": number}, "DELETE")
        again = user.write("/api/tokens", {"id": number}, "DELETE")
        revealed = user.write("/api/tokens/reveal", {})

        assert answer.get_json() == {"rows": [], "file": None}
        assert (again.status_code, revealed.status_code) == (404, 404)
        assert problems("delete", "/api/tokens", answer) == []
        assert problems("delete", "/api/tokens", again) == []
        assert problems("post", "/api/tokens/reveal", revealed) == []
        assert half.audited()[0] == ("browser", "token deleted", "first")

    def test_the_first_token_is_shown_to_who_may_write(
        self, make_site: Make, browse: Browse, user: Any, half: Half
    ) -> None:
        kept = Path(str(half.tokens.file)).read_text().strip()

        shown = user.write("/api/tokens/reveal", {})
        locked = browse(make_site(alerts=half, dashboard_password="correct horse battery").app)
        refused = locked.open("/api/tokens/reveal", "POST")
        page = user.open("/strategies").get_data(as_text=True)

        assert shown.get_json() == {"path": f"/webhook/{kept}"}
        assert problems("post", "/api/tokens/reveal", shown) == []
        assert refused.status_code == 401
        assert kept not in page
        assert half.audited()[0] == ("browser", "token shown", "the first one")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "name"),
            ({"name": ""}, "name"),
            ({"name": "  "}, "name"),
            ({"name": "a\nb"}, "name"),
            ({"name": "first"}, "name"),
            ({"name": 5}, "name"),
            ({"name": "x", "tickers": []}, "tickers"),
            ({"name": "x", "tickers": "NQ"}, "tickers"),
            ({"name": "x", "tickers": [5]}, "tickers"),
            ({"name": "x", "expires_ms": 1000}, "expires_ms"),
            ({"name": "x", "expires_ms": "tomorrow"}, "expires_ms"),
            ({"name": "x", "token": "mine"}, "token"),
        ],
    )
    def test_an_impossible_token_is_named(
        self, user: Any, half: Half, body: dict[str, Any], field: str
    ) -> None:
        answer = user.write("/api/tokens", body)

        assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, field)
        assert len(half.tokens.rows()) == 1

    def test_a_new_token_is_told_even_when_the_audit_cannot_be_written(
        self, user: Any, half: Half, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def busy(who: str, what: str, detail: str) -> None:
            raise StoreBusy("too slow")

        monkeypatch.setattr(half, "audit", busy)

        answer = user.write("/api/tokens", {"name": "desk"})

        assert answer.status_code == 201
        assert len(answer.get_json()["token"]) >= 43

    def test_no_secret_is_in_any_answer_to_a_read(self, user: Any, half: Half) -> None:
        kept = Path(str(half.tokens.file)).read_text().strip()

        texts = [
            user.open(path).get_data(as_text=True)
            for path in ("/strategies", "/alerts", "/api/tokens", "/api/routing",
                         "/api/routing/export", "/api/alerts", "/api/alerts/audit")
        ]  # fmt: skip

        assert not [text for text in texts if kept in text or "digest" in text]
        assert json.loads(texts[2])["file"] == str(half.tokens.file)
