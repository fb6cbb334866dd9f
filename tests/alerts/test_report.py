"""What pages read of alerts: rows, filters, numbers, details and the tree, over a real database."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.alerts.ledger import Ledger, Planned
from grok_sauce.alerts.model import Leg, Outcome
from grok_sauce.alerts.report import Live, Report
from grok_sauce.alerts.report_csv import cell
from grok_sauce.alerts.report_filters import Filters, day_of, day_span
from grok_sauce.alerts.routing_file import RoutingFile
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import Store
from grok_sauce.alerts.targets import TargetGuard
from grok_sauce.runtime.clock import ManualClock
from tests.alerts.ledger_kit import a_leg, a_new, an_alert

TREE = {
    "strategies": {
        "Momentum": {
            "accounts": {},
            "mode": "live",
            "tickers": {"NQ": {"ports": ["9060", 9061], "delay_s": 1.5}, "ES": {"ports": [9061]}},
        },
        "Swing": {"tickers": {"NQ": {"ports": [9060]}}},
    },
    "routing": {"targets": {"localhost:9060": {"name": "MNQ long"}}},
}
DELIVERED = Outcome("delivered", 200, "answered 200", 12.0, text="ok")
TIMEOUT = Outcome("ambiguous", None, "no answer within 5 s", 5004.0)
REFUSED = Outcome("refused", 400, "answered 400", 3.0, text="<b>no</b>")


@pytest.fixture
def desk(tmp_path: Path, clock: ManualClock) -> Iterator[SimpleNamespace]:
    """A store, its ledger, a routing file and the report over both."""
    time = SteadyTime(clock)
    store = Store(tmp_path / "alerts.db", time)
    store.open()
    ledger = Ledger(store, time)
    routing = RoutingFile(tmp_path / "routing.json", time, TargetGuard(own_ports=set), ledger.audit)
    routing.load()
    routing.import_document(TREE, dry_run=False, who="test")
    yield SimpleNamespace(
        store=store, ledger=ledger, routing=routing, time=time, clock=clock, folder=tmp_path,
        report=Report(store, routing, time),
    )  # fmt: skip
    store.close()


def put(desk: SimpleNamespace, id: str, *legs: Any, **changes: Any) -> list[int]:
    """An alert received now, released to these legs; ids of its deliveries."""
    got = receive(desk, id, **changes)
    return [each.id for each in desk.ledger.release([Planned(got.seq, legs or (leg(desk, id),))])]


def receive(desk: SimpleNamespace, id: str, **changes: Any) -> Any:
    now = desk.time.now_ms()
    values = {"wall_ms": desk.time.wall_ms(), **changes}
    return desk.ledger.receive(a_new(id, now, **values))


def leg(desk: SimpleNamespace, id: str, port: int = 9060, kind: str = "open", **more: Any) -> Any:
    return a_leg(id, port, kind, expires_ms=desk.time.now_ms() + 60_000, **more)


def send(desk: SimpleNamespace, delivery: int, outcome: Outcome, to: str | None = None) -> None:
    """One attempt and how it ended."""
    desk.ledger.move(delivery, "sending")
    desk.clock.advance(0.5)
    state = (
        to
        or {"delivered": "delivered", "ambiguous": "uncertain", "refused": "refused"}[outcome.kind]
    )
    desk.ledger.move(delivery, state, outcome=outcome)


def ids(desk: SimpleNamespace, **filters: Any) -> list[str]:
    return [row["id"] for row in desk.report.page(Filters(**filters))["rows"]]


class TestRows:
    def test_a_held_alert_shows_where_it_would_go_and_until_when(
        self, desk: SimpleNamespace
    ) -> None:
        receive(desk, "a")

        row = desk.report.row(1)

        now = desk.time.wall_ms()
        assert row["state"] == "held"
        assert (row["received_ms"], row["release_ms"]) == (now, now + 2000)
        assert [
            (each["port"], each["label"], each["state"], each["delivery"])
            for each in row["targets"]
        ] == [(9060, "MNQ long", "held", None), (9061, "", "held", None)]
        assert (row["needs"], row["total_ms"], row["tries"]) == (False, None, 0)

    def test_a_delivered_alert_counts_from_receipt_to_its_last_delivery(
        self, desk: SimpleNamespace
    ) -> None:
        first, second = put(desk, "a", leg(desk, "a"), leg(desk, "a", 9061))
        desk.clock.advance(2.0)
        send(desk, first, DELIVERED)
        assert desk.report.row(1)["total_ms"] is None
        send(desk, second, DELIVERED)

        row = desk.report.row(1)

        assert (row["state"], row["total_ms"], row["tries"]) == ("done", 3000, 1)
        assert [each["state"] for each in row["targets"]] == ["delivered", "delivered"]
        assert row["release_ms"] is None

    def test_one_uncertain_delivery_makes_the_alert_a_question(self, desk: SimpleNamespace) -> None:
        good, bad = put(desk, "a", leg(desk, "a", 9061), leg(desk, "a"))
        send(desk, good, DELIVERED)
        send(desk, bad, TIMEOUT)

        row = desk.report.row(1)

        assert (row["state"], row["needs"]) == ("uncertain", True)
        question = row["question"]
        assert (question["delivery"], question["kind"], question["port"]) == (bad, "arrived", 9060)
        assert question["qty"] == 1
        assert "no answer within 5 s" in question["text"]
        assert "open a second position" in question["text"]
        assert not question["late"]

    def test_an_open_past_its_freshness_is_asked_for_as_late(self, desk: SimpleNamespace) -> None:
        (delivery,) = put(desk, "a")
        send(desk, delivery, TIMEOUT)
        desk.clock.advance(61)

        question = desk.report.row(1)["question"]

        assert question["late"]
        assert "freshness" in question["text"]

    @pytest.mark.parametrize(
        ("sizes", "opened", "shown"),
        [
            ({"new_qty": 2}, None, 2),
            ({"prev_qty": 1}, None, 2),
            ({}, 2, 1),
            ({}, 5, 3),
            ({}, None, 3),
        ],
        ids=["the alert says it", "less the old", "less what was opened", "opened more", "unknown"],
    )
    def test_the_size_of_a_reversal_is_offered_for_a_person_to_check(
        self, desk: SimpleNamespace, sizes: dict[str, int], opened: int | None, shown: int
    ) -> None:
        if opened is not None:
            size = Leg("open", "long", opened)
            (before,) = put(desk, "z", leg(desk, "z", leg=size))
            send(desk, before, DELIVERED)
        unknown = leg(
            desk, "a", kind="open", leg=Leg("open", "short", None), state="uncertain",
            reason="reversal_qty_unknown", body="",
        )  # fmt: skip
        put(desk, "a", unknown, alert=an_alert(action="sell", qty=3, **sizes))

        question = desk.report.page(Filters())["rows"][0]["question"]

        assert (question["kind"], question["qty"]) == ("size", shown)

    def test_an_alert_that_was_sent_nowhere_is_not_called_done(self, desk: SimpleNamespace) -> None:
        put(desk, "a", leg(desk, "a", state="skipped", reason="strategy_off"))

        row = desk.report.row(1)

        assert (row["state"], row["reason"], row["total_ms"]) == ("skipped", "strategy_off", None)

    def test_a_duplicate_points_at_the_first(self, desk: SimpleNamespace) -> None:
        receive(desk, "a", exact_key="k")
        receive(desk, "b", exact_key="k")

        row = desk.report.row(2)

        assert (row["state"], row["link"]) == ("duplicate", {"kind": "duplicate_of", "id": "a"})
        assert row["targets"] == []

    def test_flags_tell_of_pairs_tests_and_lateness(self, desk: SimpleNamespace) -> None:
        (slow,) = put(desk, "a", test=True)
        desk.clock.advance(10)
        send(desk, slow, DELIVERED)
        receive(desk, "b")
        receive(desk, "c")
        desk.ledger.cancel([2, 3], "net_zero_pair", pair=("b", "c"))

        found = {row["id"]: row for row in desk.report.page(Filters())["rows"]}

        assert found["a"]["flags"] == ["late", "test"]
        assert found["b"]["flags"] == ["net_zero_pair"]
        assert found["b"]["link"] == {"kind": "pair", "id": "c"}

    def test_an_invalid_alert_needs_a_person_until_it_is_acknowledged(
        self, desk: SimpleNamespace
    ) -> None:
        receive(desk, "a", state="invalid", reason="qty is not a number", alert=None, mapped=None)
        assert desk.report.row(1)["needs"]
        assert desk.report.numbers()["needs"] == 1

        desk.ledger.acknowledge(["a"], "browser")

        row = desk.report.row(1)
        assert (row["needs"], row["acknowledged"], row["ticker"]) == (False, True, None)
        assert desk.report.numbers()["needs"] == 0

    def test_what_goes_wrong_after_it_was_acknowledged_is_a_question_again(
        self, desk: SimpleNamespace
    ) -> None:
        (delivery,) = put(desk, "a")
        send(desk, delivery, REFUSED)
        desk.ledger.acknowledge(["a"], "browser")
        assert desk.report.numbers()["needs"] == 0
        desk.clock.advance(1)

        desk.ledger.move(delivery, "waiting", who="browser")
        send(desk, delivery, REFUSED)

        assert desk.report.row(1)["needs"]
        assert desk.report.numbers()["needs"] == 1

    def test_a_clock_that_is_set_makes_no_delivery_slow(self, desk: SimpleNamespace) -> None:
        (delivery,) = put(desk, "a")
        desk.clock.advance(2)
        desk.clock._real += 3600  # somebody set it; nothing else moved
        send(desk, delivery, DELIVERED)

        row, found = desk.report.row(1), desk.report.detail("a")

        assert row["total_ms"] == 2500
        assert max(each["plus_ms"] for each in found["events"]) == 2000
        assert found["events"][-1]["at_ms"] - found["events"][0]["at_ms"] == 3_602_500

    def test_an_alert_that_is_gone_is_none(self, desk: SimpleNamespace) -> None:
        assert desk.report.row(7) is None
        assert desk.report.detail("nobody") is None
        assert not desk.report.knows("nobody")


class TestFilters:
    @pytest.fixture
    def filled(self, desk: SimpleNamespace) -> SimpleNamespace:
        (one,) = put(desk, "done", alert=an_alert(trade_id="Open_Long_ID_100%"))
        send(desk, one, DELIVERED)
        (two,) = put(desk, "refused", leg(desk, "refused", 9061), alert=an_alert(trade_id="X_1"))
        send(desk, two, REFUSED)
        receive(desk, "unrouted", state="unrouted", alert=an_alert("RTY"), strategies=())
        receive(desk, "held", alert=an_alert("ES", trade_id="open_long_id_2"),
                strategies=("Momentum", "Swing"))  # fmt: skip
        return desk

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({}, ["held", "unrouted", "refused", "done"]),
            ({"tab": "dead"}, ["unrouted", "refused"]),
            ({"ticker": "RTY"}, ["unrouted"]),
            ({"ticker": "rty"}, []),
            ({"strategy": "Swing"}, ["held"]),
            ({"target": "localhost:9061"}, ["refused"]),
            ({"state": "refused"}, ["refused"]),
            ({"state": "failed"}, ["refused"]),
            ({"state": "held"}, ["held"]),
            ({"q": "LONG_id"}, ["held", "done"]),
            ({"q": "100%"}, ["done"]),
            ({"q": "%"}, ["done"]),
            ({"q": "X_1"}, ["refused"]),
            ({"q": "X11"}, []),
            ({"before": 3}, ["refused", "done"]),
            ({"tab": "dead", "before": 3}, ["refused"]),
        ],
    )
    def test_each_filter_leaves_what_fits(
        self, filled: SimpleNamespace, asked: dict[str, Any], found: list[str]
    ) -> None:
        assert ids(filled, **asked) == found

    def test_pages_follow_one_another_without_gap_or_repeat(self, desk: SimpleNamespace) -> None:
        for number in range(7):
            receive(desk, f"a{number}")

        first = desk.report.page(Filters(limit=3))
        second = desk.report.page(Filters(limit=3, before=first["rows"][-1]["seq"]))
        third = desk.report.page(Filters(limit=3, before=second["rows"][-1]["seq"]))

        pages = [[row["id"] for row in each["rows"]] for each in (first, second, third)]
        assert pages == [["a6", "a5", "a4"], ["a3", "a2", "a1"], ["a0"]]
        assert [each["more"] for each in (first, second, third)] == [True, True, False]
        assert {each["total"] for each in (first, second, third)} == {7}

    @pytest.mark.parametrize(
        ("day", "hours"),
        [(date(2026, 12, 16), 24), (date(2026, 3, 8), 23), (date(2026, 11, 1), 25)],
    )
    def test_a_day_is_new_yorks_whatever_its_length(self, day: date, hours: int) -> None:
        begin, end = day_span(day)

        assert end - begin == hours * 3_600_000
        assert (day_of(begin), day_of(end - 1), day_of(end)) == (
            day, day, date.fromordinal(day.toordinal() + 1),
        )  # fmt: skip

    def test_an_alert_of_the_evening_belongs_to_new_yorks_day(self, desk: SimpleNamespace) -> None:
        begin, end = day_span(date(2026, 12, 16))
        for id, wall in (("before", begin - 1), ("first", begin), ("last", end - 1), ("next", end)):
            receive(desk, id, wall_ms=wall)

        assert ids(desk, day=date(2026, 12, 16)) == ["last", "first"]

    def test_filters_offer_what_the_tree_names_and_what_the_log_has(
        self, filled: SimpleNamespace
    ) -> None:
        offered = filled.report.page(Filters())["filters"]

        assert offered["strategies"] == ["Momentum", "Swing"]
        assert offered["tickers"] == ["NQ", "ES", "RTY"]
        assert offered["targets"] == ["localhost:9060", "localhost:9061"]
        assert "uncertain" in offered["states"]

    def test_security_and_audit_are_tabs_of_their_own(self, desk: SimpleNamespace) -> None:
        desk.ledger.security("203.0.113.9", "wrong token", "path")
        desk.ledger.audit("browser", "paused", "on")

        security = desk.report.page(Filters(tab="security"))
        audit = desk.report.page(Filters(tab="audit"))

        (turned_away,) = security["rows"]
        assert {**turned_away, "at_ms": 0} == {
            "at_ms": 0, "address": "203.0.113.9", "what": "wrong token", "detail": "path",
        }  # fmt: skip
        assert (audit["rows"][0]["who"], audit["rows"][0]["what"]) == ("browser", "paused")
        assert audit["more"] is False
        assert audit["numbers"]["rejected_hour"] == 1


class TestNumbers:
    def test_an_empty_router_knows_nothing_and_says_so(self, desk: SimpleNamespace) -> None:
        numbers = desk.report.numbers()

        for name in ("oldest_undelivered_s", "delivered_p50_ms", "delivered_p99_ms",
                     "clock_offset_s"):  # fmt: skip
            assert numbers[name] is None
        assert (numbers["mark"], numbers["text"]) == ("fresh", "0 waiting")
        assert numbers["today"] == {"received": 0, "delivered": 0, "held": 0, "needs": 0}

    def test_what_waits_is_counted_with_its_age(self, desk: SimpleNamespace) -> None:
        receive(desk, "a")
        desk.clock.advance(3)
        first, _ = put(desk, "b", leg(desk, "b"), leg(desk, "b", 9061))
        desk.clock.advance(1)
        send(desk, first, DELIVERED)

        numbers = desk.report.numbers()

        assert (numbers["waiting"], numbers["text"]) == (2, "2 waiting")
        assert numbers["oldest_undelivered_s"] == 4.5
        assert (numbers["delivered_p50_ms"], numbers["delivered_p99_ms"]) == (1500, 1500)
        assert numbers["today"] == {"received": 2, "delivered": 1, "held": 1, "needs": 0}

    def test_a_pause_is_said_and_gives_way_to_what_needs_a_person(
        self, desk: SimpleNamespace
    ) -> None:
        receive(desk, "a")
        desk.ledger.switch("paused", "1", "browser")
        paused = desk.report.numbers()
        receive(desk, "b", state="unrouted", alert=an_alert("RTY"))

        both = desk.report.numbers()

        assert (paused["paused"], paused["mark"], paused["text"]) == (
            True,
            "late",
            "paused, 1 held",
        )
        assert (both["mark"], both["text"]) == ("down", "1 needs you")

    def test_the_hour_and_the_day_end(self, desk: SimpleNamespace) -> None:
        receive(desk, "a")
        desk.ledger.cancel([1], "operator")
        desk.clock.advance(3601)
        hour = desk.report.numbers()
        desk.clock.advance(86_400)

        day = desk.report.numbers()

        assert (hour["received_hour"], hour["today"]["received"]) == (0, 1)
        assert day["today"]["received"] == 0

    def test_the_clock_is_compared_with_the_alerts_own_times(self, desk: SimpleNamespace) -> None:
        for number, ahead in enumerate((-7000, -6000, 500)):
            time_ms = desk.time.wall_ms() + ahead
            receive(desk, f"a{number}", alert=an_alert(time_ms=time_ms))

        numbers = desk.report.numbers()

        assert numbers["clock_offset_s"] == -6.0
        assert numbers["mark"] == "late"

    def test_live_parts_and_the_queue_alarm_come_through(self, desk: SimpleNamespace) -> None:
        receive(desk, "a")
        breaker = {"target": "localhost:9060", "next_probe_ms": 5}
        live = Live(guards=lambda: ["opens blocked"], breakers=lambda: [breaker],
                    problems=lambda: ["disk full"], rejected_hour=lambda: 1200)  # fmt: skip

        numbers = Report(desk.store, desk.routing, desk.time, alarm=1, live=live).numbers()

        assert (numbers["guards"], numbers["breakers"]) == (["opens blocked"], [breaker])
        assert (numbers["problems"], numbers["rejected_hour"]) == (["disk full"], 1200)
        assert (numbers["queue_alarm"], numbers["mark"]) == (True, "down")


class TestDetail:
    def test_a_life_is_told_in_order_with_its_attempts(self, desk: SimpleNamespace) -> None:
        (delivery,) = put(desk, "a", body='{"secret":"••••"}', exact_key="k", semantic_key="s")
        desk.clock.advance(2)
        send(desk, delivery, REFUSED)

        found = desk.report.detail("a")

        assert [each["now"] for each in found["events"]] == [
            "held", "released", "waiting", "sending", "refused", "failed",
        ]  # fmt: skip
        assert [each["plus_ms"] for each in found["events"]] == [0, 0, 0, 2000, 500, 0]
        assert [each["bad"] for each in found["events"]] == [False] * 4 + [True, True]
        assert "port 9060, open long" in found["events"][3]["text"]
        (attempt,) = found["attempts"]
        assert (attempt["n"], attempt["target"], attempt["http"]) == (1, "localhost:9060", 400)
        assert (attempt["status"], attempt["answer"]) == ("answered 400", "<b>no</b>")
        assert found["sent"] == [
            {"target": "localhost:9060", "leg": "open", "body": "{}", "dry": False}
        ]
        assert found["keys"] == {"exact": "k", "semantic": "s"}
        assert found["body"] == '{"secret":"••••"}'
        assert (found["alert"]["ticker"], found["alert"]["qty"]) == ("NQ", 1)
        assert found["row"]["state"] == "refused"

    def test_links_are_seen_from_both_ends(self, desk: SimpleNamespace) -> None:
        receive(desk, "a", exact_key="k")
        receive(desk, "b", exact_key="k")

        first, second = desk.report.detail("a"), desk.report.detail("b")

        assert first["links"] == [{"kind": "duplicate", "id": "b"}]
        assert second["links"] == [{"kind": "duplicate_of", "id": "a"}]

    def test_an_invalid_body_has_no_normalised_form(self, desk: SimpleNamespace) -> None:
        receive(desk, "a", state="invalid", reason="ticker", alert=None, mapped=None)

        found = desk.report.detail("a")

        assert (found["alert"], found["position"], found["token"]) == (None, None, None)

    def test_token_and_position_are_named(self, desk: SimpleNamespace) -> None:
        token = desk.ledger.token_add("TradingView", "0" * 64, None, None)
        receive(desk, "a", token_id=token, alert=an_alert(new_qty=2))

        found = desk.report.detail("a")

        assert found["token"] == "TradingView"
        assert (found["position"]["side"], found["position"]["qty"]) == ("long", 2)

    def test_an_acknowledgement_stands_in_the_time_line(self, desk: SimpleNamespace) -> None:
        receive(desk, "a", state="unrouted", alert=an_alert("RTY"))
        desk.ledger.acknowledge(["a"], "browser")

        last = desk.report.detail("a")["events"][-1]

        assert (last["text"], last["who"]) == ("Acknowledged", "browser")


class TestTree:
    def test_ports_know_their_last_delivery_and_who_shares_them(
        self, desk: SimpleNamespace
    ) -> None:
        (delivery,) = put(desk, "a")
        desk.clock.advance(2)
        send(desk, delivery, DELIVERED)
        put(desk, "b", leg(desk, "b"), leg(desk, "b", 9061))
        desk.ledger.target_test("localhost:9061", {"ok": True, "text": "200", "ms": 3, "at_ms": 1})

        tree = desk.report.tree()

        momentum, swing = tree["strategies"]
        assert (momentum["mode"], swing["mode"]) == ("live", "off")
        nq, es = momentum["tickers"]
        assert (nq["options"], nq["effective"]["delay_s"]) == ({"delay_s": 1.5}, 1.5)
        assert es["effective"]["delay_s"] == 2.0
        first, second = nq["ports"]
        assert (first["id"], first["label"], first["lamp"]) == (
            "localhost:9060", "MNQ long", "unknown",
        )  # fmt: skip
        assert first["also_in"] == ["Swing / NQ"]
        assert second["also_in"] == ["ES"]
        assert (first["lag_ms"], first["waiting"]) == (2500, 1)
        assert (second["last_delivery_ms"], second["waiting"]) == (None, 1)
        assert first["last_delivery_ms"] == desk.time.wall_ms()
        assert (nq["lag_ms"], momentum["lag_ms"], es["lag_ms"]) == (2500, 2500, None)
        assert second["test"]["ok"] is True
        assert es["last_alert_ms"] is None

    def test_gaps_and_open_questions_are_shown_where_they_are(self, desk: SimpleNamespace) -> None:
        receive(desk, "a", alert=an_alert(new_pos="long"))
        (delivery,) = put(desk, "b", alert=an_alert(current_position="short"))
        send(desk, delivery, TIMEOUT)

        nq = desk.report.tree()["strategies"][0]["tickers"][0]

        assert nq["gap"]
        assert nq["ports"][0]["uncertain"] == 1

    def test_lamps_and_pauses_come_from_the_living(self, desk: SimpleNamespace) -> None:
        lamp = {"lamp": "up", "lamp_text": "connects", "checked_ms": 7, "next_probe_ms": 17}
        live = Live(lamps=lambda: {"localhost:9060": lamp},
                    paused_until=lambda name: 99 if name == "Swing" else None,
                    token_file=lambda: desk.folder / "webhook_token")  # fmt: skip
        report = Report(desk.store, desk.routing, desk.time, live=live)

        before = report.tree()
        (desk.folder / "webhook_token").write_text("t")
        after = report.tree()

        port = before["strategies"][0]["tickers"][0]["ports"][0]
        assert {name: port[name] for name in lamp} == lamp
        assert [each["paused_until_ms"] for each in before["strategies"]] == [None, 99]
        assert before["webhook"]["token_file"] is None
        assert after["webhook"]["token_file"] == str(desk.folder / "webhook_token")

    def test_a_new_name_of_a_target_shows_in_the_log_at_once(self, desk: SimpleNamespace) -> None:
        receive(desk, "a")
        assert desk.report.row(1)["targets"][0]["label"] == "MNQ long"

        desk.routing.edit(
            {"op": "set_target", "port": 9060, "name": "renamed"}, "me", desk.routing.revision
        )

        assert desk.report.row(1)["targets"][0]["label"] == "renamed"


class TestCsv:
    def test_every_page_is_in_it_newest_first(
        self, desk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("grok_sauce.alerts.report_csv.AT_ONCE", 2)
        for number in range(5):
            receive(desk, f"a{number}")

        pieces = list(desk.report.csv(Filters()))

        found = list(csv.DictReader(io.StringIO("".join(pieces))))
        assert [line["id"] for line in found] == ["a4", "a3", "a2", "a1", "a0"]
        assert len(pieces) == 4
        assert found[0]["received_utc"] == "2026-12-16T19:32:07.000Z"
        assert found[0]["received_new_york"] == "2026-12-16 14:32:07"
        assert found[0]["targets"] == "localhost:9060 open held; localhost:9061 open held"

    def test_hostile_text_is_no_formula(self, desk: SimpleNamespace) -> None:
        receive(desk, "a", alert=an_alert(trade_id='=HYPERLINK("http://x")'))
        receive(desk, "b", alert=an_alert(trade_id="@SUM(1)\n=2"))

        text = "".join(desk.report.csv(Filters()))

        second, first = csv.DictReader(io.StringIO(text))
        assert first["trade_id"] == '\'=HYPERLINK("http://x")'
        assert second["trade_id"] == "'@SUM(1) =2"

    def test_filters_hold_for_the_export(self, desk: SimpleNamespace) -> None:
        receive(desk, "a")
        receive(desk, "b", state="unrouted", alert=an_alert("RTY"))

        text = "".join(desk.report.csv(Filters(tab="dead")))

        assert [line["id"] for line in csv.DictReader(io.StringIO(text))] == ["b"]

    @given(st.text(max_size=12))
    def test_no_cell_begins_as_a_formula_does(self, text: str) -> None:
        found = cell(text)

        assert not found.lstrip().startswith(("=", "+", "-", "@"))
        assert len(found.splitlines()) <= 1


def test_reading_a_closed_store_says_so(desk: SimpleNamespace) -> None:
    from grok_sauce.alerts.store import StoreBusy

    other = replace(Filters(), limit=1)
    desk.store.close()

    with pytest.raises(StoreBusy):
        desk.report.page(other)
