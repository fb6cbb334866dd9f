"""The alert log's routes over a real database: what they show, ask of the operator and refuse."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grok_sauce.alerts.ledger import Planned
from grok_sauce.alerts.model import Leg
from grok_sauce.runtime.clock import ManualClock
from tests.alerts.ledger_kit import a_leg, an_alert
from tests.browser import alerts_payload
from tests.web.alert_desk import Half, misfits, named, problems, rule_of

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]

READS = (
    *("/api/alerts", "/api/alerts.csv", "/api/alerts/security", "/api/alerts/audit"),
    *("/api/alerts/a1", "/api/routing", "/api/routing/export", "/api/tokens"),
)
WRITES: list[tuple[str, Any]] = [
    ("/api/alerts/pause", {"paused": True}),
    ("/api/alerts/dry", {"dry": True}),
    ("/api/alerts/a1/cancel", None),
    ("/api/alerts/a1/decide", {"delivery": 1, "decision": "arrived"}),
    ("/api/alerts/replay", {"ids": ["a1"], "mode": "same"}),
    ("/api/alerts/acknowledge", {"ids": ["a1"]}),
]
HOSTILE = "</script><script>alert(1)</script>"
TOKEN = "t" * 32


@pytest.fixture
def half(tmp_path: Path, clock: ManualClock) -> Iterator[Half]:
    folder = tmp_path / "router"
    folder.mkdir()
    made = Half(folder, clock)
    yield made
    made.store.close()


def uncertain(half: Half, id: str = "a1") -> int:
    """An alert whose one delivery nobody knows the end of; the delivery's id."""
    seq = half.receive(id)
    leg = a_leg(id, leg=Leg("open", "long", 2), expires_ms=half.time.now_ms() + 60_000)
    (delivery,) = half.ledger.release([Planned(seq, (leg,))])
    half.ledger.move(delivery.id, "sending")
    half.ledger.move(delivery.id, "uncertain", detail="no answer within 5 s")
    return delivery.id


class TestWithoutRouter:
    @pytest.mark.parametrize(
        ("url", "sentence"),
        [
            (None, "The router is not running."),
            (
                "http://127.0.0.1:5011",
                "This dashboard has no router of its own; alerts are taken at "
                "http://127.0.0.1:5011.",
            ),
        ],
    )
    @pytest.mark.parametrize("path", ["/alerts", "/strategies"])
    def test_pages_open_and_say_why(
        self, make_site: Make, browse: Browse, path: str, url: str | None, sentence: str
    ) -> None:
        answer = browse(make_site(router_url=url).app).open(path)

        assert answer.status_code == 200
        assert sentence in answer.get_data(as_text=True)

    @pytest.mark.parametrize("path", READS)
    def test_reads_answer_503(self, make_site: Make, browse: Browse, path: str) -> None:
        answer = browse(make_site().app).open(path)

        assert answer.status_code == 503
        assert answer.get_json()["error"]["code"] == "no_router"
        assert problems("get", rule_of(path), answer) == []

    @pytest.mark.parametrize(("path", "body"), WRITES)
    def test_writes_answer_503(self, make_site: Make, browse: Browse, path: str, body: Any) -> None:
        answer = browse(make_site().app).write(path, body)

        assert answer.status_code == 503
        assert answer.get_json()["error"]["code"] == "no_router"
        assert problems("post", rule_of(path), answer) == []

    @pytest.mark.parametrize("path", ["/webhook", "/webhook/abc"])
    def test_an_alert_is_told_where_to_go(self, make_site: Make, browse: Browse, path: str) -> None:
        site = make_site(router_url="http://127.0.0.1:5011")

        answer = browse(site.app).open(path, "POST", json={"ticker": "NQ"})

        assert answer.status_code == 404
        assert "http://127.0.0.1:5011" in answer.get_json()["message"]


class TestPage:
    def test_the_log_stands_in_the_page_without_any_script(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        half.receive("a1")
        uncertain(half, "a2")

        text = browse(make_site(alerts=half).app).open("/alerts").get_data(as_text=True)

        assert "<td>NQ uncertain</td><td>NQ held</td>1 needs you" in text
        assert "log e1 0" in text

    @pytest.mark.parametrize(
        "path",
        [
            "/alerts",
            "/alerts?alert=a1",
            "/alerts?tab=dead",
            "/alerts?tab=security",
            "/alerts?tab=audit",
            "/strategies",
        ],
    )
    def test_the_real_pages_open_with_real_answers(
        self, make_site: Make, browse: Browse, half: Half, path: str
    ) -> None:
        uncertain(half)
        half.turn_away("203.0.113.9", HOSTILE)
        half.ledger.audit(HOSTILE, "paused")

        answer = browse(make_site(alerts=half, real=True).app).open(path)

        assert answer.status_code == 200
        assert HOSTILE not in answer.get_data(as_text=True)

    def test_hostile_text_of_an_alert_stays_text(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        half.receive("a1", alert=an_alert("NQ", trade_id=HOSTILE), body=HOSTILE, reason=HOSTILE)
        site = make_site(alerts=half, real=True)

        text = browse(site.app).open("/alerts?alert=a1").get_data(as_text=True)

        assert "<script>alert" not in text
        assert "alert(1)" in text

    def test_an_unknown_alert_leaves_the_page_as_it_is(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        answer = browse(make_site(alerts=half).app).open("/alerts?alert=a77")

        assert answer.status_code == 200

    def test_the_open_alert_and_the_security_log_are_in_the_page(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        half.receive("a1", body="the body")
        half.turn_away("203.0.113.9", "wrong token")
        user = browse(make_site(alerts=half).app)

        opened = user.open("/alerts?alert=a1").get_data(as_text=True)
        turned_away = user.open("/alerts?tab=security").get_data(as_text=True)

        assert "|the body|None|None" in opened
        assert "203.0.113.9" in turned_away


class TestReading:
    def test_answers_have_the_documented_shape(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        uncertain(half)
        half.receive("a2", state="invalid", alert=an_alert(), mapped=None)
        half.turn_away("203.0.113.9", "wrong token")
        user = browse(make_site(alerts=half).app)

        for path in ("/api/alerts", "/api/alerts?tab=security", "/api/alerts?tab=audit",
                     "/api/alerts/security", "/api/alerts/audit", "/api/alerts/a1",
                     "/api/alerts/a2"):  # fmt: skip
            answer = user.open(path)
            assert answer.status_code == 200
            assert problems("get", rule_of(path.partition("?")[0]), answer) == []

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("tab=nonsense", "tab"),
            ("state=flying", "state"),
            ("day=2026-02-30", "day"),
            ("day=20261216", "day"),
            ("day=today", "day"),
            ("day=9999-12-31", "day"),
            ("day=0001-01-01", "day"),
            ("target=local host:9060", "target"),
            ("target=" + "9" * 101, "target"),
            ("strategy=" + "s" * 65, "strategy"),
            ("ticker=NQ%00", "ticker"),
            ("q=" + "x" * 129, "q"),
            ("q=a%0Ab", "q"),
            ("before=0", "before"),
            ("before=-1", "before"),
            ("before=1e3", "before"),
            ("before=99999999999999999", "before"),
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=٣", "limit"),
        ],
    )
    @pytest.mark.parametrize("path", ["/api/alerts", "/api/alerts.csv"])
    def test_an_impossible_filter_is_named(
        self, make_site: Make, browse: Browse, half: Half, path: str, query: str, field: str
    ) -> None:
        answer = browse(make_site(alerts=half).app).open(f"{path}?{query}")

        assert answer.status_code == 422
        assert answer.get_json()["error"]["field"] == field
        assert problems("get", path, answer) == []

    def test_empty_filters_ask_for_everything(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        half.receive("a1")

        answer = browse(make_site(alerts=half).app).open(
            "/api/alerts?tab=&strategy=&ticker=&target=&state=&day=&q=&before=&limit="
        )

        assert [row["id"] for row in answer.get_json()["rows"]] == ["a1"]

    def test_filters_reach_the_log(self, make_site: Make, browse: Browse, half: Half) -> None:
        half.receive("a1", alert=an_alert("a/b: c", trade_id="Open_7"))
        half.receive("a2")
        user = browse(make_site(alerts=half).app)

        for query in ("ticker=a/b:%20c", "q=open_7", "before=2&limit=1", "day=2026-12-16&q=7"):
            found = user.open(f"/api/alerts?{query}").get_json()
            assert [row["id"] for row in found["rows"]] == ["a1"], query
        assert found["day"] == "2026-12-16"
        assert user.open("/api/alerts?day=2026-12-15").get_json()["total"] == 0

    @pytest.mark.parametrize("id", ["a9", "x" * 64])
    def test_an_unknown_alert_is_404(
        self, make_site: Make, browse: Browse, half: Half, id: str
    ) -> None:
        answer = browse(make_site(alerts=half).app).open(f"/api/alerts/{id}")

        assert answer.status_code == 404
        assert problems("get", "/api/alerts/{id}", answer) == []

    def test_a_busy_store_asks_to_come_again(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        user = browse(make_site(alerts=half).app)
        half.store.close()

        for path in ("/api/alerts", "/api/alerts.csv", "/api/alerts/a1", "/api/routing"):
            answer = user.open(path)
            assert answer.status_code == 503
            assert answer.get_json()["error"]["code"] == "store_busy"
            assert answer.headers["Retry-After"] == "5"


class TestCsv:
    def test_the_export_is_a_file_of_everything_that_fits(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        half.receive("a1", alert=an_alert(trade_id="=cmd()"))
        half.receive("a2", alert=an_alert("RTY"), state="unrouted")
        user = browse(make_site(alerts=half).app)

        whole = user.open("/api/alerts.csv")
        dead = user.open("/api/alerts.csv?tab=dead&day=2026-12-16")

        assert whole.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert whole.headers["Content-Disposition"] == 'attachment; filename="alerts.csv"'
        assert "alerts-2026-12-16.csv" in dead.headers["Content-Disposition"]
        lines = list(csv.DictReader(io.StringIO(whole.get_data(as_text=True))))
        assert [line["id"] for line in lines] == ["a2", "a1"]
        assert lines[1]["trade_id"] == "'=cmd()"
        assert "a1" not in dead.get_data(as_text=True)

    def test_logs_that_are_no_alerts_have_no_export(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        answer = browse(make_site(alerts=half).app).open("/api/alerts.csv?tab=security")

        assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, "tab")


class TestWriting:
    def test_pause_and_dry_are_passed_on_and_the_numbers_come_back(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        user = browse(make_site(alerts=half).app)

        paused = user.write("/api/alerts/pause", {"paused": True})
        dry = user.write("/api/alerts/dry", {"dry": True})
        resumed = user.write("/api/alerts/pause", {"paused": False})

        assert half.operator.calls == [
            ("pause", True, "browser"), ("dry", True, "browser"), ("pause", False, "browser"),
        ]  # fmt: skip
        assert paused.get_json()["numbers"]["paused"] is True
        assert resumed.get_json()["numbers"]["paused"] is False
        for path, answer in (("pause", paused), ("dry", dry)):
            assert problems("post", f"/api/alerts/{path}", answer) == []

    def test_who_is_told_by_the_proof(self, make_site: Make, browse: Browse, half: Half) -> None:
        user = browse(make_site(alerts=half, api_token=TOKEN).app)

        user.write("/api/alerts/pause", {"paused": True})
        fresh = browse(user.http.application)
        fresh.open("/api/alerts/pause", "POST", json={"paused": True})
        fresh.open("/api/alerts/pause", "POST", json={"paused": True},
                   headers={"Authorization": f"Bearer {TOKEN}"})  # fmt: skip

        assert [call[-1] for call in half.operator.calls] == [
            "browser", "local program", "API token",
        ]  # fmt: skip

    def test_a_held_alert_is_cancelled_once(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        half.receive("a1")
        user = browse(make_site(alerts=half).app)

        first = user.write("/api/alerts/a1/cancel", {})
        again = user.write("/api/alerts/a1/cancel", {})
        unknown = user.write("/api/alerts/a7/cancel", {})

        assert first.get_json()["row"]["state"] == "cancelled"
        assert [each.status_code for each in (first, again, unknown)] == [200, 409, 404]
        for answer in (first, again, unknown):
            assert problems("post", "/api/alerts/{id}/cancel", answer) == []

    def test_a_decision_carries_all_it_was_given(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        delivery = uncertain(half)
        user = browse(make_site(alerts=half).app)
        body = {"delivery": delivery, "decision": "send", "qty": 2}

        unsure = user.write("/api/alerts/a1/decide", body)
        sure = user.write("/api/alerts/a1/decide", {**body, "confirm_late": True})

        assert unsure.status_code == 422
        assert unsure.get_json()["error"]["field"] == "confirm_late"
        assert sure.status_code == 200
        assert half.operator.calls[-1] == ("decide", "a1", delivery, "send", "browser", 2, True)
        for answer in (unsure, sure):
            assert problems("post", "/api/alerts/{id}/decide", answer) == []

    @pytest.mark.parametrize(
        ("body", "status", "field"),
        [
            ({"decision": "arrived"}, 422, "delivery"),
            ({"delivery": 1}, 422, "decision"),
            ({"delivery": 1, "decision": "perhaps"}, 422, "decision"),
            ({"delivery": True, "decision": "arrived"}, 422, "delivery"),
            ({"delivery": "1", "decision": "arrived"}, 422, "delivery"),
            ({"delivery": 99, "decision": "arrived"}, 404, "delivery"),
            ({"delivery": 1, "decision": "send", "qty": 0}, 422, "qty"),
            ({"delivery": 1, "decision": "send", "qty": 10_001}, 422, "qty"),
            ({"delivery": 1, "decision": "send", "qty": 1.5}, 422, "qty"),
            ({"delivery": 1, "decision": "send", "confirm_late": 1}, 422, "confirm_late"),
            ({"delivery": 1, "decision": "send", "who": "me"}, 422, "who"),
        ],
    )
    def test_an_impossible_decision_is_named_and_nothing_is_done(
        self,
        make_site: Make,
        browse: Browse,
        half: Half,
        body: dict[str, Any],
        status: int,
        field: str,
    ) -> None:
        uncertain(half)

        answer = browse(make_site(alerts=half).app).write("/api/alerts/a1/decide", body)

        assert (answer.status_code, answer.get_json()["error"]["field"]) == (status, field)
        assert half.operator.calls == []

    def test_replays_by_selection_and_by_span(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        user = browse(make_site(alerts=half).app)
        span = {"from_ms": 1, "to_ms": 2}

        some = user.write("/api/alerts/replay", {"ids": ["a1", "a2", "a1"], "mode": "same"})
        user.write(
            "/api/alerts/replay",
            {"between": span, "target": "localhost:9060", "mode": "as_new", "confirm_late": True},
        )

        assert half.operator.calls == [
            ("replay", ["a1", "a2"], "browser", "same", False, None, None),
            ("replay", None, "browser", "as_new", True, (1, 2), "localhost:9060"),
        ]
        assert some.get_json() == {"replayed": 1, "refused": [{"id": "a9", "reason": "it is held"}]}
        assert problems("post", "/api/alerts/replay", some) == []

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"mode": "same"}, "ids"),
            ({"ids": ["a1"], "between": {"from_ms": 1, "to_ms": 2}, "mode": "same"}, "ids"),
            ({"ids": [], "mode": "same"}, "ids"),
            ({"ids": ["a b"], "mode": "same"}, "ids"),
            ({"ids": "a1", "mode": "same"}, "ids"),
            ({"ids": [{}], "mode": "same"}, "ids"),
            ({"ids": ["a"] * 501, "mode": "same"}, "ids"),
            ({"ids": ["a1"], "mode": "twice"}, "mode"),
            ({"ids": ["a1"], "mode": "same", "target": "a b"}, "target"),
            ({"ids": ["a1"], "mode": "same", "target": 5}, "target"),
            ({"between": {"from_ms": 2, "to_ms": 2}, "mode": "same"}, "between"),
            ({"between": {"from_ms": 2}, "mode": "same"}, "between"),
            ({"between": [1, 2], "mode": "same"}, "between"),
            ({"between": {"from_ms": "1", "to_ms": 2}, "mode": "same"}, "from_ms"),
        ],
    )
    def test_an_impossible_replay_is_named_and_nothing_is_done(
        self, make_site: Make, browse: Browse, half: Half, body: dict[str, Any], field: str
    ) -> None:
        answer = browse(make_site(alerts=half).app).write("/api/alerts/replay", body)

        assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, field)
        assert half.operator.calls == []

    def test_what_is_acknowledged_needs_nobody_any_more(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        uncertain(half)
        user = browse(make_site(alerts=half).app)

        answer = user.write("/api/alerts/acknowledge", {"ids": ["a1", "a7"]})

        assert answer.get_json()["acknowledged"] == 1
        assert answer.get_json()["numbers"]["needs"] == 0
        assert problems("post", "/api/alerts/acknowledge", answer) == []

    @pytest.mark.parametrize("value", [1, "true", None, []])
    def test_switches_take_true_and_false_alone(
        self, make_site: Make, browse: Browse, half: Half, value: Any
    ) -> None:
        answer = browse(make_site(alerts=half).app).write("/api/alerts/pause", {"paused": value})

        assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, "paused")

    @pytest.mark.parametrize(("path", "body"), WRITES)
    def test_nothing_is_written_without_a_proof(
        self, make_site: Make, browse: Browse, half: Half, path: str, body: Any
    ) -> None:
        user = browse(make_site(alerts=half).app)

        answer = user.open(path, "POST", json=body, headers={"Origin": "http://127.0.0.1:5010"})

        assert answer.status_code == 403
        assert half.operator.calls == []


class TestWebhook:
    def test_a_post_goes_to_intake_with_its_token_and_never_to_flask(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        user = browse(make_site(alerts=half).app, HTTP_HOST="tunnel.example")

        answer = user.open("/webhook/secret-token", "POST", data=b'{"ticker":"NQ"}')

        assert answer.get_json() == {"status": "success", "message": "Alert queued", "id": "a1"}
        (post,) = half.posts
        assert (post.token, post.body, post.method) == ("secret-token", b'{"ticker":"NQ"}', "POST")

    def test_a_body_beyond_the_limit_is_refused_and_noted(
        self, make_site: Make, browse: Browse, half: Half
    ) -> None:
        answer = browse(make_site(alerts=half).app).open("/webhook", "POST", data=b"x" * 16_385)

        assert answer.status_code == 413
        assert half.posts == []
        assert [what for _, what in half.turned_away] == ["body 413"]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("AlertLog", alerts_payload.make_log()),
        ("RoutingTree", None),
        ("Tokens", alerts_payload.make_tokens()),
        ("AlertNumbers", alerts_payload.make_numbers()),
    ],
)
def test_the_pages_are_tried_with_what_is_documented(schema: str, value: Any) -> None:
    if value is None:
        value = alerts_payload.make_tree()
        for strategy in value["strategies"]:
            strategy.setdefault("heartbeat_min", None)

    assert misfits(named(schema), value) == []
