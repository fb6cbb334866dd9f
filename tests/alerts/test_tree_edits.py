"""Edits of the routing document, one at a time, and their sentences."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.alerts.routing import RoutingTree
from grok_sauce.alerts.routing_document import OPTIONS
from grok_sauce.alerts.targets import TargetGuard
from grok_sauce.alerts.tree_edits import OPS, apply, changes
from grok_sauce.errors import SettingsError

GUARD = TargetGuard(lambda: {5010}, ("nt-box",))
DOCUMENT: dict[str, Any] = {
    "note": "mine",
    "strategies": {
        "NQ trend": {
            "accounts": {"Sim101": {}},
            "mode": "live",
            "tickers": {
                "ES1!": {"ports": ["9060", "9061"], "delay_s": 5, "colour": "red"},
                "NQ1!": {"ports": ["9060"]},
            },
        },
        "Fade": {"accounts": {}, "tickers": {"ES1!": {"ports": [9062]}}},
    },
    "routing": {"targets": {"localhost:9061": {"idempotent": True, "x": 1}, "localhost:9060": {}}},
}


def done(op: str, **more: Any) -> tuple[dict[str, Any], list[str]]:
    """The document after one operation, which leaves the one it was given alone."""
    before = copy.deepcopy(DOCUMENT)
    document, said = apply(before, {"op": op, **more}, GUARD)

    assert before == DOCUMENT
    RoutingTree(document)
    return document, said


def entry_of(document: dict[str, Any], strategy: str = "NQ trend", ticker: str = "ES1!") -> Any:
    return document["strategies"][strategy]["tickers"][ticker]


class TestStrategies:
    def test_a_new_one_is_off_and_last(self) -> None:
        document, said = done("add_strategy", name="New")

        assert list(document["strategies"]) == ["NQ trend", "Fade", "New"]
        assert document["strategies"]["New"] == {"accounts": {}, "mode": "off", "tickers": {}}
        assert said == ['strategy "New" added, off']

    def test_renamed_it_keeps_its_place_and_all_it_has(self) -> None:
        document, said = done("rename_strategy", name="NQ trend", to="Trend")

        assert list(document["strategies"]) == ["Trend", "Fade"]
        assert document["strategies"]["Trend"] == DOCUMENT["strategies"]["NQ trend"]
        assert said == ['strategy "NQ trend" renamed to "Trend"']

    def test_renamed_to_itself_nothing_changes(self) -> None:
        assert done("rename_strategy", name="Fade", to="Fade") == (DOCUMENT, [])

    def test_deleted_it_takes_options_of_its_targets_along(self) -> None:
        document, said = done("delete_strategy", name="NQ trend")

        assert list(document["strategies"]) == ["Fade"]
        assert document["routing"]["targets"] == {}
        assert said == [
            'strategy "NQ trend" deleted ("ES1!": 9060, 9061, "NQ1!": 9060)',
            "options of localhost:9061 deleted, nothing goes there any more",
            "options of localhost:9060 deleted, nothing goes there any more",
        ]

    def test_its_switches_are_set_and_taken_away(self) -> None:
        document, said = done(
            "set_strategy", name="NQ trend", mode=None, daily_pause=True, resume_at="17:00"
        )

        about = document["strategies"]["NQ trend"]
        assert (about["daily_pause"], about["resume_at"], "mode" in about) == (True, "17:00", False)
        assert said == [
            'strategy "NQ trend": mode "live" -> not set',
            'strategy "NQ trend": daily_pause not set -> true',
            'strategy "NQ trend": resume_at not set -> "17:00"',
        ]


class TestTickers:
    def test_a_new_one_has_no_ports(self) -> None:
        document, said = done("add_ticker", strategy="Fade", name="MNQ_30minL")

        assert list(document["strategies"]["Fade"]["tickers"]) == ["ES1!", "MNQ_30minL"]
        assert said == ['ticker "MNQ_30minL" of "Fade" added']

    def test_a_strategy_without_any_takes_its_first(self) -> None:
        document, _ = apply(
            {"strategies": {"A": {}}}, {"op": "add_ticker", "strategy": "A", "name": "ES"}, GUARD
        )

        assert document == {"strategies": {"A": {"tickers": {"ES": {"ports": []}}}}}

    def test_renamed_it_keeps_its_place_its_options_and_its_unknown_keys(self) -> None:
        document, said = done("rename_ticker", strategy="NQ trend", name="ES1!", to="ES2!")

        assert list(document["strategies"]["NQ trend"]["tickers"]) == ["ES2!", "NQ1!"]
        assert entry_of(document, ticker="ES2!") == entry_of(DOCUMENT)
        assert said == ['ticker "ES1!" renamed to "ES2!" (strategy "NQ trend")']

    def test_deleted_from_one_strategy_it_stays_in_the_others(self) -> None:
        document, said = done("delete_ticker", strategy="NQ trend", name="ES1!")

        assert list(document["strategies"]["NQ trend"]["tickers"]) == ["NQ1!"]
        assert entry_of(document, "Fade") == {"ports": [9062]}
        assert list(document["routing"]["targets"]) == ["localhost:9060"]
        assert said[0] == 'ticker "ES1!" of "NQ trend" deleted (ports 9060, 9061)'

    def test_options_are_set_and_taken_away(self) -> None:
        document, said = done(
            "set_ticker", strategy="NQ trend", name="ES1!", delay_s=None, group="idx",
            no_open_between="09:30-09:35, 15:55-16:00",
        )  # fmt: skip

        assert entry_of(document) == {
            "ports": ["9060", "9061"], "colour": "red", "group": "idx",
            "no_open_between": ["09:30-09:35", "15:55-16:00"],
        }  # fmt: skip
        assert said == [
            '"ES1!" of "NQ trend": delay_s 5 -> not set',
            '"ES1!" of "NQ trend": group not set -> "idx"',
            '"ES1!" of "NQ trend": no_open_between not set -> ["09:30-09:35", "15:55-16:00"]',
        ]

    def test_what_is_set_already_is_nothing_to_tell(self) -> None:
        assert done("set_ticker", strategy="NQ trend", name="ES1!", delay_s=5)[1] == []


class TestPorts:
    def test_a_new_one_makes_numbers_of_all(self) -> None:
        document, said = done(
            "add_port", strategy="NQ trend", ticker="ES1!", port="9070", label="B"
        )

        assert entry_of(document)["ports"] == [9060, 9061, 9070]
        assert document["routing"]["targets"]["localhost:9070"] == {"name": "B"}
        assert said == [
            'port 9070 added to "ES1!" of "NQ trend"',
            'localhost:9070: name not set -> "B"',
        ]

    def test_deleted_it_is_gone_and_so_are_its_options(self) -> None:
        document, said = done("delete_port", strategy="NQ trend", ticker="ES1!", port=9061)

        assert entry_of(document)["ports"] == [9060]
        assert list(document["routing"]["targets"]) == ["localhost:9060"]
        assert said == [
            'port 9061 deleted from "ES1!" of "NQ trend"',
            "options of localhost:9061 deleted, nothing goes there any more",
        ]

    def test_one_that_others_use_keeps_its_options(self) -> None:
        document, said = done("delete_port", strategy="NQ trend", ticker="ES1!", port="9060")

        assert list(document["routing"]["targets"]) == ["localhost:9061", "localhost:9060"]
        assert len(said) == 1

    def test_hosts_written_by_hand_stay_and_can_be_deleted(self) -> None:
        start = {"strategies": {"A": {"tickers": {"ES": {"ports": ["nt-box:9060", "9061"]}}}}}

        more, _ = apply(
            start, {"op": "add_port", "strategy": "A", "ticker": "ES", "port": 9060}, GUARD
        )
        less, _ = apply(
            more,
            {"op": "delete_port", "strategy": "A", "ticker": "ES", "port": "nt-box:9060"},
            GUARD,
        )

        assert more["strategies"]["A"]["tickers"]["ES"]["ports"] == ["nt-box:9060", 9061, 9060]
        assert less["strategies"]["A"]["tickers"]["ES"]["ports"] == [9061, 9060]

    def test_a_targets_options_are_set_by_port_or_id(self) -> None:
        document, said = done("set_target", port=9062, name="Chart", idempotent=True)
        document, _ = apply(
            document, {"op": "set_target", "id": "localhost:9061", "idempotent": None}, GUARD
        )

        assert document["routing"]["targets"] == {
            "localhost:9061": {"x": 1},
            "localhost:9060": {},
            "localhost:9062": {"name": "Chart", "idempotent": True},
        }
        assert said[0] == 'localhost:9062: name not set -> "Chart"'

    @pytest.mark.parametrize("routing", [None, {}, {"targets": None}])
    def test_options_find_their_place_in_an_old_file(self, routing: Any) -> None:
        start = {"strategies": {"A": {"tickers": {"ES": {"ports": [9060]}}}}, "routing": routing}

        document, _ = apply(start, {"op": "set_target", "port": 9060, "include_meta": True}, GUARD)

        assert document["routing"]["targets"] == {"localhost:9060": {"include_meta": True}}


AT = {"strategy": "NQ trend", "ticker": "ES1!"}


@pytest.mark.parametrize(
    "field, op",
    [
        ("op", {"op": "drop"}), ("op", {}), ("op", {"op": None}), ("op", {"op": ["add_port"]}),
        ("name", {"op": "add_strategy"}), ("name", {"op": "add_strategy", "name": ""}),
        ("name", {"op": "add_strategy", "name": "Fade"}),
        ("name", {"op": "add_strategy", "name": "x" * 61}),
        ("name", {"op": "rename_strategy", "name": "Gone", "to": "X"}),
        ("to", {"op": "rename_strategy", "name": "Fade", "to": "NQ trend"}),
        ("to", {"op": "rename_strategy", "name": "Fade"}),
        ("name", {"op": "delete_strategy", "name": None}),
        ("name", {"op": "delete_strategy", "name": {}}),
        ("strategy", {"op": "add_ticker", "strategy": "Gone", "name": "ES"}),
        ("name", {"op": "add_ticker", "strategy": "Fade", "name": "ES1!"}),
        ("name", {"op": "add_ticker", "strategy": "Fade", "name": "<b>"}),
        ("name", {"op": "rename_ticker", "strategy": "Fade", "name": "X", "to": "Y"}),
        ("to", {"op": "rename_ticker", "strategy": "NQ trend", "name": "ES1!", "to": "NQ1!"}),
        ("to", {"op": "rename_ticker", "strategy": "NQ trend", "name": "ES1!", "to": "'"}),
        ("name", {"op": "delete_ticker", "strategy": "Fade", "name": "X"}),
        ("port", {"op": "add_port", **AT, "port": 9060}),
        ("port", {"op": "add_port", **AT, "port": "9061"}),
        ("port", {"op": "add_port", **AT, "port": 5010}),
        ("port", {"op": "add_port", **AT, "port": "nt-box:9060"}),
        ("port", {"op": "add_port", **AT, "port": "1@198.51.100.9:80"}),
        ("port", {"op": "add_port", **AT}),
        ("name", {"op": "add_port", **AT, "port": 9070, "label": 7}),
        ("ticker", {"op": "add_port", "strategy": "Fade", "ticker": "X", "port": 9070}),
        ("port", {"op": "delete_port", **AT, "port": 9062}),
        ("port", {"op": "delete_port", **AT, "port": "x"}),
        ("mode", {"op": "set_strategy", "name": "Fade", "mode": "on"}),
        ("delay_s", {"op": "set_strategy", "name": "Fade", "delay_s": 1}),
        ("delay_s", {"op": "set_ticker", "strategy": "Fade", "name": "ES1!", "delay_s": 61}),
        ("ports", {"op": "set_ticker", "strategy": "Fade", "name": "ES1!", "ports": [80]}),
        ("port", {"op": "set_target", "port": 9999, "idempotent": True}),
        ("id", {"op": "set_target", "id": "example.com:9060", "name": "x"}),
        ("secret", {"op": "set_target", "port": 9060, "secret": "x"}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_changes(field: str, op: dict[str, Any]) -> None:
    before = copy.deepcopy(DOCUMENT)

    with pytest.raises(SettingsError) as caught:
        apply(before, op, GUARD)

    assert caught.value.field == field
    assert before == DOCUMENT


class TestChanges:
    def test_nothing_changed_is_nothing_said(self) -> None:
        assert changes(DOCUMENT, copy.deepcopy(DOCUMENT)) == []

    def test_every_difference_is_told_with_before_and_after(self) -> None:
        new = copy.deepcopy(DOCUMENT)
        new["strategies"]["More"] = {"mode": "dry", "tickers": {"YM": {"ports": [9063]}}}
        del new["strategies"]["Fade"]
        new["strategies"]["NQ trend"]["mode"] = "off"
        del new["strategies"]["NQ trend"]["tickers"]["NQ1!"]
        new["strategies"]["NQ trend"]["tickers"]["YM"] = {"ports": []}
        new["strategies"]["NQ trend"]["tickers"]["ES1!"] = {"ports": [9061, 9064], "delay_s": 5}
        new["routing"]["targets"]["localhost:9061"] = {"idempotent": False}
        new["routing"]["delay_s"] = 1

        assert changes(DOCUMENT, new) == [
            'strategy "Fade" deleted ("ES1!": 9062)',
            'ticker "NQ1!" of "NQ trend" deleted (ports 9060)',
            'ports of "ES1!" of "NQ trend": 9060, 9061 -> 9061, 9064',
            '"ES1!" of "NQ trend": colour "red" -> not set',
            'ticker "YM" of "NQ trend" added (ports none)',
            'strategy "NQ trend": mode "live" -> "off"',
            'strategy "More" added, dry ("YM": 9063)',
            "routing.targets.localhost:9061.idempotent true -> false",
            "routing.targets.localhost:9061.x 1 -> not set",
            "routing.delay_s not set -> 1",
        ]

    @pytest.mark.parametrize("ports", [[9060, 9061], ["9060", "9061", "9060"]])
    def test_the_same_ports_spelled_otherwise_are_told_as_that(self, ports: list[Any]) -> None:
        new = copy.deepcopy(DOCUMENT)
        new["strategies"]["NQ trend"]["tickers"]["ES1!"]["ports"] = ports

        assert changes(DOCUMENT, new) == ["order or spelling changed"]

    def test_another_order_is_told(self) -> None:
        new = copy.deepcopy(DOCUMENT)
        new["strategies"] = dict(reversed(new["strategies"].items()))

        assert changes(DOCUMENT, new) == ["order or spelling changed"]


names = st.sampled_from(["A", "B", "C"])
tickers = st.sampled_from(["ES", "NQ", "<bad>"])
ports = st.sampled_from([9060, "9061", 9062, 5010, 80])
one_edit = st.one_of(
    st.fixed_dictionaries({"op": st.just("add_strategy"), "name": names}),
    st.fixed_dictionaries({"op": st.just("delete_strategy"), "name": names}),
    st.fixed_dictionaries({"op": st.just("rename_strategy"), "name": names, "to": names}),
    st.fixed_dictionaries({"op": st.just("add_ticker"), "strategy": names, "name": tickers}),
    st.fixed_dictionaries({"op": st.just("delete_ticker"), "strategy": names, "name": tickers}),
    st.fixed_dictionaries(
        {"op": st.just("rename_ticker"), "strategy": names, "name": tickers, "to": tickers}
    ),
    *(
        st.fixed_dictionaries(
            {"op": st.just(op), "strategy": names, "ticker": tickers, "port": ports}
        )
        for op in ("add_port", "delete_port")
    ),
)
Model = dict[str, dict[str, list[int]]]


def modelled(model: Model, op: dict[str, Any]) -> Model | None:
    """The same edit on plain dicts of lists; None when it must be refused."""
    kind, name, to = op["op"], op.get("name"), op.get("to")
    if kind == "add_strategy":
        return None if name in model else {**model, str(name): {}}
    if kind == "delete_strategy":
        return {k: v for k, v in model.items() if k != name} if name in model else None
    if kind == "rename_strategy":
        if name not in model or (to in model and to != name):
            return None
        return {str(to) if k == name else k: v for k, v in model.items()}
    strategy = op["strategy"]
    if strategy not in model:
        return None
    inner = model[strategy]
    if kind == "add_ticker":
        good = name != "<bad>" and name not in inner
        return {**model, strategy: {**inner, str(name): []}} if good else None
    if kind == "delete_ticker":
        less = {k: v for k, v in inner.items() if k != name}
        return {**model, strategy: less} if name in inner else None
    if kind == "rename_ticker":
        if name not in inner or to == "<bad>" or (to in inner and to != name):
            return None
        return {**model, strategy: {str(to) if k == name else k: v for k, v in inner.items()}}
    ticker, port = op["ticker"], int(op["port"])
    if ticker not in inner or port in (5010, 80) or (port in inner[ticker]) == (kind == "add_port"):
        return None
    listed = [each for each in inner[ticker] if each != port]
    listed += [port] if kind == "add_port" else []
    return {**model, strategy: {**inner, ticker: listed}}


@given(st.lists(one_edit, max_size=30))
def test_any_row_of_edits_does_what_plain_dicts_do(edits: list[dict[str, Any]]) -> None:
    document: dict[str, Any] = {"strategies": {}, "mine": [1]}
    model: Model = {}

    for op in edits:
        wanted = modelled(model, op)
        try:
            edited, said = apply(document, op, GUARD)
        except SettingsError:
            assert wanted is None
            continue
        assert wanted is not None
        assert bool(said) is (json.dumps(edited) != json.dumps(document))
        assert bool(changes(document, edited)) is bool(said)
        document, model = edited, wanted
        RoutingTree(document)

    found = {
        name: {ticker: entry["ports"] for ticker, entry in about["tickers"].items()}
        for name, about in document["strategies"].items()
    }
    assert json.dumps(found) == json.dumps(model)
    assert document["mine"] == [1]


def test_every_operation_is_tried_here() -> None:
    assert len(OPS) == 11
    assert "ports" not in OPTIONS
