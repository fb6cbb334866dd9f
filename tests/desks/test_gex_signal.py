"""The signal service's levels: where they come from, on what scale, how often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from grok_sauce.controls import Controls
from grok_sauce.desks.gex_signal import COOLDOWN, NoLevels, SignalLevels, SignalSettings, signal
from grok_sauce.errors import SettingsError
from grok_sauce.questions import Questions
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.runtime.concurrency import spawn

RATIO = {
    "contract": "/NQZ6",
    "kind": "ratio",
    "value": 21475.25 / 520.40,
    "age": 1.0,
    "frozen": False,
    "tick": 0.25,
    "note": None,
}


def qqq(**values: Any) -> dict[str, Any]:
    """A payload of QQQ with what matters here."""
    return {
        "symbol": "QQQ",
        "as_of": "2026-12-16T19:32:07Z",
        "source": "DEMO",
        "status": {"state": "live", "text": ""},
        "oi_date": "2026-12-15",
        "spot": 520.40,
        "totals": {"call": 5e9, "put": 7.5e9, "net": -2.5e9},
        "regime": "negative",
        "zero_gamma": {"all": {"flip": 515.0}, "zero_dte": None, "ex_zero_dte": None},
        "call_wall": 525.0,
        "put_wall": None,
        "resistance": {
            "by_strength": [525.0, 522.0],
            "by_distance": [521.0, 522.0, 523.0, 524.0, 525.0, 526.0],
        },
        "support": {"by_strength": [515.0], "by_distance": [515.0]},
        "conversion": RATIO,
        "definition": {"dealer": "calls +, puts -"},
        "levels": [{"key": "call_wall", "value": 525.0}],
        **values,
    }


class House:
    """A machine with answers to change, and what was asked of it."""

    def __init__(self, clock: ManualClock) -> None:
        self.snapshot: dict[tuple[str, str], Any] = {}
        self.answers: dict[str, Any] = {"gex.levels": None, "gex.last": None}
        self.asked: list[str] = []
        self.questions, self.controls = Questions(spawn), Controls()
        for name in self.answers:
            self.questions.register(name, self._answer(name))
        SignalLevels("qqq", self._newest, self.questions, clock.market).register(self.controls)

    def _newest(self, topic: str, key: str) -> Any:
        return self.snapshot.get((topic, key))

    def _answer(self, name: str) -> Callable[..., Any]:
        def answer(**params: Any) -> Any:
            self.asked.append(name)
            assert params["symbol"] == "QQQ"
            return self.answers[name]

        return answer

    def refresh(self, **params: Any) -> Any:
        return self.controls.do("gex.refresh", **params)

    def levels(self) -> Any:
        return self.questions.ask("gex.e80")


@pytest.fixture
def house(clock: ManualClock) -> House:
    return House(clock)


def test_levels_are_carried_to_the_future_by_the_ratio_in_use_and_its_tick() -> None:
    # Expected numbers: a level of 515 at QQQ 520.40 and NQ 21475.25 stands for 21252.50.
    found = signal(qqq(), from_cache=False)

    assert found["gamma_flip"] == 21252.5
    assert found["multiplier"] == pytest.approx(41.266814)
    assert (found["qqq_spot"], found["nq_spot"]) == (520.40, 21475.25)
    assert (found["total_gex"], found["regime"]) == (-2.5, "negative")
    assert found["put_wall"] is None
    assert found["resistance"] == [round(4 * k * RATIO["value"]) / 4 for k in range(521, 526)]  # type: ignore[operator]
    assert found["support"] == [21252.5]
    assert found["levels"] == [{"key": "call_wall", "value": 525.0}]


def test_an_indexs_own_future_is_a_basis_away_and_has_no_multiplier() -> None:
    basis = {**RATIO, "kind": "basis", "value": 85.15}

    found = signal(qqq(symbol="NDX", spot=21390.1, call_wall=21000.0, conversion=basis), False)

    assert (found["call_wall"], found["multiplier"]) == (21085.25, None)
    assert found["definition"]["symbol"] == "NDX"


def test_without_a_conversion_no_price_of_the_future_is_made_up() -> None:
    found = signal(qqq(conversion=None), from_cache=False)

    prices = ("nq_spot", "multiplier", "gamma_flip", "call_wall", "put_wall")
    assert [found[name] for name in prices] == [None] * 5
    assert (found["resistance"], found["support"]) == ([None] * 5, [None])
    assert (found["qqq_spot"], found["total_gex"]) == (520.40, -2.5)


def test_a_frozen_factor_does_not_say_where_the_future_stands() -> None:
    frozen = {**RATIO, "frozen": True}

    assert signal(qqq(conversion=frozen), False)["nq_spot"] is None
    assert signal(qqq(conversion=frozen), False)["gamma_flip"] == 21252.5


def test_the_unknown_stays_unknown() -> None:
    empty = qqq(
        spot=None,
        regime=None,
        totals={"call": None, "put": None, "net": None},
        zero_gamma={"all": None},
        call_wall=None,
        resistance={"by_strength": [], "by_distance": []},
    )

    found = signal(empty, from_cache=False)

    for name in ("qqq_spot", "nq_spot", "total_gex", "regime", "gamma_flip", "call_wall"):
        assert found[name] is None
    assert found["resistance"] == []


def test_what_the_engine_told_last_is_taken_first(house: House) -> None:
    house.snapshot["gex.levels", "QQQ:all"] = qqq(spot=1.0)
    house.answers["gex.levels"] = qqq(spot=2.0)

    found = house.levels()

    assert (found["qqq_spot"], found["from_cache"], house.asked) == (1.0, False, [])


def test_a_symbol_nobody_follows_is_calculated(house: House) -> None:
    house.snapshot["gex.levels", "QQQ:all"] = qqq(status={"state": "loading", "text": ""})
    house.answers["gex.levels"] = qqq(spot=2.0)

    assert (house.levels()["qqq_spot"], house.levels()["from_cache"]) == (2.0, False)


def test_without_live_levels_the_kept_ones_are_told_as_such(house: House) -> None:
    house.answers["gex.last"] = qqq(as_of="2026-12-11T20:59:00Z")

    found = house.levels()

    assert (found["timestamp"], found["from_cache"]) == ("2026-12-11T20:59:00Z", True)


@pytest.mark.parametrize(
    "answer, words",
    [
        (None, "no levels of QQQ: nothing has arrived yet"),
        ({"status": {"state": "no_chain", "text": "QQQ has no options"}}, "QQQ has no options"),
        ({"status": {"state": "loading", "text": ""}}, "the chain is loading"),
    ],
)
def test_no_levels_at_all_say_why(house: House, answer: Any, words: str) -> None:
    house.answers["gex.levels"] = answer

    assert words in house.levels().reason
    with pytest.raises(NoLevels, match=words):
        house.refresh()


def test_a_refresh_calculates_and_then_cools_down(house: House, clock: ManualClock) -> None:
    house.answers["gex.levels"] = qqq(spot=1.0)
    first = house.refresh()
    house.answers["gex.levels"] = qqq(spot=2.0)

    clock.advance(COOLDOWN - 1)
    soon = house.refresh()
    forced = house.refresh(force=True)
    clock.advance(COOLDOWN - 1)
    still = house.refresh()
    clock.advance(1)
    house.answers["gex.levels"] = qqq(spot=3.0)
    later = house.refresh()

    spots = [found["qqq_spot"] for found in (first, soon, forced, still, later)]
    assert spots == [1.0, 1.0, 2.0, 2.0, 3.0]
    cached = [found["from_cache"] for found in (first, soon, forced, still, later)]
    assert cached == [False, True, False, True, False]


def test_a_refresh_that_fell_back_to_kept_levels_does_not_cool_down(
    house: House, clock: ManualClock
) -> None:
    house.answers["gex.last"] = qqq(spot=1.0)
    fallen = house.refresh()
    house.answers["gex.levels"] = qqq(spot=2.0)
    clock.advance(1)

    found = house.refresh()

    assert (fallen["from_cache"], found["from_cache"], found["qqq_spot"]) == (True, False, 2.0)


def test_a_clock_set_back_does_not_hold_a_refresh_up(house: House, clock: ManualClock) -> None:
    house.answers["gex.levels"] = qqq(spot=1.0)
    house.refresh()
    clock.advance(-86_400)
    house.answers["gex.levels"] = qqq(spot=2.0)

    assert house.refresh()["qqq_spot"] == 2.0


def test_a_symbol_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsError) as caught:
        SignalSettings(("Q Q",))

    assert caught.value.field == "GEX_SYMBOL"


# ---- with the level service, and Cboe ----------------------------------------------------


class Kept:
    """What the level service has, to set by hand."""

    def __init__(self) -> None:
        self.document: dict[str, Any] | None = None
        self.looked = 0
        self.live = False
        self.found: dict[str, Any] | None = None

    def told(self, symbol: str) -> dict[str, Any] | None:
        return self.document

    def is_live(self, symbol: str) -> bool:
        return self.live

    def carried(self, symbol: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return payload if payload["conversion"] else {**payload, "conversion": RATIO}

    def look(self, symbol: str) -> None:
        self.looked += 1
        self.document = self.found or self.document


def delayed(spot: float) -> dict[str, Any]:
    return signal(qqq(spot=spot, source="CBOE"), from_cache=False, feed="cboe")


class Backed:
    """The doors with a level service and a Cboe that answers or not."""

    def __init__(self, clock: ManualClock) -> None:
        self.house, self.kept = House(clock), Kept()
        self.fetched: list[str] = []
        self.comes = True
        self.doors = SignalLevels(
            "QQQ", self.house._newest, self.house.questions, clock.market, None, self.kept,
            self._fetch,
        )  # fmt: skip

    def _fetch(self, symbol: str) -> bool:
        self.fetched.append(symbol)
        return self.comes


@pytest.fixture
def backed(clock: ManualClock) -> Backed:
    return Backed(clock)


def test_while_options_are_live_cboe_is_not_asked(backed: Backed) -> None:
    backed.house.snapshot["gex.levels", "QQQ:all"] = qqq(spot=1.0)
    backed.house.answers["gex.levels"] = qqq(spot=2.0)
    backed.kept.document = delayed(3.0)

    found = backed.doors.refresh(force=True)

    assert (found["qqq_spot"], found["definition"]["feed"]) == (2.0, "dxlink")
    assert backed.doors.levels()["qqq_spot"] == 1.0
    assert backed.fetched == []


def test_a_refresh_without_live_options_has_cboe_asked(backed: Backed) -> None:
    backed.kept.document, backed.kept.found = delayed(3.0), delayed(4.0)

    before = backed.doors.levels()
    found = backed.doors.refresh()
    again = backed.doors.refresh()

    assert (before["qqq_spot"], found["qqq_spot"], again["qqq_spot"]) == (3.0, 4.0, 4.0)
    assert (found["definition"]["feed"], found["from_cache"]) == ("cboe", False)
    assert again["from_cache"]
    assert (backed.fetched, backed.kept.looked) == (["QQQ"], 1)


def test_the_cool_down_runs_in_market_time(backed: Backed, clock: ManualClock) -> None:
    backed.kept.found = delayed(4.0)
    backed.doors.refresh()
    clock.set_market(clock.market() + COOLDOWN)

    backed.doors.refresh()

    assert len(backed.fetched) == 2


def test_without_an_answer_the_last_levels_are_told_as_kept(backed: Backed) -> None:
    backed.comes = False
    backed.kept.document = {**signal(qqq(spot=5.0), False, "dxlink"), "from_cache": True}

    found = backed.doors.refresh()

    assert (found["qqq_spot"], found["from_cache"]) == (5.0, True)
    assert backed.kept.looked == 0


def test_a_report_without_a_factor_is_carried_by_the_kept_one(backed: Backed) -> None:
    backed.house.snapshot["gex.levels", "QQQ:all"] = qqq(conversion=None)

    assert backed.doors.levels()["gamma_flip"] == 21252.5


def test_a_conversion_that_is_not_known_yet_is_told_with_its_reason() -> None:
    # What the engine tells while the future's price has not come: everything but a value.
    waits = {**RATIO, "value": None, "age": None, "note": "No price of /NQZ6 yet"}

    found = signal(qqq(conversion=waits), from_cache=False)

    reasons = found["definition"]["reasons"]
    for name in ("nq_spot", "multiplier", "gamma_flip", "call_wall", "resistance", "support"):
        assert reasons[name] == "No price of /NQZ6 yet"
    assert (found["call_wall"], found["support"]) == (None, [None])


def test_every_none_has_a_reason() -> None:
    nothing = qqq(
        spot=None, regime=None, totals={"call": None, "put": None, "net": None},
        zero_gamma={"all": {"flip": None, "reason": "one_sided"}}, call_wall=None,
    )  # fmt: skip

    found = signal(nothing, from_cache=False)

    empty = {name for name, value in found.items() if value is None}
    assert empty <= set(found["definition"]["reasons"])
    assert found["definition"]["reasons"]["gamma_flip"] == "one_sided"


def test_half_a_chain_is_not_told_of(backed: Backed) -> None:
    half = qqq(status={"state": "live", "text": "", "loaded": 600, "of": 1000})
    backed.house.snapshot["gex.levels", "QQQ:all"] = half
    backed.house.answers["gex.levels"] = half

    with pytest.raises(NoLevels, match="600 of 1,000 options have arrived"):
        backed.doors.levels()
    backed.kept.live = True  # the service found that no more come
    assert backed.doors.levels()["qqq_spot"] == 520.40
