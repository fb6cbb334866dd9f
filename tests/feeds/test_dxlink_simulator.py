"""The whole way: broker's REST, dxLink, feed and market state against the embedded market."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.clients.tastytrade import Tastytrade, TastytradeSettings
from grok_sauce.errors import SourceRefused
from grok_sauce.feeds.dxlink import DxLinkFeed, DxLinkSettings, Subscription
from grok_sauce.feeds.subscriptions import TABLE, VIEW
from grok_sauce.http import Http
from grok_sauce.market.batches import Batch
from grok_sauce.market.state import MarketState
from grok_sauce.runtime.clock import SharedClock
from grok_sauce.runtime.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]
TABLE_SYMBOLS = ["SPY", "QQQ", "DXY", "VIX", "/ES"]
Eventually = Callable[..., Any]


class Market:
    """The embedded market in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "grok_sauce.cli", "simulate", "--port", "0"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        first = json.loads(self._process.stdout.readline())
        self.url: str = first["http"]
        anchor = first["anchor"]
        self.clock = SharedClock(anchor["anchor_market"], anchor["anchor_real"], anchor["speed"])

    def fault(self, **values: Any) -> None:
        """Switch faults on or off."""
        request = urllib.request.Request(
            self.url + "/faults",
            data=json.dumps(values).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=5).close()

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)


class World:
    """The product's market half as far as this part goes: client, feed, state, supervisor."""

    def __init__(self, market: Market, folder: Path, secret: str = "demo") -> None:
        self.market = market
        settings = TastytradeSettings("", secret, "demo", market.url)
        self.broker = Tastytrade(settings, Http(market.clock), market.clock, folder)
        self.state = MarketState()
        self.kinds: dict[str, int] = {}
        self.feed = DxLinkFeed(self.broker, self.sink, market.clock, DxLinkSettings(silence=3.0))
        self.supervisor = Supervisor(market.clock)

    def sink(self, batch: Batch) -> None:
        self.kinds[batch.kind] = self.kinds.get(batch.kind, 0) + len(batch.symbols)
        self.state.apply(batch)

    def follow(self) -> None:
        """Subscribe a small table and start."""
        now = self.market.clock.market()
        wanted = []
        for instrument in self.broker.resolve_all(TABLE_SYMBOLS, now).values():
            if instrument.problem is None:
                wanted += [
                    Subscription(kind, instrument.streamer)
                    for kind in ("Quote", "Trade", "TradeETH", "Summary", "Profile")
                ]
                start = int(now - 86400) * 1000
                wanted.append(Subscription("Candle", f"{instrument.streamer}{{=1m}}", start))
        self.feed.want("table", wanted, TABLE)
        self.supervisor.start([self.feed])


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    made = Market()
    yield made
    made.stop()


@pytest.fixture
def world(market: Market, tmp_path: Path) -> Iterator[World]:
    made = World(market, tmp_path)
    yield made
    stuck = made.supervisor.stop()
    assert stuck == []


def test_the_table_fills_from_login_to_candles(world: World, eventually: Eventually) -> None:
    world.follow()

    eventually(lambda: world.state.quote("SPY") and world.state.summary("QQQ"), 10)
    eventually(lambda: len(world.feed.snapshots) == 4, 10)

    state = world.state
    quote = state.quote("SPY")
    candles = state.candles("SPY", "m")
    assert quote is not None
    assert quote.bid is not None
    assert quote.ask is not None
    assert 0 < quote.bid <= quote.ask
    assert candles is not None
    assert len(candles) > 100
    assert state.ignored == {}
    assert state.link_up("dxLink") is True
    assert world.feed.status.facts["bad"] == 0
    assert world.feed.status.facts["level"] == "LIVE"
    vix = state.trade("VIX")
    assert vix is None or vix.day_volume is None  # an index has no volume


def test_a_new_wish_is_answered_at_once_and_a_dropped_one_falls_silent(
    world: World, eventually: Eventually
) -> None:
    world.follow()
    eventually(lambda: len(world.feed.snapshots) == 4, 10)  # the last of what is asked for

    asked = time.monotonic()
    world.feed.want("view", [Subscription("Quote", "IWM")], VIEW)
    eventually(lambda: world.state.quote("IWM"))
    took = time.monotonic() - asked
    held = world.feed.status.facts["subscriptions"]
    world.feed.drop("view")

    assert took < 1.0  # the feed's 0.3 s and the market's answer
    eventually(lambda: world.feed.status.facts["subscriptions"] == int(held or 0) - 1)


def test_a_cut_is_healed_within_five_seconds_with_the_candles_in_between(
    world: World, market: Market, eventually: Eventually
) -> None:
    world.follow()
    eventually(lambda: len(world.feed.snapshots) == 4, 10)
    quotes = world.kinds["Quote"]
    bars = len(world.state.candles("SPY", "m") or ())

    began = time.monotonic()
    market.fault(cut=True)
    eventually(lambda: world.state.link_up("dxLink") is False)
    eventually(lambda: world.state.link_up("dxLink") is True and world.kinds["Quote"] > quotes)

    assert time.monotonic() - began < 5
    eventually(lambda: len(world.state.candles("SPY", "m") or ()) >= bars)
    assert world.feed.status.reconnects == 1


def test_a_frozen_market_is_noticed_and_left(
    world: World, market: Market, eventually: Eventually
) -> None:
    world.follow()
    eventually(lambda: world.state.quote("SPY"), 10)

    market.fault(half_open="stream")
    eventually(lambda: "silent" in (world.feed.status.last_error or ""), 10)
    market.fault(half_open="")

    eventually(lambda: world.feed.status.state == "live", 10)


@pytest.mark.parametrize(
    "fault",
    [
        {"nan": "all"},
        {"full_midway": "announced"},
        {"full_midway": "silent"},
        {"drop_column": "Quote.bidPrice"},
    ],
    ids=["NaN everywhere", "objects announced", "objects unannounced", "a column gone"],
)
def test_a_market_that_changes_its_manners_in_mid_session_is_followed(
    fault: dict[str, str], world: World, market: Market, eventually: Eventually
) -> None:
    world.follow()
    eventually(lambda: world.state.quote("SPY"), 10)

    market.fault(**fault)
    try:
        before = world.kinds["Quote"]
        eventually(lambda: world.kinds["Quote"] > before + 5, 10)
    finally:
        market.fault(**dict.fromkeys(fault, ""))

    assert world.feed.status.facts["bad"] == 0
    assert world.feed.status.state == "live"
    assert world.feed.status.reconnects == 0


@pytest.mark.parametrize("rubbish", ["json", "types", "truncated"])
def test_rubbish_between_data_is_counted_and_survived(
    rubbish: str, world: World, market: Market, eventually: Eventually
) -> None:
    world.follow()
    eventually(lambda: world.state.quote("SPY"), 10)

    market.fault(garbage=rubbish)
    try:
        eventually(lambda: world.feed.status.facts["bad"], 10)
        before = world.kinds["Quote"]
        eventually(lambda: world.kinds["Quote"] > before, 10)
    finally:
        market.fault(garbage="")

    assert world.feed.status.reconnects == 0


UNDER_EVENTLET = """
import sys
from grok_sauce.runtime import concurrency
concurrency.patch("eventlet")
import threading, time
from pathlib import Path
from grok_sauce.clients.tastytrade import Tastytrade, TastytradeSettings
from grok_sauce.feeds.dxlink import DxLinkFeed, Subscription
from grok_sauce.http import Http
from grok_sauce.runtime.clock import RealClock

clock = RealClock()
broker = Tastytrade(TastytradeSettings("", "demo", "demo", sys.argv[1]), Http(clock), clock, None)
kinds, stop = set(), threading.Event()
feed = DxLinkFeed(broker, lambda batch: kinds.add(batch.kind), clock)
feed.want("table", [Subscription("Quote", "SPY"), Subscription("Candle", "SPY{=m}", 0)], 1)
worker = concurrency.spawn(feed.run, stop)
beats, end = 0, time.monotonic() + 10
while time.monotonic() < end and not {"Quote", "Candle", "Link"} <= kinds:
    concurrency.sleep(0.01)
    beats += 1
stop.set()
worker.join(5)
print(sorted(kinds), beats > 5, worker.is_alive(), feed.status.state)
"""


def test_the_feed_runs_on_green_threads_too_and_lets_others_run(market: Market) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", UNDER_EVENTLET, market.url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )

    assert ran.stdout.strip() == "['Candle', 'Link', 'Quote'] True False off", ran.stderr


def test_wrong_credentials_stop_the_feed_and_say_so(
    market: Market, tmp_path: Path, eventually: Eventually
) -> None:
    world = World(market, tmp_path, secret="wrong")
    stop = threading.Event()

    with pytest.raises(SourceRefused, match="CLIENT_SECRET"):
        world.feed.run(stop)

    assert world.feed.status.state == "auth_failed"


def test_every_print_of_an_option_reaches_the_tape_with_its_aggressor(
    world: World, eventually: Eventually
) -> None:
    """The contracts nearest to the money; the market trades them within a second or two."""
    now = world.market.clock.market()
    chain = world.broker.chain("SPY")
    nearest = chain["items"][0]["expirations"][0]["strikes"]
    middle = nearest[len(nearest) // 2 - 20 : len(nearest) // 2 + 20]
    calls = [strike["call-streamer-symbol"] for strike in middle]
    wanted = [Subscription(kind, each) for each in calls for kind in ("Trade", "TimeAndSale")]
    world.feed.want("tape", wanted, VIEW)
    world.supervisor.start([world.feed])

    def tallies() -> Any:
        return world.state.tape.at(now)[0]

    eventually(lambda: sum(each.prints for each in tallies().values()) >= 20, 20)

    found = tallies()
    assert set(found) <= set(calls)
    assert world.state.ignored == {}
    assert all(each.traded > 0 for each in found.values())
    assert sum(each.buy for each in found.values()) > 0
    assert sum(each.sell for each in found.values()) > 0
    for streamer, tally in found.items():
        trade = world.state.trade(streamer)
        assert trade is None or trade.day_volume is None or tally.traded <= trade.day_volume
