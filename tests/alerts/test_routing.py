"""The routing tree: what a document says, and where a ticker's alerts go."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.alerts.model import ReleaseOptions
from grok_sauce.alerts.routing import Route, RoutingTree
from grok_sauce.alerts.routing_document import DEFAULTS, OPTIONS, empty
from grok_sauce.errors import SettingsError

# The example of the old server's README, letter for letter.
README = json.loads(
    '{"strategies":{"MomentumStrategy":{"accounts":{},"tickers":{"AAPL":{"ports":[5000]},'
    '"TSLA":{"ports":[5001,5002]}}}}}'
)


def tree_of(strategies: dict[str, Any], **routing: Any) -> RoutingTree:
    return RoutingTree({"strategies": strategies, "routing": routing})


def one(
    mode: str | None = "live", ports: Any = (9060,), own_mode: str | None = None, **options: Any
) -> dict[str, Any]:
    """A strategy with one ticker, ES, that may have a mode of its own."""
    about: dict[str, Any] = {"tickers": {"ES": {"ports": list(ports), **options}}}
    if own_mode is not None:
        about["tickers"]["ES"]["mode"] = own_mode
    if mode is not None:
        about["mode"] = mode
    return about


def route_of(tree: RoutingTree, ticker: str = "ES") -> Route:
    found = tree.lookup(ticker)
    assert found is not None
    return found


def ids(route: Route) -> list[str]:
    return [each.id for each in route.destinations]


class TestOldFiles:
    def test_the_readmes_example_is_read_as_it_is_and_is_off(self) -> None:
        tree = RoutingTree(copy.deepcopy(README))

        route = route_of(tree, "TSLA")

        assert ids(route) == ["localhost:5001", "localhost:5002"]
        assert route.strategies == ("MomentumStrategy",)
        assert route.options == ReleaseOptions()
        assert {(each.mode, each.skip) for each in route.destinations} == {("off", "strategy_off")}
        assert tree.document == README

    def test_ports_may_be_text_or_numbers_and_count_once(self) -> None:
        tree = tree_of({"A": one(ports=["9060", 9061, 9060, "9061"])})

        assert ids(route_of(tree)) == ["localhost:9060", "localhost:9061"]

    def test_tickers_are_taken_letter_for_letter(self) -> None:
        tree = tree_of(
            {"A": {"tickers": {"NQ_Long_5min": {"ports": [9060]}, "ES ": {"ports": [1024]}}}}
        )

        assert tree.lookup("NQ_Long_5min") is not None
        assert [tree.lookup(name) for name in ("nq_long_5min", "NQ_Long_5min ", "ES", "")] == [
            None
        ] * 4

    @pytest.mark.parametrize("entry", [{}, {"ports": []}, {"ports": None}])
    def test_a_ticker_without_ports_has_no_route(self, entry: dict[str, Any]) -> None:
        assert tree_of({"A": {"mode": "live", "tickers": {"ES": entry}}}).lookup("ES") is None

    @pytest.mark.parametrize("about", [{}, {"tickers": None}, {"tickers": {}}])
    def test_a_strategy_without_tickers_is_one(self, about: dict[str, Any]) -> None:
        assert [each.tickers for each in tree_of({"A": about}).strategies()] == [()]


class TestSeveralStrategies:
    def test_a_ticker_goes_to_the_ports_of_all_each_once(self) -> None:
        tree = tree_of({"A": one(ports=[9060, 9061]), "B": one(ports=["9061", 9062])})

        route = route_of(tree)

        assert ids(route) == ["localhost:9060", "localhost:9061", "localhost:9062"]
        assert [each.strategies for each in route.destinations] == [("A",), ("A", "B"), ("B",)]
        assert route.strategies == ("A", "B")

    @pytest.mark.parametrize(
        "first, second, mode",
        [
            ("live", "off", "live"), ("off", "live", "live"), ("dry", "live", "live"),
            ("dry", "off", "dry"), ("off", "dry", "dry"), ("off", "off", "off"),
            (None, None, "off"), (None, "dry", "dry"), ("live", None, "live"),
        ],
    )  # fmt: skip
    def test_a_target_is_live_if_any_strategy_is_else_dry_else_off(
        self, first: str | None, second: str | None, mode: str
    ) -> None:
        route = route_of(tree_of({"A": one(first), "B": one(second)}))

        assert route.destinations[0].mode == mode
        assert route.destinations[0].skip == ("strategy_off" if mode == "off" else None)
        assert dict(route.modes) == {"A": first or "off", "B": second or "off"}

    def test_the_first_strategy_in_the_file_that_sets_an_option_decides_and_that_is_told(
        self,
    ) -> None:
        tree = tree_of(
            {"Z": one(), "B": one(delay_s=4, group="G"), "A": one(delay_s=1, gap_ms=0)}, delay_s=9
        )

        route = route_of(tree)

        assert (route.options.delay_s, route.options.gap_ms, route.group) == (4.0, 0, "G")
        assert tree.notes == ("ES: delay_s is 4.0 in B and 1.0 in A; 4.0 counts.",)

    def test_strategies_that_agree_are_nothing_to_tell(self) -> None:
        assert tree_of({"A": one(delay_s=4), "B": one(delay_s=4.0)}).notes == ()

    def test_policies_of_different_ports_do_not_mix(self) -> None:
        tree = tree_of({"A": one(ports=[9060], ambiguous_policy="resend"), "B": one(ports=[9061])})

        found = {each.id: each.ambiguous_policy for each in route_of(tree).destinations}

        assert found == {"localhost:9060": "resend", "localhost:9061": "hold"}
        assert tree.notes == ()

    def test_policies_of_a_shared_port_are_the_firsts_and_that_is_told(self) -> None:
        tree = tree_of(
            {"C": one(), "A": one(ambiguous_policy="hold"), "B": one(ambiguous_policy="resend")}
        )

        assert route_of(tree).destinations[0].ambiguous_policy == "hold"
        assert tree.notes == (
            "ES to localhost:9060: ambiguous_policy is hold in A and resend in B; hold counts.",
        )


class TestModes:
    @pytest.mark.parametrize(
        "strategy, ticker, mode",
        [
            ("live", "dry", "dry"), ("live", "off", "off"), ("live", None, "live"),
            ("dry", "live", "dry"), ("off", "live", "off"), (None, "live", "off"),
        ],
    )  # fmt: skip
    def test_the_lower_of_strategy_and_ticker_counts(
        self, strategy: str | None, ticker: str | None, mode: str
    ) -> None:
        tree = tree_of({"A": one(strategy, own_mode=ticker)})

        assert route_of(tree).destinations[0].mode == mode
        assert tree.effective("A", "ES")["mode"] == mode

    def test_a_live_ticker_of_a_strategy_that_is_off_is_told(self) -> None:
        assert tree_of({"A": one(None, own_mode="live")}).notes == (
            "ES: its mode is live, but A is off; nothing is sent.",
        )

    def test_no_default_switches_strategies_on(self) -> None:
        tree = tree_of({"A": one(None)}, mode="live")

        assert route_of(tree).destinations[0].mode == "off"
        assert tree.notes == ("routing.mode has no effect: every strategy has its own switch.",)


class TestOptions:
    def test_defaults_are_the_specifications(self) -> None:
        assert DEFAULTS == {
            "delay_s": 2.0, "gap_ms": 250, "net_zero_cancel": True, "reversal_qty": "ask",
            "fresh_open_s": 60.0, "fresh_close_s": 600.0, "group": "", "idempotent": False,
            "gap_policy": "warn", "no_open_between": (), "no_open_news_min": 0,
        }  # fmt: skip

    def test_a_tickers_option_counts_over_the_files_default(self) -> None:
        tree = tree_of({"A": one(delay_s=0)}, delay_s=5, fresh_open_s=30, gap_policy="block_open")

        route = route_of(tree)

        assert route.options == ReleaseOptions(delay_s=0.0, fresh_open_s=30.0)
        assert route.gap_policy == "block_open"

    def test_null_counts_as_not_there(self) -> None:
        tree = tree_of(
            {"A": one(**dict.fromkeys(set(OPTIONS) - {"mode"}))}, **dict.fromkeys(OPTIONS)
        )

        assert route_of(tree).options == ReleaseOptions()

    def test_without_a_group_a_ticker_is_ordered_by_itself(self) -> None:
        assert route_of(tree_of({"A": one()})).group == "ES"
        assert route_of(tree_of({"A": one(group="")}, group="G")).group == "ES"
        assert route_of(tree_of({"A": one()}, group="G")).group == "G"

    @pytest.mark.parametrize(
        "given",
        [["09:30-09:35", "23:00-01:00"], "09:30 - 09:35, 23:00-01:00",
         [["09:30", "09:35"], ["23:00", "01:00"]]],
    )  # fmt: skip
    def test_hours_may_be_written_in_three_ways(self, given: Any) -> None:
        tree = tree_of({"A": one(no_open_between=given)})

        assert route_of(tree).no_open_between == ("09:30-09:35", "23:00-01:00")

    @pytest.mark.parametrize(
        "options, idempotent, policies",
        [
            ({}, False, ("hold", "hold")),
            ({"ambiguous_policy_close": "resend"}, False, ("hold", "resend")),
            ({"ambiguous_policy": "resend"}, False, ("resend", "resend")),
            ({"idempotent": True}, True, ("resend", "resend")),
            ({"idempotent": True, "ambiguous_policy": "hold"}, True, ("hold", "hold")),
        ],
    )
    def test_only_an_idempotent_listener_is_sent_to_again_unasked(
        self, options: dict[str, Any], idempotent: bool, policies: tuple[str, str]
    ) -> None:
        tree = tree_of({"A": one(**options)})

        found, effective = route_of(tree).destinations[0], tree.effective("A", "ES")

        assert found.idempotent is idempotent
        assert (found.ambiguous_policy, found.ambiguous_policy_close) == policies
        assert (effective["ambiguous_policy"], effective["ambiguous_policy_close"]) == policies

    def test_a_targets_own_options_count_over_its_tickers(self) -> None:
        targets = {"localhost:9060": {"name": "Chart 1", "idempotent": False, "include_meta": True}}
        tree = tree_of({"A": one(idempotent=True)}, targets=targets)

        found = route_of(tree).destinations[0]
        view = tree.strategies()[0].tickers[0].targets[0]

        assert (found.name, found.idempotent, found.include_meta) == ("Chart 1", False, True)
        assert (view.name, view.idempotent, view.include_meta) == ("Chart 1", False, True)
        assert found.ambiguous_policy == "hold"

    def test_the_path_is_the_programs(self) -> None:
        tree = RoutingTree({"strategies": {"A": one()}}, "/alerts/in")

        assert route_of(tree).destinations[0].path == "/alerts/in"

    def test_a_first_file_writes_every_default_out(self) -> None:
        document = empty()

        assert RoutingTree(json.loads(json.dumps(document))).routes() == []
        assert set(document["routing"]) == set(DEFAULTS)


BAD = [
    ("strategies", []), ("strategies", None), ("routing", []), ("routing", "x"),
    ('strategies."NQ trend"', []), ('strategies."NQ trend"', None),
    ('strategies."NQ trend".mode', "on"), ('strategies."NQ trend".daily_pause', 1),
    ('strategies."NQ trend".resume_at', "6 pm"), ('strategies."NQ trend".resume_at', "24:00"),
    ('strategies."NQ trend".heartbeat_min', 0), ('strategies."NQ trend".tickers', []),
    ('strategies."NQ trend".tickers."ES1!"', []),
    ('strategies."NQ trend".tickers."ES1!".ports', {}),
    ('strategies."NQ trend".tickers."ES1!".ports', "9060"),
    ('strategies."NQ trend".tickers."ES1!".ports[1]', "http"),
    ('strategies."NQ trend".tickers."ES1!".ports[1]', 80),
    ('strategies."NQ trend".tickers."ES1!".ports[1]', "1@198.51.100.9:80"),
    ('strategies."NQ trend".tickers."ES1!".ports[1]', "1@198.51.100.9:8080"),
    ('strategies."NQ trend".tickers."ES1!".ports[1]', "8.8.8.8:9060"),
    *(
        (f'strategies."NQ trend".tickers."ES1!".{key}', value)
        for key, values in {
            "delay_s": [-0.1, 60.1, "2", True, [], float("nan"), float("inf")],
            "group": [7, "x" * 61, "a\nb"],
            "gap_ms": [-1, 60_001, 0.5, "250"],
            "net_zero_cancel": [1, "yes"],
            "reversal_qty": ["half", 1],
            "fresh_open_s": [0, 86_401, "60"],
            "fresh_close_s": [0, 86_401],
            "mode": ["LIVE", 1],
            "idempotent": ["true", 0],
            "ambiguous_policy": ["send", True],
            "ambiguous_policy_close": ["send"],
            "gap_policy": ["block"],
            "no_open_between": ["x", 7, {}, ["9:30-9:35"], ["09:30-24:00"], ["09:30-09:30"],
                                [["09:30"]], [None], ["00:00-00:01"] * 25],
            "no_open_news_min": [-1, 1441, "5", 1.5],
        }.items()
        for value in values
    ),
    ("routing.delay_s", 61), ("routing.resume_at", "x"), ("routing.targets", []),
    ('routing.targets."9060"', {}), ('routing.targets."localhost:80"', {}),
    ('routing.targets."localhost:9060"', []), ('routing.targets."localhost:9060".name', 7),
    ('routing.targets."localhost:9060".idempotent', "yes"),
]  # fmt: skip


def put(document: Any, path: str, value: Any) -> None:
    """Set what a path names, the way messages write paths."""
    steps: list[Any] = []
    while path:
        if path.startswith('"'):
            name, _, path = path[1:].partition('"')
            steps.append(name)
        elif path.startswith("["):
            index, _, path = path[1:].partition("]")
            steps.append(int(index))
        else:
            cut = min((at for at in (path.find("."), path.find("[")) if at >= 0), default=len(path))
            steps.append(path[:cut])
            path = path[cut:]
        path = path.removeprefix(".")
    for step in steps[:-1]:
        document = document[step]
    document[steps[-1]] = value


class TestRefused:
    @pytest.mark.parametrize("path, value", BAD, ids=lambda each: str(each)[-40:])
    def test_the_message_names_the_path(self, path: str, value: Any) -> None:
        document = {
            "strategies": {"NQ trend": {"tickers": {"ES1!": {"ports": ["9060", 9061]}}}},
            "routing": {"targets": {"localhost:9060": {}}},
        }
        RoutingTree(copy.deepcopy(document))
        put(document, path, value)

        with pytest.raises(SettingsError) as caught:
            RoutingTree(document)

        assert caught.value.field == path
        assert str(caught.value).startswith(path)

    @pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\nb", "a\u202eb", "\ud800"])
    def test_names_of_strategies_are_printable(self, name: str) -> None:
        with pytest.raises(SettingsError):
            tree_of({name: {}})

    @pytest.mark.parametrize("name", ["", "x" * 65, "ES;", "ES\n", "É", "a'b", "<b>", "{{ticker}}"])
    def test_names_of_tickers_are_what_an_alert_can_say(self, name: str) -> None:
        with pytest.raises(SettingsError):
            tree_of({"A": {"tickers": {name: {"ports": []}}}})

    @pytest.mark.parametrize("document", [None, [], "x", {}, {"routing": {}}, {"strategies": 7}])
    def test_what_is_no_tree_is_refused(self, document: Any) -> None:
        with pytest.raises(SettingsError):
            RoutingTree(document)

    def test_more_than_two_hundred_targets_are_refused(self) -> None:
        full = tree_of({"A": one(ports=range(9300, 9500))})

        assert len(full.targets()) == 200
        with pytest.raises(SettingsError, match="201 targets, at most 200"):
            tree_of({"A": one(ports=range(9300, 9500)), "B": one(ports=[9500])})

    def test_a_document_nested_without_end_is_refused(self) -> None:
        deep: Any = {}
        for _ in range(5000):
            deep = {"x": deep}

        with pytest.raises(SettingsError, match="nested deeper"):
            RoutingTree({"strategies": {}, "more": deep})

    def test_a_secret_in_the_file_is_told(self) -> None:
        tree = tree_of({"A": one()}, targets={"localhost:9060": {"secret": "canary"}})

        assert len(tree.notes) == 1
        assert 'routing."targets"."localhost:9060"."secret"' in tree.notes[0]
        assert "canary" not in tree.notes[0]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
KNOWN = {*OPTIONS, "ports", "tickers", "daily_pause", "resume_at", "heartbeat_min", "targets",
         "name", "include_meta", "strategies", "routing"}  # fmt: skip
unknown = st.dictionaries(
    st.text(max_size=8).filter(lambda key: key not in KNOWN), json_values, max_size=3
)


@settings(max_examples=40)
@given(unknown, unknown, unknown, unknown, unknown)
def test_unknown_keys_are_kept_at_every_level(
    a: dict[str, Any], b: dict[str, Any], c: dict[str, Any], d: dict[str, Any], e: dict[str, Any]
) -> None:
    document = {
        **a,
        "strategies": {"A": {**b, "tickers": {"ES": {**c, "ports": ["9060"]}}}},
        "routing": {**d, "targets": {"localhost:9060": {**e, "name": "x"}}},
    }
    before = json.dumps(document)

    tree = RoutingTree(document)

    assert json.dumps(tree.document) == before
    assert ids(route_of(tree)) == ["localhost:9060"]
    assert json.dumps(RoutingTree(json.loads(json.dumps(tree.document))).document) == before


@given(json_values)
def test_any_json_is_read_or_refused_with_words(value: Any) -> None:
    for document in (value, {"strategies": value}, {"strategies": {"A": value}, "routing": value}):
        found: Any = None
        try:
            found = RoutingTree(document)
        except SettingsError as problem:
            found = str(problem)

        assert isinstance(found, RoutingTree) or 10 < len(found) < 400
