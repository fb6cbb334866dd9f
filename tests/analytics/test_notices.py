"""Which change deserves a message: edges, hysteresis, freshness, each told once."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.analytics.notice_edges import GAP, HOLD, Crossing, Rise, Shift, Trouble
from grok_sauce.analytics.notice_policy import Gate, digest_text
from grok_sauce.analytics.notice_text import tame
from grok_sauce.analytics.notices import Facts, Notice, Watch, is_quiet
from grok_sauce.settings.notices import Notices, Quiet, Rules

NOW = 1797449527.0  # Wednesday 2026-12-16, 14:32:07 New York
PAUSE = 900.0


def iso_of(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def gex_report(at: float, spot: float, **values: Any) -> dict[str, Any]:
    flip = values.pop("flip", 5992.5)
    degraded = values.pop("degraded", False)
    return {
        "symbol": "SPX", "as_of": iso_of(at), "status": {"state": "live"}, "spot": spot,
        "spot_age": 0.2, "regime": "positive", "call_wall": 6050.0, "put_wall": 5950.0,
        "call_wall_2": None, "put_wall_2": None,
        "zero_gamma": {"all": {"flip": flip, "degraded": degraded}}, **values,
    }  # fmt: skip


def orb_report(at: float, *minutes: int, side: str = "up") -> dict[str, Any]:
    broken = {"side": side, "at": iso_of(at), "price": 600.42, "entry": 600.4, "stop": 598.0,
              "target": 605.2, "outcome": None}  # fmt: skip
    ranges = [
        {"minutes": each, "high": 600.3, "low": 598.0, "state": side, "breaks": [broken]}
        for each in minutes
    ]
    return {"symbol": "SPY", "day": "2026-12-16", "ranges": ranges}


def event(id: str, at: float, **values: Any) -> dict[str, Any]:
    return {
        "id": id, "title": "CPI m/m", "currency": "USD", "impact": "high", "time": iso_of(at),
        "all_day": False, "forecast": "0.3%", "previous": "0.2%", **values,
    }  # fmt: skip


def source(mark: str, state: str, **values: Any) -> dict[str, Any]:
    return {
        "name": "dxlink", "label": "dxLink", "mark": mark, "state": state, "required": True,
        "last_error": None, "detail": "", **values,
    }  # fmt: skip


def look(watch: Watch, at: float, **facts: Any) -> list[str]:
    return [one.title for one in watch.look(Facts(at, at, **facts))]


# ---- one price and one level -----------------------------------------------------------------


@given(st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=60))
def test_a_price_that_hovers_within_the_band_is_never_told(offsets: list[float]) -> None:
    crossing = Crossing()

    told = [crossing.step(100.0, 100.0 + each, 1.0, NOW + i, PAUSE)
            for i, each in enumerate(offsets)]  # fmt: skip

    assert told == [0] * len(offsets)


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.5, 400)), min_size=1, max_size=60))
def test_crossings_alternate_and_keep_their_pause(moves: list[tuple[float, float]]) -> None:
    crossing, now = Crossing(), NOW
    told: list[tuple[float, int]] = []

    for offset, seconds in moves:
        now += seconds
        side = crossing.step(100.0, 100.0 + offset, 1.0, now, PAUSE)
        if side:
            told.append((now, side))

    for (before, one), (after, other) in itertools.pairwise(told):
        assert after - before >= PAUSE
        assert one == -other


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40), st.sampled_from([-1, 1]))
def test_after_the_pause_what_was_told_is_where_the_price_is(
    offsets: list[float], side: int
) -> None:
    crossing = Crossing()
    for i, each in enumerate(offsets):
        crossing.step(100.0, 100.0 + each, 1.0, NOW + i, PAUSE)

    for i in range(4):  # within the gap, past the pause
        crossing.step(100.0, 100.0 + side * 2, 1.0, NOW + 100 + i * 300, PAUSE)

    assert crossing.told == side


def test_a_wall_at_another_strike_was_not_crossed_by_the_price() -> None:
    crossing = Crossing()
    crossing.step(100.0, 105.0, 1.0, NOW, PAUSE)

    assert crossing.step(110.0, 105.0, 1.0, NOW + 1, PAUSE) == 0
    assert crossing.step(110.0, 112.0, 1.0, NOW + 2, PAUSE) == 1


def test_a_flip_that_drifts_over_the_price_counts_and_one_that_leaps_does_not() -> None:
    drifting, leaping = Crossing(follows=True), Crossing(follows=True)

    drifted = [drifting.step(100.0 + i * 0.4, 101.0, 0.5, NOW + i, PAUSE) for i in range(6)]
    leaped = [leaping.step(level, 101.0, 0.5, NOW, PAUSE) for level in (100.0, 103.0)]

    assert drifted == [0, 0, 0, 0, -1, 0]
    assert leaped == [0, 0]


def test_after_a_long_gap_the_other_side_is_no_news() -> None:
    crossing = Crossing()
    crossing.step(100.0, 105.0, 1.0, NOW, PAUSE)

    assert crossing.step(100.0, 95.0, 1.0, NOW + GAP + 1, PAUSE) == 0


@given(st.lists(st.tuples(st.sampled_from([100.0, 105.0, 110.0]), st.floats(1, 50)), max_size=40))
def test_a_wall_that_flickers_is_told_only_where_it_stayed(
    moves: list[tuple[float, float]],
) -> None:
    shift, now, since, seen = Shift(), NOW, NOW, None

    for value, seconds in moves:
        now += seconds
        if value != seen:
            seen, since = value, now
        moved = shift.step(value, now, PAUSE)
        if moved:
            assert moved[1] == value != moved[0]
            assert now - since >= HOLD


def test_down_at_first_sight_is_not_told_nor_its_end() -> None:
    trouble = Trouble(30.0)

    assert [trouble.step(True, NOW + i * 20) for i in range(5)] == [None] * 5
    assert trouble.step(False, NOW + 100) is None
    assert [trouble.step(True, NOW + 101), trouble.step(True, NOW + 131)] == [None, "down"]
    assert trouble.step(False, NOW + 191) == "back"
    assert trouble.lasted == 90.0


def test_a_count_found_at_the_start_is_old_and_growth_is_told_once_a_minute() -> None:
    rise = Rise()

    told = [rise.step(count, NOW + at) for at, count in
            [(0, 3), (1, 4), (2, 5), (62, 5), (63, 5), (64, 0), (130, 1)]]  # fmt: skip

    assert told == [False, True, False, True, False, False, True]


# ---- rules -----------------------------------------------------------------------------------


def test_spot_across_zero_gamma_and_walls_is_told_in_words() -> None:
    watch = Watch(Notices())
    look(watch, NOW, gex={"SPX": gex_report(NOW, 6012.36)})

    found = watch.look(Facts(NOW + 1, NOW + 1, {"SPX": gex_report(NOW + 1, 5985.0)}))

    assert [(one.rule, one.severity, one.title, one.link) for one in found] == [
        ("flip", "warn", "SPX below zero gamma 5,992.50", "/gex/SPX")
    ]
    assert found[0].text == "SPX 5,985.00, 7.50 below it. Net gamma is positive."


@pytest.mark.parametrize(
    "values",
    [
        {"status": {"state": "stale"}},
        {"status": {"state": "closed"}},
        {"spot_age": 61.0},
        {"spot_age": None},
        {"spot": None},
        {"as_of": iso_of(NOW - 120)},
        {"degraded": True},
        {"flip": None},
    ],
    ids=lambda values: next(iter(values)),
)
def test_stale_or_missing_levels_tell_nothing(values: dict[str, Any]) -> None:
    watch = Watch(Notices())
    look(watch, NOW, gex={"SPX": gex_report(NOW, 6012.36)})
    report = gex_report(NOW + 1, 5985.0, **{k: v for k, v in values.items() if k != "spot"})

    assert look(watch, NOW + 1, gex={"SPX": {**report, **values}}) == []


def test_a_wall_that_moved_and_stayed_is_told() -> None:
    watch = Watch(Notices())
    told = []

    for second in range(0, 130, 10):
        wall = 6050.0 if second < 30 else 6100.0
        report = gex_report(NOW + second, 6012.36, call_wall=wall)
        told += look(watch, NOW + second, gex={"SPX": report})

    assert told == ["SPX call wall now 6,100"]


def test_a_fresh_break_is_told_once_for_all_ranges_and_an_old_one_never() -> None:
    watch = Watch(Notices())
    fresh, old = orb_report(NOW - 20, 5, 15, 30), orb_report(NOW - 600, 5, side="down")

    found = watch.look(Facts(NOW, NOW, orb={"SPY": fresh}))

    assert [one.title for one in found] == ["SPY above its 5, 15 and 30 minute opening range"]
    assert "Entry 600.40, stop 598.00, target 605.20." in found[0].text
    assert look(watch, NOW + 1, orb={"SPY": fresh}) == []
    assert look(watch, NOW + 2, orb={"SPY": old}) == []
    assert look(Watch(Notices(), found[0].keys), NOW + 3, orb={"SPY": fresh}) == []


def test_a_break_of_a_symbol_whose_price_is_not_live_is_not_told() -> None:
    facts = Facts(NOW, NOW, orb={"SPY": orb_report(NOW, 5)}, is_live=lambda symbol: False)

    assert Watch(Notices()).look(facts) == []


def test_events_of_one_minute_are_one_notice_once_even_after_a_restart() -> None:
    at = NOW + 14 * 60 + 10
    week = {"on": True, "events": [
        event("a", at), event("b", at, title="Core\r\nCPI @everyone"),
        event("c", at, currency="JPY"), event("d", at, impact="medium"),
        event("e", NOW + 3600), event("f", NOW - 60), event("g", at, all_day=True),
    ]}  # fmt: skip
    watch = Watch(Notices())

    found = watch.look(Facts(NOW, NOW, calendar=week))

    assert [one.title for one in found] == ["USD CPI m/m and 1 more in 14 min"]
    assert "USD Core CPI ＠everyone" in found[0].text
    assert look(watch, NOW + 60, calendar=week) == []
    assert look(Watch(Notices(), found[0].keys), NOW + 60, calendar=week) == []


def test_an_event_that_moved_is_told_again() -> None:
    watch = Watch(Notices())
    look(watch, NOW, calendar={"events": [event("a", NOW + 600)]})

    moved = look(watch, NOW + 60, calendar={"events": [event("a", NOW + 900)]})

    assert moved == ["USD CPI m/m in 14 min"]


def test_a_source_is_down_after_half_a_minute_and_back_when_live() -> None:
    watch = Watch(Notices())
    states = [
        (0, "fresh", "live"), (10, "down", "backoff"), (30, "late", "connecting"),
        (41, "down", "backoff"), (60, "late", "connecting"), (130, "fresh", "live"),
    ]  # fmt: skip

    told = [
        look(watch, NOW + at, health={"sources": [source(mark, state, last_error="cut")]})
        for at, mark, state in states
    ]

    assert told == [[], [], [], ["dxLink is down"], [], ["dxLink is back"]]


def test_a_short_cut_is_no_news() -> None:
    watch = Watch(Notices())
    states = [(0, "fresh", "live"), (10, "down", "backoff"), (20, "fresh", "live"),
              (35, "down", "backoff"), (50, "fresh", "live")]  # fmt: skip

    told = [
        one
        for at, mark, state in states
        for one in look(watch, NOW + at, health={"sources": [source(mark, state)]})
    ]

    assert told == []


def test_a_refused_source_is_urgent_and_says_that_somebody_must_act() -> None:
    watch = Watch(Notices())
    look(watch, NOW, health={"sources": [source("fresh", "live")]})
    refused = {"sources": [source("down", "auth_failed", required=False, last_error="revoked")]}
    look(watch, NOW + 1, health=refused)

    (found,) = watch.look(Facts(NOW + 40, NOW + 40, health=refused))

    assert (found.title, found.severity) == ("dxLink was refused", "urgent")
    assert found.text == "revoked. No further try until somebody acts."


def test_alerts_that_need_somebody_are_told_when_they_grow() -> None:
    watch = Watch(Notices())
    lamp = {"mark": "down", "text": "3 need you", "needs": 3}

    told = [
        look(watch, NOW + at, health={"router": {**lamp, "needs": needs, "text": f"{needs} need"}})
        for at, needs in [(0, 3), (1, 3), (2, 4), (80, 4), (90, 0), (160, 1)]
    ]

    assert told == [[], [], ["Alert router: 4 need"], [], [], ["Alert router: 1 need"]]


def test_a_rule_that_is_switched_on_does_not_tell_of_the_past() -> None:
    watch = Watch(Notices(rules=Rules(orb=False, flip=False)))
    look(watch, NOW, gex={"SPX": gex_report(NOW, 6012.36)}, orb={"SPY": orb_report(NOW, 5)})
    look(watch, NOW + 1, gex={"SPX": gex_report(NOW + 1, 5985.0)})

    watch.chosen = Notices()

    assert look(watch, NOW + 2, gex={"SPX": gex_report(NOW + 2, 5985.0)},
                orb={"SPY": orb_report(NOW, 5)}) == []  # fmt: skip


@given(st.lists(st.floats(5900, 6100), min_size=1, max_size=50))
def test_ids_of_notices_never_repeat(spots: list[float]) -> None:
    watch, seen = Watch(Notices(cooldown=1)), []

    for i, spot in enumerate(spots):
        at = NOW + i * 61
        report = gex_report(at, spot)
        seen += [one.id for one in watch.look(Facts(at, at, {"SPX": report}))]

    assert len(seen) == len(set(seen))


@given(st.text(max_size=300))
def test_tamed_text_is_one_harmless_line(text: str) -> None:
    found = tame(text)

    assert len(found) <= 200
    assert not any(char in found for char in "\r\n\t@<>`*|\x00\u2028\u202e")


# ---- when it may be heard --------------------------------------------------------------------


def notice_of(number: int, severity: Any = "info") -> Notice:
    return Notice((f"n{number}",), NOW + number, "level", severity, f"Title {number}", "Text")


@pytest.mark.parametrize(
    "start, end, quiet",
    [("14:00", "15:00", True), ("14:32", "14:33", True), ("15:00", "14:32", False),
     ("20:00", "14:33", True), ("14:32", "14:32", False), ("20:00", "07:00", False)],
)  # fmt: skip
def test_quiet_hours_are_new_york_times_and_may_span_midnight(
    start: str, end: str, quiet: bool
) -> None:
    assert is_quiet(NOW, start, end) is quiet


@given(st.lists(st.tuples(st.floats(0, 900), st.booleans()), max_size=80), st.integers(1, 6))
def test_never_more_than_the_limit_in_any_hour(
    arrivals: list[tuple[float, bool]], limit: int
) -> None:
    gate, chosen, now = Gate(), Notices(per_hour=limit), NOW
    went: list[float] = []

    for i, (pause, urgent) in enumerate(arrivals):
        now += pause
        if gate.admit(notice_of(i, "urgent" if urgent else "warn"), chosen, NOW, now) and (
            not urgent
        ):
            went.append(now)

    for at in went:
        assert sum(at - 3600 < other <= at for other in went) <= limit


def test_what_is_too_much_comes_as_one_digest_after_the_pause() -> None:
    gate, chosen = Gate(), Notices(per_hour=2, digest=30)

    admitted = [gate.admit(notice_of(i), chosen, NOW, NOW + i) for i in range(5)]
    early, due = gate.digest(chosen, NOW, NOW + 1700), gate.digest(chosen, NOW, NOW + 1810)

    assert admitted == [True, True, False, False, False]
    assert early == []
    assert digest_text(due) == (
        "3 notices since 14:32",
        "14:32  Title 2\n14:32  Title 3\n14:32  Title 4",
    )
    assert gate.digest(chosen, NOW, NOW + 9999) == []


def test_quiet_hours_hold_all_but_what_is_urgent_until_they_end() -> None:
    quiet = Notices(quiet=Quiet(enabled=True, start="14:00", end="15:00"))
    strict = replace(quiet, quiet=replace(quiet.quiet, urgent=False))
    gate = Gate()

    assert not gate.admit(notice_of(1), quiet, NOW, NOW)
    assert gate.admit(notice_of(2, "urgent"), quiet, NOW, NOW)
    assert not gate.admit(notice_of(3, "urgent"), strict, NOW, NOW)
    assert gate.digest(quiet, NOW, NOW + 86400) == []
    assert [one.id for one in gate.digest(quiet, NOW + 1800, NOW + 1)] == ["n1", "n3"]
