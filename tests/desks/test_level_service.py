"""The level service: what is known when, of which source, and what is never told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.analytics.conversion import Factor
from grok_sauce.analytics.forward import Rates
from grok_sauce.desks import level_sets
from grok_sauce.desks.level_service import SETTLED, Inputs, LevelService
from grok_sauce.market.sessions import instant
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.strategies.levels import KnownLevels
from grok_sauce.update import Update
from grok_sauce.web.status import prometheus
from tests.desks.level_reports import NET_GEX, PUT_GEX, PUT_OI, ratio, report, told

FACTOR = 21475.25 / 520.40
RATES = Rates(0.04, 0.006)
LOADED = {"state": "live", "text": "", "loaded": 800, "of": 800}


class Bench:
    """A service with inputs to change, and what it published."""

    def __init__(self, clock: ManualClock, path: Path | None = None, **options: Any) -> None:
        self.clock = clock
        self.chains: dict[str, Any] = {}
        self.factors: dict[str, Factor] = {}
        self.score = "default"
        self.published: list[Update] = []
        self.touched: list[str] = []
        self.symbols: tuple[str, ...] = options.pop("symbols", ("QQQ", "SPY"))
        inputs = Inputs(
            cboe=self.chains.get,
            factor=self.factors.get,
            rates=lambda symbol: RATES,
            touch=self.touched.append,
            score=lambda: self.score,
        )
        self.service = LevelService(
            self.symbols, inputs, clock, self.published.extend, path, **options
        )

    def hear(self, **changes: Any) -> None:
        """A live report of now."""
        self.service.hear(told(self.clock.market(), **changes))

    def known(self, symbol: str = "/NQ") -> KnownLevels | None:
        return self.service.known(symbol, self.clock.market())


@pytest.fixture
def bench(clock: ManualClock) -> Bench:
    return Bench(clock)


# ---- what a set is ----------------------------------------------------------------------


def test_the_levels_of_a_live_report_are_the_rules_on_the_futures_scale(bench: Bench) -> None:
    # Rules 2 and 16: the put wall is the most put open interest wherever spot is; 515 of QQQ at
    # 520.40 with NQ at 21475.25 is 21252.41.
    bench.hear()

    found = bench.known()
    assert found is not None
    assert found.source == "QQQ dxlink"
    assert (found.contract, found.factor) == ("/NQH7", FACTOR)
    assert found.factor_at == pytest.approx(bench.clock.market() - 1.0)
    expected = {"put_wall": 505, "support_1": 520, "support_2": 515, "support_3": 513}
    assert dict(found.levels) == pytest.approx({k: v * FACTOR for k, v in expected.items()})
    assert dict(found.levels)["support_2"] == pytest.approx(21252.41, abs=0.005)


@pytest.mark.parametrize(
    "symbol, kind, value, level, expected",
    [
        ("QQQ", "ratio", 21475.25 / 520.40, 515.0, 21252.41),
        ("NDX", "basis", 85.15, 21000.0, 21085.15),
        ("NDX", "ratio", 1.00398081, 21000.0, 21083.60),
        ("SPY", "ratio", 6030.65 / 600.0, 600.0, 6030.65),
        ("SPX", "basis", 30.65, 6000.0, 6030.65),
    ],
)
def test_the_four_underlyings_are_carried_as_worked_out_by_hand(
    clock: ManualClock, symbol: str, kind: str, value: float, level: float, expected: float
) -> None:
    future = "/NQ" if symbol in ("QQQ", "NDX") else "/ES"
    bench = Bench(clock, symbols=(symbol,))
    columns = {"strike": [level], "put_oi": [5.0], "put_gex": [1e9], "net_gex": [-1e9]}
    conversion = ratio(value, kind=kind, contract=f"{future}H7")

    bench.hear(symbol=symbol, spot=level + 1, columns=columns, conversion=conversion)

    found = bench.known(future)
    assert found is not None
    assert found.source == f"{symbol} dxlink"
    assert dict(found.levels)["put_wall"] == pytest.approx(expected, abs=0.005)


def test_a_micro_and_a_contract_have_the_levels_of_their_index(bench: Bench) -> None:
    bench.hear()

    assert bench.known("/MNQ") == bench.known("/NQ") == bench.known("/NQH7") is not None
    assert bench.known("/ES") is None
    assert bench.known("SPY") is None


def test_the_settings_choose_how_strikes_are_scored(bench: Bench) -> None:
    # By |net| and contracts together: here the order of |net| decides, as contracts are few.
    net = [-5e9, -4e9, -3e9, -2e9, -1.5e9, -1e6, -1e6, -1e6]
    columns = {**report(0.0)["columns"], "net_gex": net}
    bench.hear(columns=columns)
    bench.score = "legacy"

    found = bench.known()

    assert found is not None
    below = {name: round(price / FACTOR, 6) for name, price in found.levels}
    assert below == {"put_wall": 505, "support_1": 514, "support_2": 513, "support_3": 510}


# ---- when it is known -------------------------------------------------------------------


def test_levels_are_known_from_when_they_came_and_not_before(bench: Bench) -> None:
    bench.clock.advance(20.0)
    bench.hear(as_of="2026-12-16T19:00:00Z")
    at = bench.clock.market()

    assert bench.service.known("/NQ", at - 0.001) is None
    found = bench.service.known("/NQ", at)
    assert found is not None
    assert found.known_at == at


def test_a_candles_close_is_given_what_was_known_then(bench: Bench) -> None:
    seen = []
    for factor in (41.0, 41.1, 41.2):
        bench.hear(conversion=ratio(factor))
        seen.append(bench.clock.market())
        bench.clock.advance(60.0)

    found = [bench.service.known("/NQ", at) for at in seen]

    assert [each.factor for each in found if each] == [41.0, 41.1, 41.2]


def test_one_set_a_market_minute_is_taken_and_published(bench: Bench) -> None:
    for _ in range(60):
        bench.hear()
        bench.service.step()
        bench.clock.advance(2.0)

    assert len(bench.published) == 3  # 14:32:07 to 14:34:05
    update = bench.published[0]
    assert (update.topic, update.key) == ("signal.levels", "QQQ")
    assert bench.service.status.facts == {"successes": 3, "failures": 0}


def test_what_is_published_is_whole_and_says_what_it_is(bench: Bench) -> None:
    bench.hear()
    bench.service.step()

    payload = bench.published[0].payload
    assert set(payload) == {
        "timestamp", "qqq_spot", "nq_spot", "multiplier", "total_gex", "regime", "gamma_flip",
        "call_wall", "put_wall", "resistance", "support", "from_cache", "definition", "levels",
    }  # fmt: skip
    assert (payload["gamma_flip"], payload["nq_spot"]) == (21252.5, 21475.25)
    definition = payload["definition"]
    assert (definition["feed"], definition["source"]) == ("dxlink", "LIVE")
    assert (definition["oi_date"], definition["reasons"]) == ("2026-12-15", {})
    assert definition["known_at"] == "2026-12-16T19:32:07Z"
    assert definition["conversion"]["at"] == "2026-12-16T19:32:06Z"


def test_a_closed_market_gives_one_set_until_its_open_interest_is_new(bench: Bench) -> None:
    closed = {**LOADED, "state": "closed"}
    bench.clock.set_market(instant(date(2026, 12, 16), 17))
    for _ in range(5):
        bench.hear(status=closed, conversion=ratio(frozen=True))
        bench.clock.advance(600.0)

    assert bench.service.status.facts["successes"] == 1
    bench.hear(status=closed, conversion=ratio(frozen=True), oi_date="2026-12-16")
    assert bench.service.status.facts["successes"] == 2


# ---- what is never told -----------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"spot": None}, "price of the underlying"),
        ({"conversion": None}, "no price of /NQH7 beside QQQ"),
        ({"conversion": ratio(value=None, note="No price of /NQH7 yet")}, "No price of /NQH7 yet"),
        ({"conversion": ratio(0.0)}, "does not give prices"),
        ({"columns": {**report(0.0)["columns"], "put_oi": [None] * 8}}, "open interest of puts"),
        ({"columns": {**report(0.0)["columns"], "put_oi": [0.0] * 8}}, "open interest of puts"),
        ({"columns": {**report(0.0)["columns"], "put_gex": [None] * 8}}, "gamma of puts below"),
        ({"status": {**LOADED, "loaded": 500}}, "500 of 800 options"),
        ({"status": {**LOADED, "state": "loading", "text": "3 of 9."}}, "3 of 9."),
        ({"status": {**LOADED, "state": "no_chain", "text": "No listed options."}}, "No listed"),
    ],
    ids=[
        "no spot", "no conversion", "no pair of prices", "a factor of 0", "no open interest",
        "open interest 0", "no gamma", "half a chain", "loading", "no chain",
    ],
)  # fmt: skip
def test_a_set_that_is_not_complete_is_not_told_and_says_why(
    bench: Bench, changes: dict[str, Any], words: str
) -> None:
    bench.hear(**changes)
    bench.service.step()

    assert bench.known() is None
    assert bench.published == []
    assert words in (bench.service.why("/NQ") or "")
    assert words in bench.service.status.detail


def test_a_report_that_is_none_costs_a_failure_and_nothing_else(bench: Bench) -> None:
    bench.service.hear([Update("gex.levels", "QQQ:all", {"status": LOADED, "source": "LIVE"})])

    assert bench.known() is None
    assert bench.service.status.facts["failures"] == 1
    assert "KeyError" in (bench.service.status.last_error or "")


def test_what_never_comes_is_not_waited_for_for_ever(bench: Bench) -> None:
    thin = {**LOADED, "loaded": 600}
    bench.hear(status=thin)
    assert bench.known() is None

    bench.clock.advance(SETTLED)
    bench.hear(status=thin)

    assert bench.known() is not None


def test_a_failure_is_counted_once_a_minute_and_told_once(bench: Bench) -> None:
    for _ in range(60):
        bench.hear(spot=None)
        bench.clock.advance(2.0)

    status = bench.service.status
    assert status.facts == {"successes": 0, "failures": 3}
    assert status.errors == 1
    assert status.last_error == "QQQ: the price of the underlying is not known"


def test_a_process_that_may_tell_no_levels_tells_none(clock: ManualClock) -> None:
    bench = Bench(clock, refused="the feed is delayed")
    bench.hear()
    bench.service.step()

    assert bench.known() is None
    assert bench.service.told("QQQ") is None
    assert bench.service.why("/NQ") == "the feed is delayed"


def test_a_future_nothing_is_followed_for_says_so(bench: Bench) -> None:
    assert "GEX_SYMBOL has QQQ for /NQ, SPY for /ES" in (bench.service.why("/RTY") or "")
    assert bench.service.state("/RTY") is None


def test_of_two_underlyings_of_one_future_the_first_counts(clock: ManualClock) -> None:
    bench = Bench(clock, symbols=("NDX", "QQQ", "GLD"))
    bench.hear()

    assert bench.service.symbols() == ("NDX",)
    assert bench.known() is None


# ---- the factor -------------------------------------------------------------------------


def test_a_factor_in_use_before_counts_for_its_contract_alone(bench: Bench) -> None:
    bench.hear()
    at = bench.clock.market()
    bench.clock.advance(3600.0)
    bench.hear(conversion=ratio(value=None, note="No pair of prices yet", age=None))
    kept = bench.known()
    bench.clock.advance(60.0)
    bench.hear(conversion=ratio(value=None, note="No pair yet", age=None, contract="/NQM7"))

    assert kept is not None
    assert (kept.factor, kept.known_at) == (FACTOR, at + 3600)
    assert kept.factor_at == pytest.approx(at - 1.0)  # its own time, kept
    state = bench.service.state("/NQ")
    assert state is not None
    assert (state["frozen"], state["problem"]) == (True, "No pair yet")
    assert bench.known() == kept


# ---- a stale link, Cboe -----------------------------------------------------------------


def test_a_link_that_is_down_leaves_the_last_set_with_its_age(bench: Bench) -> None:
    bench.hear()
    before = bench.known()
    bench.clock.advance(600.0)
    bench.hear(status={**LOADED, "state": "stale", "text": "The feed is down."})
    bench.service.step()

    assert bench.known() == before
    state = bench.service.state("/NQ")
    assert state is not None
    assert (state["age"], state["problem"]) == (600.0, "The feed is down.")
    assert bench.service.status.state == "stale"
    assert "known 10m ago" in bench.service.status.detail


Delayed = Callable[[float], Any]


@pytest.fixture
def delayed(chain_of: Callable[..., Any]) -> Delayed:
    """delayed(as_of): a chain of QQQ as Cboe gives it."""
    common = {"root": "QQQ", "expiry": "2026-12-18", "iv": 0.2, "volume": 10.0}
    puts = ((505, 9000), (508, 200), (510, 3000), (513, 1500), (515, 1200), (525, 800))
    rows = [{**common, "strike": at, "right": "P", "oi": float(oi)} for at, oi in puts]
    rows += [{**common, "strike": at, "right": "C", "oi": 500.0} for at in (505, 515, 525)]
    return lambda as_of: chain_of(
        rows, symbol="QQQ", spot=520.4, as_of=as_of, source="CBOE", oi_date=date(2026, 12, 15)
    )


def test_without_live_levels_those_of_cboes_chain_count(
    clock: ManualClock, delayed: Delayed
) -> None:
    bench = Bench(clock)
    bench.chains["QQQ"] = delayed(clock.market() - 900)
    bench.factors["QQQ"] = Factor(
        "/NQH7", "ratio", FACTOR, clock.market() - 2, False, 520.4, 21475.25
    )
    bench.service.step()

    found = bench.known()
    assert found is not None
    assert (found.source, found.known_at) == ("QQQ cboe", clock.market())
    assert dict(found.levels)["put_wall"] == pytest.approx(505 * FACTOR)
    bench.service.step()
    payload = bench.published[-1].payload
    assert (payload["definition"]["feed"], payload["definition"]["source"]) == ("cboe", "CBOE")
    state = bench.service.state("/NQ")
    assert state is not None
    assert state["as_of"] == clock.market() - 900


def test_live_levels_go_before_cboes_and_newer_ones_before_older(
    clock: ManualClock, delayed: Delayed
) -> None:
    bench = Bench(clock)
    bench.factors["QQQ"] = Factor("/NQH7", "ratio", FACTOR, clock.market(), False, 1.0, 1.0)
    bench.hear()
    bench.chains["QQQ"] = delayed(clock.market() + 1)
    bench.service.step()
    live = bench.known()
    bench.hear(status={**LOADED, "state": "stale", "text": "The feed is down."})
    bench.chains["QQQ"] = delayed(clock.market() - 900)  # older than the last live set
    bench.service.step()
    older = bench.known()
    bench.clock.advance(1200.0)
    bench.chains["QQQ"] = delayed(clock.market() - 900)
    bench.service.step()
    newer = bench.known()

    assert live is not None
    assert live.source == "QQQ dxlink"
    assert older == live
    assert newer is not None
    assert newer.source == "QQQ cboe"
    bench.clock.advance(60.0)
    bench.hear()
    back = bench.known()
    assert back is not None
    assert back.source == "QQQ dxlink"


def test_an_underlying_that_is_followed_no_more_leaves_the_place_to_cboe(
    clock: ManualClock, delayed: Delayed
) -> None:
    bench = Bench(clock)
    bench.hear()
    bench.service.hear([Update("gex.levels", "QQQ:all", None)])
    clock.advance(3600.0)
    bench.chains["QQQ"] = delayed(clock.market() - 900)
    bench.service.step()

    found = bench.known()
    assert found is not None
    assert (found.source, found.factor) == ("QQQ cboe", FACTOR)


def test_cboes_levels_wait_for_a_price_of_the_future(clock: ManualClock, delayed: Delayed) -> None:
    bench = Bench(clock)
    bench.chains["QQQ"] = delayed(clock.market() - 900)
    bench.service.step()
    before = bench.known(), bench.service.why("/NQ")
    bench.factors["QQQ"] = Factor("/NQH7", "ratio", FACTOR, clock.market(), False, 1.0, 1.0)
    bench.service.step()

    assert before == (None, "no price of /NQ beside QQQ is known")
    assert bench.known() is not None


# ---- over a restart ---------------------------------------------------------------------


def test_a_restart_goes_on_from_what_was_known_with_its_age(
    clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "levels.db"
    first = Bench(clock, path)
    first.service._begin()
    first.hear()
    first.service.step()
    before, at = first.known(), clock.market()
    clock.advance(20 * 3600.0)
    second = Bench(clock, path)
    nothing = second.service.told("QQQ")
    second.service._begin()

    assert nothing is None
    assert second.known() == before is not None
    state = second.service.state("/NQ")
    assert state is not None
    assert state["age"] == clock.market() - at
    document = second.service.told("QQQ")
    assert document is not None
    assert (document["from_cache"], document["gamma_flip"]) == (True, 21252.5)
    # Until a pair of prices is seen again the kept factor serves, with its own time.
    second.hear(status={**LOADED, "state": "closed"},
                conversion=ratio(value=None, note="No pair of prices yet", age=None))  # fmt: skip
    found = second.known()
    assert found is not None
    assert found.known_at == clock.market()
    assert found.factor_at == pytest.approx(at - 1.0)


def test_moments_long_ago_are_looked_up_in_what_is_kept(clock: ManualClock, tmp_path: Path) -> None:
    bench = Bench(clock, tmp_path / "levels.db")
    bench.service._begin()
    start = clock.market()
    for minute in range(30):
        bench.hear(conversion=ratio(41.0 + minute / 100))
        bench.service.step()
        clock.advance(60.0)

    found = bench.service.known("/NQ", start + 125)

    assert found is not None
    assert found.factor == pytest.approx(41.02)
    assert bench.service.known("/NQ", start - 1) is None


def test_what_another_underlying_was_known_for_is_not_taken_over(
    clock: ManualClock, tmp_path: Path
) -> None:
    first = Bench(clock, tmp_path / "levels.db")
    first.service._begin()
    first.hear()
    first.service.step()
    second = Bench(clock, tmp_path / "levels.db", symbols=("NDX",))
    second.service._begin()

    assert second.known() is None


def test_a_disk_that_refuses_costs_a_warning_and_no_levels(
    clock: ManualClock, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    bench = Bench(clock, blocked / "levels.db")
    bench.service._begin()
    bench.hear()
    bench.service.step()

    assert bench.known() is not None
    assert "not kept" in bench.service.status.detail


def test_a_demo_keeps_nothing(clock: ManualClock, tmp_path: Path) -> None:
    bench = Bench(clock, None)
    bench.service._begin()
    bench.hear()
    bench.service.step()

    assert list(tmp_path.iterdir()) == []
    assert bench.known() is not None


def test_live_levels_are_asked_for_once_a_minute(bench: Bench) -> None:
    for _ in range(121):
        bench.service.step()
        bench.clock.advance(1.0)

    assert bench.touched == ["QQQ", "SPY"] * 3


def test_the_sums_of_a_report_are_its_columns() -> None:
    sums = level_sets.sums_of(report(0.0))

    assert (list(sums.put_oi), list(sums.put_gex)) == (list(PUT_OI), list(PUT_GEX))
    assert list(sums.net_gex) == list(NET_GEX)


def test_the_numbers_of_metrics_are_the_sets_taken_and_failed(bench: Bench) -> None:
    bench.hear()
    bench.clock.advance(60.0)
    bench.hear(spot=None)
    source = {"name": "levels", "mark": "fresh", "facts": bench.service.status.facts}

    lines = prometheus({"ok": True, "sources": [source]}).splitlines()

    assert 'grok_sauce_levels_sets_total{result="successes"} 1' in lines
    assert 'grok_sauce_levels_sets_total{result="failures"} 1' in lines
