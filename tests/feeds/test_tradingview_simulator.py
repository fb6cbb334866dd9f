"""The TradingView feed against the embedded market over loopback, timeouts shortened."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.clients.tradingview import TradingView, TradingViewAccount
from grok_sauce.errors import SourceRefused
from grok_sauce.feeds.tradingview import TradingViewFeed, TradingViewSettings, Want
from grok_sauce.feeds.tradingview_wants import LIQUIDITY
from grok_sauce.http import Http
from grok_sauce.market.batches import Batch
from grok_sauce.market.lt_levels import LtLevels
from grok_sauce.market.state import MarketState
from grok_sauce.runtime.clock import SharedClock
from grok_sauce.runtime.supervisor import Supervisor
from grok_sauce.settings.tradingview_notice import UNOFFICIAL
from grok_sauce.simulator.desk import Desk
from grok_sauce.simulator.faults import Faults
from grok_sauce.simulator.market import World
from grok_sauce.simulator.server import Server
from grok_sauce.simulator.services import Services
from grok_sauce.simulator.tokens import Tokens
from grok_sauce.simulator.tradingview_server import TradingViewLimits

ROOT = Path(__file__).resolve().parents[2]
START = 1797449527.0  # Wednesday 2026-12-16, 14:32:07 New York
NQ = "CME_MINI:NQ1!"
BARS, LT = "TV:CME_MINI:NQ1!{=m}", "TV:CME_MINI:NQ1!{=15m}"
WANTED = (Want(NQ, "1m"), Want(NQ, "15m", LIQUIDITY))
Eventually = Callable[..., Any]


class Site:
    """The embedded market in this process, its TradingView in a hurry."""

    def __init__(self) -> None:
        self.clock = SharedClock(START, time.time(), 1.0)
        self.faults = Faults()
        self.services = Services(
            desk=Desk(World(42, START), self.clock),
            clock=self.clock,
            tokens=Tokens(self.clock, self.faults),
            faults=self.faults,
            about={"seed": 42},
            tradingview=TradingViewLimits(heartbeat=0.5, echo=1.5, patience=2.0),
        )
        self.server = Server(self.services)
        self.server.start()
        self.http = f"http://{self.services.address}"
        self.socket = self.services.tradingview_url


class Product:
    """Account, feed and state under a supervisor."""

    def __init__(self, site: Site, folder: Path | None, **account: str) -> None:
        self.site = site
        self.state = MarketState()
        self.levels: list[LtLevels] = []
        self.client = TradingView(
            TradingViewAccount(base_url=site.http, pine_url=site.http, **account),
            Http(site.clock),
            site.clock,
            folder,
        )
        self.feed = TradingViewFeed(
            self.client,
            self.sink,
            site.clock,
            TradingViewSettings(
                url=site.socket, symbols=(), lt_symbol=None, ping=1.0, silence=2.0,
                spacing=0.05, settle=0.2, answer=5.0, retry=0.3, bars=650,
            ),
        )  # fmt: skip
        self.feed.want("test", WANTED)
        self.supervisor = Supervisor(site.clock)

    def sink(self, batch: Batch) -> None:
        self.state.apply(batch)
        if batch.kind == "LtLevels":
            self.levels += [value for value in batch.columns[0] if value is not None]

    def start(self) -> None:
        self.feed.switch(True)
        self.supervisor.start([self.feed])

    def bars(self, period: str) -> int:
        return len(self.state.candles("TV:CME_MINI:NQ1!", period) or ())


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.stop()


@pytest.fixture
def product(site: Site, tmp_path: Path) -> Iterator[Product]:
    made = Product(site, tmp_path, sessionid="demo", sessionid_sign="v3:demo")
    yield made
    assert made.supervisor.stop() == []


def test_bars_prices_and_levels_come_and_the_connection_is_kept(
    product: Product, eventually: Eventually
) -> None:
    product.start()

    eventually(lambda: product.bars("m") >= 650 and product.bars("15m") >= 650, 15)
    eventually(lambda: product.levels and product.state.trade("TV:CME_MINI:NQ1!"), 10)
    time_of_levels = product.levels[0]
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 3.0, 5)  # longer than the server's patience

    status = product.feed.status
    assert (status.state, status.reconnects, status.facts["bad"]) == ("live", 0, 0)
    assert status.facts["level"] == "LIVE"
    assert status.facts["studies"] == 1
    assert time_of_levels.contract == "/NQH7"
    assert time_of_levels.closed
    assert any(level is not None for level in time_of_levels.levels)
    assert product.state.lt_levels[LT].time == int(START // 900 - 1) * 900_000
    assert not product.state.ignored
    quote = product.state.quote("TV:CME_MINI:NQ1!")
    assert quote is not None
    assert quote.bid is not None
    assert quote.ask is not None
    assert 0 < quote.ask - quote.bid < 20


def test_it_begins_switched_off_says_why_and_follows_the_switch(
    product: Product, eventually: Eventually
) -> None:
    product.supervisor.start([product.feed])
    eventually(lambda: product.supervisor.statuses["tradingview"].state == "running")
    assert product.feed.status.state == "off"
    assert product.feed.status.detail == UNOFFICIAL
    assert product.site.server.peers() == []

    product.feed.switch(True)
    eventually(lambda: product.feed.status.state == "live", 10)
    product.feed.switch(False)

    eventually(lambda: product.feed.status.state == "off")
    eventually(lambda: product.site.server.peers() == [])
    assert product.state.link_up("TradingView") is False
    assert product.supervisor.statuses["tradingview"].restarts == 0


def test_after_a_cut_everything_is_asked_for_again(
    product: Product, eventually: Eventually
) -> None:
    product.start()
    eventually(lambda: product.levels and product.bars("m") >= 650, 15)
    told = len(product.levels)

    product.site.faults.update({"cut": True})
    eventually(lambda: product.feed.status.reconnects == 1, 10)

    eventually(lambda: len(product.levels) > told, 15)
    assert product.feed.status.state == "live"


def test_a_market_that_freezes_is_noticed_and_left(
    product: Product, eventually: Eventually
) -> None:
    product.start()
    eventually(lambda: product.feed.status.state == "live", 10)

    product.site.faults.update({"half_open": "stream"})
    eventually(lambda: "silent" in (product.feed.status.last_error or ""), 10)
    product.site.faults.update({"half_open": False})

    eventually(lambda: product.feed.status.state == "live", 15)


@pytest.mark.parametrize("rubbish", ["json", "types", "truncated"])
def test_rubbish_between_the_data_is_counted_and_survived(
    product: Product, rubbish: str, eventually: Eventually
) -> None:
    product.site.faults.update({"garbage": rubbish})
    product.start()

    eventually(lambda: product.feed.status.facts.get("bad"), 15)
    eventually(lambda: product.bars("m") >= 650, 15)

    assert product.feed.status.reconnects == 0


def test_nobody_signed_in_gets_delayed_prices_and_it_says_so(
    site: Site, eventually: Eventually
) -> None:
    product = Product(site, None)
    product.start()
    try:
        eventually(lambda: product.feed.status.facts.get("level") == "DELAYED", 15)
        eventually(lambda: product.feed.status.facts.get("charts") == 2, 15)
        eventually(lambda: "ask its author" in product.feed.status.detail, 10)
    finally:
        assert product.supervisor.stop() == []

    assert product.feed.status.facts["login"] == "anonymous"
    assert product.levels == []


def test_lost_rights_bring_a_new_token_on_the_running_connection(
    product: Product, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "grok_sauce")
    product.site.faults.update({"tradingview": "studies"})
    product.start()
    eventually(lambda: "maximum number of studies" in product.feed.status.detail, 15)
    product.site.faults.update({"tradingview": False})

    eventually(lambda: "shown on the running connection" in caplog.text, 30)

    eventually(lambda: product.levels, 30)  # with the new token the study is asked for again
    assert "a new token is fetched: study_error" in caplog.text
    assert caplog.text.count("a new token is fetched") == 1
    assert product.feed.status.reconnects == 0


@pytest.mark.parametrize("fault", ["series", "critical"])
def test_a_chart_that_fails_is_opened_anew(
    product: Product, fault: str, eventually: Eventually
) -> None:
    product.site.faults.update({"tradingview": fault})
    product.start()
    eventually(lambda: f"{fault}_error" in product.feed.status.detail, 15)

    product.site.faults.update({"tradingview": False})

    eventually(lambda: product.bars("m") >= 650 and product.bars("15m") >= 650, 20)
    eventually(lambda: "error" not in product.feed.status.detail, 10)
    assert product.feed.status.reconnects == 0


def test_a_refused_token_is_tried_once_more_and_then_left_to_the_user(
    product: Product, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "grok_sauce")
    product.site.faults.update({"reject_token": True})
    product.start()

    eventually(lambda: product.feed.status.state == "auth_failed", 15)

    worker = product.supervisor.statuses["tradingview"]
    assert worker.state == "refused"
    # Two tokens; the close may once be seen before the word that goes with it.
    assert worker.restarts in (2, 3)
    assert "sessionid" in (product.feed.status.last_error or "")
    assert "eyJ" not in caplog.text


def test_a_login_by_name_and_password_brings_levels_too(
    site: Site, tmp_path: Path, eventually: Eventually
) -> None:
    product = Product(site, tmp_path, username="demo", password="demo")
    product.start()
    try:
        eventually(lambda: product.levels, 30)
    finally:
        assert product.supervisor.stop() == []

    assert product.feed.status.facts["login"] == "login"


def test_a_captcha_is_left_to_the_user(site: Site) -> None:
    site.faults.update({"tradingview": "captcha"})
    product = Product(site, None, username="demo", password="demo")
    product.feed.switch(True)

    with pytest.raises(SourceRefused, match=r"CAPTCHA.*sessionid"):
        product.feed.run(threading.Event())


def test_wrong_cookies_say_what_to_do(site: Site, eventually: Eventually) -> None:
    product = Product(site, None, sessionid="wrong")
    product.feed.switch(True)

    with pytest.raises(SourceRefused, match="TRADINGVIEW_SESSIONID"):
        product.feed.run(threading.Event())

    assert product.feed.status.state == "auth_failed"


def test_the_socket_is_for_pages_of_the_site_only(site: Site) -> None:
    import websocket

    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        websocket.create_connection(site.socket, timeout=5)


UNDER = """
import sys
from grok_sauce.runtime import concurrency
concurrency.patch(sys.argv[3])
import threading, time
from grok_sauce.clients.tradingview import TradingView, TradingViewAccount
from grok_sauce.feeds.tradingview import TradingViewFeed, TradingViewSettings
from grok_sauce.http import Http
from grok_sauce.runtime.clock import SharedClock

clock = SharedClock(float(sys.argv[4]), float(sys.argv[5]))
account = TradingViewAccount(sessionid="demo", base_url=sys.argv[1], pine_url=sys.argv[1])
kinds, stop = set(), threading.Event()
settings = TradingViewSettings(url=sys.argv[2], ping=1.0, spacing=0.05, settle=0.2)
feed = TradingViewFeed(
    TradingView(account, Http(clock), clock, None),
    lambda batch: kinds.add(batch.kind), clock, settings,
)
feed.switch(True)
worker = concurrency.spawn(feed.run, stop)
beats, end = 0, time.monotonic() + 20
while time.monotonic() < end and not {"Quote", "Candle", "LtLevels"} <= kinds:
    concurrency.sleep(0.01)
    beats += 1
stop.set()
worker.join(5)
print(sorted(kinds), beats > 5, worker.is_alive(), feed.status.state)
"""


@pytest.mark.parametrize("mode", ["eventlet", "threading"])
def test_the_feed_runs_in_either_mode_and_lets_others_run(site: Site, mode: str) -> None:
    anchor = site.clock.anchor()
    ran = subprocess.run(
        [
            *(sys.executable, "-c", UNDER, site.http, site.socket, mode),
            *(repr(anchor["anchor_market"]), repr(anchor["anchor_real"])),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    kinds = "['Candle', 'Link', 'LtLevels', 'Quote', 'Summary', 'Trade']"
    assert ran.stdout.strip() == f"{kinds} True False off", ran.stderr
