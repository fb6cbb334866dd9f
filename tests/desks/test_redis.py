"""Redis joined: what each channel says, what is obeyed, and what hostile messages cost."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.controls import Controls
from grok_sauce.desks.redis import OFF, SIMULATED, RedisDesk
from grok_sauce.desks.redis_commands import COMMANDS, LARGEST, RedisCommands, params_of
from grok_sauce.desks.redis_shapes import channels
from grok_sauce.errors import BadPayload, SettingsError, SourceError
from grok_sauce.publishers.redis_waiting import Channel, Waiting
from grok_sauce.redis_link import RedisMessage, RedisSettings, connect
from grok_sauce.runtime.backoff import Backoff
from grok_sauce.runtime.clock import ManualClock, RealClock
from grok_sauce.runtime.supervisor import Supervisor
from grok_sauce.update import Update
from tests.redis_server import RedisServer, free_port

ROW = {
    "symbol": "/NQ", "price": 21246.25, "open": 21200.0, "day_high": 21260.0, "day_low": 21190.0,
    "prev_close": 21180.5, "volume": 1234.0, "as_of": "2026-12-16T19:32:07Z", "source": "DEMO",
    "bid": 21246.0, "ask": 21246.5, "price_basis": "trade", "status": "live",
}  # fmt: skip
CANDLE = {
    "symbol": "/NQ", "contract": "/NQZ6", "timeframe": "15m", "time": "2026-12-16T19:15:00Z",
    "end": "2026-12-16T19:30:00Z", "open": 21258.0, "high": 21261.0, "low": 21241.0,
    "close": 21246.25, "volume": 8123.0, "source": "dxlink", "gap": 0,
}  # fmt: skip
SIGNAL = {
    "webhook_type": "trade_signal", "id": "GEX_RECOIL /NQ 1", "symbol": "NQ",
    "expires_at": "2026-12-16T19:45:00Z",
}  # fmt: skip
REPORT = {
    "ok": False, "problems": ["dxLink is down"], "version": "0.1.0", "mode": {"name": "LIVE"},
    "clock": {"wall_ms": 1797449527000}, "session": {"state": "open"}, "feed_rate": None,
    "up_since_ms": 1797440000000,
    "sources": [
        {"name": "dxlink", "state": "backoff"},
        {"name": "news", "state": "off"},
        {"name": "tradingview", "state": "live"},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def redis_here() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def until(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def told(clock: ManualClock, *updates: Update) -> list[tuple[str, Mapping[str, Any]]]:
    """(channel, data) of what these updates put on Redis."""
    waiting = Waiting(channels(("QQQ", "SPY"), lambda: True, clock.market), clock)
    waiting.put(updates)
    found = []
    for item in waiting.due():
        body = item.value
        if not item.channel.whole:
            body = waiting.shaped(item.channel, item.key, item.value)
        if body is not None:
            found.append((item.channel.name, body))
    assert waiting.totals() == {}
    return found


class TestShapes:
    def test_a_price_has_the_names_that_are_read(self, clock: ManualClock) -> None:
        [(channel, data)] = told(clock, Update("indicator.rows", "/NQ", ROW))

        assert channel == "price.update"
        assert {name: data[name] for name in data if name not in ("bid", "ask", "status")} == {
            "symbol": "/NQ", "baseSymbol": "NQ", "open": 21200.0, "high": 21260.0,
            "low": 21190.0, "close": 21246.25, "previousClose": 21180.5, "volume": 1234.0,
            "timestamp": "2026-12-16T19:32:07Z", "source": "DEMO", "price_basis": "trade",
        }  # fmt: skip

    def test_a_symbol_without_a_price_is_not_told(self, clock: ManualClock) -> None:
        assert told(clock, Update("indicator.rows", "DXY", {**ROW, "price": None})) == []

    def test_only_quarter_hour_candles_are_told(self, clock: ManualClock) -> None:
        minute = {**CANDLE, "timeframe": "1m"}

        [(channel, data)] = told(
            clock, Update("candle.close", "/NQ 1m", minute), Update("candle.close", "/NQ", CANDLE)
        )

        assert channel == "candle.close"
        assert data["timestamp"] == "2026-12-16T19:15:00Z"
        names = {"symbol", "timestamp", "open", "high", "low", "close", "volume", "timeframe"}
        assert names <= set(data)
        assert (data["baseSymbol"], data["timeframe"]) == ("NQ", "15m")

    def test_a_candle_is_told_once(self, clock: ManualClock) -> None:
        same = Update("candle.close", "/NQ 15m", CANDLE)

        assert len(told(clock, same, same)) == 1

    def test_a_signal_goes_as_it_is_and_expires(self, clock: ManualClock) -> None:
        waiting = Waiting(channels(("QQQ", "SPY"), lambda: True, clock.market), clock)
        waiting.put([Update("trade.signal", "", SIGNAL)])
        clock.set_market(1797450300.0)  # 19:45:00
        late = waiting.due()

        assert told(ManualClock(1797450299.0), Update("trade.signal", "", SIGNAL)) == [
            ("trade.signal", SIGNAL)
        ]
        assert late == []
        assert waiting.totals() == {("trade.signal", "expired"): 1}

    def test_levels_name_the_symbol_whose_options_they_are_of(self, clock: ManualClock) -> None:
        document = {"timestamp": "x", "put_wall": 21252.5, "definition": {"symbol": "QQQ"}}

        assert told(clock, Update("signal.levels", "QQQ", document)) == [
            ("gex.levels", {**document, "symbol": "QQQ"})
        ]
        assert told(clock, Update("signal.levels", "SPY", document)) == [
            ("gex.levels:SPY", {**document, "symbol": "QQQ"})
        ]
        assert told(clock, Update("signal.levels", "DIA", document)) == []
        assert told(clock, Update("gex.levels", "SPX:all", {"symbol": "SPX"})) == []

    def test_triggers_are_told_once_a_bar_and_not_while_there_are_none(
        self, clock: ManualClock
    ) -> None:
        bar = {
            "symbol": "/NQ", "contract": "/NQZ6", "timestamp": "2026-12-16T19:30:02Z",
            "candle_time": "2026-12-16T19:15:00Z", "levels": {"L0": 21250.0, "L1": None},
            "state": "live",
        }  # fmt: skip
        waiting = {**bar, "levels": None, "state": "waiting", "candle_time": None}

        assert told(clock, Update("lt.levels", "/NQ", bar)) == [("lt.levels", bar)]
        assert told(clock, Update("lt.levels", "/NQ", {**bar, "state": "stale"})) == []
        assert told(clock, Update("lt.levels", "/NQ", waiting)) == []

    def test_health_is_short_and_says_what_is_connected(self, clock: ManualClock) -> None:
        [(channel, data)] = told(clock, Update("service.health", "", REPORT))

        assert channel == "service.health"
        assert data["status"] == "degraded"
        assert data["timestamp"] == "2026-12-16T19:32:07Z"
        assert data["connected"] == {"dxlink": False, "tradingview": True, "redis": True}
        assert data["strategy_enabled"] is True
        assert data["problems"] == ["dxLink is down"]

    def test_every_message_of_a_late_comer_has_a_limited_life(self, clock: ManualClock) -> None:
        bodies = {
            "price.update": ROW,
            "lt.levels": {"symbol": "/NQ"},
            "gex.levels": {},
            "gex.levels:SPY": {},
        }
        kept = {
            channel.name: channel.kept(bodies[channel.name])
            for channel in channels(("QQQ", "SPY"), lambda: True, clock.market)
            if channel.kept is not None
        }

        assert kept == {
            "price.update": ("price.update:/NQ", 300),
            "gex.levels": ("gex_levels_latest", 14_400),
            "gex.levels:SPY": ("gex_levels_latest:SPY", 14_400),
            "lt.levels": ("lt.levels:/NQ", 2_700),
        }


class TestDesk:
    def _made(self, environ: Mapping[str, str], simulated: bool = False) -> RedisDesk:
        return RedisDesk(environ, Controls(), ManualClock(), simulated, lambda: None)

    def test_without_an_address_nothing_runs(self) -> None:
        desk = self._made({})

        assert (desk.workers, desk.publishers) == ([], [])
        assert [(s.name, s.state, s.detail) for s in desk.sources] == [("redis", "off", OFF)]

    def test_a_simulated_market_tells_only_when_that_is_asked_for(self) -> None:
        url = {"REDIS_URL": "redis://127.0.0.1"}

        silent = self._made(url, simulated=True)
        asked = self._made({**url, "REDIS_IN_DEMO": "1"}, simulated=True)

        assert (silent.workers, silent.sources[0].detail) == ([], SIMULATED)
        assert [worker.name for worker in asked.workers] == ["redis", "redis-commands"]

    def test_a_wrong_address_is_refused_at_the_start(self) -> None:
        with pytest.raises(SettingsError, match="REDIS_URL"):
            self._made({"REDIS_URL": "http://127.0.0.1"})


class TestParams:
    @pytest.mark.parametrize(
        "channel, body, expected",
        [
            ("gex.refresh", b"", {}),
            ("gex.refresh", b"{}", {}),
            ("gex.refresh", b"null", {}),
            ("gex.refresh", b'{"force": true}', {"force": True}),
            ("gex.refresh", b'{"force": null, "else": 1}', {}),
            (
                "gex.refresh",
                b'{"timestamp": "x", "channel": "gex.refresh", "data": {"force": false}}',
                {"force": False},
            ),
            ("strategy.enable", b'{"data": {"symbol": "/NQ"}}', {"symbol": "/NQ"}),
        ],
    )
    def test_plain_and_in_an_envelope(
        self, channel: str, body: bytes, expected: dict[str, Any]
    ) -> None:
        assert params_of(RedisMessage(channel, body)) == expected

    @pytest.mark.parametrize(
        "body",
        [
            b"\xff\xfe", b"{", b"[]", b"7", b'"yes"', b'{"force": 1}', b'{"force": "true"}',
            b'{"data": []}', b'{"data": "force"}', b"[" * 4000, b" " * LARGEST + b"{}",
        ],
    )  # fmt: skip
    def test_anything_else_is_no_command(self, body: bytes) -> None:
        with pytest.raises(BadPayload):
            params_of(RedisMessage("gex.refresh", body))

    @pytest.mark.parametrize("symbol", ["", "x" * 33, "a\nb", "\x1b[2J"])
    def test_a_symbol_is_short_and_printable(self, symbol: str) -> None:
        body = json.dumps({"symbol": symbol}).encode()

        with pytest.raises(BadPayload):
            params_of(RedisMessage("strategy.enable", body))

    @given(st.sampled_from(sorted(COMMANDS)), st.binary(max_size=200))
    def test_no_bytes_do_more_than_being_refused(self, channel: str, body: bytes) -> None:
        with contextlib.suppress(BadPayload):
            assert set(params_of(RedisMessage(channel, body))) <= {COMMANDS[channel][0]}

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=40),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["data", "force", "x"]), inner, max_size=3)
            ),
        )
    )
    def test_no_json_does_either(self, document: Any) -> None:
        body = orjson.dumps(document)

        with contextlib.suppress(BadPayload):
            found = params_of(RedisMessage("gex.refresh", body))
            assert found in ({}, {"force": True}, {"force": False})


class Asked:
    """Controls that note what they are asked."""

    def __init__(self, *names: str) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[tuple[str, Any]] = []
        self.controls = Controls()
        for name in names:
            self.controls.register(name, self._action(name))

    def _action(self, name: str) -> Callable[..., Any]:
        def act(**params: Any) -> Any:
            self.calls.append((name, params))
            return {"of": name}

        return act

    def answered(self, name: str, result: Any) -> None:
        self.answers.append((name, result))


@contextlib.contextmanager
def obeying(server: RedisServer, asked: Asked) -> Iterator[RedisCommands]:
    clock = RealClock()
    ear = RedisCommands(
        lambda: connect(RedisSettings(server.url), clock, 0.5),
        asked.controls,
        asked.answered,
        clock,
    )
    supervisor = Supervisor(clock, lambda: Backoff(first=0.1, longest=0.2))
    supervisor.start([ear])
    until(lambda: ear.status.state == "live")
    yield ear
    assert supervisor.stop(10.0) == []


class TestCommands:
    def test_a_refresh_is_carried_out_and_its_answer_told(self, redis_here: RedisServer) -> None:
        asked = Asked("gex.refresh")

        with obeying(redis_here, asked):
            redis_here.cli("PUBLISH", "gex.refresh", '{"force": true}')
            until(lambda: asked.answers)

        assert asked.calls == [("gex.refresh", {"force": True})]
        assert asked.answers == [("gex.refresh", {"of": "gex.refresh"})]

    def test_of_many_at_once_each_kind_counts_once_and_the_last_of_switches(
        self, redis_here: RedisServer
    ) -> None:
        asked = Asked(*COMMANDS)
        given = [
            ("gex.refresh", ""), ("gex.refresh", '{"force": true}'), ("gex.refresh", ""),
            ("strategy.enable", '{"symbol": "/NQ"}'), ("strategy.disable", '{"symbol": "/NQ"}'),
            ("strategy.enable", '{"symbol": "/ES"}'),
        ]  # fmt: skip
        link = connect(RedisSettings(redis_here.url), RealClock())

        with obeying(redis_here, asked):
            link.send([("PUBLISH", "gex.refresh", "")])  # after it, a second of rest
            until(lambda: asked.calls)
            link.send([("PUBLISH", *each) for each in given])
            until(lambda: len(asked.calls) == 4)

        assert asked.calls[1:] == [
            ("gex.refresh", {"force": True}),
            ("strategy.disable", {"symbol": "/NQ"}),
            ("strategy.enable", {"symbol": "/ES"}),
        ]
        link.close()

    def test_hostile_messages_are_counted_and_the_next_good_one_is_obeyed(
        self, redis_here: RedisServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        asked = Asked("gex.refresh")
        link = connect(RedisSettings(redis_here.url), RealClock())

        with obeying(redis_here, asked) as ear:
            bad = [b"\xff", b"{", b"[" * 3000, b"x" * 1_000_000] * 25
            link.send([("PUBLISH", "gex.refresh", body) for body in bad])
            link.do("PUBLISH", "gex.refresh", "{}")
            until(lambda: asked.calls)

            assert ear.counts["broken"] == 100
            assert "100 broken" in ear.status.detail

        assert asked.calls == [("gex.refresh", {})]
        assert len([r for r in caplog.records if "not obeyed" in r.getMessage()]) == 2
        link.close()

    def test_what_nobody_here_does_is_said_once(
        self, redis_here: RedisServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        asked = Asked()

        with obeying(redis_here, asked) as ear:
            for number in (1, 2):
                redis_here.cli("PUBLISH", "strategy.enable", "")
                until(lambda wanted=number: ear.counts["failed"] == wanted)

        said = [r for r in caplog.records if "nothing that does it" in r.getMessage()]
        assert len(said) == 1

    def test_a_control_that_fails_harms_nobody(
        self, redis_here: RedisServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        asked = Asked("strategy.enable")

        def refuse(force: bool = False) -> None:
            raise SourceError("no levels of QQQ: nothing has arrived yet")

        def break_down(symbol: str | None = None) -> None:
            raise ZeroDivisionError

        asked.controls.register("gex.refresh", refuse)
        asked.controls.register("strategy.disable", break_down)
        with obeying(redis_here, asked) as ear:
            redis_here.cli("PUBLISH", "gex.refresh", "")
            until(lambda: ear.counts["failed"] == 1)
            redis_here.cli("PUBLISH", "strategy.disable", "")
            until(lambda: ear.counts["failed"] == 2)
            redis_here.cli("PUBLISH", "strategy.enable", "")
            until(lambda: asked.calls)

        assert "gex.refresh: no levels of QQQ" in caplog.text
        assert ear.counts["done"] == 1

    def test_it_listens_again_after_an_outage(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        asked = Asked("gex.refresh")
        with RedisServer() as server, obeying(server, asked) as ear:
            server.stop()
            until(lambda: ear.status.state == "backoff")
            server.start()
            until(lambda: ear.status.state == "live")

            redis_here_again(server, asked)

        assert asked.calls
        assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


def redis_here_again(server: RedisServer, asked: Asked) -> None:
    """Publish until somebody listened: the subscription comes after the connection."""

    def heard() -> bool:
        server.cli("PUBLISH", "gex.refresh", "")
        return bool(asked.calls)

    until(heard)


class TestWhole:
    def test_a_refresh_over_redis_is_answered_on_the_channel_of_levels(
        self, redis_here: RedisServer
    ) -> None:
        document = {"timestamp": "x", "put_wall": 1.0, "definition": {"symbol": "QQQ"}}
        controls = Controls()
        controls.register("gex.refresh", lambda force=False: {**document, "forced": force})
        clock = RealClock()
        desk = RedisDesk({"REDIS_URL": redis_here.url}, controls, clock, False, lambda: None)
        supervisor = Supervisor(clock, lambda: Backoff(first=0.1, longest=0.2))
        listener = redis_here.subscriber("gex.levels")
        assert listener.stdout is not None
        lines: list[str] = []
        reader = threading.Thread(target=_collect, args=(listener.stdout, lines), daemon=True)
        reader.start()

        supervisor.start(desk.workers)
        try:
            until(lambda: all(status.state == "live" for status in desk.sources))
            redis_here.cli("PUBLISH", "gex.refresh", '{"force": true}')
            until(lambda: len(lines) >= 3)
        finally:
            left = supervisor.stop(10.0)
            listener.kill()
            listener.wait(timeout=10)

        assert left == []
        assert json.loads(lines[2])["data"] == {**document, "symbol": "QQQ", "forced": True}
        assert json.loads(redis_here.cli("GET", "gex_levels_latest"))["put_wall"] == 1.0

    def test_down_at_the_start_is_no_trouble_for_anybody(self) -> None:
        clock = RealClock()
        desk = RedisDesk(
            {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"},
            Controls(),
            clock,
            False,
            lambda: True,
        )
        supervisor = Supervisor(clock, lambda: Backoff(first=0.1, longest=0.2))

        supervisor.start(desk.workers)
        until(lambda: all(status.state == "backoff" for status in desk.sources))
        publish: Callable[[Sequence[Update]], None] = desk.publishers[0]
        publish([Update("service.health", "", REPORT), Update("trade.signal", "", SIGNAL)])

        assert supervisor.stop(10.0) == []
        assert desk.teller.depth == 2


def _collect(stream: Any, lines: list[str]) -> None:
    for line in stream:
        lines.append(line.strip())


def test_channels_have_the_names_of_the_specification(clock: ManualClock) -> None:
    made: list[Channel] = channels(("QQQ", "SPY"), lambda: None, clock.market)

    assert {channel.name for channel in made} == {
        "trade.signal", "price.update", "lt.levels", "gex.levels", "candle.close",
        "service.health", "gex.levels:SPY",
    }  # fmt: skip
