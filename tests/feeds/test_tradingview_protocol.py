"""The TradingView conversation played by hand: every state, every refusal, any cut, any rubbish."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.clients.tradingview_study import StudyCode
from grok_sauce.errors import SettingsError, SourceError
from grok_sauce.feeds.tradingview_frames import Unframer, framed
from grok_sauce.feeds.tradingview_messages import (
    Delayed,
    FellSilent,
    Loaded,
    NotAnswered,
    Output,
    ProtocolRefused,
    Ready,
    Refusal,
    Rolled,
    SessionRefused,
    TradingViewSettings,
)
from grok_sauce.feeds.tradingview_protocol import TradingViewProtocol
from grok_sauce.feeds.tradingview_wants import LIQUIDITY, Want, candles, timeframe_of
from grok_sauce.market.batches import FIELDS, Batch

NQ, ES = "CME_MINI:NQ1!", "CME_MINI:ES1!"
AT = 1797449527.0  # Wednesday 2026-12-16, 14:32:07 New York
BAR = 1797449400  # the 15-minute bar under way
HELLO = {"session_id": "<0.1>", "release": "x", "protocol": "json"}
CODE = StudyCode("PUB;x", "1", "Script@tv-scripting-101!", {"text": "t", "pineId": "PUB;x"})
NOTHING = 1e100


class Server:
    """Says things to a TradingViewProtocol and keeps what it answers; time moves by hand."""

    def __init__(self, **changes: Any) -> None:
        counter = itertools.count(1)
        self.protocol = TradingViewProtocol(
            "token", TradingViewSettings(**changes), lambda prefix: f"{prefix}{next(counter)}"
        )
        self.now, self.at = 1000.0, AT
        self.heard: list[tuple[str, list[Any]]] = []
        self.beats: list[str] = []
        self.batches: list[Batch] = []
        self.events: list[Any] = []
        self.keep(self.protocol.start(self.now))

    def keep(self, out: Output) -> list[tuple[str, list[Any]]]:
        said = []
        for payload in Unframer().feed("".join(out.texts)):
            if payload.startswith("~h~"):
                self.beats.append(payload)
            else:
                frame = json.loads(payload)
                said.append((frame["m"], frame["p"]))
        self.heard += said
        self.batches += out.batches
        self.events += out.events
        return said

    def raw(self, text: str) -> list[tuple[str, list[Any]]]:
        return self.keep(self.protocol.feed_bytes(text.encode(), self.at, self.now))

    def says(self, method: str, *args: Any) -> list[tuple[str, list[Any]]]:
        return self.raw(framed(json.dumps({"m": method, "p": list(args)})))

    def passes(self, seconds: float, step: float = 0.5) -> list[tuple[str, list[Any]]]:
        said = []
        for _ in range(round(seconds / step)):
            self.now += step
            self.at += step
            said += self.keep(self.protocol.tick(self.at, self.now))
        return said

    def passes_alive(self, seconds: int) -> list[tuple[str, list[Any]]]:
        """Time passes with a heartbeat of the server every second."""
        said = []
        for beat in range(seconds):
            said += self.passes(1, 1)
            self.raw(framed(f"~h~{beat}"))
        return said

    def wants(self, *wanted: Want) -> None:
        self.protocol.want(wanted)

    def greets(self) -> list[tuple[str, list[Any]]]:
        return self.raw(framed(json.dumps(HELLO)))

    def opens(self, *wanted: Want, contract: str = "NQZ2026") -> str:
        """Up to a series that is complete; the name of its chart session."""
        self.greets()
        self.wants(*wanted)
        self.passes(3)
        (session,) = [args[0] for name, args in self.heard if name == "chart_create_session"]
        self.says("symbol_resolved", session, "sds_sym_1", {"front_contract": contract})
        self.says("timescale_update", session, {"sds_1": {"s": bars(BAR - 1800, BAR - 900, BAR)}})
        self.says("series_completed", session, "sds_1", "streaming", "s1")
        return session

    def of(self, kind: str) -> list[Batch]:
        return [batch for batch in self.batches if batch.kind == kind]

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def bars(*times: int) -> list[dict[str, Any]]:
    return [{"i": n, "v": [time, 10.0, 12.0, 9.0, 11.0, 100.0]} for n, time in enumerate(times)]


def levels(time: int, first: float) -> dict[str, Any]:
    values: list[Any] = [time, 0, 0, 0, 0, first, 1]
    return {"i": 0, "v": values + [NOTHING, 0] * 6}


def study(server: Server) -> str:
    """A chart whose study has its history."""
    server.protocol.use_study(CODE)
    session = server.opens(Want(NQ, "15m", LIQUIDITY))
    server.passes(4)
    history = [levels(BAR - 1800, 21000.0), levels(BAR - 900, 21010.0), levels(BAR, 21020.0)]
    server.says("study_loading", session, "st9", "st1")
    server.says("du", session, {"st9": {"st": history}})
    server.says("study_completed", session, "st9", "st1")
    return session


@pytest.fixture
def server() -> Server:
    return Server()


class TestOpening:
    def test_nothing_is_said_before_the_server_greets(self, server: Server) -> None:
        server.wants(Want(NQ, "15m"))

        assert server.passes(2.5) == []
        assert server.protocol.phase == "hello"

    def test_a_host_that_does_not_greet_is_spoken_to_all_the_same(self, server: Server) -> None:
        assert [name for name, _ in server.passes(3)][:1] == ["set_auth_token"]

    def test_the_order_is_token_locale_quotes_then_one_thing_a_second(self, server: Server) -> None:
        server.greets()
        server.wants(Want(NQ, "15m"), Want(ES))
        server.passes(6)

        assert [name for name, _ in server.heard] == [
            "set_auth_token", "set_locale", "quote_create_session", "quote_set_fields",
            "quote_add_symbols", "quote_fast_symbols", "quote_add_symbols", "quote_fast_symbols",
            "chart_create_session", "resolve_symbol",
        ]  # fmt: skip
        assert server.heard[0][1] == ["token"]
        assert server.heard[7][1][1:] == [ES, NQ]

    def test_a_symbol_is_resolved_with_extended_hours_and_split_adjustment(
        self, server: Server
    ) -> None:
        server.greets()
        server.wants(Want(NQ, "15m"))
        server.passes(3)

        (asked,) = [args for name, args in server.heard if name == "resolve_symbol"]
        assert asked[1] == "sds_sym_1"
        assert json.loads(asked[2].removeprefix("=")) == {
            "symbol": NQ, "adjustment": "splits", "session": "extended",
        }  # fmt: skip

    def test_the_series_is_asked_for_when_the_symbol_is_known(self, server: Server) -> None:
        server.greets()
        server.wants(Want(NQ, "15m"))
        server.passes(3)

        said = server.says("symbol_resolved", "cs_2", "sds_sym_1", {})

        assert said == [("create_series", ["cs_2", "sds_1", "s1", "sds_sym_1", "15", 700, ""])]

    def test_every_chart_has_a_session_and_one_series_of_its_own(self, server: Server) -> None:
        server.greets()
        server.wants(Want(NQ, "15m"), Want(NQ, "1m"), Want(ES, "1h"))
        server.passes(8)
        sessions = [args[0] for name, args in server.heard if name == "chart_create_session"]
        for session in sessions:
            server.says("symbol_resolved", session, "sds_sym_1", {})

        series = [args for name, args in server.heard if name == "create_series"]
        assert len(set(sessions)) == 3
        assert [args[0] for args in series] == sessions
        assert sorted(args[4] for args in series) == ["1", "15", "60"]

    def test_ready_is_said_once_something_is_answered(self, server: Server) -> None:
        server.opens(Want(NQ, "15m"))

        assert len(server.told(Ready)) == 1
        assert server.protocol.phase == "streaming"

    def test_silence_to_what_was_asked_ends_the_connection(self, server: Server) -> None:
        server.greets()
        server.wants(Want(NQ, "15m"))

        with pytest.raises(NotAnswered, match="nothing it was asked"):
            server.passes_alive(40)

    def test_with_nothing_wanted_the_connection_just_stands(self, server: Server) -> None:
        server.greets()
        server.passes_alive(60)

        assert server.protocol.phase == "asking"


class TestHeartbeats:
    def test_the_servers_are_echoed_unchanged(self, server: Server) -> None:
        server.greets()

        server.raw("~m~4~m~~h~7" + framed("~h~8"))

        assert server.beats == ["~h~7", "~h~8"]

    def test_our_own_come_every_ten_seconds_counted_from_one(self, server: Server) -> None:
        server.greets()

        server.passes(31)

        assert server.beats == ["~h~1", "~h~2", "~h~3"]

    def test_a_server_that_echoes_ours_starts_no_storm(self, server: Server) -> None:
        server.greets()

        for _ in range(100):
            server.raw(framed("~h~1"))

        assert len(server.beats) == 10

    def test_silence_is_noticed(self, server: Server) -> None:
        server.greets()
        server.passes(44)

        with pytest.raises(FellSilent, match="silent for"):
            server.passes(2)


class TestBars:
    def test_history_comes_whole_when_the_series_is_complete(self, server: Server) -> None:
        server.opens(Want(NQ, "15m"))

        (batch,) = server.of("Candle")
        assert batch.snapshot
        assert batch.symbols == ["TV:CME_MINI:NQ1!{=15m}"] * 3
        assert len(batch.columns) == len(FIELDS["Candle"])
        times = batch.columns[FIELDS["Candle"].index("time")]
        assert list(times) == [(BAR - 1800) * 1000, (BAR - 900) * 1000, BAR * 1000]
        assert server.told(Loaded) == [Loaded(NQ, "15m", 3, "/NQZ6")]

    def test_live_bars_follow_by_either_message(self, server: Server) -> None:
        session = server.opens(Want(NQ, "15m"))

        server.says("du", session, {"sds_1": {"s": bars(BAR)}})
        server.says("timescale_update", session, {"sds_1": {"s": bars(BAR + 900)}})

        assert [batch.snapshot for batch in server.of("Candle")] == [True, False, False]

    def test_an_index_without_volume_has_none_not_zero(self, server: Server) -> None:
        session = server.opens(Want(NQ, "15m"))

        server.says("du", session, {"sds_1": {"s": [{"i": 0, "v": [BAR, 1, 2, 0.5, 1.5]}]}})

        assert server.of("Candle")[-1].columns[-1] == (None,)

    @pytest.mark.parametrize(
        "row",
        [None, 7, {}, {"v": None}, {"v": []}, {"v": [BAR, 1, 2, 3]}, {"v": ["x", 1, 2, 3, 4, 5]},
         {"v": [BAR, None, 2, 3, 4, 5]}, {"v": [-5, 1, 2, 3, 4, 5]}, {"v": [1e100, 1, 2, 3, 4]}],
    )  # fmt: skip
    def test_a_row_that_is_no_bar_is_counted_and_the_others_kept(
        self, server: Server, row: Any
    ) -> None:
        session = server.opens(Want(NQ, "15m"))

        server.says("du", session, {"sds_1": {"s": [row, *bars(BAR)]}})

        assert server.protocol.bad == 1
        assert len(server.of("Candle")[-1].symbols) == 1

    def test_what_is_not_wanted_any_more_is_given_back(self, server: Server) -> None:
        session = server.opens(Want(NQ, "15m"))
        server.wants()

        said = server.passes(0.5)

        assert ("chart_delete_session", [session]) in said
        assert ("quote_remove_symbols", ["qs_1", NQ]) in said
        assert server.says("du", session, {"sds_1": {"s": bars(BAR)}}) == []
        assert server.protocol.bad == 0
        assert len(server.of("Candle")) == 1

    def test_too_much_for_one_connection_is_refused(self, server: Server) -> None:
        with pytest.raises(ValueError, match="at most"):
            server.wants(*(Want(f"NASDAQ:A{n}", "1m") for n in range(13)))


class TestStudy:
    def test_it_is_asked_for_only_when_the_series_is_complete_and_settled(
        self, server: Server
    ) -> None:
        server.protocol.use_study(CODE)
        session = server.opens(Want(NQ, "15m", LIQUIDITY))

        early = server.passes(2.5)
        later = server.passes(1)

        assert early == []
        assert later == [
            ("create_study", [session, "st9", "st1", "sds_1", CODE.endpoint, CODE.inputs])
        ]

    def test_without_the_script_bars_come_all_the_same(self, server: Server) -> None:
        server.opens(Want(NQ, "15m", LIQUIDITY))

        assert server.passes(10) == []
        assert len(server.of("Candle")) == 1

    def test_the_last_closed_bar_of_the_history_is_told_at_once(self, server: Server) -> None:
        study(server)

        (batch,) = server.of("LtLevels")
        (value,) = batch.columns[0]
        assert batch.symbols == ["TV:CME_MINI:NQ1!{=15m}"]
        assert (value.time, value.closed, value.contract) == ((BAR - 900) * 1000, True, "/NQZ6")
        assert value.levels == (21010.0, None, None, None, None, None, None)

    def test_the_bar_under_way_at_the_start_is_passed_over(self, server: Server) -> None:
        session = study(server)

        server.says("du", session, {"st9": {"st": [levels(BAR + 900, 21030.0)]}})
        assert len(server.of("LtLevels")) == 1
        server.says("du", session, {"st9": {"st": [levels(BAR + 1800, 21040.0)]}})

        assert server.of("LtLevels")[-1].columns[0][0].time == (BAR + 900) * 1000

    def test_levels_that_flip_within_a_bar_are_told_as_it_closed(self, server: Server) -> None:
        session = study(server)
        server.says("du", session, {"st9": {"st": [levels(BAR + 900, 1.0)]}})
        for value in (2.0, 3.0):
            server.says("du", session, {"st9": {"st": [levels(BAR + 900, value)]}})
        assert len(server.of("LtLevels")) == 1

        rows = [levels(BAR + 900, 4.0), levels(BAR + 1800, 5.0)]
        server.says("du", session, {"st9": {"st": rows}})

        assert server.of("LtLevels")[-1].columns[0][0].levels[0] == 4.0

    def test_a_late_word_on_a_closed_bar_corrects_it(self, server: Server) -> None:
        session = study(server)
        server.says("du", session, {"st9": {"st": [levels(BAR + 900, 1.0)]}})
        server.says("du", session, {"st9": {"st": [levels(BAR + 1800, 2.0)]}})

        server.says("du", session, {"st9": {"st": [levels(BAR + 900, 1.5)]}})

        last = server.of("LtLevels")[-1].columns[0][0]
        assert (last.time, last.levels[0]) == ((BAR + 900) * 1000, 1.5)

    @pytest.mark.parametrize(
        "said, lost",
        [
            ({"error": "study_not_auth:Script$PUB;x@tv-scripting-101"}, True),
            ("The maximum number of studies per chart has been reached", True),
            ({"error": "runtime error"}, False),
        ],
    )
    def test_a_refusal_says_whether_rights_were_lost_and_bars_go_on(
        self, server: Server, said: Any, lost: bool
    ) -> None:
        server.protocol.use_study(CODE)
        session = server.opens(Want(NQ, "15m", LIQUIDITY))
        server.passes(4)

        server.says("study_error", session, "st9", "st1", said)
        server.says("du", session, {"sds_1": {"s": bars(BAR)}})

        (refusal,) = server.told(Refusal)
        assert (refusal.name, refusal.lost_rights) == ("study_error", lost)
        assert len(server.of("Candle")) == 2
        assert server.passes(40, 1) == []

    def test_a_new_token_asks_for_the_refused_study_again(self, server: Server) -> None:
        server.protocol.use_study(CODE)
        session = server.opens(Want(NQ, "15m", LIQUIDITY))
        server.passes(4)
        server.says("study_error", session, "st9", "st1", {"error": "study_not_auth"})

        shown = server.keep(server.protocol.renew("fresh", server.now))
        asked = server.passes(4)

        assert shown == [("set_auth_token", ["fresh"])]
        assert [name for name, _ in asked] == ["create_study"]

    def test_a_roll_takes_the_levels_back(self, server: Server) -> None:
        session = study(server)
        server.passes_alive(1801)  # half an hour, and the contract is asked for again
        assert server.heard[-1][0] == "resolve_symbol"

        server.says("symbol_resolved", session, "sds_sym_2", {"front_contract": "NQH2027"})

        assert server.told(Rolled) == [Rolled(NQ, "/NQZ6", "/NQH7")]
        assert server.of("LtLevels")[-1].columns[0] == [None]
        assert [name for name, _ in server.heard].count("create_series") == 1


class TestQuotes:
    def test_changed_fields_are_merged_into_whole_quotes(self, server: Server) -> None:
        server.greets()
        server.wants(Want(NQ))
        server.passes(1)
        first = {"lp": 21500.25, "lp_time": 1797449526, "bid": 21500.0, "ask": 21500.5, "volume": 9}
        server.says("qsd", "qs_1", {"n": NQ, "s": "ok", "v": first})

        server.says("qsd", "qs_1", {"n": NQ, "s": "ok", "v": {"lp": 21501.0}})
        server.says("qsd", "qs_1", {"n": NQ, "s": "ok", "v": {"ask": 21501.5}})

        trade, quote = server.of("Trade")[-1], server.of("Quote")[-1]
        assert trade.symbols == ["TV:CME_MINI:NQ1!"]
        assert trade.columns == ((21501.0,), (9.0,), (1797449526000,), (None,))
        assert quote.columns == ((21500.0,), (21501.5,))
        assert [len(server.of(kind)) for kind in ("Trade", "Quote")] == [2, 2]

    @pytest.mark.parametrize(
        "name", [NQ, '={"adjustment":"splits","symbol":"CME_MINI:NQ1!"}'], ids=["plain", "wrapped"]
    )
    def test_a_symbol_may_come_back_wrapped(self, server: Server, name: str) -> None:
        server.greets()
        server.wants(Want(NQ))
        server.passes(1)

        server.says("qsd", "qs_1", {"n": name, "s": "ok", "v": {"lp": 5}})

        assert len(server.of("Trade")) == 1

    def test_an_unknown_symbol_is_named(self, server: Server) -> None:
        server.greets()
        server.wants(Want(NQ))
        server.passes(1)

        server.says("qsd", "qs_1", {"n": NQ, "s": "error", "errmsg": "no_such_symbol", "v": {}})

        (refusal,) = server.told(Refusal)
        assert str(refusal) == "CME_MINI:NQ1!: quote_error: no_such_symbol"

    def test_delayed_prices_are_told_once_with_their_delay(self, server: Server) -> None:
        server.greets()
        server.wants(Want(NQ))
        server.passes(1)
        for lp in (1, 2):
            mode = {"lp": lp, "update_mode": "delayed_streaming_600"}
            server.says("qsd", "qs_1", {"n": NQ, "s": "ok", "v": mode})

        (delayed,) = server.told(Delayed)
        assert (delayed.symbol, delayed.seconds) == (NQ, 600.0)
        assert set(server.protocol.delayed) == {NQ}
        server.says("qsd", "qs_1", {"n": NQ, "s": "ok", "v": {"update_mode": "streaming"}})

        assert server.protocol.delayed == {}

    @pytest.mark.parametrize(
        "at, told",
        [(AT, True), (AT + 4 * 86_400 - 6 * 3600, False)],
        ids=["Wednesday afternoon", "Sunday before the open"],
    )
    def test_an_old_price_counts_as_delayed_while_the_market_is_open(
        self, server: Server, at: float, told: bool
    ) -> None:
        server.at = at
        server.greets()
        server.wants(Want(NQ))
        server.passes(1)
        values = {"lp": 1, "lp_time": server.at - 700, "update_mode": "streaming"}
        server.says("qsd", "qs_1", {"n": NQ, "s": "ok", "v": values})

        server.passes(29)
        assert server.told(Delayed) == []
        server.passes(5)

        assert bool(server.told(Delayed)) is told


class TestRefusals:
    def test_protocol_error_ends_the_connection(self, server: Server) -> None:
        server.greets()

        with pytest.raises(ProtocolRefused, match="protocol_error: wrong data"):
            server.says("protocol_error", "wrong data")

    def test_critical_error_of_the_quotes_ends_it_too(self, server: Server) -> None:
        server.greets()

        with pytest.raises(SessionRefused, match="invalid parameters"):
            server.says("critical_error", "qs_1", "invalid parameters")

    def test_critical_error_of_a_chart_opens_it_anew_under_another_name(
        self, server: Server
    ) -> None:
        session = server.opens(Want(NQ, "15m"))

        server.says("critical_error", session, "exceed limit of series in the session", "method: x")
        early = server.passes(30)
        server.raw(framed("~h~1"))
        late = server.passes(32)

        (refusal,) = server.told(Refusal)
        assert refusal.text == "exceed limit of series in the session"
        assert early == []
        assert [name for name, _ in late] == ["chart_create_session", "resolve_symbol"]
        assert late[0][1][0] != session

    def test_a_series_error_waits_longer_each_time(self, server: Server) -> None:
        server.greets()
        server.wants(Want(NQ, "15m"))
        opened = []
        for beat in range(300):
            for name, args in server.passes(1, 1):
                if name == "chart_create_session":
                    opened.append(server.now)
                    server.says("symbol_resolved", args[0], "sds_sym_1", {})
                    server.says("series_error", args[0], "sds_1", "s1", "resolve error")
            server.raw(framed(f"~h~{beat}"))

        assert [round(b - a) for a, b in itertools.pairwise(opened)] == [60, 120]
        assert {refusal.name for refusal in server.told(Refusal)} == {"series_error"}

    def test_an_unknown_symbol_is_not_asked_for_again(self, server: Server) -> None:
        server.greets()
        server.wants(Want(NQ, "15m"))
        server.passes(3)
        server.says("symbol_error", "cs_2", "sds_sym_1", "invalid symbol")
        server.passes_alive(200)

        (refusal,) = server.told(Refusal)
        assert str(refusal) == "CME_MINI:NQ1! 15m: symbol_error: invalid symbol"
        assert [name for name, _ in server.heard].count("resolve_symbol") == 1

    def test_one_chart_without_an_answer_is_opened_anew(self, server: Server) -> None:
        server.greets()
        server.wants(Want(NQ, "15m"))
        server.passes(3)
        server.says("qsd", "qs_1", {"n": NQ, "s": "ok", "v": {"lp": 1}})
        server.passes_alive(95)

        assert [refusal.name for refusal in server.told(Refusal)] == ["no_answer"]
        assert [name for name, _ in server.heard].count("chart_create_session") == 2

    def test_what_the_server_says_is_shown_on_one_short_line(self, server: Server) -> None:
        session = server.opens(Want(NQ, "15m"))

        server.says("series_error", session, "sds_1", "s1", "a\nb\x1b[31m" + "x" * 500)

        (refusal,) = server.told(Refusal)
        assert len(refusal.text) <= 160
        assert refusal.text.isprintable()


class TestRubbish:
    @pytest.mark.parametrize(
        "payload, name",
        [
            ("{", "a payload that is no JSON"),
            ("[1]", "a payload that is no object"),
            ('{"m":7,"p":[]}', "a message of the wrong shape"),
            ('{"m":"du","p":{}}', "a message of the wrong shape"),
            ('{"m":"qsd","p":["qs_1",7]}', "qsd of the wrong shape"),
            ('{"m":"new_thing","p":["x"]}', "new_thing for nobody"),
        ],
    )
    def test_it_is_counted_by_name_and_survived(
        self, server: Server, payload: str, name: str
    ) -> None:
        server.greets()

        server.raw(framed(payload))

        assert server.protocol.troubles == {name: 1}

    JSON = st.recursive(
        st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(
                st.sampled_from(["s", "st", "v", "n", "i", "sds_1", "st9", "error", "lp", "bid"]),
                inner,
                max_size=4,
            ),
        ),
        max_leaves=12,
    )
    METHODS = st.sampled_from(
        ["du", "timescale_update", "qsd", "symbol_resolved", "symbol_error", "series_completed",
         "series_error", "study_completed", "study_error", "critical_error", "quote_error",
         "quote_completed", "anything"]
    )  # fmt: skip

    @settings(max_examples=60)
    @given(
        st.lists(
            st.tuples(
                METHODS, st.sampled_from(["cs_2", "qs_1", "cs_9"]), st.lists(JSON, max_size=4)
            ),
            max_size=8,
        )
    )
    def test_no_message_of_any_shape_breaks_it_or_makes_a_batch_askew(
        self, messages: list[tuple[str, str, list[Any]]]
    ) -> None:
        server = Server()
        study(server)
        for method, session, args in messages:
            if (method, session) == ("critical_error", "qs_1"):
                continue
            text = json.dumps({"m": method, "p": [session, *args]})
            server.raw(framed(text))
            server.passes(0.5)

        for batch in server.batches:
            width = len(FIELDS[batch.kind]) if batch.kind in FIELDS else 1
            assert len(batch.columns) == width
            assert {len(column) for column in batch.columns} == {len(batch.symbols)}

    @given(st.lists(st.integers(0, 5000), max_size=12))
    def test_a_conversation_cut_anywhere_reads_the_same(self, cuts: list[int]) -> None:
        texts = [
            json.dumps(
                {"m": "symbol_resolved", "p": ["cs_2", "sds_sym_1", {"name": "é\U0001f4c8"}]}
            ),
            json.dumps({"m": "timescale_update", "p": ["cs_2", {"sds_1": {"s": bars(BAR)}}]}),
            "~h~3",
            json.dumps({"m": "series_completed", "p": ["cs_2", "sds_1", "streaming", "s1"]}),
            json.dumps({"m": "qsd", "p": ["qs_1", {"n": NQ, "s": "ok", "v": {"lp": 5.5}}]}),
        ]
        data = "".join(map(framed, texts)).encode()
        edges = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
        server = Server()
        server.greets()
        server.wants(Want(NQ, "15m"))
        server.passes(3)

        for start, end in itertools.pairwise(edges):
            piece = data[start:end]
            server.keep(server.protocol.feed_bytes(piece, server.at, server.now))

        assert [batch.kind for batch in server.batches] == ["Candle", "Trade"]
        assert server.beats == ["~h~3"]
        assert server.protocol.bad == 0


class TestNames:
    @pytest.mark.parametrize("text", ["", "NQ1!", "CME_MINI:", "a b:c", "CME:NQ{=m}", "é:NQ"])
    def test_a_symbol_names_its_exchange(self, text: str) -> None:
        with pytest.raises(SettingsError, match="write exchange and symbol"):
            Want(text)

    @pytest.mark.parametrize("text", ["2m", "7", "1s", "1H", "", "15 m"])
    def test_unknown_bars_are_refused_not_taken_for_minutes(self, text: str) -> None:
        with pytest.raises(SettingsError, match="is not a timeframe"):
            timeframe_of(text)

    def test_a_study_needs_bars(self) -> None:
        with pytest.raises(SettingsError, match="needs a timeframe"):
            Want(NQ, "", LIQUIDITY)

    def test_no_name_can_be_taken_for_one_of_dxlink(self) -> None:
        assert candles(NQ, "1m") == "TV:CME_MINI:NQ1!{=m}"
        assert not candles(NQ, "1m").startswith(("/", "."))

    def test_settings_ask_for_minutes_of_each_symbol_and_for_the_levels(self) -> None:
        made = TradingViewSettings(symbols=("nasdaq:qqq",), lt_timeframe="15")

        assert made.wants == {Want("NASDAQ:QQQ", "1m"), Want(NQ, "15m", LIQUIDITY)}
        assert TradingViewSettings(symbols=(), lt_symbol=None).wants == frozenset()

    def test_every_error_is_one_the_supervisor_tries_again(self) -> None:
        for error in (ProtocolRefused, SessionRefused, NotAnswered, FellSilent):
            assert issubclass(error, SourceError)
