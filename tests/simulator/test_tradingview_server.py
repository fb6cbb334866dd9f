"""The embedded TradingView is as strict as the real one was found to be."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market.lt_levels import levels_of
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.simulator import tradingview_tokens
from grok_sauce.simulator.desk import Desk
from grok_sauce.simulator.faults import Faults
from grok_sauce.simulator.market import World
from grok_sauce.simulator.tokens import Tokens
from grok_sauce.simulator.tradingview_server import (
    Offence,
    TradingViewSession,
    frame,
    payloads,
)
from grok_sauce.simulator.tradingview_study import SCRIPTS, rows
from grok_sauce.simulator.tradingview_symbols import find

NOW = 1797449527.0  # Wednesday 2026-12-16, 14:32:07 New York
NQ = "CME_MINI:NQ1!"
SCRIPT = next(iter(SCRIPTS))
Said = list[tuple[str, list[Any]]]


class Wire:
    """One session without a socket; time moves by hand."""

    def __init__(self, **faults: Any) -> None:
        self.clock = ManualClock(NOW)
        self.faults = Faults(faults)
        self.tokens = Tokens(self.clock, self.faults)
        self.desk = Desk(World(42, NOW), self.clock)
        self.session = TradingViewSession(self.desk, self.tokens, self.faults, self.clock)
        self.beats: list[str] = []
        self.pings = itertools.count(1)

    def read(self, texts: list[str]) -> Said:
        said = []
        for payload in payloads("".join(texts)):
            if payload.startswith("~h~"):
                self.beats.append(payload)
                continue
            value = json.loads(payload)
            if "m" in value:
                said.append((value["m"], value["p"]))
        return said

    def raw(self, text: str) -> Said:
        return self.read(self.session.receive(text))

    def say(self, method: str, *args: Any) -> Said:
        return self.raw(frame(json.dumps({"m": method, "p": list(args)})))

    def passes(self, seconds: float, echo: bool = True, ping: bool = True) -> Said:
        said: Said = []
        for _ in range(round(seconds / 0.5)):
            self.clock.advance(0.5)
            self.session.note(self.desk.beat())
            said += self.read(self.session.tick())
            if echo:
                for beat in self.beats:
                    self.raw(frame(beat))
            self.beats.clear()
            if ping and round(self.clock.monotonic() * 2) % 20 == 9:
                self.raw(frame(f"~h~{next(self.pings)}"))
        return said

    def sign_in(self, token: str | None = None) -> None:
        given = tradingview_tokens.make(self.tokens, self.clock) if token is None else token
        assert self.say("set_auth_token", given) == []
        self.say("quote_create_session", "qs_a")
        self.say("quote_set_fields", "qs_a", "lp", "lp_time", "bid", "ask", "update_mode")

    def series(self, symbol: str = NQ, resolution: str = "15", count: int = 700) -> Said:
        self.say("chart_create_session", "cs_a", "")
        asked = "=" + json.dumps({"symbol": symbol})
        said = self.say("resolve_symbol", "cs_a", "sds_sym_1", asked)
        said += self.say("create_series", "cs_a", "sds_1", "s1", "sds_sym_1", resolution, count, "")
        return said + self.passes(0.5)

    def study(self) -> Said:
        inputs = {"text": "x", "pineId": SCRIPT, "pineVersion": "1"}
        endpoint = "Script@tv-scripting-101!"
        return self.say("create_study", "cs_a", "st9", "st1", "sds_1", endpoint, inputs)


@pytest.fixture
def wire() -> Wire:
    made = Wire()
    made.sign_in()
    return made


def named(said: Said, name: str) -> list[list[Any]]:
    return [args for method, args in said if method == name]


class TestPatience:
    def test_who_echoes_pings_and_follows_a_quote_is_kept(self, wire: Wire) -> None:
        wire.say("quote_add_symbols", "qs_a", NQ)

        wire.passes(150)

        assert wire.session.closing is None

    @pytest.mark.parametrize(
        "echo, ping, quotes, within",
        [
            (True, False, True, (60, 75)),
            (False, True, True, (30, 45)),
            (True, True, False, (60, 75)),
        ],
        ids=["no heartbeat of its own", "no echo", "no quotes"],
    )
    def test_who_does_not_is_cut_without_a_word(
        self, wire: Wire, echo: bool, ping: bool, quotes: bool, within: tuple[int, int]
    ) -> None:
        if quotes:
            wire.say("quote_add_symbols", "qs_a", NQ)

        wire.passes(within[0], echo, ping)
        assert wire.session.closing is None
        wire.passes(within[1] - within[0], echo, ping)

        assert wire.session.closing == (1000, "")

    def test_hibernating_the_quotes_ends_it(self, wire: Wire) -> None:
        wire.say("quote_hibernate_all", "qs_a")

        assert wire.session.closing is not None


class TestOffences:
    @pytest.mark.parametrize(
        "text",
        ["", "~m~3~m~", "hello", "~m~2~m~{}", frame("[]"), frame('{"m":7,"p":[]}'),
         frame('{"m":"x","p":[]}'), frame('{"m":"resolve_symbol","p":["cs_a"]}'),
         frame('{"m":"quote_add_symbols","p":["qs_other","A:B"]}')],
    )  # fmt: skip
    def test_what_is_no_message_is_answered_and_the_end(self, wire: Wire, text: str) -> None:
        if not text:
            assert wire.raw(text) == []
            return

        said = wire.raw(text)

        assert [name for name, _ in said] == ["protocol_error"]
        assert wire.session.closing == (1000, "")

    @pytest.mark.parametrize("token", ["", "demo", "a.b.c", "eyJhbGciOiJIUzI1NiJ9.e30.x"])
    def test_a_token_that_was_not_given_out_is_the_end(self, token: str) -> None:
        wire = Wire()

        said = wire.say("set_auth_token", token)

        assert said == [("protocol_error", ["auth token is not valid"])]

    def test_nothing_is_answered_before_a_token(self) -> None:
        wire = Wire()

        assert wire.say("chart_create_session", "cs_a", "")[0][0] == "protocol_error"

    def test_sessions_in_quick_succession_are_punished(self, wire: Wire) -> None:
        said: Said = []
        for number in range(30):
            said += wire.say("chart_create_session", f"cs_{number}", "")

        assert ("protocol_error", ["too many sessions"]) in said

    @given(st.text(max_size=60))
    def test_no_text_breaks_it(self, text: str) -> None:
        try:
            wire_payloads = payloads(text)
        except Offence:
            return

        assert "".join(map(frame, wire_payloads)) == text


class TestCharts:
    def test_a_series_comes_with_its_history_and_the_contract_in_front(self, wire: Wire) -> None:
        said = wire.series()

        ((_, _, info),) = named(said, "symbol_resolved")
        ((_, parts),) = named(said, "timescale_update")
        bars = [row["v"] for row in parts["sds_1"]["s"]]
        # The week of the third Friday: March is in front.
        assert info["front_contract"] == "NQH2027"
        assert len(bars) == 700
        assert [bar[0] % 900 for bar in bars] == [0] * 700
        assert bars == sorted(bars, key=lambda bar: bar[0])
        assert all(low <= min(o, c) <= max(o, c) <= high for _, o, high, low, c, _ in bars)
        assert named(said, "series_completed") == [["cs_a", "sds_1", "streaming", "s1"]]

    def test_live_bars_repeat_the_last_until_the_next_begins(self, wire: Wire) -> None:
        said = wire.series(resolution="1")
        last = named(said, "timescale_update")[0][1]["sds_1"]["s"][-1]

        said = wire.passes(70)

        rows_ = [row for args in named(said, "du") for row in args[1]["sds_1"]["s"]]
        assert rows_[0]["i"] == last["i"]
        assert {row["i"] - last["i"] for row in rows_} == {0, 1}
        assert {row["v"][0] - last["v"][0] for row in rows_} == {0, 60}

    def test_a_second_series_ends_the_chart_session(self, wire: Wire) -> None:
        wire.series()

        said = wire.say("create_series", "cs_a", "sds_2", "s2", "sds_sym_1", "1", 10, "")
        after = wire.say("resolve_symbol", "cs_a", "sds_sym_2", NQ)

        assert named(said, "critical_error")[0][1] == "exceed limit of series in the session"
        assert named(after, "critical_error")[0][1] == "session is not found"
        assert wire.session.closing is None

    @pytest.mark.parametrize(
        "symbol", ["CME_MINI:XX1!", "NQ1!", "NASDAQ:NOTHING", "", "CME:NQZ2031"]
    )
    def test_a_symbol_that_is_not_listed_is_refused(self, wire: Wire, symbol: str) -> None:
        wire.say("chart_create_session", "cs_a", "")

        said = wire.say("resolve_symbol", "cs_a", "sds_sym_1", "=" + json.dumps({"symbol": symbol}))

        assert said == [("symbol_error", ["cs_a", "sds_sym_1", "invalid symbol"])]

    def test_bars_of_another_length_are_refused(self, wire: Wire) -> None:
        assert named(wire.series(resolution="7"), "series_error")[0][3] == "resolve error"


class TestStudy:
    def test_it_has_rows_of_the_documented_shape(self, wire: Wire) -> None:
        wire.series()

        said = wire.study() + wire.passes(0.5)

        found = [row["v"] for row in named(said, "du")[0][1]["st9"]["st"]]
        assert len(found) == 700
        assert {len(row) for row in found} == {19}
        assert levels_of(found[0])[1] == (None,) * 7
        assert any(level is not None for level in levels_of(found[-1])[1])
        assert named(said, "study_completed") == [["cs_a", "st9", "st1"]]

    def test_it_goes_on_with_the_bars(self, wire: Wire) -> None:
        wire.series()
        wire.study()
        wire.passes(1)

        said = wire.passes(5)

        parts = [args[1] for args in named(said, "du")]
        assert parts
        assert all(
            part["st9"]["st"][-1]["v"][0] == part["sds_1"]["s"][-1]["v"][0] for part in parts
        )

    def test_before_the_series_is_complete_it_is_refused(self, wire: Wire) -> None:
        wire.say("chart_create_session", "cs_a", "")
        wire.say("resolve_symbol", "cs_a", "sds_sym_1", NQ)
        wire.say("create_series", "cs_a", "sds_1", "s1", "sds_sym_1", "15", 700, "")

        said = wire.study()

        assert named(said, "study_error")[0][3] == {"error": "the series is not completed"}

    @pytest.mark.parametrize(
        "token, fault, words",
        [
            (tradingview_tokens.ANONYMOUS, {}, "study_not_auth"),
            (None, {"tradingview": "studies"}, "maximum number of studies"),
            (None, {"tradingview": "study"}, "study_not_auth"),
        ],
    )
    def test_without_the_rights_it_is_refused(
        self, token: str | None, fault: dict[str, str], words: str
    ) -> None:
        wire = Wire(**fault)
        wire.sign_in(token)
        wire.series()

        assert words in named(wire.study(), "study_error")[0][3]["error"]

    def test_rows_from_the_middle_equal_those_of_the_whole(self) -> None:
        bars = [
            [60.0 * n, 100.0, 100.0 + n % 17, 90.0 - n % 13, 95.0 + n % 7, 1.0] for n in range(650)
        ]

        assert rows(bars, 0.25, 640) == rows(bars, 0.25)[640:]


class TestQuotes:
    def test_a_snapshot_comes_first_then_changed_fields_only(self, wire: Wire) -> None:
        first = wire.say("quote_add_symbols", "qs_a", NQ)
        later = named(wire.passes(5), "qsd")

        snapshot = named(first, "qsd")[0][1]
        assert set(snapshot["v"]) == {"lp", "lp_time", "bid", "ask", "update_mode"}
        assert snapshot["v"]["update_mode"] == "streaming"
        assert named(first, "quote_completed") == [["qs_a", NQ]]
        assert later
        assert all("update_mode" not in args[1]["v"] for args in later)

    def test_who_is_not_signed_in_sees_it_ten_minutes_late(self) -> None:
        wire = Wire()
        wire.sign_in(tradingview_tokens.ANONYMOUS)

        values = named(wire.say("quote_add_symbols", "qs_a", NQ), "qsd")[0][1]["v"]

        assert values["update_mode"] == "delayed_streaming_600"
        assert values["lp_time"] == NOW - 600

    def test_a_token_that_has_ended_loses_the_rights_but_not_the_connection(self) -> None:
        wire = Wire()
        wire.sign_in()
        wire.faults.update({"token_expiry": 5})
        wire.passes(10)

        values = named(wire.say("quote_add_symbols", "qs_a", NQ), "qsd")[0][1]["v"]

        assert re.fullmatch(r"delayed_streaming_\d+", values["update_mode"])
        assert wire.session.closing is None

    def test_an_unknown_symbol_is_an_error_of_its_own(self, wire: Wire) -> None:
        said = wire.say("quote_add_symbols", "qs_a", "A:NOTHING", NQ)

        assert [args[1]["s"] for args in named(said, "qsd")] == ["error", "ok"]


@pytest.mark.parametrize(
    "text, streamer",
    [
        (NQ, "/NQH27:XCME"),
        ("CME_MINI:NQZ2026", "/NQZ26:XCME"),
        ("NASDAQ:QQQ", "QQQ"),
        ("CBOE:SPX", "SPX"),
        ("NYSE:BRK.B", "BRK/B"),
        ("BITSTAMP:BTCUSD", "/BTCZ26:XCME"),
    ],
)
def test_symbols_are_joined_to_what_the_market_trades(wire: Wire, text: str, streamer: str) -> None:
    found = find(wire.desk, text)

    assert found is not None
    assert found.streamer == streamer
