"""GEX of the demo is worked out again from its contracts; page and table say the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from grok_sauce.web import format as words
from tests.product.browser import Open, Tab
from tests.product.gex_demo import SESSION, gex_demo, report, whole
from tests.product.harness import Product, until
from tests.product.plain_gex import Chain, Twin, read

pytestmark = pytest.mark.timeout(300)

EXACT = 1e-9  # relative: the order of additions
ROOT = 1e-7  # relative: of a root found by another method


def of_one_moment(product: Product, view: str = "all") -> tuple[Chain, dict[str, Any]]:
    """The contracts and a report made of exactly these."""

    def look() -> tuple[Chain, dict[str, Any]] | None:
        status, body = product.get(f"/api/chain/SPX.csv?expiry={view}", timeout=30)
        if status != 200:
            return None
        chain = read(body)
        found = report(product, expiry=view)
        return (chain, found) if found.get("as_of") == chain.as_of else None

    found: tuple[Chain, dict[str, Any]] = until(look, 90, "chain and report of one moment")
    return found


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A demo in which everything moves."""
    product = Product(tmp_path_factory.mktemp("live"), "demo", "--start", SESSION).wait()
    until(lambda: whole(product), 120, "all of SPX")
    yield product
    product.stop()


@pytest.fixture(scope="module")
def proof(live: Product) -> tuple[Twin, dict[str, Any]]:
    """The slow twin of one chain, and the report made of it."""
    chain, found = of_one_moment(live)
    return Twin(chain), found


def near(value: float | None, rel: float = EXACT, scale: float = 0.0) -> Any:
    return None if value is None else pytest.approx(value, rel=rel, abs=rel * scale)


# ---- the API from the contracts ---------------------------------------------------------


def test_the_same_contracts_count(proof: tuple[Twin, dict[str, Any]]) -> None:
    twin, found = proof

    lines = [line for line in twin.chain.lines if not line.is_outside]
    reasons = [line.reason for line in lines]

    assert found["spot"] == twin.spot
    assert found["contracts"] == len(lines) > 1000
    assert found["used"] == len(twin.used) > 1000
    assert [line.used for line in lines] == [reason is None for reason in reasons]
    assert not any(line.used for line in twin.chain.lines if line.is_outside)
    assert found["excluded"] == {name: reasons.count(name) for name in found["excluded"]}
    assert found["coverage"] == near(twin.coverage())
    assert found["scope"]["expiries"] == len({line.class_ for line in twin.live})
    assert found["scope"]["strike_low"] == twin.strikes[0]
    assert found["scope"]["strike_high"] == twin.strikes[-1]


def test_time_and_forward_of_each_contract_are_what_its_row_and_quotes_say(
    proof: tuple[Twin, dict[str, Any]],
) -> None:
    twin, found = proof
    parity = twin.forwards()

    for line in twin.live:
        assert line.years is not None
        # The report counts with a moment finer than the millisecond that is told.
        assert line.years * 365 * 86_400 == near(line.settles - twin.chain.now, 1e-12, 2e9)
        assert line.forward == near(parity[line.class_], 1e-6)
    told = {(row["expiry"], row["root"], row["settlement"]): row for row in found["forwards"]}
    assert told.keys() == parity.keys()
    assert all(row["forward"] == near(parity[key], 1e-6) for key, row in told.items())


def test_totals_are_sums_over_the_contracts(proof: tuple[Twin, dict[str, Any]]) -> None:
    twin, found = proof

    totals = twin.totals()

    scale = totals["gross"]
    for name, value in totals.items():
        assert found["totals"][name] == near(value, EXACT, scale), name
    assert found["regime"] == ("positive" if totals["net"] > 0 else "negative")


def test_each_strike_is_the_sum_of_its_contracts(proof: tuple[Twin, dict[str, Any]]) -> None:
    twin, found = proof
    rows = {row["strike"]: row for row in found["strikes"]}
    largest = max(abs(twin.net(strike)) for strike in twin.strikes)

    assert list(rows) == twin.strikes
    for strike, row in rows.items():
        for side, is_call in (("call", True), ("put", False)):
            assert row[f"{side}_gex"] == near(twin.at("gex", strike, is_call), EXACT, largest)
            assert row[f"{side}_oi"] == near(twin.at_strike("oi", strike, is_call))
            assert row[f"{side}_volume"] == near(twin.at_strike("volume", strike, is_call))
        assert row["net_gex"] == near(twin.net(strike), EXACT, largest)


def test_walls_resistances_and_supports_stand_where_the_sums_are_largest(
    proof: tuple[Twin, dict[str, Any]],
) -> None:
    twin, found = proof

    marks, ranked = twin.walls(), twin.ranked()

    assert {name: found[name] for name in marks} == marks
    assert marks["call_wall"] is not None
    assert found["resistance"]["by_strength"] == ranked["resistance"]
    assert found["support"]["by_strength"] == ranked["support"]
    listed = {row["key"]: row for row in found["levels"]}
    assert listed["call_wall"]["value"] == marks["call_wall"]
    assert listed["put_wall"]["distance"] == near((marks["put_wall"] or 0.0) - twin.spot, 1e-9)


def test_put_call_ratios_are_puts_by_calls(proof: tuple[Twin, dict[str, Any]]) -> None:
    twin, found = proof

    for name in ("oi", "volume"):
        calls, puts = twin.contracts(name, True), twin.contracts(name, False)
        assert found["put_call"][f"call_{name}"] == near(calls)
        assert found["put_call"][f"put_{name}"] == near(puts)
        assert found["put_call"][name] == near(puts / calls)


def test_max_pain_of_each_expiry_is_the_cheapest_of_all_its_strikes(
    proof: tuple[Twin, dict[str, Any]],
) -> None:
    twin, found = proof

    rows = twin.max_pain()

    assert len(rows) == 5
    names = ("expiry", "root", "settlement", "strike", "tied", "payout")
    assert [{name: row[name] for name in names} for row in found["max_pain"]] == rows
    assert {row["settlement"] for row in rows} == {"AM", "PM"}  # the third Friday has both


@pytest.mark.parametrize("which", ["all", "zero_dte", "ex_zero_dte"])
def test_zero_gamma_is_where_the_repriced_sum_changes_sign(
    which: str, proof: tuple[Twin, dict[str, Any]]
) -> None:
    twin, found = proof
    told = found["zero_gamma"][which]

    curve = twin.zero_gamma(which)

    assert told["flip"] == near(curve.flip(), ROOT)
    # A turn that only touches zero may hide from the twin's even steps, none from the report.
    assert all(any(root == near(other, ROOT) for other in told["roots"]) for root in curve.roots())
    assert all(abs(curve.at(root)) < 1e-5 * curve.peak for root in told["roots"])
    if which == "all":
        assert curve.at(twin.spot) == near(found["totals"]["net"], EXACT, found["totals"]["gross"])
    if told["flip"] is None:
        sign = "positive" if curve.at(twin.spot) > 0 else "negative"
        assert told["reason"] == f"net_{sign}_everywhere"


@pytest.mark.parametrize("view", ["0dte", "2026-12-18", "7d"])
def test_a_view_is_worked_out_from_its_own_contracts(view: str, live: Product) -> None:
    until(lambda: whole(live, expiry=view), 120, f"all of {view}")

    chain, found = of_one_moment(live, view)

    twin = Twin(chain)
    wanted = {
        "0dte": {"2026-12-16"},
        "2026-12-18": {"2026-12-18"},
        "7d": {f"2026-12-{day}" for day in range(16, 24)},
    }[view]
    days = {row["expiry"] for row in found["expiries"] if row["expiry"] in wanted}
    totals = twin.totals()
    assert {line.class_[0] for line in chain.lines} == days
    for name in ("call", "put", "net", "vex"):
        assert found["totals"][name] == near(totals[name], EXACT, totals["gross"])
    assert found["zero_gamma"]["all"]["flip"] == near(twin.zero_gamma("all").flip(), ROOT)
    assert {name: found[name] for name in twin.walls()} == twin.walls()


def test_per_point_is_the_same_for_a_move_of_a_point(live: Product) -> None:
    def look() -> tuple[dict[str, Any], dict[str, Any]] | None:
        percent, point = report(live), report(live, unit="point")
        return (percent, point) if percent["as_of"] == point["as_of"] else None

    percent, point = until(look, 60, "both units of one moment")

    by = 0.01 * percent["spot"]
    assert (percent["unit"], point["unit"]) == ("usd_per_1pct", "usd_per_point")
    assert point["totals"]["net"] * by == near(percent["totals"]["net"])
    assert [row["net_gex"] * by for row in point["strikes"]] == [
        near(row["net_gex"]) for row in percent["strikes"]
    ]
    assert point["call_wall"] == percent["call_wall"]


# ---- page and table from the API --------------------------------------------------------


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A demo whose market time all but stands: whoever asks sees the same numbers."""
    product = gex_demo(
        tmp_path_factory.mktemp("still"),
        *("--start", SESSION, "--speed", "0.001"),
        symbols=("SPX", "SPY"),
        strikes=40,
    )
    until(lambda: whole(product, "SPX") and whole(product, "SPY"), 120, "all of SPX and SPY")
    yield product
    product.stop()


@pytest.mark.browser
def test_the_tiles_are_the_numbers_of_the_api(still: Product, open_tab: Open) -> None:
    with open_tab() as tab:
        tab.page.goto(still.url + "/gex/SPX")

        shown = settled(lambda: (tile_texts(tab), tiles_of(report(still))))

        assert len(shown) == 9
        assert "–" not in shown.values()
        assert shown["net"][0] in "+−"
        assert tab.errors == []


def settled(look: Callable[[], tuple[Any, Any]], seconds: float = 30) -> Any:
    """What is shown once it is what is wanted; look() -> (shown, wanted)."""
    deadline = time.monotonic() + seconds
    shown, wanted = look()
    while shown != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
        shown, wanted = look()
    assert shown == wanted
    return shown


def tile_texts(tab: Tab) -> dict[str, str]:
    found: dict[str, str] = tab.page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('[data-tile]')].map(box => "
        "[box.dataset.tile, box.querySelector('[data-part=metric]').textContent]))"
    )
    return found


def tiles_of(found: dict[str, Any]) -> dict[str, str]:
    """The nine tiles as they must read."""
    return {
        "net": words.gex(found["totals"]["net"]),
        "flip": words.price(found["zero_gamma"]["all"]["flip"]),
        "call_wall": words.strike(found["call_wall"]),
        "put_wall": words.strike(found["put_wall"]),
        "max_pain": words.strike(found["max_pain"][0]["strike"]),
        "move": f"±{words.price(found['expected_move']['straddle'])}",
        "put_call": words.ratio(found["put_call"]["oi"]),
        "iv": words.fraction(found["term"][0]["atm_iv"]),
        "coverage": words.fraction(found["coverage"]),
    }


@pytest.mark.browser
def test_the_tables_are_the_numbers_of_the_api(still: Product, open_tab: Open) -> None:
    with open_tab() as tab:
        tab.page.goto(still.url + "/gex/SPX")
        tab.page.locator('[data-chart="bars"] [data-action="table"]').click()

        levels = settled(lambda: (table(tab, ".levels-table"), levels_of(report(still))))
        expiries = settled(lambda: (table(tab, ".expiries-table"), expiries_of(report(still))))
        numbers = settled(lambda: (table(tab, ".numbers-table"), numbers_of(report(still))))

        assert len(levels) >= 5
        assert len(expiries) == 5
        assert len(numbers) >= 80
        assert tab.errors == []


def table(tab: Tab, selector: str) -> list[list[str]]:
    found: list[list[str]] = tab.page.evaluate(
        "s => [...document.querySelector(s).tBodies[0].rows].map(tr => "
        "[...tr.cells].map(cell => cell.textContent.replace(/\\s+/g, ' ').trim()))",
        selector,
    )
    return found


# Levels that stand aside where a named one is, as a tag behind its name.
ASIDE = {
    **{f"resistance_{n}": f"R{n}" for n in (1, 2, 3)},
    **{f"support_{n}": f"S{n}" for n in (1, 2, 3)},
    **{"max_gex": "max", "absolute_gamma": "abs", "put_wall_oi": "OI wall"},
}


def levels_of(found: dict[str, Any]) -> list[list[str]]:
    """Rows of levels: name and tags, price, price on the future, distance."""
    rows: list[list[str]] = []
    named = {row["value"] for row in found["levels"] if row["key"] not in ASIDE}
    told = set()
    tick = found["conversion"]["tick"]
    for row in found["levels"]:
        value = row["value"]
        if row["key"] in ASIDE and (value in named or value in told):
            continue
        told |= {value} if row["key"] in ASIDE else set()
        tags = [
            ASIDE[each["key"]]
            for each in found["levels"]
            if each["key"] in ASIDE and each["value"] == value and each is not row
        ]
        is_spot = row["key"] == "spot"
        name = " ".join([row["label"], *([] if is_spot else tags)])
        away = words.percent(found["change"]["percent"]) if is_spot else row["distance"]
        rows.append(
            [name, words.price(value), words.tick(row["future"], tick)]
            + [away if isinstance(away, str) else words.change(away)]
        )
    return rows


def expiries_of(found: dict[str, Any]) -> list[list[str]]:
    """Rows of expiries: day, class, days, max pain, volatility, move."""
    names = ("expiry", "root", "settlement")
    term = {tuple(row[name] for name in names): row for row in found["term"]}
    rows = []
    for row in found["max_pain"]:
        of = term[tuple(row[name] for name in names)]
        rows.append(
            [
                words.day(row["expiry"]) + (" witching" if row["witching"] else ""),
                f"{row['root']} {row['settlement']}",
                str(row["dte"]),
                words.strike(row["strike"]),
                words.fraction(of["atm_iv"]),
                words.move(of["move"], found["spot"]),
            ]
        )
    return rows


def numbers_of(found: dict[str, Any]) -> list[list[str]]:
    """Rows of strikes; puts count as the dealer holds them: short."""
    return [
        [words.strike(row["strike"]), words.gex(row["call_gex"])]
        + [words.gex(None if row["put_gex"] is None else -row["put_gex"])]
        + [words.gex(row["net_gex"])]
        + [words.volume(row[name]) for name in ("call_oi", "put_oi", "call_volume", "put_volume")]
        + [words.fraction(row[name]) for name in ("call_iv", "put_iv")]
        for row in found["strikes"]
    ]


@pytest.mark.parametrize("symbol", ["SPX", "SPY"])
def test_the_table_of_indicators_has_the_numbers_of_the_default_view(
    symbol: str, still: Product
) -> None:
    def look() -> tuple[dict[str, Any], dict[str, Any]] | None:
        row, found = still.rows()[symbol], report(still, symbol)
        net = found["totals"]["net"]
        # The last contracts may be in the one and not yet in the other.
        is_there = row["max_pain"] is not None and row["net_gex"] == near(net, 1e-6)
        return (row, found) if is_there else None

    row, found = until(look, 60, f"GEX of {symbol} in the table")

    first = found["max_pain"][0]
    assert row["net_gex"] is not None
    assert row["zero_gamma"] == near(found["zero_gamma"]["all"]["flip"], 1e-6)
    assert (row["call_wall"], row["put_wall"]) == (found["call_wall"], found["put_wall"])
    assert row["max_pain"] == first["strike"]
    assert (row["expiry"], row["dte"]) == (first["expiry"], first["dte"]) == ("2026-12-16", 0)
    assert row["witching"] is first["witching"] is False
    for name in ("zero_gamma", "call_wall", "put_wall"):
        if row[name] is None:
            assert row["reasons"][name]
        else:
            away = (row[name] / row["price"] - 1) * 100
            assert row[f"{name}_distance"] == near(away, 1e-9, 1)


def test_a_row_outside_the_followed_symbols_has_its_max_pain_and_says_what_it_lacks(
    still: Product,
) -> None:
    row = until(lambda: (r := still.rows()["GLD"])["max_pain"] and r, 120, "max pain of GLD")
    first = until(
        lambda: (rows := report(still, "GLD", expiry="30d").get("max_pain")) and rows[0], 120, "GLD"
    )

    for name in ("net_gex", "zero_gamma", "call_wall", "put_wall"):
        assert row[name] is None
        assert row["reasons"][name] == "Not among the GEX symbols"
    assert row["max_pain"] == first["strike"]
    assert (row["expiry"], row["dte"]) == (first["expiry"], first["dte"]) == ("2026-12-18", 2)
    assert row["witching"] is True


def test_max_pain_counts_the_strikes_outside_the_window_too(still: Product) -> None:
    row = until(lambda: (r := still.rows()["SPX"])["max_pain"] and r, 60, "max pain of SPX")
    chain, found = of_one_moment(still)
    twin = Twin(chain)

    first = twin.max_pain()[0]

    outside = [line for line in chain.lines if line.is_outside]
    assert len(outside) > 100
    assert {line.class_[0] for line in outside} == {first["expiry"]} == {"2026-12-16"}
    names = ("strike", "tied", "payout")
    assert {name: found["max_pain"][0][name] for name in names} == {
        name: first[name] for name in names
    }
    assert row["max_pain"] == first["strike"]


@pytest.mark.parametrize("symbol", ["VIX", "DXY", "XLF"])
def test_a_row_without_a_chain_says_so(symbol: str, still: Product) -> None:
    row = still.rows()[symbol]

    for name in ("max_pain", "dte", "witching", "net_gex", "zero_gamma", "put_wall"):
        assert row[name] is None
        assert row["reasons"][name] in ("No listed options", "Not offered by this source")


@pytest.mark.browser
def test_the_page_of_indicators_shows_them(still: Product, open_tab: Open) -> None:
    row = until(lambda: (r := still.rows()["SPX"])["net_gex"] and r["max_pain"] and r, 60, "SPX")
    wanted = {
        "max_pain": words.price(row["max_pain"]),
        "dte": "0",
        "witching": "No",
        "net_gex": words.gex(row["net_gex"]),
        "zero_gamma": words.price(row["zero_gamma"]),
        "call_wall": words.strike(row["call_wall"]),
        "put_wall": words.strike(row["put_wall"]),
    }
    with open_tab(viewport={"width": 2200, "height": 900}) as tab:  # none leaves for want of room
        tab.page.goto(still.url + "/indicator")
        tab.page.get_by_role("button", name="Columns").click()
        for label in ("Net GEX", "Zero gamma", "Call wall", "Put wall"):
            tab.page.get_by_role("menuitemcheckbox", name=label, exact=True).click()

        shown = settled(lambda: (cells(tab, "SPX", list(wanted)), wanted))

        assert "–" not in shown.values()
        assert tab.errors == []


def cells(tab: Tab, symbol: str, columns: list[str]) -> dict[str, str]:
    found: dict[str, str] = tab.page.evaluate(
        "([symbol, columns]) => Object.fromEntries(columns.map(name => [name, document"
        '.querySelector(`tr[data-symbol="${symbol}"] td[data-col="${name}"]`)'
        "?.textContent ?? '']))",
        [symbol, columns],
    )
    return found
