"""The poller against a loopback server: schedule, hosts, refusals, what it keeps and says."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Iterator
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.errors import BadPayload, SettingsError, SourceError
from grok_sauce.http import Http
from grok_sauce.market.batches import Batch
from grok_sauce.market.sessions import NEW_YORK, instant, new_york
from grok_sauce.pollers import POLLERS
from grok_sauce.pollers.cboe import CboePoller, CboeSettings, read_chain_file
from grok_sauce.pollers.cboe_fetch import address
from grok_sauce.runtime.clock import ManualClock

DAY = date(2026, 12, 16)
NOON = instant(DAY, 12)
PATH = "/api/global/delayed_quotes/options/"


class Cdn:
    """A host of chains; answers maps a file's name to a status and a body or a location."""

    def __init__(self, clock: ManualClock, bodies: Any) -> None:
        self.clock = clock
        self.asked: list[tuple[str, str]] = []  # market time in New York, path
        self.agents: set[str] = set()
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.behind = 900.0
        self.bodies = bodies
        cdn = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def do_GET(self) -> None:
                cdn.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)

    def body(self, symbol: str) -> bytes:
        now = self.clock.market()
        traded = new_york(min(now - self.behind, instant(new_york(now).date(), 16, 15)))
        return bytes(
            self.bodies.body(symbol=symbol, last_trade_time=traded.strftime("%Y-%m-%dT%H:%M:%S"))
        )

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name = request.path.rsplit("/", 1)[1].removesuffix(".json")
        self.asked.append((f"{new_york(self.clock.market()):%H:%M}", request.path))
        self.agents.add(request.headers["User-Agent"])
        status, body = self.answers.get(name, (200, b""))
        if status == 200 and not body:
            body = gzip.compress(self.body("^" + name[1:] if name.startswith("_") else name))
        request.send_response(status)
        if status in (301, 302, 307):
            request.send_header("Location", body.decode())
        elif body[:2] == b"\x1f\x8b":
            request.send_header("Content-Encoding", "gzip")
        request.send_header("Content-Type", "application/json")
        request.end_headers()
        if status == 200:
            request.wfile.write(body)


class Until(threading.Event):
    """A stop that lets the clock run instead of waiting, until a market time."""

    def __init__(self, clock: ManualClock, end: float) -> None:
        super().__init__()
        self.clock, self.end = clock, end

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.advance(timeout or 0.0)
        if self.clock.market() >= self.end:
            self.set()
        return self.is_set()


class Desk:
    """A poller with its hosts and what it handed over."""

    def __init__(self, bodies: Any, start: float = NOON) -> None:
        self.clock = ManualClock(market=start, real=start)
        self.main, self.spare = Cdn(self.clock, bodies), Cdn(self.clock, bodies)
        self.batches: list[Batch] = []
        self.symbols: tuple[str, ...] = ("SPX",)

    def poller(self, folder: Path | None = None, **settings: Any) -> CboePoller:
        knobs = {"base": self.main.url, "fallback": self.spare.url, **settings}
        http = Http(self.clock, connect=2.0, read=2.0)
        return CboePoller(
            CboeSettings(**knobs), http, self.clock, self.batches.append, folder, None,
            lambda: self.symbols,
        )  # fmt: skip

    def run(self, poller: CboePoller, seconds: float) -> None:
        poller.run(Until(self.clock, self.clock.market() + seconds))

    @property
    def times(self) -> list[str]:
        return [when for when, _ in self.main.asked]


@pytest.fixture
def desk(bodies: Any) -> Iterator[Desk]:
    made = Desk(bodies)
    yield made
    made.main.close()
    made.spare.close()


def test_the_poller_is_in_the_table() -> None:
    assert POLLERS["cboe"] == CboePoller.__module__


def test_indices_have_an_underscore_and_shares_have_none() -> None:
    names = [address("http://x/", symbol).rsplit("/", 1)[1] for symbol in ("NDX", "QQQ", "BRK/B")]

    assert names == ["_NDX.json", "QQQ.json", "BRKB.json"]


def test_a_chain_is_handed_over_whole_as_a_batch(desk: Desk) -> None:
    poller = desk.poller()

    desk.run(poller, 10)

    (batch,) = desk.batches
    ((chain,),) = batch.columns
    assert (batch.kind, batch.symbols, batch.at) == ("CboeChain", ["SPX"], NOON)
    assert (chain.symbol, chain.as_of, len(chain)) == ("SPX", NOON - 900, 4)
    assert desk.main.asked == [("12:00", PATH + "_SPX.json")]
    assert all(agent.startswith("Mozilla/5.0 ") for agent in desk.main.agents)
    assert (poller.status.label, poller.status.state) == ("Cboe", "live")
    assert poller.status.detail == "15m delayed"
    assert poller.status.facts == {"symbols": 1, "chains": 1}


def test_it_asks_every_interval_then_once_after_the_freeze(desk: Desk) -> None:
    desk.clock.set_market(instant(DAY, 15, 50))

    desk.run(desk.poller(), 15 * 3600)

    assert desk.times == ["15:50", "15:55", "16:35"]
    assert f"{new_york(desk.clock.market()):%H:%M}" == "06:50"


def test_on_a_half_day_the_freeze_is_pulled_three_hours_earlier(bodies: Any) -> None:
    desk = Desk(bodies, instant(date(2026, 11, 27), 12, 53))
    desk.run(desk.poller(fallback=None), 3 * 3600)
    desk.main.close()
    desk.spare.close()

    assert desk.times == ["12:53", "12:58", "13:35"]


def test_however_fast_the_market_runs_a_symbol_is_not_asked_more_than_three_times_a_minute(
    desk: Desk,
) -> None:
    desk.clock = ManualClock(market=NOON, real=NOON, speed=600.0)
    desk.main.clock = desk.spare.clock = desk.clock

    desk.run(desk.poller(fallback=None), 600 * 12)

    assert len(desk.main.asked) == 1
    desk.run(desk.poller(fallback=None), 600 * 24)
    assert len(desk.main.asked) <= 3


def test_symbols_are_followed_as_they_change(desk: Desk) -> None:
    poller = desk.poller()
    desk.run(poller, 10)
    desk.symbols = ("SPX", "SPY", "/ES")

    desk.run(poller, 10)

    assert [batch.symbols[0] for batch in desk.batches] == ["SPX", "SPY"]
    desk.symbols = ()
    desk.run(poller, 10)
    assert (poller.status.state, poller.status.detail) == ("off", "no symbols are asked for")


def test_symbols_of_the_environment_go_first_and_are_checked(desk: Desk) -> None:
    desk.run(desk.poller(symbols=("spy",)), 10)

    assert [batch.symbols[0] for batch in desk.batches] == ["SPY"]
    with pytest.raises(SettingsError, match="not a symbol"):
        desk.poller(symbols=("S?",))


# ---- hosts ------------------------------------------------------------------------------


def test_a_redirect_is_followed(desk: Desk) -> None:
    desk.main.answers["_SPX"] = (307, f"{desk.spare.url}{PATH}_SPX.json".encode())

    desk.run(desk.poller(fallback=None), 10)

    assert len(desk.batches) == len(desk.spare.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [(502, b""), (404, b""), (200, b"<html>soon</html>"), (200, b'{"data": {"options": [')],
    ids=["bad gateway", "gone", "a web page", "cut off"],
)
def test_the_other_host_is_asked_when_the_first_fails(
    desk: Desk, answer: tuple[int, bytes]
) -> None:
    desk.main.answers["_SPX"] = answer
    poller = desk.poller()

    desk.run(poller, 10)

    assert len(desk.batches) == 1
    assert poller.status.state == "live"


def test_of_a_frozen_host_and_a_living_one_the_newer_prices_count(desk: Desk) -> None:
    desk.main.behind = 3 * 3600.0
    poller = desk.poller()

    desk.run(poller, 10)

    assert [batch.columns[0][0].as_of for batch in desk.batches] == [NOON - 900]
    assert poller.status.detail == "15m delayed"


def test_frozen_prices_are_served_and_called_stale(desk: Desk) -> None:
    desk.main.behind = desk.spare.behind = 3 * 3600.0
    poller = desk.poller()

    desk.run(poller, 10)

    assert len(desk.batches) == 1
    assert poller.status.state == "stale"
    assert poller.status.detail == "prices of 2026-12-16 09:00 New York, which should be newer"


def test_prices_older_than_those_held_are_not_handed_over(desk: Desk) -> None:
    poller = desk.poller(fallback=None)
    desk.run(poller, 10)
    desk.main.behind = 3600.0

    desk.run(poller, 320)

    assert len(desk.main.asked) == 2
    assert [batch.columns[0][0].as_of for batch in desk.batches] == [NOON - 900]


def test_no_answer_is_raised_for_the_supervisor_and_told_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    poller = desk.poller(fallback=None)
    desk.run(poller, 10)
    desk.main.answers["_SPX"] = (503, b"")

    for _ in range(3):
        with pytest.raises(SourceError, match="answered 503"):
            desk.run(poller, 400)
        desk.clock.advance(60)

    assert poller.status.state == "backoff"
    assert poller.status.detail.startswith("no answer; ")
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert len(desk.batches) == 1
    desk.main.answers.clear()
    caplog.set_level("INFO")
    desk.run(poller, 30)
    assert (poller.status.state, len(desk.batches)) == ("live", 2)
    assert [record.message for record in caplog.records][-1] == "Cboe: back"


def test_an_unknown_symbol_is_named_and_left_alone_while_others_go_on(desk: Desk) -> None:
    desk.symbols = ("SPX", "ZZZZ")
    desk.main.answers["ZZZZ"] = desk.spare.answers["ZZZZ"] = (403, b"")
    poller = desk.poller()

    desk.run(poller, 3600)

    asked = [path for _, path in desk.main.asked]
    assert asked.count(PATH + "ZZZZ.json") == 1
    assert asked.count(PATH + "_SPX.json") >= 11
    assert desk.spare.asked == []
    assert poller.status.state == "live"
    assert poller.status.detail.endswith("m delayed; ZZZZ: no chain of this name (403)")


def test_when_every_symbol_is_refused_it_asks_on_at_its_interval(desk: Desk) -> None:
    desk.symbols = ("SPX", "SPY")
    desk.main.answers = {"_SPX": (403, b""), "SPY": (403, b"")}
    poller = desk.poller()

    desk.run(poller, 640)

    assert len(desk.main.asked) == 6
    assert poller.status.state == "stale"
    assert poller.status.last_error == "SPY: no chain of this name (403)"


def test_too_many_requests_are_answered_by_waiting_an_interval(desk: Desk) -> None:
    desk.main.answers["_SPX"] = (429, b"")
    poller = desk.poller()

    desk.run(poller, 280)

    assert (len(desk.main.asked), desk.spare.asked) == (1, [])
    assert poller.status.detail == "no chain yet; SPX: asked too often (429)"


def test_another_underlyings_chain_is_refused(desk: Desk, bodies: Any) -> None:
    desk.main.answers["SPY"] = desk.spare.answers["SPY"] = (200, desk.main.body("QQQ"))
    desk.symbols = ("SPY",)
    poller = desk.poller()

    desk.run(poller, 10)

    assert desk.batches == []
    assert poller.status.detail == "no chain yet; SPY: Cboe: asked for SPY, got QQQ"


def test_a_body_beyond_the_limit_is_refused(desk: Desk) -> None:
    bomb = gzip.compress(b" " * 1_100_000)
    desk.main.answers["_SPX"] = desk.spare.answers["_SPX"] = (200, bomb)
    poller = desk.poller(largest=1_000_000)

    desk.run(poller, 10)

    assert desk.batches == []
    assert "sent more than 1000000 bytes" in (poller.status.last_error or "")


# ---- what is kept -----------------------------------------------------------------------


def test_a_restart_begins_with_what_was_kept_and_does_not_ask_before_its_time(
    desk: Desk, tmp_path: Path
) -> None:
    desk.run(desk.poller(tmp_path), 10)
    kept = tmp_path / "cboe" / "SPX.json.gz"
    os.utime(kept, (NOON, NOON))
    desk.batches.clear()

    desk.run(desk.poller(tmp_path), 30)

    assert [batch.columns[0][0].as_of for batch in desk.batches] == [NOON - 900]
    assert len(desk.main.asked) == 1
    assert read_chain_file(kept).symbol == "SPX"


def test_after_a_long_pause_the_kept_chain_comes_first_and_a_new_one_after_it(
    desk: Desk, tmp_path: Path
) -> None:
    desk.run(desk.poller(tmp_path), 10)
    os.utime(tmp_path / "cboe" / "SPX.json.gz", (NOON, NOON))
    desk.batches.clear()
    desk.clock.advance(1800)

    desk.run(desk.poller(tmp_path), 10)

    held = [batch.columns[0][0].as_of for batch in desk.batches]
    assert held == [NOON - 900, pytest.approx(NOON + 1810 - 900, abs=15)]


@pytest.mark.parametrize(
    "content",
    [b"", b"\x1f\x8b", gzip.compress(b"{}"), b"rubbish"],
    ids=["empty", "a head alone", "no chain", "rubbish"],
)
def test_a_kept_file_that_is_broken_is_passed_over(
    desk: Desk, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "cboe").mkdir()
    (tmp_path / "cboe" / "SPX.json.gz").write_bytes(content)

    desk.run(desk.poller(tmp_path), 10)

    assert len(desk.batches) == 1
    assert read_chain_file(tmp_path / "cboe" / "SPX.json.gz").spot == 6012.4


def test_a_body_that_was_refused_is_not_kept(desk: Desk, tmp_path: Path) -> None:
    desk.main.answers["_SPX"] = desk.spare.answers["_SPX"] = (200, b'{"data": {"options": []}}')

    desk.run(desk.poller(tmp_path), 10)

    assert not (tmp_path / "cboe").exists()


def test_a_disk_that_refuses_costs_a_warning_and_no_chain(
    desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cboe").write_text("a file where a folder should be")

    desk.run(desk.poller(tmp_path), 10)

    assert len(desk.batches) == 1
    assert any("not kept" in record.message for record in caplog.records)


def test_a_kept_file_of_the_future_is_not_believed(desk: Desk, tmp_path: Path) -> None:
    desk.run(desk.poller(tmp_path), 10)
    desk.batches.clear()
    desk.clock.set_market(instant(date(2026, 12, 15), 12))

    desk.run(desk.poller(tmp_path), 10)

    (batch,) = desk.batches
    assert datetime.fromtimestamp(batch.columns[0][0].as_of, NEW_YORK).day == 15


def test_the_errors_of_reading_name_the_row(desk: Desk, bodies: Any) -> None:
    options = [bodies.option("SPXW261218C06000000", open_interest=0.5)]
    desk.main.answers["_SPX"] = (200, bodies.body(options, last_trade_time="2026-12-16T11:45:00"))
    poller = desk.poller(fallback=None)

    desk.run(poller, 10)

    assert poller.status.last_error == (
        "SPX: Cboe, row 1, open interest: 0.5 is no whole number of contracts"
    )
    assert issubclass(BadPayload, SourceError)


# ---- asked for at once -------------------------------------------------------------------


def test_somebody_who_asks_is_served_at_once_though_nothing_is_due(desk: Desk) -> None:
    poller = desk.poller()
    desk.run(poller, 60)
    before = len(desk.main.asked)

    assert poller.ask_now("SPX")
    desk.run(poller, 2)

    assert len(desk.main.asked) == before + 1
    desk.run(poller, 60)
    assert len(desk.main.asked) == before + 1  # once


def test_somebody_who_asks_too_often_or_for_what_is_not_followed_is_not_served(desk: Desk) -> None:
    poller = desk.poller()
    desk.run(poller, 1)
    before = len(desk.main.asked)

    assert not poller.ask_now("SPX")
    assert not poller.ask_now("QQQ")
    desk.run(poller, 15)

    assert len(desk.main.asked) == before
