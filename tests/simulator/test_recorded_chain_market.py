"""A recorded chain as the market: its contracts, open interest and smile at the simulated price."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grok_sauce import cli
from grok_sauce.analytics.black_scholes import black_scholes
from grok_sauce.errors import SettingsError
from grok_sauce.machine import DemoOptions
from grok_sauce.market.chain import OptionChain
from grok_sauce.market.instruments import OptionTerms
from grok_sauce.market.sessions import YEAR, instant, settlement
from grok_sauce.pollers.cboe import parse_csv, parse_json, read_chain_file
from grok_sauce.simulator.chains import BOOKS
from grok_sauce.simulator.futures import RATE
from grok_sauce.simulator.market import World

ROOT = Path(__file__).resolve().parents[2]
DAY, NEXT = date(2026, 12, 16), date(2026, 12, 17)
AT = instant(DAY, 14, 32)
HEADER = (
    "Expiration Date,Calls,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest,Strike,"
    "Puts,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest"
)
EXPIRIES = {"261216": "Wed Dec 16 2026", "261218": "Fri Dec 18 2026", "270115": "Fri Jan 15 2027"}


def text(root: str = "QQQ", spot: float = 400.0, oi: str = "") -> str:
    """A chain far from the simulated price level; every contract has numbers of its own."""
    lines = [
        "", f"A fund,Last: {spot},Change:  0.5",
        '"Date: December 16, 2026 at 2:32 PM EST",Bid: 1,Ask: 2,Size: 1*1,Volume: 0', HEADER,
    ]  # fmt: skip
    for day, (digits, written) in enumerate(EXPIRIES.items()):
        for step in range(-10, 11):
            strike = spot + 2.5 * step
            sides = []
            for place, right in enumerate("CP"):
                iv = (
                    "0"
                    if (step, right, day) == (-10, "C", 1)
                    else f"{0.2 - step / 500 + day / 50:.4f}"
                )
                own = (
                    oi
                    if oi and (step, right, day) == (0, "C", 0)
                    else f"{100 * day + 40 + step + place}"
                )
                volume = 30 + step + place
                symbol = f"{root}{digits}{right}{round(strike * 1000):08d}"
                sides.append(f"{symbol},1,0,1,2,{volume},{iv},0.5,0.01,{own}")
            lines.append(f"{written},{sides[0]},{strike:.2f},{sides[1]}")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def chain() -> OptionChain:
    return parse_csv(text().encode())


@pytest.fixture(scope="module")
def world(chain: OptionChain) -> World:
    return World(42, chain=chain)


def streamer(day: date, right: Any, strike: float, root: str = "QQQ") -> str:
    return OptionTerms(root, day, right, Decimal(str(strike))).streamer


def test_it_begins_at_the_files_time_and_price(world: World, chain: OptionChain) -> None:
    assert world.now == chain.as_of == AT
    assert world.price("QQQ") == pytest.approx(400.0, abs=0.011)


def test_what_moves_with_the_underlying_is_at_its_level_too(world: World) -> None:
    plain = World(42, AT)
    ratio = 400.0 / plain.price("QQQ")  # type: ignore[operator]

    assert world.price("NDX") == pytest.approx(plain.price("NDX") * ratio, rel=1e-4)  # type: ignore[operator]
    assert world.price("SPY") == plain.price("SPY")


def test_another_start_begins_at_the_files_price_as_well(chain: OptionChain) -> None:
    later = World(42, instant(NEXT, 10), chain=chain)

    assert later.price("QQQ") == pytest.approx(400.0, abs=0.011)
    assert later.event("Summary", streamer(DAY, "C", 400)) is None
    assert later.event("Summary", streamer(date(2026, 12, 18), "C", 400)) is not None


def test_a_market_that_goes_on_keeps_its_level(chain: OptionChain) -> None:
    moved = World(42, AT, chain=chain)
    moved.advance(AT + 3600)

    again = World(42, AT + 3600, chain=chain, level_at=AT)

    assert again.price("QQQ") == moved.price("QQQ") != 400.0


def test_the_chain_lists_the_files_contracts_and_no_others(world: World) -> None:
    found = world.chain("QQQ")

    assert found is not None
    (item,) = found["items"]
    assert [each["expiration-date"] for each in item["expirations"]] == [
        "2026-12-16", "2026-12-18", "2027-01-15",
    ]  # fmt: skip
    assert [len(each["strikes"]) for each in item["expirations"]] == [21, 21, 21]
    assert not world.serves(streamer(date(2026, 12, 18), "C", 401))
    assert not world.serves(streamer(date(2026, 12, 23), "C", 400))
    assert world.chain("SPY") == World(42, AT).chain("SPY")


def test_open_interest_and_volatility_are_the_files(world: World, chain: OptionChain) -> None:
    for place in range(len(chain)):
        expiry = chain.expiries[chain.expiry[place]]
        symbol = streamer(expiry.day, "C" if chain.is_call[place] else "P", chain.strikes[place])

        summary, greeks = world.event("Summary", symbol), world.event("Greeks", symbol)

        assert summary is not None
        assert greeks is not None
        assert summary["openInterest"] == chain.oi[place]
        if np.isnan(chain.iv[place]):
            assert math.isnan(greeks["volatility"])
            assert math.isnan(greeks["gamma"])
        else:
            assert greeks["volatility"] == chain.iv[place]


def test_an_unknown_volatility_still_has_a_quote_by_the_other_side(world: World) -> None:
    call, put = (streamer(date(2026, 12, 18), right, 375) for right in "CP")

    bid, ask = (world.event("Quote", call)[side] for side in ("bidPrice", "askPrice"))  # type: ignore[index]

    assert 24.5 < bid < ask < 26.5
    assert world.event("Greeks", put)["volatility"] == 0.24  # type: ignore[index]


def test_greeks_are_the_models_at_the_price_of_the_moment(chain: OptionChain) -> None:
    world = World(42, AT, chain=chain)
    world.advance(AT + 3000)
    symbol, day = streamer(date(2027, 1, 15), "C", 400), date(2027, 1, 15)

    event = world.event("Greeks", symbol)

    assert event is not None
    spot = World(42, event["time"] / 1000, chain=chain, level_at=AT).price("QQQ")
    years = (settlement(day) - event["time"] / 1000) / YEAR
    expected = black_scholes(
        spot or 0.0, 400.0, years, 0.24, np.bool_(True), RATE, BOOKS["QQQ"].yields
    )
    assert spot != 400.0
    assert event["volatility"] == 0.24  # sticky strike: the file's, wherever the price is
    assert event["gamma"] == pytest.approx(float(expected.gamma), rel=1e-9)
    assert event["price"] == pytest.approx(float(expected.price), rel=1e-9)


def test_watched_contracts_change_as_the_price_moves(chain: OptionChain) -> None:
    world = World(42, AT, chain=chain)
    symbol = streamer(date(2026, 12, 18), "P", 400)
    for kind in ("Greeks", "Quote"):
        world.watch(kind, symbol)

    changed = set().union(*(world.advance(AT + 10 * step) for step in range(1, 12)))

    assert changed == {("Greeks", symbol), ("Quote", symbol)}


def test_the_days_volume_grows_to_the_files(chain: OptionChain) -> None:
    world = World(42, instant(NEXT, 9, 31), chain=chain)
    symbol = streamer(date(2026, 12, 18), "C", 400)
    early = world.event("Trade", symbol)
    world.advance(instant(NEXT, 17))

    late = world.event("Trade", symbol)

    assert late is not None
    assert late["dayVolume"] == 30.0
    assert early is None or early["dayVolume"] < 5


def test_unknown_open_interest_is_not_a_number(chain: OptionChain) -> None:
    world = World(42, chain=parse_csv(text(oi="-999").encode()))

    event = world.event("Summary", streamer(DAY, "C", 400))

    assert event is not None
    assert math.isnan(event["openInterest"])


def test_an_underlying_nobody_knows_is_listed_with_its_options() -> None:
    world = World(42, chain=parse_csv(text("ZVZZT", 12.0 + 88).encode()))

    record = world.equity("ZVZZT")

    assert record is not None
    assert record["option-tick-sizes"]
    assert world.price("ZVZZT") == pytest.approx(100.0, abs=0.011)
    assert world.price("SPY") == World(42, AT).price("SPY")
    assert world.serves(streamer(date(2026, 12, 18), "C", 100, "ZVZZT"))


def test_adjusted_contracts_are_not_listed(chain: OptionChain) -> None:
    both = text() + "\n" + text("QQQ1").split(HEADER + "\n")[1]
    world = World(42, chain=parse_csv(both.encode()))

    assert [item["root-symbol"] for item in world.chain("QQQ")["items"]] == ["QQQ"]  # type: ignore[index]
    with pytest.raises(SettingsError, match="adjusted contracts only"):
        World(42, chain=parse_csv(text("QQQ1").encode()))


def test_the_delayed_service_tells_of_the_recorded_chain(chain: OptionChain) -> None:
    from grok_sauce.simulator import delayed

    world = World(42, AT, chain=chain)
    moment = world.moment("QQQ", AT - delayed.DELAY)
    assert moment is not None

    document = delayed.head(moment, AT)
    rows = [row for part in world.past(moment) for row in delayed.rows(part, moment)]
    document["data"]["options"] = [json.loads(row) for row in rows]

    served = parse_json(document, AT)
    assert sorted(served.contract) == sorted(chain.contract)
    assert float(np.nansum(served.oi)) == float(np.nansum(chain.oi))


# ---- the command ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content, options, said",
    [
        ("rubbish", [], "no header row"),
        (text().replace(",0.2000,", ",x,", 1), [], "row 15, iv of calls: 'x' is no number"),
        (text(), ["--start=2030-01-01"], "all options of the file expire before 2030-01-01"),
        (text(), ["--start=never"], "a time like"),
        (text().replace("2026 at", "2046 at"), [], "days whose holidays are known"),
    ],
    ids=["rubbish", "a bad cell", "all expired", "a bad start", "another century"],
)  # fmt: skip
def test_simulate_refuses_a_chain_in_words(
    tmp_path: Path, content: str, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "chain.csv"
    path.write_text(content)

    assert cli.main(["simulate", "--port=0", f"--chain={path}", *options]) == 2

    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "content, options, said",
    [
        (None, [], "there is no file"),
        ("rubbish", [], "no header row"),
        (text(), ["--bars=here.csv"], "one of the two"),
    ],
    ids=["no file", "rubbish", "bars too"],
)
def test_demo_refuses_a_chain_before_anything_starts(
    tmp_path: Path, content: str | None, options: list[str], said: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.csv").touch()
    path = tmp_path / "chain.csv"
    if content is not None:
        path.write_text(content)

    assert cli.main(["demo", f"--chain={path}", *options]) == 2

    assert said in capsys.readouterr().err


def test_the_demo_hands_the_file_to_its_market(tmp_path: Path) -> None:
    assert DemoOptions(chain=tmp_path / "x.csv").arguments()[-2:] == [
        "--chain", str(tmp_path / "x.csv"),
    ]  # fmt: skip


def test_simulate_serves_the_file_and_names_cboes_address(tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_text(text())
    command = [
        sys.executable,
        "-m",
        "grok_sauce.cli",
        "simulate",
        "--port",
        "0",
        "--chain",
        str(path),
    ]
    with subprocess.Popen(
        [*command, "--exit-with-stdin"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        first = json.loads(child.stdout.readline())
        child.communicate(timeout=20)

    assert first["start"] == "2026-12-16T19:32:00Z"
    assert first["cboe"] == first["http"]


# ---- real files -------------------------------------------------------------------------


@pytest.mark.recorded
@pytest.mark.parametrize("name", ["spx_quotedata_2023-09-14.csv", "rut_chain_2023-09-20.json"])
def test_a_recorded_file_is_served_whole(recordings: Path, name: str) -> None:
    chain = read_chain_file(recordings / f"cboe_{name}.gz")
    world = World(42, chain=chain)

    found = world.chain(chain.symbol)

    assert found is not None
    assert world.price(chain.symbol) == pytest.approx(chain.spot, abs=0.011)
    listed = {
        symbol
        for item in found["items"]
        for expiration in item["expirations"]
        for strike in expiration["strikes"]
        for symbol in (strike["call-streamer-symbol"], strike["put-streamer-symbol"])
    }
    served = {symbol: world.event("Summary", symbol) for symbol in listed}
    assert len(listed) == len(chain)
    held = sum(event["openInterest"] for event in served.values() if event is not None)
    assert held == float(chain.oi.sum())


@pytest.mark.recorded
def test_recorded_dealer_gamma_is_close_to_the_files_own(recordings: Path) -> None:
    chain = read_chain_file(recordings / "cboe_spx_quotedata_2023-09-14.csv.gz")
    world = World(42, chain=chain)

    net = 0.0
    for place in np.flatnonzero((chain.oi > 0) & ~np.isnan(chain.iv)):
        expiry = chain.expiries[chain.expiry[place]]
        right: Any = "C" if chain.is_call[place] else "P"
        event = world.event(
            "Greeks", streamer(expiry.day, right, chain.strikes[place], expiry.root)
        )
        assert event is not None
        net += (1 if right == "C" else -1) * event["gamma"] * chain.oi[place]

    # The file's own gamma gives 23.31; from its volatilities with r 5 % and q 1.5 %, 24.0.
    assert net * 4505.1001**2 / 1e9 == pytest.approx(23.3, abs=1.5)
