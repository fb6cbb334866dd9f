"""The embedded market as Cboe: delayed, rounded, refused and broken as in life."""

from __future__ import annotations

import gzip
import json
import math
import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import pytest
import requests

from grok_sauce.analytics.black_scholes import gamma as model_gamma
from grok_sauce.http import Http
from grok_sauce.market.batches import Batch
from grok_sauce.market.sessions import instant
from grok_sauce.pollers.cboe import CboePoller, CboeSettings, parse_json
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.simulator.chains import BOOKS
from grok_sauce.simulator.desk import Desk
from grok_sauce.simulator.faults import Faults
from grok_sauce.simulator.futures import RATE
from grok_sauce.simulator.market import World
from grok_sauce.simulator.server import Server
from grok_sauce.simulator.services import Services
from grok_sauce.simulator.tokens import Tokens

DAY = date(2026, 12, 16)
NOW = instant(DAY, 14, 32)
PATH = "/api/global/delayed_quotes/options/"


class Cboe:
    """A simulator whose clock stands still at NOW."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW, NOW)
        self.world = World(42, NOW)
        self.faults = Faults()
        services = Services(
            desk=Desk(self.world, self.clock),
            clock=self.clock,
            tokens=Tokens(self.clock, self.faults, 900.0),
            faults=self.faults,
        )
        self.server = Server(services)
        self.server.start()
        self.url = f"http://{services.address}"

    def get(self, path: str, **more: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=10, **more)


@pytest.fixture(scope="module")
def cboe() -> Iterator[Cboe]:
    made = Cboe()
    yield made
    made.server.stop()


@pytest.fixture(scope="module")
def document(cboe: Cboe) -> dict[str, Any]:
    found: dict[str, Any] = cboe.get(PATH + "_RUT.json").json()
    return found


def test_the_document_has_the_real_ones_fields(document: dict[str, Any]) -> None:
    data = document["data"]

    assert (document["symbol"], data["symbol"], data["security_type"]) == ("_RUT", "^RUT", "index")
    assert document["timestamp"] == "2026-12-16 19:31:40"
    assert data["last_trade_time"] == "2026-12-16T14:16:34"
    assert 5 < data["iv30"] < 90
    assert (data["bid"], data["ask"]) == (0.0, 0.0)
    assert set(data["options"][0]) == {
        "option", "bid", "bid_size", "ask", "ask_size", "iv", "open_interest", "volume", "delta",
        "gamma", "theta", "rho", "vega", "theo", "change", "open", "high", "low", "tick",
        "last_trade_price", "last_trade_time", "percent_change", "prev_day_close",
    }  # fmt: skip
    assert all(row["last_trade_time"] is None for row in data["options"] if not row["volume"])


def test_greeks_have_four_decimals_and_some_volatilities_are_zero(document: dict[str, Any]) -> None:
    rows = document["data"]["options"]

    for name in ("delta", "gamma", "theta", "vega", "rho", "iv"):
        assert all(round(row[name], 4) == row[name] for row in rows)
    unsolved = [row for row in rows if row["iv"] == 0.0]
    assert 0 < len(unsolved) < len(rows) / 3
    assert all(abs(row["delta"]) > 0.9 for row in unsolved)


def test_prices_are_those_of_a_quarter_of_an_hour_ago(cboe: Cboe, document: dict[str, Any]) -> None:
    then = World(42, NOW)
    spot = World(42, NOW - 926).price("RUT")

    assert document["data"]["current_price"] == spot != then.price("RUT")


def test_the_parsed_chain_agrees_with_the_model_and_with_the_feed(
    cboe: Cboe, document: dict[str, Any]
) -> None:
    chain = parse_json(document, NOW)
    used = ~np.isnan(chain.iv) & (chain.years() > 0)
    expected = model_gamma(
        chain.spot, chain.strikes, chain.years(), chain.iv, RATE, BOOKS["RUT"].yields
    )  # fmt: skip

    assert {expiry.root for expiry in chain.expiries} == {"RUT", "RUTW"}
    assert np.nanmax(np.abs(expected - chain.gamma)[used & (chain.years() > 3 / 365)]) < 2e-4
    for place in range(0, len(chain), 997):
        root = chain.contract[place][:-15]
        streamer = f".{root}{chain.contract[place][-15:-8]}{chain.strikes[place]:g}"
        event = cboe.world.event("Summary", streamer)
        assert event is not None
        assert event["openInterest"] == chain.oi[place]


def test_before_the_first_quarter_of_an_hour_it_holds_the_day_before(cboe: Cboe) -> None:
    world = World(42, instant(DAY, 9, 40))

    moment = world.moment("RUT", world.now - 926)

    assert moment is not None
    assert (moment.session, moment.at) == (date(2026, 12, 15), instant(date(2026, 12, 15), 16, 15))


def test_it_is_packed_only_for_those_who_take_it(cboe: Cboe) -> None:
    packed = cboe.get(PATH + "DIA.json", stream=True)
    plain = cboe.get(PATH + "DIA.json", headers={"Accept-Encoding": "identity"})

    raw = packed.raw.read(decode_content=False)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(raw) == plain.content
    assert json.loads(plain.content)["data"]["symbol"] == "DIA"


@pytest.mark.parametrize("name", ["ZZZZ", "SPX", "_SPY", "VIX", "XLF", "_", ""])
def test_what_it_does_not_have_is_403(cboe: Cboe, name: str) -> None:
    answer = cboe.get(f"{PATH}{name}.json")

    assert answer.status_code == 403
    assert b"AccessDenied" in answer.content


def test_the_old_path_redirects(cboe: Cboe) -> None:
    first = cboe.get("/moved" + PATH + "DIA.json", allow_redirects=False)
    last = cboe.get("/moved" + PATH + "DIA.json")

    assert first.status_code == 307
    assert last.url == cboe.url + PATH + "DIA.json"
    assert last.status_code == 200


def test_faults_of_http_apply(cboe: Cboe) -> None:
    cboe.faults.update({"http_5xx": 502})
    broken = cboe.get(PATH + "DIA.json").status_code
    cboe.faults.update({"http_5xx": False, "http_429": 1})
    busy = cboe.get(PATH + "DIA.json").status_code

    assert (broken, busy, cboe.get(PATH + "DIA.json").status_code) == (502, 429, 200)


class Once(threading.Event):
    """Stops a worker at its first wait."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


@pytest.mark.parametrize("prefix", ["", "/moved"])
def test_the_poller_reads_it_whole(cboe: Cboe, prefix: str) -> None:
    batches: list[Batch] = []
    settings = CboeSettings(base=cboe.url + prefix, fallback=None)
    poller = CboePoller(
        settings, Http(cboe.clock), cboe.clock, batches.append, None, None, lambda: ["DIA"]
    )

    poller.run(Once())

    ((chain,),) = batches[0].columns
    assert (chain.symbol, chain.as_of) == ("DIA", math.floor(NOW - 926))
    assert len(chain) > 1000
    assert (poller.status.state, poller.status.detail) == ("live", "15m delayed")
